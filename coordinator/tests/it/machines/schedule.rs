use std::time::Duration;

use http::{Method, StatusCode};
use pictor_protocol::agent::Outcome;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::{Demand, Worker, WorkerState};
use serde_json::{Value, json};

use crate::harness::World;
use crate::harness::client::{Answer, Client};
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn outside_its_hours_a_worker_finishes_what_it_has_and_is_given_nothing() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    world.creator.submit("1-2").await;
    let held = worker.must_get_work().await.tasks.remove(0);
    let closed: Worker = set(&world.creator, &worker, &in_hours(&world, 1))
        .await
        .json();
    let status = closed.status.unwrap();
    assert_eq!(status.state, WorkerState::OutsideHours);
    assert!(status.reason.contains("again at"), "{status:?}");
    assert!(status.reason.contains("finishes 1 frame"), "{status:?}");
    assert!(closed.schedule.is_some());

    assert_eq!(worker.finish(&held, &png(1)).await, Outcome::Accepted);
    assert!(worker.ask(100).await.is_none());
    let demand: Demand = world.creator.get("/api/v1/demand").await.json();
    assert_eq!((demand.slots_online, demand.queued), (0, 1));

    world.clock.advance(Duration::from_secs(3_600));
    worker.report(worker.empty()).await;
    assert!(worker.ask(10_000).await.is_some(), "its hour has come");
}

#[tokio::test]
async fn a_creator_is_told_when_the_first_worker_is_back() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    set(&world.creator, &worker, &in_hours(&world, 5)).await;
    let job = world.creator.submit("1").await;
    let reason = world.creator.job(job.id).await.reason.unwrap();
    assert!(reason.contains("outside its hours"), "{reason}");

    // A schedule that ends wakes who waits.
    let path = path(&worker);
    let end = world.creator.send(Method::DELETE, &path, Vec::new());
    let (lease, ended) = tokio::join!(worker.ask(10_000), end);
    assert_eq!(ended.json::<Worker>().schedule, None);
    assert!(lease.is_some());
}

#[tokio::test]
async fn hours_are_set_by_the_workers_owner_and_every_fault_is_named() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let stranger = world.stranger("stranger").await;
    let good = in_hours(&world, 1);
    let refused = set(&stranger, &worker, &good).await;
    refused.problem(ProblemKind::NotFound);
    let span =
        |day: u8, from: u16, to: u16| json!({ "day": day, "from_minute": from, "to_minute": to });
    let bad = json!({ "utc_offset_minutes": 900, "spans": [span(7, 0, 60), span(1, 60, 60)] });
    let refused = set(&world.creator, &worker, &bad).await;
    let problem = refused.problem(ProblemKind::Invalid);
    let fields: Vec<_> = problem.faults.iter().map(|fault| &*fault.field).collect();
    assert_eq!(
        fields,
        ["utc_offset_minutes", "spans[0].day", "spans[1].to_minute"]
    );
    let many = vec![span(0, 0, 1); 22];
    for bad in [json!({ "spans": [] }), json!({ "spans": many })] {
        let refused = set(&world.creator, &worker, &bad).await;
        refused.problem(ProblemKind::Invalid);
    }
    let kept: Worker = world
        .creator
        .get(&format!("/api/v1/workers/{}", worker.id))
        .await
        .json();
    assert_eq!(kept.schedule, None);
    assert_eq!(
        set(&world.creator, &worker, &good).await.status,
        StatusCode::OK
    );
}

fn path(worker: &ScriptedWorker) -> String {
    format!("/api/v1/workers/{}/schedule", worker.id)
}

async fn set(client: &Client, worker: &ScriptedWorker, schedule: &Value) -> Answer {
    let body = serde_json::to_vec(schedule).unwrap();
    client.send(Method::PUT, &path(worker), body).await
}

/// One hour of the week, which begins within the hour before this many from now.
fn in_hours(world: &World, hours: i64) -> Value {
    // Monday, 29 December 1969.
    let hour = world.clock.now_us().div_euclid(3_600_000_000) + 3 * 24 + hours;
    let (day, from) = (hour.rem_euclid(7 * 24) / 24, hour.rem_euclid(24) * 60);
    json!({ "spans": [{ "day": day, "from_minute": from, "to_minute": from + 60 }] })
}
