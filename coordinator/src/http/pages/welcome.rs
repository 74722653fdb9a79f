//! Choosing what one is here: the step after the first sign-in, and any time later.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use http::HeaderMap;
use pictor_protocol::UserId;
use pictor_protocol::people::Role;
use serde::Deserialize;

use super::layout::{Page, Section, Viewer, done, html};
use super::{arrival, draw, show};
use crate::accounts::acceptance::{self, Choice};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::referral::{self, ReferralError};
use crate::campaign::welcome;
use crate::http::auth::Person;
use crate::http::browser::Browser;
use crate::http::extract::{Form, Query};
use crate::http::problem::{Refused, Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/welcome", get(ask))
        .route("/account/roles", post(choose))
        .route("/account/roles/add", post(add))
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    page: Page,
    roles: Vec<Choosable>,
    rules_to_accept: Option<i64>,
    is_first: bool,
    /// The code of whoever invited the person.
    invited: Option<String>,
    /// Where it goes on.
    next: Option<String>,
}

struct Choosable {
    role: Role,
    chosen: bool,
}

#[derive(Deserialize)]
struct Asked {
    next: Option<String>,
}

/// The address of this page that leads on to another one.
pub fn and_then(next: &str) -> String {
    match serde_html_form::to_string([("next", next)]) {
        Ok(query) => format!("/welcome?{query}"),
        Err(_) => "/welcome".into(),
    }
}

async fn ask(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Account)?;
    let chosen = viewer.holder().map(|holder| holder.roles);
    let chosen = chosen.unwrap_or_default();
    let roles = Role::ALL.map(|role| Choosable {
        role,
        chosen: chosen.contains(&role),
    });
    html(&Welcome {
        page: viewer.page(&app, Section::Account, "Your roles").await?,
        roles: roles.into(),
        rules_to_accept: acceptance::to_accept(&app, user).await?,
        is_first: chosen.is_empty(),
        invited: arrival::invited(&headers, &app.sign_in.site),
        next: arrival::own(asked.next),
    })
}

/// A browser names the boxes that are checked, and nothing of the others.
#[derive(Deserialize)]
struct Chosen {
    creator: Option<String>,
    #[serde(rename = "worker-owner")]
    worker_owner: Option<String>,
    #[serde(rename = "community-member")]
    community_member: Option<String>,
    #[serde(rename = "accept-rules")]
    accept_rules: Option<i64>,
    next: Option<String>,
}

async fn choose(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    headers: HeaderMap,
    Form(form): Form<Chosen>,
) -> Result<Response> {
    let roles: Vec<Role> = [
        (form.creator, Role::Creator),
        (form.worker_owner, Role::WorkerOwner),
        (form.community_member, Role::CommunityMember),
    ]
    .into_iter()
    .filter_map(|(checked, role)| checked.map(|_| role))
    .collect();
    let choice = Choice {
        roles: &roles,
        accept_rules: form.accept_rules,
    };
    let chosen = acceptance::choose(&app, of.user_id, choice).await?;
    welcome::greet(&app, of.user_id, &chosen).await?;
    let next = arrival::own(form.next);
    let to = next.as_deref().unwrap_or(arrival::HOME);
    let site = &app.sign_in.site;
    let Some(code) = arrival::invited(&headers, site).filter(|_| !chosen.is_empty()) else {
        return Ok(done(to, "Your roles are saved."));
    };
    let said = enter_invited(&app, of.user_id, &code).await?;
    let over = AppendHeaders([arrival::forget_invited(site)]);
    Ok((over, done(to, said)).into_response())
}

/// Enters who invited somebody, and says what came of it: an invitation that does not count keeps nobody out.
async fn enter_invited(app: &App, user: UserId, code: &str) -> Result<&'static str> {
    app.sign_in.limits.by_account(user, app.now_us())?;
    match referral::enter(app, user, code).await {
        Ok(()) => Ok("Your roles are saved, and who invited you is entered."),
        Err(ReferralError::NoSuchCode) => Ok(
            "Your roles are saved. The invitation that you came with is nobody’s, so nobody is entered.",
        ),
        Err(ReferralError::Refused(_)) => Ok(
            "Your roles are saved. The invitation that you came with does not count for this account.",
        ),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct Added {
    role: String,
    back: Option<String>,
}

/// One more role, from the page that needs it.
async fn add(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Form(form): Form<Added>,
) -> Result<Response> {
    let role = Role::ALL
        .into_iter()
        .find(|role| role.as_str() == form.role);
    let role = role.ok_or_else(|| Refused::unknown_word("role"))?;
    if acceptance::to_accept(&app, of.user_id).await?.is_some() {
        return Ok(done("/welcome", "Choose it here: the rules come first."));
    }
    let mut roles = Person::in_browser(&of).holder.roles;
    roles.push(role);
    let choice = Choice {
        roles: &roles,
        accept_rules: None,
    };
    let chosen = acceptance::choose(&app, of.user_id, choice).await?;
    welcome::greet(&app, of.user_id, &chosen).await?;
    let back = arrival::own(form.back);
    let said = format!("You are a {} now.", show::role_name(&role));
    Ok(done(back.as_deref().unwrap_or(arrival::HOME), said))
}
