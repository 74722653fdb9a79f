//! Scenes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::SceneId;
use pictor_protocol::problem::Problem;
use pictor_protocol::scene::{NewScene, Scene};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::Creator;
use crate::http::extract::{self, Path};
use crate::http::problem::{Refused, Result};
use crate::jobs::intake;
use crate::store;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(show))
}

/// Make a scene of an uploaded .blend or .zip
#[utoipa::path(post, path = "/api/v1/scenes", tag = "scenes", request_body = NewScene,
    responses((status = 201, body = Scene), (status = "4XX", body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    extract::Json(new): extract::Json<NewScene>,
) -> Result<(StatusCode, Json<Scene>)> {
    Ok((
        StatusCode::CREATED,
        Json(intake::take_in(&app, user, &new).await?),
    ))
}

/// What a scene says of itself
#[utoipa::path(get, path = "/api/v1/scenes/{id}", tag = "scenes", params(("id" = String, Path)),
    responses((status = 200, body = Scene), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<SceneId>,
) -> Result<Json<Scene>> {
    let mut tx = app.store.read().await?;
    let scene = store::scenes::find(&mut tx, user, id).await?;
    scene
        .map(|row| Json(row.into()))
        .ok_or_else(|| Refused::not_found("scene"))
}
