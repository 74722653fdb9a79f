//! What a worker of one's own did: when it was there, and what it was given.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pictor_protocol::WorkerId;
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::worker::{Uptime, UptimeStep, WorkerTaskPage};
use pictor_protocol::worker_history::{TelemetryHistory, WorkerEarnings};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::WorkerOwner;
use crate::http::cursor;
use crate::http::extract::{Path, Query};
use crate::http::problem::{Refused, Result};
use crate::workers::shown;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_uptime))
        .routes(routes!(tasks))
        .routes(routes!(show_earnings))
        .routes(routes!(show_telemetry))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UptimeQuery {
    /// How many days in UTC, with today: 1 to 365 by the day, to 90 by the hour (30 when unset)
    days: Option<i64>,
    /// `hour` or `day` (when unset)
    #[serde(default)]
    step: UptimeStep,
}

/// When a worker was there, by the coordinator's own observation
#[utoipa::path(get, path = "/api/v1/workers/{id}/uptime", tag = "workers",
    params(("id" = String, Path), UptimeQuery),
    responses((status = 200, body = Uptime), (status = "4XX", body = Problem)))]
async fn show_uptime(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    Query(query): Query<UptimeQuery>,
) -> Result<Json<Uptime>> {
    if query.step == UptimeStep::Unknown {
        let why = "`step` is `hour` or `day`";
        return Err(Refused::new(ProblemKind::Invalid, why));
    }
    let days = query.days.unwrap_or(30);
    let uptime = shown::uptime(&app, user, id, days, query.step).await?;
    Ok(Json(uptime))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TasksQuery {
    /// `next` of the page before
    after: Option<String>,
    /// Most tasks in the answer, 1 to 1000 (50 when unset)
    limit: Option<u32>,
}

/// What a worker was given and what became of it, the latest first
#[utoipa::path(get, path = "/api/v1/workers/{id}/tasks", tag = "workers",
    params(("id" = String, Path), TasksQuery),
    responses((status = 200, body = WorkerTaskPage), (status = "4XX", body = Problem)))]
async fn tasks(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    Query(query): Query<TasksQuery>,
) -> Result<Json<WorkerTaskPage>> {
    let limit = query.limit.unwrap_or(50).clamp(1, 1_000) as usize;
    let after = query.after.as_deref().map(cursor::read).transpose()?;
    let page = shown::tasks(&app, user, id, after.as_ref(), limit).await?;
    Ok(Json(WorkerTaskPage {
        tasks: page.items,
        next: page.next.map(|place| cursor::write(&place)),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EarningsQuery {
    /// `next` of the page before
    after: Option<String>,
    /// Most entries in the answer, 1 to 1000 (50 when unset)
    limit: Option<u32>,
}

/// The points that a worker's work earned, and why, the latest first
#[utoipa::path(get, path = "/api/v1/workers/{id}/earnings", tag = "workers",
    params(("id" = String, Path), EarningsQuery),
    responses((status = 200, body = WorkerEarnings), (status = "4XX", body = Problem)))]
async fn show_earnings(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    Query(query): Query<EarningsQuery>,
) -> Result<Json<WorkerEarnings>> {
    let limit = query.limit.unwrap_or(50).clamp(1, 1_000) as usize;
    let after = query.after.as_deref().map(cursor::read).transpose()?;
    let (earned, next) = shown::earnings(&app, user, id, after.as_ref(), limit).await?;
    Ok(Json(WorkerEarnings {
        next: next.map(|place| cursor::write(&place)),
        ..earned
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TelemetryQuery {
    /// How many hours until now, 1 to 168 (24 when unset)
    hours: Option<i64>,
}

/// What the sensors of a worker's GPUs said, by spans of five minutes
#[utoipa::path(get, path = "/api/v1/workers/{id}/telemetry", tag = "workers",
    params(("id" = String, Path), TelemetryQuery),
    responses((status = 200, body = TelemetryHistory), (status = "4XX", body = Problem)))]
async fn show_telemetry(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    Query(query): Query<TelemetryQuery>,
) -> Result<Json<TelemetryHistory>> {
    let hours = query.hours.unwrap_or(24);
    Ok(Json(shown::telemetry(&app, user, id, hours).await?))
}
