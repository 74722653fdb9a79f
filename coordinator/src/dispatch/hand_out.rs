//! `work`: a slot asks for frames and is answered the moment there are some.

use std::collections::HashMap;
use std::time::Duration;

use pictor_protocol::agent::{AskForWork, AttemptRef, Grant, Lease, Work};
use pictor_protocol::blender::Series;
use pictor_protocol::{LeaseId, UserId, WorkerId};
use uuid::Uuid;

use super::ability::{self, Ability};
use super::decide::{self, Candidate, Choice, Slot};
use super::pace::{self, Measured};
use super::task::TaskStatus;
use crate::app::App;
use crate::store::attempts::NewAttempt;
use crate::store::dispatch::{OnlineWorker, OpenJob};
use crate::store::tasks::{TaskRow, TaskUpdate};
use crate::store::workers::{AgentRow, WorkerStatus};
use crate::store::{self, Result, Tx};
use crate::workers::{self, schedule};

/// Answers a slot that asks for work, at once or within the hold.
pub async fn work(app: &App, worker: &AgentRow, ask: &AskForWork) -> Result<Work> {
    let hold = ask.hold_ms.map_or(app.config.hold, |ms| {
        Duration::from_millis(ms.into()).min(app.config.hold)
    });
    let deadline = tokio::time::Instant::now() + hold;
    let mut bell = app.bells.work.listen();
    loop {
        let lease = try_lease(app, worker.id, ask).await?;
        if lease.is_some() {
            app.bells.owners.ring(worker.owner_id);
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
async fn try_lease(app: &App, worker: WorkerId, ask: &AskForWork) -> Result<Option<Lease>> {
    let now_us = app.now_us();
    // A ring wakes every waiting slot, and most of them find nothing: they look beside the writer, and
    // only who found something looks again where nobody can be faster.
    let mut tx = app.store.read().await?;
    if pick(&mut tx, worker, ask, now_us).await?.is_none() {
        return Ok(None);
    }
    drop(tx);

    let mut tx = app.store.write().await?;
    let Some(picked) = pick(&mut tx, worker, ask, now_us).await? else {
        return Ok(None);
    };
    let lease = lease(app, &mut tx, &picked, worker, ask).await?;
    tx.commit().await?;
    app.bells.jobs.ring(lease.job);
    Ok(Some(lease))
}

/// Frames of one job that a slot may have.
struct Picked {
    job: OpenJob,
    runtime: Series,
    tasks: Vec<TaskRow>,
}

/// Looks for frames: queued ones, else a second attempt at a slow one. Changes nothing.
async fn pick(
    tx: &mut Tx,
    worker: WorkerId,
    ask: &AskForWork,
    now_us: i64,
) -> Result<Option<Picked>> {
    let asking = store::workers::asking(tx, worker).await?;
    let is_current = asking.instance == Some(ask.instance.to_string());
    let is_open = schedule::is_open(asking.schedule.0.as_ref(), now_us);
    if asking.status != WorkerStatus::Active || !is_current || !is_open {
        return Ok(None);
    }
    let mut abilities = asking.abilities.0.into_iter();
    let slot = Slot {
        runtimes: asking.series.0,
        ability: abilities
            .find(|ability| ability.slot == ask.slot)
            .unwrap_or(Ability::unknown(ask.slot)),
        open: ask.open,
        cached: ask.cached.clone(),
    };
    let (waiting, tails) = store::dispatch::open_jobs(tx, worker)
        .await?
        .into_iter()
        .partition::<Vec<_>, _>(|job| job.queued > 0);
    // Who else is there matters for queued frames alone.
    if !waiting.is_empty()
        && let Some(picked) = queued(tx, &slot, waiting, worker, now_us).await?
    {
        return Ok(Some(picked));
    }
    straggler(tx, &slot, tails, worker, ask, now_us).await
}

/// The next frames of the job whose turn it is.
async fn queued(
    tx: &mut Tx,
    slot: &Slot,
    jobs: Vec<OpenJob>,
    worker: WorkerId,
    now_us: i64,
) -> Result<Option<Picked>> {
    let online = workers::taking_frames(tx, now_us).await?;
    let mut candidates = Vec::with_capacity(jobs.len());
    for job in &jobs {
        candidates.push(candidate(tx, job, worker, slot, &online).await?);
    }
    let running = store::dispatch::leases_by_owner(tx).await?;
    let running: HashMap<UserId, u32> = running.into_iter().collect();
    let Some(choice) = decide::choose(slot, &candidates, &running) else {
        return Ok(None);
    };
    let alone = candidates
        .iter()
        .any(|c| c.job == choice.job && !c.better_elsewhere);
    let Choice {
        job,
        runtime,
        frames,
    } = choice;
    let mut tasks = store::tasks::next_queued(tx, job, worker, false, frames).await?;
    if tasks.is_empty() && alone {
        tasks = store::tasks::next_queued(tx, job, worker, true, frames).await?;
    }
    let job = jobs.into_iter().find(|open| open.id == job);
    Ok(job.filter(|_| !tasks.is_empty()).map(|job| Picked {
        job,
        runtime,
        tasks,
    }))
}

async fn candidate(
    tx: &mut Tx,
    job: &OpenJob,
    worker: WorkerId,
    slot: &Slot,
    online: &[OnlineWorker],
) -> Result<Candidate> {
    let engine = job.plan.0.engine;
    // The series that suits the file best among all that render it; a job waits for that one.
    let runtime = job.runtime.0.or_else(|| {
        let able = ability::series_for(online.iter().map(OnlineWorker::equipment), engine);
        decide::pick_runtime(job.blender, job.file_series, &able)
    });
    let slots = |other: &OnlineWorker| {
        runtime.map_or(0, |series| other.equipment().slots_for(series, engine))
    };
    let better_elsewhere = job.failed_here > 0 && {
        let failed = store::dispatch::failed_workers(tx, job.id).await?;
        online
            .iter()
            .filter(|other| other.id != worker && !failed.contains(&other.id))
            .any(|other| slots(other) > 0)
    };
    Ok(Candidate {
        job: job.id,
        owner: job.owner_id,
        priority: job.priority,
        content: job.content,
        engine,
        runtime,
        queued: job.queued,
        slots: online.iter().map(slots).sum(),
        frame_ms: pace::expected_ms(&measured(job), slot.ability.score),
        failed_here: job.failed_here > 0,
        better_elsewhere,
    })
}

fn measured(job: &OpenJob) -> Measured {
    Measured {
        done: job.done,
        render_ms: job.render_ms,
        scored: job.scored,
        reference_ms: job.reference_ms,
        done_here: job.done_here,
        render_ms_here: job.render_ms_here,
    }
}

/// A second attempt at the slowest frame of a job that has nothing queued any more.
async fn straggler(
    tx: &mut Tx,
    slot: &Slot,
    jobs: Vec<OpenJob>,
    worker: WorkerId,
    ask: &AskForWork,
    now_us: i64,
) -> Result<Option<Picked>> {
    for job in jobs.into_iter().filter(|job| job.failed_here == 0) {
        let able = |series: &Series| slot.can_render(*series, job.plan.0.engine);
        let Some(runtime) = job.runtime.0.filter(able) else {
            continue;
        };
        let held = store::attempts::held_once_by_others(tx, job.id, worker, ask.slot, 1).await?;
        let Some(held) = held.first() else { continue };
        let expected = pace::expected_ms(&measured(&job), slot.ability.score);
        if !decide::is_straggler((now_us - held.leased_us) / 1_000, expected) {
            continue;
        }
        if let Some(row) = store::tasks::find(tx, held.task_id).await? {
            return Ok(Some(Picked {
                job,
                runtime,
                tasks: vec![row],
            }));
        }
    }
    Ok(None)
}

/// Records the attempts and writes the lease out.
async fn lease(
    app: &App,
    tx: &mut Tx,
    picked: &Picked,
    worker: WorkerId,
    ask: &AskForWork,
) -> Result<Lease> {
    let Picked {
        job,
        runtime,
        tasks,
    } = picked;
    let now_us = app.now_us();
    if job.runtime.0.is_none() {
        store::jobs::set_runtime(tx, job.id, *runtime).await?;
    }
    // A second attempt is at a frame that is leased already.
    let queued = |task: &&TaskRow| task.status == TaskStatus::Queued;
    let fresh = tasks.iter().filter(queued).count();
    if fresh > 0 {
        store::jobs::count_leased(tx, job.id, fresh as u32, now_us).await?;
    }
    let lease_id = LeaseId::new(Uuid::now_v7());
    let revision = store::jobs::bump(tx, job.id).await?;
    let mut grants = Vec::with_capacity(tasks.len());
    for row in tasks {
        let reference = AttemptRef {
            task: row.id,
            attempt: row.attempt + 1,
        };
        let attempt = NewAttempt {
            reference,
            job: job.id,
            lease: lease_id,
            worker,
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
        runtime: *runtime,
        settings: asked.settings.0,
        plan: asked.plan.0,
        tasks: grants,
    })
}

fn granted(row: &TaskRow, worker: WorkerId, now_us: i64, revision: i64) -> TaskUpdate<'_> {
    TaskUpdate {
        status: TaskStatus::Leased,
        failures: row.failures,
        blanks: row.blanks,
        attempt: row.attempt + 1,
        worker: Some(worker),
        error: row.error.as_deref(),
        started_us: Some(now_us),
        revision,
    }
}
