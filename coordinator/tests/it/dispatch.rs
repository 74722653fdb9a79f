//! Leases, reports, and what happens when somebody dies, seen from a worker.

use std::time::{Duration, Instant};

use pictor_protocol::agent::{Command, LogChunk, Outcome, Progress, Refusal, RenderFault, Report};
use pictor_protocol::blender::Series;
use pictor_protocol::job::{FrameState, JobState};
use serde_json::json;

use crate::harness::scenes::{self, black_png, png, png_of};
use crate::harness::worker::ScriptedWorker;
use crate::harness::{PATIENCE, World};

#[tokio::test]
async fn a_job_is_done_when_every_frame_has_passed() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-3").await;
    assert_eq!(job.state, JobState::Queued);
    for frame in 1..=3 {
        let lease = worker.must_get_work().await;
        assert_eq!(lease.runtime, Series::new(4, 5));
        for grant in &lease.tasks {
            assert!(grant.frame >= frame);
            assert_eq!(
                worker.finish(grant, &png(grant.frame as u32)).await,
                Outcome::Accepted
            );
        }
        if world.creator.job(job.id).await.state == JobState::Done {
            break;
        }
    }
    let job = world.creator.job(job.id).await;
    assert_eq!((job.state, job.counts.done), (JobState::Done, 3));
    let frames = world.creator.frames(job.id).await;
    assert!(
        frames
            .iter()
            .all(|f| f.attempts == 1 && f.worker.as_ref().unwrap().name == "one")
    );
    let output = world
        .creator
        .get(&format!("/api/v1/jobs/{}/frames/2/output", job.id))
        .await;
    assert_eq!(output.body, png(2));
    let thumbnail = world
        .creator
        .get(&format!("/api/v1/jobs/{}/frames/2/thumbnail", job.id))
        .await;
    assert!(thumbnail.body.starts_with(&[0xff, 0xd8]), "a JPEG");
}

#[tokio::test]
async fn a_waiting_slot_is_answered_the_moment_work_appears() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let (lease, submitted) = tokio::join!(worker.ask(10_000), async {
        let job = json!({ "scene": scene.id, "frames": "1" });
        world.creator.submit_with(&job).await;
        Instant::now()
    });
    assert!(lease.is_some());
    assert!(
        submitted.elapsed() < Duration::from_secs(1),
        "{:?}",
        submitted.elapsed()
    );
}

#[tokio::test]
async fn leases_are_sized_by_measured_frame_time() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    world.creator.submit("1-240").await;
    let first = worker.must_get_work().await;
    assert_eq!(first.tasks.len(), 1, "nothing is measured yet");
    worker.finish(&first.tasks[0], &png(1)).await;
    // 100 ms a frame: 300 would take 30 s, 200 is the most.
    assert_eq!(worker.must_get_work().await.tasks.len(), 200);
}

#[tokio::test]
async fn an_output_that_does_not_fit_the_job_is_rejected_and_tried_again() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1").await;
    let small = png_of(32, 18, |x, y| image::Rgb([x as u8, y as u8, 9]));
    let mut truncated = png(1);
    truncated.truncate(truncated.len() - 6);
    for bad in [small, truncated] {
        let lease = worker.must_get_work().await;
        let outcome = worker.finish(&lease.tasks[0], &bad).await;
        assert!(
            matches!(
                outcome,
                Outcome::Refused {
                    why: Refusal::OutputRejected,
                    ..
                }
            ),
            "{outcome:?}"
        );
        // The same report again gets the same answer.
        assert_eq!(worker.report_finished(&lease.tasks[0], &bad).await, outcome);
    }
    let lease = worker.must_get_work().await;
    assert_eq!(
        worker.finish(&lease.tasks[0], b"not a picture").await,
        rejected("the output was rejected: this is no PNG, JPEG or OpenEXR picture")
    );
    let frames = world.creator.frames(job.id).await;
    assert_eq!(
        (frames[0].state, frames[0].attempts),
        (FrameState::Failed, 3)
    );
    assert!(
        frames[0].error.as_ref().unwrap().contains("rejected"),
        "{:?}",
        frames[0].error
    );
    assert_eq!(world.creator.job(job.id).await.state, JobState::Failed);
}

