//! Whether a worker takes frames at a moment, by its owner's week. Pure.
//!
//! A week is a ring of minutes that begins on Monday, by a fixed offset from UTC. With a database of time zones
//! the hours would follow daylight saving time; owners are asked to change the offset twice a year instead, which
//! needs no updates of ours whenever a country changes its mind.

use pictor_protocol::schedule::{Schedule, WeekSpan};
use pictor_protocol::settings::Fault;

const MINUTE_US: i64 = 60_000_000;
const DAY_MINUTES: i64 = 24 * 60;
const WEEK_MINUTES: i64 = 7 * DAY_MINUTES;
/// 1 January 1970 was a Thursday.
const MINUTES_BEFORE_1970: i64 = 3 * DAY_MINUTES;

const SPANS_MAX: usize = 21;
/// As far as clocks on earth go.
const OFFSET_MINUTES: std::ops::RangeInclusive<i32> = -720..=840;

/// When a schedule opens or closes next; never, if it covers the whole week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    Open { until_us: Option<i64> },
    Closed { until_us: i64 },
}

/// What a schedule says of a moment. One without a span is closed, and says so for a week.
pub fn hours(schedule: &Schedule, now_us: i64) -> Hours {
    let minute = minute_of_week(now_us, schedule.utc_offset_minutes);
    let minute_began_us = now_us - now_us.rem_euclid(MINUTE_US);
    let at = |minutes: i64| minute_began_us + minutes * MINUTE_US;
    if covers(schedule, minute) {
        let end = closes_after(schedule, minute);
        return Hours::Open {
            until_us: end.map(at),
        };
    }
    let begins = schedule.spans.iter().map(|span| {
        let from = i64::from(span.day) * DAY_MINUTES + i64::from(span.from_minute);
        (from - minute).rem_euclid(WEEK_MINUTES)
    });
    Hours::Closed {
        until_us: at(begins.min().unwrap_or(WEEK_MINUTES)),
    }
}

/// Whether a worker may be given frames.
pub fn is_open(schedule: Option<&Schedule>, now_us: i64) -> bool {
    schedule.is_none_or(|schedule| matches!(hours(schedule, now_us), Hours::Open { .. }))
}

/// When a worker is open again; `None` if it is open.
pub fn opens_us(schedule: &Schedule, now_us: i64) -> Option<i64> {
    match hours(schedule, now_us) {
        Hours::Open { .. } => None,
        Hours::Closed { until_us } => Some(until_us),
    }
}

