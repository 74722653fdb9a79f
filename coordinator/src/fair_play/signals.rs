//! What looks like cheating, with what shows it. Pure.
//!
//! Each signal says where an operator may want to look, and why; none is a proof, and nothing follows from one by
//! itself. The thresholds leave honest people room: two who share a machine, a friend who brings friends, an alarm
//! clock, a quiet week.

mod refunds;

use std::collections::{BTreeMap, BTreeSet};

use pictor_protocol::{UserId, WorkerId};
use serde_json::{Value, json};

use crate::ledger::EntryKind;
use crate::store::column::words;

pub use refunds::{Refunds, refunds};

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;
pub const DAY_US: i64 = 24 * HOUR_US;
const DAY_S: i64 = 86_400;

/// So many whom one brought are friends; more who do nothing but check in are not.
const RING_LEAST: usize = 5;
/// Of those whom one brought, in percent.
const RING_PERCENT: usize = 80;
/// So many on one device are a family; more are a farm.
const RING_ON_A_DEVICE: usize = 3;
/// A week by the alarm clock is a habit of minutes, not of seconds.
const CLOCKWORK_DAYS: usize = 7;
const CLOCKWORK_SPREAD_S: i64 = 60;
/// Of a week.
const IDLE_ONLINE_US: i64 = 72 * HOUR_US;
/// What others did meanwhile: without work for anybody, idling is honest.
const IDLE_OTHERS_DONE: i64 = 100;

words! {
    /// What a signal is about.
    pub enum Kind {
        SharedDevice = "shared-device",
        ReferralRing = "referral-ring",
        Clockwork = "clockwork",
        IdleUptime = "idle-uptime",
        Refunds = "refunds",
    }
}

/// Something that looks like cheating.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub kind: Kind,
    /// What tells it from others of its kind.
    pub about: String,
    pub people: Vec<UserId>,
    pub summary: String,
    pub evidence: Value,
}

/// From when to when a worker had a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub device: String,
    pub worker: WorkerId,
    pub owner: UserId,
    pub first_us: i64,
    pub last_us: i64,
}

impl Use {
    fn at_once_with(&self, other: &Self) -> bool {
        self.first_us <= other.last_us && other.first_us <= self.last_us
    }
}

/// Devices that workers of several people say they have.
pub fn shared_devices(uses: &[Use]) -> Vec<Found> {
    let mut by_device: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
    for of in uses {
        by_device.entry(&of.device).or_default().push(of);
    }
    let shared = by_device.into_iter().filter_map(|(device, uses)| {
        let people: BTreeSet<UserId> = uses.iter().map(|of| of.owner).collect();
        if people.len() < 2 {
            return None;
        }
        let at_once = uses.iter().enumerate().any(|(at, one)| {
            let mut others = uses[at + 1..].iter();
            others.any(|other| other.owner != one.owner && other.at_once_with(one))
        });
        let when = match at_once {
            true => "at the same time",
            false => "one after the other",
        };
        Some(Found {
            kind: Kind::SharedDevice,
            about: device.into(),
            summary: format!("{} people had the same device, {when}", people.len()),
            people: people.into_iter().collect(),
            evidence: json!({
                "device": device,
                "at_once": at_once,
                "uses": uses.iter().map(|of| json!({
                    "person": of.owner, "worker": of.worker,
                    "first_ms": of.first_us / 1_000, "last_ms": of.last_us / 1_000,
                })).collect::<Vec<_>>(),
            }),
        })
    });
    shared.collect()
}

/// Somebody earned by somebody whom they brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Brought {
    pub referrer: UserId,
    pub referee: UserId,
}

/// That somebody earned anything in such a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earned {
    pub person: UserId,
    pub kind: EntryKind,
}

/// People who brought many that do nothing but check in, or that share a device with each other or with them.
pub fn referral_rings(brought: &[Brought], earned: &[Earned], uses: &[Use]) -> Vec<Found> {
    let works = |kind: EntryKind| {
        !matches!(
            kind,
            EntryKind::SignUp | EntryKind::CheckIn | EntryKind::StreakWeek | EntryKind::Referral
        )
    };
    let working = earned.iter().filter(|of| works(of.kind));
    let working: BTreeSet<UserId> = working.map(|of| of.person).collect();
    let mut by_referrer: BTreeMap<UserId, BTreeSet<UserId>> = BTreeMap::new();
    for Brought { referrer, referee } in brought {
        by_referrer.entry(*referrer).or_default().insert(*referee);
    }
    let rings = by_referrer.into_iter().filter_map(|(referrer, referees)| {
        let idle: Vec<UserId> = referees.difference(&working).copied().collect();
        let farm = largest_farm(referrer, &referees, uses);
        let does_nothing =
            idle.len() >= RING_LEAST && idle.len() * 100 >= referees.len() * RING_PERCENT;
        let is_farm = farm
            .as_ref()
            .is_some_and(|(_, on)| on.len() >= RING_ON_A_DEVICE);
        if !does_nothing && !is_farm {
            return None;
        }
        let mut people = vec![referrer];
        people.extend(&referees);
        let farm = farm.filter(|_| is_farm);
        Some(Found {
            kind: Kind::ReferralRing,
            about: referrer.to_string(),
            summary: format!(
                "brought {} people, of whom {} earned by checking in alone{}",
                referees.len(),
                idle.len(),
                if is_farm {
                    "; several share a device"
                } else {
                    ""
                }
            ),
            people,
            evidence: json!({
                "referrer": referrer,
                "referees": referees,
                "only_checked_in": idle,
                "device": farm.as_ref().map(|(device, _)| device),
                "on_the_device": farm.as_ref().map(|(_, on)| on),
            }),
        })
    });
    rings.collect()
}

