//! The life of a campaign. Pure.
//!
//! ```text
//!           opens         starts          closes, or closed by an operator
//! upcoming ──────► open ────────► running ────────► closed
//! announced        people sign    points are        thanks; its rules hold
//!                  up and read    earned            until another one opens
//! ```
//!
//! Nothing here is stored but the dates, and no change of them alters what any moment before the change was
//! judged by.

use pictor_protocol::campaign::CampaignState;
use pictor_protocol::settings::Fault;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Announced.
    Upcoming,
    /// People sign up and read the rules.
    Open,
    /// Points are earned.
    Running,
    /// Over.
    Closed,
}

/// What decides about a campaign's state, in Unix microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub opens_us: i64,
    pub starts_us: i64,
    pub closes_us: i64,
    /// When an operator closed it, before its date.
    pub closed_us: Option<i64>,
}

/// Why dates cannot be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadDates {
    /// The campaign is over.
    Over,
    /// What has happened would happen at another time; each date with the reason.
    InThePast(Vec<Fault>),
    /// They contradict each other.
    Disordered(Vec<Fault>),
}

impl Life {
    /// A life that has not begun before `now_us`.
    pub fn new(
        opens_us: i64,
        starts_us: i64,
        closes_us: i64,
        now_us: i64,
    ) -> Result<Self, BadDates> {
        let life = Self {
            opens_us,
            starts_us,
            closes_us,
            closed_us: None,
        };
        let late = life.dates().into_iter().filter(|(_, date)| *date < now_us);
        let faults: Vec<_> = late
            .map(|(name, _)| fault(name, "lies in the past"))
            .collect();
        if faults.is_empty() {
            life.ordered()
        } else {
            Err(BadDates::InThePast(faults))
        }
    }

    pub fn state(&self, at_us: i64) -> State {
        if self.ends_us() <= at_us {
            State::Closed
        } else if self.starts_us <= at_us {
            State::Running
        } else if self.opens_us <= at_us {
            State::Open
        } else {
            State::Upcoming
        }
    }

    /// From when it is over.
    pub fn ends_us(&self) -> i64 {
        self.closed_us.unwrap_or(self.closes_us).min(self.closes_us)
    }

    /// It was closed before it opened, and never opens.
    pub fn is_called_off(&self) -> bool {
        self.ends_us() <= self.opens_us
    }

    /// The moment whose rules hold at `at_us`: those of its opening before, those of its end afterwards.
    pub fn moment_of_rules(&self, at_us: i64) -> i64 {
        at_us.min(self.ends_us() - 1).max(self.opens_us)
    }

    /// Whether there is a moment at which both are open or running.
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.is_called_off()
            && !other.is_called_off()
            && self.opens_us < other.ends_us()
            && other.opens_us < self.ends_us()
    }

    /// Other dates. What has happened stays, and nothing new may have happened already.
    pub fn moved(
        self,
        opens_us: i64,
        starts_us: i64,
        closes_us: i64,
        now_us: i64,
    ) -> Result<Self, BadDates> {
        if self.state(now_us) == State::Closed {
            return Err(BadDates::Over);
        }
        let moved = Self {
            opens_us,
            starts_us,
            closes_us,
            closed_us: self.closed_us,
        };
        let pairs = self.dates().into_iter().zip(moved.dates());
        let faults: Vec<_> = pairs
            .filter_map(|((name, old), (_, new))| match new {
                _ if new == old => None,
                _ if old <= now_us => Some(fault(name, "it has happened already")),
                _ if new < now_us => Some(fault(name, "lies in the past")),
                _ => None,
            })
            .collect();
        if faults.is_empty() {
            moved.ordered()
        } else {
            Err(BadDates::InThePast(faults))
        }
    }

    /// Closed by an operator now; one that was closed so before stays as it is. `None` when it ended by its
    /// date.
    pub fn closed(self, now_us: i64) -> Option<Self> {
        if self.closed_us.is_some() {
            return Some(self);
        }
        (now_us < self.closes_us).then_some(Self {
            closed_us: Some(now_us),
            ..self
        })
    }

    fn dates(&self) -> [(&'static str, i64); 3] {
        [
            ("opens_ms", self.opens_us),
            ("starts_ms", self.starts_us),
            ("closes_ms", self.closes_us),
        ]
    }

    fn ordered(self) -> Result<Self, BadDates> {
        let mut faults = Vec::new();
        if self.starts_us < self.opens_us {
            faults.push(fault(
                "starts_ms",
                "points cannot be earned before it opens",
            ));
        }
        if self.closes_us <= self.starts_us {
            faults.push(fault("closes_ms", "it has to close after it starts"));
        }
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(BadDates::Disordered(faults))
        }
    }
}

