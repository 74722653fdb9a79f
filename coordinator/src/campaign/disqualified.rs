//! Who does not rank. The leaderboard and the final snapshot both ask here.

use std::collections::HashSet;

use pictor_protocol::{CampaignId, UserId};

use crate::store::{Result, Tx};

/// Everybody who is out of a campaign's ranking, whatever points they have. There are no decisions about fair
/// play in this database yet, so that is nobody; what decides them is read here.
pub async fn out_of_ranking(_tx: &mut Tx, _campaign: CampaignId) -> Result<HashSet<UserId>> {
    Ok(HashSet::new())
}
