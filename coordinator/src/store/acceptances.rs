//! Which version of a campaign's rules somebody accepted.

use pictor_protocol::{CampaignId, UserId};
use sqlx::FromRow;

use super::{Result, Tx};

#[derive(Debug, Clone, FromRow)]
pub struct AcceptanceRow {
    #[sqlx(try_from = "String")]
    pub campaign_id: CampaignId,
    pub version: i64,
    pub hash: String,
    pub at_us: i64,
}

/// Notes that somebody accepted a version; the first time counts.
pub async fn add(tx: &mut Tx, user: UserId, accepted: &AcceptanceRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO rules_acceptances (user_id, campaign_id, version, hash, at_us) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, campaign_id, version) DO NOTHING",
        user.to_string(),
        accepted.campaign_id.to_string(),
        accepted.version,
        &accepted.hash,
        accepted.at_us
    )?;
    Ok(())
}

/// What somebody accepted, the latest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<AcceptanceRow>> {
    fetch_all!(
        tx,
        AcceptanceRow,
        "SELECT campaign_id, version, hash, at_us FROM rules_acceptances \
         WHERE user_id = $1 ORDER BY at_us DESC, version DESC",
        user.to_string()
    )
}
