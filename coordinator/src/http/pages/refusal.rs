//! Refusals as pages with a way out: handlers and extractors refuse as they do everywhere, and this makes a page
//! of what was meant for a program.
//!
//! | what was missing | the way out |
//! |---|---|
//! | a session, to look | the sign-in page, and back |
//! | a session, or a fresh one, to send a form | what was typed is on the page, to be sent again after signing in elsewhere |
//! | a role | a button that takes it |
//! | patience | how long |
//! | anything else | what happened, what can be done about it, and back |

use std::sync::Arc;

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use pictor_protocol::people::Role;
use pictor_protocol::problem::{Problem, ProblemKind};

use super::layout::{Page, Section, Viewer, html};
use super::said::{self, Said};
use super::{draw, show};
use crate::app::App;
use crate::http::problem::Refused;

/// Longest form that is kept for being sent again.
const FORM_BYTES_MAX: usize = 1 << 20;
const FORM: &str = "application/x-www-form-urlencoded";

/// Around every page.
pub async fn as_page(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let (body, form) = match is_form(&parts) {
        true => match to_bytes(body, FORM_BYTES_MAX).await {
            Ok(bytes) => (Body::from(bytes.clone()), Some(bytes)),
            Err(_) => {
                let too_long = Refused::new(ProblemKind::TooLarge, "this form is too long");
                return too_long.into_response();
            }
        },
        false => (body, None),
    };
    let asked = parts.clone();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if wants_page(&asked.headers) {
        // Such as the address of a form, opened by going back or by reloading.
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            response = Refused::not_found("page").into_response();
        }
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            return page_of(&app, asked, form.as_deref(), problem, response).await;
        }
    }
    let site = &app.sign_in.site;
    if let Some(said) = response.extensions_mut().remove::<Said>() {
        said::set(response.headers_mut(), &said, site);
    } else if is_page(response.headers()) && said::of(&asked.headers, site).is_some() {
        said::forget(response.headers_mut(), site);
    }
    response
}

fn is_form(parts: &Parts) -> bool {
    let media_type = parts.headers.get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(FORM.as_bytes()))
}

fn is_page(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

/// Programs, and scripts of pages, are told as programs are.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT);
    accepts
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/html"))
}

/// What comes when nothing is at an address: a page for whoever asks for one.
pub async fn nothing_here(State(app): State<Arc<App>>, request: Request) -> Response {
    let refused = Refused::not_found("address").into_response();
    let (parts, _) = request.into_parts();
    match refused.extensions().get::<Problem>().cloned() {
        Some(problem) if wants_page(&parts.headers) => {
            page_of(&app, parts, None, problem, refused).await
        }
        _ => refused,
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    page: Page,
    problem: Problem,
    /// What happened, in a sentence.
    detail: String,
    /// How long until it can be tried again.
    wait: Option<String>,
    /// What can be done about it.
    way: Option<Way>,
    /// Where the person came from.
    back: Option<String>,
    /// To be sent again.
    again: Option<Again>,
    role: Option<Role>,
}

impl RefusalPage {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a new kind of refusal is a warning until it has a sign of its own"
    )]
    fn icon(&self) -> &'static str {
        match self.problem.kind {
            ProblemKind::NotFound => "search",
            ProblemKind::Forbidden | ProblemKind::SignInAgain | ProblemKind::Unauthorized => "key",
            ProblemKind::ChooseARole => "people",
            ProblemKind::AcceptTheRules => "book",
            ProblemKind::NotEnoughCredits => "coins",
            ProblemKind::TooManyTries => "clock",
            _ => "warn",
        }
    }
}

/// A form that was sent by somebody whose session had ended, or was too old for it.
struct Again {
    path: String,
    fields: Vec<(String, String)>,
    signed_out: bool,
}

struct Way {
    path: String,
    name: &'static str,
}

