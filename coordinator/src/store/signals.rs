//! What signals of cheating are made of, and those that were noted.

use pictor_protocol::{UserId, WorkerId};
use serde_json::Value;
use sqlx::FromRow;

use super::column::{Json, json};
use super::{Result, Tx};
use crate::fair_play::signals::{Brought, CheckIn, Earned, Found, Kind, Refunds, Use, Week};
use crate::ledger::EntryKind;

#[derive(Debug, FromRow)]
struct UseRow {
    uuid: String,
    #[sqlx(try_from = "String")]
    worker_id: WorkerId,
    #[sqlx(try_from = "String")]
    owner_id: UserId,
    first_us: i64,
    last_us: i64,
}

/// Devices that workers of several people have had.
pub async fn shared_devices(tx: &mut Tx) -> Result<Vec<Use>> {
    let rows = fetch_all!(
        tx,
        UseRow,
        "SELECT uuid, worker_id, owner_id, first_us, last_us FROM device_times \
         WHERE uuid IN (SELECT uuid FROM worker_devices GROUP BY uuid \
                        HAVING COUNT(DISTINCT owner_id) > 1) \
         ORDER BY uuid, first_us, worker_id"
    )?;
    let uses = rows.into_iter().map(|row| Use {
        device: row.uuid,
        worker: row.worker_id,
        owner: row.owner_id,
        first_us: row.first_us,
        last_us: row.last_us,
    });
    Ok(uses.collect())
}

#[derive(Debug, FromRow)]
struct ReferralRow {
    #[sqlx(try_from = "String")]
    owner: UserId,
    #[sqlx(try_from = "String")]
    inputs: Json<Value>,
}

/// Who earned by whom, as the books have it since a moment.
pub async fn brought(tx: &mut Tx, since_us: i64) -> Result<Vec<Brought>> {
    let rows = fetch_all!(
        tx,
        ReferralRow,
        "SELECT a.owner, e.inputs FROM ledger_entries e \
         JOIN ledger_postings p ON p.entry = e.id AND p.amount > 0 \
         JOIN ledger_accounts a ON a.id = p.account AND a.owner <> '' \
         WHERE e.kind = 'referral' AND e.at_us >= $1",
        since_us
    )?;
    let mut brought: Vec<Brought> = rows
        .into_iter()
        .filter_map(|row| {
            let referee = row.inputs.0["user"].as_str()?.parse().ok()?;
            Some(Brought {
                referrer: row.owner,
                referee,
            })
        })
        .collect();
    brought.sort_unstable();
    brought.dedup();
    Ok(brought)
}

#[derive(Debug, FromRow)]
struct RefundsRow {
    #[sqlx(try_from = "String")]
    owner: UserId,
    charged: i64,
    refunded: i64,
}

/// How many frames creators were charged and refunded since a moment, as the books have it.
pub async fn refunds(tx: &mut Tx, since_us: i64) -> Result<Vec<Refunds>> {
    let rows = fetch_all!(
        tx,
        RefundsRow,
        "SELECT a.owner, COUNT(DISTINCT CASE WHEN e.kind = 'charge' THEN e.id END) AS charged, \
             COUNT(DISTINCT CASE WHEN e.kind = 'refund' THEN e.id END) AS refunded \
         FROM ledger_entries e JOIN ledger_postings p ON p.entry = e.id \
         JOIN ledger_accounts a ON a.id = p.account AND a.owner <> '' \
         WHERE e.kind IN ('charge', 'refund') AND e.at_us >= $1 GROUP BY a.owner ORDER BY a.owner",
        since_us
    )?;
    let refunds = rows.into_iter().map(|row| Refunds {
        creator: row.owner,
        charged: row.charged,
        refunded: row.refunded,
    });
    Ok(refunds.collect())
}

#[derive(Debug, FromRow)]
struct EarnedRow {
    #[sqlx(try_from = "String")]
    owner: UserId,
    #[sqlx(try_from = "String")]
    kind: EntryKind,
}

