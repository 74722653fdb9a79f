//! Workers: the registry and when each was last heard from.

use pictor_protocol::agent::Hello;
use pictor_protocol::blender::Series;
use pictor_protocol::{UserId, WorkerId};
use sqlx::FromRow;

use super::column::{Json, MaybeJson, json, words};
use super::{Result, Tx};
use crate::dispatch::ability::Ability;

words! {
    /// What somebody decided about a worker; presence is derived from it and `last_seen`.
    pub enum WorkerStatus {
        Active = "active",
        Draining = "draining",
        Suspended = "suspended",
        Retired = "retired",
    }
}

/// A worker as it is known at each of its requests.
#[derive(Debug, Clone, FromRow)]
pub struct AgentRow {
    #[sqlx(try_from = "String")]
    pub id: WorkerId,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub status: WorkerStatus,
    pub last_seen_us: Option<i64>,
    pub instance: Option<String>,
}

/// A worker with all that it said of itself, for whoever looks at it.
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

/// The worker behind a token, unless it is retired. Every request of every worker asks this: the hello is
/// left where it is, for reading it takes longer than most answers.
pub async fn agent_by_token(tx: &mut Tx, token_hash: &str) -> Result<Option<AgentRow>> {
    fetch_optional!(
        tx,
        AgentRow,
        "SELECT id, name, status, last_seen_us, instance FROM workers \
         WHERE token_hash = $1 AND status <> 'retired'",
        token_hash
    )
}

/// The worker behind a token with all that it said, unless it is retired.
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

/// What a worker is asked before it is given anything.
#[derive(Debug, FromRow)]
pub struct AskingRow {
    #[sqlx(try_from = "String")]
    pub status: WorkerStatus,
    pub instance: Option<String>,
    #[sqlx(try_from = "String")]
    pub series: Json<Vec<Series>>,
    #[sqlx(try_from = "String")]
    pub abilities: Json<Vec<Ability>>,
}

pub async fn asking(tx: &mut Tx, id: WorkerId) -> Result<AskingRow> {
    fetch_one!(
        tx,
        AskingRow,
        "SELECT status, instance, series, abilities FROM workers WHERE id = $1",
        id.to_string()
    )
}

pub async fn status(tx: &mut Tx, id: WorkerId) -> Result<WorkerStatus> {
    #[derive(FromRow)]
    struct Status {
        #[sqlx(try_from = "String")]
        status: WorkerStatus,
    }
    let row = fetch_one!(
        tx,
        Status,
        "SELECT status FROM workers WHERE id = $1",
        id.to_string()
    )?;
    Ok(row.status)
}

/// What is known of a worker's slots.
pub async fn abilities(tx: &mut Tx, id: WorkerId) -> Result<Vec<Ability>> {
    #[derive(FromRow)]
    struct Abilities {
        #[sqlx(try_from = "String")]
        abilities: Json<Vec<Ability>>,
    }
    let row = fetch_one!(
        tx,
        Abilities,
        "SELECT abilities FROM workers WHERE id = $1",
        id.to_string()
    )?;
    Ok(row.abilities.0)
}

/// Writes down what a worker says of itself. What somebody decided about it stays: a worker that was
/// drained and is started again is still drained, until it is resumed.
pub async fn save_hello(tx: &mut Tx, id: WorkerId, hello: &Hello, now_us: i64) -> Result<()> {
    let series = hello.runtimes.iter().map(|runtime| runtime.series);
    execute!(
        tx,
        "UPDATE workers SET hello = $2, instance = $3, last_seen_us = $4, hello_us = $4, \
         series = $5, abilities = $6 WHERE id = $1",
        id.to_string(),
        json(hello),
        hello.instance.to_string(),
        now_us,
        json(&series.collect::<Vec<_>>()),
        json(&hello.slots.iter().map(Ability::from).collect::<Vec<_>>())
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

/// Drains a worker or resumes it; false when it is suspended or gone, which its owner cannot undo.
pub async fn set_draining(
    tx: &mut Tx,
    owner: UserId,
    id: WorkerId,
    draining: bool,
) -> Result<bool> {
    let status = if draining {
        WorkerStatus::Draining
    } else {
        WorkerStatus::Active
    };
    let changed = execute!(
        tx,
        "UPDATE workers SET status = $3 \
         WHERE id = $1 AND owner_id = $2 AND status IN ('active', 'draining')",
        id.to_string(),
        owner.to_string(),
        status.as_str()
    )?;
    Ok(changed > 0)
}

/// Ends a worker for good; false when there is none, or none any more.
pub async fn retire(tx: &mut Tx, owner: UserId, id: WorkerId) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET status = 'retired' WHERE id = $1 AND owner_id = $2 AND status <> 'retired'",
        id.to_string(),
        owner.to_string()
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{Store, people};
    use super::*;

    #[tokio::test]
    async fn an_owner_cannot_lift_a_suspension() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&dir.path().join("db")).await.unwrap();
        let mut tx = store.write().await.unwrap();
        let (owner, id) = (UserId::new(Uuid::nil()), WorkerId::new(Uuid::nil()));
        people::insert_user(&mut tx, owner, "owner", false, 0)
            .await
            .unwrap();
        insert(&mut tx, id, owner, "one", "hash", 0).await.unwrap();
        assert!(set_draining(&mut tx, owner, id, true).await.unwrap());
        let suspended = execute!(tx, "UPDATE workers SET status = 'suspended'");
        assert_eq!(suspended.unwrap(), 1);
        for draining in [true, false] {
            assert!(!set_draining(&mut tx, owner, id, draining).await.unwrap());
        }
        assert_eq!(status(&mut tx, id).await.unwrap(), WorkerStatus::Suspended);
    }
}
