//! What creators do with jobs and frames. Every one of these is a plain form; all of them may be sent twice, or
//! from two tabs.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use pictor_protocol::frames::FrameList;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{JobId, Micros, UserId};
use serde::Deserialize;

use super::grid;
use super::job::Asked;
use super::{done, show};
use crate::app::App;
use crate::http::auth::Creator;
use crate::http::extract::{Form, Path};
use crate::http::pages::said::Said;
use crate::http::problem::{Refused, Result};
use crate::jobs::state::Wish;
use crate::jobs::{approve, change, send_back};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/jobs/{id}/pause", post(pause))
        .route("/jobs/{id}/resume", post(resume))
        .route("/jobs/{id}/cancel", post(cancel))
        .route("/jobs/{id}/retry", post(retry))
        .route("/jobs/{id}/delete", post(delete))
        .route("/jobs/{id}/spend-cap", post(spend_cap))
        .route("/jobs/{id}/selected", post(selected))
}

fn page_of(id: JobId) -> String {
    format!("/jobs/{id}")
}

async fn pause(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Response> {
    change::change(&app, user, id, Wish::Pause).await?;
    let said = Said::from("The job is paused. Frames that render now are finished.");
    Ok(done(
        &page_of(id),
        said.or_undo(format!("/jobs/{id}/resume")),
    ))
}

async fn resume(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Response> {
    change::change(&app, user, id, Wish::Resume).await?;
    let said = Said::from("The job goes on.");
    Ok(done(
        &page_of(id),
        said.or_undo(format!("/jobs/{id}/pause")),
    ))
}

async fn cancel(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Response> {
    change::change(&app, user, id, Wish::Cancel).await?;
    let said = Said::from(
        "The job is cancelled. What was rendered stays, and what was set aside is back.",
    );
    Ok(done(
        &page_of(id),
        said.or_undo(format!("/jobs/{id}/retry")),
    ))
}

async fn retry(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Response> {
    change::retry(&app, user, id, None).await?;
    let said = "Frames that failed or were cancelled are waiting again.";
    Ok(done(&page_of(id), said))
}

async fn delete(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
) -> Result<Response> {
    change::delete(&app, user, id).await?;
    Ok(done("/jobs", "The job and its pictures are deleted."))
}

#[derive(Deserialize)]
struct Cap {
    #[serde(default)]
    spend_cap: String,
}

async fn spend_cap(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    Form(form): Form<Cap>,
) -> Result<Response> {
    let cap = match form.spend_cap.trim() {
        "" => None,
        text => {
            let wrong = |error: pictor_protocol::amount::BadAmount| {
                Refused::new(ProblemKind::Invalid, error.to_string())
            };
            Some(text.parse::<Micros>().map_err(wrong)?)
        }
    };
    change::cap(&app, user, id, cap).await?;
    let said = match cap {
        Some(cap) => format!("It may cost {} credits at most.", show::amount(cap)),
        None => "It has no spend cap any more.".into(),
    };
    Ok(done(&page_of(id), said))
}

/// Frames that are checked, and the button that was pressed.
#[derive(Deserialize)]
struct Selected {
    #[serde(default)]
    frames: Vec<i32>,
    what: String,
    #[serde(default)]
    reason: String,
    /// Where the frames were selected.
    #[serde(default)]
    show: String,
    #[serde(default)]
    page: Option<u32>,
    /// One frame's own page sends it, and gets the answer.
    #[serde(default)]
    from_frame: Option<i32>,
}

impl Selected {
    fn back(&self, id: JobId) -> String {
        if let Some(frame) = self.from_frame {
            return format!("/jobs/{id}/frames/{frame}");
        }
        let asked = Asked {
            show: self.show.clone(),
            page: self.page,
        };
        format!("/jobs/{id}{}", grid::query(asked.shown()))
    }

    fn list(&self) -> Option<FrameList> {
        let words: Vec<String> = self.frames.iter().map(i32::to_string).collect();
        FrameList::parse(&words.join(",")).ok()
    }
}

async fn selected(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    Form(form): Form<Selected>,
) -> Result<Response> {
    let back = form.back(id);
    if form.what == "approve-all" {
        let approved = approve::approve(&app, user, id, None).await?;
        return Ok(done(&back, approved_said(approved)));
    }
    let Some(frames) = form.list() else {
        return Ok(done(&back, "Nothing was done: select frames first."));
    };
    if form.what == "download" {
        let frames = serde_html_form::to_string([("frames", frames.to_string())]);
        let frames = frames.unwrap_or_default();
        let zip = format!("/api/v1/jobs/{id}/output.zip?{frames}");
        return Ok(Redirect::to(&zip).into_response());
    }
    let said = act(&app, user, id, &form, &frames).await?;
    Ok(done(&back, said))
}

async fn act(
    app: &App,
    user: UserId,
    id: JobId,
    form: &Selected,
    frames: &FrameList,
) -> Result<String> {
    match form.what.as_str() {
        "retry" => {
            change::retry(app, user, id, Some(frames)).await?;
            Ok("Those of them that failed or were cancelled are waiting again.".into())
        }
        "approve" => {
            let approved = approve::approve(app, user, id, Some(frames)).await?;
            Ok(approved_said(approved))
        }
        "send-back" => {
            let back = send_back::send_back(app, user, id, frames, &form.reason).await?;
            Ok(sent_back_said(&back))
        }
        _ => Err(Refused::unknown_word("what")),
    }
}

fn approved_said(frames: u32) -> String {
    match frames {
        0 => "They were approved before.".into(),
        frames => format!(
            "{} approved.",
            show::counted(frames, "frame is", "frames are")
        ),
    }
}

fn sent_back_said(back: &send_back::SentBack) -> String {
    let mut said = match back.frames {
        0 => "They were sent back before.".into(),
        frames => format!(
            "{} rendered again, by somebody else.",
            show::counted(frames, "frame is", "frames are")
        ),
    };
    if back.refundable > Micros::ZERO {
        said += &format!(
            " {} credits come back when other pictures take their places.",
            show::amount(back.refundable)
        );
    }
    if back.settled > 0 {
        let frames = show::counted(back.settled, "frame stays", "frames stay");
        said += &format!(" {frames} paid: what was earned with them is settled.");
    }
    said
}
