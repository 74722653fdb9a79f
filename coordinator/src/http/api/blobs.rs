//! Uploads with resume, and downloads with ranges; for creators here and for workers in
//! [`crate::http::agent`].

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pictor_protocol::BlobHash;
use pictor_protocol::blob::{UPLOAD_LENGTH, UPLOAD_OFFSET};
use pictor_protocol::problem::{Problem, ProblemKind};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::blobs::{Part, SILENCE, Upload};
use crate::http::auth::Creator;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};
use crate::store;
use crate::store::blobs::Holder;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(head_blob, put_blob))
}

/// Ask how much of an upload has arrived
///
/// 200 when the blob is complete; 404 with the bytes held so far in `upload-offset` when it is not.
#[utoipa::path(head, path = "/api/v1/blobs/{hash}", tag = "scenes", params(("hash" = String, Path)),
    responses((status = 200), (status = 404)))]
async fn head_blob(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(hash): Path<BlobHash>,
) -> Result<Response> {
    state(&app, Holder::User(user), hash).await
}

/// Send a blob, or the rest of it
///
/// Headers: `upload-offset`, the index of the first byte in the body (0 when absent), and
/// `upload-length`, the length of the whole (the body's when absent). 201 when the blob is complete,
/// 202 when more is to come.
#[utoipa::path(put, path = "/api/v1/blobs/{hash}", tag = "scenes", params(("hash" = String, Path)),
    responses((status = 201), (status = 202), (status = "4XX", body = Problem)))]
async fn put_blob(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(hash): Path<BlobHash>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    receive(
        &app,
        Holder::User(user),
        hash,
        app.config.scene_bytes_max,
        &headers,
        body,
    )
    .await
}

/// Whether `holder` has sent a blob, and how far it is.
pub async fn state(app: &App, holder: Holder, hash: BlobHash) -> Result<Response> {
    let _promised = app.blob_gate.read().await;
    let mut tx = app.store.read().await?;
    if let Some(size) = store::blobs::held(&mut tx, holder, hash).await? {
        return Ok((StatusCode::OK, [(UPLOAD_LENGTH, size.to_string())]).into_response());
    }
    let have = app.blobs.uploaded(&holder.to_string(), hash).await;
    Ok((StatusCode::NOT_FOUND, [(UPLOAD_OFFSET, have.to_string())]).into_response())
}

/// Takes an upload, or the rest of one.
pub async fn receive(
    app: &App,
    holder: Holder,
    hash: BlobHash,
    bytes_max: u64,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response> {
    let offset = number(headers, UPLOAD_OFFSET)?.unwrap_or(0);
    let length = match number(headers, UPLOAD_LENGTH)? {
        Some(length) => length,
        None => number(headers, header::CONTENT_LENGTH.as_str())?
            .map(|body| offset.saturating_add(body))
            .ok_or_else(|| {
                Refused::new(
                    ProblemKind::Invalid,
                    format!("send the length of the whole in {UPLOAD_LENGTH}"),
                )
            })?,
    };
    if length > bytes_max {
        let why = format!("{length} bytes are more than the {bytes_max} that are taken here");
        return Err(Refused::new(ProblemKind::TooLarge, why));
    }
    let part = Part {
        hash,
        holder: holder.to_string(),
        offset,
        length,
    };
    let mut body = body.into_data_stream();
    let appended = app.blobs.append(&part, &mut body).await;
    if appended.is_err() {
        drain(&mut body, 0).await;
    }
    let whole = match appended? {
        Upload::Partial { have } => {
            let have = [(UPLOAD_OFFSET, have.to_string())];
            return Ok((StatusCode::ACCEPTED, have).into_response());
        }
        Upload::Whole(whole) => whole,
    };
    // Not before all of it is here: a sender may take hours, and whoever removes unneeded blobs would wait for it,
    // and everybody else behind them.
    let _promised = app.blob_gate.read().await;
    app.blobs.keep(whole).await?;
    let now_us = app.now_us();
    let expires_us = now_us + app.config.blob_grace.as_micros() as i64;
    let mut tx = app.store.write().await?;
    store::blobs::insert(&mut tx, hash, length, now_us).await?;
    store::blobs::hold(&mut tx, holder, hash, Some(expires_us)).await?;
    tx.commit().await?;
    Ok(StatusCode::CREATED.into_response())
}

/// Reads on for a while after a refusal, for so many bytes or some more: a sender that is cut off in the middle sees
/// a broken connection instead of the answer.
pub async fn drain<E>(
    body: &mut (impl Stream<Item = std::result::Result<Bytes, E>> + Unpin),
    bytes_max: u64,
) {
    const BYTES: u64 = 64 << 20;
    let mut read = 0;
    while read < bytes_max.max(BYTES) {
        let Ok(Some(Ok(chunk))) = tokio::time::timeout(SILENCE, body.next()).await else {
            return;
        };
        read += chunk.len() as u64;
    }
}

/// `?v=…` is the beginning of the hash of what is asked for: an address whose content never changes, as pages use
/// it for pictures.
#[derive(Debug, Deserialize)]
pub struct Version {
    v: Option<String>,
}

impl Version {
    /// Lets browsers keep the answer, if it is of that version.
    pub fn keep(&self, hash: BlobHash, mut answer: Response) -> Response {
        let is_it = |v: &String| v.len() >= 8 && hash.to_string().starts_with(v.as_str());
        if self.v.as_ref().is_some_and(is_it) {
            let for_ever = HeaderValue::from_static("private, max-age=31536000, immutable");
            answer.headers_mut().insert(header::CACHE_CONTROL, for_ever);
        }
        answer
    }
}

/// Streams a blob, from the start of a range if one is asked for.
pub async fn send(
    app: &App,
    hash: BlobHash,
    headers: &HeaderMap,
    media_type: &'static str,
) -> Result<Response> {
    let (mut file, length) = app.blobs.read(hash).await?;
    let from = range_start(headers).filter(|from| *from > 0 && *from < length);
    let mut response = Response::new(Body::empty());
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{hash}\"")) {
        fields.insert(header::ETAG, tag);
    }
    let start = from.unwrap_or(0);
    fields.insert(header::CONTENT_LENGTH, (length - start).into());
    if let Some(start) = from {
        let seek = file.seek(std::io::SeekFrom::Start(start)).await;
        seek.map_err(|_| Refused::new(ProblemKind::Internal, "the blob cannot be read"))?;
        let range = format!("bytes {start}-{}/{length}", length - 1);
        if let Ok(range) = HeaderValue::from_str(&range) {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    *response.body_mut() = Body::from_stream(ReaderStream::with_capacity(
        file.take(length - start),
        1 << 16,
    ));
    Ok(response)
}

/// The start of `Range: bytes=N-`; other ranges are answered with the whole.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::RANGE)?
        .to_str()
        .ok()?
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()
}

fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| Refused::new(ProblemKind::Invalid, format!("{name} is not a number")))
}
