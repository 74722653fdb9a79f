//! When a worker was there, by the coordinator's own clock: measured by the gaps between its signs of life, so
//! that silence counts as absence, whatever the worker says of itself. Kept by the hour, in UTC.

use std::collections::BTreeMap;

use pictor_protocol::worker::{Uptime, UptimeSpan, UptimeStep};

use super::SILENCE_US;
use crate::app::App;
use crate::store::uptime::HourRow;
use crate::store::workers::{self, AgentRow};
use crate::store::{Result, Store, uptime};

/// A worker's last sign of life is written down this often at most: the database need not hear of
/// every request.
const SEEN_EVERY_US: i64 = 10 * 1_000_000;

pub const HOUR_US: i64 = 3_600 * 1_000_000;
const HOURS_A_DAY: i64 = 24;
/// How long the hours are kept; older ones are put together by the day.
pub const HOURLY_DAYS: i64 = 90;
/// How long the days are kept.
pub const DAYS_KEPT: i64 = 365;

/// Notes a sign of life, and the time since the one before if the worker was there throughout.
pub async fn note(app: &App, worker: &AgentRow) -> Result<()> {
    let now_us = app.now_us();
    let before_us = worker.last_seen_us;
    if before_us.is_some_and(|seen| now_us - seen <= SEEN_EVERY_US) {
        return Ok(());
    }
    let mut tx = app.store.write().await?;
    if workers::seen(&mut tx, worker.id, before_us, now_us).await? {
        for HourRow { hour, seen_us } in presence_between(before_us, now_us) {
            uptime::add(&mut tx, worker.id, hour, seen_us).await?;
        }
    }
    tx.commit().await?;
    if before_us.is_none_or(|seen| now_us - seen > SILENCE_US) {
        app.bells.owners.ring(worker.owner_id);
    }
    Ok(())
}

/// How long a worker was there between two signs of life, by the hour. After a silence that is too long nobody
/// knows that it was there at all.
fn presence_between(before_us: Option<i64>, now_us: i64) -> Vec<HourRow> {
    let Some(mut from_us) = before_us.filter(|before| now_us - before <= SILENCE_US) else {
        return Vec::new();
    };
    let mut hours = Vec::new();
    while from_us < now_us {
        let hour = from_us.div_euclid(HOUR_US);
        let until_us = now_us.min((hour + 1) * HOUR_US);
        hours.push(HourRow {
            hour,
            seen_us: until_us - from_us,
        });
        from_us = until_us;
    }
    hours
}

/// The first of the hours that are looked at: so many days in UTC with today, and not before the worker was.
pub fn first_hour(days: i64, created_us: i64, now_us: i64) -> i64 {
    let today = now_us.div_euclid(HOUR_US * HOURS_A_DAY);
    ((today - days + 1) * HOURS_A_DAY).max(created_us.div_euclid(HOUR_US))
}

/// Puts hours together that nobody looks at one by one any more, and forgets what is older than that.
pub async fn tidy(store: &Store, now_us: i64) -> Result<()> {
    let mut tx = store.write().await?;
    let hourly = first_hour(HOURLY_DAYS, i64::MIN, now_us);
    uptime::put_together_before(&mut tx, hourly).await?;
    let kept = first_hour(DAYS_KEPT, i64::MIN, now_us);
    uptime::forget_before(&mut tx, kept).await?;
    tx.commit().await
}

/// The uptime from an hour on until now, without gaps.
pub fn uptime(rows: &[HourRow], first_hour: i64, step: UptimeStep, now_us: i64) -> Uptime {
    let hours = match step {
        UptimeStep::Hour => 1,
        UptimeStep::Day | UptimeStep::Unknown => HOURS_A_DAY,
    };
    let last = now_us.div_euclid(HOUR_US).div_euclid(hours);
    let mut seen_us: BTreeMap<i64, i64> = BTreeMap::new();
    for row in rows {
        *seen_us.entry(row.hour.div_euclid(hours)).or_default() += row.seen_us;
    }
    let spans: Vec<_> = (first_hour.div_euclid(hours)..=last)
        .map(|span| UptimeSpan {
            start_ms: span * hours * HOUR_US / 1_000,
            seen_ms: seen_us.get(&span).map_or(0, |seen_us| seen_us / 1_000),
        })
        .collect();
    Uptime {
        step,
        seen_ms: spans.iter().map(|span| span.seen_ms).sum(),
        spans,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND_US: i64 = 1_000_000;

    #[test]
    fn silence_counts_as_absence() {
        assert_eq!(presence_between(None, HOUR_US), []);
        assert_eq!(presence_between(Some(0), SILENCE_US + 1), []);
        let hour = |hour, seconds: i64| HourRow {
            hour,
            seen_us: seconds * SECOND_US,
        };
        assert_eq!(presence_between(Some(0), SILENCE_US), [hour(0, 90)]);
        let across = presence_between(Some(HOUR_US - 20 * SECOND_US), HOUR_US + 30 * SECOND_US);
        assert_eq!(across, [hour(0, 20), hour(1, 30)]);
    }

    #[test]
    fn a_clock_that_goes_back_makes_nobody_present() {
        assert_eq!(presence_between(Some(HOUR_US), HOUR_US - SECOND_US), []);
    }

    #[test]
    fn days_are_of_utc_and_without_gaps() {
        let hour = |hour, minutes: i64| HourRow {
            hour,
            seen_us: minutes * 60 * SECOND_US,
        };
        let rows = [hour(23, 60), hour(24, 30), hour(47, 15), hour(96, 1)];
        let now_us = 96 * HOUR_US + 60 * SECOND_US;
        let minutes = |uptime: &Uptime| -> Vec<_> {
            let spans = uptime.spans.iter();
            spans.map(|span| span.seen_ms / 60_000).collect()
        };
        let days = uptime(&rows, 0, UptimeStep::Day, now_us);
        assert_eq!(minutes(&days), [60, 45, 0, 0, 1]);
        assert_eq!(days.spans[1].start_ms, 24 * 3_600_000);
        assert_eq!(days.seen_ms, 106 * 60_000);
        let hours = uptime(&rows[2..], 46, UptimeStep::Hour, now_us);
        assert_eq!(hours.spans.len(), 51);
        assert_eq!(minutes(&hours)[..2], [0, 15]);
    }

    #[test]
    fn no_hour_before_the_worker_is_shown() {
        let now_us = 100 * 24 * HOUR_US + 5 * HOUR_US;
        assert_eq!(first_hour(1, 0, now_us), 2_400);
        assert_eq!(first_hour(30, 0, now_us), 71 * 24);
        assert_eq!(first_hour(30, now_us - HOUR_US, now_us), 2_404);
    }

    proptest! {
        #[test]
        fn nobody_is_present_for_longer_than_time_passed(
            start in 0..1_000 * HOUR_US, gaps in prop::collection::vec(1..300 * SECOND_US, 1..200)
        ) {
            let mut by_hour = std::collections::BTreeMap::new();
            let (mut before, mut silent) = (start, 0);
            for gap in &gaps {
                let spans = presence_between(Some(before), before + gap);
                silent += if spans.is_empty() { *gap } else { 0 };
                for row in spans {
                    *by_hour.entry(row.hour).or_insert(0) += row.seen_us;
                }
                before += gap;
            }
            prop_assert!(by_hour.values().all(|seen| (1..=HOUR_US).contains(seen)));
            prop_assert_eq!(by_hour.values().sum::<i64>() + silent, before - start);
        }
    }
}
