//! Every movement of one's own, with its reason.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::campaign::CampaignNow;
use pictor_protocol::ledger::{Balances, LedgerEntry, LedgerPage as Entries};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{Micros, UserId};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::layout::{Page, Section, Viewer, html, part};
use super::live::{self, Look, Watch};
use super::why::{Why, why};
use super::{draw, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign;
use crate::http::extract::Query;
use crate::http::problem::{Refused, Result};
use crate::ledger::{Book, view};
use crate::store::ledger::{EntryId, books_of};

/// Postings on a page.
const PAGE: i64 = 100;
/// Nothing rings for one's books, and whether they moved is one query.
const EVERY: Duration = Duration::from_secs(5);

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/ledger", get(ledger))
        .route("/ledger/live", get(changes))
}

#[derive(Template)]
#[template(path = "ledger/page.html")]
struct LedgerPage {
    page: Page,
    sums: Sums,
    lines: Lines,
}

/// What all movements come to.
#[derive(Template)]
#[template(path = "ledger/sums.html")]
struct Sums {
    balances: Balances,
}

#[derive(Template)]
#[template(path = "ledger/lines.html")]
struct Lines {
    /// That can be chosen, the chosen one among them.
    books: Vec<Choice>,
    lines: Vec<Line>,
    next: Option<String>,
    is_first: bool,
    now_ms: i64,
}

struct Choice {
    path: String,
    name: String,
    is_chosen: bool,
}

/// An entry.
struct Line {
    id: i64,
    at_ms: i64,
    why: Why,
    unit: &'static str,
    free: Option<Micros>,
    waiting: Option<Micros>,
    /// As they are written down.
    inputs: String,
    rules_path: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    book: Option<String>,
    before: Option<i64>,
}

async fn ledger(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Account)?;
    let book = chosen(asked.book)?;
    let latest = latest(&app, user).await?;
    let page = viewer.page(&app, Section::Dashboard, "Every movement");
    let page = page.await?;
    let lines = lines(&app, user, book, asked.before, page.now_ms).await?;
    // What is past stays as it is.
    let page = match (lines.is_first, book) {
        (true, Some(book)) => page.live(format!("/ledger/live?seen={latest}&book={book}")),
        (true, None) => page.live(format!("/ledger/live?seen={latest}")),
        (false, _) => page,
    };
    html(&LedgerPage {
        page,
        sums: sums(&app, user).await?,
        lines,
    })
}

fn chosen(book: Option<String>) -> Result<Option<Book>> {
    let book = book.filter(|book| !book.is_empty());
    let book = book.map(Book::try_from).transpose();
    book.map_err(|error| Refused::new(ProblemKind::Invalid, error.to_string()))
}

/// Number of the entry that moved something of somebody's last; 0 if none did.
async fn latest(app: &App, user: UserId) -> Result<i64> {
    let mut tx = app.store.read().await?;
    let entries = view::page(&mut tx, user, None, None, 1).await?.entries;
    Ok(entries.first().map_or(0, |entry| entry.id))
}

async fn sums(app: &App, user: UserId) -> Result<Sums> {
    let mut tx = app.store.read().await?;
    Ok(Sums {
        balances: view::balances(&mut tx, user, app.now_us()).await?,
    })
}

async fn lines(
    app: &App,
    user: UserId,
    book: Option<Book>,
    before: Option<i64>,
    now_ms: i64,
) -> Result<Lines> {
    let mut tx = app.store.read().await?;
    let Entries { entries, next } =
        view::page(&mut tx, user, book, before.map(EntryId), PAGE).await?;
    drop(tx);
    let next = next.map(|next| match book {
        Some(book) => format!("/ledger?book={book}&before={next}"),
        None => format!("/ledger?before={next}"),
    });
    Ok(Lines {
        books: choices(app, user, book).await?,
        lines: entries.into_iter().map(line).collect(),
        next,
        is_first: before.is_none(),
        now_ms,
    })
}

#[derive(Deserialize)]
struct Watched {
    book: Option<String>,
    /// Number of the last entry that the page knows of.
    #[serde(default)]
    seen: i64,
}

async fn changes(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(watched): Query<Watched>,
) -> Result<Response> {
    let user = viewer.with(Right::Account)?;
    let book = chosen(watched.book)?;
    let seen = Arc::new(Mutex::new(watched.seen));
    let now_ms = app.now_us() / 1_000;
    let when = Watch {
        ear: None,
        every: Some(EVERY),
    };
    let of = Arc::clone(&app);
    Ok(live::stream(&app, when, move || {
        let (app, seen) = (Arc::clone(&of), Arc::clone(&seen));
        async move {
            let latest = latest(&app, user).await?;
            if std::mem::replace(&mut *seen.lock().await, latest) == latest {
                return Ok(Look::Same);
            }
            let lines = lines(&app, user, book, None, now_ms).await?;
            let sums = sums(&app, user).await?;
            Ok(Look::of(vec![part(&sums)?, part(&lines)?]))
        }
    }))
}

async fn choices(app: &App, user: UserId, chosen: Option<Book>) -> Result<Vec<Choice>> {
    let mut tx = app.store.read().await?;
    let campaigns = campaign::view::now(app, &mut tx, app.now_us()).await?;
    let mut choices = vec![Choice {
        path: "/ledger".into(),
        name: "Everything".into(),
        is_chosen: chosen.is_none(),
    }];
    for book in books_of(&mut tx, user).await? {
        choices.push(Choice {
            path: format!("/ledger?book={book}"),
            name: name(book, &campaigns),
            is_chosen: chosen == Some(book),
        });
    }
    Ok(choices)
}

fn name(book: Book, campaigns: &CampaignNow) -> String {
    let current = campaigns.current.as_ref();
    match book {
        Book::Credits => "Credits".into(),
        Book::Points(id) => match current.filter(|current| current.id == id) {
            Some(current) => format!("Points of {}", current.name),
            None => "Points of an earlier campaign".into(),
        },
    }
}

fn line(entry: LedgerEntry) -> Line {
    let moved = |account: &str| {
        let amounts = entry.moved.iter().filter(|moved| moved.account == account);
        let sum = Micros::checked_sum(amounts.map(|moved| moved.amount_micros));
        sum.filter(|sum| *sum != Micros::ZERO)
    };
    let campaign = entry.book.strip_prefix("points/");
    let why = why(&entry);
    Line {
        id: entry.id,
        at_ms: entry.at_ms,
        unit: if campaign.is_some() {
            "points"
        } else {
            "credits"
        },
        free: moved("available"),
        waiting: moved("held"),
        inputs: serde_json::to_string_pretty(&entry.inputs).unwrap_or_default(),
        rules_path: why.rules.map(|version| match campaign {
            Some(id) => format!("/help/rules?campaign={id}#version-{version}"),
            None => format!("/help/rules#version-{version}"),
        }),
        why,
    }
}
