//! What owners are shown of their workers: the list, one of them, and what it did, page by page. The API and the
//! pages answer with the same.

use pictor_protocol::worker::{OwnJob, Presence, Uptime, UptimeStep, Worker, WorkerTask};
use pictor_protocol::worker_history::{TelemetryHistory, WorkerEarnings};
use pictor_protocol::{Micros, UserId, WorkerId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::beside::Beside;
use super::{SILENCE_US, WorkerError, earnings, of_owner, search_key, uptime};
use crate::app::App;
use crate::store;
use crate::store::earnings::EarningPlace;
use crate::store::worker_pages::{
    self, GivenTask, SortedWorker, SortedWorkerRow, WorkerTaskRow, WorkersWanted,
};
use crate::telemetry::history;

/// What workers are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Name,
    #[default]
    Created,
    /// When they were heard of last.
    Seen,
    /// Those online first; by name among equals.
    Presence,
    /// What they earned today.
    Earned,
}

impl Sort {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Created => "created",
            Self::Seen => "seen",
            Self::Presence => "presence",
            Self::Earned => "earned",
        }
    }
}

/// Which of somebody's workers, and in which order.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// All but the retired ones when unset.
    pub presence: Option<Presence>,
    /// A part of the name, in whatever case.
    pub search: &'a str,
    pub created_from_ms: Option<i64>,
    pub created_before_ms: Option<i64>,
    pub sort: Sort,
    pub descending: bool,
    /// Behind this one.
    pub after: Option<SortedWorker>,
    pub limit: usize,
}

/// A page, and where the next one begins, if there is one.
#[derive(Debug)]
pub struct Part<T, P> {
    pub items: Vec<T>,
    pub next: Option<P>,
}

/// Workers of somebody's.
pub async fn workers(
    app: &App,
    owner: UserId,
    wanted: &Wanted<'_>,
) -> Result<Part<Worker, SortedWorker>, WorkerError> {
    let search = search_key(wanted.search)?;
    let now_us = app.now_us();
    let from_database = WorkersWanted {
        owner,
        presence: wanted.presence.map(Presence::as_str),
        name_part: &search,
        created_from_us: wanted.created_from_ms.unwrap_or(0).saturating_mul(1_000),
        created_before_us: wanted
            .created_before_ms
            .map_or(i64::MAX, |ms| ms.saturating_mul(1_000)),
        online_since_us: now_us - SILENCE_US,
        earned_from_hour: earnings::today(now_us),
        sort: wanted.sort.as_str(),
        descending: wanted.descending,
        after: wanted.after.as_ref(),
        limit: wanted.limit as i64 + 1,
    };
    let mut tx = app.store.read().await?;
    let rows = worker_pages::workers(&mut tx, &from_database).await?;
    let (rows, next) = cut(rows, wanted.limit, SortedWorkerRow::place);
    let ids: Vec<_> = rows.iter().map(|row| row.worker.id).collect();
    let beside = Beside::of_owner(app, &mut tx, owner, &ids).await?;
    let views = rows
        .into_iter()
        .map(|row| super::view(app, row.worker, &beside));
    Ok(Part {
        items: views.collect(),
        next,
    })
}

/// One of somebody's workers.
pub async fn worker(app: &App, owner: UserId, id: WorkerId) -> Result<Worker, WorkerError> {
    let mut tx = app.store.read().await?;
    let row = of_owner(&mut tx, owner, id).await?;
    let beside = Beside::of_owner(app, &mut tx, owner, &[id]).await?;
    Ok(super::view(app, row, &beside))
}

/// All workers of somebody's together, the retired ones aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Together {
    pub workers: i64,
    pub online: i64,
    /// Frames that they hold.
    pub leased: i64,
    pub earned_today: Micros,
}

pub async fn together(app: &App, owner: UserId) -> Result<Together, WorkerError> {
    let now_us = app.now_us();
    let mut tx = app.store.read().await?;
    let today = earnings::today(now_us);
    let row = worker_pages::together(&mut tx, owner, now_us - SILENCE_US, today).await?;
    Ok(Together {
        workers: row.workers,
        online: row.online,
        leased: row.leased,
        earned_today: Micros::new(row.earned),
    })
}

