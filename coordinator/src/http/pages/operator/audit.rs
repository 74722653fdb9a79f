//! Who decided what.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::fair_play::LogPage;
use serde::Deserialize;

use super::console;
use crate::accounts::rights::Right;
use crate::app::App;
use crate::audit_log::{self, Sound, VerifyError};
use crate::fair_play::view;
use crate::http::extract::Query;
use crate::http::pages::layout::{Page, Section, Viewer, html};
use crate::http::pages::{draw, show};
use crate::http::problem::Result;

const PAGE: i64 = 50;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/operator/audit-log", get(log))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    subject: String,
    before: Option<i64>,
    /// Read every row and say whether each is as it was written.
    verify: Option<String>,
}

#[derive(Template)]
#[template(path = "operator/audit-log.html")]
struct Log {
    page: Page,
    subject: String,
    log: LogPage,
    verified: Option<std::result::Result<Sound, String>>,
}

async fn log(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let page = viewer.page(&app, Section::Operator, "Audit log").await?;
    let mut tx = app.store.read().await?;
    let subject = Some(asked.subject.trim()).filter(|subject| !subject.is_empty());
    let log = view::log(&mut tx, asked.before, subject, PAGE).await?;
    let verified = match asked.verify {
        Some(_) => match audit_log::verify(&mut tx, None).await {
            Ok(sound) => Some(Ok(sound)),
            Err(VerifyError::Store(error)) => return Err(error.into()),
            Err(error) => Some(Err(error.to_string())),
        },
        None => None,
    };
    html(&Log {
        page,
        subject: asked.subject,
        log,
        verified,
    })
}

/// `payout-approved` as `Payout approved`.
fn in_words(act: &str) -> String {
    let words = act.replace('-', " ");
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Where a subject or an actor has a page; workers have none of the operators' own.
fn link(name: &str) -> Option<String> {
    let (kind, id) = name.split_once('/')?;
    match kind {
        "person" | "operator" => Some(format!("/operator/people/{id}")),
        "campaign" => Some(format!("/operator/campaigns/{id}")),
        "payout" => Some(format!("/operator/payouts/{id}")),
        _ => None,
    }
}
