//! What looks like cheating, and what people say against decisions.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use pictor_protocol::fair_play::{OpenAppeal, Signal};
use pictor_protocol::problem::Problem;
use pictor_protocol::{AppealId, UserId};
use serde::Deserialize;

use super::console::{self, Names};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::fair_play::appeal::{self, AppealError, Given};
use crate::fair_play::standing::Answer;
use crate::fair_play::{view, watch};
use crate::http::auth::Operator;
use crate::http::extract::{Form, Path};
use crate::http::pages::layout::{Page, Section, Viewer, again, done, html};
use crate::http::pages::{draw, show};
use crate::http::problem::{Refused, Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/operator/signals", get(signals))
        .route("/operator/appeals", get(appeals))
        .route("/operator/appeals/{id}", post(answer))
}

#[derive(Template)]
#[template(path = "operator/signals.html")]
struct Signals {
    page: Page,
    signals: Vec<Signal>,
    appeals: usize,
    names: Names,
}

async fn signals(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let page = viewer.page(&app, Section::Operator, "Fair play").await?;
    let mut tx = app.store.read().await?;
    let signals = watch::list(&mut tx, app.now_us()).await?.signals;
    let people: Vec<UserId> = signals
        .iter()
        .flat_map(|signal| &signal.people)
        .copied()
        .collect();
    let names = Names::of(&mut tx, people).await?;
    let appeals = view::open_appeals(&mut tx).await?.appeals.len();
    html(&Signals {
        page,
        signals,
        appeals,
        names,
    })
}

#[derive(Template)]
#[template(path = "operator/appeals.html")]
struct Appeals {
    page: Page,
    appeals: Vec<OpenAppeal>,
    names: Names,
    /// An answer that was refused, with the words that were typed.
    refused: Option<(AppealId, String, Problem)>,
}

impl Appeals {
    fn typed(&self, id: &AppealId) -> &str {
        match &self.refused {
            Some((of, words, _)) if of == id => words,
            _ => "",
        }
    }
}

async fn appeals(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Operate)?;
    shown(&app, &viewer, None).await
}

async fn shown(
    app: &App,
    viewer: &Viewer,
    refused: Option<(AppealId, String, Problem)>,
) -> Result<Response> {
    let page = viewer.page(app, Section::Operator, "Appeals").await?;
    let mut tx = app.store.read().await?;
    let appeals = view::open_appeals(&mut tx).await?.appeals;
    let people: Vec<UserId> = appeals.iter().map(|open| open.person).collect();
    let names = Names::of(&mut tx, people).await?;
    html(&Appeals {
        page,
        appeals,
        names,
        refused,
    })
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    answer: String,
    #[serde(default)]
    reason: String,
}

async fn answer(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    viewer: Viewer,
    Path(id): Path<AppealId>,
    Form(form): Form<Answered>,
) -> Result<Response> {
    let answer = match form.answer.as_str() {
        "upheld" => Answer::Uphold,
        "lifted" => Answer::Lift,
        _ => return refused_page(&app, &viewer, id, form, AppealError::BadAnswer.into()).await,
    };
    let given = Given {
        by,
        answer,
        reason: &form.reason,
    };
    match appeal::answer(&app, id, &given).await {
        Ok(_) => Ok(done("/operator/appeals", "Answered: they read it.")),
        Err(error) => refused_page(&app, &viewer, id, form, error.into()).await,
    }
}

async fn refused_page(
    app: &App,
    viewer: &Viewer,
    id: AppealId,
    form: Answered,
    refused: Refused,
) -> Result<Response> {
    let problem = console::refusal(refused)?;
    let page = shown(app, viewer, Some((id, form.reason, problem))).await?;
    Ok(again(page))
}
