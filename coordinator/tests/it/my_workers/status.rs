use http::StatusCode;
use pictor_protocol::agent::{Capability, RenderFault};
use pictor_protocol::blender::Series;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::WorkerState;
use serde_json::json;

use super::{shown, status_of};
use crate::harness::World;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn a_worker_says_why_nothing_runs_on_it() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let old = ScriptedWorker::connect_with(&world, "old", &[Series::new(3, 6)]).await;
    let eevee = ScriptedWorker::connect_proven(&world, "eevee", &[Capability::Eevee]).await;
    let reason = async |worker: &ScriptedWorker| {
        let status = status_of(&world, worker.id).await;
        assert_eq!(status.state, WorkerState::Waiting, "{status:?}");
        status.reason
    };
    assert_eq!(reason(&worker).await, "Nothing waits to be rendered.");

    world.creator.submit("1-2").await;
    assert!(
        reason(&worker)
            .await
            .starts_with("2 frames wait that it can")
    );
    assert!(reason(&old).await.contains("which it does not have"));
    assert!(
        reason(&eevee)
            .await
            .contains("with Cycles, which it has not")
    );

    let lease = worker.must_get_work().await;
    let status = status_of(&world, worker.id).await;
    assert_eq!(status.state, WorkerState::Rendering);
    assert!(reason(&old).await.starts_with("A frame waits, but"));
    worker.fail(&lease.tasks[0], RenderFault::Crashed).await;
    assert!(reason(&worker).await.contains("of jobs that it failed"));
    let good = ScriptedWorker::connect(&world, "good").await;
    while good.ask(100).await.is_some() {}
    assert!(reason(&worker).await.contains("others have the last 2"));
}

#[tokio::test]
async fn a_worker_that_is_too_old_says_so_until_it_is_updated() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let hello = json!({
        "protocol": 0, "version": "0.0.1", "instance": worker.instance, "slots": [], "runtimes": [],
    });
    let refused = worker.client.post("/agent/v1/hello", &hello).await;
    refused.problem(ProblemKind::WorkerTooOld);
    let status = status_of(&world, worker.id).await;
    assert_eq!(status.state, WorkerState::TooOld);
    assert!(status.reason.contains("version 0.0.1"), "{status:?}");
    assert!(status.advice.unwrap().contains("Update"));
    worker.hello(&[]).await;
    let status = status_of(&world, worker.id).await;
    assert_eq!(status.state, WorkerState::Waiting);
}

#[tokio::test]
async fn a_worker_nobody_started_and_one_that_fell_silent_say_what_to_do() {
    let world = World::start().await;
    let created = world.worker_config("never").await;
    let status = status_of(&world, created.worker_id).await;
    assert_eq!(status.state, WorkerState::NeverConnected);
    assert!(status.advice.is_some());
    let worker = ScriptedWorker::connect(&world, "one").await;
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 100000000 WHERE name = 'one'")
        .await;
    let status = status_of(&world, worker.id).await;
    assert_eq!(status.state, WorkerState::Offline);
    assert_eq!(status.since_ms, shown(&world, worker.id).await.last_seen_ms);
    assert!(status.advice.is_some());
}

#[tokio::test]
async fn a_worker_whose_trials_all_failed_says_where_to_look() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect_proven(&world, "one", &[]).await;
    let status = status_of(&world, worker.id).await;
    assert_eq!(status.state, WorkerState::CannotRender);
    assert!(status.advice.unwrap().contains("log"));
}

#[tokio::test]
async fn a_suspended_worker_says_who_can_help() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let path = |what: &str| format!("/api/v1/workers/{}/{what}", worker.id);
    let why = json!({ "reason": "fake pictures" });
    let stranger = world.stranger("stranger").await;
    let refused = stranger.post(&path("suspend"), &why).await;
    refused.problem(ProblemKind::Forbidden);
    let nothing = json!({ "reason": " " });
    let refused = world.creator.post(&path("suspend"), &nothing).await;
    refused.problem(ProblemKind::Invalid);

    let suspended = world.creator.post(&path("suspend"), &why).await;
    assert_eq!(suspended.status, StatusCode::NO_CONTENT, "{suspended:?}");
    let status = status_of(&world, worker.id).await;
    assert_eq!(status.state, WorkerState::Suspended);
    assert!(status.reason.contains("fake pictures"), "{status:?}");
    let resumed = world.creator.post(&path("resume"), &json!({})).await;
    resumed.problem(ProblemKind::Conflict);
    world.creator.submit("1").await;
    assert!(worker.ask(100).await.is_none());

    let reinstated = world.creator.post(&path("reinstate"), &json!({})).await;
    assert_eq!(reinstated.status, StatusCode::NO_CONTENT, "{reinstated:?}");
    assert!(worker.ask(1_000).await.is_some());
}
