//! Workers of one's own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::WorkerId;
use pictor_protocol::problem::Problem;
use pictor_protocol::schedule::Schedule;
use pictor_protocol::worker::{
    ChangeWorker, Demand, DrainWorker, NewWorker, Presence, SuspendWorker, Worker, WorkerList,
};
use pictor_protocol::worker_config::WorkerConfig;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::{Operator, WorkerOwner};
use crate::http::cursor;
use crate::http::extract::{self, Path, Query};
use crate::http::problem::Result;
use crate::workers;
use crate::workers::shown::{self, Sort, Wanted};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, change, retire))
        .routes(routes!(replace_token))
        .routes(routes!(set_schedule, end_schedule))
        .routes(routes!(drain))
        .routes(routes!(resume))
        .routes(routes!(suspend))
        .routes(routes!(reinstate))
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

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Workers of this presence only; all but the retired ones when unset
    presence: Option<Presence>,
    /// Workers with this in their name, in whatever case
    search: Option<String>,
    /// Workers that were created at this moment or later
    created_from_ms: Option<i64>,
    /// Workers that were created before this moment
    created_before_ms: Option<i64>,
    /// What to sort them by
    #[serde(default)]
    #[param(inline)]
    sort: Sort,
    /// The other way round
    #[serde(default)]
    descending: bool,
    /// `next` of the page before
    after: Option<String>,
    /// Most workers in the answer, 1 to 1000 (1000 when unset)
    limit: Option<u32>,
}

/// Workers of one's own
#[utoipa::path(get, path = "/api/v1/workers", tag = "workers", params(ListQuery),
    responses((status = 200, body = WorkerList), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Query(query): Query<ListQuery>,
) -> Result<Json<WorkerList>> {
    let wanted = Wanted {
        presence: query.presence,
        search: query.search.as_deref().unwrap_or_default(),
        created_from_ms: query.created_from_ms,
        created_before_ms: query.created_before_ms,
        sort: query.sort,
        descending: query.descending,
        after: query.after.as_deref().map(cursor::read).transpose()?,
        limit: query.limit.unwrap_or(1_000).clamp(1, 1_000) as usize,
    };
    let page = shown::workers(&app, user, &wanted).await?;
    Ok(Json(WorkerList {
        workers: page.items,
        next: page.next.map(|place| cursor::write(&place)),
    }))
}

/// A worker
#[utoipa::path(get, path = "/api/v1/workers/{id}", tag = "workers", params(("id" = String, Path)),
    responses((status = 200, body = Worker), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<Json<Worker>> {
    Ok(Json(shown::worker(&app, user, id).await?))
}

/// Give a worker another name
#[utoipa::path(patch, path = "/api/v1/workers/{id}", tag = "workers", params(("id" = String, Path)),
    request_body = ChangeWorker,
    responses((status = 200, body = Worker), (status = "4XX", body = Problem)))]
async fn change(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    extract::Json(change): extract::Json<ChangeWorker>,
) -> Result<Json<Worker>> {
    if let Some(name) = &change.name {
        workers::rename(&app, user, id, name).await?;
    }
    Ok(Json(shown::worker(&app, user, id).await?))
}

/// Make another token for a worker; the answer is its new config file, and the old one is worth nothing
#[utoipa::path(post, path = "/api/v1/workers/{id}/token", tag = "workers", params(("id" = String, Path)),
    responses((status = 201, body = WorkerConfig), (status = "4XX", body = Problem)))]
async fn replace_token(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<(StatusCode, Json<WorkerConfig>)> {
    let config = workers::replace_token(&app, user, id).await?;
    Ok((StatusCode::CREATED, Json(config)))
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
    request_body(content = Option<DrainWorker>),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn drain(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    extract::MaybeJson(drain): extract::MaybeJson<DrainWorker>,
) -> Result<StatusCode> {
    workers::drain(&app, user, id, drain.reason.as_deref()).await?;
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

/// Set the hours of the week in which a worker takes frames; what it renders when they end it finishes
#[utoipa::path(put, path = "/api/v1/workers/{id}/schedule", tag = "workers", params(("id" = String, Path)),
    request_body = Schedule,
    responses((status = 200, body = Worker), (status = "4XX", body = Problem)))]
async fn set_schedule(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    extract::Json(schedule): extract::Json<Schedule>,
) -> Result<Json<Worker>> {
    workers::set_schedule(&app, user, id, Some(&schedule)).await?;
    Ok(Json(shown::worker(&app, user, id).await?))
}

/// Let a worker take frames at all hours
#[utoipa::path(delete, path = "/api/v1/workers/{id}/schedule", tag = "workers",
    params(("id" = String, Path)),
    responses((status = 200, body = Worker), (status = "4XX", body = Problem)))]
async fn end_schedule(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<Json<Worker>> {
    workers::set_schedule(&app, user, id, None).await?;
    Ok(Json(shown::worker(&app, user, id).await?))
}

/// Suspend anybody's worker: it is given nothing until it is reinstated, whatever its owner does
#[utoipa::path(post, path = "/api/v1/workers/{id}/suspend", tag = "workers", params(("id" = String, Path)),
    request_body = SuspendWorker,
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn suspend(
    State(app): State<Arc<App>>,
    Operator(operator): Operator,
    Path(id): Path<WorkerId>,
    extract::Json(suspend): extract::Json<SuspendWorker>,
) -> Result<StatusCode> {
    workers::suspend(&app, operator, id, &suspend.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lift the suspension of a worker
#[utoipa::path(post, path = "/api/v1/workers/{id}/reinstate", tag = "workers", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn reinstate(
    State(app): State<Arc<App>>,
    Operator(operator): Operator,
    Path(id): Path<WorkerId>,
) -> Result<StatusCode> {
    workers::reinstate(&app, operator, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much there is to render, and how many slots there are: what whoever starts workers goes by
#[utoipa::path(get, path = "/api/v1/demand", tag = "workers",
    responses((status = 200, body = Demand), (status = "4XX", body = Problem)))]
async fn demand(State(app): State<Arc<App>>, _owner: WorkerOwner) -> Result<Json<Demand>> {
    let mut tx = app.store.read().await?;
    Ok(Json(workers::demand::now(&mut tx, app.now_us()).await?))
}
