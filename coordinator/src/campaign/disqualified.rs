//! Who does not rank. The leaderboard and the final snapshot both ask here.

use std::collections::HashSet;

use pictor_protocol::{CampaignId, UserId};

use crate::store::{Result, Tx, standing};

/// Everybody who is out of a campaign's ranking, whatever points they have: who is disqualified or banned is out of
/// every one until that is lifted. A snapshot that is taken stays as it is; see [`super::payouts`] for what then
/// becomes of a reward.
pub async fn out_of_ranking(tx: &mut Tx, _campaign: CampaignId) -> Result<HashSet<UserId>> {
    Ok(standing::disqualified(tx).await?.into_iter().collect())
}
