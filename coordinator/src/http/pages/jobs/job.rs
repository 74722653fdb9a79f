//! A job: where it stands, what it costs, who renders it, and its frames as they arrive.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use askama::filters::Safe;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use pictor_protocol::job::{FrameProgress, Job, JobState};
use pictor_protocol::job_workers::{JobSlot, JobWorkers};
use pictor_protocol::settings::Format;
use pictor_protocol::{JobId, UserId};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::form;
use super::grid::{self, CellPart, FilterPart, GridPart, StripPart};
use super::list::shares;
use super::live::{Look, Parts, Watch, stream};
use super::shared::Held;
use super::{Page, Section, Viewer, draw, html, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::bells::Ear;
use crate::http::auth::Creator;
use crate::http::extract::{Path, Query};
use crate::http::problem::{Refused, Result};
use crate::jobs::overview::{self, Known, Overview, Shown};
use crate::jobs::review::{FRAMES_MAX, REASON_CHARS_MAX};

/// A job that waits may start to wait for something else without a ring.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How old what somebody else saw may be then.
const FRESH: Duration = Duration::from_secs(5);
/// Progress rings several times a second; a picture is there within a second all the same.
const AT_MOST_EVERY: Duration = Duration::from_millis(400);

pub fn routes() -> Router<Arc<App>> {
    let open: Arc<Open> = Arc::default();
    Router::new()
        .route("/jobs/{id}", get(job))
        .route("/jobs/{id}/live", get(live))
        .layer(Extension(open))
}

/// Which frames are looked at, as the address says.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub show: String,
    #[serde(default)]
    pub page: Option<u32>,
}

impl Asked {
    pub fn shown(&self) -> Shown {
        Shown {
            state: grid::state_of(&self.show),
            page: self.page.unwrap_or(1).clamp(1, 1_000_000),
        }
    }
}

/// Name, state, reason, and what can be done.
#[derive(Template)]
#[template(path = "jobs/head.html")]
struct Head<'a> {
    job: &'a Job,
    now_ms: i64,
}

impl Head<'_> {
    fn can_pause(&self) -> bool {
        matches!(self.job.state, JobState::Queued | JobState::Rendering)
    }

    fn can_resume(&self) -> bool {
        matches!(self.job.state, JobState::Paused | JobState::NeedsAttention)
    }

    fn can_cancel(&self) -> bool {
        self.can_pause() || self.can_resume()
    }

    fn reason_icon(&self) -> &'static str {
        match self.job.state.is_over() || self.can_resume() {
            true => "warn",
            false => "clock",
        }
    }

    fn can_retry(&self) -> bool {
        let again = self.job.counts.failed + self.job.counts.cancelled;
        again > 0
    }
}

/// Progress, pace, time left, costs.
#[derive(Template)]
#[template(path = "jobs/now.html")]
struct Now<'a> {
    job: &'a Job,
}

impl Now<'_> {
    fn bar(&self) -> Safe<String> {
        let counts = &self.job.counts;
        let label = format!("{} of {} frames done", counts.done, counts.total);
        draw::bar(&shares(self.job), &label)
    }

    /// From the first frame to the last, of a job that is over.
    fn took_ms(&self) -> Option<i64> {
        let job = self.job;
        let took = job.finished_ms? - job.started_ms?;
        job.state.is_over().then_some(took)
    }

    fn pace(&self) -> Option<String> {
        let pace = self.job.frames_per_minute?;
        Some(match pace {
            0.0..10.0 => format!("{pace:.1}"),
            _ => show::count(pace.round() as i64),
        })
    }

    fn is_measured(&self) -> bool {
        self.job.cost.as_ref().is_some_and(|cost| cost.is_measured)
    }
}

/// Who renders it now, and why frames wait.
#[derive(Template)]
#[template(path = "jobs/at-work.html")]
struct AtWork<'a> {
    job: &'a Job,
    at_work: &'a JobWorkers,
}

impl AtWork<'_> {
    fn bar(&self, of: &FrameProgress) -> Safe<String> {
        let label = format!("Frame {}: {}", of.frame, self.percent(of));
        draw::progress(f64::from(of.fraction), &label)
    }

    fn percent(&self, of: &FrameProgress) -> String {
        show::percent(f64::from(of.fraction))
    }

    /// Frames that a slot was given and has not begun.
    fn rest(&self, slot: &JobSlot) -> usize {
        slot.frames.len().saturating_sub(slot.progress.len())
    }
}

#[derive(Template)]
#[template(path = "jobs/job.html")]
struct JobPage {
    page: Page,
    job: Job,
    shown: Shown,
    head: String,
    now: String,
    at_work: String,
    strip: String,
    filter: String,
    grid: GridPart,
}

impl JobPage {
    fn engine(&self) -> &'static str {
        form::engine_name(self.job.render.engine)
    }

    fn format(&self) -> &'static str {
        form::format_name(self.job.render.format)
    }

    /// Whether browsers show its full pictures.
    fn is_shown_whole(&self) -> bool {
        matches!(self.job.render.format, Format::Png | Format::Jpeg)
    }

    fn show_word(&self) -> &'static str {
        let state = grid::STATES
            .iter()
            .find(|(_, state)| Some(*state) == self.shown.state);
        state.map_or("", |(word, _)| word)
    }

    fn reason_chars_max(&self) -> usize {
        REASON_CHARS_MAX
    }

    fn frames_max(&self) -> usize {
        FRAMES_MAX
    }
}

