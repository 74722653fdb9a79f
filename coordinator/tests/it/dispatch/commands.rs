//! What workers are told: stop, drain, go on.

use std::time::{Duration, Instant};

use http::StatusCode;
use pictor_protocol::agent::{Command, Outcome};
use pictor_protocol::job::JobState;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::{Presence, Worker};
use serde_json::json;

use super::NOT_WANTED;
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually};

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
    let second = eventually("a second attempt", async || {
        slow.hold(vec![stuck.tasks[0].attempt]).await;
        quick.ask(500).await.ok_or("nothing")
    })
    .await;
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
async fn a_drained_worker_hears_of_it_at_once_and_gets_nothing_until_it_is_resumed() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "one").await;
    let (commands, began) = tokio::join!(worker.commands(), async {
        let began = Instant::now();
        change(&world, &worker, "drain").await;
        began
    });
    assert_eq!(commands, [Command::Drain]);
    assert!(began.elapsed() < Duration::from_secs(2), "{began:?}");
    let job = world.creator.submit("1").await;
    assert!(worker.ask(100).await.is_none());

    // Its owner meant the worker, not this start of it.
    let welcome = worker.start_again(&[]).await;
    assert_eq!(welcome.commands, [Command::Drain]);
    assert_eq!(presence(&world, &worker).await, Presence::Draining);
    assert!(worker.ask(100).await.is_none());

    // It goes on asking, and is answered the moment it may work again.
    let (lease, ()) = tokio::join!(worker.ask(10_000), change(&world, &worker, "resume"));
    assert_eq!(lease.unwrap().job, job.id);
    assert_eq!(presence(&world, &worker).await, Presence::Online);
    assert_eq!(worker.commands_within(50).await, []);
}

#[tokio::test]
async fn a_worker_that_restarts_by_itself_is_not_drained() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "one").await;
    world.creator.submit("1").await;
    assert_eq!(worker.start_again(&[]).await.commands, []);
    worker.must_get_work().await;
}

#[tokio::test]
async fn nobody_drains_or_resumes_the_worker_of_another() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let stranger = world.stranger("stranger").await;
    for change in ["drain", "resume"] {
        let path = format!("/api/v1/workers/{}/{change}", worker.id);
        let answer = stranger.post(&path, &json!({})).await;
        answer.problem(ProblemKind::NotFound);
    }
}

async fn change(world: &World, worker: &ScriptedWorker, how: &str) {
    let path = format!("/api/v1/workers/{}/{how}", worker.id);
    let answer = world.creator.post(&path, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
}

async fn presence(world: &World, worker: &ScriptedWorker) -> Presence {
    let path = format!("/api/v1/workers/{}", worker.id);
    world.creator.get(&path).await.json::<Worker>().presence
}
