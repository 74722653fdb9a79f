//! Campaigns, and the versions of their rules.

use pictor_protocol::{CampaignId, UserId};
use sqlx::FromRow;

use super::{Result, Tx};
use crate::campaign::life::Life;
use crate::campaign::versions::Version;

#[derive(Debug, Clone, FromRow)]
pub struct CampaignRow {
    #[sqlx(try_from = "String")]
    pub id: CampaignId,
    pub slug: String,
    pub opens_us: i64,
    pub starts_us: i64,
    pub closes_us: i64,
    pub closed_us: Option<i64>,
}

impl CampaignRow {
    pub fn life(&self) -> Life {
        Life {
            opens_us: self.opens_us,
            starts_us: self.starts_us,
            closes_us: self.closes_us,
            closed_us: self.closed_us,
        }
    }
}

#[derive(Debug, FromRow)]
struct VersionRow {
    version: i64,
    effective_us: i64,
    hash: String,
}

/// A version with its text.
#[derive(Debug, Clone, FromRow)]
pub struct RulesRow {
    pub version: i64,
    pub effective_us: i64,
    pub made_us: i64,
    pub hash: String,
    pub document: String,
}

/// Who made something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    pub by: UserId,
    pub at_us: i64,
}

/// Stores a campaign; false if its slug is taken.
pub async fn insert(
    tx: &mut Tx,
    id: CampaignId,
    slug: &str,
    life: Life,
    made: Made,
) -> Result<bool> {
    let inserted = execute!(
        tx,
        "INSERT INTO campaigns (id, slug, opens_us, starts_us, closes_us, closed_us, made_by, made_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slug) DO NOTHING",
        id.to_string(),
        slug,
        life.opens_us,
        life.starts_us,
        life.closes_us,
        life.closed_us,
        made.by.to_string(),
        made.at_us
    )?;
    Ok(inserted > 0)
}

/// Gives a campaign other dates, or closes it.
pub async fn set_life(tx: &mut Tx, id: CampaignId, life: Life) -> Result<()> {
    execute!(
        tx,
        "UPDATE campaigns SET opens_us = $2, starts_us = $3, closes_us = $4, closed_us = $5 \
         WHERE id = $1",
        id.to_string(),
        life.opens_us,
        life.starts_us,
        life.closes_us,
        life.closed_us
    )?;
    Ok(())
}

pub async fn find(tx: &mut Tx, id: CampaignId) -> Result<Option<CampaignRow>> {
    fetch_optional!(
        tx,
        CampaignRow,
        "SELECT id, slug, opens_us, starts_us, closes_us, closed_us FROM campaigns WHERE id = $1",
        id.to_string()
    )
}

/// All, the latest to open first.
pub async fn all(tx: &mut Tx) -> Result<Vec<CampaignRow>> {
    fetch_all!(
        tx,
        CampaignRow,
        "SELECT id, slug, opens_us, starts_us, closes_us, closed_us FROM campaigns \
         ORDER BY opens_us DESC, id DESC"
    )
}

/// The last one that opened until a moment. One that was closed before it opened never does.
pub async fn current(tx: &mut Tx, at_us: i64) -> Result<Option<CampaignRow>> {
    fetch_optional!(
        tx,
        CampaignRow,
        "SELECT id, slug, opens_us, starts_us, closes_us, closed_us FROM campaigns \
         WHERE opens_us <= $1 AND (closed_us IS NULL OR closed_us > opens_us) \
         ORDER BY opens_us DESC LIMIT 1",
        at_us
    )
}

/// The first one that opens after a moment.
pub async fn next(tx: &mut Tx, at_us: i64) -> Result<Option<CampaignRow>> {
    fetch_optional!(
        tx,
        CampaignRow,
        "SELECT id, slug, opens_us, starts_us, closes_us, closed_us FROM campaigns \
         WHERE opens_us > $1 AND (closed_us IS NULL OR closed_us > opens_us) \
         ORDER BY opens_us LIMIT 1",
        at_us
    )
}

/// Adds a version to a campaign's rules.
pub async fn add_rules(
    tx: &mut Tx,
    campaign: CampaignId,
    version: &Version,
    document: &str,
    made: Made,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO rules_versions \
         (campaign_id, version, effective_us, document, hash, made_by, made_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        campaign.to_string(),
        version.number,
        version.effective_us,
        document,
        &version.hash,
        made.by.to_string(),
        made.at_us
    )?;
    Ok(())
}

/// The versions of a campaign's rules without their texts, the first one first.
pub async fn versions(tx: &mut Tx, campaign: CampaignId) -> Result<Vec<Version>> {
    let rows = fetch_all!(
        tx,
        VersionRow,
        "SELECT version, effective_us, hash FROM rules_versions \
         WHERE campaign_id = $1 ORDER BY version",
        campaign.to_string()
    )?;
    let version = |row: VersionRow| Version {
        number: row.version,
        effective_us: row.effective_us,
        hash: row.hash,
    };
    Ok(rows.into_iter().map(version).collect())
}

/// A version of a campaign's rules.
pub async fn rules(tx: &mut Tx, campaign: CampaignId, version: i64) -> Result<RulesRow> {
    fetch_one!(
        tx,
        RulesRow,
        "SELECT version, effective_us, made_us, hash, document FROM rules_versions \
         WHERE campaign_id = $1 AND version = $2",
        campaign.to_string(),
        version
    )
}

/// Every version with its text, the first one first.
pub async fn history(tx: &mut Tx, campaign: CampaignId) -> Result<Vec<RulesRow>> {
    fetch_all!(
        tx,
        RulesRow,
        "SELECT version, effective_us, made_us, hash, document FROM rules_versions \
         WHERE campaign_id = $1 ORDER BY version",
        campaign.to_string()
    )
}
