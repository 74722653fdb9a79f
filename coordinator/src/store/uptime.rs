//! How much of each hour a worker was heard of.

use pictor_protocol::WorkerId;
use sqlx::FromRow;

use super::{Result, Tx};

/// Adds to an hour, counted since 1970.
pub async fn add(tx: &mut Tx, worker: WorkerId, hour: i64, seen_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO worker_hours (worker_id, hour, seen_us) VALUES ($1, $2, $3) \
         ON CONFLICT (worker_id, hour) DO UPDATE SET seen_us = worker_hours.seen_us + excluded.seen_us",
        worker.to_string(),
        hour,
        seen_us
    )?;
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct HourRow {
    pub hour: i64,
    pub seen_us: i64,
}

/// The hours from `hour` on in which a worker was heard of, in order.
pub async fn since(tx: &mut Tx, worker: WorkerId, hour: i64) -> Result<Vec<HourRow>> {
    fetch_all!(
        tx,
        HourRow,
        "SELECT hour, seen_us FROM worker_hours WHERE worker_id = $1 AND hour >= $2 ORDER BY hour",
        worker.to_string(),
        hour
    )
}

/// The same by the day: the first hour of each has all of it.
pub async fn days_since(tx: &mut Tx, worker: WorkerId, hour: i64) -> Result<Vec<HourRow>> {
    fetch_all!(
        tx,
        HourRow,
        "SELECT CAST(hour / 24 * 24 AS BIGINT) AS hour, CAST(SUM(seen_us) AS BIGINT) AS seen_us \
         FROM worker_hours WHERE worker_id = $1 AND hour >= $2 GROUP BY hour / 24 ORDER BY 1",
        worker.to_string(),
        hour
    )
}

/// Puts the hours before this one, which begins a day, together: the first hour of each day has all of it.
pub async fn put_together_before(tx: &mut Tx, hour: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO worker_hours (worker_id, hour, seen_us) \
         SELECT worker_id, hour / 24 * 24, CAST(SUM(seen_us) AS BIGINT) FROM worker_hours \
         WHERE hour < $1 AND hour % 24 <> 0 GROUP BY worker_id, hour / 24 \
         ON CONFLICT (worker_id, hour) DO UPDATE SET seen_us = worker_hours.seen_us + excluded.seen_us",
        hour
    )?;
    execute!(
        tx,
        "DELETE FROM worker_hours WHERE hour < $1 AND hour % 24 <> 0",
        hour
    )?;
    Ok(())
}

/// Forgets every hour before this one.
pub async fn forget_before(tx: &mut Tx, hour: i64) -> Result<u64> {
    execute!(tx, "DELETE FROM worker_hours WHERE hour < $1", hour)
}
