use http::{Method, StatusCode};
use pictor_protocol::WorkerId;
use pictor_protocol::job::JobState;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::WorkerState;
use pictor_protocol::worker_config::WorkerConfig;
use serde_json::{Value, json};

use super::{shown, status_of};
use crate::harness::World;
use crate::harness::client::{Answer, Client};
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn a_worker_is_renamed_and_hears_of_it_at_its_next_hello() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "attic").await;
    let renamed = patch(&world.creator, worker.id, &json!({ "name": " Keller " })).await;
    assert_eq!(renamed.status, StatusCode::OK, "{renamed:?}");
    assert_eq!(renamed.json::<Value>()["name"], "Keller");
    assert_eq!(shown(&world, worker.id).await.name, "Keller");
    assert_eq!(worker.start_again(&[]).await.name, "Keller");

    let unchanged = patch(&world.creator, worker.id, &json!({})).await;
    assert_eq!(unchanged.json::<Value>()["name"], "Keller");
    for bad in ["", "  ", "two\nlines", &"x".repeat(65)] {
        let refused = patch(&world.creator, worker.id, &json!({ "name": bad })).await;
        assert_eq!(
            refused.problem(ProblemKind::Invalid).faults[0].field,
            "name"
        );
    }
    let stranger = world.stranger("stranger").await;
    let refused = patch(&stranger, worker.id, &json!({ "name": "mine" })).await;
    refused.problem(ProblemKind::NotFound);
    assert_eq!(shown(&world, worker.id).await.name, "Keller");
}

#[tokio::test]
async fn a_replaced_token_is_refused_at_once_and_the_new_one_goes_on() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1").await;
    let held = worker.must_get_work().await.tasks.remove(0);
    let path = format!("/api/v1/workers/{}/token", worker.id);

    // A worker waits for commands all the time.
    let waiting = json!({ "instance": worker.instance, "hold_ms": 60_000 });
    let waiting = worker.client.post("/agent/v1/commands", &waiting);
    let replacing = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.creator.post(&path, &json!({})).await
    };
    let began = std::time::Instant::now();
    let (told, replaced) = tokio::join!(waiting, replacing);
    told.problem(ProblemKind::Unauthorized);
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
    assert_eq!(replaced.status, StatusCode::CREATED, "{replaced:?}");
    let config: WorkerConfig = replaced.json();
    assert_eq!((config.worker_id, &*config.name), (worker.id, "one"));

    for path in ["hello", "work", "report", "commands"] {
        let body = json!({ "instance": worker.instance });
        let refused = worker
            .client
            .post(&format!("/agent/v1/{path}"), &body)
            .await;
        refused.problem(ProblemKind::Unauthorized);
    }
    // What the old one held is in the queue again.
    let counts = world.creator.job(job.id).await.counts;
    assert_eq!((counts.queued, counts.leased), (1, 0));
    worker.client = Client::new(&world.url, &config.token);
    worker.start_again(&[]).await;
    let again = worker.must_get_work().await.tasks.remove(0);
    assert_eq!(again.attempt.task, held.attempt.task);
    worker.finish(&again, &png(1)).await;
    assert_eq!(world.creator.job(job.id).await.state, JobState::Done);
}

#[tokio::test]
async fn a_token_is_replaced_by_the_owner_alone_and_never_of_a_retired_worker() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let path = format!("/api/v1/workers/{}/token", worker.id);
    let stranger = world.stranger("stranger").await;
    let refused = stranger.post(&path, &json!({})).await;
    refused.problem(ProblemKind::NotFound);
    assert_eq!(worker.hello(&[]).await.status, StatusCode::OK);

    let retired = world
        .creator
        .delete(&format!("/api/v1/workers/{}", worker.id))
        .await;
    assert_eq!(retired.status, StatusCode::NO_CONTENT);
    let refused = world.creator.post(&path, &json!({})).await;
    refused.problem(ProblemKind::NotFound);
    assert_eq!(
        status_of(&world, worker.id).await.state,
        WorkerState::Retired
    );
}

#[tokio::test]
async fn what_a_retired_worker_held_goes_back_at_once() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1").await;
    worker.must_get_work().await;
    let path = format!("/api/v1/workers/{}", worker.id);
    let retired = world.creator.delete(&path).await;
    assert_eq!(retired.status, StatusCode::NO_CONTENT);
    let counts = world.creator.job(job.id).await.counts;
    assert_eq!((counts.queued, counts.leased), (1, 0));
}

#[tokio::test]
async fn a_retired_worker_that_waits_for_commands_is_told_at_once() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let waiting = json!({ "instance": worker.instance, "hold_ms": 60_000 });
    let waiting = worker.client.post("/agent/v1/commands", &waiting);
    let path = format!("/api/v1/workers/{}", worker.id);
    let (told, _) = tokio::join!(waiting, world.creator.delete(&path));
    told.problem(ProblemKind::Unauthorized);
}

#[tokio::test]
async fn a_pause_shows_its_reason_and_survives_restarts_of_both() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "one").await;
    let id = worker.id;
    let drain = format!("/api/v1/workers/{id}/drain");
    let reason = json!({ "reason": "I play tonight" });
    let paused = world.creator.post(&drain, &reason).await;
    assert_eq!(paused.status, StatusCode::NO_CONTENT, "{paused:?}");
    let status = status_of(&world, id).await;
    assert_eq!(status.state, WorkerState::Paused);
    assert!(status.reason.contains("(I play tonight)"), "{status:?}");
    assert!(status.since_ms.is_some());

    // Programs that know of no reason send no body, and take none away.
    let again = world.creator.send(Method::POST, &drain, Vec::new()).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT, "{again:?}");
    worker.start_again(&[]).await;
    let world = world.restart().await;
    let worker = worker.moved_to(&world);
    assert_eq!(worker.hello(&[]).await.status, StatusCode::OK);
    assert_eq!(status_of(&world, id).await, status);
    world.creator.submit("1").await;
    assert!(worker.ask(100).await.is_none());

    let resume = format!("/api/v1/workers/{id}/resume");
    let resumed = world.creator.post(&resume, &json!({})).await;
    assert_eq!(resumed.status, StatusCode::NO_CONTENT);
    assert!(worker.ask(1_000).await.is_some());
    let status = status_of(&world, id).await;
    assert_eq!(status.state, WorkerState::Rendering);

    let paused = world.creator.post(&drain, &json!({})).await;
    assert_eq!(paused.status, StatusCode::NO_CONTENT);
    let status = status_of(&world, id).await;
    assert_eq!(status.state, WorkerState::Pausing);
    assert!(!status.reason.contains("play"), "{status:?}");
    let long = json!({ "reason": "x".repeat(201) });
    let refused = world.creator.post(&drain, &long).await;
    assert_eq!(
        refused.problem(ProblemKind::Invalid).faults[0].field,
        "reason"
    );
    let broken = world
        .creator
        .send(Method::POST, &drain, b"{".to_vec())
        .await;
    broken.problem(ProblemKind::Invalid);
}

async fn patch(client: &Client, id: WorkerId, change: &Value) -> Answer {
    let body = serde_json::to_vec(change).unwrap();
    let path = format!("/api/v1/workers/{id}");
    client.send(Method::PATCH, &path, body).await
}
