//! Jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::job::{Job, JobEstimate, JobPage, JobState, NewJob, RetryFrames, SpendCap};
use pictor_protocol::problem::Problem;
use pictor_protocol::{JobId, UserId};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::Creator;
use crate::http::extract::{self, Path, Query};
use crate::http::problem::{Refused, Result};
use crate::jobs::list::JobsAsked;
use crate::jobs::state::Wish;
use crate::jobs::{change, list as jobs_of, submit, view};
use crate::store;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(estimate))
        .routes(routes!(spend_cap))
}

/// Submit a job
#[utoipa::path(post, path = "/api/v1/jobs", tag = "jobs", request_body = NewJob,
    responses((status = 201, body = Job), (status = "4XX", body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    extract::Json(new): extract::Json<NewJob>,
) -> Result<(StatusCode, Json<Job>)> {
    let id = submit::submit(&app, user, &new).await?;
    Ok((StatusCode::CREATED, view_of(&app, user, id).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Jobs older than this one
    before: Option<JobId>,
    /// Jobs in these states only, such as `queued,rendering`
    state: Option<String>,
    /// Jobs with this in their name only, in upper or lower case
    name: Option<String>,
    /// Most jobs in the answer, 1 to 1000 (50 when unset)
    limit: Option<u32>,
}

/// Jobs of one's own, newest first
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(ListQuery),
    responses((status = 200, body = JobPage), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Query(query): Query<ListQuery>,
) -> Result<Json<JobPage>> {
    let asked = JobsAsked {
        before: query.before,
        states: states(query.state.as_deref().unwrap_or_default())?,
        name_part: query.name.unwrap_or_default(),
        limit: query.limit.unwrap_or(50).clamp(1, 1_000) as usize,
    };
    Ok(Json(jobs_of::page(&app, user, &asked).await?))
}

/// States with commas between them.
fn states(words: &str) -> Result<Vec<JobState>> {
    let words = words.split(',').filter(|word| !word.is_empty());
    let states = words.map(
        |word| match JobState::deserialize(word.into_deserializer()) {
            Ok(JobState::Unknown) | Err::<_, value::Error>(_) => {
                Err(Refused::unknown_word("state"))
            }
            Ok(state) => Ok(state),
        },
    );
    states.collect()
}

/// A job
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Json<Job>> {
    view_of(&app, user, id).await
}

/// Delete a job with its outputs; what renders is stopped
#[utoipa::path(delete, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn delete(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<StatusCode> {
    change::delete(&app, user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hand out no more frames; those that render are finished
#[utoipa::path(post, path = "/api/v1/jobs/{id}/pause", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = "4XX", body = Problem)))]
async fn pause(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Json<Job>> {
    change::change(&app, user, id, Wish::Pause).await?;
    view_of(&app, user, id).await
}

/// Go on with a paused job, or with one that needed attention
#[utoipa::path(post, path = "/api/v1/jobs/{id}/resume", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = "4XX", body = Problem)))]
async fn resume(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Json<Job>> {
    change::change(&app, user, id, Wish::Resume).await?;
    view_of(&app, user, id).await
}

/// Stop a job, what renders included
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = "4XX", body = Problem)))]
async fn cancel(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Json<Job>> {
    change::change(&app, user, id, Wish::Cancel).await?;
    view_of(&app, user, id).await
}

/// Render failed and cancelled frames again
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs", params(("id" = String, Path)),
    request_body = RetryFrames, responses((status = 200, body = Job), (status = "4XX", body = Problem)))]
async fn retry(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    extract::Json(retry): extract::Json<RetryFrames>,
) -> Result<Json<Job>> {
    change::retry(&app, user, id, retry.frames.as_ref()).await?;
    view_of(&app, user, id).await
}

/// What a job would cost, before it is submitted; nothing where rendering costs nothing
#[utoipa::path(post, path = "/api/v1/jobs/estimate", tag = "jobs", request_body = NewJob,
    responses((status = 200, body = Option<JobEstimate>), (status = "4XX", body = Problem)))]
async fn estimate(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    extract::Json(new): extract::Json<NewJob>,
) -> Result<Json<Option<JobEstimate>>> {
    Ok(Json(submit::estimate(&app, user, &new).await?))
}

/// Set what a job may cost at most
#[utoipa::path(post, path = "/api/v1/jobs/{id}/spend-cap", tag = "jobs", params(("id" = String, Path)),
    request_body = SpendCap,
    responses((status = 200, body = Job), (status = "4XX", body = Problem)))]
async fn spend_cap(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    extract::Json(cap): extract::Json<SpendCap>,
) -> Result<Json<Job>> {
    change::cap(&app, user, id, cap.spend_cap_micros).await?;
    view_of(&app, user, id).await
}

pub(super) async fn view_of(app: &App, user: UserId, id: JobId) -> Result<Json<Job>> {
    let mut tx = app.store.read().await?;
    let row = store::jobs::find_owned(&mut tx, user, id)
        .await?
        .ok_or_else(|| Refused::not_found("job"))?;
    Ok(Json(view::job(&mut tx, row, app.now_us()).await?))
}
