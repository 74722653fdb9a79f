//! Tasks: one row per frame of a job.

use pictor_protocol::{BlobHash, JobId, TaskId, WorkerId};
use sqlx::{FromRow, QueryBuilder};

use super::column::Maybe;
use super::{Connection, Result, StoreError, Tx};
use crate::dispatch::task::TaskStatus;
use crate::jobs::review::Review;

#[derive(Debug, Clone, FromRow)]
pub struct TaskRow {
    #[sqlx(try_from = "String")]
    pub id: TaskId,
    #[sqlx(try_from = "String")]
    pub job_id: JobId,
    #[sqlx(try_from = "i64")]
    pub frame: i32,
    #[sqlx(try_from = "String")]
    pub status: TaskStatus,
    #[sqlx(try_from = "i64")]
    pub attempt: u32,
    #[sqlx(try_from = "i64")]
    pub failures: u32,
    #[sqlx(try_from = "i64")]
    pub blanks: u32,
    #[sqlx(try_from = "Option<String>")]
    pub worker_id: Maybe<WorkerId>,
    pub worker_name: Option<String>,
    pub started_us: Option<i64>,
    pub finished_us: Option<i64>,
    pub render_ms: Option<i64>,
    pub error: Option<String>,
    #[sqlx(try_from = "Option<String>")]
    pub output: Maybe<BlobHash>,
    pub output_bytes: Option<i64>,
    #[sqlx(try_from = "Option<String>")]
    pub thumbnail: Maybe<BlobHash>,
    #[sqlx(try_from = "Option<String>")]
    pub review: Maybe<Review>,
    pub review_reason: Option<String>,
    pub reviewed_us: Option<i64>,
    pub times_sent_back: i64,
    pub revision: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT tasks.id, job_id, frame, tasks.status, attempt, failures, blanks, worker_id, ",
            "workers.name AS worker_name, started_us, finished_us, render_ms, error, output, ",
            "output_bytes, thumbnail, review, review_reason, reviewed_us, times_sent_back, revision ",
            "FROM tasks LEFT JOIN workers ON workers.id = worker_id ",
            $rest
        )
    };
}

pub async fn insert(tx: &mut Tx, job: JobId, rows: &[(TaskId, i32)]) -> Result<()> {
    const HEAD: &str = "INSERT INTO tasks (id, job_id, frame, status, revision) ";
    match tx.connection().await? {
        Connection::Sqlite(connection) => {
            let mut query = QueryBuilder::new(HEAD);
            query.push_values(rows, |mut row, (id, frame)| {
                row.push_bind(id.to_string())
                    .push_bind(job.to_string())
                    .push_bind(i64::from(*frame))
                    .push("'queued'")
                    .push("1");
            });
            query
                .build()
                .execute(connection)
                .await
                .map_err(StoreError::from)?;
        }
    }
    Ok(())
}

pub async fn find(tx: &mut Tx, id: TaskId) -> Result<Option<TaskRow>> {
    fetch_optional!(tx, TaskRow, select!("WHERE tasks.id = $1"), id.to_string())
}

pub async fn by_frame(tx: &mut Tx, job: JobId, frame: i32) -> Result<Option<TaskRow>> {
    fetch_optional!(
        tx,
        TaskRow,
        select!("WHERE job_id = $1 AND frame = $2"),
        job.to_string(),
        i64::from(frame)
    )
}

/// In order, after the frame `after`; in one status only if `status` is given.
pub async fn page(
    tx: &mut Tx,
    job: JobId,
    status: Option<TaskStatus>,
    after: Option<i32>,
    limit: i64,
) -> Result<Vec<TaskRow>> {
    fetch_all!(
        tx,
        TaskRow,
        select!(
            "WHERE job_id = $1 AND frame > $2 AND ($3 = '' OR tasks.status = $3) ORDER BY frame LIMIT $4"
        ),
        job.to_string(),
        after.map_or(i64::MIN, i64::from),
        status.map_or("", TaskStatus::as_str),
        limit
    )
}

/// A place in a job's changes: everything of `revision`, or its frames up to `frame`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    pub revision: i64,
    pub frame: Option<i32>,
}

/// What changed after a place, in the order of change.
pub async fn changed_since(
    tx: &mut Tx,
    job: JobId,
    since: Since,
    limit: i64,
) -> Result<Vec<TaskRow>> {
    fetch_all!(
        tx,
        TaskRow,
        select!(
            "WHERE job_id = $1 AND revision >= $2 AND (revision > $2 OR frame > $3) \
             ORDER BY revision, frame LIMIT $4"
        ),
        job.to_string(),
        since.revision,
        since.frame.map_or(i64::MAX, i64::from),
        limit
    )
}

/// The first queued tasks that this worker has not failed, or any if `even_failed`; never those whose picture
/// by this worker was sent back. A rejection that was no strike, of a blank picture, counts for nothing here: the
/// second opinion comes at once, so that the blank frames beside it are believed.
pub async fn next_queued(
    tx: &mut Tx,
    job: JobId,
    worker: WorkerId,
    even_failed: bool,
    limit: u32,
) -> Result<Vec<TaskRow>> {
    fetch_all!(
        tx,
        TaskRow,
        select!(
            "WHERE job_id = $1 AND tasks.status = 'queued' AND ($3 = 1 OR failures = 0 OR NOT EXISTS ( \
                 SELECT 1 FROM attempts WHERE attempts.task_id = tasks.id AND attempts.worker_id = $2 \
                 AND attempts.status IN ('failed', 'rejected'))) \
             AND NOT EXISTS (SELECT 1 FROM send_backs \
                 WHERE send_backs.task_id = tasks.id AND send_backs.worker_id = $2) \
             ORDER BY frame LIMIT $4"
        ),
        job.to_string(),
        worker.to_string(),
        i64::from(even_failed),
        i64::from(limit)
    )
}

