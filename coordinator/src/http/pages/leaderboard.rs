//! Who has how many points, and what the ranks get.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use pictor_protocol::campaign::{Campaign, CampaignState};
use pictor_protocol::leaderboard::{LeaderboardPage as Ranks, MyRank, PublicName};
use pictor_protocol::network::CampaignSummary;
use pictor_protocol::{CampaignId, Micros, UserId};
use serde::Deserialize;

use super::layout::{Page, Section, Viewer, again, done, html, part};
use super::live::{self, Look, Watch};
use super::shared::Shared;
use super::{draw, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::ranks::RanksError;
use crate::campaign::{ranks, view};
use crate::http::browser::Browser;
use crate::http::extract::{Form, Query};
use crate::http::problem::{Refused, Result};

/// Those who share the pool of the first campaigns; everybody else finds themselves by name.
const RANKS: usize = 100;
/// Points move all the time: nobody needs to see each of them.
const REST: Duration = Duration::from_secs(2);
/// A board that does not move may have become final.
const LOOK_AGAIN_US: i64 = 30_000_000;

/// The table as everybody sees it, by the board's version.
type Board = Shared<(u64, i64), String>;

pub fn routes() -> Router<Arc<App>> {
    let board: Arc<Board> = Arc::default();
    Router::new()
        .route("/leaderboard", get(leaderboard))
        .route("/leaderboard/live", get(changes))
        .layer(Extension(board))
        .route("/leaderboard/name", post(choose_name))
}

#[derive(Template)]
#[template(path = "leaderboard/page.html")]
struct LeaderboardPage {
    page: Page,
    campaign: Option<Campaign>,
    /// All that have opened, the latest first.
    campaigns: Vec<CampaignSummary>,
    /// One of them, which is over; it has another page than the current one.
    past: Option<CampaignSummary>,
    /// Decided for ever, so that anybody can recompute it.
    decided: Option<CampaignId>,
    board: String,
    mine: Option<String>,
    /// What was searched.
    searched: Option<String>,
    name: Option<NameForm>,
}

/// The name that everybody sees, and what is wrong with the one that was typed.
struct NameForm {
    now: PublicName,
    typed: String,
    fault: Option<String>,
}

/// The table.
#[derive(Template)]
#[template(path = "leaderboard/board.html")]
struct BoardPart {
    ranks: Ranks,
    searched: Option<String>,
}

/// One's own place.
#[derive(Template)]
#[template(path = "leaderboard/mine.html")]
struct MinePart {
    mine: MyRank,
    is_over: bool,
}

#[derive(Deserialize)]
struct Asked {
    name: Option<String>,
    campaign: Option<CampaignId>,
}

async fn leaderboard(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Extension(board): Extension<Arc<Board>>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let current = view::now(&app, &mut tx, app.now_us()).await?.current;
    drop(tx);
    let is_past = |id: &CampaignId| current.as_ref().is_none_or(|current| current.id != *id);
    match asked.campaign.filter(is_past) {
        Some(id) => past_page(&app, &viewer, id).await,
        None => show_page(&app, &viewer, &board, asked.name, None).await,
    }
}

/// The final ranks of a campaign that is over.
async fn past_page(app: &App, viewer: &Viewer, id: CampaignId) -> Result<Response> {
    let campaigns = campaigns(app).await?;
    let past = campaigns.iter().find(|campaign| campaign.id == id).cloned();
    let past = past.ok_or_else(|| Refused::not_found("campaign"))?;
    let ranks = ranks::winners(app, id).await?;
    html(&LeaderboardPage {
        page: viewer
            .page(app, Section::Leaderboard, past.name.clone())
            .await?,
        campaign: None,
        campaigns,
        decided: past.has_snapshot.then_some(id),
        past: Some(past),
        board: match ranks {
            Some(ranks) => part(&BoardPart {
                ranks,
                searched: None,
            })?,
            None => String::new(),
        },
        mine: None,
        searched: None,
        name: None,
    })
}

async fn campaigns(app: &App) -> Result<Vec<CampaignSummary>> {
    let mut tx = app.store.read().await?;
    let public = view::public(app, &mut tx, app.now_us()).await?;
    let has_opened = |of: &CampaignSummary| of.state != CampaignState::Upcoming;
    Ok(public.campaigns.into_iter().filter(has_opened).collect())
}

async fn show_page(
    app: &App,
    viewer: &Viewer,
    board: &Board,
    searched: Option<String>,
    refused: Option<(String, String)>,
) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let current = view::now(app, &mut tx, app.now_us()).await?.current;
    drop(tx);
    let campaigns = campaigns(app).await?;
    let is_decided = |of: &&CampaignSummary| {
        of.has_snapshot && current.as_ref().is_some_and(|current| current.id == of.id)
    };
    let decided = campaigns.iter().find(is_decided).map(|of| of.id);
    let searched = searched.map(|name| name.trim().to_owned());
    let searched = searched.filter(|name| !name.is_empty());
    let table = match &searched {
        Some(beginning) => part(&BoardPart {
            ranks: ranks::search(app, beginning, RANKS).await?,
            searched: searched.clone(),
        })?,
        None => everybody(app, board).await?.to_string(),
    };
    let mut page = viewer
        .page(app, Section::Leaderboard, "Leaderboard")
        .await?;
    if searched.is_none() {
        page = page.live("/leaderboard/live");
    }
    let (mine, name) = match viewer.user() {
        Some(user) => (
            Some(mine(app, user).await?),
            Some(name_form(app, user, refused).await?),
        ),
        None => (None, None),
    };
    html(&LeaderboardPage {
        page,
        campaign: current,
        campaigns,
        past: None,
        decided,
        board: table,
        mine,
        searched,
        name,
    })
}

