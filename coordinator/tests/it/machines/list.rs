use pictor_protocol::agent::{Progress, Report};
use pictor_protocol::worker::{CurrentFrame, Worker, WorkerList};

use crate::harness::World;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn the_list_says_at_which_frame_each_slot_is() {
    let world = World::start().await;
    let own = ScriptedWorker::connect(&world, "own").await;
    let others = ScriptedWorker::connect(&world, "others").await;
    let job = world.creator.submit("3-9").await;
    let grant = own.must_get_work().await.tasks.remove(0);
    assert_eq!(current(&world, "own").await[0].fraction, None);
    let progress = Progress {
        attempt: grant.attempt,
        fraction: 0.25,
        elapsed_ms: 1_500,
    };
    own.report(Report {
        holding: vec![grant.attempt],
        progress: vec![progress],
        ..own.empty()
    })
    .await;
    let [frame] = &current(&world, "own").await[..] else {
        panic!("one slot, one frame")
    };
    assert_eq!((frame.slot, frame.frame), (0, grant.frame));
    assert_eq!(
        (frame.fraction, frame.elapsed_ms),
        (Some(0.25), Some(1_500))
    );
    assert_eq!(frame.job.as_ref().unwrap().id, job.id);

    // Of somebody else's job the owner learns the frame alone.
    let cancelled = format!("/api/v1/jobs/{}/cancel", job.id);
    world.creator.post(&cancelled, &serde_json::json!({})).await;
    let stranger = world.stranger("stranger").await;
    stranger.submit("5").await;
    let grant = others.must_get_work().await.tasks.remove(0);
    let expected = CurrentFrame {
        slot: 0,
        frame: 5,
        job: None,
        fraction: None,
        elapsed_ms: None,
    };
    assert_eq!(current(&world, "others").await, [expected]);
    assert_eq!(current(&world, "own").await, [], "it is to stop");
    others.hand_back(&grant).await;
    assert_eq!(current(&world, "others").await, []);
}

#[tokio::test]
async fn of_a_lease_the_frame_is_shown_whose_turn_it_is() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "own").await;
    world.creator.submit("1-60").await;
    // A short frame lets the next lease have many.
    let first = worker.must_get_work().await.tasks.remove(0);
    worker
        .finish_in(&first, &crate::harness::scenes::png(1), 10)
        .await;
    let lease = worker.must_get_work().await;
    assert!(lease.tasks.len() > 1, "{lease:?}");
    let now = current(&world, "own").await;
    let frames: Vec<_> = now.iter().map(|now| now.frame).collect();
    assert_eq!(frames, [lease.tasks[0].frame]);
}

async fn current(world: &World, name: &str) -> Vec<CurrentFrame> {
    let list: WorkerList = world.creator.get("/api/v1/workers").await.json();
    let is_it = |worker: &Worker| worker.name == name;
    list.workers.into_iter().find(is_it).unwrap().current
}
