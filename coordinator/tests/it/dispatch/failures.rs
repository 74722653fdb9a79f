//! A frame fails, and perhaps its job.

use pictor_protocol::agent::{Outcome, RenderFault};
use pictor_protocol::job::JobState;
use serde_json::json;

use crate::harness::World;
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

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
