//! What is around the content of every page: who looks, where they are, what was just done.

use std::borrow::Borrow;
use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use pictor_protocol::UserId;
use pictor_protocol::ledger::Balances;
use pictor_protocol::problem::ProblemKind;

use super::assets;
use super::said::{self, Said};
use crate::accounts::rights::{Holder, Right};
use crate::app::App;
use crate::http::auth::Person;
use crate::http::browser;
use crate::http::problem::{Refused, Result};
use crate::ledger;
use crate::store::sessions::SessionOf;

/// Everything comes from here, and nothing of a page can be run or loaded that is not a file of ours. Not
/// `no-referrer`: a form would then be sent with the origin `null`, as if by another site.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whoever looks at a page, signed in or not.
pub struct Viewer {
    session: Option<SessionOf>,
    said: Option<Said>,
}

impl FromRequestParts<Arc<App>> for Viewer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        Ok(Self {
            session: browser::session(parts, app).await?,
            said: said::of(&parts.headers, &app.sign_in.site),
        })
    }
}

impl Viewer {
    /// Who it is, if they are signed in.
    pub fn session(&self) -> Option<&SessionOf> {
        self.session.as_ref()
    }

    pub fn user(&self) -> Option<UserId> {
        self.session.as_ref().map(|session| session.user_id)
    }

    /// Nobody has roles, and everybody else those that they chose.
    pub fn holder(&self) -> Option<Holder> {
        self.session
            .as_ref()
            .map(|session| Person::in_browser(session).holder)
    }

    /// Who it is, if they have a right; otherwise the page that leads to it.
    pub fn with(&self, right: Right) -> Result<UserId> {
        let (Some(session), Some(holder)) = (&self.session, self.holder()) else {
            return Err(Refused::new(
                ProblemKind::Unauthorized,
                "sign in to see this page",
            ));
        };
        holder.check(right)?;
        Ok(session.user_id)
    }

    /// What is around a page for them.
    pub async fn page(
        &self,
        app: &App,
        section: Section,
        title: impl Into<String>,
    ) -> Result<Page> {
        let shown = match &self.session {
            Some(session) => Some(shown(app, session).await?),
            None => None,
        };
        Ok(Page {
            title: title.into(),
            section,
            viewer: shown,
            said: self.said.clone(),
            live: None,
            now_ms: app.now_us() / 1_000,
        })
    }
}

async fn shown(app: &App, session: &SessionOf) -> Result<Shown> {
    let mut tx = app.store.read().await?;
    let balances = ledger::view::balances(&mut tx, session.user_id, app.now_us()).await?;
    let holder = Person::in_browser(session).holder;
    Ok(Shown {
        name: session.name.clone(),
        operator: holder.operator,
        balances,
    })
}

/// Where one is: one of the entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Dashboard,
    Jobs,
    Workers,
    Rewards,
    Leaderboard,
    Network,
    Help,
    Account,
    Operator,
    /// None of them.
    Elsewhere,
}

/// What is around the content of a page. Templates that extend `layout.html` have it as `page`.
pub struct Page {
    pub title: String,
    pub section: Section,
    pub viewer: Option<Shown>,
    pub said: Option<Said>,
    /// The stream of what changes on it.
    pub live: Option<String>,
    pub now_ms: i64,
}

/// The viewer, as the navigation shows them.
pub struct Shown {
    pub name: String,
    pub operator: bool,
    pub balances: Balances,
}

/// An entry of the navigation.
pub struct Entry {
    pub section: Section,
    pub path: &'static str,
    pub icon: &'static str,
    pub name: &'static str,
}

const fn entry(
    section: Section,
    path: &'static str,
    icon: &'static str,
    name: &'static str,
) -> Entry {
    Entry {
        section,
        path,
        icon,
        name,
    }
}

const ENTRIES: &[Entry] = &[
    entry(Section::Dashboard, "/dashboard", "dashboard", "Dashboard"),
    entry(Section::Jobs, "/jobs", "jobs", "Rendering"),
    entry(Section::Workers, "/workers", "workers", "My Workers"),
    entry(Section::Rewards, "/rewards", "rewards", "Rewards"),
    entry(
        Section::Leaderboard,
        "/leaderboard",
        "leaderboard",
        "Leaderboard",
    ),
    entry(Section::Network, "/network", "network", "Network"),
    entry(Section::Help, "/help", "book", "Rules & help"),
];

impl Page {
    /// With parts that change while one looks.
    #[must_use]
    pub fn live(mut self, stream: impl Into<String>) -> Self {
        self.live = Some(stream.into());
        self
    }

    pub fn entries(&self) -> &'static [Entry] {
        ENTRIES
    }

    pub fn is(&self, section: impl Borrow<Section>) -> bool {
        self.section == *section.borrow()
    }

    pub fn asset(&self, name: &str) -> String {
        assets::path(name)
    }
}

/// A template as text: a page, or a part of one.
pub fn part(template: &impl Template) -> Result<String> {
    template.render().map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "page failed");
        Refused::new(ProblemKind::Internal, "this page could not be written")
    })
}

/// A page as an answer.
pub fn html(template: &impl Template) -> Result<Response> {
    let mut response = Html(part(template)?).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Kept by the browser, so that going back finds what was typed, and never shown without asking again.
        (header::CACHE_CONTROL, "private, no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// A page with a secret on it, which no browser keeps.
pub fn secret_html(template: &impl Template) -> Result<Response> {
    let mut response = html(template)?;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A form that was refused, shown once more with what was typed and why.
pub fn again(mut page: Response) -> Response {
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    page
}

/// Something was done: on to a page, which says so.
pub fn done(to: &str, said: impl Into<Said>) -> Response {
    let mut response = Redirect::to(to).into_response();
    response.extensions_mut().insert(said.into());
    response
}
