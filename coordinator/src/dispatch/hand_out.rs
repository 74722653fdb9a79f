//! `work`: a slot asks for frames and is answered the moment there are some.

use std::collections::HashMap;
use std::time::Duration;

use pictor_protocol::agent::{AskForWork, AttemptRef, Grant, Lease, Work};
use pictor_protocol::blender::Series;
use pictor_protocol::{LeaseId, UserId};
use uuid::Uuid;

use super::decide::{self, Candidate, Choice, Slot};
use crate::app::App;
use crate::store::attempts::NewAttempt;
use crate::store::dispatch::{OnlineWorker, OpenJob};
use crate::store::tasks::{TaskRow, TaskUpdate};
use crate::store::workers::{WorkerRow, WorkerStatus};
use crate::store::{self, Result, Tx};
use crate::workers::SILENCE_US;

/// Answers a slot that asks for work, at once or within the hold.
pub async fn work(app: &App, worker: &WorkerRow, ask: &AskForWork) -> Result<Work> {
    let hold = ask.hold_ms.map_or(app.config.hold, |ms| {
        Duration::from_millis(ms.into()).min(app.config.hold)
    });
    let deadline = tokio::time::Instant::now() + hold;
    let mut bell = app.bells.work.listen();
    loop {
        let lease = try_lease(app, worker, ask).await?;
        if lease.is_some() {
            return Ok(Work {
                lease,
                commands: Vec::new(),
            });
        }
        tokio::select! {
            () = bell.heard() => {}
            () = tokio::time::sleep_until(deadline) => return Ok(Work::default()),
            () = app.stopping.cancelled() => return Ok(Work::default()),
        }
    }
}

/// Chooses and leases in one transaction, so that two slots never get the same frame.
async fn try_lease(app: &App, worker: &WorkerRow, ask: &AskForWork) -> Result<Option<Lease>> {
    let now_us = app.now_us();
    // Most asks find nothing: they must not queue for the writer.
    let mut tx = app.store.read().await?;
    if !store::dispatch::any_open(&mut tx).await? {
        return Ok(None);
    }
    drop(tx);

    let mut tx = app.store.write().await?;
    let Some(worker) = store::workers::find(&mut tx, worker.id).await? else {
        return Ok(None);
    };
    if worker.status != WorkerStatus::Active || worker.instance != Some(ask.instance.to_string()) {
        return Ok(None);
    }
    let view = View::load(&mut tx, &worker, ask, now_us).await?;
    let lease = match decide::choose(&view.slot, &view.candidates, &view.running) {
        Some(choice) => lease_queued(app, &mut tx, &view, &worker, ask, choice).await?,
        None => lease_straggler(app, &mut tx, &view, &worker, ask, now_us).await?,
    };
    if let Some(lease) = &lease {
        tx.commit().await?;
        app.bells.jobs.ring(lease.job);
    }
    Ok(lease)
}

/// Everything that the choice depends on.
struct View {
    slot: Slot,
    jobs: Vec<OpenJob>,
    candidates: Vec<Candidate>,
    running: HashMap<UserId, u32>,
}

impl View {
    async fn load(tx: &mut Tx, worker: &WorkerRow, ask: &AskForWork, now_us: i64) -> Result<Self> {
        let online = store::dispatch::online(tx, now_us - SILENCE_US).await?;
        let runtimes = worker.hello.0.as_ref().map_or_else(Vec::new, |hello| {
            hello
                .runtimes
                .iter()
                .map(|runtime| runtime.series)
                .collect()
        });
        let jobs = store::dispatch::open_jobs(tx, worker.id).await?;
        let mut candidates = Vec::with_capacity(jobs.len());
        for job in &jobs {
            candidates.push(candidate(tx, job, worker, &online).await?);
        }
        let slot = Slot {
            runtimes,
            open: ask.open,
            cached: ask.cached.clone(),
        };
        let running = store::dispatch::leases_by_owner(tx)
            .await?
            .into_iter()
            .collect();
        Ok(Self {
            slot,
            jobs,
            candidates,
            running,
        })
    }
}

async fn candidate(
    tx: &mut Tx,
    job: &OpenJob,
    worker: &WorkerRow,
    online: &[OnlineWorker],
) -> Result<Candidate> {
    // The series that suits the file best among all that are online; a job waits for that one.
    let all: Vec<Series> = online
        .iter()
        .flat_map(|worker| worker.series.0.iter().copied())
        .collect();
    let runtime = job
        .runtime
        .0
        .or_else(|| decide::pick_runtime(job.blender, job.file_series, &all));
    let can =
        |other: &&OnlineWorker| runtime.is_some_and(|series| other.series.0.contains(&series));
    let better_elsewhere = job.failed_here > 0 && {
        let failed = store::dispatch::failed_workers(tx, job.id).await?;
        online
            .iter()
            .filter(can)
            .any(|other| other.id != worker.id && !failed.contains(&other.id))
    };
    Ok(Candidate {
        job: job.id,
        owner: job.owner_id,
        priority: job.priority,
        content: job.content,
        runtime,
        queued: job.queued,
        slots: online.iter().filter(can).map(|worker| worker.slots).sum(),
        frame_ms: frame_ms(job),
        failed_here: job.failed_here > 0,
        better_elsewhere,
    })
}

