//! Which worker's work earned what: the ledger's holds by worker, and sums of them by the hour.

use pictor_protocol::{Micros, WorkerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;

use super::column::{Json, Maybe};
use super::{Result, Tx};
use crate::campaign::calendar::HOUR_US;
use crate::ledger::hold::HoldStatus;
use crate::ledger::{Book, EntryKind};

/// Notes by whose work a hold was earned that began in this hour; once for each hold.
pub async fn insert(
    tx: &mut Tx,
    worker: WorkerId,
    hold: &str,
    amount: Micros,
    hour: i64,
) -> Result<()> {
    let noted = execute!(
        tx,
        "UPDATE ledger_holds SET worker_id = $2 WHERE key = $1 AND worker_id IS NULL",
        hold,
        worker.to_string()
    )?;
    if noted > 0 {
        execute!(
            tx,
            "INSERT INTO worker_earnings (worker_id, hour, amount) VALUES ($1, $2, $3) \
             ON CONFLICT (worker_id, hour) DO UPDATE \
             SET amount = worker_earnings.amount + excluded.amount",
            worker.to_string(),
            hour,
            amount.get()
        )?;
    }
    Ok(())
}

/// By whose work a hold was earned; nobody's, if it was not by work.
pub async fn worker_of(tx: &mut Tx, hold: &str) -> Result<Option<WorkerId>> {
    #[derive(FromRow)]
    struct Of {
        #[sqlx(try_from = "Option<String>")]
        worker_id: Maybe<WorkerId>,
    }
    let row = fetch_optional!(
        tx,
        Of,
        "SELECT worker_id FROM ledger_holds WHERE key = $1",
        hold
    )?;
    Ok(row.and_then(|row| row.worker_id.0))
}

/// What a worker earned, in micros; what went back is not among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Sums {
    pub total: i64,
    /// From an hour on.
    pub since: i64,
    /// What waits of the total.
    pub held: i64,
}

pub async fn sums(tx: &mut Tx, worker: WorkerId, since_hour: i64) -> Result<Sums> {
    fetch_one!(
        tx,
        Sums,
        "SELECT CAST(earned - returned AS BIGINT) AS total, \
             CAST(earned_since - returned_since AS BIGINT) AS since, CAST(held AS BIGINT) AS held \
         FROM (SELECT COALESCE(SUM(amount), 0) AS earned, \
                 COALESCE(SUM(CASE WHEN hour >= $2 THEN amount ELSE 0 END), 0) AS earned_since \
             FROM worker_earnings WHERE worker_id = $1) AS earned_sums, \
         (SELECT COALESCE(SUM(returned), 0) AS returned, \
                 COALESCE(SUM(CASE WHEN created_us >= $3 THEN returned ELSE 0 END), 0) AS returned_since \
             FROM ledger_holds WHERE worker_id = $1 AND returned > 0) AS returned_sums, \
         (SELECT COALESCE(SUM(amount - settled - returned), 0) AS held \
             FROM ledger_holds WHERE worker_id = $1 AND status = 'held') AS held_sums",
        worker.to_string(),
        since_hour,
        since_hour * HOUR_US
    )
}

/// Something that a worker earned.
#[derive(Debug, Clone, FromRow)]
pub struct EarningRow {
    pub key: String,
    #[sqlx(try_from = "String")]
    pub book: Book,
    #[sqlx(try_from = "String")]
    pub kind: EntryKind,
    #[sqlx(try_from = "String")]
    pub status: HoldStatus,
    pub amount: i64,
    pub returned: i64,
    pub created_us: i64,
    pub due_us: Option<i64>,
    #[sqlx(try_from = "String")]
    pub inputs: Json<Value>,
}

impl EarningRow {
    pub fn place(&self) -> EarningPlace {
        EarningPlace {
            created_us: self.created_us,
            key: self.key.clone(),
        }
    }
}

/// A place in the order of what a worker earned, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarningPlace {
    pub created_us: i64,
    pub key: String,
}

/// What a worker earned before that, the latest first.
pub async fn page(
    tx: &mut Tx,
    worker: WorkerId,
    before: Option<&EarningPlace>,
    limit: i64,
) -> Result<Vec<EarningRow>> {
    let first = EarningPlace {
        created_us: i64::MAX,
        key: String::new(),
    };
    let before = before.unwrap_or(&first);
    fetch_all!(
        tx,
        EarningRow,
        "SELECT h.key, h.book, e.kind, h.status, h.amount, h.returned, h.created_us, h.due_us, e.inputs \
         FROM ledger_holds AS h JOIN ledger_entries AS e ON e.key = h.key \
         WHERE h.worker_id = $1 AND (h.created_us, h.key) < ($2, $3) \
         ORDER BY h.created_us DESC, h.key DESC LIMIT $4",
        worker.to_string(),
        before.created_us,
        &before.key,
        limit
    )
}

/// What a worker earned in an hour, in micros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct HourEarned {
    pub hour: i64,
    pub amount: i64,
}

/// What a worker earned by the day from an hour on, with what went back: the first hour of each day has all of it.
pub async fn by_day(tx: &mut Tx, worker: WorkerId, since_hour: i64) -> Result<Vec<HourEarned>> {
    fetch_all!(
        tx,
        HourEarned,
        "SELECT CAST(hour / 24 * 24 AS BIGINT) AS hour, CAST(SUM(amount) AS BIGINT) AS amount \
         FROM worker_earnings WHERE worker_id = $1 AND hour >= $2 GROUP BY hour / 24 ORDER BY 1",
        worker.to_string(),
        since_hour
    )
}
