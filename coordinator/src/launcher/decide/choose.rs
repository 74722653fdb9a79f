//! Where the workers should be.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Fleet, Record, all_containers};
use crate::launcher::model::{Container, ContainerState, Host, Place, Seen, Sight};

/// The best places first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Online,
    Running,
    Ended,
    Empty,
    Leaving,
    GivenUp,
}

impl Fleet {
    /// Containers that run and were not told to leave.
    pub(super) fn live(&self, seen: &Seen) -> usize {
        let stays = |container: &Container| {
            container.state == ContainerState::Running && !self.leaving.contains_key(&container.id)
        };
        all_containers(seen)
            .filter(|(_, container)| stays(container))
            .count()
    }

    /// The places where a worker should be: the best so many of them.
    pub(super) fn choose(&self, seen: &Seen, now: Duration) -> BTreeSet<Place> {
        if self.is_stopping {
            return BTreeSet::new();
        }
        let unseen = self.unseen(seen);
        let mut ranked = Vec::new();
        for (&host, shown) in &seen.hosts {
            for &number in shown.places.keys() {
                let place = Place { host, number };
                let rank = if unseen.contains(&place) {
                    Some(Rank::Online)
                } else {
                    self.rank(seen, shown, place, now)
                };
                if let Some(rank) = rank {
                    ranked.push((rank, self.idleness(seen, shown, place), number, host));
                }
            }
        }
        ranked.sort();
        let best = ranked.into_iter().take(self.scale.wanted());
        best.map(|(_, _, number, host)| Place { host, number })
            .collect()
    }

    /// How good a place is for a worker; None for a place that nothing is known of.
    fn rank(&self, seen: &Seen, host: &Host, place: Place, now: Duration) -> Option<Rank> {
        let container = host.container_at(place.number);
        let online = |container: &Container| {
            let coordinator = seen.coordinator.as_ref();
            coordinator.is_some_and(|seen| seen.is_online(container.worker))
        };
        if host.sight == Sight::Silent && !self.is_at_work(place) {
            // The coordinator may know that its worker is well although the host does not answer.
            return container
                .is_some_and(|container| seen.coordinator.is_none() || online(container))
                .then_some(Rank::Online);
        }
        if self.roll.as_ref().is_some_and(|roll| roll.place == place) {
            return Some(Rank::Online);
        }
        let record = self.records.get(&place);
        if record.is_some_and(|record| record.has_given_up(now)) {
            return Some(Rank::GivenUp);
        }
        Some(match container {
            Some(container) if self.leaving.contains_key(&container.id) => Rank::Leaving,
            Some(container) if container.state != ContainerState::Running => Rank::Ended,
            Some(container) if online(container) => Rank::Online,
            Some(_) => Rank::Running,
            None if self.is_at_work(place) => Rank::Running,
            None if record.is_some_and(Record::has_failed) => Rank::Ended,
            None => Rank::Empty,
        })
    }

    /// The fewer frames a worker holds, the less is lost when it goes: the most idle sorts last.
    fn idleness(&self, seen: &Seen, host: &Host, place: Place) -> u32 {
        let worker = host
            .container_at(place.number)
            .and_then(|container| container.worker);
        let workers = seen.coordinator.as_ref().map(|seen| &seen.workers);
        let leased = worker.and_then(|worker| Some(workers?.get(&worker)?.leased));
        u32::MAX - leased.unwrap_or(0)
    }
}
