//! Every movement of one's own, with its reason.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::campaign::CampaignNow;
use pictor_protocol::ledger::{LedgerEntry, LedgerPage as Entries};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{Micros, UserId};
use serde::Deserialize;

use super::layout::{Page, Section, Viewer, html};
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

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/ledger", get(ledger))
}

#[derive(Template)]
#[template(path = "ledger/page.html")]
struct LedgerPage {
    page: Page,
    /// That can be chosen, the chosen one among them.
    books: Vec<Choice>,
    lines: Vec<Line>,
    next: Option<String>,
    is_first: bool,
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
    let book = asked.book.filter(|book| !book.is_empty());
    let book = book.map(Book::try_from).transpose();
    let book = book.map_err(|error| Refused::new(ProblemKind::Invalid, error.to_string()))?;
    let mut tx = app.store.read().await?;
    let before = asked.before.map(EntryId);
    let Entries { entries, next } = view::page(&mut tx, user, book, before, PAGE).await?;
    drop(tx);
    let next = next.map(|next| match book {
        Some(book) => format!("/ledger?book={book}&before={next}"),
        None => format!("/ledger?before={next}"),
    });
    html(&LedgerPage {
        page: viewer
            .page(&app, Section::Dashboard, "Every movement")
            .await?,
        books: choices(&app, user, book).await?,
        lines: entries.into_iter().map(line).collect(),
        next,
        is_first: asked.before.is_none(),
    })
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