async fn name_form(app: &App, user: UserId, refused: Option<(String, String)>) -> Result<NameForm> {
    let now = ranks::public_name(app, user).await?;
    let chosen = if now.is_chosen {
        now.name.clone()
    } else {
        String::new()
    };
    let (typed, fault) = match refused {
        Some((typed, fault)) => (typed, Some(fault)),
        None => (chosen, None),
    };
    Ok(NameForm { now, typed, fault })
}

async fn everybody(app: &App, board: &Board) -> Result<Arc<String>> {
    let key = (app.leaderboard.version(), app.now_us() / LOOK_AGAIN_US);
    let make = async || {
        part(&BoardPart {
            ranks: ranks::page(app, 1, RANKS).await?,
            searched: None,
        })
    };
    board.of(key, make).await
}

async fn mine(app: &App, user: UserId) -> Result<String> {
    let mut tx = app.store.read().await?;
    let campaigns = view::now(app, &mut tx, app.now_us()).await?;
    drop(tx);
    let state = campaigns.current.map(|campaign| campaign.state);
    part(&MinePart {
        mine: ranks::mine(app, user).await?,
        is_over: state == Some(CampaignState::Closed),
    })
}

async fn changes(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Extension(board): Extension<Arc<Board>>,
) -> Response {
    let watch = Watch {
        ear: Some(app.leaderboard.changed.listen()),
        every: None,
    };
    let user = viewer.user();
    let mut rest = Duration::ZERO;
    let of = Arc::clone(&app);
    live::stream(&app, watch, move || {
        let (app, board) = (Arc::clone(&of), Arc::clone(&board));
        let resting = std::mem::replace(&mut rest, REST);
        async move {
            tokio::time::sleep(resting).await;
            let mut parts = vec![everybody(&app, &board).await?.to_string()];
            if let Some(user) = user {
                parts.push(mine(&app, user).await?);
            }
            Ok(Look::of(parts))
        }
    })
}

/// The choice of campaigns shows the one that the page is of: the latest, unless another one was asked for.
fn is_shown(of: &CampaignSummary, past: &Option<CampaignSummary>, is_latest: &bool) -> bool {
    past.as_ref().map_or(*is_latest, |past| past.id == of.id)
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

async fn choose_name(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Browser(of): Browser,
    Form(form): Form<Named>,
) -> Result<Response> {
    viewer.with(Right::Account)?;
    let typed = form.name.trim();
    let wanted = Some(typed).filter(|name| !name.is_empty());
    match ranks::choose_name(&app, of.user_id, wanted).await {
        Ok(now) => Ok(done(
            "/leaderboard",
            format!("Everybody sees you as {} now.", now.name),
        )),
        Err(error @ (RanksError::BadName(_) | RanksError::NameTaken)) => {
            let refused = Some((typed.to_owned(), format!("Not this one: {error}.")));
            let page = show_page(&app, &viewer, &Board::default(), None, refused).await?;
            Ok(again(page))
        }
        Err(error) => Err(Refused::from(error)),
    }
}
