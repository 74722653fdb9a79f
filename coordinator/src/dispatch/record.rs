//! Writes what [`super::task`] decided, in one transaction: the task, its attempts, the job's counts.

use pictor_protocol::agent::Refusal;
use pictor_protocol::{BlobHash, WorkerId};

use super::task::{self, Attempt, AttemptStatus, Change, Event, Task, TaskStatus};
use crate::campaign::calendar::hour_of;
use crate::store::attempts::{self, AttemptRow, AttemptUpdate};
use crate::store::tasks::{self, AcceptedOutput, TaskRow, TaskUpdate};
use crate::store::{Result, Tx, jobs, online};

/// A picture that passed.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub output: BlobHash,
    pub output_bytes: u64,
    /// Its hash and its size in bytes.
    pub thumbnail: Option<(BlobHash, u64)>,
    pub blank: bool,
    pub render_ms: i64,
    pub energy_millijoules: Option<i64>,
}

/// What belongs to an event beside the event.
#[derive(Debug, Clone, Default)]
pub struct Details {
    pub accepted: Option<Accepted>,
    /// Why it failed, for people.
    pub message: Option<String>,
}

/// What was recorded, for those who have to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// False when everything was so already.
    pub changed: bool,
    /// The task is in the queue again.
    pub requeued: bool,
    /// Workers that have to stop another attempt at it.
    pub stop: Vec<WorkerId>,
}

/// Applies an event to a task and stores what it changes. The inner result is the answer to whoever
/// caused the event.
pub async fn record(
    tx: &mut Tx,
    row: &TaskRow,
    event: Event,
    details: &Details,
    now_us: i64,
) -> Result<std::result::Result<Recorded, Refusal>> {
    let rows = attempts::of_task(tx, row.id).await?;
    let before = view(row, &rows);
    let after = match task::apply(&before, event) {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(Change::Unchanged) => return Ok(Ok(Recorded::default())),
        Ok(Change::Changed(after)) => after,
    };
    let stop = write_attempts(tx, &rows, &after, details, now_us).await?;
    write_task(tx, row, &after, details, now_us).await?;
    if before.status != after.status {
        jobs::move_count(tx, row.job_id, before.status, after.status, now_us).await?;
    }
    let requeued = after.status == TaskStatus::Queued;
    Ok(Ok(Recorded {
        changed: true,
        requeued,
        stop,
    }))
}

fn view(row: &TaskRow, attempts: &[AttemptRow]) -> Task {
    Task {
        status: row.status,
        failures: row.failures,
        blanks: row.blanks,
        attempts: attempts
            .iter()
            .map(|a| Attempt {
                number: a.attempt,
                worker: a.worker_id,
                status: a.status,
            })
            .collect(),
    }
}

/// Stores attempts whose status changed; answers the workers that have to stop one.
async fn write_attempts(
    tx: &mut Tx,
    before: &[AttemptRow],
    after: &Task,
    details: &Details,
    now_us: i64,
) -> Result<Vec<WorkerId>> {
    let mut stop = Vec::new();
    for (old, new) in before.iter().zip(&after.attempts) {
        if old.status == new.status {
            continue;
        }
        if new.status == AttemptStatus::Stopping {
            stop.push(new.worker);
        }
        let won = new.status == AttemptStatus::Done;
        let update = AttemptUpdate {
            status: new.status,
            output: details
                .accepted
                .as_ref()
                .filter(|_| won)
                .map(|accepted| accepted.output),
            message: details.message.as_deref(),
            finished_us: ended(new.status).then_some(now_us),
        };
        attempts::update(tx, old.reference(), &update).await?;
    }
    Ok(stop)
}

/// Whether an attempt ends by coming into a status: one whose picture is sent back has ended before.
fn ended(status: AttemptStatus) -> bool {
    !matches!(status, AttemptStatus::Stopping | AttemptStatus::SentBack)
}

async fn write_task(
    tx: &mut Tx,
    row: &TaskRow,
    after: &Task,
    details: &Details,
    now_us: i64,
) -> Result<()> {
    // A task that is over keeps its row: only an attempt beside it ended.
    if matches!(row.status, TaskStatus::Done | TaskStatus::Cancelled) && row.status == after.status
    {
        return Ok(());
    }
    let revision = jobs::bump(tx, row.job_id).await?;
    let winner = after
        .attempts
        .iter()
        .find(|a| a.status == AttemptStatus::Done);
    if let (Some(winner), Some(accepted), TaskStatus::Done) =
        (winner, &details.accepted, after.status)
    {
        let done = AcceptedOutput {
            worker: winner.worker,
            output: accepted.output,
            output_bytes: accepted.output_bytes,
            thumbnail: accepted.thumbnail.map(|(hash, _)| hash),
            blank: accepted.blank,
            render_ms: accepted.render_ms,
            finished_us: now_us,
            revision,
        };
        online::proven_by_frame(tx, row.id, winner.number, hour_of(now_us)).await?;
        return tasks::accept(tx, row.id, &done).await;
    }
    let holder = after
        .attempts
        .iter()
        .rev()
        .find(|a| a.status == AttemptStatus::Leased);
    let update = TaskUpdate {
        status: after.status,
        failures: after.failures,
        blanks: after.blanks,
        attempt: after.attempts.len() as u32,
        worker: holder.map(|a| a.worker),
        error: details.message.as_deref().or(row.error.as_deref()),
        started_us: row.started_us.filter(|_| holder.is_some()),
        revision,
    };
    tasks::update(tx, row.id, &update).await
}