/// The device that most of a referrer and those whom they brought have had.
fn largest_farm(
    referrer: UserId,
    referees: &BTreeSet<UserId>,
    uses: &[Use],
) -> Option<(String, BTreeSet<UserId>)> {
    let mut on: BTreeMap<&str, BTreeSet<UserId>> = BTreeMap::new();
    let ours = uses
        .iter()
        .filter(|of| of.owner == referrer || referees.contains(&of.owner));
    for of in ours {
        on.entry(&of.device).or_default().insert(of.owner);
    }
    let largest = on.into_iter().max_by_key(|(_, people)| people.len());
    largest.map(|(device, people)| (device.to_owned(), people))
}

/// A check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckIn {
    pub person: UserId,
    pub at_us: i64,
}

/// Check-ins of a week and more at the same time of the day, to within seconds.
pub fn clockwork(check_ins: &[CheckIn]) -> Vec<Found> {
    let mut by_person: BTreeMap<UserId, Vec<i64>> = BTreeMap::new();
    for of in check_ins {
        by_person.entry(of.person).or_default().push(of.at_us);
    }
    let like_clockwork = by_person.into_iter().filter_map(|(person, mut at_us)| {
        at_us.sort_unstable();
        let latest = &at_us[at_us.len().saturating_sub(2 * CLOCKWORK_DAYS)..];
        let seconds: Vec<i64> = latest
            .iter()
            .map(|at| at.div_euclid(SECOND_US).rem_euclid(DAY_S))
            .collect();
        if seconds.len() < CLOCKWORK_DAYS {
            return None;
        }
        let spread_s = spread(&seconds);
        (spread_s < CLOCKWORK_SPREAD_S).then(|| Found {
            kind: Kind::Clockwork,
            about: person.to_string(),
            people: vec![person],
            summary: format!(
                "checked in on {} days within {spread_s} seconds of the same time",
                seconds.len()
            ),
            evidence: json!({
                "spread_s": spread_s,
                "at_ms": latest.iter().map(|at| at / 1_000).collect::<Vec<_>>(),
            }),
        })
    });
    like_clockwork.collect()
}

/// The shortest part of a day that all of these seconds lie in; a day goes round, midnight is nothing special.
fn spread(seconds: &[i64]) -> i64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_unstable();
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return 0;
    };
    let over_midnight = first + DAY_S - last;
    let gaps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
    let largest_gap = gaps.fold(over_midnight, i64::max);
    DAY_S - largest_gap
}

/// How a worker spent a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    pub worker: WorkerId,
    pub owner: UserId,
    pub online_us: i64,
    pub given: i64,
    pub done: i64,
}