#[tokio::test]
async fn a_blank_frame_beside_a_picture_needs_a_second_opinion() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-3").await;
    let first = worker.must_get_work().await;
    assert_eq!(
        worker.finish(&first.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
    let lease = worker.must_get_work().await;
    let doubted = worker.finish(&lease.tasks[0], &black_png()).await;
    assert!(
        matches!(
            doubted,
            Outcome::Refused {
                why: Refusal::OutputRejected,
                ..
            }
        ),
        "{doubted:?}"
    );
    // The second attempt agrees, and so the next blank frame is believed at once.
    for grant in &lease.tasks[1..] {
        worker.hand_back(grant).await;
    }
    let again = worker.must_get_work().await;
    for grant in &again.tasks {
        assert_eq!(worker.finish(grant, &black_png()).await, Outcome::Accepted);
    }
    assert_eq!(world.creator.job(job.id).await.state, JobState::Done);
}

#[tokio::test]
async fn an_output_that_was_not_uploaded_is_asked_for() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    world.creator.submit("1").await;
    let lease = worker.must_get_work().await;
    let outcome = worker.report_finished(&lease.tasks[0], &png(1)).await;
    assert_eq!(
        outcome,
        Outcome::Refused {
            why: Refusal::OutputMissing,
            detail: None
        }
    );
    assert_eq!(
        worker.finish(&lease.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
    assert_eq!(
        worker.report_finished(&lease.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
}

#[tokio::test]
async fn a_failed_frame_goes_to_a_worker_that_has_not_failed_the_scene() {
    let world = World::start().await;
    let bad = ScriptedWorker::connect(&world, "bad").await;
    let good = ScriptedWorker::connect(&world, "good").await;
    let job = world.creator.submit("1-2").await;
    let lease = bad.must_get_work().await;
    bad.fail(&lease.tasks[0], RenderFault::Crashed).await;
    assert!(
        bad.ask(100).await.is_none(),
        "it does not get that scene again"
    );
    while world.creator.job(job.id).await.state != JobState::Done {
        let lease = good.must_get_work().await;
        for grant in &lease.tasks {
            good.finish(grant, &png(grant.frame as u32)).await;
        }
    }
}

#[tokio::test]
async fn alone_a_worker_gets_its_failed_frame_again_until_the_third_strike() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1").await;
    for _ in 0..3 {
        let lease = worker.must_get_work().await;
        worker.fail(&lease.tasks[0], RenderFault::Crashed).await;
    }
    let job = world.creator.job(job.id).await;
    assert_eq!((job.state, job.counts.failed), (JobState::Failed, 1));
    let retried = world
        .creator
        .post(&format!("/api/v1/jobs/{}/retry", job.id), &json!({}))
        .await;
    assert_eq!(retried.json::<pictor_protocol::job::Job>().counts.queued, 1);
    let lease = worker.must_get_work().await;
    assert_eq!(
        worker.finish(&lease.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
}

#[tokio::test]
async fn a_broken_scene_stops_the_job_instead_of_every_frame_three_times() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-100").await;
    let lease = worker.must_get_work().await;
    worker.fail(&lease.tasks[0], RenderFault::NoCamera).await;
    let job = world.creator.job(job.id).await;
    assert_eq!(job.state, JobState::NeedsAttention);
    assert!(job.reason.unwrap().contains("NoCamera"));
    assert!(worker.ask(100).await.is_none());
}

#[tokio::test]
async fn a_silent_workers_frames_go_to_others_and_its_late_picture_is_still_taken() {
    let world = World::start().await;
    let silent = ScriptedWorker::connect(&world, "silent").await;
    let job = world.creator.submit("1").await;
    let lost = silent.must_get_work().await;
    world
        .creator
        .until(job.id, "queued again", |job| job.counts.queued == 1)
        .await;
    assert_eq!(
        silent.hold(vec![lost.tasks[0].attempt]).await,
        [lost.tasks[0].attempt]
    );
    assert_eq!(
        silent.finish(&lost.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
    assert_eq!(world.creator.job(job.id).await.state, JobState::Done);
    assert_eq!(world.creator.frames(job.id).await[0].attempts, 1);
}

#[tokio::test]
async fn a_lease_that_is_renewed_does_not_expire() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    world.creator.submit("1").await;
    let lease = worker.must_get_work().await;
    let began = Instant::now();
    // Twice the time after which a silent worker loses its lease.
    while began.elapsed() < Duration::from_secs(4) {
        assert!(worker.hold(vec![lease.tasks[0].attempt]).await.is_empty());
        // Renewing paces itself: the held request for commands is the clock.
        let ask = pictor_protocol::agent::AskForCommands {
            instance: worker.instance,
            hold_ms: Some(300),
        };
        worker.client.post("/agent/v1/commands", &ask).await;
    }
    assert_eq!(
        worker.finish(&lease.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
}

#[tokio::test]
async fn a_worker_that_starts_again_gives_back_what_it_held_but_for_its_journal() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-20").await;
    let first = worker.must_get_work().await;
    worker.finish(&first.tasks[0], &png(1)).await;
    let lease = worker.must_get_work().await;
    assert!(lease.tasks.len() > 2);
    let old = worker.instance;
    worker.start_again(&[lease.tasks[0].attempt]).await;
    let counts = world.creator.job(job.id).await.counts;
    assert_eq!((counts.done, counts.leased), (1, 1));
    assert_eq!(
        worker.finish(&lease.tasks[0], &png(2)).await,
        Outcome::Accepted
    );

    let ghost = pictor_protocol::agent::AskForWork {
        instance: old,
        slot: 0,
        open: None,
        cached: vec![],
        hold_ms: None,
    };
    let refused = worker.client.post("/agent/v1/work", &ghost).await;
    refused.problem(pictor_protocol::problem::ProblemKind::HelloFirst);
}

#[tokio::test]
async fn a_restarted_coordinator_knows_everything_that_it_acknowledged() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-10").await;
    let first = worker.must_get_work().await;
    assert_eq!(
        worker.finish(&first.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
    let lease = worker.must_get_work().await;

    let world = world.restart().await;
    let worker = worker.moved_to(&world);
    assert!(
        worker.hold(vec![lease.tasks[0].attempt]).await.is_empty(),
        "the lease still holds"
    );
    assert_eq!(
        worker.report_finished(&first.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
    for grant in &lease.tasks {
        assert_eq!(
            worker.finish(grant, &png(grant.frame as u32)).await,
            Outcome::Accepted
        );
    }
    let output = world
        .creator
        .get(&format!("/api/v1/jobs/{}/frames/1/output", job.id))
        .await;
    assert_eq!(output.body, png(1));
}

#[tokio::test]
async fn cancelling_reaches_a_worker_at_once() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-5").await;
    let lease = worker.must_get_work().await;
    let (commands, began) = tokio::join!(worker.commands(), async {
        let began = Instant::now();
        world
            .creator
            .post(&format!("/api/v1/jobs/{}/cancel", job.id), &json!({}))
            .await;
        began
    });
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(
        commands,
        [Command::Stop {
            attempt: lease.tasks[0].attempt
        }]
    );
    assert_eq!(worker.finish(&lease.tasks[0], &png(1)).await, NOT_WANTED);
    assert_eq!(
        worker.stopped(lease.tasks[0].attempt).await,
        Outcome::Accepted
    );
    assert!(worker.ask(100).await.is_none());
    let job = world.creator.job(job.id).await;
    assert_eq!((job.state, job.counts.cancelled), (JobState::Cancelled, 5));
}

#[tokio::test]
async fn at_a_jobs_tail_an_idle_slot_tries_the_slowest_frame_and_the_first_picture_wins() {
    let world = World::start().await;
    let slow = ScriptedWorker::connect(&world, "slow").await;
    let quick = ScriptedWorker::connect(&world, "quick").await;
    let job = world.creator.submit("1-2").await;
    let first = slow.must_get_work().await;
    slow.finish(&first.tasks[0], &png(1)).await;
    let stuck = slow.must_get_work().await;
    // It stays silent about the frame but renews, for longer than twice a frame's time.
    let began = Instant::now();
    let second = loop {
        slow.hold(vec![stuck.tasks[0].attempt]).await;
        if let Some(lease) = quick.ask(500).await {
            break lease;
        }
        assert!(began.elapsed() < PATIENCE);
    };
    assert_eq!(second.tasks[0].frame, stuck.tasks[0].frame);
    assert_eq!(second.tasks[0].attempt.attempt, 2);
    assert_eq!(
        quick.finish(&second.tasks[0], &png(2)).await,
        Outcome::Accepted
    );
    assert_eq!(
        slow.commands().await,
        [Command::Stop {
            attempt: stuck.tasks[0].attempt
        }]
    );
    assert_eq!(slow.finish(&stuck.tasks[0], &png(3)).await, NOT_WANTED);
    let output = world
        .creator
        .get(&format!("/api/v1/jobs/{}/frames/2/output", job.id))
        .await;
    assert_eq!(output.body, png(2), "the second is not taken");
    assert_eq!(world.creator.job(job.id).await.counts.done, 2);
}

#[tokio::test]
async fn a_job_waits_for_its_blender_and_says_so() {
    let world = World::start().await;
    let old = ScriptedWorker::connect_with(&world, "old", &[Series::new(4, 2)]).await;
    let newer = ScriptedWorker::connect_with(&world, "newer", &[Series::new(5, 0)]).await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let pinned = json!({ "scene": scene.id, "frames": "1", "blender": "4.5" });
    let pinned = world.creator.submit_with(&pinned).await;
    assert!(old.ask(100).await.is_none());
    assert!(newer.ask(100).await.is_none());
    let reason = world.creator.job(pinned.id).await.reason.unwrap();
    assert_eq!(reason, "no worker that is online has Blender 4.5");

    let auto = world
        .creator
        .submit_with(&json!({ "scene": scene.id, "frames": "1" }))
        .await;
    assert!(old.ask(100).await.is_none(), "it is older than the file");
    let lease = newer.must_get_work().await;
    assert_eq!((lease.job, lease.runtime), (auto.id, Series::new(5, 0)));
}

#[tokio::test]
async fn creators_take_turns() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let stranger = world.stranger("stranger").await;
    let many = world.creator.submit("1-100").await;
    let first = worker.must_get_work().await;
    assert_eq!(first.job, many.id);
    let few = stranger.submit("1").await;
    assert_eq!(
        worker.must_get_work().await.job,
        few.id,
        "whoever has fewest running goes first"
    );
}

#[tokio::test]
async fn logs_and_progress_arrive_and_repeat_without_harm() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1").await;
    let lease = worker.must_get_work().await;
    let attempt = lease.tasks[0].attempt;
    let chunk = |offset, text: &str| LogChunk {
        attempt,
        offset,
        text: text.into(),
    };
    for logs in [
        vec![chunk(0, "Fra:1 ")],
        vec![chunk(0, "Fra:1 "), chunk(6, "Saved\n")],
    ] {
        let progress = vec![Progress {
            attempt,
            fraction: 0.5,
            elapsed_ms: 10,
        }];
        worker
            .report(Report {
                logs,
                progress,
                ..worker.empty()
            })
            .await;
    }
    let log = world
        .creator
        .get(&format!("/api/v1/jobs/{}/frames/1/log", job.id))
        .await;
    assert_eq!(log.body, "--- attempt 1 ---\nFra:1 Saved\n");
}

const NOT_WANTED: Outcome = Outcome::Refused {
    why: Refusal::NotWanted,
    detail: None,
};

fn rejected(why: &str) -> Outcome {
    Outcome::Refused {
        why: Refusal::OutputRejected,
        detail: Some(why.into()),
    }
}
