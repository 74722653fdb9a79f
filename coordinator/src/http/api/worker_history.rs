//! What a worker of one's own did: when it was there, and what it was given.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::worker::{OwnJob, Uptime, UptimeStep, WorkerTask, WorkerTaskPage};
use pictor_protocol::worker_history::{TelemetryHistory, WorkerEarnings};
use pictor_protocol::{UserId, WorkerId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::WorkerOwner;
use crate::http::cursor;
use crate::http::extract::{Path, Query};
use crate::http::problem::{Refused, Result};
use crate::store;
use crate::store::earnings::EarningPlace;
use crate::store::worker_pages::{self, GivenTask, WorkerTaskRow};
use crate::telemetry::history;
use crate::workers::{self, earnings, uptime};

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
    /// How many days in UTC, with today: 1 to 90 (30 when unset)
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
    let days = query.days.unwrap_or(30).clamp(1, uptime::DAYS_KEPT);
    let mut tx = app.store.read().await?;
    let worker = workers::of_owner(&mut tx, user, id).await?;
    let now_us = app.now_us();
    let first_hour = uptime::first_hour(days, worker.created_us, now_us);
    let rows = store::uptime::since(&mut tx, id, first_hour).await?;
    Ok(Json(uptime::uptime(&rows, first_hour, query.step, now_us)))
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
    let after: Option<GivenTask> = query.after.as_deref().map(cursor::read).transpose()?;
    let mut tx = app.store.read().await?;
    workers::of_owner(&mut tx, user, id).await?;
    let mut rows = worker_pages::tasks(&mut tx, id, after.as_ref(), limit as i64 + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more).map(WorkerTaskRow::place);
    Ok(Json(WorkerTaskPage {
        next: last.map(|place| cursor::write(&place)),
        tasks: rows.into_iter().map(|row| view(row, user)).collect(),
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
    let after: Option<EarningPlace> = query.after.as_deref().map(cursor::read).transpose()?;
    let mut tx = app.store.read().await?;
    workers::of_owner(&mut tx, user, id).await?;
    let page = earnings::page(&mut tx, id, after.as_ref(), limit, app.now_us());
    let (earned, next) = page.await?;
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
    let hours = query.hours.unwrap_or(24).clamp(1, history::HOURS_KEPT);
    let since = history::first_span(hours, app.now_us());
    let mut tx = app.store.read().await?;
    workers::of_owner(&mut tx, user, id).await?;
    // In this order: what is written meanwhile is there twice, which changes no mean, rather than not at all.
    let mut parts = app.telemetry.unwritten(id, since);
    parts.extend(store::readings::since(&mut tx, id, since).await?);
    Ok(Json(history::history(parts)))
}

/// What the owner of a worker sees of a task. Whose job it was and what it was called is not among it, unless
/// it was their own.
fn view(row: WorkerTaskRow, asking: UserId) -> WorkerTask {
    WorkerTask {
        job: (row.job_owner == asking).then_some(OwnJob {
            id: row.job_id,
            name: row.job_name,
        }),
        frame: row.frame,
        attempt: row.attempt,
        slot: row.slot,
        state: row.status.into(),
        leased_ms: row.leased_us / 1_000,
        finished_ms: row.finished_us.map(|us| us / 1_000),
        render_ms: row.render_ms,
        energy_millijoules: row.energy_millijoules,
        message: row.message,
    }
}
