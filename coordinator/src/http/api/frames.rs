//! Frames: their states, pictures and logs, one by one or as a zip.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use pictor_protocol::frames::FrameList;
use pictor_protocol::job::{Frame, FramePage, RenderPlan};
use pictor_protocol::problem::Problem;
use pictor_protocol::{JobId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::archive;
use super::blobs::{Version, send};
use crate::app::App;
use crate::dispatch::task::TaskStatus;
use crate::http::auth::Creator;
use crate::http::extract::{Path, Query};
use crate::http::problem::{Refused, Result};
use crate::jobs::{overview, view};
use crate::store;
use crate::store::jobs::JobRow;
use crate::store::tasks::TaskRow;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(output))
        .routes(routes!(thumbnail))
        .routes(routes!(log))
        .routes(routes!(output_zip))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Frames in this state only
    state: Option<String>,
    /// Frames after this one
    after: Option<i32>,
    /// Most frames in the answer, 1 to 1000 (200 when unset)
    limit: Option<u32>,
}

/// Frames of a job, in order
#[utoipa::path(get, path = "/api/v1/jobs/{id}/frames", tag = "frames",
    params(("id" = String, Path), ListQuery),
    responses((status = 200, body = FramePage), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    Query(query): Query<ListQuery>,
) -> Result<Json<FramePage>> {
    let status = query
        .state
        .map(TaskStatus::try_from)
        .transpose()
        .map_err(|error| {
            Refused::new(
                pictor_protocol::problem::ProblemKind::Invalid,
                error.to_string(),
            )
        })?;
    let limit = query.limit.unwrap_or(200).clamp(1, 1_000) as usize;
    let plan = plan(&app, user, id).await?;
    let mut tx = app.store.read().await?;
    let mut rows = store::tasks::page(&mut tx, id, status, query.after, limit as i64 + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.frame);
    let frames = rows
        .into_iter()
        .map(|row| view::frame(row, &plan))
        .collect();
    Ok(Json(FramePage { frames, next }))
}

/// A frame with its attempts and, while it is queued, why it waits
#[utoipa::path(get, path = "/api/v1/jobs/{id}/frames/{frame}", tag = "frames",
    params(("id" = String, Path), ("frame" = i32, Path)),
    responses((status = 200, body = Frame), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path((id, frame)): Path<(JobId, i32)>,
) -> Result<Json<Frame>> {
    let (row, job) = find(&app, user, id, frame).await?;
    let mut tx = app.store.read().await?;
    let frame = view::whole_frame(&mut tx, &job, row, app.now_us()).await?;
    Ok(Json(frame))
}

/// The picture of a done frame; takes a `Range: bytes=N-`
#[utoipa::path(get, path = "/api/v1/jobs/{id}/frames/{frame}/output", tag = "frames",
    params(("id" = String, Path), ("frame" = i32, Path)),
    responses((status = 200), (status = 206), (status = "4XX", body = Problem)))]
async fn output(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path((id, frame)): Path<(JobId, i32)>,
    Query(version): Query<Version>,
    headers: HeaderMap,
) -> Result<Response> {
    let (row, job) = find(&app, user, id, frame).await?;
    let hash = row.output.0.filter(|_| row.status == TaskStatus::Done);
    let hash = hash.ok_or_else(|| Refused::not_found("output yet"))?;
    let answer = send(&app, hash, &headers, job.plan.0.format.media_type()).await?;
    Ok(version.keep(hash, answer))
}

/// A small JPEG of a done frame
#[utoipa::path(get, path = "/api/v1/jobs/{id}/frames/{frame}/thumbnail", tag = "frames",
    params(("id" = String, Path), ("frame" = i32, Path)),
    responses((status = 200), (status = "4XX", body = Problem)))]
async fn thumbnail(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path((id, frame)): Path<(JobId, i32)>,
    Query(version): Query<Version>,
    headers: HeaderMap,
) -> Result<Response> {
    let (row, _) = find(&app, user, id, frame).await?;
    let hash = row.thumbnail.0.filter(|_| row.status == TaskStatus::Done);
    let hash = hash.ok_or_else(|| Refused::not_found("thumbnail"))?;
    let answer = send(&app, hash, &headers, "image/jpeg").await?;
    Ok(version.keep(hash, answer))
}

/// What Blender said while it rendered a frame, every attempt
#[utoipa::path(get, path = "/api/v1/jobs/{id}/frames/{frame}/log", tag = "frames",
    params(("id" = String, Path), ("frame" = i32, Path)),
    responses((status = 200, body = String), (status = "4XX", body = Problem)))]
async fn log(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path((id, frame)): Path<(JobId, i32)>,
) -> Result<Response> {
    let (row, _) = find(&app, user, id, frame).await?;
    let mut tx = app.store.read().await?;
    let text = overview::log(&mut tx, row.id).await?;
    let plain = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((plain, text).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ZipQuery {
    /// Only these frames, such as `1-10,15`; every one when unset
    #[param(value_type = Option<String>)]
    frames: Option<FrameList>,
}

/// Every done frame in one zip, streamed
#[utoipa::path(get, path = "/api/v1/jobs/{id}/output.zip", tag = "frames",
    params(("id" = String, Path), ZipQuery),
    responses((status = 200), (status = "4XX", body = Problem)))]
async fn output_zip(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    Query(query): Query<ZipQuery>,
) -> Result<Response> {
    let wanted = query.frames.as_ref().map(FrameList::as_slice);
    let is_wanted = |frame| wanted.is_none_or(|frames| frames.binary_search(&frame).is_ok());
    let plan = plan(&app, user, id).await?;
    let mut tx = app.store.read().await?;
    let rows = store::tasks::page(&mut tx, id, Some(TaskStatus::Done), None, i64::MAX).await?;
    let files: Vec<(String, PathBuf)> = rows
        .iter()
        .filter(|row| is_wanted(row.frame))
        .filter_map(|row| {
            Some((
                view::file_name(row.frame, &plan),
                app.blobs.path(row.output.0?),
            ))
        })
        .collect();
    let attachment = format!("attachment; filename=\"{id}.zip\"");
    let head = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, attachment),
    ];
    Ok((head, archive::stream(&app, files).await).into_response())
}

async fn plan(app: &App, user: UserId, id: JobId) -> Result<RenderPlan> {
    let mut tx = app.store.read().await?;
    let plan = store::jobs::plan_owned(&mut tx, user, id).await?;
    plan.ok_or_else(|| Refused::not_found("job"))
}

pub(super) async fn find(
    app: &App,
    user: UserId,
    id: JobId,
    frame: i32,
) -> Result<(TaskRow, JobRow)> {
    let mut tx = app.store.read().await?;
    let job = store::jobs::find_owned(&mut tx, user, id).await?;
    let job = job.ok_or_else(|| Refused::not_found("job"))?;
    let row = store::tasks::by_frame(&mut tx, id, frame).await?;
    row.map(|row| (row, job))
        .ok_or_else(|| Refused::not_found("frame"))
}
