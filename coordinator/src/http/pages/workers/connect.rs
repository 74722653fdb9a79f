//! The other two steps to another worker: its config file, and the machine that connects with it.
//!
//! The file is made when it is asked for, with a token that is nowhere else: the one before is worth nothing then.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderValue, header};
use pictor_protocol::WorkerId;
use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use pictor_protocol::worker::{Worker, WorkerState};

use super::super::layout::{Page, Section, Viewer, html, part, secret_html};
use super::super::{draw, show};
use super::row;
use super::watch::{self, Found};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::config::ImageName;
use crate::http::auth::WorkerOwner;
use crate::http::extract::Path;
use crate::http::problem::Result;
use crate::workers;
use crate::workers::shown;

/// Whoever waited this long is told what may be wrong.
const LONG_MS: i64 = 3 * 60_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers/{id}/connect", get(connect))
        .route("/workers/{id}/connect/live", get(live))
        .route("/workers/{id}/config", post(config))
        .route("/workers/{id}/token", post(token))
}

#[derive(Template)]
#[template(path = "workers/connect.html")]
struct ConnectPage {
    page: Page,
    arrival: Arrival,
    /// Of this coordinator, for the machine.
    url: String,
    /// What to install, if the operator has said so.
    image: Option<ImageName>,
}

/// How far the machine is on its way.
#[derive(Template)]
#[template(path = "workers/arrival.html")]
struct Arrival {
    worker: Worker,
    now_ms: i64,
}

/// One of the stations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Station {
    /// Not reached yet.
    Ahead,
    Now,
    Passed,
}

impl Arrival {
    fn connects(&self) -> Station {
        match self.worker.connected_ms {
            None => Station::Now,
            Some(_) => Station::Passed,
        }
    }

    fn tries(&self) -> Station {
        let tried = |proven: &Option<Vec<_>>| proven.as_ref().is_none_or(|it| !it.is_empty());
        let slots = &self.worker.slots;
        match self.connects() {
            Station::Passed if slots.iter().any(|slot| tried(&slot.proven)) => Station::Passed,
            Station::Passed => Station::Now,
            Station::Ahead | Station::Now => Station::Ahead,
        }
    }

    fn examines(&self) -> Station {
        match (self.connects(), self.worker.doctor.is_empty()) {
            (Station::Passed, false) => Station::Passed,
            (Station::Passed, true) => Station::Now,
            (Station::Ahead | Station::Now, _) => Station::Ahead,
        }
    }

    fn ready(&self) -> Station {
        let can_render = matches!(
            row::state(&self.worker),
            WorkerState::Waiting
                | WorkerState::Rendering
                | WorkerState::Pausing
                | WorkerState::Paused
                | WorkerState::OutsideHours
        );
        match self.tries() {
            Station::Passed if can_render => Station::Passed,
            Station::Passed | Station::Ahead | Station::Now => Station::Ahead,
        }
    }

    fn is_ready(&self) -> bool {
        self.ready() == Station::Passed
    }

    /// Nothing came, for longer than it should take.
    fn is_long(&self) -> bool {
        let waits = self.connects() == Station::Now;
        waits && self.now_ms - self.worker.created_ms > LONG_MS
    }

    fn is_too_old(&self) -> bool {
        row::state(&self.worker) == WorkerState::TooOld
    }

    /// What the doctor does not like.
    fn complaints(&self) -> Vec<&DoctorCheck> {
        let is_bad =
            |of: &&DoctorCheck| matches!(of.outcome, CheckOutcome::Fail | CheckOutcome::Warn);
        self.worker.doctor.iter().filter(is_bad).collect()
    }

    /// When time alone changes something.
    fn due_us(&self) -> i64 {
        let long_us = (self.worker.created_ms + LONG_MS + 1_000) * 1_000;
        let waits = self.connects() == Station::Now && !self.is_long();
        let silent_us = watch::silence_us([&self.worker]);
        if waits {
            long_us.min(silent_us)
        } else {
            silent_us
        }
    }
}

async fn connect(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    let user = viewer.with(Right::Workers)?;
    let worker = shown::worker(&app, user, id).await?;
    let title = format!("Connect {}", worker.name);
    let page = viewer.page(&app, Section::Workers, title).await?;
    html(&ConnectPage {
        page: page.live(format!("/workers/{id}/connect/live")),
        arrival: Arrival {
            worker,
            now_ms: app.now_us() / 1_000,
        },
        url: app.url.clone(),
        image: app.config.worker_image.clone(),
    })
}

async fn live(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    let user = viewer.with(Right::Workers)?;
    shown::worker(&app, user, id).await?;
    let again = Arc::clone(&app);
    Ok(watch::stream(&app, user, move || {
        let app = Arc::clone(&again);
        async move {
            let arrival = Arrival {
                worker: shown::worker(&app, user, id).await?,
                now_ms: app.now_us() / 1_000,
            };
            Ok(Found {
                parts: vec![part(&arrival)?],
                due_us: arrival.due_us(),
            })
        }
    }))
}

/// The file, with a new token.
async fn config(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    let mut response = new_config(&app, user, id).await?.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"worker-config.json\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

async fn new_config(app: &App, user: pictor_protocol::UserId, id: WorkerId) -> Result<String> {
    let config = workers::replace_token(app, user, id).await?;
    let text = serde_json::to_string_pretty(&config);
    Ok(text.unwrap_or_default() + "\n")
}

#[derive(Template)]
#[template(path = "workers/token.html")]
struct TokenPage {
    page: Page,
    id: WorkerId,
    config: String,
}

/// The same as text, for a machine that has no browser.
async fn token(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    let config = new_config(&app, user, id).await?;
    secret_html(&TokenPage {
        page: viewer.page(&app, Section::Workers, "Worker config").await?,
        id,
        config,
    })
}
