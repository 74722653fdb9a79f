//! Questions and answers, the rules of campaigns, which GPUs can render.

mod diff;
mod gpus;
mod rules;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::campaign::Campaign;

use super::layout::{Page, Section, Viewer, html};
use super::{draw, show};
use crate::app::App;
use crate::campaign::snapshot::SnapshotError;
use crate::campaign::snapshot::key::Key;
use crate::campaign::view;
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/help", get(help))
        .merge(rules::routes())
        .merge(gpus::routes())
}

#[derive(Template)]
#[template(path = "help/page.html")]
struct Help {
    page: Page,
    campaign: Option<Campaign>,
    url: String,
    /// What snapshots are signed with, in hexadecimal digits.
    key: String,
}

async fn help(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let campaigns = view::now(&app, &mut tx, app.now_us()).await?;
    drop(tx);
    let key = Key::open_or_make(&app.config.campaign_key_file()).map_err(SnapshotError::from)?;
    html(&Help {
        page: viewer.page(&app, Section::Help, "Rules & help").await?,
        campaign: campaigns.current.or(campaigns.next),
        url: app.url.clone(),
        key: key.public().to_string(),
    })
}
