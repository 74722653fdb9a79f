//! How people stand, what was decided on them, what they said against it, what was forfeited; and what tells that
//! two accounts are one person's.

use pictor_protocol::{AppealId, CampaignId, DecisionId, JobId, Micros, UserId, WorkerId};
use serde_json::Value;
use sqlx::FromRow;

use super::column::{Json, Maybe, json};
use super::{Result, Tx};
use crate::fair_play::standing::{AppealStatus, Standing, Verdict};
use crate::ledger::Book;

#[derive(Debug, FromRow)]
struct StandingRow {
    #[sqlx(try_from = "String")]
    standing: Standing,
}

#[derive(Debug, FromRow)]
struct UserRow {
    #[sqlx(try_from = "String")]
    user_id: UserId,
}

#[derive(Debug, FromRow)]
struct Count {
    count: i64,
}

/// What was decided on somebody.
#[derive(Debug, Clone, FromRow)]
pub struct DecisionRow {
    #[sqlx(try_from = "String")]
    pub id: DecisionId,
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    #[sqlx(try_from = "String")]
    pub decision: Verdict,
    #[sqlx(try_from = "String")]
    pub standing: Standing,
    #[sqlx(try_from = "Option<String>")]
    pub campaign_id: Maybe<CampaignId>,
    #[sqlx(try_from = "String")]
    pub made_by: UserId,
    pub reason: String,
    #[sqlx(try_from = "String")]
    pub evidence: Json<Value>,
    pub at_us: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct AppealRow {
    #[sqlx(try_from = "String")]
    pub id: AppealId,
    #[sqlx(try_from = "String")]
    pub decision_id: DecisionId,
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    pub words: String,
    pub made_us: i64,
    #[sqlx(try_from = "String")]
    pub status: AppealStatus,
    pub answer: Option<String>,
    pub answered_us: Option<i64>,
}

/// What a decision took.
#[derive(Debug, Clone, FromRow)]
pub struct ForfeitureRow {
    #[sqlx(try_from = "String")]
    pub decision_id: DecisionId,
    #[sqlx(try_from = "String")]
    pub book: Book,
    /// The hold's key; empty for what was available.
    pub hold: String,
    pub amount: i64,
    pub due_us: Option<i64>,
}

macro_rules! select_decision {
    ($rest:literal) => {
        concat!(
            "SELECT decisions.id, decisions.user_id, decision, decisions.standing, campaign_id, made_by, \
                 reason, evidence, at_us FROM decisions ",
            $rest
        )
    };
}

macro_rules! select_appeal {
    ($rest:literal) => {
        concat!(
            "SELECT id, decision_id, user_id, words, made_us, status, answer, answered_us FROM appeals ",
            $rest
        )
    };
}

pub async fn of(tx: &mut Tx, user: UserId) -> Result<Standing> {
    let row = fetch_optional!(
        tx,
        StandingRow,
        "SELECT standing FROM standings WHERE user_id = $1",
        user.to_string()
    )?;
    Ok(row.map_or(Standing::Good, |row| row.standing))
}

/// The decision that somebody's standing follows from; `None` in good standing.
pub async fn in_force(tx: &mut Tx, user: UserId) -> Result<Option<DecisionRow>> {
    fetch_optional!(
        tx,
        DecisionRow,
        select_decision!(
            "JOIN standings ON standings.decision_id = decisions.id WHERE standings.user_id = $1"
        ),
        user.to_string()
    )
}

/// Writes a decision, and how the person stands from now on.
pub async fn insert_decision(tx: &mut Tx, new: &DecisionRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO decisions \
             (id, user_id, decision, standing, campaign_id, made_by, reason, evidence, at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id.to_string(),
        new.user_id.to_string(),
        new.decision.as_str(),
        new.standing.as_str(),
        new.campaign_id.0.map(|id| id.to_string()),
        new.made_by.to_string(),
        &new.reason,
        json(&new.evidence.0),
        new.at_us
    )?;
    if new.standing == Standing::Good {
        execute!(
            tx,
            "DELETE FROM standings WHERE user_id = $1",
            new.user_id.to_string()
        )?;
        return Ok(());
    }
    execute!(
        tx,
        "INSERT INTO standings (user_id, standing, decision_id) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE \
         SET standing = excluded.standing, decision_id = excluded.decision_id",
        new.user_id.to_string(),
        new.standing.as_str(),
        new.id.to_string()
    )?;
    Ok(())
}

/// What was decided on somebody, the latest first.
pub async fn decisions_of(tx: &mut Tx, user: UserId) -> Result<Vec<DecisionRow>> {
    fetch_all!(
        tx,
        DecisionRow,
        select_decision!("WHERE decisions.user_id = $1 ORDER BY at_us DESC, decisions.id DESC"),
        user.to_string()
    )
}

pub async fn insert_appeal(tx: &mut Tx, new: &AppealRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO appeals (id, decision_id, user_id, words, made_us, status) \
         VALUES ($1, $2, $3, $4, $5, 'open')",
        new.id.to_string(),
        new.decision_id.to_string(),
        new.user_id.to_string(),
        &new.words,
        new.made_us
    )?;
    Ok(())
}

