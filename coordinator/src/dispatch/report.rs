//! `report`: what a worker has to say about its attempts, each answered with an outcome.

use std::collections::HashSet;

use pictor_protocol::agent::{
    AttemptOutcome, AttemptRef, Command, Failed, Finished, Outcome, Refusal, Report, ReportAnswer,
};
use pictor_protocol::{JobId, WorkerId};

use super::record::{self, Accepted, Details, Recorded};
use super::task::{AttemptStatus, Event};
use super::trouble::{self, Failures};
use crate::app::App;
use crate::jobs::state::Intent;
use crate::store::attempts::AttemptRow;
use crate::store::blobs::Holder;
use crate::store::dispatch::Record;
use crate::store::tasks::TaskRow;
use crate::store::workers::WorkerRow;
use crate::store::{self, Result, Tx};
use crate::trust::{self, Passed, Verdict};
use crate::workers::SILENCE_US;

/// Longest log that is kept of one attempt.
const LOG_BYTES_MAX: u64 = 512 * 1024;
/// Longest message that is kept of one failure.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// Records a report and answers it.
pub async fn report(app: &App, worker: &WorkerRow, report: &Report) -> Result<ReportAnswer> {
    let lost = renew(app, worker.id, report).await?;
    note_progress(app, worker.id, report).await?;
    store_logs(app, report).await?;

    let mut outcomes = Vec::new();
    for finished in &report.finished {
        outcomes.push(answer(
            finished.attempt,
            take_output(app, worker, finished).await?,
        ));
    }
    for failed in &report.failed {
        outcomes.push(answer(
            failed.attempt,
            take_failure(app, worker, failed).await?,
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
    Ok(ReportAnswer {
        outcomes,
        lost,
        commands: commands(app, worker).await?,
    })
}

/// What a worker has to be told.
pub async fn commands(app: &App, worker: &WorkerRow) -> Result<Vec<Command>> {
    let mut tx = app.store.read().await?;
    let stopping = store::attempts::stopping(&mut tx, worker.id).await?;
    let mut commands: Vec<_> = stopping
        .iter()
        .map(|row| Command::Stop {
            attempt: row.reference(),
        })
        .collect();
    if worker.status != store::workers::WorkerStatus::Active {
        commands.push(Command::Drain);
    }
    Ok(commands)
}

type Answer = std::result::Result<(), (Refusal, Option<String>)>;

fn answer(attempt: AttemptRef, answer: Answer) -> AttemptOutcome {
    let outcome = match answer {
        Ok(()) => Outcome::Accepted,
        Err((why, detail)) => Outcome::Refused { why, detail },
    };
    AttemptOutcome { attempt, outcome }
}

/// Renews what the worker holds; answers what it holds no longer.
async fn renew(app: &App, worker: WorkerId, report: &Report) -> Result<Vec<AttemptRef>> {
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

async fn note_progress(app: &App, worker: WorkerId, report: &Report) -> Result<()> {
    if report.progress.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.read().await?;
    for progress in &report.progress {
        let Some(task) = store::tasks::find(&mut tx, progress.attempt.task).await? else {
            continue;
        };
        if task.worker_id.0 == Some(worker) {
            app.progress.note(task.job_id, task.frame, progress);
            app.bells.jobs.ring(task.job_id);
        }
    }
    Ok(())
}

async fn store_logs(app: &App, report: &Report) -> Result<()> {
    if report.logs.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    for chunk in &report.logs {
        let have = store::logs::length(&mut tx, chunk).await?;
        // A repeated piece is there already; one behind a gap is kept, for a log with a hole is better
        // than none.
        if chunk.offset >= have && have + chunk.text.len() as u64 <= LOG_BYTES_MAX {
            store::logs::append(&mut tx, chunk).await?;
        }
    }
    tx.commit().await
}

/// Looks at a picture and records it if it passes.
async fn take_output(app: &App, worker: &WorkerRow, finished: &Finished) -> Result<Answer> {
    let attempt = finished.attempt;
    let mut tx = app.store.read().await?;
    let Some(task) = store::tasks::find(&mut tx, attempt.task).await? else {
        return Ok(Err((Refusal::NotYours, None)));
    };
    // Before the picture is decoded, for that is what costs: an answer given before, and an attempt that
    // is not wanted any more.
    if let Some(answer) = known_answer(&mut tx, worker.id, &task, finished).await? {
        return Ok(answer);
    }
    let _promised = app.blob_gate.read().await;
    let Some(size) =
        store::blobs::held(&mut tx, Holder::Worker(worker.id), finished.output).await?
    else {
        return Ok(Err((Refusal::OutputMissing, None)));
    };
    let plan = store::jobs::render_spec(&mut tx, task.job_id).await?.plan.0;
    drop(tx);

    match trust::examine(app, finished.output, &plan).await {
        Verdict::Passed(Passed { blank, thumbnail }) => {
            let accepted = Accepted {
                output: finished.output,
                output_bytes: size,
                thumbnail,
                blank,
                render_ms: finished.render_ms.max(0),
            };
            accept(app, worker.id, attempt, accepted).await
        }
        Verdict::Refused { why } => reject(app, worker.id, attempt, why).await,
        Verdict::Unreadable => Ok(Err((Refusal::OutputMissing, None))),
    }
}

async fn known_answer(
    tx: &mut Tx,
    worker: WorkerId,
    task: &TaskRow,
    finished: &Finished,
) -> Result<Option<Answer>> {
    let rows = store::attempts::of_task(tx, task.id).await?;
    let row = rows
        .iter()
        .find(|row| row.attempt == finished.attempt.attempt && row.worker_id == worker);
    Ok(match row {
        None => Some(Err((Refusal::NotYours, None))),
        Some(row) => match row.status {
            AttemptStatus::Done if row.output.0 == Some(finished.output) => Some(Ok(())),
            AttemptStatus::Rejected => Some(Err((Refusal::OutputRejected, row.message.clone()))),
            AttemptStatus::Done | AttemptStatus::Failed | AttemptStatus::Stopped => {
                Some(Err((Refusal::NotWanted, None)))
            }
            AttemptStatus::Leased
            | AttemptStatus::Stopping
            | AttemptStatus::Returned
            | AttemptStatus::Lost => None,
        },
    })
}

async fn accept(
    app: &App,
    worker: WorkerId,
    attempt: AttemptRef,
    accepted: Accepted,
) -> Result<Answer> {
    let now_us = app.now_us();
    let mut tx = app.store.write().await?;
    let Some(task) = store::tasks::find(&mut tx, attempt.task).await? else {
        return Ok(Err((Refusal::NotYours, None)));
    };
    // A blank picture is believed when a neighbour is blank too, or when a second attempt agrees: a fade
    // to black is rendered once more at its first frame, a GPU that dropped a frame is found out.
    let doubtful = accepted.blank
        && task.blanks == 0
        && !store::tasks::blank_beside(&mut tx, task.job_id, task.frame).await?;
    let (event, message) = if doubtful {
        let message = "the picture is blank; it is rendered once more to be sure".to_owned();
        (
            Event::Blank {
                attempt: attempt.attempt,
                from: worker,
            },
            Some(message),
        )
    } else {
        (
            Event::Passed {
                attempt: attempt.attempt,
                from: worker,
            },
            None,
        )
    };
    let render_ms = accepted.render_ms;
    let (output, thumbnail) = (accepted.output, accepted.thumbnail);
    let details = Details {
        accepted: (!doubtful).then_some(accepted),
        message,
    };
    let recorded = match record::record(&mut tx, &task, event, &details, now_us).await? {
        Err(refusal) => return Ok(Err((refusal, None))),
        Ok(recorded) => recorded,
    };
    if recorded.changed && !doubtful {
        let holder = Holder::Job(task.job_id);
        store::blobs::hold(&mut tx, holder, output, None).await?;
        if let Some((hash, size)) = thumbnail {
            store::blobs::insert(&mut tx, hash, size, now_us).await?;
            store::blobs::hold(&mut tx, holder, hash, None).await?;
        }
        let add = Record {
            done: 1,
            render_ms,
            ..Record::default()
        };
        store::dispatch::add_record(&mut tx, task.job_id, worker, add).await?;
        store::jobs::add_render_time(&mut tx, task.job_id, render_ms).await?;
        store::workers::count_done(&mut tx, worker).await?;
    }
    tx.commit().await?;
    if recorded.changed && !doubtful {
        app.metrics.frames_done.inc();
    }
    announce(app, task.job_id, task.frame, &recorded);
    if doubtful {
        return Ok(Err((Refusal::OutputRejected, details.message)));
    }
    Ok(Ok(()))
}

async fn reject(app: &App, worker: WorkerId, attempt: AttemptRef, why: String) -> Result<Answer> {
    let event = Event::Rejected {
        attempt: attempt.attempt,
        from: worker,
    };
    let message = format!("the output was rejected: {why}");
    tracing::warn!(worker.id = %worker, task.id = %attempt.task, attempt = attempt.attempt, why, "output rejected");
    match fail(app, worker, attempt, event, message.clone(), false).await? {
        Ok(()) => Ok(Err((Refusal::OutputRejected, Some(message)))),
        refused => Ok(refused),
    }
}

async fn take_failure(app: &App, worker: &WorkerRow, failed: &Failed) -> Result<Answer> {
    let event = Event::Failed {
        attempt: failed.attempt.attempt,
        from: worker.id,
    };
    let message = failed.message.chars().take(MESSAGE_CHARS_MAX).collect();
    fail(
        app,
        worker.id,
        failed.attempt,
        event,
        message,
        failed.fault.is_of_the_scene(),
    )
    .await
}

/// Records a strike, and stops the whole job if the strikes say that it is at fault.
async fn fail(
    app: &App,
    worker: WorkerId,
    attempt: AttemptRef,
    event: Event,
    message: String,
    faulted: bool,
) -> Result<Answer> {
    let now_us = app.now_us();
    let mut tx = app.store.write().await?;
    let Some(task) = store::tasks::find(&mut tx, attempt.task).await? else {
        return Ok(Err((Refusal::NotYours, None)));
    };
    let details = Details {
        message: Some(message.clone()),
        accepted: None,
    };
    let mut recorded = match record::record(&mut tx, &task, event, &details, now_us).await? {
        Err(refusal) => return Ok(Err((refusal, None))),
        Ok(recorded) => recorded,
    };
    if recorded.changed {
        let add = Record {
            failed: 1,
            faulted,
            ..Record::default()
        };
        store::dispatch::add_record(&mut tx, task.job_id, worker, add).await?;
        if trouble::needs_attention(failures(&mut tx, task.job_id, now_us).await?) {
            store::jobs::set_intent(&mut tx, task.job_id, Intent::Attention, Some(&message))
                .await?;
            recorded
                .stop
                .extend(store::attempts::stop_job(&mut tx, task.job_id).await?);
            let revision = store::jobs::bump(&mut tx, task.job_id).await?;
            store::tasks::requeue_leased(&mut tx, task.job_id, revision).await?;
            store::jobs::recount(&mut tx, task.job_id, now_us).await?;
        }
    }
    tx.commit().await?;
    if recorded.changed {
        app.metrics.attempts_failed.inc();
        tracing::warn!(job.id = %task.job_id, frame = task.frame, worker.id = %worker, message, "frame failed");
    }
    announce(app, task.job_id, task.frame, &recorded);
    Ok(Ok(()))
}

async fn failures(tx: &mut Tx, job: JobId, now_us: i64) -> Result<Failures> {
    let totals = store::dispatch::totals(tx, job).await?;
    let failed = store::dispatch::failed_workers(tx, job).await?;
    let faulting = store::dispatch::faulting_workers(tx, job).await?;
    let runtime = store::jobs::runtime(tx, job).await?;
    let online = store::dispatch::online(tx, now_us - SILENCE_US).await?;
    let untried = online
        .iter()
        .filter(|other| runtime.is_some_and(|series| other.series.0.contains(&series)))
        .filter(|other| !failed.contains(&other.id));
    Ok(Failures {
        done: totals.done as u32,
        failed: totals.failed as u32,
        faulting_workers: faulting.len() as u32,
        untried_workers: untried.count() as u32,
    })
}

/// Ends an attempt that nobody is to blame for.
pub async fn end(app: &App, attempt: AttemptRef, event: Event) -> Result<Answer> {
    let mut tx = app.store.write().await?;
    let Some(task) = store::tasks::find(&mut tx, attempt.task).await? else {
        return Ok(Err((Refusal::NotYours, None)));
    };
    let recorded = record::record(&mut tx, &task, event, &Details::default(), app.now_us()).await?;
    tx.commit().await?;
    match recorded {
        Ok(recorded) => {
            announce(app, task.job_id, task.frame, &recorded);
            Ok(Ok(()))
        }
        Err(refusal) => Ok(Err((refusal, None))),
    }
}

/// Wakes whoever waits for what was recorded.
fn announce(app: &App, job: JobId, frame: i32, recorded: &Recorded) {
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
