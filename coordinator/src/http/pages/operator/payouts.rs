//! Rewards on their way to their winners: drafted, approved by two operators, sent or paid by hand.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use pictor_protocol::campaign::{Campaign, CampaignState};
use pictor_protocol::payout::{Payout, PayoutDetails, PayoutPage, PayoutStatus};
use pictor_protocol::problem::Problem;
use pictor_protocol::{CampaignId, PayoutId, UserId};
use serde::Deserialize;

use super::console::{self, Names};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::payouts::amounts::Rate;
use crate::campaign::payouts::{self, PayoutError, send, view, winners};
use crate::campaign::view as campaigns;
use crate::http::auth::Operator;
use crate::http::extract::{Form, Path, Query};
use crate::http::pages::layout::{Page, Section, Viewer, again, done, html, part};
use crate::http::pages::live::{self, Look, Watch};
use crate::http::pages::{draw, show};
use crate::http::problem::{Refused, Result};

/// How often a payout that is on its way is looked at.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/operator/payouts", get(list))
        .route("/operator/payouts/new", get(begin).post(draft))
        .route("/operator/payouts/{id}", get(show_payout))
        .route("/operator/payouts/{id}/live", get(follow))
        .route("/operator/payouts/{id}/approve", post(approve))
        .route("/operator/payouts/{id}/withdraw", post(withdraw))
        .route("/operator/payouts/{id}/send", post(send_payout))
        .route("/operator/payouts/{id}/paid-by-hand", post(paid_by_hand))
        .route(
            "/operator/payouts/{id}/not-paid-by-hand",
            post(not_paid_by_hand),
        )
}

#[derive(Deserialize)]
struct Before {
    before: Option<PayoutId>,
}

#[derive(Template)]
#[template(path = "operator/payouts.html")]
struct Payouts {
    page: Page,
    found: PayoutPage,
    campaigns: Vec<Campaign>,
}

impl Payouts {
    fn name(&self, id: &CampaignId) -> String {
        let campaign = self.campaigns.iter().find(|campaign| campaign.id == *id);
        campaign.map_or_else(|| id.to_string(), |campaign| campaign.name.clone())
    }
}

