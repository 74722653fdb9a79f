//! What operators see of everybody's things, and of the coordinator itself.

use std::path::Path;

use pictor_protocol::network::{OwnedJob, OwnedJobPage, OwnedWorker, OwnedWorkerPage, SystemState};
use pictor_protocol::{JobId, UserId, WorkerId};
use rustix::fs::statvfs;

use crate::app::App;
use crate::campaign::calendar::SECOND_US;
use crate::jobs;
use crate::store::network::OwnedWorkerRow;
use crate::store::{self, Result};
use crate::workers::beside::Beside;
use crate::workers::{self, SILENCE_US};

/// Everybody's workers; whose jobs they render is said of the operator's own alone.
pub async fn workers(
    app: &App,
    operator: UserId,
    text: &str,
    before: Option<WorkerId>,
    limit: usize,
) -> Result<OwnedWorkerPage> {
    let mut tx = app.store.read().await?;
    let asked = limit as i64 + 1;
    let mut rows = store::network::workers_of_all(&mut tx, text, before, asked).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let ids: Vec<_> = rows.iter().map(|row| row.worker.id).collect();
    let beside = Beside::of_all(app, &mut tx, operator, &ids).await?;
    let view = |row: OwnedWorkerRow| OwnedWorker {
        owner: row.worker.owner_id,
        owner_name: row.owner_name,
        worker: workers::view(app, row.worker, &beside),
    };
    Ok(OwnedWorkerPage {
        workers: rows.into_iter().map(view).collect(),
        next: ids.last().filter(|_| more).copied(),
    })
}

/// Everybody's jobs.
pub async fn jobs(
    app: &App,
    text: &str,
    before: Option<JobId>,
    limit: usize,
) -> Result<OwnedJobPage> {
    let mut tx = app.store.read().await?;
    let asked = limit as i64 + 1;
    let mut rows = store::network::jobs_of_all(&mut tx, text, before, asked).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        // It may be gone since.
        if let Some(job) = store::jobs::find(&mut tx, row.id).await? {
            found.push(OwnedJob {
                owner: row.owner_id,
                owner_name: row.owner_name,
                job: jobs::view::job(&mut tx, job, app.now_us()).await?,
            });
        }
    }
    Ok(OwnedJobPage { jobs: found, next })
}

/// How this coordinator is.
pub async fn system(app: &App) -> Result<SystemState> {
    let mut tx = app.store.read().await?;
    let now_us = app.now_us();
    let online = store::dispatch::online(&mut tx, now_us - SILENCE_US).await?;
    let open = store::dispatch::open_frames(&mut tx).await?;
    let (blobs, blob_bytes) = store::network::blobs(&mut tx).await?;
    let database = app.config.database();
    let mut wal = database.clone().into_os_string();
    wal.push("-wal");
    let audited_s = Some(app.metrics.ledger_audited.get()).filter(|at| *at > 0);
    Ok(SystemState {
        version: env!("CARGO_PKG_VERSION").into(),
        started_ms: app.started_us / 1_000,
        uptime_ms: (now_us - app.started_us) / 1_000,
        database_bytes: size_of(&database),
        wal_bytes: size_of(Path::new(&wal)),
        blobs: blobs as u64,
        blob_bytes: blob_bytes as u64,
        disk_free_bytes: disk_free_bytes(&app.config.data),
        workers_online: online.len() as u64,
        jobs_open: open.jobs as u64,
        frames_queued: open.queued as u64,
        frames_leased: open.leased as u64,
        ledger_audited_ms: audited_s.map(|at| at * (SECOND_US / 1_000)),
        ledger_faults: audited_s.map(|_| app.metrics.ledger_faults.get() as u64),
    })
}

/// 0 of a file that is not there.
fn size_of(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |about| about.len())
}

fn disk_free_bytes(dir: &Path) -> Option<u64> {
    let space = statvfs(dir).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
