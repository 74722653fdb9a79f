//! What creators said of frames, and who does not get which frame again.

use pictor_protocol::agent::AttemptRef;
use pictor_protocol::{BlobHash, JobId, Micros, TaskId, UserId, WorkerId};
use sqlx::FromRow;

use super::column::Maybe;
use super::{Result, Tx};
use crate::dispatch::task::AttemptStatus;
use crate::jobs::review::Outcome;

/// Approves a done frame.
pub async fn approve(tx: &mut Tx, task: TaskId, now_us: i64, revision: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE tasks SET review = 'approved', review_reason = NULL, reviewed_us = $2, revision = $3 \
         WHERE id = $1 AND status = 'done'",
        task.to_string(),
        now_us,
        revision
    )?;
    Ok(())
}

/// Approves every done frame of a job that is not approved; answers how many.
pub async fn approve_all(tx: &mut Tx, job: JobId, now_us: i64, revision: i64) -> Result<u64> {
    execute!(
        tx,
        "UPDATE tasks SET review = 'approved', review_reason = NULL, reviewed_us = $2, revision = $3 \
         WHERE job_id = $1 AND status = 'done' AND review IS NULL",
        job.to_string(),
        now_us,
        revision
    )
}

/// Notes that the picture of a frame was sent back.
pub async fn send_back(tx: &mut Tx, task: TaskId, reason: &str, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE tasks SET review = 'sent_back', review_reason = $2, reviewed_us = $3, \
             times_sent_back = times_sent_back + 1 WHERE id = $1",
        task.to_string(),
        reason,
        now_us
    )?;
    Ok(())
}

/// A picture by somebody else's worker that is sent back.
pub struct NewSendBack {
    pub attempt: AttemptRef,
    pub job: JobId,
    /// Does not get the frame again.
    pub worker: WorkerId,
    pub charged: Micros,
    /// When the points for it would have settled, if any wait.
    pub due_us: Option<i64>,
    pub outcome: Outcome,
}

pub async fn insert(tx: &mut Tx, new: &NewSendBack, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO send_backs (task_id, attempt, job_id, worker_id, at_us, charged, due_us, outcome) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.attempt.task.to_string(),
        i64::from(new.attempt.attempt),
        new.job.to_string(),
        new.worker.to_string(),
        now_us,
        new.charged.get(),
        new.due_us,
        new.outcome.as_str()
    )?;
    Ok(())
}

/// A picture that was sent back and is not decided on.
#[derive(Debug, FromRow)]
pub struct OpenRow {
    #[sqlx(try_from = "i64")]
    pub attempt: u32,
    pub due_us: Option<i64>,
    #[sqlx(try_from = "Option<String>")]
    pub output: Maybe<BlobHash>,
    #[sqlx(try_from = "Option<String>")]
    pub thumbnail: Maybe<BlobHash>,
}

/// The pictures of a frame that were sent back and are not decided on.
pub async fn open(tx: &mut Tx, task: TaskId) -> Result<Vec<OpenRow>> {
    fetch_all!(
        tx,
        OpenRow,
        "SELECT send_backs.attempt, due_us, output, thumbnail FROM send_backs \
         JOIN attempts ON attempts.task_id = send_backs.task_id AND attempts.attempt = send_backs.attempt \
         WHERE send_backs.task_id = $1 AND outcome = 'open' ORDER BY send_backs.attempt",
        task.to_string()
    )
}

pub async fn decide(tx: &mut Tx, attempt: AttemptRef, outcome: Outcome) -> Result<()> {
    execute!(
        tx,
        "UPDATE send_backs SET outcome = $3 WHERE task_id = $1 AND attempt = $2",
        attempt.task.to_string(),
        i64::from(attempt.attempt),
        outcome.as_str()
    )?;
    Ok(())
}

/// The workers from which a frame is kept; one for each picture of others that was sent back.
pub async fn excluded_from(tx: &mut Tx, task: TaskId) -> Result<Vec<WorkerId>> {
    #[derive(FromRow)]
    struct Excluded {
        #[sqlx(try_from = "String")]
        worker_id: WorkerId,
    }
    let rows = fetch_all!(
        tx,
        Excluded,
        "SELECT worker_id FROM send_backs WHERE task_id = $1 ORDER BY attempt",
        task.to_string()
    )?;
    Ok(rows.into_iter().map(|row| row.worker_id).collect())
}

