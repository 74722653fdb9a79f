//! Workers and coordinators that go away and come back.

use std::time::{Duration, Instant};

use pictor_protocol::agent::Outcome;
use pictor_protocol::job::JobState;

use crate::harness::World;
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

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