fn fault(field: &str, message: &str) -> Fault {
    Fault {
        field: field.into(),
        message: message.into(),
    }
}

impl From<State> for CampaignState {
    fn from(state: State) -> Self {
        match state {
            State::Upcoming => Self::Upcoming,
            State::Open => Self::Open,
            State::Running => Self::Running,
            State::Closed => Self::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIFE: Life = Life {
        opens_us: 10,
        starts_us: 20,
        closes_us: 30,
        closed_us: None,
    };

    #[test]
    fn a_campaign_opens_runs_and_closes_by_its_dates() {
        let states = [9, 10, 19, 20, 29, 30].map(|at| LIFE.state(at));
        use State::{Closed, Open, Running, Upcoming};
        assert_eq!(states, [Upcoming, Open, Open, Running, Running, Closed]);
    }

    #[test]
    fn an_operator_closes_it_early_and_only_once() {
        let closed = LIFE.closed(25).unwrap();
        assert_eq!(
            [24, 25].map(|at| closed.state(at)),
            [State::Running, State::Closed]
        );
        assert_eq!(closed.closed(27), Some(closed));
        assert_eq!(LIFE.closed(30), None);
    }

    #[test]
    fn one_that_is_closed_before_it_opens_is_called_off() {
        assert!(LIFE.closed(9).unwrap().is_called_off());
        assert!(LIFE.closed(10).unwrap().is_called_off());
        assert!(!LIFE.closed(11).unwrap().is_called_off());
    }

    #[test]
    fn rules_before_the_opening_are_those_of_the_opening_and_after_the_end_those_of_the_end() {
        assert_eq!([5, 15, 99].map(|at| LIFE.moment_of_rules(at)), [10, 15, 29]);
        let closed = LIFE.closed(25).unwrap();
        assert_eq!(closed.moment_of_rules(99), 24);
    }

    #[test]
    fn campaigns_that_follow_each_other_do_not_overlap() {
        let next = Life {
            opens_us: 30,
            starts_us: 30,
            closes_us: 40,
            closed_us: None,
        };
        assert!(!LIFE.overlaps(&next) && !next.overlaps(&LIFE));
        let early = Life {
            opens_us: 29,
            ..next
        };
        assert!(LIFE.overlaps(&early) && early.overlaps(&LIFE));
        let called_off = early.closed(5).unwrap();
        assert!(!LIFE.overlaps(&called_off) && !called_off.overlaps(&LIFE));
    }

    #[test]
    fn what_has_happened_is_not_moved() {
        let names = |refused: Result<Life, BadDates>| match refused {
            Err(BadDates::InThePast(faults) | BadDates::Disordered(faults)) => faults
                .into_iter()
                .map(|fault| fault.field)
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(LIFE.moved(10, 20, 40, 25).unwrap().closes_us, 40);
        assert_eq!(names(LIFE.moved(11, 21, 30, 25)), ["opens_ms", "starts_ms"]);
        assert_eq!(names(LIFE.moved(10, 20, 24, 25)), ["closes_ms"]);
        assert_eq!(names(LIFE.moved(25, 20, 20, 5)), ["starts_ms", "closes_ms"]);
        assert_eq!(LIFE.moved(10, 20, 40, 30), Err(BadDates::Over));
        assert_eq!(names(Life::new(4, 20, 30, 5)), ["opens_ms"]);
    }

    proptest! {
        #[test]
        fn no_change_alters_the_state_of_a_moment_before_it(
            mut dates in prop::array::uniform3(0..100_i64),
            closed in prop::option::of(0..100_i64),
            moved in prop::array::uniform3(0..120_i64),
            now in 0..120_i64,
        ) {
            dates.sort_unstable();
            let [opens_us, starts_us, closes_us] = dates;
            prop_assume!(starts_us < closes_us);
            let closed_us = closed.filter(|closed| *closed < closes_us && *closed <= now);
            let life = Life { opens_us, starts_us, closes_us, closed_us };
            let later = [life.moved(moved[0], moved[1], moved[2], now).ok(), life.closed(now)];
            for later in later.into_iter().flatten() {
                for at in -1..now {
                    prop_assert_eq!(later.state(at), life.state(at), "{:?} at {}", later, at);
                }
            }
        }
    }
}
