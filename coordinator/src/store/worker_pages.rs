//! What a worker's owner looks at, page by page: the workers, and what each of them was given.

use pictor_protocol::{JobId, TaskId, UserId, WorkerId};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::workers::{WorkerRow, select_workers};
use super::{Result, Tx, escape_like};
use crate::campaign::calendar::HOUR_US;
use crate::dispatch::task::AttemptStatus;

/// Which workers, and in which order.
#[derive(Debug)]
pub struct WorkersWanted<'a> {
    pub owner: UserId,
    /// `new`, `online`, …, as on the wire; every one but the retired when unset.
    pub presence: Option<&'a str>,
    /// A part of the name, in lower case; everything when empty.
    pub name_part: &'a str,
    pub created_from_us: i64,
    pub created_before_us: i64,
    /// Who was silent until then is offline.
    pub online_since_us: i64,
    /// What is earned from this hour on is what `earned` sorts by.
    pub earned_from_hour: i64,
    /// `name`, `created`, `seen`, `presence` or `earned`.
    pub sort: &'a str,
    pub descending: bool,
    /// Behind this one.
    pub after: Option<&'a SortedWorker>,
    pub limit: i64,
}

/// A worker and where it stands in the order that was asked for: by number, then by text, then by id.
#[derive(Debug, FromRow)]
pub struct SortedWorkerRow {
    #[sqlx(flatten)]
    pub worker: WorkerRow,
    pub sort_number: i64,
    pub sort_text: String,
}

impl SortedWorkerRow {
    pub fn place(&self) -> SortedWorker {
        SortedWorker {
            number: self.sort_number,
            text: self.sort_text.clone(),
            id: self.worker.id.to_string(),
        }
    }
}

/// A place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortedWorker {
    pub number: i64,
    pub text: String,
    pub id: String,
}

/// Sorts by little of each worker, and reads the rest of those on the page alone: a hello is long.
macro_rules! page {
    ($beyond:literal, $order:literal) => {
        select_workers!(
            ", sort_number, sort_text",
            // The presence is the same as `workers::presence`, and tested against it.
            "JOIN (SELECT * FROM (SELECT sort_id, \
                 CASE $6 WHEN 'seen' THEN COALESCE(seen_us, 0) WHEN 'created' THEN made_us \
                     WHEN 'presence' THEN CASE presence WHEN 'online' THEN 0 WHEN 'draining' THEN 1 \
                         WHEN 'suspended' THEN 2 WHEN 'offline' THEN 3 WHEN 'new' THEN 4 ELSE 5 END \
                     WHEN 'earned' THEN CAST(COALESCE((SELECT SUM(amount) FROM worker_earnings \
                         WHERE worker_id = sort_id AND hour >= $13), 0) \
                         - COALESCE((SELECT SUM(returned) FROM ledger_holds \
                         WHERE worker_id = sort_id AND returned > 0 AND ledger_holds.created_us >= $14), 0) \
                         AS BIGINT) \
                     ELSE 0 END AS sort_number, \
                 CASE WHEN $6 IN ('name', 'presence') THEN key ELSE '' END AS sort_text \
             FROM (SELECT id AS sort_id, created_us AS made_us, last_seen_us AS seen_us, name_key AS key, \
                     CASE WHEN status IN ('retired', 'suspended') THEN status \
                         WHEN last_seen_us IS NULL THEN 'new' WHEN last_seen_us < $2 THEN 'offline' \
                         WHEN status = 'draining' THEN 'draining' ELSE 'online' END AS presence \
                 FROM workers WHERE owner_id = $1 AND created_us >= $3 AND created_us < $4) AS listed \
             WHERE (presence = $5 OR ($5 = '' AND presence <> 'retired')) \
                 AND ($7 = '' OR key LIKE $7 ESCAPE '!')) AS sorted \
             WHERE $8 = 0 OR (sort_number, sort_text, sort_id) ",
            $beyond,
            " ($9, $10, $11) ORDER BY ",
            $order,
            " LIMIT $12) AS page ON sort_id = workers.id ORDER BY ",
            $order
        )
    };
}

