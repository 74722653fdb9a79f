//! Daily check-ins.

use pictor_protocol::UserId;
use sqlx::FromRow;

use super::{Result, Tx};

#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct CheckInRow {
    /// Days since 1970, UTC.
    pub day: i64,
    pub at_us: i64,
    pub streak: i64,
}

/// False if there is one of that day.
pub async fn insert(tx: &mut Tx, user: UserId, row: CheckInRow) -> Result<bool> {
    let inserted = execute!(
        tx,
        "INSERT INTO check_ins (user_id, day, at_us, streak) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, day) DO NOTHING",
        user.to_string(),
        row.day,
        row.at_us,
        row.streak
    )?;
    Ok(inserted > 0)
}

pub async fn latest(tx: &mut Tx, user: UserId) -> Result<Option<CheckInRow>> {
    fetch_optional!(
        tx,
        CheckInRow,
        "SELECT day, at_us, streak FROM check_ins WHERE user_id = $1 ORDER BY day DESC LIMIT 1",
        user.to_string()
    )
}

/// Those of the days from `from` until before `until`, the first one first.
pub async fn between(tx: &mut Tx, user: UserId, from: i64, until: i64) -> Result<Vec<CheckInRow>> {
    fetch_all!(
        tx,
        CheckInRow,
        "SELECT day, at_us, streak FROM check_ins \
         WHERE user_id = $1 AND day >= $2 AND day < $3 ORDER BY day",
        user.to_string(),
        from,
        until
    )
}
