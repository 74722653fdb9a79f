//! Campaigns: their dates, and the editor of their rules.
//!
//! The editor has two buttons. *Check* tries the document and shows every fault, or what would be different;
//! *publish* makes it a version. What was typed comes back in any case.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, NaiveDateTime};
use pictor_protocol::CampaignId;
use pictor_protocol::campaign::{
    Campaign, CampaignDates, CampaignState, NewCampaign, NewRules, RulesVersion,
};
use pictor_protocol::problem::Problem;
use pictor_protocol::settings::Fault;
use serde::Deserialize;

use super::console;
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::compare::{self, Difference};
use crate::campaign::rules::DEFAULT;
use crate::campaign::{change, snapshot, view};
use crate::http::auth::Operator;
use crate::http::extract::{Form, Path};
use crate::http::pages::layout::{Page, Section, Viewer, again, done, html};
use crate::http::pages::{draw, show};
use crate::http::problem::{Refused, Result};
use crate::store;
use crate::store::snapshots::SnapshotRow;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/operator/campaigns", get(list))
        .route("/operator/campaigns/new", get(begin).post(create))
        .route("/operator/campaigns/{id}", get(show_campaign))
        .route("/operator/campaigns/{id}/rules", post(change_rules))
        .route("/operator/campaigns/{id}/dates", post(move_dates))
        .route("/operator/campaigns/{id}/close", post(close))
        .route("/operator/campaigns/{id}/snapshot", post(take_snapshot))
}

#[derive(Template)]
#[template(path = "operator/campaigns.html")]
struct Campaigns {
    page: Page,
    campaigns: Vec<Campaign>,
}

async fn list(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let page = viewer.page(&app, Section::Operator, "Campaigns").await?;
    let mut tx = app.store.read().await?;
    let campaigns = view::all(&app, &mut tx, app.now_us()).await?.campaigns;
    html(&Campaigns { page, campaigns })
}

/// What came of a document that was tried.
#[derive(Default)]
struct Tried {
    problem: Option<Problem>,
    /// What would be different; nothing if it was not checked.
    differences: Option<Vec<Difference>>,
}

