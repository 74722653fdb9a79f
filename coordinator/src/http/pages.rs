//! What people see in their browsers.
//!
//! A page is a template (`templates/`) and a handler beside it: it extracts a [`layout::Viewer`] or one of
//! [`super::auth`]'s extractors, asks the same operations as the API, and answers with [`layout::html`]. What a form
//! sends is answered with [`layout::done`]: on to a page, which says what was done and may offer to undo it. A
//! handler refuses like every other one; [`refusal`] makes a page of that.
//!
//! Everything works without scripts. With them, [`live`] sends the parts of a page that change, each one an element
//! with an id, rendered by the same template that the page includes.
//!
//! | module | what it has |
//! |---|---|
//! | [`layout`] | what is around every page, and how one is sent |
//! | [`assets`] | styles, scripts, icons; addresses that change with their content |
//! | [`show`], [`draw`] | numbers, times and states as people read them; icons, bars and charts |
//! | [`words`] | the same for accounts: standings, tokens, browsers |
//! | [`arrival`] | what somebody brings along to the sign-in |
//! | [`said`] | what was just done |
//! | [`live`], [`shared`] | parts that change while one looks; those that look the same to everybody |
//! | [`why`](mod@why) | entries of the ledger as sentences |
//! | [`refusal`] | refusals as pages with a way out |
//! | the others | one each for an entry of the navigation |
//!
//! Pages know no SQL and no wire: what they show comes from the views that the API answers with.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use tower_http::compression::CompressionLayer;

use crate::app::App;

mod account;
mod arrival;
mod assets;
mod dashboard;
mod draw;
mod hearing;
mod help;
mod jobs;
mod landing;
mod layout;
mod leaderboard;
mod ledger;
mod live;
mod network;
mod operator;
mod refusal;
mod rewards;
mod said;
mod shared;
mod show;
mod sign_in;
mod welcome;
mod why;
mod words;
mod workers;

pub use refusal::nothing_here;

pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .merge(landing::routes()) //    /  /network/landing/live
        .merge(dashboard::routes()) //  /dashboard[/live]
        .merge(ledger::routes()) //     /ledger
        .merge(rewards::routes()) //    /rewards[/check-in|/referral|/quests/{id}[/open|/claim]]
        .merge(leaderboard::routes()) // /leaderboard[/live|/name]
        .merge(network::routes()) //    /network[/live]
        .merge(help::routes()) //       /help[/rules|/gpus]
        .merge(sign_in::routes()) //    /sign-in[/{secret}|/oidc[/callback]]
        .merge(welcome::routes()) //    /welcome  /account/roles[/add]
        .merge(workers::routes()) //    /workers[/…]  /install/{file}
        .merge(jobs::routes()) //       /jobs[/new|/{id}[/frames/{frame}|…]]  /scenes/{id}/new-job
        .merge(hearing::routes()) //    /hearing[/appeal|/export]
        .merge(account::routes()) //    /account[/name|appeal|sessions/…|identities/…|tokens/…|delete]  /sign-out
        .merge(operator::routes()) //   /operator/…
        .layer(middleware::from_fn_with_state(
            Arc::clone(app),
            refusal::as_page,
        ))
        .layer(CompressionLayer::new())
        .merge(assets::routes()) //     /assets/{file}
}
