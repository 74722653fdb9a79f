//! The coordinator reads all of its books every night and says what is wrong with them.

use std::time::Duration;

use super::audit::{Audit, audit};
use crate::app::App;
use crate::store::Result;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(10);

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 24 * 3_600 * SECOND_US;
/// 03:00 UTC.
const HOUR_OF_AUDIT_US: i64 = 3 * 3_600 * SECOND_US;

/// Runs until the coordinator stops.
pub async fn run(app: &App) {
    let mut due_us = next_after(app.now_us());
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => return,
        }
        let now_us = app.now_us();
        // A clock that was set back must not put the audit off.
        due_us = due_us.min(next_after(now_us));
        if now_us < due_us {
            continue;
        }
        due_us = next_after(now_us);
        if let Err(error) = audit_and_tell(app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the books could not be audited"
            );
        }
    }
}

/// Audits the books; faults are logged and counted.
pub async fn audit_and_tell(app: &App) -> Result<Audit> {
    let mut tx = app.store.read().await?;
    let found = audit(&mut tx).await?;
    for fault in &found.faults {
        tracing::error!(%fault, "the books are wrong");
    }
    let entries: i64 = found.books.iter().map(|book| book.entries).sum();
    tracing::info!(
        ledger.entries = entries,
        ledger.faults = found.faults.len(),
        "books audited"
    );
    app.metrics.ledger_faults.set(found.faults.len() as i64);
    app.metrics.ledger_audited.set(app.now_us() / SECOND_US);
    Ok(found)
}

/// The first moment for an audit after a moment.
fn next_after(now_us: i64) -> i64 {
    let since = (now_us - HOUR_OF_AUDIT_US).rem_euclid(DAY_US);
    now_us - since + DAY_US
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_are_audited_at_three_every_night() {
        let at = |text: &str| {
            text.parse::<chrono::DateTime<chrono::Utc>>()
                .map(|at| at.timestamp_micros())
                .unwrap()
        };
        for (now, next) in [
            ("2026-01-01T02:59:59.999999Z", "2026-01-01T03:00:00Z"),
            ("2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"),
            ("2026-02-28T23:00:00Z", "2026-03-01T03:00:00Z"),
        ] {
            assert_eq!(next_after(at(now)), at(next), "{now}");
        }
    }
}