/// What an event changes in the row of a task that is not done by it.
pub struct TaskUpdate<'a> {
    pub status: TaskStatus,
    pub failures: u32,
    pub blanks: u32,
    pub attempt: u32,
    pub worker: Option<WorkerId>,
    pub error: Option<&'a str>,
    pub started_us: Option<i64>,
    pub revision: i64,
}

pub async fn update(tx: &mut Tx, id: TaskId, task: &TaskUpdate<'_>) -> Result<()> {
    execute!(
        tx,
        "UPDATE tasks SET status = $2, failures = $3, blanks = $4, attempt = $5, worker_id = $6, \
         error = $7, started_us = $8, finished_us = NULL, render_ms = NULL, output = NULL, \
         output_bytes = NULL, thumbnail = NULL, blank = NULL, revision = $9 WHERE id = $1",
        id.to_string(),
        task.status.as_str(),
        i64::from(task.failures),
        i64::from(task.blanks),
        i64::from(task.attempt),
        task.worker.map(|id| id.to_string()),
        task.error,
        task.started_us,
        task.revision
    )?;
    Ok(())
}

/// The output of a done task.
pub struct AcceptedOutput {
    pub worker: WorkerId,
    pub output: BlobHash,
    pub output_bytes: u64,
    pub thumbnail: Option<BlobHash>,
    pub blank: bool,
    pub render_ms: i64,
    pub finished_us: i64,
    pub revision: i64,
}

pub async fn accept(tx: &mut Tx, id: TaskId, done: &AcceptedOutput) -> Result<()> {
    execute!(
        tx,
        "UPDATE tasks SET status = 'done', worker_id = $2, output = $3, output_bytes = $4, \
         thumbnail = $5, blank = $6, render_ms = $7, started_us = $8 - $7 * 1000, \
         finished_us = $8, revision = $9, error = NULL, review = NULL, review_reason = NULL, \
         reviewed_us = NULL \
         WHERE id = $1",
        id.to_string(),
        done.worker.to_string(),
        done.output.to_string(),
        done.output_bytes as i64,
        done.thumbnail.map(|hash| hash.to_string()),
        i64::from(done.blank),
        done.render_ms,
        done.finished_us,
        done.revision
    )?;
    Ok(())
}

/// Whether the nearest done frame before or after is blank too.
pub async fn blank_beside(tx: &mut Tx, job: JobId, frame: i32) -> Result<bool> {
    #[derive(FromRow)]
    struct Blank {
        blank: Option<i64>,
    }
    let before = fetch_optional!(
        tx,
        Blank,
        "SELECT blank FROM tasks WHERE job_id = $1 AND status = 'done' AND frame < $2 \
         ORDER BY frame DESC LIMIT 1",
        job.to_string(),
        i64::from(frame)
    )?;
    let after = fetch_optional!(
        tx,
        Blank,
        "SELECT blank FROM tasks WHERE job_id = $1 AND status = 'done' AND frame > $2 \
         ORDER BY frame LIMIT 1",
        job.to_string(),
        i64::from(frame)
    )?;
    Ok([before, after]
        .into_iter()
        .flatten()
        .any(|row| row.blank == Some(1)))
}

/// Puts every open task of a job into `cancelled`.
pub async fn cancel_open(tx: &mut Tx, job: JobId, revision: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE tasks SET status = 'cancelled', revision = $2 \
         WHERE job_id = $1 AND status IN ('queued', 'leased')",
        job.to_string(),
        revision
    )?;
    Ok(())
}

/// Puts every leased task of a job back into the queue.
pub async fn requeue_leased(tx: &mut Tx, job: JobId, revision: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE tasks SET status = 'queued', worker_id = NULL, revision = $2 \
         WHERE job_id = $1 AND status = 'leased'",
        job.to_string(),
        revision
    )?;
    Ok(())
}

/// The frames of a job that failed or were cancelled, in order.
pub async fn ended_without_picture(tx: &mut Tx, job: JobId) -> Result<Vec<i32>> {
    #[derive(FromRow)]
    struct Ended {
        #[sqlx(try_from = "i64")]
        frame: i32,
    }
    let ended = fetch_all!(
        tx,
        Ended,
        "SELECT frame FROM tasks WHERE job_id = $1 AND status IN ('failed', 'cancelled') ORDER BY frame",
        job.to_string()
    )?;
    Ok(ended.into_iter().map(|row| row.frame).collect())
}

/// Puts a failed or cancelled task back into the queue; all of them if `frame` is `None`.
pub async fn requeue(tx: &mut Tx, job: JobId, frame: Option<i32>, revision: i64) -> Result<u64> {
    execute!(
        tx,
        "UPDATE tasks SET status = 'queued', failures = 0, blanks = 0, revision = $3 \
         WHERE job_id = $1 AND status IN ('failed', 'cancelled') AND ($2 IS NULL OR frame = $2)",
        job.to_string(),
        frame.map(i64::from),
        revision
    )
}
