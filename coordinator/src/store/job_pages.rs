//! What the pages of jobs show: some frames of a job as small cells, all of them in a few columns.

use pictor_protocol::{BlobHash, JobId, UserId};
use sqlx::FromRow;

use super::column::Maybe;
use super::{Result, Tx};
use crate::dispatch::task::TaskStatus;

/// A frame as it is shown among many.
#[derive(Debug, FromRow)]
pub struct CellRow {
    #[sqlx(try_from = "i64")]
    pub frame: i32,
    #[sqlx(try_from = "String")]
    pub status: TaskStatus,
    #[sqlx(try_from = "i64")]
    pub attempt: u32,
    #[sqlx(try_from = "Option<String>")]
    pub thumbnail: Maybe<BlobHash>,
    /// What the creator said of it last.
    pub review: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT frame, status, attempt, thumbnail, review FROM tasks ",
            $rest
        )
    };
}

/// Frames in order; the first `skipped` are left out.
pub async fn cells(tx: &mut Tx, job: JobId, skipped: i64, limit: i64) -> Result<Vec<CellRow>> {
    fetch_all!(
        tx,
        CellRow,
        select!("WHERE job_id = $1 ORDER BY frame LIMIT $2 OFFSET $3"),
        job.to_string(),
        limit,
        skipped
    )
}

/// The same of those in one status.
pub async fn cells_in(
    tx: &mut Tx,
    job: JobId,
    status: TaskStatus,
    skipped: i64,
    limit: i64,
) -> Result<Vec<CellRow>> {
    fetch_all!(
        tx,
        CellRow,
        select!("WHERE job_id = $1 AND status = $2 ORDER BY frame LIMIT $3 OFFSET $4"),
        job.to_string(),
        status.as_str(),
        limit,
        skipped
    )
}

/// A status that frames of a column have.
#[derive(Debug, FromRow)]
pub struct ColumnRow {
    /// From 0.
    pub place: i64,
    #[sqlx(try_from = "String")]
    pub status: TaskStatus,
}

/// The statuses that there are among the frames of each column, when all `total` of them stand in `columns`.
pub async fn columns(tx: &mut Tx, job: JobId, total: i64, columns: i64) -> Result<Vec<ColumnRow>> {
    fetch_all!(
        tx,
        ColumnRow,
        "SELECT DISTINCT (at - 1) * $3 / $2 AS place, status FROM ( \
             SELECT ROW_NUMBER() OVER (ORDER BY frame) AS at, status FROM tasks WHERE job_id = $1) AS numbered \
         ORDER BY place, status",
        job.to_string(),
        total.max(1),
        columns
    )
}

/// The picture of a job that came last.
#[derive(Debug, FromRow)]
pub struct LatestRow {
    #[sqlx(try_from = "i64")]
    pub frame: i32,
    #[sqlx(try_from = "Option<String>")]
    pub thumbnail: Maybe<BlobHash>,
}

pub async fn latest_picture(tx: &mut Tx, job: JobId) -> Result<Option<LatestRow>> {
    fetch_optional!(
        tx,
        LatestRow,
        "SELECT frame, thumbnail FROM tasks \
         WHERE job_id = $1 AND status = 'done' AND thumbnail IS NOT NULL \
         ORDER BY revision DESC LIMIT 1",
        job.to_string()
    )
}

/// The revision of a job of somebody.
pub async fn revision(tx: &mut Tx, owner: UserId, job: JobId) -> Result<Option<i64>> {
    #[derive(FromRow)]
    struct Revision {
        revision: i64,
    }
    let row = fetch_optional!(
        tx,
        Revision,
        "SELECT revision FROM jobs WHERE id = $1 AND owner_id = $2",
        job.to_string(),
        owner.to_string()
    )?;
    Ok(row.map(|row| row.revision))
}

/// A number that grows with every change of a job of somebody and with every job, and is another one when a job
/// is gone.
pub async fn changes_of_all(tx: &mut Tx, owner: UserId) -> Result<i64> {
    #[derive(FromRow)]
    struct Changes {
        changes: i64,
    }
    let row = fetch_one!(
        tx,
        Changes,
        "SELECT CAST(COALESCE(SUM(revision), 0) + COUNT(*) AS BIGINT) AS changes FROM jobs \
         WHERE owner_id = $1",
        owner.to_string()
    )?;
    Ok(row.changes)
}
