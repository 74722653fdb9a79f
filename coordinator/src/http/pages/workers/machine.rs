//! The machine behind a worker: what its doctor found, what Blender is kept in, what is installed.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::WorkerId;
use pictor_protocol::health::{CheckOutcome, DoctorCheck};

use super::super::layout::{Page, Section, Viewer, html};
use super::super::show::Tone;
use super::super::{draw, show};
use super::worker::{Head, Tab, begin};
use crate::app::App;
use crate::http::extract::Path;
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/workers/{id}/machine", get(machine))
}

#[derive(Template)]
#[template(path = "workers/machine.html")]
struct MachinePage {
    page: Page,
    head: Head,
}

impl MachinePage {
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
    fn checks(&self) -> Vec<&DoctorCheck> {
        let mut checks: Vec<_> = self.head.worker.doctor.iter().collect();
        checks.sort_by_key(|check| match check.outcome {
            CheckOutcome::Fail => 0,
            CheckOutcome::Warn => 1,
            CheckOutcome::Unknown => 2,
            CheckOutcome::Ok => 3,
            CheckOutcome::NotApplicable => 4,
        });
        checks
    }
}

async fn machine(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    let (_, page, head) = begin(&app, &viewer, id, Tab::Machine).await?;
    html(&MachinePage { page, head })
}
