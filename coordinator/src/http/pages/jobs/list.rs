//! All of one's jobs: by state, by name, newest first.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use askama::Template;
use askama::filters::Safe;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::job::{Job, JobCounts, JobPage, JobState};
use pictor_protocol::{JobId, UserId};
use serde::{Deserialize, Serialize};

use super::grid::thumbnail;
use super::live::{Look, Watch, stream};
use super::{Page, Section, Viewer, draw, html, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::bells::Ear;
use crate::http::auth::Creator;
use crate::http::extract::Query;
use crate::http::problem::Result;
use crate::jobs::list::{self, JobsAsked};
use crate::jobs::overview;

const ON_A_PAGE: usize = 25;
/// Jobs that were submitted elsewhere have no bell that rings here.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Progress rings several times a second; nobody reads faster than this.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/jobs", get(all))
        .route("/jobs/live", get(live))
}

/// Which jobs are looked at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Asked {
    /// One of [`TABS`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    show: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<JobId>,
}

struct Tab {
    word: &'static str,
    name: &'static str,
    states: &'static [JobState],
}

/// What people look for, and not every state by itself.
const TABS: &[Tab] = &[
    Tab {
        word: "",
        name: "All",
        states: &[],
    },
    Tab {
        word: "active",
        name: "Active",
        states: &[JobState::Queued, JobState::Rendering],
    },
    Tab {
        word: "attention",
        name: "Needs you",
        states: &[JobState::NeedsAttention, JobState::Failed],
    },
    Tab {
        word: "paused",
        name: "Paused",
        states: &[JobState::Paused],
    },
    Tab {
        word: "done",
        name: "Done",
        states: &[JobState::Done],
    },
    Tab {
        word: "cancelled",
        name: "Cancelled",
        states: &[JobState::Cancelled],
    },
];

impl Asked {
    fn tab(&self) -> &'static Tab {
        let tab = TABS.iter().find(|tab| tab.word == self.show);
        tab.unwrap_or(&TABS[0])
    }

    fn jobs(&self) -> JobsAsked {
        JobsAsked {
            before: self.before,
            states: self.tab().states.to_vec(),
            name_part: self.name.trim().to_owned(),
            limit: ON_A_PAGE,
        }
    }

    fn address(&self, at: &str) -> String {
        match serde_html_form::to_string(self) {
            Ok(query) if !query.is_empty() => format!("{at}?{query}"),
            Ok(_) | Err(_) => at.into(),
        }
    }
}

fn count(counts: &JobCounts, tab: &Tab) -> u32 {
    let of = |state: &JobState| match state {
        JobState::Queued => counts.queued,
        JobState::Rendering => counts.rendering,
        JobState::Paused => counts.paused,
        JobState::NeedsAttention => counts.needs_attention,
        JobState::Done => counts.done,
        JobState::Failed => counts.failed,
        JobState::Cancelled => counts.cancelled,
        JobState::Unknown => 0,
    };
    match tab.states {
        [] => TABS.iter().flat_map(|tab| tab.states).map(of).sum(),
        states => states.iter().map(of).sum(),
    }
}

/// How many jobs there are, as links to them.
#[derive(Template)]
#[template(path = "jobs/tabs.html")]
struct Tabs {
    asked: Asked,
    counts: JobCounts,
}

impl Tabs {
    fn each(&self) -> impl Iterator<Item = (String, &'static str, u32, bool)> {
        TABS.iter().map(|tab| {
            let asked = Asked {
                show: tab.word.into(),
                name: self.asked.name.clone(),
                before: None,
            };
            let is_here = tab.word == self.asked.tab().word;
            let count = count(&self.counts, tab);
            (asked.address("/jobs"), tab.name, count, is_here)
        })
    }
}

/// A job among others; an element of its own.
#[derive(Template)]
#[template(path = "jobs/row.html")]
struct Row {
    job: Job,
    picture: Option<String>,
    now_ms: i64,
}

