//! Everybody's workers and jobs, and the coordinator itself.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use pictor_protocol::network::{OwnedJobPage, OwnedWorkerPage, SystemState};
use pictor_protocol::worker::Presence;
use pictor_protocol::{JobId, WorkerId};
use serde::Deserialize;

use super::console;
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::auth::Operator;
use crate::http::extract::{Form, Path, Query};
use crate::http::pages::layout::{Page, Section, Viewer, done, html};
use crate::http::pages::said::Said;
use crate::http::pages::{draw, show};
use crate::http::problem::Result;
use crate::{overview, workers};

const PAGE: usize = 50;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/operator/workers", get(all_workers))
        .route("/operator/workers/{id}/suspend", post(suspend))
        .route("/operator/workers/{id}/reinstate", post(reinstate))
        .route("/operator/jobs", get(all_jobs))
        .route("/operator/system", get(system))
}

#[derive(Deserialize)]
struct WorkersAsked {
    #[serde(default)]
    search: String,
    before: Option<WorkerId>,
}

#[derive(Template)]
#[template(path = "operator/workers.html")]
struct Workers {
    page: Page,
    search: String,
    found: OwnedWorkerPage,
}

async fn all_workers(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<WorkersAsked>,
) -> Result<Response> {
    let operator = viewer.with(Right::Operate)?;
    let found = overview::workers(&app, operator, asked.search.trim(), asked.before, PAGE).await?;
    html(&Workers {
        page: viewer.page(&app, Section::Operator, "All workers").await?,
        search: asked.search,
        found,
    })
}

#[derive(Deserialize)]
struct Why {
    #[serde(default)]
    reason: String,
}

async fn suspend(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<WorkerId>,
    Form(form): Form<Why>,
) -> Result<Response> {
    workers::suspend(&app, by, id, form.reason.trim()).await?;
    let said = Said::from("The worker is suspended; its owner reads why.");
    let undo = format!("/operator/workers/{id}/reinstate");
    Ok(done("/operator/workers", said.or_undo(undo)))
}

async fn reinstate(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    workers::reinstate(&app, by, id).await?;
    Ok(done("/operator/workers", "The worker may render again."))
}

#[derive(Deserialize)]
struct JobsAsked {
    #[serde(default)]
    search: String,
    before: Option<JobId>,
}

#[derive(Template)]
#[template(path = "operator/jobs.html")]
struct Jobs {
    page: Page,
    search: String,
    found: OwnedJobPage,
}

async fn all_jobs(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<JobsAsked>,
) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let found = overview::jobs(&app, asked.search.trim(), asked.before, PAGE).await?;
    html(&Jobs {
        page: viewer.page(&app, Section::Operator, "All jobs").await?,
        search: asked.search,
        found,
    })
}

#[derive(Template)]
#[template(path = "operator/system.html")]
struct System {
    page: Page,
    system: SystemState,
}

async fn system(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Operate)?;
    html(&System {
        page: viewer.page(&app, Section::Operator, "System").await?,
        system: overview::system(&app).await?,
    })
}
