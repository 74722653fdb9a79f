//! What everybody sees first.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::layout::{Page, Section, Viewer, html};
use super::{draw, show};
use crate::app::App;
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(landing))
}

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    page: Page,
}

async fn landing(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    if viewer.user().is_some() {
        return Ok(Redirect::to("/dashboard").into_response());
    }
    let title = "Render Blender scenes on everybody’s GPUs";
    let page = viewer.page(&app, Section::Elsewhere, title).await?;
    html(&Landing { page })
}
