//! What was decided on oneself, and one's word against it; all that is kept about oneself, and its end.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{StatusCode, header};
use pictor_protocol::fair_play::{Appeal, MyDecisions, NewAppeal};
use pictor_protocol::people::{AccountExport, DeleteAccount, DeletedAccount};
use pictor_protocol::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::{delete as account_end, export as account_export};
use crate::app::App;
use crate::fair_play::{appeal as appeals, view};
use crate::http::auth::Person;
use crate::http::browser::{Browser, FreshBrowser};
use crate::http::extract;
use crate::http::problem::{Refused, Result};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(decisions))
        .routes(routes!(appeal))
        .routes(routes!(export))
        .routes(routes!(delete))
}

/// How one stands, what was decided on oneself and why, and what the audit log says of oneself
#[utoipa::path(get, path = "/api/v1/me/decisions", tag = "fair_play",
    responses((status = 200, body = MyDecisions), (status = "4XX", body = Problem)))]
async fn decisions(State(app): State<Arc<App>>, person: Person) -> Result<Json<MyDecisions>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::mine(&mut tx, person.user.id).await?))
}

/// Appeal, once, against the decision that one's standing follows from
#[utoipa::path(post, path = "/api/v1/me/appeal", tag = "fair_play", request_body = NewAppeal,
    security(("session" = [])),
    responses((status = 201, body = Appeal), (status = "4XX", body = Problem)))]
async fn appeal(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    extract::Json(new): extract::Json<NewAppeal>,
) -> Result<(StatusCode, Json<Appeal>)> {
    let made = appeals::appeal(&app, of.user_id, &new.words).await?;
    Ok((StatusCode::CREATED, Json(view::appeal(made))))
}

/// Everything that is kept about oneself, but for secrets and pictures
#[utoipa::path(get, path = "/api/v1/me/export", tag = "fair_play", security(("session" = [])),
    responses((status = 200, body = AccountExport), (status = "4XX", body = Problem)))]
async fn export(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
) -> Result<impl axum::response::IntoResponse> {
    let export = account_export::export(&app, of.user_id, Some(&of.session)).await?;
    let export = export.ok_or_else(|| Refused::not_found("account"))?;
    let head = [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"pictor-account.json\"",
        ),
    ];
    Ok((head, Json(export)))
}

/// Delete one's account: the answer says what went with it
#[utoipa::path(delete, path = "/api/v1/me", tag = "fair_play", request_body = DeleteAccount,
    security(("session" = [])),
    responses((status = 200, body = DeletedAccount), (status = "4XX", body = Problem)))]
async fn delete(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    extract::Json(asked): extract::Json<DeleteAccount>,
) -> Result<Json<DeletedAccount>> {
    Ok(Json(account_end::delete(&app, of.user_id, &asked).await?))
}