/// What a worker was given and what became of it, the latest first.
pub async fn tasks(
    app: &App,
    owner: UserId,
    id: WorkerId,
    after: Option<&GivenTask>,
    limit: usize,
) -> Result<Part<WorkerTask, GivenTask>, WorkerError> {
    let mut tx = app.store.read().await?;
    of_owner(&mut tx, owner, id).await?;
    let rows = worker_pages::tasks(&mut tx, id, after, limit as i64 + 1).await?;
    let (rows, next) = cut(rows, limit, WorkerTaskRow::place);
    Ok(Part {
        items: rows.into_iter().map(|row| task(row, owner)).collect(),
        next,
    })
}

/// What the owner of a worker sees of a task. Whose job it was and what it was called is not among it, unless
/// it was their own.
fn task(row: WorkerTaskRow, asking: UserId) -> WorkerTask {
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

/// When a worker was there, over so many days with today.
pub async fn uptime(
    app: &App,
    owner: UserId,
    id: WorkerId,
    days: i64,
    step: UptimeStep,
) -> Result<Uptime, WorkerError> {
    let by_hour = step == UptimeStep::Hour;
    let most = if by_hour {
        uptime::HOURLY_DAYS
    } else {
        uptime::DAYS_KEPT
    };
    let mut tx = app.store.read().await?;
    let worker = of_owner(&mut tx, owner, id).await?;
    let now_us = app.now_us();
    let first_hour = uptime::first_hour(days.clamp(1, most), worker.created_us, now_us);
    let rows = match by_hour {
        true => store::uptime::since(&mut tx, id, first_hour).await?,
        false => store::uptime::days_since(&mut tx, id, first_hour).await?,
    };
    Ok(uptime::uptime(&rows, first_hour, step, now_us))
}

/// What the sensors of a worker's GPUs said in the last hours.
pub async fn telemetry(
    app: &App,
    owner: UserId,
    id: WorkerId,
    hours: i64,
) -> Result<TelemetryHistory, WorkerError> {
    let since = history::first_span(hours.clamp(1, history::HOURS_KEPT), app.now_us());
    let mut tx = app.store.read().await?;
    of_owner(&mut tx, owner, id).await?;
    // In this order: what is written meanwhile is there twice, which changes no mean, rather than not at all.
    let mut parts = app.telemetry.unwritten(id, since);
    parts.extend(store::readings::since(&mut tx, id, since).await?);
    Ok(history::history(parts))
}

/// What a worker earned: the sums and a page of the reasons, and where the next page begins.
pub async fn earnings(
    app: &App,
    owner: UserId,
    id: WorkerId,
    before: Option<&EarningPlace>,
    limit: usize,
) -> Result<(WorkerEarnings, Option<EarningPlace>), WorkerError> {
    let mut tx = app.store.read().await?;
    of_owner(&mut tx, owner, id).await?;
    Ok(earnings::page(&mut tx, id, before, limit, app.now_us()).await?)
}

/// What a worker earned on each of the last days that it earned something, by the day since 1970; what went back
/// later is among it.
pub async fn earned_by_day(
    app: &App,
    owner: UserId,
    id: WorkerId,
    days: i64,
) -> Result<Vec<(i64, Micros)>, WorkerError> {
    let mut tx = app.store.read().await?;
    of_owner(&mut tx, owner, id).await?;
    let since = uptime::first_hour(days, i64::MIN, app.now_us());
    let rows = store::earnings::by_day(&mut tx, id, since).await?;
    let day = |row: store::earnings::HourEarned| (row.hour / 24, Micros::new(row.amount));
    Ok(rows.into_iter().map(day).collect())
}

/// So many rows, and the place of the last one if there are more.
fn cut<R, P>(mut rows: Vec<R>, limit: usize, place: impl Fn(&R) -> P) -> (Vec<R>, Option<P>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(place);
    (rows, next)
}
