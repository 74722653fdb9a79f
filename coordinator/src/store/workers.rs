//! Workers: the registry and when each was last heard from.

use pictor_protocol::agent::Hello;
use pictor_protocol::blender::Series;
use pictor_protocol::schedule::Schedule;
use pictor_protocol::{UserId, WorkerId};
use sqlx::FromRow;

use super::column::{Json, Maybe, MaybeJson, json, words};
use super::{Result, Tx, standing};
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
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub status: WorkerStatus,
    pub last_seen_us: Option<i64>,
    pub instance: Option<String>,
    /// Of the token that it came with.
    pub token_hash: String,
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
    #[sqlx(try_from = "String")]
    pub series: Json<Vec<Series>>,
    #[sqlx(try_from = "String")]
    pub abilities: Json<Vec<Ability>>,
    pub done: i64,
    pub leased: i64,
    /// When the status was decided on; never, if it is what it was at first.
    pub decided_us: Option<i64>,
    #[sqlx(try_from = "Option<String>")]
    pub decided_by: Maybe<UserId>,
    pub decided_why: Option<String>,
    /// When its hello was refused last because its software, of that version, is too old.
    pub turned_away_us: Option<i64>,
    pub turned_away_version: Option<String>,
    /// The hours in which it takes frames; all, if unset.
    #[sqlx(try_from = "Option<String>")]
    pub schedule: MaybeJson<Schedule>,
}

macro_rules! select {
    ($rest:literal) => {
        $crate::store::workers::select_workers!("", $rest)
    };
    ($more:literal, $($rest:literal),+) => {
        concat!(
            "SELECT id, owner_id, name, status, created_us, last_seen_us, instance, hello_us, hello, ",
            "series, abilities, done, ",
            "decided_us, decided_by, decided_why, turned_away_us, turned_away_version, schedule, ",
            "(SELECT COUNT(*) FROM attempts WHERE worker_id = workers.id AND attempts.status = 'leased') ",
            "AS leased ",
            $more,
            " FROM workers ",
            $($rest),+
        )
    };
}
pub(super) use select as select_workers;

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
        "INSERT INTO workers (id, owner_id, name, name_key, token_hash, status, created_us) \
         VALUES ($1, $2, $3, $4, $5, 'active', $6)",
        id.to_string(),
        owner.to_string(),
        name,
        name.to_lowercase(),
        token_hash,
        now_us
    )?;
    Ok(())
}

/// Gives a worker another name; false when there is none, or none any more.
pub async fn rename(tx: &mut Tx, owner: UserId, id: WorkerId, name: &str) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET name = $3, name_key = $4 \
         WHERE id = $1 AND owner_id = $2 AND status <> 'retired'",
        id.to_string(),
        owner.to_string(),
        name,
        name.to_lowercase()
    )?;
    Ok(changed > 0)
}

/// Gives a worker other hours, or all of them; false when there is none, or none any more.
pub async fn set_schedule(
    tx: &mut Tx,
    owner: UserId,
    id: WorkerId,
    schedule: Option<&Schedule>,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET schedule = $3 WHERE id = $1 AND owner_id = $2 AND status <> 'retired'",
        id.to_string(),
        owner.to_string(),
        schedule.map(json)
    )?;
    Ok(changed > 0)
}

/// Gives a worker another token, and forgets who has the old one: only a hello with the new one is heard.
/// Answers the worker's name; `None` when there is none, or none any more.
pub async fn replace_token(
    tx: &mut Tx,
    owner: UserId,
    id: WorkerId,
    token_hash: &str,
) -> Result<Option<String>> {
    #[derive(FromRow)]
    struct Named {
        name: String,
    }
    let row = fetch_optional!(
        tx,
        Named,
        "UPDATE workers SET token_hash = $3, instance = NULL \
         WHERE id = $1 AND owner_id = $2 AND status <> 'retired' RETURNING name",
        id.to_string(),
        owner.to_string(),
        token_hash
    )?;
    Ok(row.map(|row| row.name))
}

