//! The network for everybody, and all of it for operators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pictor_protocol::network::{
    Network, OwnedJobPage, OwnedWorkerPage, PublicCampaigns, SystemState,
};
use pictor_protocol::problem::Problem;
use pictor_protocol::{JobId, WorkerId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::campaign::view;
use crate::http::auth::Operator;
use crate::http::extract::Query;
use crate::http::problem::Result;
use crate::{network, overview};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(campaigns))
        .routes(routes!(all_workers))
        .routes(routes!(all_jobs))
        .routes(routes!(system))
}

/// Who is there, what waits, what was rendered and what that earned; up to ten seconds old
#[utoipa::path(get, path = "/api/v1/network", tag = "network", security(()),
    responses((status = 200, body = Network)))]
async fn show(State(app): State<Arc<App>>) -> Result<Json<Network>> {
    Ok(Json(Arc::unwrap_or_clone(network::look(&app).await?)))
}

/// Campaigns that have opened and the one that opens next, the latest to open first
#[utoipa::path(get, path = "/api/v1/campaigns", tag = "network", security(()),
    responses((status = 200, body = PublicCampaigns)))]
async fn campaigns(State(app): State<Arc<App>>) -> Result<Json<PublicCampaigns>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::public(&app, &mut tx, app.now_us()).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WorkersQuery {
    /// A part of a worker's name or of its owner's; or a whole id of either
    #[serde(default)]
    search: String,
    /// `next` of the page before
    #[param(value_type = Option<String>)]
    before: Option<WorkerId>,
    /// Most workers in the answer, 1 to 200 (50 when unset)
    limit: Option<u32>,
}

/// Everybody's workers, the latest to be created first
#[utoipa::path(get, path = "/api/v1/operator/workers", tag = "network", params(WorkersQuery),
    responses((status = 200, body = OwnedWorkerPage), (status = "4XX", body = Problem)))]
async fn all_workers(
    State(app): State<Arc<App>>,
    Operator(operator): Operator,
    Query(query): Query<WorkersQuery>,
) -> Result<Json<OwnedWorkerPage>> {
    let (text, limit) = (query.search.trim(), page(query.limit));
    Ok(Json(
        overview::workers(&app, operator, text, query.before, limit).await?,
    ))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct JobsQuery {
    /// A part of a job's name or of its owner's; or a whole id of either
    #[serde(default)]
    search: String,
    /// `next` of the page before
    #[param(value_type = Option<String>)]
    before: Option<JobId>,
    /// Most jobs in the answer, 1 to 200 (50 when unset)
    limit: Option<u32>,
}

/// Everybody's jobs, the latest first
#[utoipa::path(get, path = "/api/v1/operator/jobs", tag = "network", params(JobsQuery),
    responses((status = 200, body = OwnedJobPage), (status = "4XX", body = Problem)))]
async fn all_jobs(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Query(query): Query<JobsQuery>,
) -> Result<Json<OwnedJobPage>> {
    let (text, limit) = (query.search.trim(), page(query.limit));
    Ok(Json(overview::jobs(&app, text, query.before, limit).await?))
}

/// How this coordinator is: its version, its database and storage, what waits, and the last audit of its books
#[utoipa::path(get, path = "/api/v1/operator/system", tag = "network",
    responses((status = 200, body = SystemState), (status = "4XX", body = Problem)))]
async fn system(State(app): State<Arc<App>>, _operator: Operator) -> Result<Json<SystemState>> {
    Ok(Json(overview::system(&app).await?))
}

fn page(limit: Option<u32>) -> usize {
    limit.unwrap_or(50).clamp(1, 200) as usize
}
