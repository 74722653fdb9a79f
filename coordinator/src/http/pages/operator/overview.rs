//! What needs a decision now.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::campaign::CampaignNow;
use pictor_protocol::payout::PayoutStatus;
use pictor_protocol::worker::Demand;

use super::console;
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::payouts::view as payouts;
use crate::campaign::quests::operator;
use crate::campaign::view as campaigns;
use crate::fair_play::{view, watch};
use crate::http::pages::layout::{Page, Section, Viewer, html};
use crate::http::pages::{draw, show};
use crate::http::problem::Result;
use crate::workers::demand;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/operator", get(overview))
}

#[derive(Template)]
#[template(path = "operator/overview.html")]
struct Overview {
    page: Page,
    decisions: Vec<Waiting>,
    campaign: CampaignNow,
    demand: Demand,
}

/// Something that waits for an operator.
struct Waiting {
    count: usize,
    what: &'static str,
    path: &'static str,
    icon: &'static str,
}

async fn overview(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let now_us = app.now_us();
    let page = viewer.page(&app, Section::Operator, "Operator").await?;
    let claims = operator::waiting(&app).await?.claims.len();
    let mut tx = app.store.read().await?;
    let appeals = view::open_appeals(&mut tx).await?.appeals.len();
    let signals = watch::list(&mut tx, now_us).await?.signals;
    let signals = signals.iter().filter(|signal| signal.now).count();
    let undecided = |status| {
        matches!(
            status,
            PayoutStatus::Drafted
                | PayoutStatus::Approved
                | PayoutStatus::ByHand
                | PayoutStatus::Failed
        )
    };
    let payouts = payouts::page(&mut tx, None, 50).await?.payouts;
    let payouts = payouts.iter().filter(|of| undecided(of.status)).count();
    let waiting = |count, what, path, icon| Waiting {
        count,
        what,
        path,
        icon,
    };
    html(&Overview {
        page,
        decisions: vec![
            waiting(appeals, "appeals to answer", "/operator/appeals", "people"),
            waiting(
                claims,
                "quest claims to confirm",
                "/operator/quests",
                "check",
            ),
            waiting(
                signals,
                "signals of unfair play",
                "/operator/signals",
                "warn",
            ),
            waiting(
                payouts,
                "payouts to decide on",
                "/operator/payouts",
                "coins",
            ),
        ],
        campaign: campaigns::now(&app, &mut tx, now_us).await?,
        demand: demand::now(&mut tx, now_us).await?,
    })
}
