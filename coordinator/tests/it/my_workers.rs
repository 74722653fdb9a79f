//! What worker owners see of their workers and do with them.

mod changes;
mod history;
mod list;
mod status;

use http::StatusCode;
use pictor_protocol::WorkerId;
use pictor_protocol::worker::{Worker, WorkerStatus};

use crate::harness::World;

/// A worker as the operator sees it, whose workers all scripted ones are.
async fn shown(world: &World, id: WorkerId) -> Worker {
    let answer = world.creator.get(&format!("/api/v1/workers/{id}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn status_of(world: &World, id: WorkerId) -> WorkerStatus {
    shown(world, id).await.status.unwrap()
}
