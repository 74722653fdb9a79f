//! Days, weeks, months and hours of UTC, as numbers. Pure.

use chrono::{DateTime, Datelike, Months, NaiveDate};

pub const SECOND_US: i64 = 1_000_000;
pub const HOUR_US: i64 = 3_600 * SECOND_US;
pub const DAY_US: i64 = 24 * HOUR_US;

/// 1 January 1970 was a Thursday, and weeks begin on Mondays (ISO 8601).
const DAYS_BEFORE_1970_OF_WEEK_0: i64 = 3;

/// Days since 1970.
pub const fn day_of(at_us: i64) -> i64 {
    at_us.div_euclid(DAY_US)
}

/// Hours since 1970.
pub const fn hour_of(at_us: i64) -> i64 {
    at_us.div_euclid(HOUR_US)
}

/// Weeks since Monday, 29 December 1969.
pub const fn week_of(at_us: i64) -> i64 {
    (day_of(at_us) + DAYS_BEFORE_1970_OF_WEEK_0).div_euclid(7)
}

/// When a week begins.
pub const fn week_begins_us(week: i64) -> i64 {
    (week * 7 - DAYS_BEFORE_1970_OF_WEEK_0) * DAY_US
}

/// `2026-11-22`; empty for a day beyond all calendars.
pub fn day_text(day: i64) -> String {
    let date = DateTime::from_timestamp_micros(day.saturating_mul(DAY_US));
    date.map_or_else(String::new, |date| date.date_naive().to_string())
}

/// A month: the days that it has, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// `2026-11`
    pub name: String,
    pub first_day: i64,
    /// The first day of the next month.
    pub end_day: i64,
}

impl Month {
    /// The month of a moment.
    pub fn of(at_us: i64) -> Option<Self> {
        let date = DateTime::from_timestamp_micros(at_us)?.date_naive();
        Self::from_first(date.with_day(1)?)
    }

    /// Reads `2026-11`.
    pub fn read(text: &str) -> Option<Self> {
        let digits = |c: char| c.is_ascii_digit();
        let (year, month) = text.split_once('-')?;
        if year.len() != 4 || month.len() != 2 || !(year.chars().chain(month.chars())).all(digits) {
            return None;
        }
        let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
        Self::from_first(first)
    }

    fn from_first(first: NaiveDate) -> Option<Self> {
        let end = first.checked_add_months(Months::new(1))?;
        let day = |date: NaiveDate| i64::from(date.to_epoch_days());
        Some(Self {
            name: format!("{:04}-{:02}", first.year(), first.month()),
            first_day: day(first),
            end_day: day(end),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_week_begins_on_monday_at_midnight() {
        // Monday, 23 November 2026, 00:00 UTC.
        let monday_us = day(2026, 11, 23) * DAY_US;
        assert_eq!(week_of(monday_us), week_of(monday_us - 1) + 1);
        assert_eq!(week_of(monday_us), week_of(monday_us + 7 * DAY_US - 1));
        assert_eq!(week_begins_us(week_of(monday_us + DAY_US)), monday_us);
    }

    #[test]
    fn months_are_read_as_they_are_written_and_nothing_else_is() {
        let february = Month::read("2028-02").unwrap();
        assert_eq!(february.end_day - february.first_day, 29);
        assert_eq!(february.first_day, day(2028, 2, 1));
        assert_eq!(
            Month::of(february.end_day * DAY_US - 1),
            Some(february.clone())
        );
        assert_eq!(
            Month::of(february.end_day * DAY_US).unwrap().name,
            "2028-03"
        );
        for no_month in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "26-01",
            "2026-01-01",
            "+026-01",
            "2026-٠1",
        ] {
            assert_eq!(Month::read(no_month), None, "{no_month}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_its_week_and_in_its_month(at_us in -2_000_000_000_000_000_i64..4_000_000_000_000_000) {
            let week = week_of(at_us);
            prop_assert!(week_begins_us(week) <= at_us && at_us < week_begins_us(week + 1));
            let month = Month::of(at_us).unwrap();
            prop_assert!((month.first_day..month.end_day).contains(&day_of(at_us)));
            prop_assert!(day_text(day_of(at_us)).starts_with(&month.name));
        }
    }

    fn day(year: i32, month: u32, day: u32) -> i64 {
        i64::from(
            NaiveDate::from_ymd_opt(year, month, day)
                .unwrap()
                .to_epoch_days(),
        )
    }
}
