//! What every page of one worker has: its name, how it is, and the way to the others.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use pictor_protocol::worker::{Presence, Worker, WorkerStatus};
use pictor_protocol::{UserId, WorkerId};

use super::super::layout::{Page, Section, Viewer, part};
use super::super::{draw, show};
use super::row;
use super::watch::{self, Found};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::problem::Result;
use crate::workers::shown;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Tasks,
    Earnings,
    Machine,
    Settings,
}

#[derive(Template)]
#[template(path = "workers/head.html")]
pub struct Head {
    pub worker: Worker,
    pub tab: Tab,
    /// Points are a thing here.
    pub points: bool,
    pub now_ms: i64,
}

impl Head {
    fn is(&self, tab: Tab) -> bool {
        self.tab == tab
    }

    fn status(&self) -> Option<&WorkerStatus> {
        row::status(&self.worker)
    }

    /// Whether something has to be done.
    fn tone(&self) -> &'static str {
        match show::worker_state(row::state(&self.worker)).class {
            "failed" => "bad",
            "paused" => "warn",
            _ => "",
        }
    }

    fn can_pause(&self) -> bool {
        let presence = self.worker.presence;
        matches!(presence, Presence::Online | Presence::Offline) && !self.is_paused()
    }

    fn is_paused(&self) -> bool {
        row::is_paused(&self.worker)
    }

    fn is_new(&self) -> bool {
        self.worker.presence == Presence::New
    }
}

/// The page around a worker of the viewer's, and its head.
pub async fn begin(
    app: &App,
    viewer: &Viewer,
    id: WorkerId,
    tab: Tab,
) -> Result<(UserId, Page, Head)> {
    let user = viewer.with(Right::Workers)?;
    let worker = shown::worker(app, user, id).await?;
    let name = worker.name.clone();
    let page = viewer.page(app, Section::Workers, name).await?;
    let head = Head {
        worker,
        tab,
        points: super::list::has_points(&page),
        now_ms: page.now_ms,
    };
    Ok((user, page, head))
}

/// A worker of the viewer's, as a stream sees it.
pub struct Seen {
    pub app: Arc<App>,
    pub user: UserId,
    pub worker: Worker,
    /// When the stream began. Times are written for that moment, so that what only became older looks the same; the
    /// page's script keeps them right.
    pub now_ms: i64,
}

/// Streams what changes on a page of one worker: its head, and what `look` finds beside it.
pub async fn stream<L, F>(
    app: &Arc<App>,
    viewer: &Viewer,
    id: WorkerId,
    tab: Tab,
    look: L,
) -> Result<Response>
where
    L: Fn(Seen) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Vec<String>>> + Send,
{
    let (user, _, Head { points, now_ms, .. }) = begin(app, viewer, id, tab).await?;
    let (again, look) = (Arc::clone(app), Arc::new(look));
    Ok(watch::stream(app, user, move || {
        let (app, look) = (Arc::clone(&again), Arc::clone(&look));
        async move {
            let worker = shown::worker(&app, user, id).await?;
            let due_us = watch::silence_us([&worker]);
            let head = Head {
                worker: worker.clone(),
                tab,
                points,
                now_ms,
            };
            let mut parts = vec![part(&head)?];
            let seen = Seen {
                app,
                user,
                worker,
                now_ms,
            };
            parts.extend(look(seen).await?);
            Ok(Found { parts, due_us })
        }
    }))
}
