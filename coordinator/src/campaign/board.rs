//! The order of everybody in a campaign, in memory. Pure.
//!
//! More points rank first. Of equal points those that were reached first do: the entry of the ledger that changed
//! them last has the smaller number. If that was one and the same entry, the smaller [`Participant`] ranks first,
//! which everybody can compute from what is published.
//!
//! One sorted list serves pages and ranks: a page is a slice, a rank a binary search (a million people: 20
//! comparisons). Changes come in batches and are merged in one pass; merging only reads, so that people are
//! answered meanwhile, and what takes the list's place is exchanged in a moment.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use pictor_protocol::{CampaignId, Micros, UserId};

use super::participant::Participant;

/// Somebody's points that count, and the entry of the ledger that changed them last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub user: UserId,
    pub points: Micros,
    pub entry: i64,
}

/// Everybody of one campaign.
#[derive(Debug, Clone)]
pub struct Board {
    campaign: CampaignId,
    /// Of everybody with points, the first one first.
    ranked: Vec<Standing>,
    standings: HashMap<UserId, Standing>,
    /// Those who do not rank, whatever they have.
    out: HashSet<UserId>,
}

/// The next order of a board, made by [`Board::merge`].
#[derive(Debug)]
pub struct Merged {
    ranked: Vec<Standing>,
    changes: Vec<Standing>,
    out: HashSet<UserId>,
}

impl Board {
    pub fn new(campaign: CampaignId) -> Self {
        Self {
            campaign,
            ranked: Vec::new(),
            standings: HashMap::new(),
            out: HashSet::new(),
        }
    }

    pub fn campaign(&self) -> CampaignId {
        self.campaign
    }

    /// How many have a rank.
    pub fn len(&self) -> usize {
        self.ranked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ranked.is_empty()
    }

    /// From a rank on, which is 1 and up, so many as there are but `count` at most.
    pub fn page(&self, from: usize, count: usize) -> &[Standing] {
        let start = from.saturating_sub(1).min(self.ranked.len());
        let end = start.saturating_add(count).min(self.ranked.len());
        &self.ranked[start..end]
    }

    /// 1 and up; `None` without points, and for whoever is out.
    pub fn rank_of(&self, user: UserId) -> Option<usize> {
        let standing = self.standings.get(&user)?;
        let found = self
            .ranked
            .binary_search_by(|other| order(self.campaign, other, standing));
        found.ok().map(|index| index + 1)
    }

    pub fn is_out(&self, user: UserId) -> bool {
        self.out.contains(&user)
    }

    /// Who is around somebody, so many on each side: the rank of the first one of them, and all of them.
    pub fn neighbours(&self, user: UserId, each_side: usize) -> Option<(usize, &[Standing])> {
        let rank = self.rank_of(user)?;
        let first = rank.saturating_sub(each_side).max(1);
        Some((first, self.page(first, rank - first + 1 + each_side)))
    }

    /// What becomes of the order when those standings changed and exactly `out` do not rank. If somebody is in
    /// `changes` several times, the last one counts.
    pub fn merge(&self, changes: Vec<Standing>, out: HashSet<UserId>) -> Merged {
        let mut moved: HashMap<UserId, Standing> =
            changes.iter().map(|of| (of.user, *of)).collect();
        for user in out.symmetric_difference(&self.out) {
            if let Some(standing) = self.standings.get(user) {
                moved.entry(*user).or_insert(*standing);
            }
        }
        let ranks = |of: &Standing| of.points > Micros::ZERO && !out.contains(&of.user);
        let mut coming: Vec<Standing> = moved.values().copied().filter(ranks).collect();
        coming.sort_unstable_by(|a, b| order(self.campaign, a, b));
        let mut ranked = Vec::with_capacity(self.ranked.len() + coming.len());
        let mut coming = coming.into_iter().peekable();
        for staying in &self.ranked {
            if moved.contains_key(&staying.user) {
                continue;
            }
            while let Some(next) =
                coming.next_if(|next| order(self.campaign, next, staying).is_lt())
            {
                ranked.push(next);
            }
            ranked.push(*staying);
        }
        ranked.extend(coming);
        Merged {
            ranked,
            changes,
            out,
        }
    }

    /// Takes an order over that was made of this very board.
    pub fn adopt(&mut self, merged: Merged) {
        self.ranked = merged.ranked;
        self.out = merged.out;
        for standing in merged.changes {
            if standing.points > Micros::ZERO {
                self.standings.insert(standing.user, standing);
            } else {
                self.standings.remove(&standing.user);
            }
        }
    }
}

