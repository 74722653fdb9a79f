//! Attempts: who was given which task, and how that ended.

use pictor_protocol::agent::AttemptRef;
use pictor_protocol::{BlobHash, JobId, LeaseId, TaskId, WorkerId};
use sqlx::FromRow;

use super::column::Maybe;
use super::{Result, Tx};
use crate::dispatch::task::AttemptStatus;

#[derive(Debug, Clone, FromRow)]
pub struct AttemptRow {
    #[sqlx(try_from = "String")]
    pub task_id: TaskId,
    #[sqlx(try_from = "i64")]
    pub attempt: u32,
    #[sqlx(try_from = "String")]
    pub job_id: JobId,
    #[sqlx(try_from = "String")]
    pub lease_id: LeaseId,
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    #[sqlx(try_from = "String")]
    pub status: AttemptStatus,
    #[sqlx(try_from = "Option<String>")]
    pub output: Maybe<BlobHash>,
    pub message: Option<String>,
}

impl AttemptRow {
    pub fn reference(&self) -> AttemptRef {
        AttemptRef {
            task: self.task_id,
            attempt: self.attempt,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT task_id, attempt, job_id, lease_id, worker_id, status, output, message FROM attempts ",
            $rest
        )
    };
}

/// An attempt that is about to be stored.
pub struct NewAttempt {
    pub reference: AttemptRef,
    pub job: JobId,
    pub lease: LeaseId,
    pub worker: WorkerId,
    pub slot: u16,
    pub leased_us: i64,
    pub deadline_us: i64,
}

pub async fn insert(tx: &mut Tx, new: &NewAttempt) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO attempts (task_id, attempt, job_id, lease_id, worker_id, slot, status, \
         leased_us, deadline_us) VALUES ($1, $2, $3, $4, $5, $6, 'leased', $7, $8)",
        new.reference.task.to_string(),
        i64::from(new.reference.attempt),
        new.job.to_string(),
        new.lease.to_string(),
        new.worker.to_string(),
        i64::from(new.slot),
        new.leased_us,
        new.deadline_us
    )?;
    Ok(())
}

pub async fn of_task(tx: &mut Tx, task: TaskId) -> Result<Vec<AttemptRow>> {
    fetch_all!(
        tx,
        AttemptRow,
        select!("WHERE task_id = $1 ORDER BY attempt"),
        task.to_string()
    )
}

/// How an attempt was given away.
#[derive(Debug, FromRow)]
pub struct GivenRow {
    /// Which of its worker's slots got it.
    #[sqlx(try_from = "i64")]
    pub slot: u16,
    pub leased_us: i64,
    /// What the finished attempts of its lease took, those before this one.
    pub lease_render_ms: i64,
}

pub async fn given(tx: &mut Tx, reference: AttemptRef) -> Result<GivenRow> {
    fetch_one!(
        tx,
        GivenRow,
        "SELECT slot, leased_us, \
             (SELECT CAST(COALESCE(SUM(other.render_ms), 0) AS BIGINT) FROM attempts other \
              WHERE other.lease_id = this.lease_id \
                AND NOT (other.task_id = $1 AND other.attempt = $2)) AS lease_render_ms \
         FROM attempts this WHERE task_id = $1 AND attempt = $2",
        reference.task.to_string(),
        i64::from(reference.attempt)
    )
}

/// Leased and stopping attempts of a worker.
pub async fn live(tx: &mut Tx, worker: WorkerId) -> Result<Vec<AttemptRow>> {
    fetch_all!(
        tx,
        AttemptRow,
        select!("WHERE worker_id = $1 AND status IN ('leased', 'stopping')"),
        worker.to_string()
    )
}

/// Attempts whose worker was told to stop and has not said that it did.
pub async fn stopping(tx: &mut Tx, worker: WorkerId) -> Result<Vec<AttemptRow>> {
    fetch_all!(
        tx,
        AttemptRow,
        select!("WHERE worker_id = $1 AND status = 'stopping'"),
        worker.to_string()
    )
}

/// Live attempts whose deadline has passed.
pub async fn expired(tx: &mut Tx, now_us: i64, limit: i64) -> Result<Vec<AttemptRow>> {
    fetch_all!(
        tx,
        AttemptRow,
        select!(
            "WHERE status IN ('leased', 'stopping') AND deadline_us < $1 ORDER BY deadline_us LIMIT $2"
        ),
        now_us,
        limit
    )
}

/// How an attempt stands now.
pub struct AttemptUpdate<'a> {
    pub status: AttemptStatus,
    pub output: Option<BlobHash>,
    pub message: Option<&'a str>,
    pub finished_us: Option<i64>,
}

pub async fn update(tx: &mut Tx, reference: AttemptRef, to: &AttemptUpdate<'_>) -> Result<()> {
    execute!(
        tx,
        "UPDATE attempts SET status = $3, output = COALESCE($4, output), \
         message = COALESCE($5, message), finished_us = COALESCE($6, finished_us) WHERE task_id = $1 AND attempt = $2",
        reference.task.to_string(),
        i64::from(reference.attempt),
        to.status.as_str(),
        to.output.map(|hash| hash.to_string()),
        to.message,
        to.finished_us
    )?;
    Ok(())
}

