//! Payouts, for operators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use pictor_protocol::PayoutId;
use pictor_protocol::payout::{
    DraftedPayout, NewPayout, PaidByHand, Payout, PayoutAccount, PayoutDetails, PayoutPage,
    UnpaidWinner,
};
use pictor_protocol::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::campaign::payouts::amounts::Rate;
use crate::campaign::payouts::send::{self, SendError};
use crate::campaign::payouts::{self, csv, view, winners};
use crate::campaign::snapshot::Winner;
use crate::http::auth::Operator;
use crate::http::extract::{self, Path, Query};
use crate::http::problem::Result;
use crate::store;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, draft))
        .routes(routes!(show))
        .routes(routes!(state))
        .routes(routes!(table))
        .routes(routes!(approve))
        .routes(routes!(withdraw))
        .routes(routes!(send))
        .routes(routes!(paid_by_hand, not_paid_by_hand))
        .routes(routes!(account))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Payouts older than this one
    before: Option<PayoutId>,
    /// Most payouts in the answer, 1 to 200 (50 when unset)
    limit: Option<u32>,
}

/// Payouts, newest first
#[utoipa::path(get, path = "/api/v1/operator/payouts", tag = "payouts", params(ListQuery),
    responses((status = 200, body = PayoutPage), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Query(query): Query<ListQuery>,
) -> Result<Json<PayoutPage>> {
    let limit = query.limit.unwrap_or(50).clamp(1, 200) as usize;
    let mut tx = app.store.read().await?;
    Ok(Json(view::page(&mut tx, query.before, limit).await?))
}

/// Draft a payout to the winners of a campaign's final snapshot who are in none
#[utoipa::path(post, path = "/api/v1/operator/payouts", tag = "payouts", request_body = NewPayout,
    responses((status = 201, body = DraftedPayout), (status = "4XX", body = Problem)))]
async fn draft(
    State(app): State<Arc<App>>,
    Operator(operator): Operator,
    extract::Json(new): extract::Json<NewPayout>,
) -> Result<(StatusCode, Json<DraftedPayout>)> {
    let rate = new.rate_usd_per_apt.parse::<Rate>()?;
    let mut tx = app.store.write().await?;
    let drawn = winners::from_snapshot(&mut tx, new.campaign, rate, operator, app.now_us()).await?;
    let payout = view::details(&mut tx, drawn.id).await?;
    tx.commit().await?;
    let unpaid = |winner: Winner| UnpaidWinner {
        user: winner.user,
        rank: winner.rank,
        prize_cents: winner.prize,
    };
    let drafted = DraftedPayout {
        payout,
        without_account: drawn.without_account.into_iter().map(unpaid).collect(),
    };
    Ok((StatusCode::CREATED, Json(drafted)))
}

/// A payout, with who gets what and what happened to it
#[utoipa::path(get, path = "/api/v1/operator/payouts/{id}", tag = "payouts", params(("id" = String, Path)),
    responses((status = 200, body = PayoutDetails), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Path(id): Path<PayoutId>,
) -> Result<Json<PayoutDetails>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::details(&mut tx, id).await?))
}

/// How far a payout is
#[utoipa::path(get, path = "/api/v1/operator/payouts/{id}/state", tag = "payouts",
    params(("id" = String, Path)),
    responses((status = 200, body = Payout), (status = "4XX", body = Problem)))]
async fn state(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Path(id): Path<PayoutId>,
) -> Result<Json<Payout>> {
    payout(&app, id).await
}

/// Who gets what, as a table for spreadsheets
#[utoipa::path(get, path = "/api/v1/operator/payouts/{id}/recipients.csv", tag = "payouts",
    params(("id" = String, Path)),
    responses((status = 200, content_type = "text/csv", body = String), (status = "4XX", body = Problem)))]
async fn table(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Path(id): Path<PayoutId>,
) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let payout = view::payout(&mut tx, id).await?;
    let items = store::payouts::items(&mut tx, payout.id).await?;
    let attachment = format!("attachment; filename=\"payout-{id}.csv\"");
    let head = [
        (
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, attachment),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((head, csv::csv(&items)).into_response())
}

/// Approve a payout; two different operators have to
#[utoipa::path(post, path = "/api/v1/operator/payouts/{id}/approve", tag = "payouts",
    params(("id" = String, Path)),
    responses((status = 200, body = Payout), (status = "4XX", body = Problem)))]
async fn approve(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<Json<Payout>> {
    payouts::approve(&app.store, id, by, app.now_us()).await?;
    payout(&app, id).await
}

/// Take a payout back that is not on its way and not paid
#[utoipa::path(post, path = "/api/v1/operator/payouts/{id}/withdraw", tag = "payouts",
    params(("id" = String, Path)),
    responses((status = 200, body = Payout), (status = "4XX", body = Problem)))]
async fn withdraw(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<Json<Payout>> {
    payouts::withdraw(&app.store, id, by, app.now_us()).await?;
    payout(&app, id).await
}

/// Send an approved payout from this coordinator's account, or a failed one once more
#[utoipa::path(post, path = "/api/v1/operator/payouts/{id}/send", tag = "payouts",
    params(("id" = String, Path)),
    responses((status = 202, body = Payout), (status = "4XX", body = Problem)))]
async fn send(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<(StatusCode, Json<Payout>)> {
    send::send(&app, id, by).await?;
    Ok((StatusCode::ACCEPTED, payout(&app, id).await?))
}

/// Say that a payout was paid by hand; it counts once another operator names the same transaction
#[utoipa::path(post, path = "/api/v1/operator/payouts/{id}/paid-by-hand", tag = "payouts",
    params(("id" = String, Path)), request_body = PaidByHand,
    responses((status = 200, body = Payout), (status = "4XX", body = Problem)))]
async fn paid_by_hand(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
    extract::Json(paid): extract::Json<PaidByHand>,
) -> Result<Json<Payout>> {
    let hash = paid.hash.parse()?;
    payouts::say_paid_by_hand(&app.store, id, by, hash, app.now_us()).await?;
    payout(&app, id).await
}

/// Take back that a payout was paid by hand, as long as no other operator has confirmed it
#[utoipa::path(delete, path = "/api/v1/operator/payouts/{id}/paid-by-hand", tag = "payouts",
    params(("id" = String, Path)),
    responses((status = 200, body = Payout), (status = "4XX", body = Problem)))]
async fn not_paid_by_hand(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<Json<Payout>> {
    payouts::say_not_paid(&app.store, id, by, app.now_us()).await?;
    payout(&app, id).await
}

/// The account that payouts are sent from
#[utoipa::path(get, path = "/api/v1/operator/payout-account", tag = "payouts",
    responses((status = 200, body = PayoutAccount), (status = "4XX", body = Problem)))]
async fn account(State(app): State<Arc<App>>, _operator: Operator) -> Result<Json<PayoutAccount>> {
    let payer = app.payer.as_ref().ok_or(SendError::NoPayer)?;
    Ok(Json(view::account(payer).await?))
}

async fn payout(app: &App, id: PayoutId) -> Result<Json<Payout>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::payout(&mut tx, id).await?))
}
