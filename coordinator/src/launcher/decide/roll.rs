//! The change to a new image: one container at a time, the next only when this one is online by the
//! coordinator's word, and back when it does not come.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Fleet, Leaving};
use crate::launcher::model::{
    Container, ContainerId, ContainerState, Host, Image, Notice, Place, Seen, Sight,
};

/// A worker that never came online has nothing to finish.
const BAD_IMAGE_PATIENCE: Duration = Duration::from_secs(10);

/// One place on its way to another image, or to another way of making its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roll {
    pub(super) place: Place,
    pub(super) to: Image,
    from: Image,
    old: ContainerId,
    waits_since: Option<Duration>,
    is_failed: bool,
}

impl Roll {
    pub(super) fn could_not_start(&mut self) {
        self.is_failed = true;
    }

    /// What became of the new container so far.
    fn outcome(&mut self, seen: &Seen, now: Duration, online_within: Duration) -> Outcome {
        if self.is_failed {
            return Outcome::Back("it could not be started");
        }
        let host = seen.hosts.get(&self.place.host);
        let container = host.and_then(|host| host.container_at(self.place.number));
        let Some(new) = container.filter(|container| container.id != self.old) else {
            return Outcome::Open;
        };
        let Some(coordinator) = &seen.coordinator else {
            // Nobody can say whether it is online: the time does not count.
            self.waits_since = Some(now);
            return Outcome::Open;
        };
        let since = *self.waits_since.get_or_insert(now);
        match &new.state {
            ContainerState::Ended(_) => Outcome::Back("it ended before it was online"),
            ContainerState::Running if coordinator.is_online(new.worker) => Outcome::Done,
            ContainerState::Running if now >= since + online_within => {
                Outcome::Back("it did not come online in time")
            }
            ContainerState::Running | ContainerState::Created | ContainerState::Going => {
                Outcome::Open
            }
        }
    }
}

enum Outcome {
    Open,
    Done,
    Back(&'static str),
}

impl Fleet {
    pub(super) fn advance_roll(&mut self, seen: &Seen, chosen: &BTreeSet<Place>, now: Duration) {
        let Some(mut roll) = self.roll.take() else {
            self.roll = self.next_roll(seen, chosen);
            return;
        };
        let sight = seen.hosts.get(&roll.place.host).map(|host| host.sight);
        match sight {
            Some(Sight::Current) => {}
            Some(Sight::Stale) => {
                self.roll = Some(roll);
                return;
            }
            // A host that is silent must not hold up the others. What it is left with is seen later.
            Some(Sight::Silent) | None => return,
        }
        if !chosen.contains(&roll.place) {
            return;
        }
        match roll.outcome(seen, now, self.policy.online_within) {
            Outcome::Open => self.roll = Some(roll),
            Outcome::Done => {
                let (place, image) = (roll.place, roll.to);
                self.trusted.insert(place.host, image.clone());
                self.notices.push(Notice::RolledOut { place, image });
            }
            Outcome::Back(why) => self.roll_back(seen, roll, why, now),
        }
    }

    fn roll_back(&mut self, seen: &Seen, roll: Roll, why: &'static str, now: Duration) {
        let Roll {
            place, to, from, ..
        } = roll;
        self.rejected.insert(to.clone());
        self.trusted.insert(place.host, from.clone());
        self.record(place).forgive(now);
        let host = seen.hosts.get(&place.host);
        let container = host.and_then(|host| host.container_at(place.number));
        if let Some(container) = container.filter(|_| to != from) {
            let leaving = Leaving::new(self.policy.drain_for.min(BAD_IMAGE_PATIENCE));
            self.leaving.insert(container.id.clone(), leaving);
        }
        self.notices.push(Notice::RolledBack {
            place,
            bad: to,
            good: from,
            why,
        });
    }

    /// The first place with a container that is not as it should be.
    fn next_roll(&mut self, seen: &Seen, chosen: &BTreeSet<Place>) -> Option<Roll> {
        // Without the coordinator nobody could say whether the new one is well.
        seen.coordinator.as_ref()?;
        let roll = chosen.iter().find_map(|&place| {
            let host = seen
                .hosts
                .get(&place.host)
                .filter(|host| host.is_current())?;
            let container = host.container_at(place.number)?;
            let to = self.image_to_be(place, host)?;
            self.is_outdated(place, host, container, &to).then(|| Roll {
                place,
                to,
                from: container.image.clone(),
                old: container.id.clone(),
                waits_since: None,
                is_failed: false,
            })
        })?;
        let leaving = Leaving::new(self.policy.drain_for);
        self.leaving.insert(roll.old.clone(), leaving);
        self.record(roll.place).forgive(Duration::ZERO);
        self.notices.push(Notice::Rolling {
            place: roll.place,
            image: roll.to.clone(),
        });
        Some(roll)
    }

    fn image_to_be(&self, place: Place, host: &Host) -> Option<Image> {
        let is_good = |image: &&Image| !self.rejected.contains(*image);
        let newest = host.image.as_ref().filter(is_good);
        newest
            .or_else(|| self.trusted.get(&place.host).filter(is_good))
            .cloned()
    }

    fn is_outdated(&self, place: Place, host: &Host, container: &Container, to: &Image) -> bool {
        let is_other = container.image != *to
            || host
                .places
                .get(&place.number)
                .is_some_and(|recipe| *recipe != container.recipe);
        is_other
            && container.state == ContainerState::Running
            && !self.leaving.contains_key(&container.id)
            && !self.is_at_work(place)
    }
}
