//! One frame: its picture, how it came about, and what Blender said. A page of its own, of which the job's page
//! shows the middle in a dialog.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::job::FrameState;
use pictor_protocol::review::{FrameAttempt, ReviewState, SentBackState};
use pictor_protocol::settings::Format;
use pictor_protocol::worker::WorkerTaskState;
use pictor_protocol::{JobId, Micros};

use super::{Page, Section, Viewer, draw, html, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};
use crate::jobs::overview::{self, WholeFrame};
use crate::jobs::redo::REPLACED_WITHIN_DAYS;
use crate::jobs::review::REASON_CHARS_MAX;

/// More of a log than this is fetched as a file.
const LOG_BYTES_MAX: usize = 40_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/jobs/{id}/frames/{frame}", get(frame))
}

#[derive(Template)]
#[template(path = "jobs/frame.html")]
struct FramePage {
    page: Page,
    whole: WholeFrame,
}

impl FramePage {
    fn base(&self) -> String {
        let of = &self.whole;
        format!("/api/v1/jobs/{}/frames/{}", of.job.id, of.frame.frame)
    }

    fn is_shown_whole(&self) -> bool {
        matches!(self.whole.job.render.format, Format::Png | Format::Jpeg)
    }

    /// The picture as browsers can show it: whole, or as a thumbnail.
    fn picture(&self) -> Option<String> {
        let output = self.whole.frame.output.as_ref()?;
        let version: String = output.blob.to_string().chars().take(12).collect();
        let base = self.base();
        if self.is_shown_whole() {
            Some(format!("{base}/output?v={version}"))
        } else {
            output.has_thumbnail.then(|| format!("{base}/thumbnail"))
        }
    }

    fn picture_of(&self, attempt: &FrameAttempt) -> String {
        let what = if self.is_shown_whole() {
            "output"
        } else {
            "thumbnail"
        };
        format!("{}/attempts/{}/{what}", self.base(), attempt.attempt)
    }

    /// The last two attempts with a picture, the older first: before and after.
    fn compared(&self) -> Option<(&FrameAttempt, &FrameAttempt)> {
        let has_picture = |of: &&FrameAttempt| match self.is_shown_whole() {
            true => of.has_output,
            false => of.has_thumbnail,
        };
        let mut latest = self.whole.frame.history.iter().rev().filter(has_picture);
        let after = latest.next()?;
        Some((latest.next()?, after))
    }

    fn is_done(&self) -> bool {
        self.whole.frame.state == FrameState::Done
    }

    fn can_retry(&self) -> bool {
        matches!(
            self.whole.frame.state,
            FrameState::Failed | FrameState::Cancelled
        )
    }

    fn is_approved(&self) -> bool {
        let review = self.whole.frame.review.as_ref();
        review.is_some_and(|review| review.state == ReviewState::Approved)
    }

    fn sent_back_why(&self) -> Option<&str> {
        let review = self.whole.frame.review.as_ref()?;
        let reason = review.reason.as_deref().unwrap_or_default();
        (review.state == ReviewState::SentBack).then_some(reason)
    }

    /// The end of the log, and whether something stands before it.
    fn log(&self) -> (&str, bool) {
        let log = &self.whole.log;
        let from = log.len().saturating_sub(LOG_BYTES_MAX);
        let from = (from..=log.len()).find(|at| log.is_char_boundary(*at));
        let end = from.and_then(|from| log.get(from..)).unwrap_or_default();
        (end, end.len() < log.len())
    }

    fn attempt_state(&self, of: &WorkerTaskState) -> show::Tone {
        attempt_state(*of)
    }

    /// What became of what a picture cost that was sent back; nothing if it cost nothing.
    fn paid_said(&self, of: &FrameAttempt) -> Option<String> {
        let back = of
            .sent_back
            .filter(|back| back.charged_micros > Micros::ZERO)?;
        let credits = show::amount(back.charged_micros);
        match back.state {
            SentBackState::Open => Some(format!(
                "{credits} credits come back when another picture takes its place, within {REPLACED_WITHIN_DAYS} days."
            )),
            SentBackState::Replaced => Some(format!("{credits} credits came back.")),
            SentBackState::Same => Some("The new picture shows the same, so it stays paid.".into()),
            SentBackState::Own => Some("It stays paid: your own picture took its place.".into()),
            SentBackState::Settled => {
                Some("It stays paid: what was earned with it is settled.".into())
            }
            SentBackState::Unknown => None,
        }
    }

    fn reason_chars_max(&self) -> usize {
        REASON_CHARS_MAX
    }
}

fn attempt_state(of: WorkerTaskState) -> show::Tone {
    let (word, class) = match of {
        WorkerTaskState::Leased => ("Rendering", "active"),
        WorkerTaskState::Stopping => ("Stopping", "paused"),
        WorkerTaskState::Done => ("Delivered", "done"),
        WorkerTaskState::Failed => ("Failed", "failed"),
        WorkerTaskState::Rejected => ("Picture refused", "failed"),
        WorkerTaskState::Returned => ("Handed back", "waiting"),
        WorkerTaskState::Lost => ("Lost contact", "failed"),
        WorkerTaskState::Stopped => ("Not needed", "waiting"),
        WorkerTaskState::SentBack => ("Sent back", "paused"),
        WorkerTaskState::Unknown => ("Unknown", "waiting"),
    };
    show::Tone { word, class }
}

async fn frame(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((id, frame)): Path<(JobId, i32)>,
) -> Result<Response> {
    let user = viewer.with(Right::Jobs)?;
    let whole = overview::of_frame(&app, user, id, frame).await?;
    let whole = whole.ok_or_else(|| Refused::not_found("frame"))?;
    let title = format!("Frame {frame} of {}", whole.job.name);
    html(&FramePage {
        page: viewer.page(&app, Section::Jobs, title).await?,
        whole,
    })
}
