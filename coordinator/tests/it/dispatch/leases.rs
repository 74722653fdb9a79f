//! Who is given which frames, and how many.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use pictor_protocol::blender::Series;
use serde_json::json;

use crate::harness::World;
use crate::harness::scenes::{self, png};
use crate::harness::worker::ScriptedWorker;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slots_that_wait_never_get_the_same_frame() {
    let world = World::start().await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let mut workers = Vec::new();
    for n in 0..40 {
        workers.push(ScriptedWorker::connect(&world, &format!("worker {n}")).await);
    }
    let submit = async {
        let job = json!({ "scene": scene.id, "frames": "1-10" });
        world.creator.submit_with(&job).await
    };
    let asks = join_all(workers.iter().map(|worker| worker.ask(1_000)));
    let (leases, _) = tokio::join!(asks, submit);
    let granted: Vec<_> = leases
        .into_iter()
        .flatten()
        .flat_map(|lease| lease.tasks)
        .collect();
    let attempts: HashSet<_> = granted.iter().map(|grant| grant.attempt).collect();
    let frames: HashSet<_> = granted.iter().map(|grant| grant.frame).collect();
    assert_eq!(attempts.len(), granted.len(), "an attempt went out twice");
    assert_eq!(frames.len(), 10, "a frame was left over");
}
