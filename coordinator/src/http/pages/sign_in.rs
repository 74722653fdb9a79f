//! The steps of a sign-in that need a page: choosing how, and coming back from the provider.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use pictor_protocol::problem::ProblemKind;
use serde::Deserialize;

use super::layout::{Page, Section, Viewer, html};
use super::{draw, show};
use crate::accounts::identities::Purpose;
use crate::accounts::oidc::Callback;
use crate::accounts::{self, warnings};
use crate::app::App;
use crate::http::api::sign_in::{begin_session, provider};
use crate::http::browser::{self, Visitor};
use crate::http::extract::{Path, Query};
use crate::http::problem::{Refused, Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/sign-in", get(choose))
        .route("/sign-in/oidc", get(go_to_provider))
        .route("/sign-in/oidc/callback", get(come_back))
        .route(
            "/sign-in/{secret}",
            get(ask_to_sign_in).post(sign_in_by_link),
        )
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Ways {
    page: Page,
    /// The name of the OpenID provider.
    provider: Option<String>,
    wallet: bool,
    warnings: Vec<String>,
    /// Where it goes on.
    next: String,
}

#[derive(Deserialize)]
struct Asked {
    next: Option<String>,
}

async fn choose(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let ways = app.sign_in.ways();
    let next = asked
        .next
        .filter(|path| path.starts_with('/') && !path.starts_with("//"));
    html(&Ways {
        page: viewer.page(&app, Section::Elsewhere, "Sign in").await?,
        provider: ways.oidc.map(|oidc| oidc.name),
        wallet: ways.wallet.is_some(),
        warnings: ways.warnings,
        next: next.unwrap_or_else(|| "/dashboard".into()),
    })
}

#[derive(Template)]
#[template(path = "sign-in-link.html")]
struct ByLink {
    page: Page,
    used: bool,
}

/// A link is used up by a button, not by being opened: mail scanners and previews open links.
async fn ask_to_sign_in(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(_): Path<String>,
) -> Result<Response> {
    let page = viewer.page(&app, Section::Elsewhere, "Sign in").await?;
    html(&ByLink { page, used: false })
}

async fn sign_in_by_link(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    viewer: Viewer,
    Path(link): Path<String>,
) -> Result<Response> {
    let user_agent = visitor.user_agent.as_deref();
    let signed_in = accounts::sign_in(&app.store, &link, user_agent, app.now_us()).await?;
    let Some((_, session)) = signed_in else {
        let page = viewer.page(&app, Section::Elsewhere, "Sign in").await?;
        let gone = html(&ByLink { page, used: true })?;
        return Ok((StatusCode::GONE, gone).into_response());
    };
    let cookie = browser::session_cookie(&session, &app.sign_in.site);
    let head = AppendHeaders([(header::SET_COOKIE, cookie)]);
    Ok((head, Redirect::to("/dashboard")).into_response())
}

async fn go_to_provider(State(app): State<Arc<App>>, _: Visitor) -> Result<Response> {
    let begun = provider(&app)?
        .begin(&app.store, None, app.now_us())
        .await?;
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

#[derive(Template)]
#[template(path = "signed-in.html")]
struct SignedIn {
    page: Page,
    name: String,
    address: String,
    warnings: Vec<String>,
}

/// A page, and not a redirect: the session's cookie goes along with what a page of ours asks for, and not
/// with what the provider still has a hand in.
async fn come_back(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    viewer: Viewer,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response> {
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
        browser: browser::oidc_secret(&headers, &app.sign_in.site),
    };
    let completed = provider(&app)?.complete(&app.store, callback, app.now_us());
    let (owned, purpose) = completed.await?;
    let done = browser::no_oidc_cookie(&app.sign_in.site);
    let mut cookies = vec![(header::SET_COOKIE, done)];
    if purpose == Purpose::SignIn {
        let session = begin_session(&app, &owned, visitor.user_agent.as_deref()).await?;
        let cookie = browser::session_cookie(&session, &app.sign_in.site);
        cookies.push((header::SET_COOKIE, cookie));
    }
    let page = html(&SignedIn {
        page: viewer.page(&app, Section::Elsewhere, "Signed in").await?,
        name: owned.user.name,
        address: owned.address,
        warnings: warnings::keyless(),
    })?;
    Ok((AppendHeaders(cookies), page).into_response())
}
