//! What becomes of a picture, and of what a worker says while it renders.

use pictor_protocol::agent::{LogChunk, Outcome, Progress, Refusal, Report, Telemetry};
use pictor_protocol::blender::Series;
use pictor_protocol::job::{FrameState, JobState};
use pictor_protocol::worker::Worker;

use super::rejected;
use crate::harness::World;
use crate::harness::scenes::{black_png, png, png_of};
use crate::harness::worker::ScriptedWorker;

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
    // The same picture handed in once more, as after a lost answer, is no second opinion.
    let repeated = worker.report_finished(&lease.tasks[0], &black_png()).await;
    assert_eq!(repeated, doubted);
    assert_eq!(world.creator.job(job.id).await.counts.done, 1);
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
async fn a_worker_writes_in_the_logs_of_its_own_attempts_alone_and_no_further_than_the_limit() {
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
    let other = ScriptedWorker::connect(&world, "two").await;
    let logs = vec![chunk(0, "forged")];
    other
        .report(Report {
            logs,
            ..other.empty()
        })
        .await;
    let logs = vec![
        chunk(u64::MAX, "no number has such an end"),
        chunk(i64::MAX as u64 - 1, "nor such a one"),
        chunk(600 << 10, "beyond the limit"),
        chunk(0, "Fra:1 "),
    ];
    worker
        .report(Report {
            logs,
            ..worker.empty()
        })
        .await;
    let path = format!("/api/v1/jobs/{}/frames/1/log", job.id);
    let log = String::from_utf8(world.creator.get(&path).await.body.to_vec()).unwrap();
    assert!(log.contains("Fra:1 "), "{log}");
    assert!(!log.contains("forged") && !log.contains("limit"), "{log}");
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

#[tokio::test]
async fn telemetry_is_shown_while_its_worker_is_online() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "one").await;
    let path = format!("/api/v1/workers/{}", worker.id);
    let shown = async || world.creator.get(&path).await.json::<Worker>().telemetry;
    for celsius in [60, 71] {
        worker.report(warm(&worker, celsius)).await;
    }
    assert_eq!(shown().await, warm(&worker, 71).telemetry);
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 100000000")
        .await;
    assert_eq!(shown().await, []);

    worker.report(warm(&worker, 50)).await;
    assert_eq!(shown().await, warm(&worker, 50).telemetry);
    worker.start_again(&[]).await;
    assert_eq!(shown().await, [], "another start may have other GPUs");
}

fn warm(worker: &ScriptedWorker, celsius: u32) -> Report {
    let reading = Telemetry {
        slot: 0,
        utilisation_percent: Some(97),
        temperature_celsius: Some(celsius),
        power_milliwatts: None,
        memory_used_bytes: Some(1 << 30),
    };
    Report {
        telemetry: vec![reading],
        ..worker.empty()
    }
}
