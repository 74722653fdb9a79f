//! A picture comes back: it is looked at, and recorded if it passes.

use pictor_protocol::WorkerId;
use pictor_protocol::agent::{AttemptRef, Finished, Refusal};

use super::failure::{self, Strike};
use super::pace;
use super::record::{self, Accepted, Details};
use super::report::{Answer, ReportError, announce, refused};
use super::task::{AttemptStatus, Event};
use crate::app::App;
use crate::campaign::calendar::hour_of;
use crate::campaign::earn;
use crate::jobs::charge::{self, Delivered};
use crate::jobs::redo::{self, Compared};
use crate::store::attempts::Made;
use crate::store::blobs::Holder;
use crate::store::dispatch::Record;
use crate::store::tasks::TaskRow;
use crate::store::workers::AgentRow;
use crate::store::{self, Tx};
use crate::trust::{self, Passed, Verdict};

const DOUBT: &str = "the picture is blank; it is rendered once more to be sure";

/// Longest time that a frame is believed to have taken, 30 days: sums of it, and of its multiples by the
/// score of a slot, must not leave a job's columns.
const RENDER_MS_MAX: i64 = 30 * 24 * 3_600_000;

/// Takes a finished attempt.
pub async fn take(
    app: &App,
    worker: &AgentRow,
    finished: &Finished,
) -> Result<Answer, ReportError> {
    let attempt = finished.attempt;
    let mut tx = app.store.read().await?;
    let Some(task) = store::tasks::find(&mut tx, attempt.task).await? else {
        return Ok(refused(Refusal::NotYours));
    };
    // Before the picture is decoded, for that is what costs: an answer given before, and an attempt
    // that is not wanted any more.
    if let Some(answer) = known_answer(&mut tx, worker.id, &task, finished).await? {
        return Ok(answer);
    }
    drop(tx);
    // As many pictures at once as there are cores to decode them; each may take a few hundred megabytes. Before the
    // gate, which whoever waits for its turn must not hold.
    let _place = app.examining.acquire().await;
    let _promised = app.blob_gate.read().await;
    let mut tx = app.store.read().await?;
    let held = store::blobs::held(&mut tx, Holder::Worker(worker.id), finished.output).await?;
    let Some(output_bytes) = held else {
        return Ok(refused(Refusal::OutputMissing));
    };
    let plan = store::jobs::render_spec(&mut tx, task.job_id).await?.plan.0;
    drop(tx);

    match trust::examine(app, finished.output, &plan).await {
        Verdict::Passed(Passed { blank, thumbnail }) => {
            let accepted = Accepted {
                output: finished.output,
                output_bytes,
                thumbnail,
                blank,
                render_ms: finished.render_ms.clamp(0, RENDER_MS_MAX),
                energy_millijoules: finished
                    .energy_millijoules
                    .and_then(|energy| i64::try_from(energy).ok()),
            };
            let before =
                redo::compare(app, &task, accepted.output, thumbnail.map(|it| it.0)).await?;
            accept(app, worker.id, attempt, accepted, &before).await
        }
        Verdict::Refused { why } => reject(app, worker.id, attempt, &why).await,
        Verdict::Unreadable => Ok(refused(Refusal::OutputMissing)),
    }
}

/// What was said to this before, if anything.
async fn known_answer(
    tx: &mut Tx,
    worker: WorkerId,
    task: &TaskRow,
    finished: &Finished,
) -> store::Result<Option<Answer>> {
    let rows = store::attempts::of_task(tx, task.id).await?;
    let own = rows
        .iter()
        .find(|row| row.attempt == finished.attempt.attempt && row.worker_id == worker);
    let Some(row) = own else {
        return Ok(Some(refused(Refusal::NotYours)));
    };
    Ok(match row.status {
        AttemptStatus::Done | AttemptStatus::SentBack if row.output.0 == Some(finished.output) => {
            Some(Ok(()))
        }
        AttemptStatus::Rejected => Some(Err((Refusal::OutputRejected, row.message.clone()))),
        AttemptStatus::Done
        | AttemptStatus::Failed
        | AttemptStatus::Stopped
        | AttemptStatus::SentBack => Some(refused(Refusal::NotWanted)),
        AttemptStatus::Leased
        | AttemptStatus::Stopping
        | AttemptStatus::Returned
        | AttemptStatus::Lost => None,
    })
}

