//! Workers of one's own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::WorkerId;
use pictor_protocol::problem::Problem;
use pictor_protocol::worker::{Demand, NewWorker, Worker, WorkerList};
use pictor_protocol::worker_config::WorkerConfig;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::WorkerOwner;
use crate::http::extract::{self, Path};
use crate::http::problem::{Refused, Result};
use crate::store;
use crate::workers;
use crate::workers::SILENCE_US;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, retire))
        .routes(routes!(drain))
        .routes(routes!(resume))
        .routes(routes!(demand))
}

/// Register a worker; the answer is its config file, with its token, shown this once
#[utoipa::path(post, path = "/api/v1/workers", tag = "workers", request_body = NewWorker,
    responses((status = 201, body = WorkerConfig), (status = "4XX", body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    extract::Json(new): extract::Json<NewWorker>,
) -> Result<(StatusCode, Json<WorkerConfig>)> {
    let config = workers::create(&app.store, user, &new.name, &app.url, app.now_us()).await?;
    Ok((StatusCode::CREATED, Json(config)))
}

/// Workers of one's own
#[utoipa::path(get, path = "/api/v1/workers", tag = "workers",
    responses((status = 200, body = WorkerList), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
) -> Result<Json<WorkerList>> {
    let mut tx = app.store.read().await?;
    let rows = store::workers::of_owner(&mut tx, user).await?;
    let workers = rows
        .into_iter()
        .map(|row| workers::view(&app, row))
        .collect();
    Ok(Json(WorkerList { workers }))
}

/// A worker
#[utoipa::path(get, path = "/api/v1/workers/{id}", tag = "workers", params(("id" = String, Path)),
    responses((status = 200, body = Worker), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<Json<Worker>> {
    let mut tx = app.store.read().await?;
    let row = store::workers::find(&mut tx, id)
        .await?
        .filter(|row| row.owner_id == user);
    row.map(|row| Json(workers::view(&app, row)))
        .ok_or_else(|| Refused::not_found("worker"))
}

/// Retire a worker: its token stops working
#[utoipa::path(delete, path = "/api/v1/workers/{id}", tag = "workers", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn retire(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<StatusCode> {
    workers::retire(&app, user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a worker finish what it renders and give it nothing more until it is resumed
#[utoipa::path(post, path = "/api/v1/workers/{id}/drain", tag = "workers", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn drain(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<StatusCode> {
    workers::drain(&app, user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a drained worker take frames again
#[utoipa::path(post, path = "/api/v1/workers/{id}/resume", tag = "workers", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn resume(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<StatusCode> {
    workers::resume(&app, user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much there is to render, and how many slots there are: what whoever starts workers goes by
#[utoipa::path(get, path = "/api/v1/demand", tag = "workers",
    responses((status = 200, body = Demand), (status = "4XX", body = Problem)))]
async fn demand(State(app): State<Arc<App>>, _owner: WorkerOwner) -> Result<Json<Demand>> {
    let mut tx = app.store.read().await?;
    let online = store::dispatch::online(&mut tx, app.now_us() - SILENCE_US).await?;
    let open = store::dispatch::open_frames(&mut tx).await?;
    Ok(Json(Demand {
        queued: open.queued as u64,
        leased: open.leased as u64,
        slots_online: online
            .iter()
            .map(|worker| worker.abilities.0.len() as u64)
            .sum(),
    }))
}
