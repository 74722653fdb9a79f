//! Quests: members of the community do them, operators and other services confirm some.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use http::HeaderMap;
use pictor_protocol::ClaimId;
use pictor_protocol::community::{
    ClaimQuest, OpenedQuest, QuestList, QuestProgress, QuestWebhook, RefuseClaim, WaitingClaims,
};
use pictor_protocol::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::campaign::quests::{self, link, operator, webhook};
use crate::http::auth::{Community, Operator};
use crate::http::extract::{self, Path};
use crate::http::problem::Result;

const TIMESTAMP: &str = "pictor-timestamp";
const SIGNATURE: &str = "pictor-signature";

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(open))
        .routes(routes!(claim))
        .routes(routes!(told))
        .routes(routes!(waiting))
        .routes(routes!(confirm))
        .routes(routes!(refuse))
}

/// The quests of the campaign, and how far one has come with each
#[utoipa::path(get, path = "/api/v1/quests", tag = "quests", security(("session" = [])),
    responses((status = 200, body = QuestList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<Arc<App>>, Community(user): Community) -> Result<Json<QuestList>> {
    Ok(Json(quests::list(&app, user).await?))
}

/// Begin a visit to a quest's link
#[utoipa::path(post, path = "/api/v1/quests/{id}/open", tag = "quests", security(("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = OpenedQuest), (status = "4XX", body = Problem)))]
async fn open(
    State(app): State<Arc<App>>,
    Community(user): Community,
    Path(id): Path<String>,
) -> Result<Json<OpenedQuest>> {
    Ok(Json(link::open(&app, user, &id).await?))
}

/// Claim that one has done a quest
#[utoipa::path(post, path = "/api/v1/quests/{id}/claim", tag = "quests", security(("session" = [])),
    params(("id" = String, Path)), request_body = ClaimQuest,
    responses((status = 200, body = QuestProgress), (status = "4XX", body = Problem)))]
async fn claim(
    State(app): State<Arc<App>>,
    Community(user): Community,
    Path(id): Path<String>,
    extract::Json(claim): extract::Json<ClaimQuest>,
) -> Result<Json<QuestProgress>> {
    Ok(Json(quests::claim(&app, user, &id, &claim).await?))
}

/// Tell that somebody has done a quest, as another service, with a signature
#[utoipa::path(post, path = "/api/v1/quests/{id}/webhook", tag = "quests", security(()),
    params(("id" = String, Path),
        ("Pictor-Timestamp" = i64, Header, description = "Unix time in seconds, at most 300 off"),
        ("Pictor-Signature" = String, Header,
            description = "HMAC-SHA-256 of `<timestamp>.<quest id>.<body>`, in hexadecimal digits")),
    request_body = QuestWebhook,
    responses((status = 200, body = QuestProgress), (status = "4XX", body = Problem)))]
async fn told(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<QuestProgress>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let call = webhook::Call {
        quest: &id,
        timestamp: text(TIMESTAMP).unwrap_or_default(),
        signature: text(SIGNATURE).unwrap_or_default(),
        body: &body,
    };
    Ok(Json(webhook::told(&app, &call).await?))
}

/// Claims that wait for an operator, the oldest first
#[utoipa::path(get, path = "/api/v1/operator/quest-claims", tag = "quests",
    responses((status = 200, body = WaitingClaims), (status = "4XX", body = Problem)))]
async fn waiting(State(app): State<Arc<App>>, _operator: Operator) -> Result<Json<WaitingClaims>> {
    Ok(Json(operator::waiting(&app).await?))
}

/// Confirm a claim
#[utoipa::path(post, path = "/api/v1/operator/quest-claims/{id}/confirm", tag = "quests",
    params(("id" = String, Path)),
    responses((status = 200, body = QuestProgress), (status = "4XX", body = Problem)))]
async fn confirm(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<ClaimId>,
) -> Result<Json<QuestProgress>> {
    Ok(Json(operator::confirm(&app, by, id).await?))
}

/// Refuse a claim, for a reason that the person reads
#[utoipa::path(post, path = "/api/v1/operator/quest-claims/{id}/refuse", tag = "quests",
    params(("id" = String, Path)), request_body = RefuseClaim,
    responses((status = 200, body = QuestProgress), (status = "4XX", body = Problem)))]
async fn refuse(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<ClaimId>,
    extract::Json(refused): extract::Json<RefuseClaim>,
) -> Result<Json<QuestProgress>> {
    Ok(Json(operator::refuse(&app, by, id, &refused.reason).await?))
}