async fn accept(
    app: &App,
    from: WorkerId,
    attempt: AttemptRef,
    accepted: Accepted,
    before: &[Compared],
) -> Result<Answer, ReportError> {
    let mut tx = app.store.write().await?;
    let Some(task) = store::tasks::find(&mut tx, attempt.task).await? else {
        return Ok(refused(Refusal::NotYours));
    };
    let doubtful = is_doubtful(&mut tx, &task, &accepted).await?;
    let number = attempt.attempt;
    let (event, details) = if doubtful {
        let details = Details {
            accepted: None,
            message: Some(DOUBT.into()),
        };
        (
            Event::Blank {
                attempt: number,
                from,
            },
            details,
        )
    } else {
        let details = Details {
            accepted: Some(accepted),
            message: None,
        };
        (
            Event::Passed {
                attempt: number,
                from,
            },
            details,
        )
    };
    let recorded = match record::record(&mut tx, &task, event, &details, app.now_us()).await? {
        Err(refusal) => return Ok(refused(refusal)),
        Ok(recorded) => recorded,
    };
    if let Some(accepted) = details.accepted.filter(|_| recorded.changed) {
        let reference_ms = keep(&mut tx, &task, from, attempt, &accepted, app.now_us()).await?;
        let delivered = Delivered {
            task: task.id,
            attempt: number,
            frame: task.frame,
            worker: from,
            by: store::workers::owner(&mut tx, from).await?,
            reference_ms,
        };
        pay(app, &mut tx, &task, delivered, before).await?;
        app.metrics.frames_done.inc();
    }
    tx.commit().await?;
    announce(app, task.job_id, task.frame, &recorded);
    if doubtful {
        return Ok(Err((Refusal::OutputRejected, Some(DOUBT.into()))));
    }
    Ok(Ok(()))
}

/// A blank picture is believed when a neighbour is blank too, or when a second attempt agrees: a fade to
/// black is rendered once more at its first frame, a GPU that dropped a frame is found out.
async fn is_doubtful(tx: &mut Tx, task: &TaskRow, accepted: &Accepted) -> store::Result<bool> {
    Ok(accepted.blank
        && task.blanks == 0
        && !store::tasks::blank_beside(tx, task.job_id, task.frame).await?)
}

/// What belongs to an accepted picture beside its task: its blobs live as long as the job, and its
/// worker's record grows. Answers what it is paid for: what the reference machine
/// would have taken, as far as our own clock bears it out.
async fn keep(
    tx: &mut Tx,
    task: &TaskRow,
    worker: WorkerId,
    attempt: AttemptRef,
    accepted: &Accepted,
    now_us: i64,
) -> store::Result<i64> {
    let holder = Holder::Job(task.job_id);
    store::blobs::hold(tx, holder, accepted.output, None).await?;
    if let Some((hash, size)) = accepted.thumbnail {
        store::blobs::insert(tx, hash, size, now_us).await?;
        store::blobs::hold(tx, holder, hash, None).await?;
    }
    let add = Record {
        done: 1,
        render_ms: accepted.render_ms,
        ..Record::default()
    };
    store::dispatch::add_record(tx, task.job_id, worker, add).await?;
    let given = store::attempts::given(tx, attempt).await?;
    let score = score(tx, worker, given.slot).await?;
    let reference_ms = pace::reference_ms(accepted.render_ms, score);
    let made = Made {
        render_ms: accepted.render_ms,
        reference_ms,
        energy_millijoules: accepted.energy_millijoules,
        output_bytes: accepted.output_bytes,
        thumbnail: accepted.thumbnail.map(|(hash, _)| hash),
    };
    store::attempts::made(tx, attempt, &made).await?;
    store::jobs::add_render_time(tx, task.job_id, accepted.render_ms, reference_ms).await?;
    store::workers::count_done(tx, worker).await?;
    store::network::count_frame(tx, hour_of(now_us)).await?;
    let believed_ms = pace::believable_ms(
        accepted.render_ms,
        (now_us - given.leased_us) / 1_000,
        given.lease_render_ms,
    );
    Ok(pace::reference_ms(believed_ms, score).unwrap_or(0))
}

/// What was sent back of it before is decided on; a delivered frame is charged, and earns; a job that is done with it
/// gives back what is left.
async fn pay(
    app: &App,
    tx: &mut Tx,
    task: &TaskRow,
    frame: Delivered,
    before: &[Compared],
) -> Result<(), ReportError> {
    let now_us = app.now_us();
    let Some(job) = store::jobs::find(tx, task.job_id).await? else {
        return Ok(());
    };
    redo::decide(tx, &job, task, frame.by, before, now_us).await?;
    charge::delivered(tx, &job, frame, now_us).await?;
    earn::frame_delivered(&app.rules, tx, &job, frame, now_us).await?;
    failure::close_books(app, tx, &job, now_us).await
}

/// The score of a slot, if it is known.
async fn score(tx: &mut Tx, worker: WorkerId, slot: u16) -> store::Result<Option<f64>> {
    let abilities = store::workers::abilities(tx, worker).await?;
    let ability = abilities.into_iter().find(|ability| ability.slot == slot);
    Ok(ability.and_then(|ability| ability.score))
}

async fn reject(
    app: &App,
    from: WorkerId,
    attempt: AttemptRef,
    why: &str,
) -> Result<Answer, ReportError> {
    let message = format!("the output was rejected: {why}");
    let event = Event::Rejected {
        attempt: attempt.attempt,
        from,
    };
    let strike = Strike {
        attempt,
        event,
        message: message.clone(),
        faulted: false,
    };
    match failure::record(app, from, strike).await? {
        Ok(()) => Ok(Err((Refusal::OutputRejected, Some(message)))),
        refused => Ok(refused),
    }
}
