//! What creators say of frames, every picture that a frame had, and who works on a job.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use pictor_protocol::job::Job;
use pictor_protocol::job_workers::JobWorkers;
use pictor_protocol::problem::Problem;
use pictor_protocol::review::{ApproveFrames, SendBackFrames, SentBackFrames};
use pictor_protocol::{JobId, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::blobs::{Version, send};
use super::{frames, jobs};
use crate::app::App;
use crate::http::auth::Creator;
use crate::http::extract::{self, Path, Query};
use crate::http::problem::{Refused, Result};
use crate::jobs::{approve, at_work, send_back};
use crate::store;
use crate::store::jobs::JobRow;
use crate::store::reviews::PictureRow;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(approve_frames))
        .routes(routes!(send_back_frames))
        .routes(routes!(workers))
        .routes(routes!(attempt_output))
        .routes(routes!(attempt_thumbnail))
}

/// Approve done frames: those named, or all
///
/// Frames that are approved are not sent back any more. All those named are approved, or none of them.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/approve", tag = "jobs", params(("id" = String, Path)),
    request_body = ApproveFrames,
    responses((status = 200, body = Job), (status = "4XX", body = Problem)))]
async fn approve_frames(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    extract::Json(asked): extract::Json<ApproveFrames>,
) -> Result<Json<Job>> {
    approve::approve(&app, user, id, asked.frames.as_ref()).await?;
    jobs::view_of(&app, user, id).await
}

/// Send done frames back, to be rendered again by somebody else
///
/// Frames that workers of others rendered: twice at most, within 7 days, and not once they are approved. What the
/// new pictures take is set aside and charged as usual; what was charged before comes back when another picture is
/// accepted within 7 days, unless the points for it are settled. All those named are sent back, or none of them; those
/// that are sent back already and not done again change nothing.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/send-back", tag = "jobs", params(("id" = String, Path)),
    request_body = SendBackFrames,
    responses((status = 200, body = SentBackFrames), (status = "4XX", body = Problem)))]
async fn send_back_frames(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    extract::Json(asked): extract::Json<SendBackFrames>,
) -> Result<Json<SentBackFrames>> {
    let done = send_back::send_back(&app, user, id, &asked.frames, &asked.reason).await?;
    let Json(job) = jobs::view_of(&app, user, id).await?;
    Ok(Json(SentBackFrames {
        frames: done.frames,
        refundable_micros: done.refundable,
        settled_frames: done.settled,
        job,
    }))
}

/// Which workers render a job now, and why frames of it wait
#[utoipa::path(get, path = "/api/v1/jobs/{id}/workers", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobWorkers), (status = "4XX", body = Problem)))]
async fn workers(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Json<JobWorkers>> {
    let mut tx = app.store.read().await?;
    let job = store::jobs::find_owned(&mut tx, user, id).await?;
    let job = job.ok_or_else(|| Refused::not_found("job"))?;
    Ok(Json(at_work::workers(&app, &mut tx, &job).await?))
}

/// The picture of one attempt, those that were sent back included; takes a `Range: bytes=N-`
#[utoipa::path(get, path = "/api/v1/jobs/{id}/frames/{frame}/attempts/{attempt}/output", tag = "frames",
    params(("id" = String, Path), ("frame" = i32, Path), ("attempt" = u32, Path)),
    responses((status = 200), (status = 206), (status = "4XX", body = Problem)))]
async fn attempt_output(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path((id, frame, attempt)): Path<(JobId, i32, u32)>,
    Query(version): Query<Version>,
    headers: HeaderMap,
) -> Result<Response> {
    let (made, job) = made(&app, user, (id, frame, attempt)).await?;
    let hash = made.and_then(|made| made.output.0);
    let hash = hash.ok_or_else(|| Refused::not_found("output"))?;
    let answer = send(&app, hash, &headers, job.plan.0.format.media_type()).await?;
    Ok(version.keep(hash, answer))
}

/// A small JPEG of one attempt's picture
#[utoipa::path(get, path = "/api/v1/jobs/{id}/frames/{frame}/attempts/{attempt}/thumbnail", tag = "frames",
    params(("id" = String, Path), ("frame" = i32, Path), ("attempt" = u32, Path)),
    responses((status = 200), (status = "4XX", body = Problem)))]
async fn attempt_thumbnail(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path((id, frame, attempt)): Path<(JobId, i32, u32)>,
    Query(version): Query<Version>,
    headers: HeaderMap,
) -> Result<Response> {
    let (made, _) = made(&app, user, (id, frame, attempt)).await?;
    let hash = made.and_then(|made| made.thumbnail.0);
    let hash = hash.ok_or_else(|| Refused::not_found("thumbnail"))?;
    let answer = send(&app, hash, &headers, "image/jpeg").await?;
    Ok(version.keep(hash, answer))
}

/// What an attempt made.
async fn made(
    app: &App,
    user: UserId,
    (id, frame, attempt): (JobId, i32, u32),
) -> Result<(Option<PictureRow>, JobRow)> {
    let (row, job) = frames::find(app, user, id, frame).await?;
    let mut tx = app.store.read().await?;
    let made = store::reviews::picture(&mut tx, row.id, attempt).await?;
    Ok((made, job))
}