/// What an accepted attempt made, and what that took.
pub struct Made {
    pub render_ms: i64,
    /// What the reference machine would have taken, if that is known.
    pub reference_ms: Option<i64>,
    pub energy_millijoules: Option<i64>,
    pub output_bytes: u64,
    pub thumbnail: Option<BlobHash>,
}

/// Notes what an accepted attempt made.
pub async fn made(tx: &mut Tx, reference: AttemptRef, made: &Made) -> Result<()> {
    execute!(
        tx,
        "UPDATE attempts SET render_ms = $3, reference_ms = $4, energy_millijoules = $5, \
         output_bytes = $6, thumbnail = $7 \
         WHERE task_id = $1 AND attempt = $2",
        reference.task.to_string(),
        i64::from(reference.attempt),
        made.render_ms,
        made.reference_ms,
        made.energy_millijoules,
        made.output_bytes as i64,
        made.thumbnail.map(|hash| hash.to_string())
    )?;
    Ok(())
}

/// What an accepted attempt took; what is unknown was not noted yet when it was accepted.
#[derive(Debug, FromRow)]
pub struct TookRow {
    pub render_ms: Option<i64>,
    pub reference_ms: Option<i64>,
}

pub async fn took(tx: &mut Tx, reference: AttemptRef) -> Result<TookRow> {
    fetch_one!(
        tx,
        TookRow,
        "SELECT render_ms, reference_ms FROM attempts WHERE task_id = $1 AND attempt = $2",
        reference.task.to_string(),
        i64::from(reference.attempt)
    )
}

/// Moves the deadline of what a worker holds of a lease.
pub async fn renew(tx: &mut Tx, worker: WorkerId, lease: LeaseId, deadline_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE attempts SET deadline_us = $3 \
         WHERE worker_id = $1 AND lease_id = $2 AND status IN ('leased', 'stopping')",
        worker.to_string(),
        lease.to_string(),
        deadline_us
    )?;
    Ok(())
}

/// Gives every live attempt until `deadline_us` at least: after a start, silence was ours.
pub async fn renew_all(tx: &mut Tx, deadline_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE attempts SET deadline_us = $1 \
         WHERE status IN ('leased', 'stopping') AND deadline_us < $1",
        deadline_us
    )?;
    Ok(())
}

/// Tells every worker that holds an attempt of a job to stop it, and answers whom.
pub async fn stop_job(tx: &mut Tx, job: JobId) -> Result<Vec<WorkerId>> {
    #[derive(FromRow)]
    struct Told {
        #[sqlx(try_from = "String")]
        worker_id: WorkerId,
    }
    let told = fetch_all!(
        tx,
        Told,
        "UPDATE attempts SET status = 'stopping' WHERE job_id = $1 AND status = 'leased' \
         RETURNING worker_id",
        job.to_string()
    )?;
    let mut workers: Vec<_> = told.into_iter().map(|row| row.worker_id).collect();
    workers.sort_unstable();
    workers.dedup();
    Ok(workers)
}

/// A task that one slot holds, and since when.
#[derive(Debug, FromRow)]
pub struct HeldRow {
    #[sqlx(try_from = "String")]
    pub task_id: TaskId,
    pub leased_us: i64,
}

/// Tasks of a job that exactly one other slot holds; those at the end of a lease first, for their turn
/// comes last.
pub async fn held_once_by_others(
    tx: &mut Tx,
    job: JobId,
    worker: WorkerId,
    slot: u16,
    limit: i64,
) -> Result<Vec<HeldRow>> {
    fetch_all!(
        tx,
        HeldRow,
        "SELECT task_id, MAX(attempts.leased_us) AS leased_us FROM attempts \
         JOIN tasks ON tasks.id = attempts.task_id \
         WHERE attempts.job_id = $1 AND attempts.status = 'leased' AND tasks.status = 'leased' \
           AND NOT EXISTS (SELECT 1 FROM send_backs \
                           WHERE send_backs.task_id = tasks.id AND send_backs.worker_id = $2) \
         GROUP BY task_id, frame \
         HAVING COUNT(*) = 1 \
            AND SUM(CASE WHEN attempts.worker_id = $2 AND slot = $3 THEN 1 ELSE 0 END) = 0 \
         ORDER BY leased_us, frame DESC LIMIT $4",
        job.to_string(),
        worker.to_string(),
        i64::from(slot),
        limit
    )
}

/// A frame that a slot of a worker holds.
#[derive(Debug, FromRow)]
pub struct HeldFrameRow {
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    pub worker_name: String,
    #[sqlx(try_from = "i64")]
    pub slot: u16,
    #[sqlx(try_from = "i64")]
    pub frame: i32,
}

/// Who holds which frames of a job, by worker and slot.
pub async fn held_of_job(tx: &mut Tx, job: JobId) -> Result<Vec<HeldFrameRow>> {
    fetch_all!(
        tx,
        HeldFrameRow,
        "SELECT attempts.worker_id, workers.name AS worker_name, slot, frame FROM attempts \
         JOIN tasks ON tasks.id = attempts.task_id JOIN workers ON workers.id = attempts.worker_id \
         WHERE attempts.job_id = $1 AND attempts.status = 'leased' \
         ORDER BY workers.name, attempts.worker_id, slot, frame",
        job.to_string()
    )
}