/// Mean time of a frame: this worker's, else everybody's.
fn frame_ms(job: &OpenJob) -> Option<i64> {
    let mean = |ms: i64, frames: i64| (frames > 0).then(|| ms / frames);
    mean(job.render_ms_here, job.done_here).or_else(|| mean(job.render_ms, job.done))
}

async fn lease_queued(
    app: &App,
    tx: &mut Tx,
    view: &View,
    worker: &WorkerRow,
    ask: &AskForWork,
    choice: Choice,
) -> Result<Option<Lease>> {
    let Some(job) = view.jobs.iter().find(|job| job.id == choice.job) else {
        return Ok(None);
    };
    let mut rows = store::tasks::next_queued(tx, job.id, worker.id, false, choice.frames).await?;
    let alone = view
        .candidates
        .iter()
        .any(|c| c.job == job.id && !c.better_elsewhere);
    if rows.is_empty() && alone {
        rows = store::tasks::next_queued(tx, job.id, worker.id, true, choice.frames).await?;
    }
    if rows.is_empty() {
        return Ok(None);
    }
    if job.runtime.0.is_none() {
        store::jobs::set_runtime(tx, job.id, choice.runtime).await?;
    }
    store::jobs::count_leased(tx, job.id, rows.len() as u32, app.now_us()).await?;
    lease(app, tx, job, &rows, worker, ask, choice.runtime)
        .await
        .map(Some)
}

/// A second attempt at the slowest frame of a job that has nothing queued any more.
async fn lease_straggler(
    app: &App,
    tx: &mut Tx,
    view: &View,
    worker: &WorkerRow,
    ask: &AskForWork,
    now_us: i64,
) -> Result<Option<Lease>> {
    for (job, candidate) in view.jobs.iter().zip(&view.candidates) {
        let Some(runtime) = job
            .runtime
            .0
            .filter(|series| view.slot.runtimes.contains(series))
        else {
            continue;
        };
        if job.queued > 0 || candidate.failed_here {
            continue;
        }
        let held = store::attempts::held_once_by_others(tx, job.id, worker.id, ask.slot, 1).await?;
        let Some(held) = held.first() else { continue };
        if !decide::is_straggler((now_us - held.leased_us) / 1_000, candidate.frame_ms) {
            continue;
        }
        if let Some(row) = store::tasks::find(tx, held.task_id).await? {
            return lease(app, tx, job, &[row], worker, ask, runtime)
                .await
                .map(Some);
        }
    }
    Ok(None)
}

/// Records the attempts and writes the lease out. The job's counts are the caller's.
async fn lease(
    app: &App,
    tx: &mut Tx,
    job: &OpenJob,
    rows: &[TaskRow],
    worker: &WorkerRow,
    ask: &AskForWork,
    runtime: Series,
) -> Result<Lease> {
    let now_us = app.now_us();
    let lease_id = LeaseId::new(Uuid::now_v7());
    let revision = store::jobs::bump(tx, job.id).await?;
    let mut grants = Vec::with_capacity(rows.len());
    for row in rows {
        let reference = AttemptRef {
            task: row.id,
            attempt: row.attempt + 1,
        };
        let attempt = NewAttempt {
            reference,
            job: job.id,
            lease: lease_id,
            worker: worker.id,
            slot: ask.slot,
            leased_us: now_us,
            deadline_us: now_us + app.config.lease_ttl.as_micros() as i64,
        };
        store::attempts::insert(tx, &attempt).await?;
        store::tasks::update(tx, row.id, &granted(row, worker, now_us, revision)).await?;
        grants.push(Grant {
            attempt: reference,
            frame: row.frame,
        });
    }
    let asked = store::jobs::render_spec(tx, job.id).await?;
    Ok(Lease {
        id: lease_id,
        job: job.id,
        scene: store::scenes::manifest(tx, job.scene_id).await?,
        runtime,
        settings: asked.settings.0,
        plan: asked.plan.0,
        tasks: grants,
    })
}

fn granted<'a>(row: &'a TaskRow, worker: &WorkerRow, now_us: i64, revision: i64) -> TaskUpdate<'a> {
    TaskUpdate {
        status: super::task::TaskStatus::Leased,
        failures: row.failures,
        blanks: row.blanks,
        attempt: row.attempt + 1,
        worker: Some(worker.id),
        error: row.error.as_deref(),
        started_us: Some(now_us),
        revision,
    }
}
