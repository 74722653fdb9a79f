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

use super::form;
use super::grid::{self, CellPart, FilterPart, GridPart, StripPart};
use super::list::shares;
use super::live::{Look, Parts, Watch, stream};
use super::shared::{Held, Watched};
use super::{Page, Section, Viewer, draw, html, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::auth::Creator;
use crate::http::extract::{Path, Query};
use crate::http::problem::{Refused, Result};
use crate::jobs::overview::{self, Known, Overview, Seen, Shown};
use crate::jobs::review::{FRAMES_MAX, REASON_CHARS_MAX};

/// A job that waits may start to wait for something else without a ring.
const LOOK_AGAIN: Duration = Duration::from_secs(8);
/// How old what somebody else saw may be then.
const FRESH: Duration = Duration::from_secs(3);
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
    let Seen::New(seen) = overview::of_job(&app, user, id, shown, None).await? else {
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
type Open = Held<(UserId, JobId, Shown), Watched<Arc<Sight>>>;

/// What is seen of a job.
#[derive(Debug)]
struct Sight {
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
    let watched = open.of((user, id, shown), || {
        Watched::new(app.bells.jobs.listen(id), AT_MOST_EVERY)
    });
    let mut is_first = true;
    let here = Arc::clone(&app);
    Ok(stream(&here, watch, move || {
        // The page itself is of just now: nothing older may take its place, not even who was online then.
        let is_fresh = std::mem::take(&mut is_first);
        let age = if is_fresh { Duration::ZERO } else { FRESH };
        let (app, watched) = (Arc::clone(&app), Arc::clone(&watched));
        async move {
            let look = async |last: Option<&Arc<Sight>>| {
                let known = last.filter(|_| !is_fresh);
                look(&app, user, id, shown, known).await
            };
            let sight = watched.look(age, look).await?;
            Ok(sight.map_or(Look::Over, |sight| Look::Parts(Arc::clone(&sight.parts))))
        }
    }))
}

/// Nothing if there is no such job of theirs.
async fn look(
    app: &App,
    owner: UserId,
    id: JobId,
    shown: Shown,
    last: Option<&Arc<Sight>>,
) -> Result<Option<Arc<Sight>>> {
    let known = last.map(|last| &last.known);
    let seen = match overview::of_job(app, owner, id, shown, known).await? {
        Seen::Nothing => return Ok(None),
        Seen::Same(known) => {
            return Ok(last.map(|last| {
                Arc::new(Sight {
                    known,
                    strip: last.strip.clone(),
                    parts: Arc::clone(&last.parts),
                })
            }));
        }
        Seen::New(seen) => seen,
    };
    let looks = Looks::of(&seen, shown, app.now_us() / 1_000)?;
    let drawn = || last.map_or_else(String::new, |last| last.strip.clone());
    let strip = looks.strip.unwrap_or_else(drawn);
    let mut parts = vec![looks.head, looks.now, looks.at_work, looks.filter];
    parts.push(strip.clone());
    match shown.state {
        // Frames stay where they are: each is a part of its own.
        None => {
            for cell in &seen.cells {
                parts.push(super::rendered(&CellPart { job: id, cell })?);
            }
        }
        Some(_) => parts.push(super::rendered(&GridPart {
            job: id,
            cells: seen.cells,
        })?),
    }
    Ok(Some(Arc::new(Sight {
        known: seen.known,
        strip,
        parts: Arc::new(Parts::from(parts)),
    })))
}
