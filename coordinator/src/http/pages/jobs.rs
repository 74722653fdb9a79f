//! Rendering: one's jobs, a new one, and what becomes of its frames.
//!
//! | module | what |
//! |---|---|
//! | [`list`] | all of one's jobs, by state and name |
//! | [`upload`] | a scene comes, in parts or in one piece |
//! | [`new`] | it says what it is, and becomes a job |
//! | [`form`] | a job's settings as somebody typed them (pure) |
//! | [`job`] | a job: where it stands, its frames, who renders it |
//! | [`grid`] | the frames of a job: one page of them, and an overview of all |
//! | [`frame`] | one frame: its picture, how it came about, its log |
//! | [`act`] | what creators do with jobs and frames |

use std::sync::Arc;

use axum::Router;
use pictor_protocol::problem::ProblemKind;

use super::layout::{Page, Section, Viewer, again, done, html};
use super::{draw, live, shared, show};
use crate::app::App;
use crate::http::problem::{Refused, Result};

mod act;
mod form;
mod frame;
mod grid;
mod job;
mod list;
mod new;
mod upload;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(list::routes()) //   /jobs[/live]
        .merge(upload::routes()) // /jobs/new
        .merge(new::routes()) //    /scenes/{id}/new-job[/estimate]
        .merge(job::routes()) //    /jobs/{id}[/live]
        .merge(frame::routes()) //  /jobs/{id}/frames/{frame}
        .merge(act::routes()) //    /jobs/{id}/pause|resume|cancel|retry|delete|spend-cap|selected
}

/// A part of a page by itself.
fn rendered(part: &impl askama::Template) -> Result<String> {
    part.render().map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "part of a page failed"
        );
        Refused::new(ProblemKind::Internal, "this part could not be written")
    })
}
