//! Campaigns and their rules: everybody reads them, operators make them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::CampaignId;
use pictor_protocol::campaign::{
    Campaign, CampaignDates, CampaignList, CampaignNow, NewCampaign, NewRules, RulesHistory,
    RulesVersion,
};
use pictor_protocol::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::campaign::{change, view};
use crate::http::auth::Operator;
use crate::http::extract::{self, Path, Query};
use crate::http::problem::{Refused, Result};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(now))
        .routes(routes!(rules))
        .routes(routes!(create, list))
        .routes(routes!(change_rules))
        .routes(routes!(move_dates))
        .routes(routes!(close))
}

/// The campaign whose rules hold now, with its prizes and what earns points, and the one that opens next
#[utoipa::path(get, path = "/api/v1/campaign", tag = "campaign", security(()),
    responses((status = 200, body = CampaignNow)))]
async fn now(State(app): State<Arc<App>>) -> Result<Json<CampaignNow>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::now(&app, &mut tx, app.now_us()).await?))
}

#[derive(Debug, Deserialize)]
struct Asked {
    campaign: Option<CampaignId>,
}

/// Every version of a campaign's rules: of the current one, or of the next if none has opened yet
#[utoipa::path(get, path = "/api/v1/campaign/rules", tag = "campaign", security(()),
    params(("campaign" = Option<String>, Query, description = "id of another campaign")),
    responses((status = 200, body = RulesHistory), (status = "4XX", body = Problem)))]
async fn rules(
    State(app): State<Arc<App>>,
    Query(asked): Query<Asked>,
) -> Result<Json<RulesHistory>> {
    let mut tx = app.store.read().await?;
    let history = view::history(&mut tx, asked.campaign, app.now_us()).await?;
    let history = history.ok_or_else(|| Refused::not_found("campaign"))?;
    Ok(Json(history))
}

/// Make a campaign with its first rules; 200 when it was only tried
#[utoipa::path(post, path = "/api/v1/operator/campaigns", tag = "campaign", request_body = NewCampaign,
    responses((status = 201, body = Campaign), (status = 200, body = Campaign),
        (status = "4XX", body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    extract::Json(new): extract::Json<NewCampaign>,
) -> Result<(StatusCode, Json<Campaign>)> {
    let campaign = change::create(&app, by, &new).await?;
    Ok((made_unless(new.dry_run), Json(campaign)))
}

/// Every campaign there is
#[utoipa::path(get, path = "/api/v1/operator/campaigns", tag = "campaign",
    responses((status = 200, body = CampaignList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<Arc<App>>, _operator: Operator) -> Result<Json<CampaignList>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::all(&app, &mut tx, app.now_us()).await?))
}

/// Add a version to a campaign's rules, with effect from now on or later; 200 when it was only tried
#[utoipa::path(post, path = "/api/v1/operator/campaigns/{id}/rules", tag = "campaign",
    params(("id" = String, Path)), request_body = NewRules,
    responses((status = 201, body = RulesVersion), (status = 200, body = RulesVersion),
        (status = "4XX", body = Problem)))]
async fn change_rules(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<CampaignId>,
    extract::Json(new): extract::Json<NewRules>,
) -> Result<(StatusCode, Json<RulesVersion>)> {
    let version = change::change_rules(&app, by, id, &new).await?;
    Ok((made_unless(new.dry_run), Json(version)))
}

/// Move a campaign's dates, as far as they have not come yet
#[utoipa::path(put, path = "/api/v1/operator/campaigns/{id}/dates", tag = "campaign",
    params(("id" = String, Path)), request_body = CampaignDates,
    responses((status = 200, body = Campaign), (status = "4XX", body = Problem)))]
async fn move_dates(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<CampaignId>,
    extract::Json(dates): extract::Json<CampaignDates>,
) -> Result<Json<Campaign>> {
    Ok(Json(change::move_dates(&app, by, id, dates).await?))
}

/// Close a campaign now, before its date; one that has not opened is called off
#[utoipa::path(post, path = "/api/v1/operator/campaigns/{id}/close", tag = "campaign",
    params(("id" = String, Path)),
    responses((status = 200, body = Campaign), (status = "4XX", body = Problem)))]
async fn close(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<CampaignId>,
) -> Result<Json<Campaign>> {
    Ok(Json(change::close(&app, by, id).await?))
}

fn made_unless(dry_run: bool) -> StatusCode {
    if dry_run {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    }
}
