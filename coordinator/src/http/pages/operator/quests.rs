//! Claims of quests that an operator confirms.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use pictor_protocol::ClaimId;
use pictor_protocol::campaign::Quest;
use pictor_protocol::community::WaitingClaim;
use pictor_protocol::problem::Problem;
use serde::Deserialize;

use super::console;
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::quests::operator;
use crate::campaign::view;
use crate::http::auth::Operator;
use crate::http::extract::{Form, Path};
use crate::http::pages::layout::{Page, Section, Viewer, again, done, html};
use crate::http::pages::{draw, show};
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/operator/quests", get(list))
        .route("/operator/quests/{id}/confirm", post(confirm))
        .route("/operator/quests/{id}/refuse", post(refuse))
}

#[derive(Template)]
#[template(path = "operator/quests.html")]
struct Quests {
    page: Page,
    claims: Vec<WaitingClaim>,
    quests: Vec<Quest>,
    /// A claim that could not be decided, with the words that were typed.
    refused: Option<(ClaimId, String, Problem)>,
}

impl Quests {
    fn title<'a>(&'a self, id: &'a str) -> &'a str {
        let quest = self.quests.iter().find(|quest| quest.id == id);
        quest.map_or(id, |quest| &quest.title)
    }

    /// The words that were typed for a claim.
    fn typed(&self, id: &ClaimId) -> &str {
        match &self.refused {
            Some((of, words, _)) if of == id => words,
            _ => "",
        }
    }
}

async fn list(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Operate)?;
    shown(&app, &viewer, None).await
}

async fn shown(
    app: &App,
    viewer: &Viewer,
    refused: Option<(ClaimId, String, Problem)>,
) -> Result<Response> {
    let claims = operator::waiting(app).await?.claims;
    let mut tx = app.store.read().await?;
    let current = view::now(app, &mut tx, app.now_us()).await?.current;
    drop(tx);
    html(&Quests {
        page: viewer.page(app, Section::Operator, "Quests").await?,
        claims,
        quests: current.map(|of| of.quests).unwrap_or_default(),
        refused,
    })
}

async fn confirm(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<ClaimId>,
) -> Result<Response> {
    operator::confirm(&app, by, id).await?;
    Ok(done("/operator/quests", "Confirmed: the quest counts."))
}

#[derive(Deserialize)]
struct Why {
    #[serde(default)]
    reason: String,
}

async fn refuse(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    viewer: Viewer,
    Path(id): Path<ClaimId>,
    Form(form): Form<Why>,
) -> Result<Response> {
    match operator::refuse(&app, by, id, &form.reason).await {
        Ok(_) => Ok(done(
            "/operator/quests",
            "Refused: they read why, and may claim it again.",
        )),
        Err(error) => {
            let problem = console::refusal(error)?;
            let page = shown(&app, &viewer, Some((id, form.reason, problem))).await?;
            Ok(again(page))
        }
    }
}
