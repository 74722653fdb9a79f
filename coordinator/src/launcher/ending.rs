//! What the end of a container means.

use std::time::Duration;

use super::backoff;
use super::model::{ContainerId, End};

/// A container that ran for so long was well: what ends it then is the first failure again.
pub const WELL_AFTER: Duration = Duration::from_secs(600);
/// A worker that refuses to run with a new config too needs a person, or a coordinator that comes back.
pub const GIVE_UP_FOR: Duration = Duration::from_secs(300);

/// What a worker's exit code asks for; `pictor-worker --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The same container once more.
    Restart,
    /// A new container: one that lost its GPU does not get it back.
    Replace,
    /// A new container with a new config, once: this one's config is wrong (3), its token is refused (4),
    /// or it is too old (5).
    EnrolAnew,
}

pub fn remedy(code: i64) -> Remedy {
    match code {
        3..=5 => Remedy::EnrolAnew,
        8 => Remedy::Replace,
        _ => Remedy::Restart,
    }
}

/// How a place has fared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    failures: u32,
    /// In a row, of a kind that a new config should have cured.
    refusals: u32,
    /// Nothing is started here earlier.
    pub not_before: Duration,
    /// The container is of no more use.
    pub replace: bool,
    /// The end that was counted last.
    counted: Option<(ContainerId, String)>,
}

/// What is new about a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// This end was counted before.
    Known,
    Again {
        after: Duration,
    },
    GaveUp {
        again_in: Duration,
    },
}

impl Record {
    /// A worker is online here.
    pub fn is_well(&mut self) {
        self.refusals = 0;
    }

    /// Something could not be done here.
    pub fn failed(&mut self, now: Duration, random: f64) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = now + backoff::delay(self.failures, random);
        // Whatever is there cannot be started, such as with a device that is gone.
        self.replace = true;
    }

    /// A new beginning, as after a change of image.
    pub fn forgive(&mut self, now: Duration) {
        *self = Self {
            not_before: now,
            counted: self.counted.take(),
            ..Self::default()
        };
    }

    pub fn has_failed(&self) -> bool {
        self.failures > 0 || self.refusals > 0
    }

    pub fn has_given_up(&self, now: Duration) -> bool {
        self.refusals > 1 && now < self.not_before
    }

    /// Counts an end, once.
    pub fn ended(
        &mut self,
        container: &ContainerId,
        end: &End,
        now: Duration,
        random: f64,
    ) -> Judged {
        let this = (container.clone(), end.at.clone());
        if self.counted.as_ref() == Some(&this) {
            return Judged::Known;
        }
        self.counted = Some(this);
        if end.ran >= WELL_AFTER {
            self.failures = 0;
            self.refusals = 0;
        }
        let remedy = remedy(end.code);
        self.replace = remedy != Remedy::Restart;
        if remedy == Remedy::EnrolAnew {
            self.refusals = self.refusals.saturating_add(1);
            if self.refusals > 1 {
                self.not_before = now + GIVE_UP_FOR;
                return Judged::GaveUp {
                    again_in: GIVE_UP_FOR,
                };
            }
        }
        self.failures = self.failures.saturating_add(1);
        let after = backoff::delay(self.failures, random);
        self.not_before = now + after;
        Judged::Again { after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(code: i64, at: u32, ran_s: u64) -> End {
        End {
            code,
            ran: Duration::from_secs(ran_s),
            at: at.to_string(),
        }
    }

    fn container() -> ContainerId {
        ContainerId("a".into())
    }

    const NOW: Duration = Duration::from_secs(1_000);

    #[test]
    fn an_end_counts_once() {
        let mut record = Record::default();
        let judged = record.ended(&container(), &end(1, 1, 5), NOW, 1.0);
        assert_eq!(
            judged,
            Judged::Again {
                after: backoff::FIRST
            }
        );
        let again = record.ended(&container(), &end(1, 1, 5), NOW * 2, 1.0);
        assert_eq!(again, Judged::Known);
        assert_eq!(record.not_before, NOW + backoff::FIRST);
    }

    #[test]
    fn ten_minutes_of_running_forgive_what_was_before() {
        let mut record = Record::default();
        for at in 0..8 {
            record.ended(&container(), &end(1, at, 5), NOW, 1.0);
        }
        assert_eq!(record.not_before, NOW + Duration::from_secs(128));
        record.ended(&container(), &end(1, 9, 599), NOW, 1.0);
        assert_eq!(record.not_before, NOW + Duration::from_secs(256));
        record.ended(&container(), &end(1, 10, 600), NOW, 1.0);
        assert_eq!(record.not_before, NOW + backoff::FIRST);
    }

    #[test]
    fn only_a_lost_gpu_and_a_refused_config_need_another_container() {
        for code in [0, 1, 2, 6, 7, 137, 143] {
            assert_eq!(remedy(code), Remedy::Restart, "{code}");
        }
        assert_eq!(remedy(8), Remedy::Replace);
        for code in [3, 4, 5] {
            assert_eq!(remedy(code), Remedy::EnrolAnew, "{code}");
        }
    }

    #[test]
    fn a_refused_config_is_replaced_once_then_every_five_minutes() {
        let mut record = Record::default();
        let first = record.ended(&container(), &end(4, 1, 0), NOW, 0.5);
        assert!(matches!(first, Judged::Again { .. }), "{first:?}");
        assert!(!record.has_given_up(NOW));
        for at in 2..5 {
            let judged = record.ended(&container(), &end(4, at, 0), NOW, 0.5);
            let again_in = GIVE_UP_FOR;
            assert_eq!(judged, Judged::GaveUp { again_in });
            assert!(record.has_given_up(NOW + again_in / 2));
            assert!(!record.has_given_up(NOW + again_in));
        }
        record.is_well();
        let judged = record.ended(&container(), &end(4, 9, 60), NOW, 0.5);
        assert!(matches!(judged, Judged::Again { .. }), "{judged:?}");
    }
}