/// How many queued frames of a job are kept from which worker.
pub async fn queued_without(tx: &mut Tx, job: JobId) -> Result<Vec<(WorkerId, u32)>> {
    #[derive(FromRow)]
    struct Kept {
        #[sqlx(try_from = "String")]
        worker_id: WorkerId,
        frames: i64,
    }
    let rows = fetch_all!(
        tx,
        Kept,
        "SELECT send_backs.worker_id, COUNT(DISTINCT task_id) AS frames \
         FROM send_backs JOIN tasks ON tasks.id = task_id \
         WHERE send_backs.job_id = $1 AND tasks.status = 'queued' GROUP BY send_backs.worker_id",
        job.to_string()
    )?;
    let kept = rows.into_iter();
    Ok(kept.map(|row| (row.worker_id, row.frames as u32)).collect())
}

/// How many queued frames of which job are kept from which worker of an owner, or of everybody.
pub async fn kept_from(
    tx: &mut Tx,
    owner: Option<UserId>,
) -> Result<Vec<((WorkerId, JobId), u32)>> {
    #[derive(FromRow)]
    struct Kept {
        #[sqlx(try_from = "String")]
        worker_id: WorkerId,
        #[sqlx(try_from = "String")]
        job_id: JobId,
        frames: i64,
    }
    let rows = fetch_all!(
        tx,
        Kept,
        "SELECT send_backs.worker_id, send_backs.job_id, COUNT(DISTINCT task_id) AS frames \
         FROM workers JOIN send_backs ON send_backs.worker_id = workers.id \
         JOIN tasks ON tasks.id = task_id \
         WHERE ($1 = '' OR workers.owner_id = $1) AND tasks.status = 'queued' \
         GROUP BY send_backs.worker_id, send_backs.job_id",
        owner.map_or_else(String::new, |owner| owner.to_string())
    )?;
    let kept = rows.into_iter();
    Ok(kept
        .map(|row| ((row.worker_id, row.job_id), row.frames as u32))
        .collect())
}

/// One time that a frame was handed out, and what came of it.
#[derive(Debug, FromRow)]
pub struct HistoryRow {
    #[sqlx(try_from = "i64")]
    pub attempt: u32,
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    pub worker_name: String,
    #[sqlx(try_from = "i64")]
    pub slot: u16,
    #[sqlx(try_from = "String")]
    pub status: AttemptStatus,
    pub leased_us: i64,
    pub finished_us: Option<i64>,
    pub render_ms: Option<i64>,
    pub message: Option<String>,
    #[sqlx(try_from = "Option<String>")]
    pub output: Maybe<BlobHash>,
    #[sqlx(try_from = "Option<String>")]
    pub thumbnail: Maybe<BlobHash>,
    /// Of a picture by somebody else's worker that was sent back.
    #[sqlx(try_from = "Option<String>")]
    pub outcome: Maybe<Outcome>,
    pub charged: Option<i64>,
}

/// Every attempt at a frame, in order.
pub async fn history(tx: &mut Tx, task: TaskId) -> Result<Vec<HistoryRow>> {
    fetch_all!(
        tx,
        HistoryRow,
        "SELECT attempts.attempt, attempts.worker_id, workers.name AS worker_name, slot, attempts.status, leased_us, \
             finished_us, render_ms, message, output, thumbnail, outcome, charged \
         FROM attempts JOIN workers ON workers.id = attempts.worker_id \
         LEFT JOIN send_backs ON send_backs.task_id = attempts.task_id AND send_backs.attempt = attempts.attempt \
         WHERE attempts.task_id = $1 ORDER BY attempts.attempt",
        task.to_string()
    )
}

/// What an attempt made.
#[derive(Debug, FromRow)]
pub struct PictureRow {
    #[sqlx(try_from = "Option<String>")]
    pub output: Maybe<BlobHash>,
    #[sqlx(try_from = "Option<String>")]
    pub thumbnail: Maybe<BlobHash>,
}

pub async fn picture(tx: &mut Tx, task: TaskId, attempt: u32) -> Result<Option<PictureRow>> {
    fetch_optional!(
        tx,
        PictureRow,
        "SELECT output, thumbnail FROM attempts WHERE task_id = $1 AND attempt = $2",
        task.to_string(),
        i64::from(attempt)
    )
}
