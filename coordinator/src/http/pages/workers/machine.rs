//! The machine behind a worker: what its doctor found, what Blender is kept in, what is installed.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::WorkerId;
use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use pictor_protocol::worker::Worker;

use super::super::layout::{Page, Section, Viewer, html, part};
use super::super::show::Tone;
use super::super::{draw, show};
use super::worker::{Head, Seen, Tab, begin, stream};
use crate::app::App;
use crate::http::extract::Path;
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers/{id}/machine", get(machine))
        .route("/workers/{id}/machine/live", get(live))
}

#[derive(Template)]
#[template(path = "workers/machine.html")]
struct MachinePage {
    page: Page,
    head: Head,
    report: Report,
    about: About,
}

/// What is installed, and when it was heard of.
#[derive(Template)]
#[template(path = "workers/about.html")]
struct About {
    worker: Worker,
    now_ms: i64,
}

/// Of the doctor.
#[derive(Template)]
#[template(path = "workers/doctor.html")]
struct Report {
    checks: Vec<DoctorCheck>,
}

impl Report {
    fn outcome(&self, check: &DoctorCheck) -> Tone {
        let (word, class) = match check.outcome {
            CheckOutcome::Ok => ("Good", "done"),
            CheckOutcome::Warn => ("Could be better", "paused"),
            CheckOutcome::Fail => ("Wrong", "failed"),
            CheckOutcome::NotApplicable => ("Not needed", "waiting"),
            CheckOutcome::Unknown => ("Unknown", "waiting"),
        };
        Tone { word, class }
    }

    /// What is wrong comes first.
    fn of(worker: &Worker) -> Self {
        let mut checks = worker.doctor.clone();
        checks.sort_by_key(|check| match check.outcome {
            CheckOutcome::Fail => 0,
            CheckOutcome::Warn => 1,
            CheckOutcome::Unknown => 2,
            CheckOutcome::Ok => 3,
            CheckOutcome::NotApplicable => 4,
        });
        Self { checks }
    }
}

async fn machine(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    let (_, page, head) = begin(&app, &viewer, id, Tab::Machine).await?;
    html(&MachinePage {
        report: Report::of(&head.worker),
        about: About {
            worker: head.worker.clone(),
            now_ms: page.now_ms,
        },
        page: page.live(format!("/workers/{id}/machine/live")),
        head,
    })
}

async fn live(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    stream(
        &app,
        &viewer,
        id,
        Tab::Machine,
        move |seen: Seen| async move {
            let report = Report::of(&seen.worker);
            let about = About {
                worker: seen.worker,
                now_ms: seen.now_ms,
            };
            Ok(vec![part(&report)?, part(&about)?])
        },
    )
    .await
}
