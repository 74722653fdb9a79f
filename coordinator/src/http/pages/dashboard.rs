//! What a person sees first once they are signed in: what they have and why, and what they can do next.

mod todo;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use pictor_protocol::campaign::Campaign;
use pictor_protocol::campaign::CampaignState;
use pictor_protocol::job::Job;
use pictor_protocol::leaderboard::MyRank;
use pictor_protocol::ledger::Balances;
use pictor_protocol::worker::Worker;
use pictor_protocol::{Micros, UserId};

use super::draw::Share;
use super::layout::{Page, Section, Viewer, html, part};
use super::live::{self, Look, Watch};
use super::{draw, show, why};
use crate::accounts::rights::{Holder, Right};
use crate::app::App;
use crate::campaign::calendar::{DAY_US, HOUR_US, day_of};
use crate::campaign::{ranks, view};
use crate::http::problem::Result;
use crate::jobs::list::{self, JobsAsked};
use crate::ledger::overview::{Overview, overview};
use crate::ledger::{self, Book};
use crate::store;
use crate::store::worker_pages::{SortedWorkerRow, WorkersWanted};
use crate::workers::beside::Beside;
use crate::workers::{self, SILENCE_US};
use todo::Todo;

/// Jobs and workers on the page.
const LATEST: usize = 5;
/// What does not ring is looked at so often: a worker that fell silent, a job that goes on.
const EVERY: Duration = Duration::from_secs(10);
/// Points of everybody ring.
const REST: Duration = Duration::from_secs(2);
/// A bar for each of so many kinds.
const KINDS: usize = 6;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/dashboard", get(dashboard))
        .route("/dashboard/live", get(changes))
}

#[derive(Template)]
#[template(path = "dashboard/page.html")]
struct Dashboard {
    page: Page,
    parts: Parts,
}

/// Each as it is sent when it changes.
struct Parts {
    purse: String,
    todo: String,
    sources: String,
    /// Of creators.
    jobs: Option<String>,
    /// Of worker owners.
    workers: Option<String>,
}

impl Parts {
    fn all(self) -> Vec<String> {
        let always = [self.purse, self.todo, self.sources];
        let of_roles = [self.jobs, self.workers].into_iter().flatten();
        always.into_iter().chain(of_roles).collect()
    }
}

/// What one has.
#[derive(Template)]
#[template(path = "dashboard/purse.html")]
struct Purse {
    balances: Balances,
    campaign: Option<Campaign>,
    lately: Micros,
    mine: MyRank,
    next_due: Option<DueAt>,
    last_due_ms: Option<i64>,
    now_ms: i64,
}

impl Purse {
    fn is_closed(&self) -> bool {
        let of = self.campaign.as_ref();
        of.is_some_and(|of| of.state == CampaignState::Closed)
    }
}

/// What settles next.
struct DueAt {
    amount: Micros,
    at_ms: i64,
}

/// How the points came about.
#[derive(Template)]
#[template(path = "dashboard/sources.html")]
struct Sources {
    sources: Vec<Source>,
    taken: Micros,
    has_campaign: bool,
}

struct Source {
    name: &'static str,
    amount: Micros,
    /// Of the largest one.
    share: f64,
    /// Of all.
    of_all: f64,
}

impl Source {
    fn bar(&self) -> askama::filters::Safe<String> {
        let label = format!("{}: {} of all", self.name, show::percent(self.of_all));
        draw::bar(&[("active", self.share)], &label)
    }
}

/// What to do next.
#[derive(Template)]
#[template(path = "dashboard/todo.html")]
struct TodoPart {
    todo: Vec<Todo>,
}

#[derive(Template)]
#[template(path = "dashboard/jobs.html")]
struct JobsPart {
    jobs: Vec<Job>,
    now_ms: i64,
}

#[derive(Template)]
#[template(path = "dashboard/workers.html")]
struct WorkersPart {
    workers: Vec<Worker>,
}

/// Everything that the page is made of.
struct Facts {
    holder: Holder,
    balances: Balances,
    campaign: Option<Campaign>,
    jobs: Vec<Job>,
    workers: Vec<Worker>,
}