/// Who of two ranks first.
pub fn order(campaign: CampaignId, a: &Standing, b: &Standing) -> Ordering {
    let by_number = b.points.cmp(&a.points).then(a.entry.cmp(&b.entry));
    by_number.then_with(|| {
        if a.user == b.user {
            return Ordering::Equal;
        }
        let name = |of: &Standing| Participant::of(campaign, of.user);
        name(a).cmp(&name(b))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn points_rank_and_of_equal_ones_those_that_were_reached_first() {
        let board = board(&[(1, 10, 4), (2, 30, 9), (3, 10, 2), (4, 0, 1)]);
        assert_eq!(users(board.page(1, 10)), [2, 3, 1]);
        assert_eq!(board.rank_of(user(3)), Some(2));
        assert_eq!(board.rank_of(user(4)), None, "no points, no rank");
    }

    #[test]
    fn one_entry_that_gave_the_same_to_two_is_a_tie_that_everybody_can_resolve() {
        let board = board(&[(1, 10, 4), (2, 10, 4)]);
        let mut expected = [1, 2];
        expected.sort_by_key(|number| Participant::of(campaign(), user(*number)));
        assert_eq!(users(board.page(1, 10)), expected);
    }

    #[test]
    fn neighbours_stand_on_both_sides_as_far_as_there_are_some() {
        let board = board(&[(1, 50, 1), (2, 40, 1), (3, 30, 1), (4, 20, 1), (5, 10, 1)]);
        let around = |number, each_side| {
            let (first, found) = board.neighbours(user(number), each_side).unwrap();
            (first, users(found))
        };
        assert_eq!(around(3, 1), (2, vec![2, 3, 4]));
        assert_eq!(around(1, 2), (1, vec![1, 2, 3]));
        assert_eq!(around(5, 2), (3, vec![3, 4, 5]));
        assert_eq!(board.neighbours(user(9), 2), None);
    }

    #[test]
    fn whoever_is_out_does_not_rank_and_comes_back_where_they_were() {
        let mut board = board(&[(1, 30, 1), (2, 20, 2), (3, 10, 3)]);
        let merged = board.merge(vec![standing((3, 25, 4))], [user(1)].into());
        board.adopt(merged);
        assert_eq!(users(board.page(1, 10)), [3, 2]);
        assert_eq!(board.rank_of(user(1)), None);
        let merged = board.merge(Vec::new(), HashSet::new());
        board.adopt(merged);
        assert_eq!(users(board.page(1, 10)), [1, 3, 2]);
    }

    #[test]
    fn pages_beyond_the_end_are_empty() {
        let board = board(&[(1, 30, 1)]);
        assert!(board.page(2, 5).is_empty());
        assert!(board.page(usize::MAX, usize::MAX).is_empty());
        assert_eq!(board.page(0, 5).len(), 1);
    }

    #[test]
    fn ten_thousand_people_are_where_a_plain_sort_puts_them() {
        let numbers = (0..10_000_u64).map(|n| (n, n.wrapping_mul(2_654_435_761) % 997));
        let all: Vec<_> = numbers
            .map(|(n, points)| Standing {
                user: UserId::new(Uuid::from_u128(u128::from(n))),
                points: Micros::new(points as i64),
                entry: (n % 50) as i64,
            })
            .collect();
        let mut board = Board::new(campaign());
        for batch in all.chunks(777) {
            board.adopt(board.merge(batch.to_vec(), HashSet::new()));
        }
        let mut plain: Vec<_> = all
            .into_iter()
            .filter(|of| of.points > Micros::ZERO)
            .collect();
        plain.sort_by(|a, b| order(campaign(), a, b));
        assert_eq!(board.page(1, usize::MAX), plain);
        for (index, standing) in plain.iter().enumerate() {
            assert_eq!(board.rank_of(standing.user), Some(index + 1));
        }
    }

    proptest! {
        /// Batches of changes, and of people who are out, against sorting everybody anew.
        #[test]
        fn whatever_changes_the_order_is_that_of_sorting_everybody_anew(
            batches in prop::collection::vec(
                (
                    prop::collection::vec((0..12_u8, 0..6_i64, 0..4_i64), 0..8),
                    prop::collection::hash_set(0..12_u8, 0..3),
                ),
                1..8,
            ),
        ) {
            let mut board = Board::new(campaign());
            let mut model = BTreeMap::new();
            for (changes, out) in batches {
                model.extend(changes.iter().map(|change| (change.0, standing(*change))));
                let out: HashSet<_> = out.into_iter().map(user).collect();
                board.adopt(board.merge(changes.into_iter().map(standing).collect(), out.clone()));
                let ranks = |of: &Standing| of.points > Micros::ZERO && !out.contains(&of.user);
                let mut plain: Vec<_> = model.values().copied().filter(ranks).collect();
                plain.sort_by(|a, b| order(campaign(), a, b));
                prop_assert_eq!(board.page(1, usize::MAX), &plain[..]);
                for number in 0..12 {
                    let place = plain.iter().position(|of| of.user == user(number));
                    prop_assert_eq!(board.rank_of(user(number)), place.map(|index| index + 1));
                }
            }
        }
    }

    fn campaign() -> CampaignId {
        CampaignId::new(Uuid::from_u128(7))
    }

    fn user(number: u8) -> UserId {
        UserId::new(Uuid::from_u128(number.into()))
    }

    fn standing((number, points, entry): (u8, i64, i64)) -> Standing {
        Standing {
            user: user(number),
            points: Micros::new(points),
            entry,
        }
    }

    fn board(standings: &[(u8, i64, i64)]) -> Board {
        let mut board = Board::new(campaign());
        let changes = standings.iter().copied().map(standing).collect();
        board.adopt(board.merge(changes, HashSet::new()));
        board
    }

    fn users(standings: &[Standing]) -> Vec<u8> {
        let number = |of: &Standing| (0..=u8::MAX).find(|number| user(*number) == of.user);
        standings.iter().filter_map(number).collect()
    }
}