pub async fn appeal(tx: &mut Tx, id: AppealId) -> Result<Option<AppealRow>> {
    fetch_optional!(
        tx,
        AppealRow,
        select_appeal!("WHERE id = $1"),
        id.to_string()
    )
}

pub async fn appeal_against(tx: &mut Tx, decision: DecisionId) -> Result<Option<AppealRow>> {
    fetch_optional!(
        tx,
        AppealRow,
        select_appeal!("WHERE decision_id = $1"),
        decision.to_string()
    )
}

/// Appeals that nobody has answered, the oldest first.
pub async fn open_appeals(tx: &mut Tx, limit: i64) -> Result<Vec<AppealRow>> {
    fetch_all!(
        tx,
        AppealRow,
        select_appeal!("WHERE status = 'open' ORDER BY id LIMIT $1"),
        limit
    )
}

/// How an appeal ends.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    pub status: AppealStatus,
    pub answer: &'a str,
    pub by: UserId,
    pub now_us: i64,
}

/// Ends an open appeal; one that is over stays as it is.
pub async fn end_appeal(tx: &mut Tx, id: AppealId, ending: Ending<'_>) -> Result<()> {
    execute!(
        tx,
        "UPDATE appeals SET status = $2, answer = $3, answered_by = $4, answered_us = $5 \
         WHERE id = $1 AND status = 'open'",
        id.to_string(),
        ending.status.as_str(),
        ending.answer,
        ending.by.to_string(),
        ending.now_us
    )?;
    Ok(())
}

pub async fn insert_forfeiture(tx: &mut Tx, user: UserId, taken: &ForfeitureRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO forfeitures (decision_id, user_id, book, hold, amount, due_us) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        taken.decision_id.to_string(),
        user.to_string(),
        taken.book.to_string(),
        &taken.hold,
        taken.amount,
        taken.due_us
    )?;
    Ok(())
}

/// What was taken from somebody, and marks it as given back: whoever gets it here gives it back.
pub async fn take_forfeitures(
    tx: &mut Tx,
    user: UserId,
    now_us: i64,
) -> Result<Vec<ForfeitureRow>> {
    fetch_all!(
        tx,
        ForfeitureRow,
        "UPDATE forfeitures SET restored_us = $2 WHERE user_id = $1 AND restored_us IS NULL \
         RETURNING decision_id, book, hold, amount, due_us",
        user.to_string(),
        now_us
    )
}

#[derive(Debug, FromRow)]
struct TakenRow {
    #[sqlx(try_from = "String")]
    book: Book,
    amount: i64,
}

