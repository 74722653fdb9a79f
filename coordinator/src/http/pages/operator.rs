//! The operators' console: what concerns everybody. Each action says what follows from it before, and what came of
//! it after; what was typed is shown again when it is refused.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

mod audit;
mod campaigns;
mod console;
mod fair_play;
mod machines;
mod overview;
mod payouts;
mod people;
mod quests;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(overview::routes()) //   /operator
        .merge(people::routes()) //     /operator/people[/{id}[/standing]]
        .merge(machines::routes()) //   /operator/workers[/{id}/suspend|reinstate]  /operator/jobs  /operator/system
        .merge(campaigns::routes()) //  /operator/campaigns[/new|/{id}[/rules|dates|close|snapshot]]
        .merge(quests::routes()) //     /operator/quests[/{id}/confirm|refuse]
        .merge(fair_play::routes()) //  /operator/signals  /operator/appeals[/{id}]
        .merge(payouts::routes()) //    /operator/payouts[/new|/{id}[/approve|withdraw|send|paid-by-hand|…]]
        .merge(audit::routes()) //      /operator/audit-log
}
