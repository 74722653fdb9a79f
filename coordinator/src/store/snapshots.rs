//! Final snapshots of campaigns.

use pictor_protocol::{CampaignId, UserId};
use sqlx::FromRow;

use super::{Result, Tx};

/// A snapshot without its text.
#[derive(Debug, Clone, FromRow)]
pub struct SnapshotRow {
    pub taken_us: i64,
    pub last_entry: i64,
    pub people: i64,
    pub sha256: String,
    pub signature: String,
    pub public_key: String,
}

pub async fn find(tx: &mut Tx, campaign: CampaignId) -> Result<Option<SnapshotRow>> {
    fetch_optional!(
        tx,
        SnapshotRow,
        "SELECT taken_us, last_entry, people, sha256, signature, public_key \
         FROM campaign_snapshots WHERE campaign_id = $1",
        campaign.to_string()
    )
}

pub async fn text(tx: &mut Tx, campaign: CampaignId) -> Result<Option<String>> {
    let row = fetch_optional!(
        tx,
        (String,),
        "SELECT text FROM campaign_snapshots WHERE campaign_id = $1",
        campaign.to_string()
    )?;
    Ok(row.map(|(text,)| text))
}

/// So many characters of a snapshot's text: of a million people it has many.
pub async fn beginning(tx: &mut Tx, campaign: CampaignId, chars: i64) -> Result<Option<String>> {
    let row = fetch_optional!(
        tx,
        (String,),
        "SELECT SUBSTR(text, 1, CAST($2 AS INTEGER)) FROM campaign_snapshots WHERE campaign_id = $1",
        campaign.to_string(),
        chars
    )?;
    Ok(row.map(|(text,)| text))
}

/// Keeps a snapshot for ever.
pub async fn insert(
    tx: &mut Tx,
    campaign: CampaignId,
    taken_by: Option<UserId>,
    row: &SnapshotRow,
    text: &str,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO campaign_snapshots (campaign_id, taken_us, taken_by, last_entry, people, text, sha256, \
             signature, public_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        campaign.to_string(),
        row.taken_us,
        taken_by.map(|user| user.to_string()),
        row.last_entry,
        row.people,
        text,
        &row.sha256,
        &row.signature,
        &row.public_key
    )?;
    Ok(())
}

/// Somebody who gets something.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct WinnerRow {
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    pub rank: i64,
    pub prize_cents: i64,
}

pub async fn insert_winner(tx: &mut Tx, campaign: CampaignId, winner: &WinnerRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO campaign_winners (campaign_id, rank, user_id, prize_cents) \
         VALUES ($1, $2, $3, $4)",
        campaign.to_string(),
        winner.rank,
        winner.user_id.to_string(),
        winner.prize_cents
    )?;
    Ok(())
}

/// The first rank first.
pub async fn winners(tx: &mut Tx, campaign: CampaignId) -> Result<Vec<WinnerRow>> {
    fetch_all!(
        tx,
        WinnerRow,
        "SELECT user_id, rank, prize_cents FROM campaign_winners \
         WHERE campaign_id = $1 ORDER BY rank",
        campaign.to_string()
    )
}
