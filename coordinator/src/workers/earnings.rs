//! What each worker earned. The ledger keeps it for the owner; this says by which worker's work, once for each
//! hold, in the transaction that begins the hold.

use pictor_protocol::worker_history::{EarningState, WorkerEarning, WorkerEarnings};
use pictor_protocol::{Micros, WorkerId};

use crate::campaign::calendar::{DAY_US, HOUR_US, hour_of};
use crate::ledger::Posted;
use crate::ledger::hold::{HoldStatus, NewHold};
use crate::store::earnings::{self, EarningRow};
use crate::store::{Result, Tx};

/// Notes that a worker's work earned what waits in a hold that began now.
pub async fn note(
    tx: &mut Tx,
    worker: WorkerId,
    hold: &NewHold,
    posted: Posted,
    now_us: i64,
) -> Result<()> {
    match posted {
        Posted::New(_) => {
            earnings::insert(tx, worker, &hold.key, hold.amount, hour_of(now_us)).await
        }
        Posted::Repeated => Ok(()),
    }
}

/// Notes that what was taken and is given back was earned by the same work.
pub async fn note_again(
    tx: &mut Tx,
    taken: &str,
    hold: &NewHold,
    posted: Posted,
    now_us: i64,
) -> Result<()> {
    match earnings::worker_of(tx, taken).await? {
        Some(worker) => note(tx, worker, hold, posted, now_us).await,
        None => Ok(()),
    }
}

/// The first hour of the day in UTC.
pub fn today(now_us: i64) -> i64 {
    now_us.div_euclid(DAY_US) * (DAY_US / HOUR_US)
}

/// What a worker earned: the sums, and a page of the reasons with the place where it begins to be cut off.
pub async fn page(
    tx: &mut Tx,
    worker: WorkerId,
    before: Option<&earnings::EarningPlace>,
    limit: usize,
    now_us: i64,
) -> Result<(WorkerEarnings, Option<earnings::EarningPlace>)> {
    let sums = earnings::sums(tx, worker, today(now_us)).await?;
    let mut rows = earnings::page(tx, worker, before, limit as i64 + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(EarningRow::place);
    let earned = WorkerEarnings {
        today_micros: Micros::new(sums.since),
        total_micros: Micros::new(sums.total),
        held_micros: Micros::new(sums.held),
        entries: rows.into_iter().map(view).collect(),
        next: None,
    };
    Ok((earned, next))
}

fn view(row: EarningRow) -> WorkerEarning {
    WorkerEarning {
        book: row.book.to_string(),
        kind: row.kind.to_string(),
        state: match row.status {
            HoldStatus::Held => EarningState::Waiting,
            HoldStatus::Settled => EarningState::Settled,
            HoldStatus::Void => EarningState::Void,
        },
        at_ms: row.created_us.div_euclid(1_000),
        due_ms: (row.status == HoldStatus::Held)
            .then_some(row.due_us)
            .flatten()
            .map(|us| us.div_euclid(1_000)),
        amount_micros: Micros::new(row.amount),
        returned_micros: Micros::new(row.returned),
        inputs: row.inputs.0,
        key: row.key,
    }
}
