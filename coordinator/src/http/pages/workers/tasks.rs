//! What a worker was given, and what became of it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::worker::{WorkerTask, WorkerTaskState};
use pictor_protocol::{UserId, WorkerId};
use serde::Deserialize;

use super::super::layout::{Page, Section, Viewer, html, part};
use super::super::show::Tone;
use super::super::{draw, show};
use super::worker::{Head, Seen, Tab, begin, stream};
use crate::app::App;
use crate::http::cursor;
use crate::http::extract::{Path, Query};
use crate::http::problem::Result;
use crate::workers::shown;

const ON_A_PAGE: usize = 50;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers/{id}/tasks", get(tasks))
        .route("/workers/{id}/tasks/live", get(live))
}

#[derive(Deserialize)]
struct Asked {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "workers/tasks.html")]
struct TasksPage {
    page: Page,
    head: Head,
    tasks: Tasks,
}

#[derive(Template)]
#[template(path = "workers/task-list.html")]
struct Tasks {
    id: WorkerId,
    tasks: Vec<WorkerTask>,
    is_first: bool,
    next: Option<String>,
    now_ms: i64,
}

impl Tasks {
    fn state(&self, task: &WorkerTask) -> Tone {
        let (word, class) = match task.state {
            WorkerTaskState::Leased => ("Rendering", "active"),
            WorkerTaskState::Stopping => ("Stopping", "paused"),
            WorkerTaskState::Done => ("Accepted", "done"),
            WorkerTaskState::Failed => ("Failed", "failed"),
            WorkerTaskState::Rejected => ("Rejected", "failed"),
            WorkerTaskState::SentBack => ("Sent back", "failed"),
            WorkerTaskState::Returned => ("Handed back", "waiting"),
            WorkerTaskState::Lost => ("Lost", "failed"),
            WorkerTaskState::Stopped => ("Not needed", "waiting"),
            WorkerTaskState::Unknown => ("Unknown", "waiting"),
        };
        Tone { word, class }
    }

    /// Why, where nobody said so.
    fn because(&self, task: &WorkerTask) -> Option<String> {
        let said = task.message.clone();
        said.or_else(|| match task.state {
            WorkerTaskState::Lost => Some("The worker was silent for too long.".into()),
            WorkerTaskState::Stopped => Some("Somebody else was faster, or the job ended.".into()),
            WorkerTaskState::SentBack => Some("The job’s creator wants it rendered again.".into()),
            WorkerTaskState::Leased
            | WorkerTaskState::Stopping
            | WorkerTaskState::Done
            | WorkerTaskState::Failed
            | WorkerTaskState::Rejected
            | WorkerTaskState::Returned
            | WorkerTaskState::Unknown => None,
        })
    }
}

async fn tasks(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let (user, page, head) = begin(&app, &viewer, id, Tab::Tasks).await?;
    let tasks = listed(&app, user, id, asked.after.as_deref(), page.now_ms).await?;
    // What is past stays as it is.
    let page = match tasks.is_first {
        true => page.live(format!("/workers/{id}/tasks/live")),
        false => page,
    };
    html(&TasksPage { page, head, tasks })
}

async fn listed(
    app: &App,
    user: UserId,
    id: WorkerId,
    after: Option<&str>,
    now_ms: i64,
) -> Result<Tasks> {
    let after = after.map(cursor::read).transpose()?;
    let found = shown::tasks(app, user, id, after.as_ref(), ON_A_PAGE).await?;
    Ok(Tasks {
        id,
        tasks: found.items,
        is_first: after.is_none(),
        next: found.next.map(|place| cursor::write(&place)),
        now_ms,
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
        Tab::Tasks,
        move |seen: Seen| async move {
            let tasks = listed(&seen.app, seen.user, id, None, seen.now_ms).await?;
            Ok(vec![part(&tasks)?])
        },
    )
    .await
}
