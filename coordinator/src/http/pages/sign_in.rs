//! The steps of a sign-in that need a page: choosing how, and coming back from the provider.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, header};
use serde::Deserialize;

use super::{escape, page, refusal};
use crate::accounts::identities::{Owned, Purpose};
use crate::accounts::oidc::Callback;
use crate::accounts::{SignIn, warnings};
use crate::app::App;
use crate::http::api::sign_in::{begin_session, provider};
use crate::http::browser::{self, Visitor};
use crate::http::extract::Query;
use crate::http::problem::{Refused, Result};
use pictor_protocol::problem::ProblemKind;

const WALLET_SCRIPT: &str = include_str!("../../../static/wallet.js");

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/sign-in", get(choose))
        .route("/sign-in/wallet.js", get(wallet_script))
        .route("/sign-in/oidc", get(go_to_provider))
        .route("/sign-in/oidc/callback", get(come_back))
}

async fn choose(State(app): State<Arc<App>>) -> Response {
    page("Sign in", &choices(&app.sign_in))
}

fn choices(sign_in: &SignIn) -> String {
    let ways = sign_in.ways();
    let mut body = String::new();
    if let Some(oidc) = &ways.oidc {
        let name = escape(&oidc.name);
        body += &format!("<p><a href=/sign-in/oidc>Sign in with {name}</a></p>");
    }
    if ways.wallet.is_some() {
        body += "<div id=wallets><p>Looking for Aptos wallets in this browser…</p></div>\
                 <p id=trouble role=alert></p><script src=/sign-in/wallet.js type=module></script>";
    }
    if body.is_empty() {
        return "<p>This coordinator is set up for neither an OpenID provider nor Aptos wallets. Its operator signs \
                in with <code>pictor-coordinator sign-in-link</code>.</p>"
            .into();
    }
    body + &list(&ways.warnings)
}

async fn wallet_script() -> Response {
    let head = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (head, WALLET_SCRIPT).into_response()
}

async fn go_to_provider(State(app): State<Arc<App>>, visitor: Result<Visitor>) -> Response {
    match begin(&app, visitor).await {
        Ok(response) => response,
        Err(refused) => refusal(&refused),
    }
}

async fn begin(app: &App, visitor: Result<Visitor>) -> Result<Response> {
    visitor?;
    let begun = provider(app)?.begin(&app.store, None, app.now_us()).await?;
    let cookie = browser::oidc_cookie(&begun.secret, &app.sign_in.site);
    let head = AppendHeaders([(header::SET_COOKIE, cookie)]);
    Ok((head, Redirect::to(&begun.url)).into_response())
}

/// What the provider sends along with the browser.
#[derive(Deserialize)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

async fn come_back(
    State(app): State<Arc<App>>,
    visitor: Result<Visitor>,
    headers: HeaderMap,
    answer: Result<Query<Answer>>,
) -> Response {
    match complete(&app, visitor, &headers, answer).await {
        Ok(response) => response,
        Err(refused) => refusal(&refused),
    }
}

async fn complete(
    app: &App,
    visitor: Result<Visitor>,
    headers: &HeaderMap,
    answer: Result<Query<Answer>>,
) -> Result<Response> {
    let (visitor, Query(answer)) = (visitor?, answer?);
    let no_answer = || {
        Refused::new(
            ProblemKind::Invalid,
            "there is no state and code to sign in by",
        )
    };
    let callback = Callback {
        state: answer.state.as_deref().ok_or_else(no_answer)?,
        answer: match (&answer.code, &answer.error) {
            (_, Some(error)) => Err(error),
            (Some(code), None) => Ok(code),
            (None, None) => return Err(no_answer()),
        },
        issuer: answer.iss.as_deref(),
        browser: browser::oidc_secret(headers, &app.sign_in.site),
    };
    let now_us = app.now_us();
    let (owned, purpose) = provider(app)?
        .complete(&app.store, callback, now_us)
        .await?;
    let done = browser::no_oidc_cookie(&app.sign_in.site);
    let mut cookies = vec![(header::SET_COOKIE, done)];
    if purpose == Purpose::SignIn {
        let session = begin_session(app, &owned, visitor.user_agent.as_deref()).await?;
        let cookie = browser::session_cookie(&session, &app.sign_in.site);
        cookies.push((header::SET_COOKIE, cookie));
    }
    Ok((AppendHeaders(cookies), page("Signed in", &welcome(&owned))).into_response())
}

/// A page, and not a redirect: the session's cookie goes along with what a page of ours asks for, and not
/// with what the provider still has a hand in.
fn welcome(owned: &Owned) -> String {
    format!(
        "<p>Signed in as <b>{}</b>. Your Aptos account:</p><pre>{}</pre>{}<p><a href=/>Continue</a></p>",
        escape(&owned.user.name),
        escape(&owned.address),
        list(&warnings::keyless())
    )
}

fn list(texts: &[String]) -> String {
    let items = texts
        .iter()
        .map(|text| format!("<li>{}</li>", escape(text)));
    format!("<ul>{}</ul>", items.collect::<String>())
}
