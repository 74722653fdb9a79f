//! Campaigns and their rules as people see them.

use pictor_protocol::CampaignId;
use pictor_protocol::campaign::{
    Campaign, CampaignList, CampaignNow, CreditsTable, PointsTable, PrizeBand, PrizeTable,
    Quest as WireQuest, RulesHistory, RulesVersion,
};
use pictor_protocol::network::{CampaignSummary, PublicCampaigns};

use super::current::{Current, CurrentError, judged_by};
use super::life::State;
use super::rules::{CURRENCY, Credits, PAID_IN, Points, Prizes, Quest};
use crate::app::App;
use crate::store::campaigns::{self, RulesRow};
use crate::store::{StoreError, Tx, snapshots};

/// The campaign whose rules hold now, and the one that opens next.
pub async fn now(app: &App, tx: &mut Tx, now_us: i64) -> Result<CampaignNow, CurrentError> {
    let current = super::current(&app.rules, tx, now_us).await?;
    let next = match campaigns::next(tx, now_us).await? {
        Some(row) => Some(judged_by(&app.rules, tx, row, now_us).await?),
        None => None,
    };
    Ok(CampaignNow {
        current: current.as_ref().map(campaign),
        next: next.as_ref().map(campaign),
    })
}

/// Every campaign there is.
pub async fn all(app: &App, tx: &mut Tx, now_us: i64) -> Result<CampaignList, CurrentError> {
    let mut found = Vec::new();
    for row in campaigns::all(tx).await? {
        found.push(campaign(&judged_by(&app.rules, tx, row, now_us).await?));
    }
    Ok(CampaignList { campaigns: found })
}

/// Those that have opened and the one that opens next, the latest to open first: what is planned after that is
/// the operators' business.
pub async fn public(app: &App, tx: &mut Tx, now_us: i64) -> Result<PublicCampaigns, CurrentError> {
    let next = campaigns::next(tx, now_us).await?.map(|row| row.id);
    let mut found = Vec::new();
    for row in campaigns::all(tx).await? {
        let is_known = row.opens_us <= now_us || Some(row.id) == next;
        if is_known && !row.life().is_called_off() {
            let judged = judged_by(&app.rules, tx, row, now_us).await?;
            found.push(summary(tx, &judged).await?);
        }
    }
    Ok(PublicCampaigns { campaigns: found })
}

/// The last one that opened.
pub async fn current_summary(
    app: &App,
    tx: &mut Tx,
    now_us: i64,
) -> Result<Option<CampaignSummary>, CurrentError> {
    match super::current(&app.rules, tx, now_us).await? {
        Some(current) => Ok(Some(summary(tx, &current).await?)),
        None => Ok(None),
    }
}

async fn summary(tx: &mut Tx, of: &Current) -> Result<CampaignSummary, StoreError> {
    Ok(CampaignSummary {
        id: of.id,
        slug: of.slug.clone(),
        name: of.rules.campaign.name.clone(),
        state: of.state.into(),
        opens_ms: of.life.opens_us / 1_000,
        starts_ms: of.life.starts_us / 1_000,
        ends_ms: of.life.ends_us() / 1_000,
        has_snapshot: snapshots::find(tx, of.id).await?.is_some(),
    })
}

/// Every version of a campaign's rules: of the one asked for, or of the current one, or of the next. `None`
/// if there is none.
pub async fn history(
    tx: &mut Tx,
    asked: Option<CampaignId>,
    now_us: i64,
) -> Result<Option<RulesHistory>, StoreError> {
    let found = match asked {
        Some(id) => campaigns::find(tx, id).await?,
        None => match campaigns::current(tx, now_us).await? {
            Some(current) => Some(current),
            None => campaigns::next(tx, now_us).await?,
        },
    };
    let Some(found) = found else {
        return Ok(None);
    };
    let rows = campaigns::history(tx, found.id).await?;
    Ok(Some(RulesHistory {
        campaign: found.id,
        versions: rows.into_iter().map(version).collect(),
    }))
}

pub fn version(row: RulesRow) -> RulesVersion {
    RulesVersion {
        version: row.version as u32,
        effective_ms: row.effective_us / 1_000,
        made_ms: row.made_us / 1_000,
        hash: row.hash,
        document: row.document,
    }
}

pub fn campaign(of: &Current) -> Campaign {
    let (life, rules) = (of.life, &of.rules);
    let is_closed = of.state == State::Closed;
    Campaign {
        id: of.id,
        slug: of.slug.clone(),
        name: rules.campaign.name.clone(),
        state: of.state.into(),
        opens_ms: life.opens_us / 1_000,
        starts_ms: life.starts_us / 1_000,
        closes_ms: life.closes_us / 1_000,
        closed_early_ms: life.closed_us.map(|us| us / 1_000),
        thank_you: is_closed.then(|| rules.campaign.thank_you.clone()),
        terms: rules.campaign.terms.clone(),
        rules_version: of.version as u32,
        points: points(&rules.points),
        credits: credits(&rules.credits),
        quests: rules.quests.iter().map(quest).collect(),
        prizes: (!rules.prizes.is_empty()).then(|| prizes(&rules.prizes)),
    }
}

fn points(of: &Points) -> PointsTable {
    PointsTable {
        render_per_reference_minute_micros: of.render_per_reference_minute,
        online_per_hour_micros: of.online_per_hour,
        online_score_cap_micros: of.online_score_cap,
        job_per_credit_micros: of.job_per_credit,
        job_least_micros: of.job_least,
        check_in_micros: of.check_in.to_vec(),
        referral_percent: of.referral_percent,
        referral_cap_per_week_micros: of.referral_cap_per_week,
        hold_hours: of.hold_hours,
    }
}

fn credits(of: &Credits) -> CreditsTable {
    CreditsTable {
        sign_up_micros: of.sign_up,
        quest_micros: of.quest,
        streak_week_micros: of.streak_week,
        per_reference_minute_micros: of.per_reference_minute,
    }
}

pub fn quest(of: &Quest) -> WireQuest {
    WireQuest {
        id: of.id.clone(),
        title: of.title.clone(),
        url: of.url.clone(),
        kind: of.kind.into(),
        points_micros: of.points,
        opens_ms: of.opens_us.map(|us| us / 1_000),
        closes_ms: of.closes_us.map(|us| us / 1_000),
        active: of.active,
    }
}

fn prizes(of: &Prizes) -> PrizeTable {
    let band = |band: &super::rules::Band| PrizeBand {
        from: band.from,
        to: band.to,
        each_cents: band.each,
    };
    PrizeTable {
        pool_cents: of.pool(),
        currency: CURRENCY.into(),
        paid_in: PAID_IN.into(),
        remainder_cents: of.remainder(),
        bands: of.bands().iter().map(band).collect(),
    }
}
