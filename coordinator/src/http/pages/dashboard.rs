//! What a person sees first once they are signed in.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::layout::{Page, Section, Viewer, html};
use super::{draw, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/dashboard", get(dashboard))
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    page: Page,
}

async fn dashboard(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Account)?;
    let has_chosen = viewer
        .holder()
        .is_some_and(|holder| holder.operator || !holder.roles.is_empty());
    if !has_chosen {
        return Ok(Redirect::to("/welcome").into_response());
    }
    let page = viewer.page(&app, Section::Dashboard, "Dashboard").await?;
    html(&Dashboard { page })
}
