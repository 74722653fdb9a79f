//! What every page of one worker has: its name, how it is, and the way to the others.

use askama::Template;
use pictor_protocol::worker::{Presence, Worker, WorkerStatus};
use pictor_protocol::{UserId, WorkerId};

use super::super::layout::{Page, Section, Viewer};
use super::super::{draw, show};
use super::row;
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