/// A moment of the next days, such as `Monday 18:30 (UTC+02:00)`.
pub fn moment(at_us: i64, utc_offset_minutes: i32) -> String {
    const DAYS: [&str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    let minute = minute_of_week(at_us, utc_offset_minutes);
    let day = DAYS.get((minute / DAY_MINUTES) as usize).copied();
    let (hours, minutes) = (minute % DAY_MINUTES / 60, minute % 60);
    let sign = if utc_offset_minutes < 0 { '-' } else { '+' };
    let offset = utc_offset_minutes.unsigned_abs();
    let zone = match (offset / 60, offset % 60) {
        (0, 0) => "UTC".into(),
        (hours, minutes) => format!("UTC{sign}{hours:02}:{minutes:02}"),
    };
    let day = day.unwrap_or_default();
    format!("{day} {hours:02}:{minutes:02} ({zone})")
}

/// Minutes since Monday began.
fn minute_of_week(at_us: i64, utc_offset_minutes: i32) -> i64 {
    let offset = i64::from(utc_offset_minutes) + MINUTES_BEFORE_1970;
    (at_us.div_euclid(MINUTE_US) + offset).rem_euclid(WEEK_MINUTES)
}

fn covers(schedule: &Schedule, minute: i64) -> bool {
    schedule.spans.iter().any(|span| {
        let day = i64::from(span.day) * DAY_MINUTES;
        (day + i64::from(span.from_minute)..day + i64::from(span.to_minute)).contains(&minute)
    })
}

/// In how many minutes it closes: spans that follow each other without a gap are one.
fn closes_after(schedule: &Schedule, minute: i64) -> Option<i64> {
    let mut minutes = 0;
    while minutes < WEEK_MINUTES {
        let here = (minute + minutes).rem_euclid(WEEK_MINUTES);
        let end = schedule.spans.iter().find_map(|span| {
            let day = i64::from(span.day) * DAY_MINUTES;
            let (from, to) = (
                day + i64::from(span.from_minute),
                day + i64::from(span.to_minute),
            );
            (from..to).contains(&here).then_some(to)
        });
        match end {
            Some(end) => minutes += end - here,
            None => return Some(minutes),
        }
    }
    None
}

/// Everything that is wrong with a schedule.
pub fn faults(schedule: &Schedule) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |field: String, message: &str| {
        faults.push(Fault {
            field,
            message: message.into(),
        });
    };
    if !OFFSET_MINUTES.contains(&schedule.utc_offset_minutes) {
        fault("utc_offset_minutes".into(), "it is between -720 and 840");
    }
    if schedule.spans.is_empty() || schedule.spans.len() > SPANS_MAX {
        fault("spans".into(), "there are 1 to 21 of them");
        return faults;
    }
    for (at, span) in schedule.spans.iter().enumerate() {
        if span.day > 6 {
            fault(format!("spans[{at}].day"), "0 is Monday, and 6 is Sunday");
        }
        if i64::from(span.to_minute) > DAY_MINUTES || span.from_minute >= span.to_minute {
            fault(
                format!("spans[{at}].to_minute"),
                "it is after `from_minute`, and 1440 at most",
            );
        }
        let earlier = schedule.spans.iter().take(at);
        if earlier.into_iter().any(|other| overlap(*other, *span)) {
            fault(format!("spans[{at}]"), "it overlaps an earlier one");
        }
    }
    faults
}

