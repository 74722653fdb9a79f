//! Sessions, leases, scenes, and what goes wrong while a frame renders.

use super::*;

#[test]
fn a_session_is_started_before_any_scene_comes() {
    let mut world = World::new(1);
    assert!(world.did(|effect| starts(effect) == Some(OTHER_SERIES)));
    world.welcome();
    assert!(world.did(|effect| matches!(effect, Effect::Ask { slot: 0, .. })));
    assert!(world.did(|effect| matches!(effect, Effect::Listen)));
}

#[test]
fn the_order_to_render_the_next_frame_comes_before_everything_else() {
    let mut world = World::rendering(lease(1, 1..=3));
    let effects = world.says(SessionEvent::Rendered {
        render_ms: 200,
        memory_bytes: None,
        energy_millijoules: None,
    });
    assert_eq!(renders(&effects[0]), Some(2));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Store(_)))
    );
}

#[test]
fn the_next_lease_is_asked_for_while_the_last_frames_render() {
    let mut world = World::rendering(lease(1, 1..=4));
    assert!(!world.did(|effect| matches!(effect, Effect::Ask { .. })));
    world.says(rendered());
    assert!(
        !world.did(|effect| matches!(effect, Effect::Ask { .. })),
        "two are left"
    );
    world.says(rendered());
    assert!(
        world.did(|effect| matches!(effect, Effect::Ask { .. })),
        "one is left"
    );
}

#[test]
fn a_slow_slot_does_not_sit_on_frames_that_others_could_start() {
    let mut world = World::rendering(lease(1, 1..=2));
    world.wait(Duration::from_secs(60));
    world.says(rendered());
    assert!(!world.did(|effect| matches!(effect, Effect::Ask { .. })));
    let wake = world.agent.next_wake(world.now).unwrap();
    assert!(wake <= world.now + Duration::from_secs(45));
    world.wait(Duration::from_secs(45));
    assert!(world.did(|effect| matches!(effect, Effect::Ask { .. })));
}

#[test]
fn the_same_scene_stays_open_across_leases() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.says(rendered());
    let effects = world.happens(Event::Leased {
        slot: 0,
        lease: lease(1, 2..=2).into(),
    });
    assert_eq!(renders(&effects[0]), Some(2));
}

#[test]
fn other_settings_open_the_scene_anew() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.says(rendered());
    let mut next = lease(1, 2..=2);
    next.settings.samples = Some(7);
    let effects = world.happens(Event::Leased {
        slot: 0,
        lease: next.into(),
    });
    assert!(opens(&effects[0]));
}

#[test]
fn a_lease_for_another_runtime_restarts_the_session_with_it() {
    let mut world = World::idle();
    let mut other = lease(1, 1..=1);
    other.runtime = OTHER_SERIES;
    let effects = world.happens(Event::Leased {
        slot: 0,
        lease: other.into(),
    });
    assert!(ends(&effects[0]));
    world.says(ended());
    assert!(world.did(|effect| starts(effect) == Some(OTHER_SERIES)));
}

#[test]
fn a_lease_for_a_runtime_that_is_not_here_fails_with_the_reason() {
    let mut world = World::idle();
    let mut foreign = lease(1, 1..=1);
    foreign.runtime = Series::new(3, 6);
    world.happens(Event::Leased {
        slot: 0,
        lease: foreign.into(),
    });
    assert!(world.report().failed[0].message.contains("3.6"));
}

#[test]
fn stopping_the_frame_that_renders_kills_blender_and_the_rest_goes_on() {
    let mut world = World::rendering(lease(1, 1..=3));
    let effects = world.happens(Event::Commanded(Command::Stop {
        attempt: attempt(1),
    }));
    assert!(ends(&effects[0]));
    assert_eq!(world.report().stopped, [attempt(1)]);
    world.says(ended());
    world.says(SessionEvent::Ready);
    world.says(SessionEvent::Opened);
    assert!(world.did(|effect| renders(effect) == Some(2)));
}

#[test]
fn a_stop_for_a_waiting_frame_leaves_the_rendering_one_alone() {
    let mut world = World::rendering(lease(1, 1..=3));
    let stop = Event::Commanded(Command::Stop {
        attempt: attempt(3),
    });
    let effects = world.happens(stop.clone());
    assert!(!effects.iter().any(ends));
    assert_eq!(world.report().stopped, [attempt(3)]);
    world.answer(Outcome::Accepted);
    assert_eq!(world.happens(stop), [], "a repeated command is harmless");
}

