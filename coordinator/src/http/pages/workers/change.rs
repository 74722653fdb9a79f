//! What owners decide about a worker with one button.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use pictor_protocol::WorkerId;
use serde::Deserialize;

use super::super::layout::done;
use super::super::said::Said;
use crate::app::App;
use crate::http::auth::WorkerOwner;
use crate::http::extract::{Form, Path};
use crate::http::problem::Result;
use crate::workers;
use crate::workers::shown;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers/{id}/pause", post(pause))
        .route("/workers/{id}/resume", post(resume))
        .route("/workers/{id}/retire", post(retire))
}

/// From where the button was pressed.
#[derive(Deserialize)]
struct Pressed {
    /// On the list, and not on the worker's own page.
    #[serde(default)]
    list: bool,
}

impl Pressed {
    fn back(&self, id: WorkerId) -> String {
        match self.list {
            true => "/workers".into(),
            false => format!("/workers/{id}"),
        }
    }
}

async fn pause(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    Form(pressed): Form<Pressed>,
) -> Result<Response> {
    workers::drain(&app, user, id, None).await?;
    let name = shown::worker(&app, user, id).await?.name;
    let text = format!("“{name}” is paused: it finishes what it renders and takes nothing more.");
    let said = Said::from(text).or_undo(format!("/workers/{id}/resume"));
    Ok(done(&pressed.back(id), said))
}

async fn resume(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
    Form(pressed): Form<Pressed>,
) -> Result<Response> {
    workers::resume(&app, user, id).await?;
    let name = shown::worker(&app, user, id).await?.name;
    let text = format!("“{name}” takes frames again.");
    Ok(done(&pressed.back(id), text))
}

async fn retire(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    workers::retire(&app, user, id).await?;
    let name = shown::worker(&app, user, id).await?.name;
    let text = format!("“{name}” is retired. What it earned stays yours.");
    Ok(done("/workers", text))
}
