//! What a browser sees until there are real pages: sign in with the operator's link, mint a token.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use pictor_protocol::people::Scope;

use super::extract::Path;
use super::problem::Result;
use crate::accounts::{self, SESSION_US, Secret, TokenSpec};
use crate::app::App;
use crate::store::people::{self, User};

const COOKIE: &str = "pictor_session";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route("/sign-in/{secret}", get(ask_to_sign_in).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/account/tokens", post(mint_token))
}

async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response> {
    let Some(user) = signed_in(&app, &headers).await? else {
        return Ok(page(
            "Pictor",
            "<p>A render network for Blender. This coordinator is running.</p>\
             <p>Its operator signs in with the one-time link that it printed when it was started first; \
             <code>pictor-coordinator sign-in-link</code> makes another.</p>",
        ));
    };
    let body = format!(
        "<p>Signed in as <b>{}</b>.</p>\
         <form method=post action=/account/tokens><button>Make an access token</button></form>\
         <p>Then, where you want to submit jobs from:</p><pre>pictor login {}</pre>\
         <form method=post action=/sign-out><button>Sign out</button></form>",
        escape(&user.name),
        escape(&app.url),
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

async fn sign_in(State(app): State<Arc<App>>, Path(link): Path<String>) -> Result<Response> {
    let Some((_, session)) = accounts::sign_in(&app.store, &link, app.now_us()).await? else {
        let gone = page(
            "Sign in",
            "<p>This link was used already, or it is too old. \
             <code>pictor-coordinator sign-in-link</code> makes another.</p>",
        );
        return Ok((StatusCode::GONE, gone).into_response());
    };
    let secure = if app.url.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
        session.reveal(),
        SESSION_US / 1_000_000
    );
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

async fn sign_out(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    if !same_origin(&parts.headers) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    if let Some(session) = session(&parts.headers) {
        let mut tx = app.store.write().await?;
        people::delete_session(&mut tx, &Secret::hash(session)).await?;
        tx.commit().await?;
    }
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

async fn mint_token(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response> {
    let user = signed_in(&app, &headers)
        .await?
        .filter(|_| same_origin(&headers));
    let Some(user) = user else {
        return Ok(Redirect::to("/").into_response());
    };
    let spec = TokenSpec {
        name: "made in the browser",
        scopes: &[Scope::Jobs, Scope::Workers],
        expires_in_days: None,
    };
    let (token, _) = accounts::mint_token(&app.store, &user, &spec, app.now_us()).await?;
    let body = format!(
        "<p>Your access token, shown this once:</p><pre>{}</pre>\
         <pre>pictor login {}</pre><p><a href=/>Back</a></p>",
        escape(token.reveal()),
        escape(&app.url)
    );
    Ok(page("Access token", &body))
}

async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<User>> {
    let Some(session) = session(headers) else {
        return Ok(None);
    };
    let mut tx = app.store.read().await?;
    Ok(people::session_user(&mut tx, &Secret::hash(session), app.now_us()).await?)
}

fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Browsers say where a request comes from; one from another site must not act for the person.
fn same_origin(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin")
}

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>body{{font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}}\
         pre{{padding:1rem;overflow-x:auto;border:1px solid}}</style><h1>{title}</h1>{body}</html>"
    );
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
    let head = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
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
