//! Scenes down, outputs up.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use pictor_protocol::BlobHash;
use pictor_protocol::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::api::blobs::{receive, send, state};
use crate::http::auth::Agent;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};
use crate::store;
use crate::store::blobs::Holder;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_blob, head_blob, put_blob))
}

/// Fetch a file of a scene that the worker has frames of; takes a `Range: bytes=N-`
#[utoipa::path(get, path = "/agent/v1/blobs/{hash}", tag = "agent", params(("hash" = String, Path)),
    responses((status = 200), (status = 206), (status = 404, body = Problem)))]
async fn get_blob(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    Path(hash): Path<BlobHash>,
    headers: HeaderMap,
) -> Result<Response> {
    let mut tx = app.store.read().await?;
    store::blobs::readable_by_worker(&mut tx, worker.id, hash)
        .await?
        .ok_or_else(|| Refused::not_found("blob"))?;
    drop(tx);
    send(&app, hash, &headers, "application/octet-stream").await
}

/// Ask how much of an output has arrived
#[utoipa::path(head, path = "/agent/v1/blobs/{hash}", tag = "agent", params(("hash" = String, Path)),
    responses((status = 200), (status = 404)))]
async fn head_blob(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    Path(hash): Path<BlobHash>,
) -> Result<Response> {
    state(&app, Holder::Worker(worker.id), hash).await
}

/// Send an output, or the rest of it
#[utoipa::path(put, path = "/agent/v1/blobs/{hash}", tag = "agent", params(("hash" = String, Path)),
    responses((status = 201), (status = 202), (status = "4XX", body = Problem)))]
async fn put_blob(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    Path(hash): Path<BlobHash>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    receive(
        &app,
        Holder::Worker(worker.id),
        hash,
        app.config.output_bytes_max,
        &headers,
        body,
    )
    .await
}
