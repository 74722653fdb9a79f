use std::time::Duration;

use pictor_protocol::agent::{Report, Telemetry};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker_history::{TelemetryHistory, TelemetrySample};

use crate::harness::World;
use crate::harness::worker::ScriptedWorker;

const SPAN: Duration = Duration::from_secs(300);

#[tokio::test]
async fn what_sensors_said_is_shown_by_spans_before_and_after_it_is_written() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    // A span that has just begun does not end while the test reads.
    let into = world.clock.now_us().rem_euclid(SPAN.as_micros() as i64);
    world
        .clock
        .advance(SPAN - Duration::from_micros(into as u64));
    read(&worker, 20, 60).await;
    read(&worker, 40, 50).await;
    let now = history(&world, &worker, "").await;
    assert_eq!(now[0].utilisation_percent, Some(30));
    assert_eq!(now[0].temperature_celsius, Some(60));
    assert_eq!((now.len(), now[0].power_milliwatts), (1, None));

    world.clock.advance(SPAN);
    read(&worker, 90, 70).await;
    let later = history(&world, &worker, "").await;
    assert_eq!(later.len(), 2);
    assert_eq!(later[0], now[0], "written or not, it says the same");
    assert_eq!(later[1].start_ms - later[0].start_ms, 300_000);

    // What an orderly end finds unwritten is not lost.
    let world = world.restart().await;
    assert_eq!(history(&world, &worker, "").await, later);
}

#[tokio::test]
async fn a_history_is_as_long_as_asked_for_and_a_week_at_most() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    read(&worker, 20, 60).await;
    world.clock.advance(Duration::from_secs(30 * 3_600));
    read(&worker, 40, 60).await;
    assert_eq!(history(&world, &worker, "").await.len(), 1);
    assert_eq!(history(&world, &worker, "?hours=48").await.len(), 2);
    world
        .clock
        .advance(Duration::from_secs(7 * 24 * 3_600) + SPAN);
    assert_eq!(history(&world, &worker, "?hours=100000").await, []);

    let stranger = world.stranger("stranger").await;
    let path = format!("/api/v1/workers/{}/telemetry", worker.id);
    stranger.get(&path).await.problem(ProblemKind::NotFound);
    let bad = world.creator.get(&format!("{path}?hours=all")).await;
    bad.problem(ProblemKind::Invalid);
}

async fn read(worker: &ScriptedWorker, utilisation: u32, temperature: u32) {
    let reading = Telemetry {
        slot: 0,
        utilisation_percent: Some(utilisation),
        temperature_celsius: Some(temperature),
        power_milliwatts: None,
        memory_used_bytes: None,
    };
    let telemetry = vec![reading];
    worker
        .report(Report {
            telemetry,
            ..worker.empty()
        })
        .await;
}

/// Of its only slot.
async fn history(world: &World, worker: &ScriptedWorker, query: &str) -> Vec<TelemetrySample> {
    let path = format!("/api/v1/workers/{}/telemetry{query}", worker.id);
    let history: TelemetryHistory = world.creator.get(&path).await.json();
    assert!(history.slots.len() <= 1, "{history:?}");
    history
        .slots
        .into_iter()
        .flat_map(|slot| slot.samples)
        .collect()
}
