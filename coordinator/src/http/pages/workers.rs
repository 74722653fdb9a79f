//! My Workers: all of somebody's workers, each of them, and the way to another one.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

mod change;
mod connect;
mod earned;
mod installers;
mod list;
mod machine;
mod new;
mod overview;
mod row;
mod settings;
mod tasks;
mod watch;
mod week;
mod worker;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(list::routes()) //       /workers[/live]
        .merge(new::routes()) //        /workers/new
        .merge(connect::routes()) //    /workers/{id}/connect[/live]|config|token
        .merge(overview::routes()) //   /workers/{id}[/live]
        .merge(tasks::routes()) //      /workers/{id}/tasks
        .merge(earned::routes()) //     /workers/{id}/earnings
        .merge(machine::routes()) //    /workers/{id}/machine
        .merge(settings::routes()) //   /workers/{id}/settings|name|schedule
        .merge(change::routes()) //     /workers/{id}/pause|resume|retire
        .merge(installers::routes()) // /install/{file}
}
