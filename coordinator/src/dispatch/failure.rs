//! A frame fails: a strike, and perhaps the end of the whole job.

use pictor_protocol::agent::{AttemptRef, Failed, Refusal};
use pictor_protocol::job::FrameCounts;
use pictor_protocol::{JobId, WorkerId};

use super::record::{self, Details, Recorded};
use super::report::{Answer, ReportError, announce, refused};
use super::task::Event;
use super::trouble::{self, Failures};
use crate::app::App;
use crate::campaign::earn;
use crate::jobs::charge;
use crate::jobs::state::Intent;
use crate::store::dispatch::Record;
use crate::store::jobs::JobRow;
use crate::store::workers::AgentRow;
use crate::store::{self, Tx};
use crate::workers;

/// Longest message that is kept of one failure.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// An attempt that did not end in a picture, by its worker's word or by ours.
pub struct Strike {
    pub attempt: AttemptRef,
    pub event: Event,
    /// For people.
    pub message: String,
    /// The scene or its settings are at fault, says the worker.
    pub faulted: bool,
}

/// Takes a failed attempt.
pub async fn take(app: &App, worker: &AgentRow, failed: &Failed) -> Result<Answer, ReportError> {
    let event = Event::Failed {
        attempt: failed.attempt.attempt,
        from: worker.id,
    };
    let message = failed.message.chars().take(MESSAGE_CHARS_MAX).collect();
    let faulted = failed.fault.is_of_the_scene();
    record(
        app,
        worker.id,
        Strike {
            attempt: failed.attempt,
            event,
            message,
            faulted,
        },
    )
    .await
}

/// Records a strike, and stops the whole job if the strikes say that it is at fault.
pub async fn record(app: &App, worker: WorkerId, strike: Strike) -> Result<Answer, ReportError> {
    let now_us = app.now_us();
    let mut tx = app.store.write().await?;
    let Some(task) = store::tasks::find(&mut tx, strike.attempt.task).await? else {
        return Ok(refused(Refusal::NotYours));
    };
    let details = Details {
        message: Some(strike.message),
        accepted: None,
    };
    let mut recorded = match record::record(&mut tx, &task, strike.event, &details, now_us).await? {
        Err(refusal) => return Ok(refused(refusal)),
        Ok(recorded) => recorded,
    };
    let message = details.message.unwrap_or_default();
    if recorded.changed {
        let add = Record {
            failed: 1,
            faulted: strike.faulted,
            ..Record::default()
        };
        store::dispatch::add_record(&mut tx, task.job_id, worker, add).await?;
        if trouble::needs_attention(failures(&mut tx, task.job_id, now_us).await?) {
            stop_job(&mut tx, task.job_id, &message, &mut recorded, now_us).await?;
        }
        if let Some(job) = store::jobs::find(&mut tx, task.job_id).await? {
            close_books(app, &mut tx, &job, now_us).await?;
        }
        app.metrics.attempts_failed.inc();
        tracing::warn!(job.id = %task.job_id, frame = task.frame, worker.id = %worker, message, "frame failed");
    }
    tx.commit().await?;
    announce(app, task.job_id, task.frame, &recorded);
    Ok(Ok(()))
}

/// When nothing of a job is to be rendered any more, what lies ready for it goes back, and its creator earns if all
/// of it was delivered.
pub async fn close_books(
    app: &App,
    tx: &mut Tx,
    job: &JobRow,
    now_us: i64,
) -> Result<(), ReportError> {
    let counts = FrameCounts::from(&job.counts);
    if counts.queued + counts.leased > 0 {
        return Ok(());
    }
    charge::over(tx, job.id, "nothing of the job is left to render", now_us).await?;
    if counts.done == counts.total {
        earn::job_done(&app.rules, tx, job, now_us).await?;
    }
    Ok(())
}

/// Sets a job aside until its creator has looked at it.
async fn stop_job(
    tx: &mut Tx,
    job: JobId,
    message: &str,
    recorded: &mut Recorded,
    now_us: i64,
) -> store::Result<()> {
    store::jobs::set_intent(tx, job, Intent::Attention, Some(message)).await?;
    recorded
        .stop
        .extend(store::attempts::stop_job(tx, job).await?);
    let revision = store::jobs::bump(tx, job).await?;
    store::tasks::requeue_leased(tx, job, revision).await?;
    store::jobs::recount(tx, job, now_us).await
}

async fn failures(tx: &mut Tx, job: JobId, now_us: i64) -> store::Result<Failures> {
    let totals = store::dispatch::totals(tx, job).await?;
    let failed = store::dispatch::failed_workers(tx, job).await?;
    let faulting = store::dispatch::faulting_workers(tx, job).await?;
    let runtime = store::jobs::runtime(tx, job).await?;
    let engine = store::jobs::render_spec(tx, job).await?.plan.0.engine;
    let online = workers::taking_frames(tx, now_us).await?;
    let untried = online
        .iter()
        .filter(|other| runtime.is_some_and(|series| other.equipment().can_render(series, engine)))
        .filter(|other| !failed.contains(&other.id));
    Ok(Failures {
        done: totals.done as u32,
        failed: totals.failed as u32,
        faulting_workers: faulting.len() as u32,
        untried_workers: untried.count() as u32,
    })
}
