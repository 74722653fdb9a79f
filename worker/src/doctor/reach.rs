//! Asks the coordinator what it thinks of this worker, and takes the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::facts::{Download, Reached};
use crate::config::Settings;
use crate::coordinator::{CallError, Coordinator};

pub(super) async fn coordinator(settings: &Settings) -> Result<Reached, CallError> {
    let coordinator = Coordinator::new(&settings.coordinator, &settings.token)?;
    // The first request opens the connection, the second is timed on it.
    coordinator.registration().await?;
    let (asked, began_ms) = (Instant::now(), now_ms());
    let registration = coordinator.registration().await?;
    let round_trip = asked.elapsed();
    let asked_at_ms = began_ms + round_trip.as_millis() as i64 / 2;
    let began = Instant::now();
    // A proxy may let workers through and nothing else.
    let download = coordinator.api_description().await.ok();
    let took = began.elapsed();
    Ok(Reached {
        registration,
        asked_at_ms,
        round_trip,
        download: download.map(|bytes| Download { bytes, took }),
    })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