pub async fn workers(tx: &mut Tx, wanted: &WorkersWanted<'_>) -> Result<Vec<SortedWorkerRow>> {
    let start = SortedWorker {
        number: 0,
        text: String::new(),
        id: String::new(),
    };
    let after = wanted.after.unwrap_or(&start);
    let name_part = match wanted.name_part {
        "" => String::new(),
        part => format!("%{}%", escape_like(part)),
    };
    macro_rules! fetch {
        ($sql:expr) => {
            fetch_all!(
                tx,
                SortedWorkerRow,
                $sql,
                wanted.owner.to_string(),
                wanted.online_since_us,
                wanted.created_from_us,
                wanted.created_before_us,
                wanted.presence.unwrap_or(""),
                wanted.sort,
                &name_part,
                i64::from(wanted.after.is_some()),
                after.number,
                &after.text,
                &after.id,
                wanted.limit,
                wanted.earned_from_hour,
                wanted.earned_from_hour * HOUR_US
            )
        };
    }
    if wanted.descending {
        fetch!(page!("<", "sort_number DESC, sort_text DESC, sort_id DESC"))
    } else {
        fetch!(page!(">", "sort_number, sort_text, sort_id"))
    }
}

/// What is true of all workers of an owner together, the retired ones aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Together {
    pub workers: i64,
    pub online: i64,
    /// Frames that they hold.
    pub leased: i64,
    /// What they earned, in micros.
    pub earned: i64,
}

/// All workers of an owner together; whoever was heard of since then is online.
pub async fn together(
    tx: &mut Tx,
    owner: UserId,
    online_since_us: i64,
    earned_from_hour: i64,
) -> Result<Together> {
    fetch_one!(
        tx,
        Together,
        "SELECT COUNT(*) AS workers, \
             CAST(COALESCE(SUM(CASE WHEN last_seen_us >= $2 THEN 1 ELSE 0 END), 0) AS BIGINT) AS online, \
             CAST(COALESCE(SUM((SELECT COUNT(*) FROM attempts \
                 WHERE worker_id = workers.id AND attempts.status = 'leased')), 0) AS BIGINT) AS leased, \
             CAST(COALESCE(SUM((SELECT SUM(amount) FROM worker_earnings \
                     WHERE worker_id = workers.id AND hour >= $3)), 0) \
                 - COALESCE(SUM((SELECT SUM(returned) FROM ledger_holds \
                     WHERE worker_id = workers.id AND returned > 0 AND ledger_holds.created_us >= $4)), 0) \
                 AS BIGINT) AS earned \
         FROM workers WHERE owner_id = $1 AND status <> 'retired'",
        owner.to_string(),
        online_since_us,
        earned_from_hour,
        earned_from_hour * HOUR_US
    )
}

/// One frame that a worker was given.
#[derive(Debug, FromRow)]
pub struct WorkerTaskRow {
    #[sqlx(try_from = "String")]
    pub task_id: TaskId,
    #[sqlx(try_from = "i64")]
    pub attempt: u32,
    #[sqlx(try_from = "String")]
    pub job_id: JobId,
    pub job_name: String,
    #[sqlx(try_from = "String")]
    pub job_owner: UserId,
    #[sqlx(try_from = "i64")]
    pub frame: i32,
    #[sqlx(try_from = "i64")]
    pub slot: u16,
    #[sqlx(try_from = "String")]
    pub status: AttemptStatus,
    pub leased_us: i64,
    pub finished_us: Option<i64>,
    pub render_ms: Option<i64>,
    pub energy_millijoules: Option<i64>,
    pub message: Option<String>,
}

impl WorkerTaskRow {
    pub fn place(&self) -> GivenTask {
        GivenTask {
            leased_us: self.leased_us,
            task: self.task_id.to_string(),
            attempt: self.attempt.into(),
        }
    }
}

/// A place in the order of what a worker was given, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenTask {
    pub leased_us: i64,
    pub task: String,
    pub attempt: i64,
}

/// What a worker was given before that, the latest first.
pub async fn tasks(
    tx: &mut Tx,
    worker: WorkerId,
    after: Option<&GivenTask>,
    limit: i64,
) -> Result<Vec<WorkerTaskRow>> {
    let first = GivenTask {
        leased_us: i64::MAX,
        task: String::new(),
        attempt: 0,
    };
    let after = after.unwrap_or(&first);
    fetch_all!(
        tx,
        WorkerTaskRow,
        "SELECT task_id, attempts.attempt, attempts.job_id, jobs.name AS job_name, \
             jobs.owner_id AS job_owner, frame, slot, attempts.status, leased_us, attempts.finished_us, \
             attempts.render_ms, energy_millijoules, message \
         FROM attempts JOIN tasks ON tasks.id = attempts.task_id JOIN jobs ON jobs.id = attempts.job_id \
         WHERE attempts.worker_id = $1 AND (leased_us, task_id, attempts.attempt) < ($2, $3, $4) \
         ORDER BY leased_us DESC, task_id DESC, attempts.attempt DESC LIMIT $5",
        worker.to_string(),
        after.leased_us,
        &after.task,
        after.attempt,
        limit
    )
}
