//! Who has how many points.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pictor_protocol::CampaignId;
use pictor_protocol::leaderboard::{ChooseName, LeaderboardPage, MyRank, PublicName};
use pictor_protocol::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::campaign::ranks;
use crate::http::auth::Person;
use crate::http::extract::{self, Query};
use crate::http::problem::{Refused, Result};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(mine))
        .routes(routes!(choose_name))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// The first rank of the answer (1 when unset)
    from: Option<u64>,
    /// Most ranks in the answer, 1 to 100 (50 when unset)
    limit: Option<u64>,
    /// Only people whose public names begin so, in the order of their names; not together with `from`
    #[serde(alias = "search")]
    name: Option<String>,
    /// The id of a campaign that is over: the first hundred of whom its snapshot gives something
    #[param(value_type = Option<String>)]
    campaign: Option<CampaignId>,
}

/// Who has how many points of the current campaign, and what the ranks get
#[utoipa::path(get, path = "/api/v1/leaderboard", tag = "leaderboard", params(PageQuery), security(()),
    responses((status = 200, body = LeaderboardPage), (status = "4XX", body = Problem)))]
async fn page(
    State(app): State<Arc<App>>,
    Query(query): Query<PageQuery>,
) -> Result<Json<LeaderboardPage>> {
    let limit = query.limit.unwrap_or(50).clamp(1, 100) as usize;
    let from = usize::try_from(query.from.unwrap_or(1)).unwrap_or(usize::MAX);
    if let Some(campaign) = query.campaign {
        let winners = ranks::winners(&app, campaign).await?;
        return Ok(Json(
            winners.ok_or_else(|| Refused::not_found("snapshot yet"))?,
        ));
    }
    let page = match query.name.as_deref() {
        Some(beginning) => ranks::search(&app, beginning, limit).await?,
        None => ranks::page(&app, from, limit).await?,
    };
    Ok(Json(page))
}

/// One's own rank, those around it, and what is missing to better ones
#[utoipa::path(get, path = "/api/v1/leaderboard/me", tag = "leaderboard",
    responses((status = 200, body = MyRank), (status = "4XX", body = Problem)))]
async fn mine(State(app): State<Arc<App>>, person: Person) -> Result<Json<MyRank>> {
    Ok(Json(ranks::mine(&app, person.user.id).await?))
}

/// Choose the name that everybody sees, or none
#[utoipa::path(put, path = "/api/v1/leaderboard/name", tag = "leaderboard", request_body = ChooseName,
    responses((status = 200, body = PublicName), (status = "4XX", body = Problem)))]
async fn choose_name(
    State(app): State<Arc<App>>,
    person: Person,
    extract::Json(chosen): extract::Json<ChooseName>,
) -> Result<Json<PublicName>> {
    let name = chosen.name.as_deref();
    Ok(Json(ranks::choose_name(&app, person.user.id, name).await?))
}
