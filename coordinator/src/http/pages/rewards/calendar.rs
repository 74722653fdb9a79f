//! A month of check-ins as a table of weeks. Pure.

use chrono::{DateTime, Datelike};
use pictor_protocol::community::CheckInMonth;

use crate::campaign::calendar::{DAY_US, Month, day_of, day_text};

/// A month.
pub struct Calendar {
    /// `November 2026`
    pub title: String,
    /// Weeks from Monday to Sunday; nothing where another month's day would stand.
    pub weeks: Vec<[Option<Day>; 7]>,
    pub check_ins: usize,
    /// `2026-10`
    pub earlier: Option<String>,
    /// The next month, if it has begun.
    pub later: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub number: u32,
    /// How many days in a row there was a check-in, this one included.
    pub streak: Option<u32>,
    pub is_today: bool,
}

impl Calendar {
    pub fn of(month: &CheckInMonth, now_us: i64) -> Self {
        let Some(span) = Month::read(&month.month) else {
            return Self::empty();
        };
        let today = day_of(now_us);
        let day = |day: i64| Day {
            number: (day - span.first_day) as u32 + 1,
            streak: streak_on(month, day),
            is_today: day == today,
        };
        // 1 January 1970 was a Thursday.
        let monday = span.first_day - (span.first_day + 3).rem_euclid(7);
        let mut weeks = Vec::new();
        for first in (monday..span.end_day).step_by(7) {
            weeks.push(std::array::from_fn(|at| {
                let date = first + at as i64;
                (span.first_day..span.end_day)
                    .contains(&date)
                    .then(|| day(date))
            }));
        }
        Self {
            title: title(span.first_day),
            weeks,
            check_ins: month.check_ins.len(),
            earlier: Month::of((span.first_day - 1) * DAY_US).map(|month| month.name),
            later: Month::of(span.end_day * DAY_US)
                .filter(|later| later.first_day <= today)
                .map(|month| month.name),
        }
    }

    fn empty() -> Self {
        Self {
            title: String::new(),
            weeks: Vec::new(),
            check_ins: 0,
            earlier: None,
            later: None,
        }
    }
}

fn streak_on(month: &CheckInMonth, day: i64) -> Option<u32> {
    let text = day_text(day);
    let found = month.check_ins.iter().find(|check_in| check_in.day == text);
    found.map(|check_in| check_in.streak_days)
}

fn title(day: i64) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = DateTime::from_timestamp_micros(day.saturating_mul(DAY_US));
    let name = |date: DateTime<_>| {
        let name = NAMES
            .get(date.month0() as usize)
            .copied()
            .unwrap_or_default();
        format!("{name} {}", date.year())
    };
    date.map(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pictor_protocol::community::CheckIn;

    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_days_stand_under_their_names() {
        // 1 November 2026 was a Sunday.
        let checked = CheckIn {
            day: "2026-11-02".into(),
            at_ms: 0,
            streak_days: 3,
        };
        let month = CheckInMonth {
            month: "2026-11".into(),
            check_ins: vec![checked],
            streak_days: 3,
            next_ms: 0,
        };
        let third = Month::read("2026-11").unwrap().first_day + 2;
        let calendar = Calendar::of(&month, third * DAY_US + 7);
        assert_eq!(calendar.title, "November 2026");
        assert_eq!(calendar.weeks.len(), 6);
        assert_eq!(calendar.weeks[0][6].map(|day| day.number), Some(1));
        assert_eq!(calendar.weeks[1][0].and_then(|day| day.streak), Some(3));
        assert!(calendar.weeks[1][1].unwrap().is_today);
        assert_eq!(calendar.weeks[5][1], None, "30 November is a Monday");
        assert_eq!(calendar.earlier.as_deref(), Some("2026-10"));
        assert_eq!(calendar.later, None);
    }
}
