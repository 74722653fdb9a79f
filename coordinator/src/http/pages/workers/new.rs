//! The first of three steps to another worker: its name.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::super::layout::{Page, Section, Viewer, again, done, html};
use super::super::{draw, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::auth::WorkerOwner;
use crate::http::extract::Form;
use crate::http::problem::Result;
use crate::workers::{self, WorkerError};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/workers/new", get(ask).post(create))
}

#[derive(Template)]
#[template(path = "workers/new.html")]
struct NewPage {
    page: Page,
    name: String,
    fault: Option<String>,
}

async fn ask(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Workers)?;
    html(&NewPage {
        page: viewer.page(&app, Section::Workers, "New worker").await?,
        name: String::new(),
        fault: None,
    })
}

#[derive(Deserialize)]
struct New {
    #[serde(default)]
    name: String,
}

/// The token that is made with the worker is told to nobody: its owner gets another one, in the file that the
/// next step downloads. So the pages can be loaded again at any time, and no secret is on them.
async fn create(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    viewer: Viewer,
    Form(new): Form<New>,
) -> Result<Response> {
    match workers::create(&app.store, user, &new.name, &app.url, app.now_us()).await {
        Ok(config) => {
            app.bells.owners.ring(user);
            let to = format!("/workers/{}/connect", config.worker_id);
            Ok(done(&to, format!("“{}” is registered.", config.name)))
        }
        Err(error @ WorkerError::BadName) => {
            let page = html(&NewPage {
                page: viewer.page(&app, Section::Workers, "New worker").await?,
                name: new.name,
                fault: Some(error.to_string()),
            })?;
            Ok(again(page))
        }
        Err(error) => Err(error.into()),
    }
}
