//! What owners see of their machines.

mod bench;
mod doctor;
mod earnings;
mod list;
mod schedule;
mod telemetry;

use pictor_protocol::JobId;
use pictor_protocol::agent::Outcome;

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

/// A frame of a new job of somebody's, which takes the worker a minute.
async fn render_minute(world: &World, worker: &ScriptedWorker, creator: &Client) -> JobId {
    let job = creator.submit("1").await;
    let grant = worker.must_get_work().await.tasks.remove(0);
    world.clock.advance(std::time::Duration::from_secs(61));
    // It was silent for that long.
    worker.report(worker.empty()).await;
    let outcome = worker.finish_in(&grant, &png(1), 60_000).await;
    assert_eq!(outcome, Outcome::Accepted);
    job.id
}
