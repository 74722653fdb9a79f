//! The public monitor: who is there, what waits, what was rendered.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use askama::filters::Safe;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use chrono::{DateTime, Timelike};
use pictor_protocol::network::{DeviceClass, NeededFrames, Network};
use pictor_protocol::settings::Engine;

use super::draw::chart::{self, Column};
use super::layout::{Page, Section, Viewer, html, part};
use super::live::{self, Look, Parts, Watch};
use super::shared::Shared;
use super::{draw, show};
use crate::app::App;
use crate::http::problem::Result;
use crate::network;

/// The coordinator looks no more often.
pub const EVERY: Duration = Duration::from_secs(10);

/// The parts as everybody sees them, by when the network was looked at.
type Seen = Shared<i64, Parts>;

pub fn routes() -> Router<Arc<App>> {
    let seen: Arc<Seen> = Arc::default();
    Router::new()
        .route("/network", get(monitor))
        .route("/network/live", get(changes))
        .layer(Extension(seen))
}

#[derive(Template)]
#[template(path = "network/page.html")]
struct NetworkPage {
    page: Page,
    parts: Arc<Parts>,
}

/// The numbers.
#[derive(Template)]
#[template(path = "network/numbers.html")]
struct Numbers<'a> {
    of: &'a Network,
}

/// Frames by hour.
#[derive(Template)]
#[template(path = "network/hours.html")]
struct Hours<'a> {
    of: &'a Network,
}

/// Who is there, and what waits.
#[derive(Template)]
#[template(path = "network/classes.html")]
struct Classes<'a> {
    of: &'a Network,
}

async fn monitor(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Extension(seen): Extension<Arc<Seen>>,
) -> Result<Response> {
    let page = viewer.page(&app, Section::Network, "Network").await?;
    html(&NetworkPage {
        page: page.live("/network/live"),
        parts: now(&app, &seen).await?,
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
        let of = &of;
        Ok(Parts::from(vec![
            part(&Numbers { of })?,
            part(&Hours { of })?,
            part(&Classes { of })?,
        ]))
    };
    seen.of(of.at_ms, make).await
}

/// How long somebody who submits now waits for the first frame to begin, in words.
pub fn wait(of: &Network) -> String {
    match of.median_wait_ms {
        _ if of.slots_online == 0 => "nobody is online".into(),
        _ if of.slots_busy < of.slots_online && of.frames_queued == 0 => "none".into(),
        Some(ms) => show::duration(ms),
        None => "not known yet".into(),
    }
}

fn hours(of: &Network) -> Safe<String> {
    let column = |hour: &pictor_protocol::network::NetworkHour| {
        let clock = DateTime::from_timestamp_millis(hour.start_ms);
        let clock = clock.map_or(0, |clock| clock.hour());
        Column {
            value: hour.frames as f64,
            word: match clock % 6 {
                0 => format!("{clock:02}:00"),
                _ => String::new(),
            },
            exactly: format!(
                "{clock:02}:00 UTC: {}",
                show::counted(hour.frames, "frame", "frames")
            ),
        }
    };
    let columns: Vec<_> = of.hours.iter().map(column).collect();
    let label = format!(
        "Frames of the last 24 hours, by hour: {} altogether",
        of.frames_last_day
    );
    chart::columns(&label, "", &columns)
}

/// How much of all slots, as a bar.
fn class_bar(of: &Network, class: &DeviceClass) -> Safe<String> {
    let share = class.slots as f64 / of.slots_online.max(1) as f64;
    let words = format!("{} of all slots", show::percent(share));
    draw::bar(&[("active", share)], &words)
}

fn need_bar(of: &Network, need: &NeededFrames) -> Safe<String> {
    let share = need.frames as f64 / of.frames_queued.max(1) as f64;
    let words = format!("{} of all waiting frames", show::percent(share));
    draw::bar(&[("paused", share)], &words)
}

const fn engine(of: &Option<Engine>) -> &'static str {
    match of {
        Some(Engine::Cycles) => "Cycles",
        Some(Engine::Eevee) => "EEVEE",
        Some(Engine::Workbench) => "Workbench",
        None => "Another engine",
    }
}
