//! A week of hours as a form: for each day whether, from when and until when. Pure.
//!
//! Until a time that is not later means the next day: from 18:00 until 08:00 is a night, from 00:00 until 00:00 a
//! whole day. A schedule can say more than that; then the form says less, and [`Week::is_whole`] that it does.

use pictor_protocol::schedule::{Schedule, WeekSpan};

pub const DAYS: [(&str, &str); 7] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];
const DAY: u16 = 1_440;

/// A day as the form has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    pub on: bool,
    /// `18:00`, or whatever was typed.
    pub from: String,
    pub to: String,
    pub fault: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    pub utc_offset_minutes: i32,
    /// From Monday to Sunday.
    pub days: Vec<Hours>,
    /// The form says all that the schedule says.
    pub is_whole: bool,
}

impl Week {
    /// What the form shows of a schedule; nights, for a worker without one.
    pub fn of(schedule: Option<&Schedule>) -> Self {
        let night = || Hours {
            on: schedule.is_none(),
            from: "18:00".into(),
            to: "08:00".into(),
            fault: None,
        };
        let Some(schedule) = schedule else {
            return Self {
                utc_offset_minutes: 0,
                days: (0..7).map(|_| night()).collect(),
                is_whole: true,
            };
        };
        let mut spans = schedule.spans.clone();
        spans.sort_by_key(|span| (span.day, span.from_minute));
        let mut days = Vec::new();
        for day in 0..7 {
            let next = (day + 1) % 7;
            // The end of a night that begins on the day before is no span of its own.
            let is_end = |span: &WeekSpan| {
                span.from_minute == 0
                    && spans.iter().any(|before| {
                        before.day == (span.day + 6) % 7
                            && before.to_minute == DAY
                            && before.from_minute >= span.to_minute
                    })
            };
            let begins = spans.iter().find(|span| span.day == day && !is_end(span));
            let Some(begins) = begins else {
                days.push(night());
                continue;
            };
            let goes_on = spans
                .iter()
                .find(|span| begins.to_minute == DAY && span.day == next && is_end(span));
            let to = goes_on.map_or(begins.to_minute % DAY, |span| span.to_minute);
            days.push(Hours {
                on: true,
                from: time(begins.from_minute),
                to: time(to),
                fault: None,
            });
        }
        let mut week = Self {
            utc_offset_minutes: schedule.utc_offset_minutes,
            days,
            is_whole: true,
        };
        let said = week.schedule().ok().map(|schedule| schedule.spans);
        week.is_whole = said.is_some_and(|mut said| {
            said.sort_by_key(|span| (span.day, span.from_minute));
            said == spans
        });
        week
    }

    /// The schedule that was typed; nothing, and every fault beside its day, if it is none.
    pub fn schedule(&mut self) -> Result<Schedule, ()> {
        let mut spans = Vec::new();
        for (day, hours) in (0..7_u8).zip(&mut self.days) {
            hours.fault = None;
            if !hours.on {
                continue;
            }
            let (Some(from), Some(to)) = (minute(&hours.from), minute(&hours.to)) else {
                hours.fault = Some("Two times are needed, such as 18:00 and 08:00.");
                continue;
            };
            let mut span = |day: u8, from_minute: u16, to_minute: u16| {
                if from_minute < to_minute {
                    spans.push(WeekSpan {
                        day: day % 7,
                        from_minute,
                        to_minute,
                    });
                }
            };
            if from < to {
                span(day, from, to);
            } else {
                span(day, from, DAY);
                span(day + 1, 0, to.min(from));
            }
        }
        // A night that reaches into the hours of the next day.
        for (day, hours) in (0..7_u8).zip(&mut self.days) {
            let of_day: Vec<_> = spans.iter().filter(|span| span.day == day).collect();
            let overlaps = of_day.iter().enumerate().any(|(at, one)| {
                of_day.iter().skip(at + 1).any(|other| {
                    one.from_minute < other.to_minute && other.from_minute < one.to_minute
                })
            });
            if overlaps {
                hours.fault = Some("The hours of the night before reach into these.");
            }
        }
        if self.days.iter().any(|hours| hours.fault.is_some()) {
            return Err(());
        }
        Ok(Schedule {
            utc_offset_minutes: self.utc_offset_minutes,
            spans,
        })
    }
}