#[derive(Template)]
#[template(path = "operator/campaign-new.html")]
struct NewPage {
    page: Page,
    form: NewForm,
    tried: Tried,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NewForm {
    slug: String,
    opens: String,
    starts: String,
    closes: String,
    document: String,
    /// `check` or `publish`: the button.
    act: String,
}

async fn begin(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let form = NewForm {
        document: DEFAULT.into(),
        ..NewForm::default()
    };
    html(&NewPage {
        page: viewer.page(&app, Section::Operator, "New campaign").await?,
        form,
        tried: Tried::default(),
    })
}

async fn create(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    viewer: Viewer,
    Form(form): Form<NewForm>,
) -> Result<Response> {
    let is_check = form.act != "publish";
    let made = async {
        let required = moment("closes", &form.closes)?;
        let new = NewCampaign {
            slug: form.slug.trim().into(),
            opens_ms: moment("opens", &form.opens)?,
            starts_ms: moment("starts", &form.starts)?,
            closes_ms: required.ok_or_else(|| fault("closes", "say when it ends"))?,
            document: document(&form.document),
            dry_run: is_check,
        };
        Ok::<_, Refused>(change::create(&app, by, &new).await?)
    };
    let tried = match made.await {
        Ok(campaign) if !is_check => {
            let to = format!("/operator/campaigns/{}", campaign.id);
            return Ok(done(&to, "The campaign is made."));
        }
        Ok(_) => Tried {
            problem: None,
            differences: Some(compare::with_nothing(&form.document)),
        },
        Err(refused) => Tried {
            problem: Some(console::refusal(refused)?),
            differences: None,
        },
    };
    let page = NewPage {
        page: viewer.page(&app, Section::Operator, "New campaign").await?,
        form,
        tried,
    };
    Ok(shown(&page.tried, html(&page)?))
}

#[derive(Template)]
#[template(path = "operator/campaign.html")]
struct CampaignPage {
    page: Page,
    campaign: Campaign,
    /// The first one first.
    versions: Vec<RulesVersion>,
    snapshot: Option<SnapshotRow>,
    form: RulesForm,
    dates: DatesForm,
    tried: Tried,
    dates_problem: Option<Problem>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RulesForm {
    document: String,
    effective: String,
    act: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DatesForm {
    opens: String,
    starts: String,
    closes: String,
}

async fn show_campaign(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<CampaignId>,
) -> Result<Response> {
    viewer.with(Right::Operate)?;
    html(&campaign_page(&app, &viewer, id).await?)
}

async fn campaign_page(app: &App, viewer: &Viewer, id: CampaignId) -> Result<CampaignPage> {
    let now_us = app.now_us();
    let mut tx = app.store.read().await?;
    let campaigns = view::all(app, &mut tx, now_us).await?.campaigns;
    let campaign = campaigns.into_iter().find(|campaign| campaign.id == id);
    let campaign = campaign.ok_or_else(|| Refused::not_found("campaign"))?;
    let history = view::history(&mut tx, Some(id), now_us).await?;
    let versions = history.map(|of| of.versions).unwrap_or_default();
    let snapshot = store::snapshots::find(&mut tx, id).await?;
    drop(tx);
    let latest = versions.last().map(|version| version.document.clone());
    Ok(CampaignPage {
        page: viewer
            .page(app, Section::Operator, campaign.name.as_str())
            .await?,
        form: RulesForm {
            document: latest.unwrap_or_default(),
            ..RulesForm::default()
        },
        dates: DatesForm {
            opens: field(campaign.opens_ms),
            starts: field(campaign.starts_ms),
            closes: field(campaign.closes_ms),
        },
        campaign,
        versions,
        snapshot,
        tried: Tried::default(),
        dates_problem: None,
    })
}

async fn change_rules(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    viewer: Viewer,
    Path(id): Path<CampaignId>,
    Form(form): Form<RulesForm>,
) -> Result<Response> {
    let is_check = form.act != "publish";
    let changed = async {
        let new = NewRules {
            document: document(&form.document),
            effective_ms: moment("effective", &form.effective)?,
            dry_run: is_check,
        };
        Ok::<_, Refused>(change::change_rules(&app, by, id, &new).await?)
    };
    let changed = changed.await;
    let mut page = campaign_page(&app, &viewer, id).await?;
    page.tried = match changed {
        Ok(version) if !is_check => {
            let said = format!("Version {} of the rules is published.", version.version);
            return Ok(done(&format!("/operator/campaigns/{id}"), said));
        }
        Ok(_) => Tried {
            problem: None,
            differences: Some(compare::documents(&page.form.document, &form.document)),
        },
        Err(refused) => Tried {
            problem: Some(console::refusal(refused)?),
            differences: None,
        },
    };
    page.form = form;
    Ok(shown(&page.tried, html(&page)?))
}

async fn move_dates(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    viewer: Viewer,
    Path(id): Path<CampaignId>,
    Form(form): Form<DatesForm>,
) -> Result<Response> {
    let moved = async {
        let at =
            |name: &str, text: &str| moment(name, text)?.ok_or_else(|| fault(name, "say when"));
        let dates = CampaignDates {
            opens_ms: at("opens", &form.opens)?,
            starts_ms: at("starts", &form.starts)?,
            closes_ms: at("closes", &form.closes)?,
        };
        Ok::<_, Refused>(change::move_dates(&app, by, id, dates).await?)
    };
    match moved.await {
        Ok(_) => Ok(done(
            &format!("/operator/campaigns/{id}"),
            "The dates are moved.",
        )),
        Err(refused) => {
            let mut page = campaign_page(&app, &viewer, id).await?;
            page.dates = form;
            page.dates_problem = Some(console::refusal(refused)?);
            Ok(again(html(&page)?))
        }
    }
}

async fn close(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<CampaignId>,
) -> Result<Response> {
    change::close(&app, by, id).await?;
    Ok(done(
        &format!("/operator/campaigns/{id}"),
        "The campaign is closed.",
    ))
}

async fn take_snapshot(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<CampaignId>,
) -> Result<Response> {
    snapshot::take(&app, id, Some(by)).await?;
    Ok(done(
        &format!("/operator/campaigns/{id}"),
        "The final snapshot is taken and signed.",
    ))
}

/// A document that was refused, or one that was only tried.
fn shown(tried: &Tried, page: Response) -> Response {
    match tried.problem {
        Some(_) => again(page),
        None => page,
    }
}

fn fault(field: &str, message: &str) -> Refused {
    Refused::invalid(vec![Fault {
        field: field.into(),
        message: message.into(),
    }])
}

/// Browsers end the lines of a form with carriage returns; a document's hash is of what was meant.
fn document(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// What a browser's field for date and time holds, in UTC; nothing if it is empty.
fn moment(name: &str, text: &str) -> Result<Option<i64>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let at =
        parsed.ok_or_else(|| fault(name, "this is no date and time such as 2026-11-22T18:00"))?;
    Ok(Some(at.and_utc().timestamp_millis()))
}

/// A moment as such a field holds it. With its seconds, so that a date that stays is the same.
fn field(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_was_shown() {
        let shown = field(1_700_000_000_000);
        assert_eq!(shown, "2023-11-14T22:13:20");
        assert_eq!(moment("x", &shown).unwrap(), Some(1_700_000_000_000));
        assert_eq!(
            moment("x", "2023-11-14T22:13").unwrap(),
            Some(1_699_999_980_000)
        );
        assert_eq!(moment("x", " ").unwrap(), None);
        assert!(moment("x", "tomorrow").is_err());
    }
}