/// In which ways people earned since a moment: what came out of the mint for them.
pub async fn earned(tx: &mut Tx, since_us: i64) -> Result<Vec<Earned>> {
    let rows = fetch_all!(
        tx,
        EarnedRow,
        "SELECT DISTINCT a.owner, e.kind FROM ledger_entries e \
         JOIN ledger_postings p ON p.entry = e.id AND p.amount > 0 \
         JOIN ledger_accounts a ON a.id = p.account AND a.owner <> '' \
         WHERE e.kind IN ('check-in', 'quest', 'render', 'online-hour', 'job-done') AND e.at_us >= $1",
        since_us
    )?;
    let earned = rows.into_iter().map(|row| Earned {
        person: row.owner,
        kind: row.kind,
    });
    Ok(earned.collect())
}

#[derive(Debug, FromRow)]
struct CheckInRow {
    #[sqlx(try_from = "String")]
    owner: UserId,
    at_us: i64,
}

/// The check-ins since a moment, as the books have them.
pub async fn check_ins(tx: &mut Tx, since_us: i64) -> Result<Vec<CheckIn>> {
    let rows = fetch_all!(
        tx,
        CheckInRow,
        "SELECT a.owner, e.at_us FROM ledger_entries e \
         JOIN ledger_postings p ON p.entry = e.id AND p.amount > 0 \
         JOIN ledger_accounts a ON a.id = p.account AND a.owner <> '' \
         WHERE e.kind = 'check-in' AND e.at_us >= $1",
        since_us
    )?;
    let check_ins = rows.into_iter().map(|row| CheckIn {
        person: row.owner,
        at_us: row.at_us,
    });
    Ok(check_ins.collect())
}

#[derive(Debug, FromRow)]
struct WeekRow {
    #[sqlx(try_from = "String")]
    worker_id: WorkerId,
    #[sqlx(try_from = "String")]
    owner_id: UserId,
    online_us: i64,
    given: i64,
    done: i64,
}

/// How long each worker was heard of since an hour, and what it was given and did since a moment.
pub async fn weeks(tx: &mut Tx, since_hour: i64, since_us: i64) -> Result<Vec<Week>> {
    let rows = fetch_all!(
        tx,
        WeekRow,
        "SELECT hours.worker_id, workers.owner_id, hours.online_us, \
             (SELECT COUNT(*) FROM attempts WHERE attempts.worker_id = hours.worker_id \
              AND leased_us >= $2) AS given, \
             (SELECT COUNT(*) FROM attempts WHERE attempts.worker_id = hours.worker_id \
              AND leased_us >= $2 AND attempts.status IN ('done', 'sent_back')) AS done \
         FROM (SELECT worker_id, CAST(SUM(seen_us) AS BIGINT) AS online_us FROM worker_hours \
               WHERE hour >= $1 GROUP BY worker_id) AS hours \
         JOIN workers ON workers.id = hours.worker_id",
        since_hour,
        since_us
    )?;
    let weeks = rows.into_iter().map(|row| Week {
        worker: row.worker_id,
        owner: row.owner_id,
        online_us: row.online_us,
        given: row.given,
        done: row.done,
    });
    Ok(weeks.collect())
}

/// Notes a signal: when it was seen first, and when last with which evidence.
pub async fn note(tx: &mut Tx, found: &Found, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO signals (kind, about, evidence, first_us, last_us) VALUES ($1, $2, $3, $4, $4) \
         ON CONFLICT (kind, about) DO UPDATE \
         SET evidence = excluded.evidence, last_us = excluded.last_us",
        found.kind.as_str(),
        &found.about,
        json(&Noted::of(found)),
        now_us
    )?;
    Ok(())
}

/// What is kept of a signal beside its kind.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Noted {
    pub people: Vec<UserId>,
    pub summary: String,
    pub evidence: Value,
}

impl Noted {
    fn of(found: &Found) -> Self {
        Self {
            people: found.people.clone(),
            summary: found.summary.clone(),
            evidence: found.evidence.clone(),
        }
    }
}

#[derive(Debug, FromRow)]
pub struct NotedRow {
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    pub about: String,
    #[sqlx(try_from = "String")]
    pub evidence: Json<Noted>,
    pub first_us: i64,
}

/// Signals that were noted since a moment, the latest first.
pub async fn noted(tx: &mut Tx, since_us: i64) -> Result<Vec<NotedRow>> {
    fetch_all!(
        tx,
        NotedRow,
        "SELECT kind, about, evidence, first_us FROM signals \
         WHERE last_us >= $1 ORDER BY last_us DESC, kind, about",
        since_us
    )
}