fn overlap(one: WeekSpan, other: WeekSpan) -> bool {
    one.day == other.day && one.from_minute < other.to_minute && other.from_minute < one.to_minute
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_US: i64 = 60 * MINUTE_US;
    /// Monday, 5 January 1970, midnight UTC.
    const MONDAY_US: i64 = 4 * 24 * HOUR_US;

    #[test]
    fn a_worker_is_open_in_its_hours_and_says_when_it_is_again() {
        let evenings = schedule(0, &[(0, 18, 24), (1, 0, 6), (4, 20, 22)]);
        let at = |hours: i64| hours_at(&evenings, hours);
        assert_eq!(at(17), closed(18));
        assert_eq!(at(18), open(30), "midnight is no end");
        assert_eq!(at(29), open(30));
        assert_eq!(at(30), closed(4 * 24 + 20));
        assert_eq!(at(4 * 24 + 22), closed(7 * 24 + 18), "the next week");
        assert_eq!(at(-1), closed(18));
    }

    #[test]
    fn hours_are_the_owners() {
        let india = schedule(330, &[(0, 9, 17)]);
        let half_past_three = MONDAY_US + 3 * HOUR_US + 30 * MINUTE_US;
        assert!(!is_open(Some(&india), half_past_three - 1));
        assert!(is_open(Some(&india), half_past_three));
        let hawaii = schedule(-600, &[(6, 23, 24)]);
        assert!(is_open(Some(&hawaii), MONDAY_US + 9 * HOUR_US));
        assert!(is_open(None, 0));
    }

    #[test]
    fn a_moment_is_said_by_the_owners_clock() {
        let monday = MONDAY_US + 18 * HOUR_US + 30 * MINUTE_US;
        assert_eq!(moment(monday, 0), "Monday 18:30 (UTC)");
        assert_eq!(moment(monday, 330), "Tuesday 00:00 (UTC+05:30)");
        assert_eq!(moment(monday, -1_200 + 480), "Monday 06:30 (UTC-12:00)");
    }

    #[test]
    fn a_whole_week_never_closes() {
        let days: Vec<_> = (0..7).map(|day| (day, 0, 24)).collect();
        let always = schedule(60, &days);
        assert_eq!(faults(&always), []);
        assert_eq!(hours(&always, 12_345), Hours::Open { until_us: None });
    }

    #[test]
    fn every_fault_is_named() {
        let mut bad = schedule(841, &[(7, 1, 2), (0, 9, 9), (1, 1, 3), (1, 2, 4)]);
        bad.spans.push(WeekSpan {
            day: 2,
            from_minute: 0,
            to_minute: 1_441,
        });
        let fields: Vec<_> = faults(&bad).into_iter().map(|fault| fault.field).collect();
        let expected = [
            "utc_offset_minutes",
            "spans[0].day",
            "spans[1].to_minute",
            "spans[3]",
            "spans[4].to_minute",
        ];
        assert_eq!(fields, expected);
        assert_eq!(faults(&schedule(0, &[]))[0].field, "spans");
    }

    proptest! {
        /// Against the plainest model: looking at every minute.
        #[test]
        fn nothing_changes_before_the_next_change_and_then_it_does(
            spans in prop::collection::vec((0..7_u8, 0..1_440_u16, 1..=1_440_u16), 1..=21),
            utc_offset_minutes in -720..=840_i32,
            now_us in 0..200 * WEEK_MINUTES * MINUTE_US,
        ) {
            let spans = spans.into_iter().filter(|(_, from, to)| from < to);
            let spans: Vec<_> = spans
                .map(|(day, from_minute, to_minute)| WeekSpan { day, from_minute, to_minute })
                .collect();
            prop_assume!(!spans.is_empty());
            let schedule = Schedule { utc_offset_minutes, spans };
            let is_open = |at_us| super::is_open(Some(&schedule), at_us);
            let now = is_open(now_us);
            let first_minute = now_us.div_euclid(MINUTE_US) + 1;
            let change = (first_minute..=first_minute + WEEK_MINUTES)
                .map(|minute| minute * MINUTE_US)
                .find(|at_us| is_open(*at_us) != now);
            let said = match hours(&schedule, now_us) {
                Hours::Open { until_us } => until_us,
                Hours::Closed { until_us } => Some(until_us),
            };
            prop_assert_eq!(said, change);
        }

        #[test]
        fn the_same_hours_elsewhere_are_the_same_moments_moved(
            offset in -720..=840_i32, now_us in 0..WEEK_MINUTES * MINUTE_US
        ) {
            let here = schedule(0, &[(2, 3, 7), (5, 20, 24)]);
            let there = Schedule { utc_offset_minutes: offset, ..here.clone() };
            let moved = now_us + i64::from(offset) * MINUTE_US;
            prop_assert_eq!(is_open(Some(&there), now_us), is_open(Some(&here), moved));
        }
    }

    fn schedule(utc_offset_minutes: i32, spans: &[(u8, u16, u16)]) -> Schedule {
        let span = |(day, from, to): &(u8, u16, u16)| WeekSpan {
            day: *day,
            from_minute: from * 60,
            to_minute: to * 60,
        };
        Schedule {
            utc_offset_minutes,
            spans: spans.iter().map(span).collect(),
        }
    }

    /// So many hours after the beginning of a Monday.
    fn hours_at(schedule: &Schedule, at: i64) -> Hours {
        hours(schedule, MONDAY_US + at * HOUR_US)
    }

    fn open(until: i64) -> Hours {
        Hours::Open {
            until_us: Some(MONDAY_US + until * HOUR_US),
        }
    }

    fn closed(until: i64) -> Hours {
        Hours::Closed {
            until_us: MONDAY_US + until * HOUR_US,
        }
    }
}
