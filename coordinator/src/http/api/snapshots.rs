//! Final snapshots of campaigns, and what anybody needs to check them.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use pictor_protocol::CampaignId;
use pictor_protocol::problem::Problem;
use pictor_protocol::snapshot::{CampaignKey, SnapshotTaken};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::campaign::snapshot::key::Key;
use crate::campaign::snapshot::{self, SnapshotError, export};
use crate::http::auth::Operator;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};
use crate::store;
use crate::store::StoreError;
use crate::store::snapshots::SnapshotRow;

/// A snapshot never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(text))
        .routes(routes!(signature))
        .routes(routes!(ledger))
        .routes(routes!(key))
        .routes(routes!(take))
}

/// Who has which rank of a campaign, once and for all; once it is over and every point is settled
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/snapshot", tag = "snapshots", params(("id" = String, Path)),
    security(()), responses((status = 200, body = String), (status = "4XX", body = Problem)))]
async fn text(State(app): State<Arc<App>>, Path(id): Path<CampaignId>) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let text = store::snapshots::text(&mut tx, id).await?;
    let text = text.ok_or_else(not_taken)?;
    Ok((plain("text/plain; charset=utf-8"), text).into_response())
}

/// The signature of a campaign's snapshot: ed25519 over its bytes, 128 hexadecimal digits
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/snapshot.sig", tag = "snapshots",
    params(("id" = String, Path)), security(()),
    responses((status = 200, body = String), (status = "4XX", body = Problem)))]
async fn signature(State(app): State<Arc<App>>, Path(id): Path<CampaignId>) -> Result<Response> {
    let signature = format!("{}\n", taken(&app, id).await?.signature);
    Ok((plain("text/plain; charset=utf-8"), signature).into_response())
}

/// Every movement of a campaign's book that counts, as a table: what its snapshot can be recomputed from
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/ledger.csv", tag = "snapshots",
    params(("id" = String, Path)), security(()),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = Problem)))]
async fn ledger(State(app): State<Arc<App>>, Path(id): Path<CampaignId>) -> Result<Response> {
    let last = taken(&app, id).await?.last_entry;
    let parts = stream::try_unfold(None, move |after| {
        let app = Arc::clone(&app);
        async move { next_part(&app, id, after, last).await }
    });
    Ok((plain("text/csv; charset=utf-8"), Body::from_stream(parts)).into_response())
}

/// How far a table was sent: nothing yet, or what came after an entry.
type Sent = Option<i64>;

async fn next_part(
    app: &App,
    id: CampaignId,
    sent: Sent,
    last: i64,
) -> std::result::Result<Option<(Bytes, Sent)>, StoreError> {
    let part = export::part(app, id, sent.unwrap_or(0), last).await?;
    let head = if sent.is_none() { export::HEAD } else { "" };
    // The head of an empty table is a part of its own, after which nothing comes.
    let next = part.last.or(sent.is_none().then_some(last));
    let bytes = Bytes::from(format!("{head}{}", part.rows));
    Ok(next
        .filter(|_| !bytes.is_empty())
        .map(|next| (bytes, Some(next))))
}

/// What snapshots of this coordinator's campaigns are signed with
#[utoipa::path(get, path = "/api/v1/campaign-key", tag = "snapshots", security(()),
    responses((status = 200, body = CampaignKey)))]
async fn key(State(app): State<Arc<App>>) -> Result<Json<CampaignKey>> {
    let key = Key::open_or_make(&app.config.campaign_key_file()).map_err(SnapshotError::from)?;
    Ok(Json(CampaignKey {
        algorithm: "ed25519".into(),
        public_key: key.public().to_string(),
    }))
}

/// Take the snapshot of a campaign that is over without waiting for points to settle; they count for nobody then
#[utoipa::path(post, path = "/api/v1/operator/campaigns/{id}/snapshot", tag = "snapshots",
    params(("id" = String, Path)),
    responses((status = 200, body = SnapshotTaken), (status = "4XX", body = Problem)))]
async fn take(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<CampaignId>,
) -> Result<Json<SnapshotTaken>> {
    Ok(Json(snapshot::take(&app, id, Some(by)).await?))
}

async fn taken(app: &App, id: CampaignId) -> Result<SnapshotRow> {
    let mut tx = app.store.read().await?;
    let row = store::snapshots::find(&mut tx, id).await?;
    row.ok_or_else(not_taken)
}

fn not_taken() -> Refused {
    Refused::not_found("snapshot yet")
}

fn plain(media_type: &'static str) -> [(header::HeaderName, &'static str); 3] {
    [
        (header::CONTENT_TYPE, media_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, FOR_EVER),
    ]
}
