//! What operators do: make a campaign, change its rules and its dates, close it.
//!
//! Each reads the clock when its transaction has begun. Writers wait for each other, so whatever was judged
//! before was judged at an earlier moment, and a change that takes effect from now on changes nothing of it.

use pictor_protocol::campaign::{Campaign, CampaignDates, NewCampaign, NewRules, RulesVersion};
use pictor_protocol::settings::Fault;
use pictor_protocol::{CampaignId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::current::{CurrentError, judged_by};
use super::is_slug;
use super::life::{BadDates, Life, State};
use super::rules::{BadRules, Rules};
use super::versions::{self, TooEarly, Version};
use super::view;
use crate::app::App;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::store::campaigns::{self, CampaignRow, Made, RulesRow};
use crate::store::{StoreError, Tx};

/// The last moment of the year 9999: later ones have no date.
const MS_MAX: i64 = 253_402_300_799_999;

#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    #[error("there is no such campaign")]
    NotFound,
    #[error("the request cannot be carried out")]
    Invalid(Vec<Fault>),
    #[error("what has happened already stays as it is")]
    InThePast(Vec<Fault>),
    #[error(transparent)]
    TooEarly(#[from] TooEarly),
    #[error("the campaign is over, or would be by then")]
    Over,
    #[error("there is another campaign named {0:?}")]
    SlugTaken(String),
    #[error("campaign {0:?} is open or running in that time, and there is one at a time")]
    Overlaps(String),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BadRules> for CampaignError {
    fn from(BadRules(faults): BadRules) -> Self {
        Self::Invalid(faults)
    }
}

impl From<BadDates> for CampaignError {
    fn from(bad: BadDates) -> Self {
        match bad {
            BadDates::Over => Self::Over,
            BadDates::InThePast(faults) => Self::InThePast(faults),
            BadDates::Disordered(faults) => Self::Invalid(faults),
        }
    }
}

/// Makes a campaign with its first rules, which are public from now on.
pub async fn create(app: &App, by: UserId, new: &NewCampaign) -> Result<Campaign, CampaignError> {
    let faults = faults_of(new);
    if !faults.is_empty() {
        return Err(CampaignError::Invalid(faults));
    }
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let made = Made { by, at_us: now_us };
    let opens_us = new.opens_ms.map_or(now_us, us);
    let starts_us = new.starts_ms.map_or(opens_us, us);
    let life = Life::new(opens_us, starts_us, us(new.closes_ms), now_us)?;
    let id = CampaignId::new(Uuid::now_v7());
    alone(&mut tx, id, life).await?;
    if !campaigns::insert(&mut tx, id, &new.slug, life, made).await? {
        return Err(CampaignError::SlugTaken(new.slug.clone()));
    }
    let first = Version {
        number: 1,
        effective_us: now_us,
        hash: hash(&new.document),
    };
    campaigns::add_rules(&mut tx, id, &first, &new.document, made).await?;
    let row = found(&mut tx, id).await?;
    let about = json!({ "slug": new.slug, "rules_hash": first.hash });
    note(&mut tx, made, id, Act::CampaignMade, about).await?;
    finish(app, tx, row, now_us, new.dry_run).await
}

/// Everything that is wrong with a new campaign, whatever else there is.
fn faults_of(new: &NewCampaign) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !is_slug(&new.slug) {
        faults.push(Fault {
            field: "slug".into(),
            message: "expected 1 to 40 small letters, digits and hyphens between them".into(),
        });
    }
    let dates = [
        ("opens_ms", new.opens_ms),
        ("starts_ms", new.starts_ms),
        ("closes_ms", Some(new.closes_ms)),
    ];
    faults.extend(
        dates
            .into_iter()
            .filter_map(|(name, ms)| no_date(name, ms?)),
    );
    if let Err(BadRules(of_rules)) = Rules::read(&new.document) {
        faults.extend(of_rules);
    }
    faults
}

/// Adds a version to the rules of a campaign. The document of the latest version once more is that version.
pub async fn change_rules(
    app: &App,
    by: UserId,
    id: CampaignId,
    new: &NewRules,
) -> Result<RulesVersion, CampaignError> {
    Rules::read(&new.document)?;
    if let Some(fault) = new.effective_ms.and_then(|ms| no_date("effective_ms", ms)) {
        return Err(CampaignError::Invalid(vec![fault]));
    }
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let made = Made { by, at_us: now_us };
    let life = found(&mut tx, id).await?.life();
    if life.state(now_us) == State::Closed {
        return Err(CampaignError::Over);
    }
    let hash = hash(&new.document);
    let history = campaigns::versions(&mut tx, id).await?;
    let latest = versions::latest(&history);
    if let Some(same) = latest.filter(|latest| latest.hash == hash) {
        return version(&mut tx, id, same.number).await;
    }
    let effective_us = versions::effect_of(&history, new.effective_ms.map(us), now_us)?;
    if life.ends_us() <= effective_us {
        return Err(CampaignError::Over);
    }
    let next = Version {
        number: 1 + latest.map_or(0, |latest| latest.number),
        effective_us,
        hash,
    };
    campaigns::add_rules(&mut tx, id, &next, &new.document, made).await?;
    let about = json!({ "version": next.number, "hash": next.hash, "effective_us": effective_us });
    note(&mut tx, made, id, Act::RulesChanged, about).await?;
    let added = version(&mut tx, id, next.number).await?;
    if !new.dry_run {
        tx.commit().await?;
    }
    Ok(added)
}

/// Gives a campaign other dates, as far as they have not come yet.
pub async fn move_dates(
    app: &App,
    by: UserId,
    id: CampaignId,
    dates: CampaignDates,
) -> Result<Campaign, CampaignError> {
    let asked = [
        ("opens_ms", dates.opens_ms),
        ("starts_ms", dates.starts_ms),
        ("closes_ms", dates.closes_ms),
    ];
    let faults = asked.into_iter().filter_map(|(name, ms)| no_date(name, ms));
    let faults: Vec<_> = faults.collect();
    if !faults.is_empty() {
        return Err(CampaignError::Invalid(faults));
    }
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let row = found(&mut tx, id).await?;
    let life = row.life();
    let moved = life.moved(
        kept_or(life.opens_us, dates.opens_ms),
        kept_or(life.starts_us, dates.starts_ms),
        kept_or(life.closes_us, dates.closes_ms),
        now_us,
    )?;
    alone(&mut tx, id, moved).await?;
    campaigns::set_life(&mut tx, id, moved).await?;
    let about = json!({
        "opens_us": [life.opens_us, moved.opens_us],
        "starts_us": [life.starts_us, moved.starts_us],
        "closes_us": [life.closes_us, moved.closes_us],
    });
    let made = Made { by, at_us: now_us };
    note(&mut tx, made, id, Act::DatesMoved, about).await?;
    let row = found(&mut tx, id).await?;
    finish(app, tx, row, now_us, false).await
}

/// Ends a campaign now, before its date. One that was closed so stays as it is.
pub async fn close(app: &App, by: UserId, id: CampaignId) -> Result<Campaign, CampaignError> {
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let life = found(&mut tx, id).await?.life();
    let closed = life.closed(now_us).ok_or(CampaignError::Over)?;
    campaigns::set_life(&mut tx, id, closed).await?;
    if closed != life {
        let made = Made { by, at_us: now_us };
        note(&mut tx, made, id, Act::CampaignClosed, json!({})).await?;
    }
    let row = found(&mut tx, id).await?;
    finish(app, tx, row, now_us, false).await
}

async fn finish(
    app: &App,
    mut tx: Tx,
    row: CampaignRow,
    now_us: i64,
    dry_run: bool,
) -> Result<Campaign, CampaignError> {
    let changed = judged_by(&app.rules, &mut tx, row, now_us).await?;
    if !dry_run {
        tx.commit().await?;
    }
    Ok(view::campaign(&changed))
}

/// Writes down what an operator did.
async fn note(
    tx: &mut Tx,
    made: Made,
    campaign: CampaignId,
    act: Act,
    about: Value,
) -> Result<(), StoreError> {
    let record = Record {
        by: By::Operator(made.by),
        act,
        subject: Subject::Campaign(campaign),
        reason: "",
        evidence: about,
    };
    audit_log::write(tx, &record, made.at_us).await
}

async fn found(tx: &mut Tx, id: CampaignId) -> Result<CampaignRow, CampaignError> {
    let row = campaigns::find(tx, id).await?;
    row.ok_or(CampaignError::NotFound)
}

async fn version(
    tx: &mut Tx,
    campaign: CampaignId,
    number: i64,
) -> Result<RulesVersion, CampaignError> {
    let row: RulesRow = campaigns::rules(tx, campaign, number).await?;
    Ok(view::version(row))
}

/// Refuses a life that would share a moment with another campaign's.
async fn alone(tx: &mut Tx, id: CampaignId, life: Life) -> Result<(), CampaignError> {
    let others = campaigns::all(tx).await?;
    let in_the_way = others
        .into_iter()
        .find(|other| other.id != id && other.life().overlaps(&life));
    match in_the_way {
        Some(other) => Err(CampaignError::Overlaps(other.slug)),
        None => Ok(()),
    }
}

fn hash(document: &str) -> String {
    blake3::hash(document.as_bytes()).to_hex().to_string()
}

fn no_date(name: &str, ms: i64) -> Option<Fault> {
    (!(0..=MS_MAX).contains(&ms)).then(|| Fault {
        field: name.into(),
        message: format!("{ms} is no Unix time in milliseconds between 1970 and 9999"),
    })
}

fn us(ms: i64) -> i64 {
    ms * 1_000
}

/// What is shown in milliseconds and comes back unchanged is not moved by what the milliseconds leave out.
fn kept_or(old_us: i64, asked_ms: i64) -> i64 {
    if old_us / 1_000 == asked_ms {
        old_us
    } else {
        us(asked_ms)
    }
}
