//! Workers: the registry and when each was last heard from.

use pictor_protocol::agent::Hello;
use pictor_protocol::{UserId, WorkerId};
use sqlx::FromRow;

use super::column::{MaybeJson, json, words};
use super::{Result, Tx};

words! {
    /// What somebody decided about a worker; presence is derived from it and `last_seen`.
    pub enum WorkerStatus {
        Active = "active",
        Draining = "draining",
        Suspended = "suspended",
        Retired = "retired",
    }
}

#[derive(Debug, Clone, FromRow)]
pub struct WorkerRow {
    #[sqlx(try_from = "String")]
    pub id: WorkerId,
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub status: WorkerStatus,
    pub created_us: i64,
    pub last_seen_us: Option<i64>,
    pub instance: Option<String>,
    /// When it last said hello.
    pub hello_us: Option<i64>,
    #[sqlx(try_from = "Option<String>")]
    pub hello: MaybeJson<Hello>,
    pub done: i64,
    pub leased: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner_id, name, status, created_us, last_seen_us, instance, hello_us, hello, done, ",
            "(SELECT COUNT(*) FROM attempts WHERE worker_id = workers.id AND attempts.status = 'leased') ",
            "AS leased FROM workers ",
            $rest
        )
    };
}

pub async fn insert(
    tx: &mut Tx,
    id: WorkerId,
    owner: UserId,
    name: &str,
    token_hash: &str,
    now_us: i64,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO workers (id, owner_id, name, token_hash, status, created_us) \
         VALUES ($1, $2, $3, $4, 'active', $5)",
        id.to_string(),
        owner.to_string(),
        name,
        token_hash,
        now_us
    )?;
    Ok(())
}

/// The worker behind a token, unless it is retired.
pub async fn by_token(tx: &mut Tx, token_hash: &str) -> Result<Option<WorkerRow>> {
    fetch_optional!(
        tx,
        WorkerRow,
        select!("WHERE token_hash = $1 AND status <> 'retired'"),
        token_hash
    )
}

pub async fn find(tx: &mut Tx, id: WorkerId) -> Result<Option<WorkerRow>> {
    fetch_optional!(tx, WorkerRow, select!("WHERE id = $1"), id.to_string())
}

pub async fn of_owner(tx: &mut Tx, owner: UserId) -> Result<Vec<WorkerRow>> {
    fetch_all!(
        tx,
        WorkerRow,
        select!("WHERE owner_id = $1 AND status <> 'retired' ORDER BY id"),
        owner.to_string()
    )
}

pub async fn save_hello(tx: &mut Tx, id: WorkerId, hello: &Hello, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE workers SET hello = $2, instance = $3, last_seen_us = $4, hello_us = $4, slots = $5, series = $6, \
         status = CASE WHEN status = 'draining' THEN 'active' ELSE status END WHERE id = $1",
        id.to_string(),
        json(hello),
        hello.instance.to_string(),
        now_us,
        hello.slots.len() as i64,
        json(
            &hello
                .runtimes
                .iter()
                .map(|runtime| runtime.series)
                .collect::<Vec<_>>()
        )
    )?;
    Ok(())
}

pub async fn seen(tx: &mut Tx, id: WorkerId, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE workers SET last_seen_us = $2 WHERE id = $1",
        id.to_string(),
        now_us
    )?;
    Ok(())
}

pub async fn set_status(
    tx: &mut Tx,
    owner: UserId,
    id: WorkerId,
    status: WorkerStatus,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET status = $3 WHERE id = $1 AND owner_id = $2 AND status <> 'retired'",
        id.to_string(),
        owner.to_string(),
        status.as_str()
    )?;
    Ok(changed > 0)
}

/// Counts one accepted frame.
pub async fn count_done(tx: &mut Tx, id: WorkerId) -> Result<()> {
    execute!(
        tx,
        "UPDATE workers SET done = done + 1 WHERE id = $1",
        id.to_string()
    )?;
    Ok(())
}
