//! What somebody sees who may not sign in: what was decided and why, a word against it, and what is kept about them.
//! The secret that opens it goes from page to page in forms, and into no address.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header;
use pictor_protocol::UserId;
use pictor_protocol::fair_play::MyDecisions;
use pictor_protocol::problem::ProblemKind;
use serde::Deserialize;

use super::layout::{Page, Section, Viewer, again, secret_html};
use super::{draw, show, words};
use crate::accounts::export as account_export;
use crate::app::App;
use crate::fair_play::appeal::{self as appeals, AppealError};
use crate::fair_play::{hearing, view};
use crate::http::browser::Visitor;
use crate::http::extract::Form;
use crate::http::problem::{Refused, Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/hearing", get(begin).post(open))
        .route("/hearing/appeal", post(appeal))
        .route("/hearing/export", post(export))
}

#[derive(Template)]
#[template(path = "hearing.html")]
struct Hearing {
    page: Page,
    secret: String,
    decisions: MyDecisions,
    /// Nothing is kept of an account that was deleted.
    may_export: bool,
    words: String,
    fault: Option<String>,
}

/// An appeal that was typed and not taken.
#[derive(Default)]
struct Typed {
    words: String,
    fault: Option<String>,
}

#[derive(Deserialize)]
struct Secret {
    secret: String,
}

#[derive(Deserialize)]
struct Words {
    secret: String,
    words: String,
}

/// Its address alone opens nothing.
async fn begin() -> Redirect {
    Redirect::to("/sign-in")
}

async fn open(
    State(app): State<Arc<App>>,
    _: Visitor,
    viewer: Viewer,
    Form(form): Form<Secret>,
) -> Result<Response> {
    shown(&app, &viewer, form.secret).await
}

/// The page of whoever has this secret.
pub async fn shown(app: &App, viewer: &Viewer, secret: String) -> Result<Response> {
    page(app, viewer, secret, Typed::default()).await
}

async fn page(app: &App, viewer: &Viewer, secret: String, typed: Typed) -> Result<Response> {
    let user = heard(app, &secret).await?;
    let mut tx = app.store.read().await?;
    let decisions = view::mine(&mut tx, user).await?;
    let may_export = !hearing::is_deleted(&mut tx, user).await?;
    drop(tx);
    let title = "You cannot sign in";
    secret_html(&Hearing {
        page: viewer.page(app, Section::Elsewhere, title).await?,
        secret,
        decisions,
        may_export,
        words: typed.words,
        fault: typed.fault,
    })
}

async fn appeal(
    State(app): State<Arc<App>>,
    _: Visitor,
    viewer: Viewer,
    Form(form): Form<Words>,
) -> Result<Response> {
    let user = heard(&app, &form.secret).await?;
    match appeals::appeal(&app, user, &form.words).await {
        Ok(_) => shown(&app, &viewer, form.secret).await,
        Err(error @ AppealError::BadWords) => {
            let typed = Typed {
                words: form.words,
                fault: Some(error.to_string()),
            };
            let shown = page(&app, &viewer, form.secret, typed).await?;
            Ok(again(shown))
        }
        Err(error) => Err(error.into()),
    }
}

async fn export(
    State(app): State<Arc<App>>,
    _: Visitor,
    Form(form): Form<Secret>,
) -> Result<Response> {
    let user = heard(&app, &form.secret).await?;
    if hearing::is_deleted(&mut app.store.read().await?, user).await? {
        return Err(Refused::not_found("account"));
    }
    let export = account_export::export(&app, user, None).await?;
    let export = export.ok_or_else(|| Refused::not_found("account"))?;
    let head = [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"pictor-account.json\"",
        ),
    ];
    Ok((head, Json(export)).into_response())
}

async fn heard(app: &App, secret: &str) -> Result<UserId> {
    let found = hearing::find(&mut app.store.read().await?, secret, app.now_us()).await?;
    found.ok_or_else(|| {
        Refused::new(
            ProblemKind::SignInExpired,
            "this page was open for too long, or is not needed any more: sign in again",
        )
    })
}
