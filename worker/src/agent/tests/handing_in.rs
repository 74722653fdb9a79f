//! Reports, deliveries, and the end of a worker.

use super::super::ending::DRAIN_PATIENCE;
use super::*;

#[test]
fn reports_are_coalesced_while_one_is_under_way() {
    let mut world = World::rendering(lease(1, 1..=5));
    for frame in 1..=3 {
        world.deliver(frame);
    }
    let first = world.reports();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].finished.len(), 1);
    world.answer(Outcome::Accepted);
    assert_eq!(world.report().finished.len(), 2);
}

#[test]
fn a_failed_report_is_repeated_with_everything_it_carried() {
    let mut world = World::rendering(lease(1, 1..=3));
    world.deliver(1);
    assert_eq!(world.report().finished.len(), 1);
    world.happens(Event::ReportFailed {
        retry_in: Duration::from_secs(4),
    });
    world.deliver(2);
    assert!(world.reports().is_empty(), "not before the back-off ends");
    world.wait(Duration::from_secs(4));
    assert_eq!(world.report().finished.len(), 2);
}

#[test]
fn a_report_that_waits_goes_out_when_the_line_is_back() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.deliver(1);
    world.report();
    world.happens(Event::ReportFailed {
        retry_in: Duration::from_secs(300),
    });
    world.happens(Event::LineIsBack);
    assert_eq!(world.report().finished.len(), 1);
}

#[test]
fn leases_are_renewed_while_a_frame_renders() {
    let mut world = World::rendering(lease(1, 1..=2));
    world.says(SessionEvent::Progressed { fraction: 0.5 });
    assert!(world.reports().is_empty());
    world.wait(Duration::from_secs(2));
    let report = world.report();
    assert_eq!(report.holding, [attempt(1), attempt(2)]);
    assert!((report.progress[0].fraction - 0.5).abs() < 1e-6);
}

#[test]
fn a_missing_output_is_uploaded_and_reported_again() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.deliver(1);
    world.report();
    world.answer(Outcome::Refused {
        why: Refusal::OutputMissing,
        detail: None,
    });
    assert!(world.did(|effect| matches!(effect, Effect::Upload { .. })));
    world.happens(Event::Uploaded {
        attempt: attempt(1),
    });
    assert_eq!(world.report().finished.len(), 1);
    world.answer(Outcome::Accepted);
    assert!(world.did(|effect| matches!(effect, Effect::Discard { .. })));
}

#[test]
fn an_end_that_the_answer_does_not_mention_is_reported_again() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.deliver(1);
    world.report();
    world.happens(Event::ReportAnswered(ReportAnswer::default()));
    world.wait(Duration::from_secs(2));
    assert_eq!(world.report().finished.len(), 1);
}

#[test]
fn a_lost_frame_stops_but_a_rendered_one_is_still_handed_in() {
    let mut world = World::rendering(lease(1, 1..=3));
    world.says(rendered());
    world.wait(Duration::from_secs(2));
    assert_eq!(world.report().holding.len(), 3);
    let lost = vec![attempt(1), attempt(2), attempt(3)];
    let effects = world.happens(Event::ReportAnswered(ReportAnswer {
        lost,
        ..Default::default()
    }));
    assert!(ends(&effects[0]));
    world.store(1);
    world.happens(Event::Uploaded {
        attempt: attempt(1),
    });
    let report = world.report();
    assert_eq!(report.finished.len(), 1);
    assert!(report.stopped.is_empty() && report.holding.is_empty());
}

#[test]
fn outputs_of_an_earlier_start_are_handed_in_after_hello() {
    let finished = Finished {
        attempt: attempt(9),
        output: content(9),
        size_bytes: 10,
        render_ms: 1,
        memory_bytes: None,
        energy_millijoules: Some(12),
    };
    let mut setup = setup(1);
    setup.journal = vec![Leftover {
        frame: 9,
        finished: finished.clone(),
    }];
    let mut world = World::with(setup);
    assert!(
        world.did(
            |effect| matches!(effect, Effect::Greet { journal, .. } if journal == &[attempt(9)])
        )
    );
    world.welcome();
    assert!(world.did(|effect| matches!(effect, Effect::Upload { .. })));
    world.happens(Event::Uploaded {
        attempt: attempt(9),
    });
    assert_eq!(world.report().finished, [finished]);
}

#[test]
fn draining_finishes_the_frame_hands_back_the_rest_and_exits() {
    let mut world = World::rendering(lease(1, 1..=3));
    world.happens(Event::Drain);
    assert_eq!(world.report().returned, [attempt(2), attempt(3)]);
    world.answer(Outcome::Accepted);
    world.deliver(1);
    assert_eq!(world.report().finished.len(), 1);
    world.says(ended());
    assert!(!world.did(|effect| matches!(effect, Effect::Exit(_))));
    world.answer(Outcome::Accepted);
    assert!(world.did(|effect| matches!(effect, Effect::Exit(_))));
}

#[test]
fn draining_without_a_network_ends_after_a_while_and_keeps_the_journal() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.happens(Event::Drain);
    world.deliver(1);
    world.says(ended());
    world.report();
    world.happens(Event::ReportFailed {
        retry_in: Duration::from_secs(300),
    });
    world.wait(DRAIN_PATIENCE);
    assert!(world.did(|effect| matches!(effect, Effect::Exit(_))));
    assert!(!world.did(|effect| matches!(effect, Effect::Discard { .. })));
}

#[test]
fn stopping_at_once_returns_everything() {
    let mut world = World::rendering(lease(1, 1..=2));
    let effects = world.happens(Event::StopNow);
    assert!(ends(&effects[0]));
    assert_eq!(world.report().returned, [attempt(1), attempt(2)]);
    world.answer(Outcome::Accepted);
    assert!(world.did(|effect| matches!(effect, Effect::Exit(_))));
}

#[test]
fn drained_by_the_coordinator_the_worker_stays_and_asks_on() {
    let mut world = World::rendering(lease(1, 1..=3));
    world.happens(Event::Commanded(Command::Drain));
    assert_eq!(world.report().returned, [attempt(2), attempt(3)]);
    world.answer(Outcome::Accepted);
    assert!(world.did(|effect| matches!(effect, Effect::Ask { .. })));
    assert!(!world.did(ends));
}

#[test]
fn a_picture_that_the_coordinator_will_not_take_fails_without_an_upload() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.says(rendered());
    world.happens(Event::Stored {
        attempt: attempt(1),
        output: content(1),
        size_bytes: u64::MAX,
    });
    assert!(!world.did(|effect| matches!(effect, Effect::Upload { .. })));
    assert_eq!(world.report().failed.len(), 1);
}

#[test]
fn an_unknown_worker_says_hello_again_and_loses_nothing() {
    let mut world = World::rendering(lease(1, 1..=2));
    world.deliver(1);
    world.report();
    world.happens(Event::HelloWanted);
    world.happens(Event::ReportFailed {
        retry_in: Duration::ZERO,
    });
    assert!(world.did(|effect| matches!(effect, Effect::Greet { .. })));
    assert!(world.reports().is_empty());
    world.welcome();
    let report = world.report();
    assert_eq!(
        (report.finished.len(), report.holding),
        (1, vec![attempt(2)])
    );
}