impl Row {
    fn bar(&self) -> Safe<String> {
        let counts = &self.job.counts;
        let label = format!("{} of {} frames done", counts.done, counts.total);
        draw::bar(&shares(&self.job), &label)
    }
}

/// The parts of a job's progress bar.
pub fn shares(job: &Job) -> Vec<draw::Share> {
    let total = f64::from(job.counts.total.max(1));
    [
        ("done", job.counts.done),
        ("active", job.counts.leased),
        ("failed", job.counts.failed),
        ("cancelled", job.counts.cancelled),
    ]
    .map(|(class, count)| (class, f64::from(count) / total))
    .into()
}

#[derive(Template)]
#[template(path = "jobs/list.html")]
struct List {
    page: Page,
    asked: Asked,
    tabs: Tabs,
    rows: Vec<Row>,
    next: Option<String>,
    has_any: bool,
}

async fn all(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Jobs)?;
    let jobs = list::page(&app, user, &asked.jobs()).await?;
    let (tabs, rows, next) = parts(&app, &asked, jobs).await?;
    let page = viewer.page(&app, Section::Jobs, "Rendering").await?;
    html(&List {
        page: page.live(asked.address("/jobs/live")),
        has_any: count(&tabs.counts, &TABS[0]) > 0 || !asked.name.is_empty(),
        tabs,
        rows,
        next,
        asked,
    })
}

async fn parts(
    app: &App,
    asked: &Asked,
    jobs: JobPage,
) -> Result<(Tabs, Vec<Row>, Option<String>)> {
    let next = jobs.next.map(|id| {
        let older = Asked {
            before: Some(id),
            ..asked.clone()
        };
        older.address("/jobs")
    });
    let mut tx = app.store.read().await?;
    let mut rows = Vec::with_capacity(jobs.jobs.len());
    for job in jobs.jobs {
        let latest = overview::latest_picture(&mut tx, job.id).await?;
        let picture = latest.map(|(frame, hash)| thumbnail(job.id, frame, &hash.to_string()));
        rows.push(Row {
            job,
            picture,
            now_ms: app.now_us() / 1_000,
        });
    }
    let tabs = Tabs {
        asked: asked.clone(),
        counts: jobs.counts,
    };
    Ok((tabs, rows, next))
}

/// Changes of all jobs that were shown.
type Shows = Arc<AtomicI64>;

async fn live(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let jobs = list::page(&app, user, &asked.jobs()).await?;
    let open = jobs.jobs.iter().filter(|job| !job.state.is_over());
    let ear = Ear::of_any(open.map(|job| app.bells.jobs.listen(job.id)));
    let watch = Watch {
        ear: Some(ear),
        every: Some(LOOK_AGAIN),
    };
    let mut is_first = true;
    let shows = Shows::default();
    let here = Arc::clone(&app);
    Ok(stream(&here, watch, move || {
        let wait = if is_first {
            Duration::ZERO
        } else {
            AT_MOST_EVERY
        };
        is_first = false;
        look(
            Arc::clone(&app),
            user,
            asked.clone(),
            Arc::clone(&shows),
            wait,
        )
    }))
}

async fn look(
    app: Arc<App>,
    user: UserId,
    asked: Asked,
    shows: Shows,
    wait: Duration,
) -> Result<Look> {
    tokio::time::sleep(wait).await;
    let changes = overview::changes_of_all(&app, user).await?;
    if shows.swap(changes, Ordering::Relaxed) == changes {
        return Ok(Look::Same);
    }
    let jobs = list::page(&app, user, &asked.jobs()).await?;
    let (tabs, rows, _) = parts(&app, &asked, jobs).await?;
    let mut looks = vec![super::rendered(&tabs)?];
    for row in &rows {
        looks.push(super::rendered(row)?);
    }
    Ok(Look::of(looks))
}