/// How much a decision took, by book.
pub async fn forfeited_by(tx: &mut Tx, decision: DecisionId) -> Result<Vec<(Book, Micros)>> {
    let rows = fetch_all!(
        tx,
        TakenRow,
        "SELECT book, CAST(SUM(amount) AS BIGINT) AS amount FROM forfeitures \
         WHERE decision_id = $1 GROUP BY book ORDER BY book",
        decision.to_string()
    )?;
    let taken = rows.into_iter();
    Ok(taken
        .map(|row| (row.book, Micros::new(row.amount)))
        .collect())
}

/// Whether somebody, or an account with an identity of theirs, may not earn.
pub async fn is_barred(tx: &mut Tx, user: UserId) -> Result<bool> {
    let found = fetch_one!(
        tx,
        Count,
        "SELECT COUNT(*) AS count FROM standings \
         WHERE standing IN ('suspended', 'disqualified', 'banned') AND (user_id = $1 OR user_id IN ( \
             SELECT other.user_id FROM identity_traces mine \
             JOIN identity_traces other ON other.hash = mine.hash WHERE mine.user_id = $1))",
        user.to_string()
    )?;
    Ok(found.count > 0)
}

/// Everybody of whom [`is_barred`] is true.
pub async fn barred(tx: &mut Tx) -> Result<Vec<UserId>> {
    let rows = fetch_all!(
        tx,
        UserRow,
        "SELECT user_id FROM standings WHERE standing IN ('suspended', 'disqualified', 'banned') \
         UNION SELECT mine.user_id FROM standings \
         JOIN identity_traces other ON other.user_id = standings.user_id \
         JOIN identity_traces mine ON mine.hash = other.hash \
         WHERE standing IN ('suspended', 'disqualified', 'banned')"
    )?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Everybody who is disqualified or banned.
pub async fn disqualified(tx: &mut Tx) -> Result<Vec<UserId>> {
    let rows = fetch_all!(
        tx,
        UserRow,
        "SELECT user_id FROM standings WHERE standing IN ('disqualified', 'banned')"
    )?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Whether two people's workers had a device at the same time, or both signed in with an identity.
pub async fn linked(tx: &mut Tx, a: UserId, b: UserId) -> Result<bool> {
    let found = fetch_one!(
        tx,
        Count,
        "SELECT (SELECT COUNT(*) FROM device_times mine \
                 JOIN device_times other ON other.uuid = mine.uuid \
                 WHERE mine.owner_id = $1 AND other.owner_id = $2 \
                   AND mine.first_us <= other.last_us AND other.first_us <= mine.last_us) \
              + (SELECT COUNT(*) FROM identity_traces mine \
                 JOIN identity_traces other ON other.hash = mine.hash \
                 WHERE mine.user_id = $1 AND other.user_id = $2) AS count",
        a.to_string(),
        b.to_string()
    )?;
    Ok(found.count > 0)
}

/// Everybody else who is [`linked`] to somebody.
pub async fn linked_to(tx: &mut Tx, user: UserId) -> Result<Vec<UserId>> {
    let rows = fetch_all!(
        tx,
        UserRow,
        "SELECT other.owner_id AS user_id FROM device_times mine \
             JOIN device_times other ON other.uuid = mine.uuid \
             WHERE mine.owner_id = $1 AND other.owner_id <> $1 \
               AND mine.first_us <= other.last_us AND other.first_us <= mine.last_us \
         UNION SELECT other.user_id FROM identity_traces mine \
             JOIN identity_traces other ON other.hash = mine.hash \
             WHERE mine.user_id = $1 AND other.user_id <> $1",
        user.to_string()
    )?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Whether an account that is linked to its creator rendered any of a job's frames.
pub async fn any_linked_renderer(tx: &mut Tx, job: JobId, creator: UserId) -> Result<bool> {
    let rows = fetch_all!(
        tx,
        UserRow,
        "SELECT DISTINCT workers.owner_id AS user_id FROM tasks \
         JOIN workers ON workers.id = tasks.worker_id \
         WHERE tasks.job_id = $1 AND tasks.status = 'done' AND workers.owner_id <> $2",
        job.to_string(),
        creator.to_string()
    )?;
    for UserRow { user_id } in rows {
        if linked(tx, user_id, creator).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Rewards of somebody that were won and are not paid: how many at all, and how many of them are on their way.
pub async fn rewards_due(tx: &mut Tx, user: UserId) -> Result<(i64, i64)> {
    #[derive(FromRow)]
    struct Due {
        won: i64,
        under_way: i64,
    }
    let row = fetch_one!(
        tx,
        Due,
        "SELECT (SELECT COUNT(*) FROM campaign_winners WHERE user_id = $1 AND NOT EXISTS ( \
                 SELECT 1 FROM payout_items JOIN payouts ON payouts.id = payout_id \
                 WHERE payout_items.campaign_id = campaign_winners.campaign_id \
                   AND payout_items.user_id = $1 AND live = 1 \
                   AND payouts.status IN ('confirmed', 'by-hand'))) AS won, \
             (SELECT COUNT(*) FROM payout_items JOIN payouts ON payouts.id = payout_id \
              WHERE payout_items.user_id = $1 AND live = 1 \
                AND payouts.status NOT IN ('confirmed', 'by-hand')) AS under_way",
        user.to_string()
    )?;
    Ok((row.won, row.under_way))
}

/// Notes the devices of a worker.
pub async fn note_device(tx: &mut Tx, uuid: &str, worker: WorkerId, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO worker_devices (uuid, worker_id, owner_id, first_us, last_us) \
         SELECT $1, id, owner_id, $3, $3 FROM workers WHERE id = $2 \
         ON CONFLICT (uuid, worker_id) DO UPDATE SET last_us = excluded.last_us",
        uuid,
        worker.to_string(),
        now_us
    )?;
    Ok(())
}

#[derive(Debug, FromRow)]
struct KeyRow {
    key: String,
}

/// The key that identities are hashed with: the one that is there, or this new one.
pub async fn trace_key(tx: &mut Tx, new: &str) -> Result<String> {
    execute!(
        tx,
        "INSERT INTO trace_key (one, key) VALUES (1, $1) ON CONFLICT (one) DO NOTHING",
        new
    )?;
    let row = fetch_one!(tx, KeyRow, "SELECT key FROM trace_key")?;
    Ok(row.key)
}

pub async fn add_trace(tx: &mut Tx, hash: &str, user: UserId) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO identity_traces (hash, user_id) VALUES ($1, $2) \
         ON CONFLICT (hash, user_id) DO NOTHING",
        hash,
        user.to_string()
    )?;
    Ok(())
}

pub async fn forget_traces(tx: &mut Tx, user: UserId) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM identity_traces WHERE user_id = $1",
        user.to_string()
    )?;
    Ok(())
}

/// The ban that an identity is under: of anybody who ever signed in with it.
pub async fn ban_of_trace(tx: &mut Tx, hash: &str) -> Result<Option<DecisionRow>> {
    fetch_optional!(
        tx,
        DecisionRow,
        select_decision!(
            "JOIN standings ON standings.decision_id = decisions.id \
             JOIN identity_traces ON identity_traces.user_id = standings.user_id \
             WHERE identity_traces.hash = $1 AND standings.standing = 'banned' LIMIT 1"
        ),
        hash
    )
}

/// Keeps the hash of the secret with which somebody is heard, in the place of an earlier one.
pub async fn put_hearing(tx: &mut Tx, user: UserId, hash: &str, expires_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO hearings (user_id, hash, expires_us) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, expires_us = excluded.expires_us",
        user.to_string(),
        hash,
        expires_us
    )?;
    Ok(())
}

/// Who is heard with the secret of this hash.
pub async fn hearing(tx: &mut Tx, hash: &str, now_us: i64) -> Result<Option<UserId>> {
    let row = fetch_optional!(
        tx,
        UserRow,
        "SELECT user_id FROM hearings WHERE hash = $1 AND expires_us > $2",
        hash,
        now_us
    )?;
    Ok(row.map(|row| row.user_id))
}
