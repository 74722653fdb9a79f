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
use super::{arrival, draw, hearing, show, welcome};
use crate::accounts::identities::{IdentityError, Owned, Purpose};
use crate::accounts::oidc::{Callback, OidcError};
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
    /// The network that the wallet has to be on.
    chain: String,
    warnings: Vec<String>,
    /// Where it goes on.
    next: String,
    /// The same, to be sent along to the provider.
    query: String,
    /// The code of whoever invited the person.
    invited: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    next: Option<String>,
    /// Of an invitation's link.
    referral: Option<String>,
}

async fn choose(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let (ways, site) = (app.sign_in.ways(), &app.sign_in.site);
    let next = arrival::own(asked.next);
    let query = next.as_ref().map(|path| [("next", path)]);
    let query = query.and_then(|query| serde_html_form::to_string(query).ok());
    let invited = match &asked.referral {
        Some(code) => Some(code.trim().to_owned()).filter(|code| !code.is_empty()),
        None => arrival::invited(&headers, site),
    };
    let page = html(&Ways {
        page: viewer.page(&app, Section::Elsewhere, "Sign in").await?,
        provider: ways.oidc.map(|oidc| oidc.name),
        wallet: ways.wallet.is_some(),
        chain: ways.wallet.map(|wallet| wallet.chain).unwrap_or_default(),
        warnings: ways.warnings,
        next: next.unwrap_or_else(|| arrival::HOME.into()),
        query: query.unwrap_or_default(),
        invited,
    })?;
    let remember = asked.referral.as_deref();
    let remember = remember.map(|code| arrival::remember_invited(code.trim(), site));
    Ok((AppendHeaders(remember), page).into_response())
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

#[derive(Deserialize)]
struct Wanted {
    next: Option<String>,
}

async fn go_to_provider(
    State(app): State<Arc<App>>,
    _: Visitor,
    Query(wanted): Query<Wanted>,
) -> Result<Response> {
    let begun = provider(&app)?
        .begin(&app.store, None, app.now_us())
        .await?;
    let site = &app.sign_in.site;
    let next = match arrival::own(wanted.next) {
        Some(path) => arrival::remember_next(&path, site),
        None => arrival::forget_next(site),
    };
    let cookie = browser::oidc_cookie(&begun.secret, site);
    let head = AppendHeaders([(header::SET_COOKIE, cookie), next]);
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
    /// The first time there is something to read; later, and for whoever added an identity, it goes on by itself.
    is_new: bool,
    is_added: bool,
    next: String,
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
    let site = &app.sign_in.site;
    let completed = provider(&app)?.complete(&app.store, callback, app.now_us());
    let done = browser::no_oidc_cookie(site);
    let mut cookies = vec![(header::SET_COOKIE, done), arrival::forget_next(site)];
    let (owned, purpose) = match completed.await {
        Ok(completed) => completed,
        Err(OidcError::Identity(IdentityError::Banned {
            hearing: Some(hearing),
            ..
        })) => {
            let page = hearing::shown(&app, &viewer, hearing.secret).await?;
            return Ok((AppendHeaders(cookies), page).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    if purpose == Purpose::SignIn {
        let session = begin_session(&app, &owned, visitor.user_agent.as_deref()).await?;
        let cookie = browser::session_cookie(&session, site);
        cookies.push((header::SET_COOKIE, cookie));
    }
    let page = html(&SignedIn {
        page: viewer.page(&app, Section::Elsewhere, "Signed in").await?,
        next: after(&owned, purpose, arrival::next(&headers, site)),
        is_new: owned.is_new,
        is_added: purpose != Purpose::SignIn,
        name: owned.user.name,
        address: owned.address,
        warnings: warnings::keyless(),
    })?;
    Ok((AppendHeaders(cookies), page).into_response())
}

/// Where it goes on: whoever is new chooses roles first.
fn after(owned: &Owned, purpose: Purpose, next: Option<String>) -> String {
    match (purpose, next) {
        (Purpose::LinkTo(_), _) => "/account".into(),
        (Purpose::SignIn, Some(next)) if owned.is_new => welcome::and_then(&next),
        (Purpose::SignIn, None) if owned.is_new => "/welcome".into(),
        (Purpose::SignIn, next) => next.unwrap_or_else(|| arrival::HOME.into()),
    }
}
