//! Who is asked when, and with whom. Pure.
//!
//! Every look draws each candidate with the chance that makes its moment uniform over what is left of the hour,
//! whenever it became a candidate: nobody who knows all of this can tell the moment, not even from when the last look
//! was, and nothing needs to be planned or remembered.

use std::collections::HashSet;

use pictor_protocol::{Micros, UserId, WorkerId};

use super::dice::Dice;
use crate::campaign::calendar::{HOUR_US, SECOND_US};

/// From when on nobody is asked any more: a round is over before its hour is.
pub const LAST_US: i64 = 55 * 60 * SECOND_US;
/// In the last moments before that everybody left is asked: looks are further apart when the machine is busy.
const CATCH_ALL_US: i64 = 20 * SECOND_US;
/// How long slots have to get their Blender ready.
pub const READY_US: i64 = 20 * SECOND_US;
/// How long they have to answer: what a slot takes that is seven times slower than it says.
pub const ANSWER_US: i64 = 15 * SECOND_US;
/// How often a worker is asked in an hour, whatever becomes of it.
pub const ASKS_AN_HOUR: i64 = 3;
/// How many slots are asked together at most.
pub const ROUND: usize = 5;
/// Among how many others those are looked for: each costs a query.
pub const SHORTLIST: usize = 12;

/// The best idle slot of a worker that has not proven the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub worker: WorkerId,
    pub owner: UserId,
    pub slot: u16,
    /// What its benchmark says, as far as it is paid for.
    pub score: Micros,
}

/// A chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Odds {
    pub happens: u64,
    pub of: u64,
}

/// The chance of a candidate to be asked now, so long after the last look; none when it is too late in the hour.
pub fn odds(since_us: i64, now_us: i64) -> Option<Odds> {
    let left_us = LAST_US - now_us.rem_euclid(HOUR_US);
    if left_us < 0 {
        return None;
    }
    // What was before this hour gave nobody a chance of this hour.
    let since_us = since_us.clamp(1, HOUR_US);
    let since_us = since_us.min(now_us.rem_euclid(HOUR_US).max(1));
    let left_us = if left_us <= CATCH_ALL_US { 0 } else { left_us };
    Some(Odds {
        happens: since_us as u64,
        of: (since_us + left_us) as u64,
    })
}

/// Splits candidates into those who are asked now and the others, both in any order.
pub fn drawn(
    mut candidates: Vec<Candidate>,
    odds: Odds,
    dice: &mut Dice,
) -> (Vec<Candidate>, Vec<Candidate>) {
    dice.shuffle(&mut candidates);
    candidates
        .into_iter()
        .partition(|_| dice.happens(odds.happens, odds.of))
}

/// Who may be asked together with somebody, one for each owner: those who are asked now anyway first.
pub fn shortlist<'a>(
    first: &Candidate,
    drawn: &'a [Candidate],
    others: &'a [Candidate],
) -> Vec<&'a Candidate> {
    let mut owners = HashSet::from([first.owner]);
    drawn
        .iter()
        .chain(others)
        .filter(|candidate| owners.insert(candidate.owner))
        .take(SHORTLIST)
        .collect()
}

/// A round: somebody, and those of a shortlist whom nothing links to anybody else in it.
pub fn round(
    first: Candidate,
    shortlist: &[&Candidate],
    linked: &HashSet<(UserId, UserId)>,
) -> Vec<Candidate> {
    let mut round = vec![first];
    for candidate in shortlist {
        let knows = |other: &Candidate| {
            other.owner == candidate.owner
                || linked.contains(&(other.owner, candidate.owner))
                || linked.contains(&(candidate.owner, other.owner))
        };
        if round.len() < ROUND && !round.iter().any(knows) {
            round.push(**candidate);
        }
    }
    round
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn user(number: u8) -> UserId {
        UserId::new(Uuid::from_u128(number.into()))
    }

    fn candidate((number, owner): (u16, u8)) -> Candidate {
        Candidate {
            worker: WorkerId::new(Uuid::from_u128(number.into())),
            owner: user(owner),
            slot: 0,
            score: Micros::new(1_000_000),
        }
    }

    /// When a candidate that is there from a moment of the hour on is asked, by looks every so often.
    fn asked_at(seed: u32, from_us: i64, every_us: i64) -> Option<i64> {
        let mut dice = Dice::new(&seed.to_string(), "test");
        let mut now_us = from_us;
        while let Some(odds) = odds(every_us, now_us) {
            let (drawn, _) = drawn(vec![candidate((1, 1))], odds, &mut dice);
            if !drawn.is_empty() {
                return Some(now_us);
            }
            now_us += every_us;
        }
        None
    }

    proptest! {
        #[test]
        fn everybody_is_asked_once_before_the_hour_is_over(
            seed: u32, from_s in 0_i64..3_299, every_s in 1_i64..20
        ) {
            let at_us = asked_at(seed, from_s * SECOND_US, every_s * SECOND_US).unwrap();
            prop_assert!((from_s * SECOND_US..=LAST_US).contains(&at_us));
            // Whoever is asked last can still answer, and be judged, within the hour.
            prop_assert!(at_us + READY_US + ANSWER_US < HOUR_US);
        }

        #[test]
        fn nobody_is_in_a_round_twice_or_with_an_account_that_is_linked(
            owners in prop::collection::vec(0_u8..9, 1..40),
            links in prop::collection::hash_set((0_u8..9, 0_u8..9), 0..20),
        ) {
            let all: Vec<_> = (0..).zip(owners).map(candidate).collect();
            let links: HashSet<_> = links.into_iter().map(|(a, b)| (user(a), user(b))).collect();
            let (first, others) = all.split_first().unwrap();
            let half = others.len() / 2;
            let list = shortlist(first, &others[..half], &others[half..]);
            prop_assert!(list.len() <= SHORTLIST);
            let round = round(*first, &list, &links);
            prop_assert!((1..=ROUND).contains(&round.len()) && round[0] == *first);
            for (at, one) in round.iter().enumerate() {
                for other in &round[..at] {
                    prop_assert!(one.owner != other.owner);
                    prop_assert!(!links.contains(&(one.owner, other.owner)));
                    prop_assert!(!links.contains(&(other.owner, one.owner)));
                }
            }
        }
    }

    #[test]
    fn the_moment_is_as_likely_in_every_part_of_what_is_left_of_the_hour() {
        for from_us in [0, LAST_US / 2] {
            let mut tenths = [0; 10];
            for seed in 0..2_000 {
                let at_us = asked_at(seed, from_us, 5 * SECOND_US).unwrap();
                let tenth = (at_us - from_us) * 10 / (LAST_US - from_us + 1);
                tenths[tenth as usize] += 1;
            }
            assert!(
                tenths.iter().all(|count| (140..270).contains(count)),
                "{tenths:?}"
            );
        }
    }

    #[test]
    fn a_pause_of_the_coordinator_makes_no_burst_of_the_hour_before() {
        let after_pause = odds(10 * HOUR_US, HOUR_US + 5 * SECOND_US).unwrap();
        assert_eq!(after_pause.happens, 5 * SECOND_US as u64);
        assert_eq!(odds(SECOND_US, LAST_US + 1), None);
    }
}