async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Before>,
) -> Result<Response> {
    viewer.with(Right::Operate)?;
    let page = viewer.page(&app, Section::Operator, "Payouts").await?;
    let mut tx = app.store.read().await?;
    let found = view::page(&mut tx, asked.before, 50).await?;
    let campaigns = campaigns::all(&app, &mut tx, app.now_us()).await?.campaigns;
    html(&Payouts {
        page,
        found,
        campaigns,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Draft {
    campaign: String,
    rate: String,
}

#[derive(Template)]
#[template(path = "operator/payout-new.html")]
struct NewPayoutPage {
    page: Page,
    /// Those that are over.
    campaigns: Vec<Campaign>,
    form: Draft,
    problem: Option<Problem>,
}

async fn begin(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(form): Query<Draft>,
) -> Result<Response> {
    viewer.with(Right::Operate)?;
    html(&new_page(&app, &viewer, form, None).await?)
}

async fn new_page(
    app: &App,
    viewer: &Viewer,
    form: Draft,
    problem: Option<Problem>,
) -> Result<NewPayoutPage> {
    let page = viewer.page(app, Section::Operator, "New payout").await?;
    let mut tx = app.store.read().await?;
    let mut campaigns = campaigns::all(app, &mut tx, app.now_us()).await?.campaigns;
    campaigns.retain(|campaign| campaign.state == CampaignState::Closed);
    Ok(NewPayoutPage {
        page,
        campaigns,
        form,
        problem,
    })
}

async fn draft(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    viewer: Viewer,
    Form(form): Form<Draft>,
) -> Result<Response> {
    match try_draft(&app, by, &form).await {
        Ok((id, 0)) => Ok(done(
            &format!("/operator/payouts/{id}"),
            "Drafted. Two operators approve it before it can be sent.",
        )),
        Ok((id, without)) => {
            let said = format!(
                "Drafted, without {} who have linked no Aptos account yet: a later payout is for them.",
                show::counted(without, "winner", "winners")
            );
            Ok(done(&format!("/operator/payouts/{id}"), said))
        }
        Err(refused) => {
            let problem = console::refusal(refused)?;
            let page = new_page(&app, &viewer, form, Some(problem)).await?;
            Ok(again(html(&page)?))
        }
    }
}

/// The payout, and how many winners cannot be in it.
async fn try_draft(app: &App, by: UserId, form: &Draft) -> Result<(PayoutId, usize)> {
    let rate = form.rate.trim().parse::<Rate>()?;
    let campaign: CampaignId = form
        .campaign
        .parse()
        .map_err(|_| Refused::not_found("campaign"))?;
    let mut tx = app.store.write().await?;
    let drawn = winners::from_snapshot(&mut tx, campaign, rate, by, app.now_us()).await?;
    tx.commit().await?;
    Ok((drawn.id, drawn.without_account.len()))
}

#[derive(Template)]
#[template(path = "operator/payout.html")]
struct PayoutPageOf {
    page: Page,
    state: String,
    details: PayoutDetails,
    names: Names,
}

/// How far it is, and what can be done: the part that changes.
#[derive(Template)]
#[template(path = "operator/payout-state.html")]
struct StatePart {
    payout: Payout,
    names: Names,
    viewer: UserId,
    now_ms: i64,
    /// This coordinator has an account to send from.
    can_send: bool,
}

impl StatePart {
    async fn of(app: &App, viewer: UserId, id: PayoutId) -> Result<Self> {
        let mut tx = app.store.read().await?;
        let payout = view::payout(&mut tx, id).await?;
        let by_hand = payout.by_hand.iter().map(|claim| claim.said_by);
        let people = payout.approved_by.iter().copied().chain(by_hand);
        let people: Vec<UserId> = people.chain([payout.drafted_by]).collect();
        Ok(Self {
            names: Names::of(&mut tx, people).await?,
            payout,
            viewer,
            now_ms: app.now_us() / 1_000,
            can_send: app.payer.is_some(),
        })
    }

    /// It changes without anybody here.
    fn is_on_its_way(&self) -> bool {
        matches!(
            self.payout.status,
            PayoutStatus::Signed | PayoutStatus::Submitted
        )
    }

    fn approved_by_viewer(&self) -> bool {
        self.payout.approved_by.contains(&self.viewer)
    }
}

async fn show_payout(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<PayoutId>,
) -> Result<Response> {
    let operator = viewer.with(Right::Operate)?;
    let state = StatePart::of(&app, operator, id).await?;
    let mut page = viewer.page(&app, Section::Operator, "Payout").await?;
    if state.is_on_its_way() {
        page = page.live(format!("/operator/payouts/{id}/live"));
    }
    let mut tx = app.store.read().await?;
    let details = view::details(&mut tx, id).await?;
    let deciders: Vec<UserId> = details
        .history
        .iter()
        .filter_map(|event| event.by)
        .collect();
    let names = Names::of(&mut tx, deciders).await?;
    html(&PayoutPageOf {
        page,
        state: part(&state)?,
        details,
        names,
    })
}

async fn follow(
    State(app): State<Arc<App>>,
    Operator(viewer): Operator,
    Path(id): Path<PayoutId>,
) -> Response {
    let watch = Watch {
        ear: None,
        every: Some(LOOK),
    };
    let of = Arc::clone(&app);
    live::stream(&app, watch, move || {
        let app = Arc::clone(&of);
        async move {
            let state = StatePart::of(&app, viewer, id).await?;
            Ok(Look::of(vec![part(&state)?]))
        }
    })
}

async fn approve(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<Response> {
    let approved = payouts::approve(&app.store, id, by, app.now_us()).await;
    said(id, approved, "You approved it.")
}

async fn withdraw(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<Response> {
    let withdrawn = payouts::withdraw(&app.store, id, by, app.now_us()).await;
    said(
        id,
        withdrawn,
        "It is withdrawn: its winners can be in another payout.",
    )
}

async fn send_payout(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<Response> {
    send::send(&app, id, by).await?;
    Ok(done(
        &format!("/operator/payouts/{id}"),
        "It is on its way.",
    ))
}

#[derive(Deserialize)]
struct Hash {
    #[serde(default)]
    hash: String,
}

async fn paid_by_hand(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
    Form(form): Form<Hash>,
) -> Result<Response> {
    let hash = form.hash.trim().parse()?;
    let told = payouts::say_paid_by_hand(&app.store, id, by, hash, app.now_us()).await;
    said(
        id,
        told,
        "Noted. It counts once two operators name the same transaction.",
    )
}

async fn not_paid_by_hand(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<PayoutId>,
) -> Result<Response> {
    let told = payouts::say_not_paid(&app.store, id, by, app.now_us()).await;
    said(id, told, "Taken back.")
}

fn said<T>(
    id: PayoutId,
    outcome: std::result::Result<T, PayoutError>,
    text: &str,
) -> Result<Response> {
    outcome?;
    Ok(done(&format!("/operator/payouts/{id}"), text))
}