/// As long as this is the same, the page looks the same, times aside.
#[derive(Debug, PartialEq)]
struct Stamp {
    balances: Balances,
    board: u64,
    day: i64,
    jobs: Vec<(pictor_protocol::JobId, i64)>,
    workers: Vec<(
        pictor_protocol::WorkerId,
        Option<pictor_protocol::worker::WorkerStatus>,
        u32,
    )>,
}

async fn dashboard(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    let user = viewer.with(Right::Account)?;
    let Some(holder) = viewer.holder().filter(has_chosen) else {
        return Ok(Redirect::to("/welcome").into_response());
    };
    let facts = facts(&app, user, holder).await?;
    let page = viewer.page(&app, Section::Dashboard, "Dashboard").await?;
    html(&Dashboard {
        page: page.live("/dashboard/live"),
        parts: parts(&app, user, facts).await?,
    })
}

fn has_chosen(holder: &Holder) -> bool {
    holder.operator || !holder.roles.is_empty()
}

async fn changes(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    let user = viewer.with(Right::Account)?;
    let watch = Watch {
        ear: Some(app.leaderboard.changed.listen()),
        every: Some(EVERY),
    };
    let seen: Arc<tokio::sync::Mutex<Option<Stamp>>> = Arc::default();
    let holder = viewer.holder();
    let mut rest = Duration::ZERO;
    let of = Arc::clone(&app);
    Ok(live::stream(&app, watch, move || {
        let (app, seen, holder) = (Arc::clone(&of), Arc::clone(&seen), holder.clone());
        let resting = std::mem::replace(&mut rest, REST);
        async move {
            tokio::time::sleep(resting).await;
            let Some(holder) = holder else {
                return Ok(Look::Over);
            };
            let facts = facts(&app, user, holder).await?;
            let stamp = Some(stamp(&app, &facts));
            let mut seen = seen.lock().await;
            if *seen == stamp {
                return Ok(Look::Same);
            }
            *seen = stamp;
            Ok(Look::of(parts(&app, user, facts).await?.all()))
        }
    }))
}

fn stamp(app: &App, facts: &Facts) -> Stamp {
    let workers = facts.workers.iter();
    Stamp {
        balances: facts.balances.clone(),
        board: app.leaderboard.version(),
        day: day_of(app.now_us()),
        jobs: facts
            .jobs
            .iter()
            .map(|job| (job.id, job.revision))
            .collect(),
        workers: workers
            .map(|worker| (worker.id, worker.status.clone(), worker.leased))
            .collect(),
    }
}

async fn facts(app: &App, user: UserId, holder: Holder) -> Result<Facts> {
    let now_us = app.now_us();
    let mut tx = app.store.read().await?;
    let balances = ledger::view::balances(&mut tx, user, now_us).await?;
    let campaign = view::now(app, &mut tx, now_us).await?.current;
    drop(tx);
    let mut jobs = Vec::new();
    if holder.check(Right::Jobs).is_ok() {
        let asked = JobsAsked {
            limit: LATEST,
            ..JobsAsked::default()
        };
        jobs = list::page(app, user, &asked).await?.jobs;
    }
    let workers = match holder.check(Right::Workers) {
        Ok(()) => latest_workers(app, user).await?,
        Err(_) => Vec::new(),
    };
    Ok(Facts {
        holder,
        balances,
        campaign,
        jobs,
        workers,
    })
}

/// Those that are there first.
async fn latest_workers(app: &App, user: UserId) -> Result<Vec<Worker>> {
    let now_us = app.now_us();
    let wanted = WorkersWanted {
        owner: user,
        presence: None,
        name_part: "",
        created_from_us: 0,
        created_before_us: i64::MAX,
        online_since_us: now_us - SILENCE_US,
        earned_from_hour: workers::earnings::today(now_us),
        sort: "presence",
        descending: false,
        after: None,
        limit: LATEST as i64,
    };
    let mut tx = app.store.read().await?;
    let rows = store::worker_pages::workers(&mut tx, &wanted).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.worker.id).collect();
    let beside = Beside::of_owner(app, &mut tx, user, &ids).await?;
    let view = |row: SortedWorkerRow| workers::view(app, row.worker, &beside);
    Ok(rows.into_iter().map(view).collect())
}

