//! When a live page looks at workers again: after a ring for their owner, and when silence says something. What
//! happens within a second is one look: a thousand workers that report are a thousand rings.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use pictor_protocol::UserId;
use pictor_protocol::worker::{Presence, Worker};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::live::{self, Look};
use crate::app::App;
use crate::bells::Ear;
use crate::http::problem::Result;
use crate::workers::SILENCE_US;

const AT_LEAST_BETWEEN: Duration = Duration::from_millis(700);
/// How often it is asked whether the time has come.
const EVERY: Duration = Duration::from_secs(10);
/// A ring too few is made good after this long.
const AT_LATEST_US: i64 = 300 * 1_000_000;

struct Watch {
    ear: Ear,
    looked: Option<Instant>,
    /// When something is different though nobody rings.
    due_us: i64,
}

/// What a look found: the parts, and when time alone changes them.
pub struct Found {
    pub parts: Vec<String>,
    pub due_us: i64,
}

/// Streams what changes of somebody's workers.
pub fn stream<L, F>(app: &Arc<App>, owner: UserId, look: L) -> Response
where
    L: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<Found>> + Send,
{
    let watch = Arc::new(Mutex::new(Watch {
        ear: app.bells.owners.listen(owner),
        looked: None,
        due_us: 0,
    }));
    let (again, look) = (Arc::clone(app), Arc::new(look));
    let when = live::Watch {
        ear: Some(app.bells.owners.listen(owner)),
        every: Some(EVERY),
    };
    live::stream(app, when, move || {
        let (app, watch, look) = (Arc::clone(&again), Arc::clone(&watch), Arc::clone(&look));
        async move {
            let mut watch = watch.lock().await;
            if let Some(looked) = watch.looked {
                let is_due = app.now_us() >= watch.due_us;
                if !watch.ear.has_heard() && !is_due {
                    return Ok(Look::Same);
                }
                tokio::time::sleep_until(looked + AT_LEAST_BETWEEN).await;
            }
            // What rings from here on is news again.
            watch.ear.has_heard();
            let found = look().await?;
            watch.looked = Some(Instant::now());
            watch.due_us = found.due_us.min(app.now_us() + AT_LATEST_US);
            Ok(Look::of(found.parts))
        }
    })
}

/// When the first of those that are there counts as gone, if it says nothing more.
pub fn silence_us<'a>(workers: impl IntoIterator<Item = &'a Worker>) -> i64 {
    let there = |worker: &&Worker| matches!(worker.presence, Presence::Online | Presence::Draining);
    let silent = workers
        .into_iter()
        .filter(there)
        .filter_map(|worker| worker.last_seen_ms)
        .map(|ms| (ms + 1) * 1_000 + SILENCE_US);
    silent.min().unwrap_or(i64::MAX)
}
