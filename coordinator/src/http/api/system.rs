//! Is it alive, is it ready, how is it doing, what can be asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use pictor_protocol::gpus::{self, SupportedGpus};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::problem::{Refused, Result};
use crate::metrics::Gauges;
use crate::store;
use crate::workers::SILENCE_US;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .routes(routes!(supported_gpus))
}

/// The process is alive
#[utoipa::path(get, path = "/healthz", tag = "system", security(()),
    responses((status = 200, body = String)))]
async fn healthz() -> &'static str {
    "alive\n"
}

/// The database answers, is migrated, and the storage can be written to
#[utoipa::path(get, path = "/readyz", tag = "system", security(()),
    responses((status = 200, body = String), (status = 503, body = String)))]
async fn readyz(State(app): State<Arc<App>>) -> Response {
    let database = async {
        let mut tx = app.store.write().await?;
        store::dispatch::any_open(&mut tx).await
    };
    let (database, storage) = tokio::join!(database, app.blobs.probe());
    let faults: Vec<_> = [
        database.err().map(|error| format!("database: {error}")),
        storage.err().map(|error| format!("storage: {error}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if faults.is_empty() {
        return "ready\n".into_response();
    }
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("{}\n", faults.join("\n")),
    )
        .into_response()
}

/// Metrics for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "system", security(()),
    responses((status = 200, body = String)))]
async fn metrics(State(app): State<Arc<App>>) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let online = store::dispatch::online(&mut tx, app.now_us() - SILENCE_US).await?;
    let open = store::dispatch::open_frames(&mut tx).await?;
    let gauges = Gauges {
        workers_online: online.len() as i64,
        slots_online: online.iter().map(|worker| worker.slots() as i64).sum(),
        jobs_open: open.jobs,
        frames_queued: open.queued,
        frames_leased: open.leased,
    };
    let text = app.metrics.render(&gauges).map_err(|error| {
        Refused::new(
            pictor_protocol::problem::ProblemKind::Internal,
            error.to_string(),
        )
    })?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}

/// Which GPUs can render, by Blender version
#[utoipa::path(get, path = "/api/v1/supported-gpus", tag = "system", security(()),
    responses((status = 200, body = SupportedGpus)))]
async fn supported_gpus() -> Json<SupportedGpus> {
    Json(gpus::supported())
}

/// The document that describes this API.
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::http::openapi())
}
