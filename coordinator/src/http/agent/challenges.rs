//! A slot proves that it renders; see [`pictor_protocol::challenge`].

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use pictor_protocol::ChallengeId;
use pictor_protocol::challenge::{BeginChallenge, Challenge, ChallengeReceived};
use pictor_protocol::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::known_instance;
use crate::app::App;
use crate::http::auth::Agent;
use crate::http::extract::{self, Path};
use crate::http::problem::Result;
use crate::presence::answer;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(take_answer))
}

/// Begin a presence challenge; held until it opens
#[utoipa::path(post, path = "/agent/v1/challenges/{id}/begin", tag = "agent", params(("id" = String, Path)),
    request_body = BeginChallenge,
    responses((status = 200, body = Challenge), (status = "4XX", body = Problem)))]
async fn begin(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    Path(id): Path<ChallengeId>,
    extract::Json(begin): extract::Json<BeginChallenge>,
) -> Result<Json<Challenge>> {
    known_instance(&worker.instance, begin.instance)?;
    Ok(Json(answer::begin(&app, worker.id, id).await?))
}

/// Answer a presence challenge with the picture
#[utoipa::path(put, path = "/agent/v1/challenges/{id}/answer", tag = "agent", params(("id" = String, Path)),
    request_body(content = Vec<u8>, content_type = "image/png"),
    responses((status = 200, body = ChallengeReceived), (status = "4XX", body = Problem)))]
async fn take_answer(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    Path(id): Path<ChallengeId>,
    picture: Bytes,
) -> Result<Json<ChallengeReceived>> {
    let arrived_us = app.now_us();
    let received = answer::answer(&app, worker.id, id, picture, arrived_us).await?;
    Ok(Json(received))
}
