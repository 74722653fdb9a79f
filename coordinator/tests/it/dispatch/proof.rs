//! Probed slots are given what they can render, at the size that their score says.

use pictor_protocol::agent::{Capability, Outcome, RenderFault, SlotInfo};
use pictor_protocol::job::JobState;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::Worker;
use serde_json::json;

use crate::harness::World;
use crate::harness::scenes::{self, png};
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn a_job_goes_to_the_slot_that_has_proven_its_engine() {
    let world = World::start().await;
    let cycles = ScriptedWorker::connect_proven(&world, "cycles", &[Capability::CyclesCpu]).await;
    let eevee = ScriptedWorker::connect_proven(&world, "eevee", &[Capability::Eevee]).await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let job = json!({ "scene": scene.id, "frames": "1", "settings": { "engine": "EEVEE" } });
    let drawn = world.creator.submit_with(&job).await;
    assert!(cycles.ask(100).await.is_none());
    assert_eq!(eevee.must_get_work().await.job, drawn.id);

    let job = json!({ "scene": scene.id, "frames": "1", "settings": { "engine": "CYCLES" } });
    let traced = world.creator.submit_with(&job).await;
    assert!(eevee.ask(100).await.is_none());
    assert_eq!(cycles.must_get_work().await.job, traced.id);
}

#[tokio::test]
async fn a_job_that_nobody_online_has_proven_waits_and_says_why() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect_proven(&world, "one", &[Capability::CyclesCpu]).await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let job = json!({ "scene": scene.id, "frames": "1", "settings": { "engine": "EEVEE" } });
    let job = world.creator.submit_with(&job).await;
    assert!(worker.ask(100).await.is_none());
    assert_eq!(
        world.creator.job(job.id).await.reason.unwrap(),
        "no worker that is online has shown yet that it can render EEVEE with Blender 4.5 or newer"
    );
    // A driver was mended, and the worker probed again.
    for proof in worker.slots[0].proven.as_mut().unwrap() {
        proof.can = Capability::Eevee;
    }
    worker.hello(&[]).await;
    assert_eq!(worker.must_get_work().await.job, job.id);
}

#[tokio::test]
async fn a_failed_frame_does_not_wait_for_a_worker_that_could_not_render_it() {
    let world = World::start().await;
    let _eevee = ScriptedWorker::connect_proven(&world, "eevee", &[Capability::Eevee]).await;
    let only = ScriptedWorker::connect_proven(&world, "only", &[Capability::CyclesCpu]).await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let job = json!({ "scene": scene.id, "frames": "1", "settings": { "engine": "CYCLES" } });
    let job = world.creator.submit_with(&job).await;
    let lease = only.must_get_work().await;
    only.fail(&lease.tasks[0], RenderFault::Crashed).await;
    let again = only.must_get_work().await;
    // Nor is it asked for its opinion of the scene.
    only.fail(&again.tasks[0], RenderFault::NoCamera).await;
    let job = world.creator.job(job.id).await;
    assert_eq!(job.state, JobState::NeedsAttention);
}

#[tokio::test]
async fn a_worker_that_never_saw_the_job_gets_as_much_as_its_score_promises() {
    let world = World::start().await;
    let one = ScriptedWorker::connect_scored(&world, "one", 1.0).await;
    let job = world.creator.submit("1-1000").await;
    let first = one.must_get_work().await;
    assert_eq!(
        one.finish_in(&first.tasks[0], &png(1), 3_000).await,
        Outcome::Accepted
    );
    // 3 s on the reference machine: 30 s are five frames at half of its speed, forty at four times.
    for (score, frames) in [(0.5, 5), (4.0, 40)] {
        let name = format!("worker {score}");
        let fresh = ScriptedWorker::connect_scored(&world, &name, score).await;
        let lease = fresh.must_get_work().await;
        assert_eq!((lease.job, lease.tasks.len()), (job.id, frames));
    }
    let unknown = ScriptedWorker::connect(&world, "unknown").await;
    assert_eq!(unknown.must_get_work().await.tasks.len(), 10);
}

#[tokio::test]
async fn an_implausible_score_is_not_believed() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect_scored(&world, "boaster", 1e12).await;
    let known: Worker = world
        .creator
        .get(&format!("/api/v1/workers/{}", worker.id))
        .await
        .json();
    assert_eq!(known.slots.len(), 1);
    assert_eq!(known.slots[0].score, None);
}

#[tokio::test]
async fn a_frame_time_beyond_belief_leaves_the_job_readable() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect_scored(&world, "liar", 10_000.0).await;
    let job = world.creator.submit("1-3").await;
    for frame in 1..=3 {
        let lease = worker.must_get_work().await;
        let outcome = worker
            .finish_in(&lease.tasks[0], &png(frame), i64::MAX)
            .await;
        assert_eq!(outcome, Outcome::Accepted);
    }
    assert_eq!(world.creator.job(job.id).await.counts.done, 3);
}

#[tokio::test]
async fn a_worker_with_more_slots_than_any_machine_has_is_refused() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "one").await;
    let slot = worker.slots[0].clone();
    worker.slots = (0..65)
        .map(|n| SlotInfo {
            slot: n,
            ..slot.clone()
        })
        .collect();
    worker.hello(&[]).await.problem(ProblemKind::Invalid);
}

#[tokio::test]
async fn the_time_left_is_that_of_the_slots_that_render_now() {
    let world = World::start().await;
    let one = ScriptedWorker::connect_scored(&world, "one", 1.0).await;
    let job = world.creator.submit("1-101").await;
    let first = one.must_get_work().await;
    one.finish_in(&first.tasks[0], &png(1), 6_000).await;
    // A hundred frames are left, of 6 s on the reference machine.
    let quick = ScriptedWorker::connect_scored(&world, "quick", 4.0).await;
    quick.must_get_work().await;
    assert_eq!(world.creator.job(job.id).await.eta_ms, Some(150_000));
    one.must_get_work().await;
    assert_eq!(world.creator.job(job.id).await.eta_ms, Some(120_000));
}
