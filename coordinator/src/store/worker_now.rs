//! What many workers do now, with one statement for all that are on a page.

use pictor_protocol::{JobId, UserId, WorkerId};
use sqlx::{FromRow, QueryBuilder};

use super::{Connection, Result, StoreError, Tx};
use crate::campaign::calendar::HOUR_US;

/// So many workers are asked for with one statement: engines have a limit of parameters.
const AT_ONCE: usize = 500;

/// The frame at which a slot is.
#[derive(Debug, Clone, FromRow)]
pub struct FrameRow {
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    #[sqlx(try_from = "i64")]
    pub slot: u16,
    #[sqlx(try_from = "i64")]
    pub frame: i32,
    #[sqlx(try_from = "String")]
    pub job_id: JobId,
    pub job_name: String,
    #[sqlx(try_from = "String")]
    pub job_owner: UserId,
}

/// A statement about these workers: what stands before the list of their ids, and what is pushed behind it.
macro_rules! of_workers {
    ($tx:expr, $row:ty, $workers:expr, $head:literal, $query:ident => $tail:expr) => {{
        let mut found: Vec<$row> = Vec::new();
        for some in $workers.chunks(AT_ONCE) {
            match $tx.connection().await? {
                Connection::Sqlite(connection) => {
                    let mut $query = QueryBuilder::new($head);
                    let mut ids = $query.separated(", ");
                    for id in some {
                        ids.push_bind(id.to_string());
                    }
                    $tail;
                    let rows = $query.build_query_as::<$row>().fetch_all(connection).await;
                    found.extend(rows.map_err(StoreError::from)?);
                }
            }
        }
        Ok(found)
    }};
}

/// Of every slot of these workers that holds frames the one whose turn it is: leases are rendered one after the
/// other, and their frames in order.
pub async fn frames(tx: &mut Tx, workers: &[WorkerId]) -> Result<Vec<FrameRow>> {
    of_workers!(
        tx,
        FrameRow,
        workers,
        // The list of statuses is the index's.
        "SELECT worker_id, slot, frame, job_id, job_name, job_owner FROM (\
             SELECT attempts.worker_id, slot, frame, attempts.job_id, jobs.name AS job_name, \
                 jobs.owner_id AS job_owner, ROW_NUMBER() OVER (\
                     PARTITION BY attempts.worker_id, slot ORDER BY leased_us, frame) AS turn \
             FROM attempts JOIN tasks ON tasks.id = task_id JOIN jobs ON jobs.id = attempts.job_id \
             WHERE attempts.status IN ('leased', 'stopping') AND attempts.status <> 'stopping' \
                 AND attempts.worker_id IN (",
        query => query.push(")) AS held WHERE turn = 1 ORDER BY worker_id, slot")
    )
}

/// What a worker earned, in micros.
#[derive(Debug, Clone, FromRow)]
pub struct EarnedRow {
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    pub amount: i64,
}

/// What these workers earned from an hour on; whoever earned nothing is not among them.
pub async fn earned_since(tx: &mut Tx, workers: &[WorkerId], hour: i64) -> Result<Vec<EarnedRow>> {
    of_workers!(
        tx,
        EarnedRow,
        workers,
        "SELECT worker_id, CAST(earned - COALESCE((\
             SELECT SUM(returned) FROM ledger_holds \
             WHERE ledger_holds.worker_id = sums.worker_id AND returned > 0 AND created_us >= since_us\
         ), 0) AS BIGINT) AS amount \
         FROM (SELECT worker_id, SUM(amount) AS earned FROM worker_earnings WHERE worker_id IN (",
        query => query
            .push(") AND hour >= ")
            .push_bind(hour)
            .push(" GROUP BY worker_id) AS sums CROSS JOIN (SELECT CAST(")
            .push_bind(hour * HOUR_US)
            .push(" AS BIGINT) AS since_us) AS since")
    )
}