async fn job(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<JobId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Jobs)?;
    let shown = asked.shown();
    let overview::Seen::New(seen) = overview::of_job(&app, user, id, shown, None).await? else {
        return Err(Refused::not_found("job"));
    };
    let now_ms = app.now_us() / 1_000;
    let job = &seen.job;
    let looks = Looks::of(&seen, shown, now_ms)?;
    let address = format!("/jobs/{id}/live{}", grid::query(shown));
    let page = viewer.page(&app, Section::Jobs, &job.name).await?;
    html(&JobPage {
        page: page.live(address),
        shown,
        head: looks.head,
        now: looks.now,
        at_work: looks.at_work,
        strip: looks.strip.unwrap_or_default(),
        filter: looks.filter,
        grid: GridPart {
            job: id,
            cells: seen.cells,
        },
        job: seen.job,
    })
}

/// The parts around the frames.
struct Looks {
    head: String,
    now: String,
    at_work: String,
    filter: String,
    /// `None` if it is known.
    strip: Option<String>,
}

impl Looks {
    fn of(seen: &Overview, shown: Shown, now_ms: i64) -> Result<Self> {
        let job = &seen.job;
        let counts = job.counts;
        let strip = seen
            .strip
            .clone()
            .map(|columns| super::rendered(&StripPart { columns, counts }));
        Ok(Self {
            head: super::rendered(&Head { job, now_ms })?,
            now: super::rendered(&Now { job })?,
            at_work: super::rendered(&AtWork {
                job,
                at_work: &seen.at_work,
            })?,
            filter: super::rendered(&FilterPart {
                job: job.id,
                shown,
                counts,
            })?,
            strip: strip.transpose()?,
        })
    }
}

/// The open pages. Those that show the same frames of a job to the same person are looked after together.
type Open = Held<(UserId, JobId, Shown), Together>;

/// Pages that show the same.
#[derive(Debug)]
struct Together {
    owner: UserId,
    id: JobId,
    shown: Shown,
    seen: Mutex<Seen>,
}

/// What they saw last.
#[derive(Debug)]
struct Seen {
    ear: Ear,
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    /// When the look began: it may lack what came later.
    at: Instant,
    known: Known,
    /// The one part that looks at every frame.
    strip: String,
    parts: Arc<Parts>,
}

async fn live(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<JobId>,
    Query(asked): Query<Asked>,
    Extension(open): Extension<Arc<Open>>,
) -> Result<Response> {
    let shown = asked.shown();
    let watch = Watch {
        ear: Some(app.bells.jobs.listen(id)),
        every: Some(LOOK_AGAIN),
    };
    let together = open.of((user, id, shown), || Together {
        owner: user,
        id,
        shown,
        seen: Mutex::new(Seen {
            ear: app.bells.jobs.listen(id),
            last: None,
        }),
    });
    let mut is_first = true;
    let here = Arc::clone(&app);
    Ok(stream(&here, watch, move || {
        // The page itself is of just now: nothing older may take its place.
        let age = if is_first { Duration::ZERO } else { FRESH };
        is_first = false;
        look(Arc::clone(&app), Arc::clone(&together), age)
    }))
}

/// What there is to see, at most so old. Whoever finds that it is older, or that something rang since, looks for
/// all of them.
async fn look(app: Arc<App>, of: Arc<Together>, age: Duration) -> Result<Look> {
    let asked = Instant::now();
    let mut seen = of.seen.lock().await;
    let Seen { ear, last } = &mut *seen;
    if let Some(last) = &*last {
        if !ear.has_heard() && asked <= last.at + age {
            return Ok(Look::Parts(Arc::clone(&last.parts)));
        }
        tokio::time::sleep_until(last.at + AT_MOST_EVERY).await;
    }
    // What rings from here on is news again.
    ear.has_heard();
    let at = Instant::now();
    let known = last.as_ref().map(|last| &last.known);
    match overview::of_job(&app, of.owner, of.id, of.shown, known).await? {
        overview::Seen::Nothing => Ok(Look::Over),
        overview::Seen::Same => {
            let Some(last) = last else {
                return Ok(Look::Same);
            };
            last.at = at;
            Ok(Look::Parts(Arc::clone(&last.parts)))
        }
        overview::Seen::New(overview) => {
            let drawn = last.take().map(|last| last.strip);
            let (strip, parts) = render(&overview, of.shown, drawn, app.now_us() / 1_000)?;
            let parts = Arc::new(Parts::from(parts));
            *last = Some(Last {
                at,
                known: overview.known(),
                strip,
                parts: Arc::clone(&parts),
            });
            Ok(Look::Parts(parts))
        }
    }
}

/// The strip, and all parts with it; `drawn` is the one of the revision that is known.
fn render(
    seen: &Overview,
    shown: Shown,
    drawn: Option<String>,
    now_ms: i64,
) -> Result<(String, Vec<String>)> {
    let job = seen.job.id;
    let looks = Looks::of(seen, shown, now_ms)?;
    let strip = looks.strip.or(drawn).unwrap_or_default();
    let mut parts = vec![
        looks.head,
        looks.now,
        looks.at_work,
        looks.filter,
        strip.clone(),
    ];
    match shown.state {
        // Frames stay where they are: each is a part of its own.
        None => {
            for cell in &seen.cells {
                parts.push(super::rendered(&CellPart { job, cell })?);
            }
        }
        Some(_) => parts.push(super::rendered(&GridPart {
            job,
            cells: seen.cells.clone(),
        })?),
    }
    Ok((strip, parts))
}