#[test]
fn what_a_killed_blender_still_said_does_not_touch_another_frame() {
    let mut world = World::rendering(lease(1, 1..=2));
    let killed = world.session;
    world.happens(Event::Commanded(Command::Stop {
        attempt: attempt(1),
    }));
    let what = rendered();
    let effects = world.happens(Event::Session {
        slot: 0,
        session: killed,
        what,
    });
    assert_eq!(effects, []);
    assert!(!world.did(|effect| matches!(effect, Effect::Store(_))));
}

#[test]
fn an_attempt_that_was_never_heard_of_is_reported_as_stopped_all_the_same() {
    let mut world = World::idle();
    world.happens(Event::Commanded(Command::Stop {
        attempt: attempt(77),
    }));
    assert_eq!(world.report().stopped, [attempt(77)]);
}

#[test]
fn a_crash_costs_one_frame_and_the_rest_of_the_lease_goes_on() {
    let mut world = World::rendering(lease(1, 1..=3));
    world.says(SessionEvent::Logged("Segmentation fault".into()));
    world.says(ended());
    let report = world.report();
    assert_eq!(report.failed[0].attempt, attempt(1));
    assert_eq!(report.logs[0].text, "Segmentation fault");
    assert_eq!(report.holding, [attempt(2), attempt(3)]);
    world.says(SessionEvent::Ready);
    world.says(SessionEvent::Opened);
    assert!(world.did(|effect| renders(effect) == Some(2)));
}

#[test]
fn a_scene_fault_at_open_fails_the_whole_lease() {
    let mut world = World::idle();
    world.happens(Event::Leased {
        slot: 0,
        lease: lease(1, 1..=3).into(),
    });
    world.happens(Event::SceneReady {
        content: content(1),
    });
    world.says(SessionEvent::Logged("reading".into()));
    world.says(SessionEvent::OpenFailed {
        fault: RenderFault::NoCamera,
        message: "no camera".into(),
    });
    let report = world.report();
    assert_eq!(report.failed.len(), 3);
    assert!(
        report
            .failed
            .iter()
            .all(|failed| failed.fault == RenderFault::NoCamera)
    );
    assert_eq!(report.logs.len(), 3);
}

#[test]
fn a_scene_that_cannot_be_fetched_fails_its_tasks() {
    let mut world = World::idle();
    world.happens(Event::Leased {
        slot: 0,
        lease: lease(1, 1..=2).into(),
    });
    world.happens(Event::SceneFailed {
        content: content(1),
        message: "disk full".into(),
    });
    let report = world.report();
    assert_eq!(report.failed[1].fault, RenderFault::SceneUnavailable);
    assert!(world.did(|effect| matches!(effect, Effect::ReleaseScene { .. })));
}

#[test]
fn a_blender_that_never_starts_is_tried_again_later_and_later() {
    let mut world = World::with_runtimes(&[SERIES]);
    let mut waits = Vec::new();
    for _ in 0..8 {
        world.says(ended());
        let wake = world.agent.next_wake(world.now).unwrap();
        waits.push((wake - world.now).as_secs());
        world.wait(wake - world.now);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn another_runtime_takes_the_place_of_one_that_does_not_start() {
    let mut world = World::new(1);
    let effects = world.says(ended());
    assert_eq!(starts(&effects[0]), Some(SERIES));
    world.says(SessionEvent::Ready);
    world.welcome();
    assert!(world.did(|effect| matches!(effect, Effect::Ask { .. })));
}

#[test]
fn a_frame_is_not_blamed_for_a_runtime_that_it_did_not_ask_for() {
    let mut world = World::new(1);
    world.welcome();
    let lease = lease(1, 1..=1).into();
    world.happens(Event::Leased { slot: 0, lease });
    world.says(ended());
    assert!(world.reports().is_empty());
    assert!(world.did(|effect| starts(effect) == Some(SERIES)));
    world.says(ended());
    assert_eq!(world.report().failed.len(), 1);
}

#[test]
fn a_slot_whose_blender_does_not_start_takes_no_work() {
    let mut world = World::with_runtimes(&[SERIES]);
    world.says(ended());
    world.welcome();
    assert!(!world.did(|effect| matches!(effect, Effect::Ask { .. })));
}
