//! Accepting a campaign's rules: the step before the first choice of a role.
//!
//! Nobody is asked where there is no campaign, or none any more. Operators make the rules and are not asked; nor is
//! whoever was given a role by the coordinator's own commands. A version that was accepted stays accepted:
//! changes are announced, and never reach back.

use pictor_protocol::UserId;
use pictor_protocol::people::{AcceptedRules, Role};

use super::roles::{self, RoleError};
use crate::app::App;
use crate::campaign::{Current, State, current};
use crate::store::acceptances::{self, AcceptanceRow};
use crate::store::{StoreError, Tx, campaigns, people};

/// What somebody chooses, and which version of the rules they accept with it.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    pub roles: &'a [Role],
    pub accept_rules: Option<i64>,
}

/// What has to be accepted before a first choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the campaign's rules have to be accepted first, in version {version}: read them at /api/v1/campaign/rules"
)]
pub struct AcceptFirst {
    pub version: i64,
}

/// Gives a person these roles instead of those before, and notes that they accepted the rules.
pub async fn choose(app: &App, user: UserId, choice: Choice<'_>) -> Result<Vec<Role>, RoleError> {
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    if let Some(campaign) = asked_for(app, &mut tx, user, now_us).await? {
        let is_first = accepted_of(&mut tx, user, &campaign).await?.is_none();
        let asked = is_first && !choice.roles.is_empty();
        match choice.accept_rules {
            Some(version) if version == campaign.version => {
                accept(&mut tx, user, &campaign, now_us).await?;
            }
            Some(_) | None if asked => {
                let version = campaign.version;
                return Err(AcceptFirst { version }.into());
            }
            Some(_) | None => {}
        }
    }
    let now = roles::set(&mut tx, user, choice.roles, now_us).await?;
    tx.commit().await?;
    Ok(now)
}

/// The version of the rules that somebody has to accept with a first choice.
pub async fn to_accept(app: &App, user: UserId) -> Result<Option<i64>, RoleError> {
    let mut tx = app.store.read().await?;
    let campaign = asked_for(app, &mut tx, user, app.now_us()).await?;
    let Some(campaign) = campaign else {
        return Ok(None);
    };
    let accepted = accepted_of(&mut tx, user, &campaign).await?;
    Ok(accepted.is_none().then_some(campaign.version))
}

/// What somebody accepted last.
pub async fn last(tx: &mut Tx, user: UserId) -> Result<Option<AcceptedRules>, StoreError> {
    let rows = acceptances::of_user(tx, user).await?;
    Ok(rows.into_iter().next().map(view))
}

pub fn view(row: AcceptanceRow) -> AcceptedRules {
    AcceptedRules {
        campaign: row.campaign_id,
        version: row.version,
        hash: row.hash,
        at_ms: row.at_us / 1_000,
    }
}

/// The campaign whose rules are to be accepted by that person.
async fn asked_for(
    app: &App,
    tx: &mut Tx,
    user: UserId,
    now_us: i64,
) -> Result<Option<Current>, RoleError> {
    let person = people::user(tx, user).await?;
    if person.is_none_or(|person| person.operator != 0) {
        return Ok(None);
    }
    let campaign = current(&app.rules, tx, now_us).await?;
    Ok(campaign.filter(|campaign| campaign.state != State::Closed))
}

async fn accepted_of(
    tx: &mut Tx,
    user: UserId,
    campaign: &Current,
) -> Result<Option<AcceptanceRow>, StoreError> {
    let rows = acceptances::of_user(tx, user).await?;
    Ok(rows.into_iter().find(|row| row.campaign_id == campaign.id))
}

async fn accept(
    tx: &mut Tx,
    user: UserId,
    campaign: &Current,
    now_us: i64,
) -> Result<(), StoreError> {
    let rules = campaigns::rules(tx, campaign.id, campaign.version).await?;
    let accepted = AcceptanceRow {
        campaign_id: campaign.id,
        version: campaign.version,
        hash: rules.hash,
        at_us: now_us,
    };
    acceptances::add(tx, user, &accepted).await
}