async fn page_of(
    app: &Arc<App>,
    mut parts: Parts,
    form: Option<&[u8]>,
    problem: Problem,
    refused: Response,
) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = path.to_owned();
    let is_stranger = problem.kind == ProblemKind::Unauthorized;
    if is_stranger && parts.method == Method::GET {
        return Redirect::to(&sign_in_and_back(&path)).into_response();
    }
    let back = back(&parts, app);
    let wait = refused.headers().get(header::RETRY_AFTER);
    let wait = wait.and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    let way = way_out(&problem, &parts, back.as_deref());
    let fields = form.and_then(|form| serde_html_form::from_bytes(form).ok());
    let again = fields
        .filter(|_| is_stranger || problem.kind == ProblemKind::SignInAgain)
        .map(|fields| Again {
            path,
            fields,
            signed_out: is_stranger,
        });
    // The session is only shown: a page of another site has changed nothing.
    parts.method = Method::GET;
    let Ok(viewer) = Viewer::from_request_parts(&mut parts, app).await else {
        return refused;
    };
    let Ok(page) = viewer.page(app, Section::Elsewhere, &problem.title).await else {
        return refused;
    };
    let page = RefusalPage {
        page,
        role: problem.role,
        detail: in_words(&problem),
        wait: wait.map(|seconds| show::duration(seconds.saturating_mul(1_000))),
        way: way.filter(|_| again.is_none()),
        problem,
        back,
        again,
    };
    match html(&page) {
        Ok(mut response) => {
            *response.status_mut() = refused.status();
            if let Some(seconds) = refused.headers().get(header::RETRY_AFTER) {
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, seconds.clone());
            }
            response
        }
        Err(_) => refused,
    }
}

/// What happened, for people: they have pages where programs have addresses.
fn in_words(problem: &Problem) -> String {
    match (problem.kind, problem.role) {
        (ProblemKind::ChooseARole, Some(role)) => format!(
            "This is for people of the role {}. Taking it is one click, and you can leave it at any time.",
            show::role_name(&role)
        ),
        (ProblemKind::AcceptTheRules, _) => {
            "The campaign’s rules come first: read them, and accept them where you choose your roles.".into()
        }
        (ProblemKind::Internal, _) => {
            "Something broke on our side, and nothing that you did. It is written down for the operators.".into()
        }
        _ => show::sentence(problem.detail.as_deref().unwrap_or_default()),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is refused in a new way can be left by going back, as most can"
)]
fn way_out(problem: &Problem, asked: &Parts, back: Option<&str>) -> Option<Way> {
    let here = asked.uri.path_and_query().map_or("/", |path| path.as_str());
    let is_look = asked.method == Method::GET;
    let way = |path: &str, name| {
        Some(Way {
            path: path.into(),
            name,
        })
    };
    match problem.kind {
        ProblemKind::SignInAgain => {
            let next = if is_look { Some(here) } else { back };
            way(
                &sign_in_and_back(next.unwrap_or("/account")),
                "Sign in again",
            )
        }
        // What was sent cannot be kept, such as a file.
        ProblemKind::Unauthorized => way(&sign_in_and_back(back.unwrap_or("/")), "Sign in"),
        ProblemKind::SignInExpired
        | ProblemKind::NotProven
        | ProblemKind::UnsupportedKey
        | ProblemKind::NotTheAccountsKey => way("/sign-in", "Begin again"),
        ProblemKind::CounterpartUnavailable | ProblemKind::TooManyTries
            if here.starts_with("/sign-in") =>
        {
            way("/sign-in", "Try again")
        }
        ProblemKind::AcceptTheRules => way("/welcome", "To the rules and your roles"),
        ProblemKind::NotEnoughCredits => way("/rewards", "Get credits"),
        ProblemKind::Internal | ProblemKind::TooManyTries if is_look => way(here, "Try again"),
        _ => None,
    }
}

/// The address of the sign-in page that leads on to another one.
pub fn sign_in_and_back(path: &str) -> String {
    match serde_html_form::to_string([("next", path)]) {
        Ok(query) => format!("/sign-in?{query}"),
        Err(_) => "/sign-in".into(),
    }
}

/// The page of ours that sent the person here.
fn back(parts: &Parts, app: &App) -> Option<String> {
    let referer = parts.headers.get(header::REFERER)?.to_str().ok()?;
    let (_, rest) = referer.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let asked = parts.headers.get(header::HOST)?.to_str().ok()?;
    let is_ours = host == asked || app.sign_in.site.origin.ends_with(&format!("://{host}"));
    is_ours.then(|| format!("/{path}"))
}
