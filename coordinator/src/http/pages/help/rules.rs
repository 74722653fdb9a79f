//! The rules of a campaign as tables, and every version of them with what it changed.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::campaign::{Campaign, PrizeBand, QuestKind, RulesHistory};
use pictor_protocol::{CampaignId, Cents};
use serde::Deserialize;

use super::diff::{Line, changes};
use crate::app::App;
use crate::campaign::view;
use crate::http::extract::Query;
use crate::http::pages::layout::{Page, Section, Viewer, html};
use crate::http::pages::{draw, show};
use crate::http::problem::{Refused, Result};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/help/rules", get(rules))
}

#[derive(Template)]
#[template(path = "help/rules.html")]
struct RulesPage {
    page: Page,
    campaign: Option<Campaign>,
    /// The latest one first.
    versions: Vec<Version>,
}

struct Version {
    number: u32,
    effective_ms: i64,
    made_ms: i64,
    hash: String,
    document: String,
    /// Against the version before.
    changes: Vec<Change>,
    is_first: bool,
    is_announced: bool,
    holds: bool,
}

struct Change {
    class: &'static str,
    /// What stands before the text, also for those who see no colours.
    sign: &'static str,
    text: String,
}

#[derive(Deserialize)]
struct Asked {
    campaign: Option<CampaignId>,
}

async fn rules(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let now_us = app.now_us();
    let mut tx = app.store.read().await?;
    let campaign = match asked.campaign {
        Some(id) => {
            let all = view::all(&app, &mut tx, now_us).await?.campaigns;
            let found = all.into_iter().find(|campaign| campaign.id == id);
            Some(found.ok_or_else(|| Refused::not_found("campaign"))?)
        }
        None => {
            let now = view::now(&app, &mut tx, now_us).await?;
            now.current.or(now.next)
        }
    };
    let history = match &campaign {
        Some(campaign) => view::history(&mut tx, Some(campaign.id), now_us).await?,
        None => None,
    };
    drop(tx);
    let holding = campaign.as_ref().map(|campaign| campaign.rules_version);
    let versions = history.map(|history| versions(history, holding, now_us / 1_000));
    html(&RulesPage {
        page: viewer
            .page(&app, Section::Help, "Rules of the campaign")
            .await?,
        campaign,
        versions: versions.unwrap_or_default(),
    })
}

fn versions(history: RulesHistory, holding: Option<u32>, now_ms: i64) -> Vec<Version> {
    let mut before: Option<String> = None;
    let mut versions = Vec::new();
    for version in history.versions {
        let changed = before
            .as_deref()
            .map(|before| changes(before, &version.document));
        let changes = changed
            .unwrap_or_default()
            .into_iter()
            .map(change)
            .collect();
        before = Some(version.document.clone());
        versions.push(Version {
            number: version.version,
            effective_ms: version.effective_ms,
            made_ms: version.made_ms,
            hash: version.hash,
            document: version.document,
            changes,
            is_first: versions.is_empty(),
            is_announced: version.effective_ms > now_ms,
            holds: holding == Some(version.version),
        });
    }
    versions.reverse();
    versions
}

fn change(line: Line<'_>) -> Change {
    let (class, sign, text) = match line {
        Line::Same(text) => ("same", "  ", text.to_owned()),
        Line::Gone(text) => ("gone", "− ", text.to_owned()),
        Line::New(text) => ("new", "+ ", text.to_owned()),
        Line::Skipped(lines) => {
            let lines = show::counted(lines, "line", "lines");
            ("skipped", "", format!("… {lines} as before"))
        }
    };
    Change { class, sign, text }
}

/// `1`, or `2 to 5`.
fn ranks(band: &PrizeBand) -> String {
    match band.from == band.to {
        true => band.from.to_string(),
        false => format!("{} to {}", band.from, band.to),
    }
}

/// What all ranks of a band get together.
fn total(band: &PrizeBand) -> Cents {
    let ranks = i64::from(band.to.saturating_sub(band.from)) + 1;
    band.each_cents
        .checked_mul(ranks)
        .unwrap_or(band.each_cents)
}

const fn who_confirms(kind: &QuestKind) -> &'static str {
    match kind {
        QuestKind::Link => "you, after a visit",
        QuestKind::Operator => "an operator",
        QuestKind::Webhook => "the other service",
        QuestKind::Unknown => "",
    }
}
