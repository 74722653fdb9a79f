//! One's own account: access tokens, signing out.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::post;
use http::header;
use http::request::Parts;
use pictor_protocol::people::Scope;

use super::layout::{Page, Section, Viewer, secret_html};
use super::{draw, show};
use crate::accounts::rights::Holder;
use crate::accounts::{self, TokenSpec};
use crate::app::App;
use crate::http::auth::Person;
use crate::http::browser::{self, Browser};
use crate::http::problem::Result;
use crate::store::sessions;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/tokens", post(mint_token))
        .route("/sign-out", post(sign_out))
}

/// What a token is for that is made here: all that its owner may, but for what concerns everybody.
fn token_scopes(holder: &Holder) -> Vec<Scope> {
    let mut scopes = holder.scopes();
    scopes.retain(|scope| *scope != Scope::Operator);
    scopes
}

#[derive(Template)]
#[template(path = "token.html")]
struct Minted {
    page: Page,
    token: String,
    url: String,
}

async fn mint_token(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    viewer: Viewer,
) -> Result<Response> {
    let scopes = token_scopes(&Person::in_browser(&of).holder);
    if scopes.is_empty() {
        return Ok(Redirect::to("/welcome").into_response());
    }
    let spec = TokenSpec {
        name: "made in the browser",
        scopes: &scopes,
        expires_in_days: None,
    };
    let now_us = app.now_us();
    app.sign_in.limits.by_account(of.user_id, now_us)?;
    let token = accounts::mint_token(&app.store, &of.user(), &spec, now_us).await?;
    secret_html(&Minted {
        page: viewer.page(&app, Section::Account, "Access token").await?,
        token: token.secret.reveal().into(),
        url: app.url.clone(),
    })
}

async fn sign_out(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    if let Some(of) = browser::session(&parts, &app).await? {
        let mut tx = app.store.write().await?;
        sessions::delete(&mut tx, of.user_id, of.session.id).await?;
        tx.commit().await?;
    }
    let cookie = browser::no_session_cookie(&app.sign_in.site);
    let head = AppendHeaders([(header::SET_COOKIE, cookie)]);
    Ok((head, Redirect::to("/")).into_response())
}
