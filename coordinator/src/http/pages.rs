//! What a browser sees until there are real pages: sign in, mint a token.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::request::Parts;
use http::{StatusCode, header};
use pictor_protocol::people::Scope;

use super::auth::Person;
use super::browser::{self, Browser, Visitor};
use super::extract::Path;
use super::problem::{Refused, Result};
use crate::accounts::rights::Holder;
use crate::accounts::{self, TokenSpec, acceptance};
use crate::app::App;
use crate::store::sessions;

mod roles;
mod sign_in;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route(
            "/sign-in/{secret}",
            get(ask_to_sign_in).post(sign_in_by_link),
        )
        .route("/sign-out", post(sign_out))
        .route("/account/tokens", post(mint_token))
        .merge(roles::routes())
        .merge(sign_in::routes())
}

async fn home(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    let Some(session) = browser::session(&parts, &app).await? else {
        return Ok(page(
            "Pictor",
            "<p>A render network for Blender. This coordinator is running.</p>\
             <p><a href=/sign-in>Sign in</a></p>\
             <p>Its operator signs in with the one-time link that it printed when it was started first; \
             <code>pictor-coordinator sign-in-link</code> makes another.</p>",
        ));
    };
    let holder = Person::in_browser(&session).holder;
    let token = match token_scopes(&holder)[..] {
        [] => String::new(),
        _ => format!(
            "<form method=post action=/account/tokens><button>Make an access token</button></form>\
             <p>Then, where you want to submit jobs from:</p><pre>pictor login {}</pre>",
            escape(&app.url)
        ),
    };
    let rules_to_accept = acceptance::to_accept(&app, session.user_id).await?;
    let body = format!(
        "<p>Signed in as <b>{}</b>.</p>{}{token}\
         <form method=post action=/sign-out><button>Sign out</button></form>",
        escape(&session.name),
        roles::choice(&holder, rules_to_accept),
    );
    Ok(page("Pictor", &body))
}

/// A link is used up by a button, not by being opened: mail scanners and previews open links.
async fn ask_to_sign_in(Path(_): Path<String>) -> Response {
    page(
        "Sign in",
        "<form method=post><button>Sign in to this Pictor coordinator</button></form>",
    )
}

async fn sign_in_by_link(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(link): Path<String>,
) -> Result<Response> {
    let user_agent = visitor.user_agent.as_deref();
    let signed_in = accounts::sign_in(&app.store, &link, user_agent, app.now_us()).await?;
    let Some((_, session)) = signed_in else {
        let gone = page(
            "Sign in",
            "<p>This link was used already, or it is too old. \
             <code>pictor-coordinator sign-in-link</code> makes another.</p>",
        );
        return Ok((StatusCode::GONE, gone).into_response());
    };
    let cookie = browser::session_cookie(&session, &app.sign_in.site);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

async fn sign_out(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    if let Some(of) = browser::session(&parts, &app).await? {
        let mut tx = app.store.write().await?;
        sessions::delete(&mut tx, of.user_id, of.session.id).await?;
        tx.commit().await?;
    }
    let cookie = browser::no_session_cookie(&app.sign_in.site);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

/// What a token is for that is made here: all that its owner may, but for what concerns everybody.
fn token_scopes(holder: &Holder) -> Vec<Scope> {
    let mut scopes = holder.scopes();
    scopes.retain(|scope| *scope != Scope::Operator);
    scopes
}

async fn mint_token(State(app): State<Arc<App>>, Browser(of): Browser) -> Result<Response> {
    let scopes = token_scopes(&Person::in_browser(&of).holder);
    if scopes.is_empty() {
        return Ok(Redirect::to("/").into_response());
    }
    let spec = TokenSpec {
        name: "made in the browser",
        scopes: &scopes,
        expires_in_days: None,
    };
    let now_us = app.now_us();
    app.sign_in.limits.by_account(of.user_id, now_us)?;
    let token = accounts::mint_token(&app.store, &of.user(), &spec, now_us).await?;
    let body = format!(
        "<p>Your access token, shown this once:</p><pre>{}</pre>\
         <pre>pictor login {}</pre><p><a href=/>Back</a></p>",
        escape(token.secret.reveal()),
        escape(&app.url)
    );
    Ok(page("Access token", &body))
}

/// A refusal in words for people.
fn refusal(refused: &Refused) -> Response {
    let (title, detail) = refused.words();
    let body = format!(
        "<p>{}</p><p><a href=/sign-in>Sign in</a></p>",
        escape(detail)
    );
    let mut response = (refused.status(), page(title, &body)).into_response();
    refused.add_headers(response.headers_mut());
    response
}

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>body{{font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}}\
         pre{{padding:1rem;overflow-x:auto;border:1px solid}}</style><h1>{title}</h1>{body}</html>"
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let head = [
        (header::CONTENT_SECURITY_POLICY, policy),
        // Not `no-referrer`: a form would then be sent with the origin `null`, as if by another site.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (head, Html(html)).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
