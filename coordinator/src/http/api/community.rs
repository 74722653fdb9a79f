//! Check-ins and referrals. In browsers alone: programs are against the rules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::community::{CheckInMonth, CheckedIn, EnterReferral, Referral};
use pictor_protocol::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::campaign::{check_in, referral};
use crate::http::auth::Community;
use crate::http::browser::Browser;
use crate::http::extract::{self, Query};
use crate::http::problem::Result;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(check_in, check_ins))
        .routes(routes!(referral, enter_referral))
}

/// Check in: once a day of UTC
#[utoipa::path(post, path = "/api/v1/check-ins", tag = "community", security(("session" = [])),
    responses((status = 201, body = CheckedIn), (status = "4XX", body = Problem)))]
async fn check_in(
    State(app): State<Arc<App>>,
    Community(user): Community,
) -> Result<(StatusCode, Json<CheckedIn>)> {
    let checked_in = check_in::check_in(&app, user).await?;
    Ok((StatusCode::CREATED, Json(checked_in)))
}

#[derive(Debug, Deserialize)]
struct Asked {
    month: Option<String>,
}

/// One's check-ins of a month, one's streak, and when the next check-in is possible
#[utoipa::path(get, path = "/api/v1/check-ins", tag = "community", security(("session" = [])),
    params(("month" = Option<String>, Query, description = "such as 2026-11; this month when unset")),
    responses((status = 200, body = CheckInMonth), (status = "4XX", body = Problem)))]
async fn check_ins(
    State(app): State<Arc<App>>,
    Community(user): Community,
    Query(asked): Query<Asked>,
) -> Result<Json<CheckInMonth>> {
    let month = check_in::month(&app, user, asked.month.as_deref()).await?;
    Ok(Json(month))
}

/// One's referral code, and what it has brought
#[utoipa::path(get, path = "/api/v1/referral", tag = "community", security(("session" = [])),
    responses((status = 200, body = Referral), (status = "4XX", body = Problem)))]
async fn referral(
    State(app): State<Arc<App>>,
    Community(user): Community,
) -> Result<Json<Referral>> {
    Ok(Json(referral::of(&app, user).await?))
}

/// Say who has brought one along: on the first day, before anything was earned
#[utoipa::path(post, path = "/api/v1/referral", tag = "community", security(("session" = [])),
    request_body = EnterReferral,
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn enter_referral(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    extract::Json(entered): extract::Json<EnterReferral>,
) -> Result<StatusCode> {
    app.sign_in.limits.by_account(of.user_id, app.now_us())?;
    referral::enter(&app, of.user_id, &entered.code).await?;
    Ok(StatusCode::NO_CONTENT)
}