fn time(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `18:00`, or with seconds, which browsers may send.
fn minute(text: &str) -> Option<u16> {
    let mut parts = text.trim().splitn(3, ':');
    let hours: u16 = parts.next()?.parse().ok()?;
    let minutes: u16 = parts.next()?.parse().ok()?;
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The offsets that clocks on earth have, and their names.
pub fn offsets() -> Vec<(i32, String)> {
    const BETWEEN: [i32; 8] = [-570, -210, 210, 270, 330, 345, 570, 630];
    let mut offsets: Vec<i32> = (-12..=14).map(|hours| hours * 60).chain(BETWEEN).collect();
    offsets.sort_unstable();
    let name = |minutes: i32| {
        if minutes == 0 {
            return "UTC".to_owned();
        }
        let sign = if minutes < 0 { '\u{2212}' } else { '+' };
        let size = minutes.unsigned_abs();
        format!("UTC{sign}{:02}:{:02}", size / 60, size % 60)
    };
    offsets
        .into_iter()
        .map(|minutes| (minutes, name(minutes)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_night_is_two_spans_and_comes_back_as_one() {
        let mut week = Week::of(None);
        for (day, hours) in week.days.iter_mut().enumerate() {
            hours.on = day == 6;
        }
        let schedule = week.schedule().unwrap();
        assert_eq!(schedule.spans, [span(6, 1_080, 1_440), span(0, 0, 480)]);
        let shown = Week::of(Some(&schedule));
        assert!(shown.is_whole);
        assert_eq!(on(&shown), [6]);
        assert_eq!(shown.days[6].to, "08:00");
    }

    #[test]
    fn from_midnight_to_midnight_is_a_whole_day() {
        let mut week = Week::of(Some(&schedule(&[span(2, 0, 1_440)])));
        assert!(week.is_whole);
        assert_eq!(
            (week.days[2].from.as_str(), week.days[2].to.as_str()),
            ("00:00", "00:00")
        );
        assert_eq!(week.schedule().unwrap().spans, [span(2, 0, 1_440)]);
    }

    #[test]
    fn what_the_form_cannot_say_is_known() {
        let twice = schedule(&[span(1, 60, 120), span(1, 180, 240)]);
        assert!(!Week::of(Some(&twice)).is_whole);
    }

    #[test]
    fn every_fault_is_beside_its_day() {
        let mut week = Week::of(None);
        week.days[0].from = "soon".into();
        week.days[3].to = "25:00".into();
        week.days[5].from = "06:00".into();
        week.days[5].to = "09:00".into();
        assert!(week.schedule().is_err());
        let faults: Vec<_> = (0..7)
            .filter(|day| week.days[*day].fault.is_some())
            .collect();
        assert_eq!(
            faults,
            [0, 3, 5],
            "Friday's night ends at eight on Saturday"
        );
    }

    proptest! {
        /// Whatever the form can say is shown again as it was said.
        #[test]
        fn a_week_comes_back_as_it_was_typed(
            days in prop::collection::vec((any::<bool>(), 0..1_440_u16, 0..1_440_u16), 7)
        ) {
            let mut week = Week::of(None);
            for (hours, (on, from, to)) in week.days.iter_mut().zip(days) {
                *hours = Hours { on, from: time(from), to: time(to), fault: None };
            }
            let Ok(schedule) = week.schedule() else { return Ok(()) };
            prop_assume!(!schedule.spans.is_empty());
            prop_assert_eq!(crate::workers::schedule::faults(&schedule), []);
            let mut shown = Week::of(Some(&schedule));
            // Two neighbours may be told as one of them, but never as other hours.
            if shown.is_whole {
                let mut again = shown.schedule().unwrap().spans;
                let mut said = schedule.spans;
                again.sort_by_key(|span| (span.day, span.from_minute));
                said.sort_by_key(|span| (span.day, span.from_minute));
                prop_assert_eq!(again, said);
            }
        }
    }

    fn on(week: &Week) -> Vec<usize> {
        (0..7).filter(|day| week.days[*day].on).collect()
    }

    fn schedule(spans: &[WeekSpan]) -> Schedule {
        Schedule {
            utc_offset_minutes: 0,
            spans: spans.to_vec(),
        }
    }

    const fn span(day: u8, from_minute: u16, to_minute: u16) -> WeekSpan {
        WeekSpan {
            day,
            from_minute,
            to_minute,
        }
    }
}
