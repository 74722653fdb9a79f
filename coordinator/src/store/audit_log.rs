//! The audit log's rows. What they say and how they are bound together: [`crate::audit_log`].

use sqlx::FromRow;

use super::{Result, Tx};

/// A row as it lies there.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LogRow {
    /// 1 for the first.
    pub number: i64,
    pub at_us: i64,
    pub by_whom: String,
    pub act: String,
    pub subject: String,
    pub reason: String,
    /// JSON.
    pub evidence: String,
    /// The hash of the row before; empty for the first.
    pub previous: String,
    pub hash: String,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, at_us, by_whom, act, subject, reason, evidence, previous, hash \
             FROM audit_log ",
            $rest
        )
    };
}

pub async fn insert(tx: &mut Tx, row: &LogRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO audit_log \
             (number, at_us, by_whom, act, subject, reason, evidence, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row.number,
        row.at_us,
        &row.by_whom,
        &row.act,
        &row.subject,
        &row.reason,
        &row.evidence,
        &row.previous,
        &row.hash
    )?;
    Ok(())
}

pub async fn last(tx: &mut Tx) -> Result<Option<LogRow>> {
    fetch_optional!(tx, LogRow, select!("ORDER BY number DESC LIMIT 1"))
}

/// Rows from the first one on, after a number.
pub async fn after(tx: &mut Tx, number: i64, limit: i64) -> Result<Vec<LogRow>> {
    fetch_all!(
        tx,
        LogRow,
        select!("WHERE number > $1 ORDER BY number LIMIT $2"),
        number,
        limit
    )
}

/// The latest rows before a number, about one subject or all.
pub async fn before(
    tx: &mut Tx,
    number: i64,
    subject: Option<&str>,
    limit: i64,
) -> Result<Vec<LogRow>> {
    fetch_all!(
        tx,
        LogRow,
        select!("WHERE number < $1 AND ($2 IS NULL OR subject = $2) ORDER BY number DESC LIMIT $3"),
        number,
        subject,
        limit
    )
}

/// Whether a row of that hash is there.
pub async fn has(tx: &mut Tx, hash: &str) -> Result<bool> {
    let found = fetch_optional!(tx, LogRow, select!("WHERE hash = $1"), hash)?;
    Ok(found.is_some())
}