async fn parts(app: &App, user: UserId, facts: Facts) -> Result<Parts> {
    let now_us = app.now_us();
    let now_ms = now_us / 1_000;
    let overview = match &facts.balances.points {
        Some(points) => {
            let mut tx = app.store.read().await?;
            let today = day_of(now_us) * DAY_US;
            overview(&mut tx, Book::Points(points.campaign), user, today).await?
        }
        None => Overview::default(),
    };
    let mine = ranks::mine(app, user).await?;
    let name = ranks::public_name(app, user).await?;
    let todo = todo::list(app, user, &facts, &name).await?;
    let may = |right: Right| facts.holder.check(right).is_ok();
    let (creates, owns) = (may(Right::Jobs), may(Right::Workers));
    let (jobs, workers) = (facts.jobs.clone(), facts.workers.clone());
    Ok(Parts {
        purse: part(&purse(&facts, &overview, mine, now_ms))?,
        todo: part(&TodoPart { todo })?,
        sources: part(&sources(&overview, facts.campaign.is_some()))?,
        jobs: match creates {
            true => Some(part(&JobsPart { jobs, now_ms })?),
            false => None,
        },
        workers: match owns {
            true => Some(part(&WorkersPart { workers })?),
            false => None,
        },
    })
}

fn purse(facts: &Facts, overview: &Overview, mine: MyRank, now_ms: i64) -> Purse {
    // A hold settles within the hour that it is due in.
    let end_ms = |hour: i64| (hour + 1) * HOUR_US / 1_000;
    let next = overview.due.first();
    Purse {
        balances: facts.balances.clone(),
        campaign: facts.campaign.clone(),
        lately: overview.lately,
        mine,
        next_due: next.map(|due| DueAt {
            amount: due.amount,
            at_ms: end_ms(due.hour),
        }),
        last_due_ms: overview.due.last().map(|due| end_ms(due.hour)),
        now_ms,
    }
}

fn sources(overview: &Overview, has_campaign: bool) -> Sources {
    let amount = |of: &Micros| of.get() as f64;
    let all: f64 = overview.earned.iter().map(|of| amount(&of.amount)).sum();
    let most = overview.earned.first().map_or(1.0, |of| amount(&of.amount));
    let source = |of: &ledger::overview::Earned| Source {
        name: why::title(of.kind),
        amount: of.amount,
        share: amount(&of.amount) / most,
        of_all: amount(&of.amount) / all,
    };
    let taken = overview.taken.iter().map(|of| of.amount);
    Sources {
        sources: overview.earned.iter().take(KINDS).map(source).collect(),
        taken: Micros::checked_sum(taken).unwrap_or(Micros::ZERO),
        has_campaign,
    }
}

/// `2 × NVIDIA L4, NVIDIA A10`
fn slots(worker: &Worker) -> String {
    let names: Vec<_> = worker.slots.iter().map(|slot| slot.name.as_str()).collect();
    let named = |same: &[&str]| match same {
        [name] => (*name).to_owned(),
        [name, ..] => format!("{} × {name}", same.len()),
        [] => String::new(),
    };
    let named: Vec<_> = names.chunk_by(|one, next| one == next).map(named).collect();
    named.join(", ")
}

/// How far a job is, as a bar.
fn bar(job: &Job) -> askama::filters::Safe<String> {
    let of = |count: u32| f64::from(count) / f64::from(job.counts.total.max(1));
    let shares: [Share; 3] = [
        ("done", of(job.counts.done)),
        ("failed", of(job.counts.failed)),
        ("active", of(job.counts.leased)),
    ];
    let words = format!(
        "{} of {} frames are done",
        job.counts.done, job.counts.total
    );
    draw::bar(&shares, &words)
}
