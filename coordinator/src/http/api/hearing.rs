//! What somebody may do who may not sign in: read what was decided, take along what is kept, and appeal.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{StatusCode, header};
use pictor_protocol::fair_play::{Appeal, MyDecisions, NewAppeal};
use pictor_protocol::people::AccountExport;
use pictor_protocol::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::export as account_export;
use crate::app::App;
use crate::fair_play::{appeal as appeals, hearing, view};
use crate::http::auth::Heard;
use crate::http::extract;
use crate::http::problem::{Refused, Result};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(decisions))
        .routes(routes!(appeal))
        .routes(routes!(export))
}

/// What was decided on oneself and why, when one may not sign in
#[utoipa::path(get, path = "/api/v1/hearing", tag = "hearing", security(("token" = [])),
    responses((status = 200, body = MyDecisions), (status = "4XX", body = Problem)))]
async fn decisions(State(app): State<Arc<App>>, Heard(user): Heard) -> Result<Json<MyDecisions>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::mine(&mut tx, user).await?))
}

/// Appeal, once, against the ban
#[utoipa::path(post, path = "/api/v1/hearing/appeal", tag = "hearing", request_body = NewAppeal,
    security(("token" = [])),
    responses((status = 201, body = Appeal), (status = "4XX", body = Problem)))]
async fn appeal(
    State(app): State<Arc<App>>,
    Heard(user): Heard,
    extract::Json(new): extract::Json<NewAppeal>,
) -> Result<(StatusCode, Json<Appeal>)> {
    let made = appeals::appeal(&app, user, &new.words).await?;
    Ok((StatusCode::CREATED, Json(view::appeal(made))))
}

/// Everything that is kept about oneself, but for secrets and pictures, when one may not sign in
#[utoipa::path(get, path = "/api/v1/hearing/export", tag = "hearing", security(("token" = [])),
    responses((status = 200, body = AccountExport), (status = "4XX", body = Problem)))]
async fn export(
    State(app): State<Arc<App>>,
    Heard(user): Heard,
) -> Result<impl axum::response::IntoResponse> {
    if hearing::is_deleted(&mut app.store.read().await?, user).await? {
        return Err(Refused::not_found("account"));
    }
    let export = account_export::export(&app, user, None).await?;
    let export = export.ok_or_else(|| Refused::not_found("account"))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(export)))
}
