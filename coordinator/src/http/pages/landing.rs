//! What everybody sees first.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use pictor_protocol::campaign::{Campaign, CampaignState};
use pictor_protocol::network::Network;

use super::draw::film::film;
use super::layout::{Page, Section, Viewer, html, part};
use super::live::{self, Look, Parts, Watch};
use super::network::{EVERY, wait};
use super::shared::Shared;
use super::{draw, show};
use crate::app::App;
use crate::campaign::view;
use crate::http::problem::Result;
use crate::network;

/// Models of GPUs that are named.
const MODELS: usize = 3;

/// The numbers as everybody sees them, by when the network was looked at.
type Seen = Shared<i64, Parts>;

pub fn routes() -> Router<Arc<App>> {
    let seen: Arc<Seen> = Arc::default();
    Router::new()
        .route("/", get(landing))
        .route("/network/landing/live", get(changes))
        .layer(Extension(seen))
}

#[derive(Template)]
#[template(path = "landing/page.html")]
struct Landing {
    page: Page,
    /// The current one, or the one that opens next.
    campaign: Option<Campaign>,
    has_snapshot: bool,
    now: Arc<Parts>,
}

/// The network now.
#[derive(Template)]
#[template(path = "landing/now.html")]
struct Now<'a> {
    of: &'a Network,
    /// `4 × NVIDIA L4`
    models: Vec<String>,
}

async fn landing(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Extension(seen): Extension<Arc<Seen>>,
) -> Result<Response> {
    if viewer.user().is_some() {
        return Ok(Redirect::to("/dashboard").into_response());
    }
    let mut tx = app.store.read().await?;
    let campaigns = view::now(&app, &mut tx, app.now_us()).await?;
    let summary = view::current_summary(&app, &mut tx, app.now_us()).await?;
    drop(tx);
    let title = "Render Blender scenes on everybody’s GPUs";
    let page = viewer.page(&app, Section::Elsewhere, title).await?;
    html(&Landing {
        page: page.live("/network/landing/live"),
        campaign: campaigns.current.or(campaigns.next),
        has_snapshot: summary.is_some_and(|summary| summary.has_snapshot),
        now: now(&app, &seen).await?,
    })
}

async fn changes(State(app): State<Arc<App>>, Extension(seen): Extension<Arc<Seen>>) -> Response {
    let watch = Watch {
        ear: None,
        every: Some(EVERY),
    };
    let of = Arc::clone(&app);
    live::stream(&app, watch, move || {
        let (app, seen) = (Arc::clone(&of), Arc::clone(&seen));
        async move { Ok(Look::Parts(now(&app, &seen).await?)) }
    })
}

async fn now(app: &App, seen: &Seen) -> Result<Arc<Parts>> {
    let of = network::look(app).await?;
    let make = async || {
        Ok(Parts::from(vec![part(&Now {
            models: models(&of),
            of: &of,
        })?]))
    };
    seen.of(of.at_ms, make).await
}

fn models(of: &Network) -> Vec<String> {
    let named = of.classes.iter().take(MODELS).map(|class| {
        let name = class.name.trim_start_matches("NVIDIA ");
        format!("{} × {}", class.slots, name.trim_start_matches("GeForce "))
    });
    let mut named: Vec<_> = named.collect();
    match of.classes.len().saturating_sub(MODELS) {
        0 => {}
        more => named.push(format!("{more} more")),
    }
    named
}
