//! One's own account: what one is called, how and where one signs in, what was decided on oneself, and its end.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header;
use http::request::Parts;
use pictor_protocol::SessionId;
use pictor_protocol::fair_play::{MyDecisions, Standing};
use pictor_protocol::leaderboard::PublicName;
use pictor_protocol::people::{Identity, IdentityKind, Role, Scope, Session, Token};
use pictor_protocol::problem::ProblemKind;
use serde::Deserialize;

use super::layout::{Page, Section, Viewer, done, html};
use super::{draw, show, words};
use crate::accounts::sessions::is_fresh;
use crate::app::App;
use crate::campaign::ranks;
use crate::fair_play::{appeal as appeals, view};
use crate::http::api::{people as tokens_api, sessions as sessions_api, sign_in as identities_api};
use crate::http::browser::{self, Browser};
use crate::http::extract::{Form, Path};
use crate::http::problem::{Refused, Result};
use crate::store::sessions;

mod identities;
mod leave;
mod tokens;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account", get(overview))
        .route("/account/name", post(choose_name))
        .route("/account/appeal", post(appeal))
        .route("/account/sessions/end", post(sign_out_everywhere))
        .route("/account/sessions/{id}/end", post(end_session))
        .route("/sign-out", post(sign_out))
        .merge(identities::routes())
        .merge(tokens::routes())
        .merge(leave::routes())
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct Account {
    page: Page,
    name: String,
    public_name: PublicName,
    roles: Vec<Role>,
    operator: bool,
    identities: Vec<Identity>,
    /// The name of the OpenID provider, if one can be added here.
    provider: Option<String>,
    wallet: bool,
    /// Signed in a moment ago, so that what is dear may be changed.
    fresh: bool,
    sessions: Vec<Session>,
    tokens: Vec<Token>,
    scopes: Vec<Scope>,
    decisions: MyDecisions,
    now_ms: i64,
}

async fn overview(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    let (Some(of), Some(holder)) = (viewer.session(), viewer.holder()) else {
        return Err(Refused::new(
            ProblemKind::Unauthorized,
            "sign in to see your account",
        ));
    };
    let ways = app.sign_in.ways();
    let mut tx = app.store.read().await?;
    let decisions = view::mine(&mut tx, of.user_id).await?;
    drop(tx);
    let page = viewer.page(&app, Section::Account, "Account").await?;
    html(&Account {
        now_ms: page.now_ms,
        page,
        name: of.name.clone(),
        public_name: ranks::public_name(&app, of.user_id).await?,
        scopes: holder.scopes(),
        operator: holder.operator,
        roles: holder.roles,
        identities: identities_api::identities_of(&app, of.user_id).await?,
        provider: ways.oidc.map(|oidc| oidc.name),
        wallet: ways.wallet.is_some(),
        fresh: is_fresh(&of.session, app.now_us()),
        sessions: sessions_api::of_person(&app, of).await?,
        tokens: tokens_api::tokens_of(&app, of.user_id).await?,
        decisions,
    })
}

impl Account {
    /// An entry is told apart by more than its kind: the provider that people know by name, the wallet's network.
    fn kind(&self, identity: &Identity) -> String {
        match (&identity.kind, &self.provider) {
            (IdentityKind::Wallet, _) => "Aptos wallet".into(),
            (IdentityKind::Oidc, Some(name)) => name.clone(),
            (IdentityKind::Oidc, None) => "OpenID provider".into(),
            (IdentityKind::Unknown, _) => "Sign-in".into(),
        }
    }

    fn is_keyless(&self, identity: &Identity) -> bool {
        identity.kind == IdentityKind::Oidc
    }

    fn is_good(&self) -> bool {
        self.decisions.standing == Standing::Good
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// No name takes it away.
async fn choose_name(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Form(form): Form<Named>,
) -> Result<Response> {
    let name = Some(form.name.trim()).filter(|name| !name.is_empty());
    let now = ranks::choose_name(&app, of.user_id, name).await?;
    let said = match now.is_chosen {
        true => format!("Everybody sees you as {} now.", now.name),
        false => format!("You have no public name; others see {}.", now.name),
    };
    Ok(done("/account", said))
}

#[derive(Deserialize)]
struct Words {
    words: String,
}

async fn appeal(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Form(form): Form<Words>,
) -> Result<Response> {
    appeals::appeal(&app, of.user_id, &form.words).await?;
    let said = "Your appeal is with the operators; their answer will stand here.";
    Ok(done("/account#fair-play", said))
}

async fn end_session(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Path(id): Path<SessionId>,
) -> Result<Response> {
    sessions_api::end_one(&app, of.user_id, id).await?;
    Ok(done("/account#sessions", "That browser is signed out."))
}

async fn sign_out_everywhere(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
) -> Result<Response> {
    sessions_api::end_everywhere(&app, of.user_id).await?;
    Ok(signed_out(
        &app,
        done("/", "You are signed out everywhere."),
    ))
}

async fn sign_out(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    if let Some(of) = browser::session(&parts, &app).await? {
        let mut tx = app.store.write().await?;
        sessions::delete(&mut tx, of.user_id, of.session.id).await?;
        tx.commit().await?;
    }
    Ok(signed_out(&app, Redirect::to("/").into_response()))
}

/// An answer after which the browser has no session.
fn signed_out(app: &App, answer: Response) -> Response {
    let cookie = browser::no_session_cookie(&app.sign_in.site);
    let head = AppendHeaders([(header::SET_COOKIE, cookie)]);
    (head, answer).into_response()
}