/// The worker behind a token, unless it is retired. Every request of every worker asks this: the hello is
/// left where it is, for reading it takes longer than most answers.
pub async fn agent_by_token(tx: &mut Tx, token_hash: &str) -> Result<Option<AgentRow>> {
    fetch_optional!(
        tx,
        AgentRow,
        "SELECT id, owner_id, name, status, last_seen_us, instance, token_hash FROM workers \
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
    #[sqlx(try_from = "Option<String>")]
    pub schedule: MaybeJson<Schedule>,
}

pub async fn asking(tx: &mut Tx, id: WorkerId) -> Result<AskingRow> {
    fetch_one!(
        tx,
        AskingRow,
        "SELECT status, instance, series, abilities, schedule FROM workers WHERE id = $1",
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

/// Whose worker it is.
pub async fn owner(tx: &mut Tx, id: WorkerId) -> Result<UserId> {
    #[derive(FromRow)]
    struct Owner {
        #[sqlx(try_from = "String")]
        owner_id: UserId,
    }
    let row = fetch_one!(
        tx,
        Owner,
        "SELECT owner_id FROM workers WHERE id = $1",
        id.to_string()
    )?;
    Ok(row.owner_id)
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
        "UPDATE workers SET hello = $2, instance = $3, hello_us = $4, series = $5, abilities = $6, \
             answers_challenges = $7, turned_away_us = NULL, turned_away_version = NULL WHERE id = $1",
        id.to_string(),
        json(hello),
        hello.instance.to_string(),
        now_us,
        json(&series.collect::<Vec<_>>()),
        json(&hello.slots.iter().map(Ability::from).collect::<Vec<_>>()),
        i64::from(hello.answers_challenges)
    )?;
    for uuid in hello.slots.iter().filter_map(|slot| slot.uuid.as_deref()) {
        standing::note_device(tx, uuid, id, now_us).await?;
    }
    Ok(())
}

/// Notes that a worker's hello was refused because its software is too old.
pub async fn turn_away(tx: &mut Tx, id: WorkerId, version: &str, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE workers SET turned_away_us = $2, turned_away_version = $3 WHERE id = $1",
        id.to_string(),
        now_us,
        version
    )?;
    Ok(())
}

/// Notes a sign of life, if the one before was at `before_us` still; false if another request noted one.
/// Time only moves on here: what lies between two signs is counted once.
pub async fn seen(tx: &mut Tx, id: WorkerId, before_us: Option<i64>, now_us: i64) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET last_seen_us = $3 \
         WHERE id = $1 AND COALESCE(last_seen_us, -1) = $2 AND COALESCE(last_seen_us, -1) < $3",
        id.to_string(),
        before_us.unwrap_or(-1),
        now_us
    )?;
    Ok(changed > 0)
}

/// Who decides on a worker's status, and why.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    pub by: UserId,
    pub why: Option<&'a str>,
    pub now_us: i64,
}

/// Drains a worker or resumes it; false when it is suspended or gone, which its owner cannot undo. Who asks
/// for what is so already changes at most the reason.
pub async fn set_draining(
    tx: &mut Tx,
    id: WorkerId,
    draining: bool,
    decision: Decision<'_>,
) -> Result<bool> {
    let status = if draining {
        WorkerStatus::Draining
    } else {
        WorkerStatus::Active
    };
    let changed = execute!(
        tx,
        "UPDATE workers SET status = $3, decided_by = $2, \
             decided_us = CASE WHEN status = $3 THEN COALESCE(decided_us, $4) ELSE $4 END, \
             decided_why = COALESCE($5, CASE WHEN status = $3 THEN decided_why END) \
         WHERE id = $1 AND owner_id = $2 AND status IN ('active', 'draining')",
        id.to_string(),
        decision.by.to_string(),
        status.as_str(),
        decision.now_us,
        decision.why
    )?;
    Ok(changed > 0)
}