/// Workers that were online for days and rendered nothing, while others had work. `done` is what all did.
pub fn idle_uptime(weeks: &[Week], done: i64) -> Vec<Found> {
    let idle = weeks
        .iter()
        .filter(|of| of.online_us >= IDLE_ONLINE_US && of.done == 0 && done >= IDLE_OTHERS_DONE);
    let idle = idle.map(|of| Found {
        kind: Kind::IdleUptime,
        about: of.worker.to_string(),
        people: vec![of.owner],
        summary: format!(
            "a worker was online for {} hours of a week and rendered nothing of {done} frames",
            of.online_us / HOUR_US
        ),
        evidence: json!({
            "worker": of.worker,
            "online_hours": of.online_us / HOUR_US,
            "frames_given": of.given,
            "frames_done": of.done,
            "frames_done_by_all": done,
        }),
    });
    idle.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    fn on(device: &str, owner: u128, first_us: i64, last_us: i64) -> Use {
        Use {
            device: device.into(),
            worker: WorkerId::new(Uuid::from_u128(owner)),
            owner: user(owner),
            first_us,
            last_us,
        }
    }

    #[test]
    fn a_device_of_several_people_is_told_with_when_they_had_it() {
        let uses = [
            on("GPU-1", 1, 0, 10),
            on("GPU-1", 2, 5, 20),
            on("GPU-2", 1, 0, 4),
            on("GPU-2", 2, 5, 9),
            on("GPU-3", 1, 0, 9),
            on("GPU-3", 1, 0, 9),
        ];
        let found = shared_devices(&uses);
        let told: Vec<_> = found
            .iter()
            .map(|of| (of.about.as_str(), of.evidence["at_once"].as_bool()))
            .collect();
        assert_eq!(told, [("GPU-1", Some(true)), ("GPU-2", Some(false))]);
        assert_eq!(found[0].people, [user(1), user(2)]);
        assert_eq!(found[0].evidence["uses"].as_array().unwrap().len(), 2);
    }

    fn brings(referrer: u128, referees: std::ops::RangeInclusive<u128>) -> Vec<Brought> {
        let brought = referees.map(|referee| Brought {
            referrer: user(referrer),
            referee: user(referee),
        });
        brought.collect()
    }

    #[test]
    fn many_who_only_check_in_are_a_ring_and_friends_who_work_are_none() {
        let brought = brings(1, 10..=15);
        let check_in = |person| Earned {
            person: user(person),
            kind: EntryKind::CheckIn,
        };
        let mut earned: Vec<_> = (10..=15).map(check_in).collect();
        let found = referral_rings(&brought, &earned, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].about, user(1).to_string());
        let idle = found[0].evidence["only_checked_in"].as_array().unwrap();
        assert_eq!(idle.len(), 6);
        // Two of six render: fewer than four in five do nothing.
        for person in [10, 11] {
            earned.push(Earned {
                person: user(person),
                kind: EntryKind::Render,
            });
        }
        assert_eq!(referral_rings(&brought, &earned, &[]), []);
        assert_eq!(referral_rings(&brings(1, 10..=13), &[], &[]), []);
    }

    #[test]
    fn a_few_on_one_device_are_a_ring_however_they_earn() {
        let brought = brings(1, 10..=11);
        let earned = [10, 11].map(|person| Earned {
            person: user(person),
            kind: EntryKind::Render,
        });
        let two = [on("GPU-1", 10, 0, 9), on("GPU-1", 11, 0, 9)];
        assert_eq!(referral_rings(&brought, &earned, &two), []);
        let three = [&two[..], &[on("GPU-1", 1, 0, 9)]].concat();
        let found = referral_rings(&brought, &earned, &three);
        assert_eq!(found[0].evidence["device"], "GPU-1");
    }

    fn daily(days: i64, second: impl Fn(i64) -> i64) -> Vec<CheckIn> {
        let at = |day| CheckIn {
            person: user(1),
            at_us: day * DAY_US + second(day) * SECOND_US,
        };
        (0..days).map(at).collect()
    }

    #[test]
    fn a_week_to_the_second_is_clockwork() {
        assert_eq!(clockwork(&daily(6, |_| 300)), []);
        let found = clockwork(&daily(7, |day| 300 + day % 3));
        assert_eq!(found[0].evidence["spread_s"], 2);
        assert_eq!(clockwork(&daily(7, |day| 300 + 11 * day)), []);
        // Around midnight, half of them just before it.
        let found = clockwork(&daily(8, |day| if day % 2 == 0 { 86_395 } else { 5 }));
        assert_eq!(found[0].evidence["spread_s"], 10);
    }

    #[test]
    fn somebody_who_became_a_script_is_noticed_in_spite_of_before() {
        let mut check_ins = daily(10, |day| 4_000 * day);
        check_ins.extend(daily(14, |_| 60).iter().map(|of| CheckIn {
            at_us: of.at_us + 10 * DAY_US,
            ..*of
        }));
        assert_eq!(clockwork(&check_ins).len(), 1);
    }

    #[test]
    fn days_online_without_a_frame_count_only_while_others_had_work() {
        let week = Week {
            worker: WorkerId::new(Uuid::nil()),
            owner: user(1),
            online_us: 80 * HOUR_US,
            given: 3,
            done: 0,
        };
        assert_eq!(idle_uptime(&[week], 100).len(), 1);
        assert_eq!(idle_uptime(&[week], 99), []);
        assert_eq!(idle_uptime(&[Week { done: 1, ..week }], 100), []);
        let short = Week {
            online_us: 71 * HOUR_US,
            ..week
        };
        assert_eq!(idle_uptime(&[short], 100), []);
    }

    proptest! {
        #[test]
        fn the_spread_goes_round_the_clock(
            seconds in prop::collection::vec(0_i64..DAY_S, 1..20),
            turn in 0_i64..DAY_S
        ) {
            let turned: Vec<i64> = seconds.iter().map(|s| (s + turn) % DAY_S).collect();
            prop_assert_eq!(spread(&seconds), spread(&turned));
            prop_assert!((0..DAY_S).contains(&spread(&seconds)));
        }
    }
}
