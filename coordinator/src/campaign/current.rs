//! The campaign and the rules that hold at a moment.

use std::sync::Arc;

use pictor_protocol::CampaignId;

use super::cache::RulesCache;
use super::life::{Life, State};
use super::rules::{BadRules, Rules};
use super::versions::{Version, rules_at};
use crate::store::campaigns::{self, CampaignRow};
use crate::store::{StoreError, Tx};

/// What an event is judged by.
#[derive(Debug, Clone)]
pub struct Current {
    pub id: CampaignId,
    pub slug: String,
    pub life: Life,
    /// At the moment that was asked for.
    pub state: State,
    /// Of the rules: what an entry of the ledger names to explain itself.
    pub version: i64,
    pub rules: Arc<Rules>,
}

#[derive(Debug, thiserror::Error)]
pub enum CurrentError {
    #[error("campaign {campaign} has no rules")]
    NoRules { campaign: CampaignId },
    /// Documents are read before they are stored: another version of this program stored it.
    #[error("version {version} of the rules of campaign {campaign} cannot be read")]
    Unreadable {
        campaign: CampaignId,
        version: i64,
        source: BadRules,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Current {
    /// Credits are charged whenever there are rules; points are earned only while the campaign runs.
    pub fn mints_points(&self) -> bool {
        self.state == State::Running
    }
}

/// The campaign whose rules hold at a moment, that of an event; `None` where there is no economy. Asks for
/// two small rows or so: documents are read only once.
pub async fn current(
    known: &RulesCache,
    tx: &mut Tx,
    at_us: i64,
) -> Result<Option<Current>, CurrentError> {
    match campaigns::current(tx, at_us).await? {
        Some(row) => judged_by(known, tx, row, at_us).await.map(Some),
        None => Ok(None),
    }
}

/// A campaign with the rules that hold at a moment of its life.
pub(super) async fn judged_by(
    known: &RulesCache,
    tx: &mut Tx,
    row: CampaignRow,
    at_us: i64,
) -> Result<Current, CurrentError> {
    let life = row.life();
    let versions = campaigns::versions(tx, row.id).await?;
    let version = rules_at(&versions, life.moment_of_rules(at_us));
    let version = version.ok_or(CurrentError::NoRules { campaign: row.id })?;
    Ok(Current {
        id: row.id,
        slug: row.slug,
        life,
        state: life.state(at_us),
        version: version.number,
        rules: rules_of(known, tx, row.id, version).await?,
    })
}

async fn rules_of(
    known: &RulesCache,
    tx: &mut Tx,
    campaign: CampaignId,
    version: &Version,
) -> Result<Arc<Rules>, CurrentError> {
    if let Some(rules) = known.get(&version.hash) {
        return Ok(rules);
    }
    let row = campaigns::rules(tx, campaign, version.number).await?;
    let unreadable = |source| CurrentError::Unreadable {
        campaign,
        version: version.number,
        source,
    };
    known.read(&row.hash, &row.document).map_err(unreadable)
}
