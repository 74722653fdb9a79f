//! How far people have come with quests, and what other services told of.

use pictor_protocol::{CampaignId, ClaimId, UserId};
use sqlx::FromRow;

use super::column::{Maybe, words};
use super::{Result, Tx};

words! {
    pub enum ClaimStatus {
        Opened = "opened",
        Waiting = "waiting",
        Refused = "refused",
        Done = "done",
    }
}

#[derive(Debug, Clone, FromRow)]
pub struct ClaimRow {
    #[sqlx(try_from = "String")]
    pub id: ClaimId,
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    #[sqlx(try_from = "String")]
    pub campaign_id: CampaignId,
    pub quest: String,
    #[sqlx(try_from = "String")]
    pub status: ClaimStatus,
    pub nonce_hash: Option<String>,
    pub opened_us: Option<i64>,
    pub note: Option<String>,
    pub claimed_us: Option<i64>,
    pub decided_us: Option<i64>,
    #[sqlx(try_from = "Option<String>")]
    pub decided_by: Maybe<UserId>,
    pub reason: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, campaign_id, quest, status, nonce_hash, opened_us, note, claimed_us, \
                    decided_us, decided_by, reason FROM quest_claims ",
            $rest
        )
    };
}

pub async fn find(
    tx: &mut Tx,
    user: UserId,
    campaign: CampaignId,
    quest: &str,
) -> Result<Option<ClaimRow>> {
    fetch_optional!(
        tx,
        ClaimRow,
        select!("WHERE user_id = $1 AND campaign_id = $2 AND quest = $3"),
        user.to_string(),
        campaign.to_string(),
        quest
    )
}

pub async fn by_id(tx: &mut Tx, id: ClaimId) -> Result<Option<ClaimRow>> {
    fetch_optional!(tx, ClaimRow, select!("WHERE id = $1"), id.to_string())
}

/// Everything that somebody did of a campaign.
pub async fn of_user(tx: &mut Tx, user: UserId, campaign: CampaignId) -> Result<Vec<ClaimRow>> {
    fetch_all!(
        tx,
        ClaimRow,
        select!("WHERE user_id = $1 AND campaign_id = $2"),
        user.to_string(),
        campaign.to_string()
    )
}

/// Writes how far somebody has come with a quest, instead of what was there.
pub async fn save(tx: &mut Tx, row: &ClaimRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO quest_claims (id, user_id, campaign_id, quest, status, nonce_hash, opened_us, note, \
             claimed_us, decided_us, decided_by, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (user_id, campaign_id, quest) DO UPDATE SET status = excluded.status, \
             nonce_hash = excluded.nonce_hash, opened_us = excluded.opened_us, note = excluded.note, \
             claimed_us = excluded.claimed_us, decided_us = excluded.decided_us, \
             decided_by = excluded.decided_by, reason = excluded.reason",
        row.id.to_string(),
        row.user_id.to_string(),
        row.campaign_id.to_string(),
        &row.quest,
        row.status.as_str(),
        &row.nonce_hash,
        row.opened_us,
        &row.note,
        row.claimed_us,
        row.decided_us,
        row.decided_by.0.map(|by| by.to_string()),
        &row.reason
    )?;
    Ok(())
}

/// A claim that an operator has to look at.
#[derive(Debug, Clone, FromRow)]
pub struct WaitingRow {
    #[sqlx(try_from = "String")]
    pub id: ClaimId,
    pub quest: String,
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    pub name: String,
    pub claimed_us: i64,
    pub note: Option<String>,
}

/// The oldest first.
pub async fn waiting(tx: &mut Tx, limit: i64) -> Result<Vec<WaitingRow>> {
    fetch_all!(
        tx,
        WaitingRow,
        "SELECT quest_claims.id, quest, user_id, name, claimed_us, note \
         FROM quest_claims JOIN users ON users.id = user_id \
         WHERE status = 'waiting' ORDER BY claimed_us, quest_claims.id LIMIT $1",
        limit
    )
}

/// Notes that another service told of an event; false if it had done so.
pub async fn insert_event(
    tx: &mut Tx,
    quest: &str,
    event: &str,
    user: UserId,
    now_us: i64,
) -> Result<bool> {
    let inserted = execute!(
        tx,
        "INSERT INTO quest_events (quest, event, user_id, at_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (quest, event) DO NOTHING",
        quest,
        event,
        user.to_string(),
        now_us
    )?;
    Ok(inserted > 0)
}

/// Whom an event was told of.
pub async fn event_of(tx: &mut Tx, quest: &str, event: &str) -> Result<Option<UserId>> {
    let row = fetch_optional!(
        tx,
        EventRow,
        "SELECT user_id FROM quest_events WHERE quest = $1 AND event = $2",
        quest,
        event
    )?;
    Ok(row.map(|row| row.user_id))
}

#[derive(Debug, FromRow)]
struct EventRow {
    #[sqlx(try_from = "String")]
    user_id: UserId,
}