/// Suspends every worker of somebody that is not retired; answers which.
pub async fn suspend_all(
    tx: &mut Tx,
    owner: UserId,
    decision: Decision<'_>,
) -> Result<Vec<WorkerId>> {
    let rows = fetch_all!(
        tx,
        IdRow,
        "UPDATE workers SET status = 'suspended', decided_by = $2, decided_us = $3, decided_why = $4 \
         WHERE owner_id = $1 AND status IN ('active', 'draining') RETURNING id",
        owner.to_string(),
        decision.by.to_string(),
        decision.now_us,
        decision.why
    )?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Takes suspensions back that were made for this reason; answers of which workers.
pub async fn unsuspend_all(
    tx: &mut Tx,
    owner: UserId,
    why: &str,
    now_us: i64,
) -> Result<Vec<WorkerId>> {
    let rows = fetch_all!(
        tx,
        IdRow,
        "UPDATE workers SET status = 'active', decided_us = $3, decided_why = NULL \
         WHERE owner_id = $1 AND status = 'suspended' AND decided_why = $2 RETURNING id",
        owner.to_string(),
        why,
        now_us
    )?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Every worker of somebody, retired or not, the oldest first.
pub async fn all_of(tx: &mut Tx, owner: UserId) -> Result<Vec<WorkerRow>> {
    fetch_all!(
        tx,
        WorkerRow,
        select!("WHERE owner_id = $1 ORDER BY id"),
        owner.to_string()
    )
}

/// Retires every worker of somebody and forgets what it was called; what it said of itself too, unless that has
/// to be kept. Answers which were not retired before.
pub async fn forget_all(
    tx: &mut Tx,
    owner: UserId,
    keep_devices: bool,
    now_us: i64,
) -> Result<Vec<WorkerId>> {
    let rows = fetch_all!(
        tx,
        IdRow,
        "UPDATE workers SET status = 'retired', decided_us = $2, decided_by = $1, decided_why = NULL \
         WHERE owner_id = $1 AND status <> 'retired' RETURNING id",
        owner.to_string(),
        now_us
    )?;
    execute!(
        tx,
        "UPDATE workers SET name = '', name_key = '', hello = NULL WHERE owner_id = $1",
        owner.to_string()
    )?;
    if !keep_devices {
        execute!(
            tx,
            "DELETE FROM worker_devices WHERE owner_id = $1",
            owner.to_string()
        )?;
    }
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(FromRow)]
struct IdRow {
    #[sqlx(try_from = "String")]
    id: WorkerId,
}

/// Suspends a worker; false when it is retired or there is none. Who suspends it again changes the reason.
pub async fn suspend(tx: &mut Tx, id: WorkerId, decision: Decision<'_>) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET status = 'suspended', decided_us = $2, decided_by = $3, decided_why = $4 \
         WHERE id = $1 AND status <> 'retired'",
        id.to_string(),
        decision.now_us,
        decision.by.to_string(),
        decision.why
    )?;
    Ok(changed > 0)
}

/// Lifts a suspension; false when there is none.
pub async fn reinstate(tx: &mut Tx, id: WorkerId, decision: Decision<'_>) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET status = 'active', decided_us = $2, decided_by = $3, decided_why = $4 \
         WHERE id = $1 AND status = 'suspended'",
        id.to_string(),
        decision.now_us,
        decision.by.to_string(),
        decision.why
    )?;
    Ok(changed > 0)
}

/// Ends a worker for good; false when there is none, or none any more.
pub async fn retire(tx: &mut Tx, owner: UserId, id: WorkerId, now_us: i64) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE workers SET status = 'retired', decided_us = $3, decided_by = $2, decided_why = NULL \
         WHERE id = $1 AND owner_id = $2 AND status <> 'retired'",
        id.to_string(),
        owner.to_string(),
        now_us
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
        let decision = Decision {
            by: owner,
            why: None,
            now_us: 0,
        };
        assert!(set_draining(&mut tx, id, true, decision).await.unwrap());
        let suspended = execute!(tx, "UPDATE workers SET status = 'suspended'");
        assert_eq!(suspended.unwrap(), 1);
        for draining in [true, false] {
            let lifted = set_draining(&mut tx, id, draining, decision).await;
            assert!(!lifted.unwrap());
        }
        assert_eq!(status(&mut tx, id).await.unwrap(), WorkerStatus::Suspended);
    }
}
