//! People, and what is decided on them.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use pictor_protocol::UserId;
use pictor_protocol::fair_play::{PersonFile, PersonPage};
use pictor_protocol::ledger::{Balances, LedgerEntry, Moved};
use pictor_protocol::problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::console::{self, Names};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::fair_play::decide::{self, Wanted};
use crate::fair_play::standing::Verdict;
use crate::fair_play::view;
use crate::http::auth::Operator;
use crate::http::extract::{Form, Path, Query};
use crate::http::pages::layout::{Page, Section, Viewer, again, done, html};
use crate::http::pages::{draw, show, why, words};
use crate::http::problem::{Refused, Result};
use crate::ledger;

const PAGE: i64 = 50;
/// Movements of the ledger that a person's page shows.
const POSTINGS: i64 = 20;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/operator/people", get(list))
        .route("/operator/people/{id}", get(show_person))
        .route("/operator/people/{id}/standing", post(decide_standing))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    search: String,
    before: Option<UserId>,
}

#[derive(Template)]
#[template(path = "operator/people.html")]
struct People {
    page: Page,
    search: String,
    found: PersonPage,
}

async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let page = viewer.page(&app, Section::Operator, "People").await?;
    let mut tx = app.store.read().await?;
    let found = view::people(&mut tx, asked.search.trim(), asked.before, PAGE).await?;
    html(&People {
        page,
        search: asked.search,
        found,
    })
}

#[derive(Template)]
#[template(path = "operator/person.html")]
struct PersonPageOf {
    page: Page,
    file: PersonFile,
    balances: Balances,
    postings: Vec<LedgerEntry>,
    names: Names,
    choices: [Choice; 5],
    form: Decided,
    problem: Option<Problem>,
}

/// A decision that can be made, and what follows from it.
struct Choice {
    verdict: &'static str,
    name: &'static str,
    follows: &'static str,
}

const fn choice(verdict: &'static str, name: &'static str, follows: &'static str) -> Choice {
    Choice {
        verdict,
        name,
        follows,
    }
}

/// What moved value, in the words that its owner reads; and where it came or went.
fn moved_what(entry: &LedgerEntry) -> String {
    let unit = words::book_unit(&entry.book);
    format!("{}, {unit}", why::why(entry).title)
}

fn moved_where(moved: &Moved) -> &'static str {
    match moved.account.as_str() {
        "held" => "waiting",
        _ => "free to use",
    }
}

const CHOICES: [Choice; 5] = [
    choice("warn", "Warn", "They read the reason. They lose nothing."),
    choice(
        "suspend",
        "Suspend earning",
        "Nothing is earned, and what waits goes on waiting, until it is lifted.",
    ),
    choice(
        "disqualify",
        "Disqualify",
        "The campaign’s points are forfeited, settled or not; no rank, no reward. Lifting gives them back.",
    ),
    choice(
        "ban",
        "Ban",
        "The same, and no sign-in: sessions end, their workers are suspended. It outlives a deleted account.",
    ),
    choice(
        "lift",
        "Lift",
        "Good standing again; what was forfeited comes back.",
    ),
];

#[derive(Default, Deserialize)]
struct Decided {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    evidence: String,
}

async fn show_person(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<UserId>,
) -> Result<Response> {
    viewer.with(Right::Operate)?;
    person(&app, &viewer, id, Decided::default(), None).await
}

async fn person(
    app: &App,
    viewer: &Viewer,
    id: UserId,
    form: Decided,
    problem: Option<Problem>,
) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let file = view::file(&mut tx, id).await?;
    let file = file.ok_or_else(|| Refused::not_found("person"))?;
    let deciders = file.decisions.iter().filter_map(|decision| decision.by);
    let others: Vec<UserId> = deciders.chain(file.linked.iter().copied()).collect();
    let names = Names::of(&mut tx, others).await?;
    let balances = ledger::view::balances(&mut tx, id, app.now_us()).await?;
    let postings = ledger::view::page(&mut tx, id, None, None, POSTINGS).await?;
    drop(tx);
    let name = file.person.name.clone();
    html(&PersonPageOf {
        page: viewer.page(app, Section::Operator, name).await?,
        file,
        balances,
        postings: postings.entries,
        names,
        choices: CHOICES,
        form,
        problem,
    })
}

async fn decide_standing(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    viewer: Viewer,
    Path(on): Path<UserId>,
    Form(form): Form<Decided>,
) -> Result<Response> {
    let verdict = match form.decision.as_str() {
        "warn" => Verdict::Warn,
        "suspend" => Verdict::Suspend,
        "disqualify" => Verdict::Disqualify,
        "ban" => Verdict::Ban,
        "lift" => Verdict::Lift,
        _ => return refused_page(&app, &viewer, on, form, Refused::unknown_word("decision")).await,
    };
    let wanted = Wanted {
        by,
        on,
        verdict,
        reason: form.reason.clone(),
        evidence: evidence(&form.evidence),
    };
    match decide::decide(&app, &wanted).await {
        Ok(()) => Ok(done(
            &format!("/operator/people/{on}"),
            "Decided. They see it, with the reason, and may appeal.",
        )),
        Err(error) => refused_page(&app, &viewer, on, form, error.into()).await,
    }
}

/// The page once more, with what was typed and why it is refused.
async fn refused_page(
    app: &App,
    viewer: &Viewer,
    on: UserId,
    form: Decided,
    refused: Refused,
) -> Result<Response> {
    let problem = console::refusal(refused)?;
    let shown = person(app, viewer, on, form, Some(problem)).await?;
    Ok(again(shown))
}

/// JSON as it was copied from a signal, or words.
fn evidence(text: &str) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return json!({});
    }
    serde_json::from_str(text).unwrap_or_else(|_| json!({ "note": text }))
}
