//! `report`: what a worker has to say about its attempts, each answered with an outcome.

use std::collections::HashSet;

use pictor_protocol::agent::{
    AttemptOutcome, AttemptRef, Command, LogChunk, Outcome, Refusal, Report, ReportAnswer,
};
use pictor_protocol::{JobId, WorkerId};

use super::record::{self, Details, Recorded};
use super::task::{Event, TaskStatus};
use super::{failure, installs, output};
use crate::app::App;
use crate::campaign::earn::EarnError;
use crate::jobs::charge::ChargeError;
use crate::presence;
use crate::store::attempts::AttemptRow;
use crate::store::workers::{AgentRow, WorkerStatus};
use crate::store::{self, StoreError};

/// Longest log that is kept of one attempt.
const LOG_BYTES_MAX: u64 = 512 * 1024;

/// Why a report could not be recorded; the worker says it again.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("a frame could not be charged")]
    Charge(#[from] ChargeError),
    #[error("a frame could not be paid")]
    Earn(#[from] EarnError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records a report and answers it.
pub async fn report(
    app: &App,
    worker: &AgentRow,
    report: &Report,
) -> Result<ReportAnswer, ReportError> {
    let lost = renew(app, worker.id, report).await?;
    note_progress(app, worker.id, report).await?;
    app.telemetry
        .note(worker.id, &report.telemetry, app.now_us());
    store_logs(app, worker.id, report).await?;

    let mut outcomes = Vec::new();
    for finished in &report.finished {
        outcomes.push(answer(
            finished.attempt,
            output::take(app, worker, finished).await?,
        ));
    }
    for failed in &report.failed {
        outcomes.push(answer(
            failed.attempt,
            failure::take(app, worker, failed).await?,
        ));
    }
    for attempt in &report.returned {
        let event = Event::Returned {
            attempt: attempt.attempt,
            from: worker.id,
        };
        outcomes.push(answer(*attempt, end(app, *attempt, event).await?));
    }
    for attempt in &report.stopped {
        let event = Event::Stopped {
            attempt: attempt.attempt,
            from: worker.id,
        };
        outcomes.push(answer(*attempt, end(app, *attempt, event).await?));
    }
    app.bells.owners.ring(worker.owner_id);
    Ok(ReportAnswer {
        outcomes,
        lost,
        commands: commands(app, worker.id).await?,
    })
}

/// What a worker has to be told now: its status may have changed since its request came in.
pub async fn commands(app: &App, worker: WorkerId) -> store::Result<Vec<Command>> {
    let mut tx = app.store.read().await?;
    let stopping = store::attempts::stopping(&mut tx, worker).await?;
    let mut commands: Vec<_> = stopping
        .iter()
        .map(|row| Command::Stop {
            attempt: row.reference(),
        })
        .collect();
    if store::workers::status(&mut tx, worker).await? != WorkerStatus::Active {
        commands.push(Command::Drain);
    } else {
        commands.extend(installs::commands(&mut tx, worker, app.now_us()).await?);
        commands.extend(presence::commands(&mut tx, worker, app.now_us()).await?);
    }
    Ok(commands)
}

/// What a worker is told about one attempt.
pub type Answer = std::result::Result<(), (Refusal, Option<String>)>;

/// A refusal that says all by itself.
pub fn refused(why: Refusal) -> Answer {
    Err((why, None))
}

fn answer(attempt: AttemptRef, answer: Answer) -> AttemptOutcome {
    let outcome = match answer {
        Ok(()) => Outcome::Accepted,
        Err((why, detail)) => Outcome::Refused { why, detail },
    };
    AttemptOutcome { attempt, outcome }
}

/// Renews what the worker holds; answers what it holds no longer.
async fn renew(app: &App, worker: WorkerId, report: &Report) -> store::Result<Vec<AttemptRef>> {
    if report.holding.is_empty() {
        return Ok(Vec::new());
    }
    let deadline_us = app.now_us() + app.config.lease_ttl.as_micros() as i64;
    let mut tx = app.store.write().await?;
    let live = store::attempts::live(&mut tx, worker).await?;
    let holding: HashSet<_> = report.holding.iter().copied().collect();
    let mut leases: Vec<_> = live
        .iter()
        .filter(|row| holding.contains(&row.reference()))
        .map(|row| row.lease_id)
        .collect();
    leases.sort_unstable();
    leases.dedup();
    for lease in leases {
        store::attempts::renew(&mut tx, worker, lease, deadline_us).await?;
    }
    tx.commit().await?;
    let live: HashSet<_> = live.iter().map(AttemptRow::reference).collect();
    Ok(report
        .holding
        .iter()
        .copied()
        .filter(|attempt| !live.contains(attempt))
        .collect())
}

async fn note_progress(app: &App, worker: WorkerId, report: &Report) -> store::Result<()> {
    if report.progress.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.read().await?;
    for progress in &report.progress {
        let Some(task) = store::tasks::find(&mut tx, progress.attempt.task).await? else {
            continue;
        };
        // What is said of a frame that is over would never be forgotten.
        if task.worker_id.0 == Some(worker) && task.status == TaskStatus::Leased {
            app.progress.note(task.job_id, task.frame, progress);
            app.bells.jobs.ring(task.job_id);
        }
    }
    Ok(())
}

async fn store_logs(app: &App, worker: WorkerId, report: &Report) -> store::Result<()> {
    // Whatever the offset claims: an end beyond the limit is not stored, nor one beyond all numbers.
    let fits = |chunk: &&LogChunk| {
        let end = chunk.offset.checked_add(chunk.text.len() as u64);
        !chunk.text.is_empty() && end.is_some_and(|end| end <= LOG_BYTES_MAX)
    };
    let chunks: Vec<_> = report.logs.iter().filter(fits).collect();
    if chunks.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for chunk in chunks {
        // A repeated piece is there already; one behind a gap is kept, for a log with a hole is better
        // than none.
        if chunk.offset >= store::logs::length(&mut tx, chunk).await? {
            store::logs::append(&mut tx, worker, chunk).await?;
        }
    }
    tx.commit().await
}

/// Ends an attempt that nobody is to blame for.
pub async fn end(app: &App, attempt: AttemptRef, event: Event) -> store::Result<Answer> {
    let mut tx = app.store.write().await?;
    let Some(task) = store::tasks::find(&mut tx, attempt.task).await? else {
        return Ok(refused(Refusal::NotYours));
    };
    let recorded = record::record(&mut tx, &task, event, &Details::default(), app.now_us()).await?;
    tx.commit().await?;
    match recorded {
        Ok(recorded) => {
            announce(app, task.job_id, task.frame, &recorded);
            Ok(Ok(()))
        }
        Err(refusal) => Ok(refused(refusal)),
    }
}

/// Wakes whoever waits for what was recorded.
pub fn announce(app: &App, job: JobId, frame: i32, recorded: &Recorded) {
    if !recorded.changed {
        return;
    }
    app.progress.forget(job, frame);
    app.bells.jobs.ring(job);
    if recorded.requeued {
        app.bells.work.ring();
    }
    for worker in &recorded.stop {
        app.bells.commands.ring(*worker);
    }
}
