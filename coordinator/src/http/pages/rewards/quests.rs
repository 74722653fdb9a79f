//! One quest: a visit to its link, and the claim that it was done.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use pictor_protocol::campaign::QuestKind;
use pictor_protocol::community::{ClaimQuest, MyQuest, QuestState};
use serde::Deserialize;

use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::quests::{self, QuestError, link};
use crate::http::auth::Community;
use crate::http::extract::{Form, Path, Query};
use crate::http::pages::layout::{Page, Section, Viewer, done, html};
use crate::http::pages::{draw, show};
use crate::http::problem::{Refused, Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/rewards/quests/{id}", get(quest))
        .route("/rewards/quests/{id}/open", post(open))
        .route("/rewards/quests/{id}/claim", post(claim))
}

#[derive(Template)]
#[template(path = "rewards/quest.html")]
struct QuestPage {
    page: Page,
    quest: MyQuest,
    /// Belongs to the claim of the visit that was begun.
    visit: Option<String>,
}

#[derive(Deserialize)]
struct Visit {
    visit: Option<String>,
}

async fn quest(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Visit>,
) -> Result<Response> {
    let user = viewer.with(Right::Community)?;
    let quests = quests::list(&app, user).await?.quests;
    let quest = quests.into_iter().find(|quest| quest.quest.id == id);
    let quest = quest.ok_or_else(|| Refused::not_found("quest"))?;
    let title = quest.quest.title.clone();
    html(&QuestPage {
        page: viewer.page(&app, Section::Rewards, title).await?,
        quest,
        visit: asked.visit,
    })
}

/// A visit begins: its page leads there, and back.
async fn open(
    State(app): State<Arc<App>>,
    Community(user): Community,
    Path(id): Path<String>,
) -> Result<Response> {
    let opened = link::open(&app, user, &id).await?;
    let query = serde_html_form::to_string([("visit", &opened.nonce)]).unwrap_or_default();
    Ok(Redirect::to(&format!("/rewards/quests/{id}?{query}")).into_response())
}

#[derive(Deserialize)]
struct Claim {
    visit: Option<String>,
    attested: Option<String>,
    note: Option<String>,
}

async fn claim(
    State(app): State<Arc<App>>,
    Community(user): Community,
    Path(id): Path<String>,
    Form(form): Form<Claim>,
) -> Result<Response> {
    let claim = ClaimQuest {
        nonce: form.visit,
        attested: form.attested.is_some(),
        note: form.note.filter(|note| !note.trim().is_empty()),
    };
    let said = match quests::claim(&app, user, &id, &claim).await {
        Ok(progress) if progress.state == QuestState::Waiting => {
            "Claimed. An operator looks at it; you see here what they say."
        }
        Ok(_) => "Done: its points are yours.",
        // In another tab, perhaps.
        Err(QuestError::Done) => "This quest is done already, and counts once.",
        Err(error) => return Err(error.into()),
    };
    Ok(done("/rewards#quests", said))
}
