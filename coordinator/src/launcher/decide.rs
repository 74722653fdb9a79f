//! What to do next: a plain function of what should be, what is, what happened, and now.
//!
//! [`Fleet::step`] looks at everything anew each time and keeps no plan, so a launcher that was away, or an
//! action that failed half-way, needs no care of its own: the next look finds what is left to do. What it
//! remembers is only what nobody else knows: how often a place failed, who was told to leave, and which
//! image proved bad.

mod choose;
mod learn;
mod leave;
mod roll;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pictor_protocol::WorkerId;
use pictor_protocol::worker::Presence;

use super::backoff;
use super::ending::Record;
use super::model::{
    Action, Container, ContainerId, ContainerState, Host, HostId, Image, Notice, Place, Seen,
    Sight, Subject, WorkerSeen,
};
use super::scale::Scale;
use leave::Leaving;
use roll::Roll;

/// What should be, as far as it does not follow from the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Fewest and most worker containers, on all hosts together.
    pub least: usize,
    pub most: usize,
    /// How long a worker may take to finish what it renders.
    pub drain_for: Duration,
    /// How long a worker of a new image may take to come online.
    pub online_within: Duration,
}

/// Every worker container of this launcher, as a state machine.
#[derive(Debug)]
pub struct Fleet {
    policy: Policy,
    scale: Scale,
    /// Hosts whose containers were counted when they were first seen.
    adopted: BTreeSet<HostId>,
    is_stopping: bool,
    records: BTreeMap<Place, Record>,
    leaving: BTreeMap<ContainerId, Leaving>,
    roll: Option<Roll>,
    /// The image that is known to work on a host.
    trusted: BTreeMap<HostId, Image>,
    /// Images that did not come online.
    rejected: BTreeSet<Image>,
    /// Since when workers seem to belong to nobody.
    orphans: BTreeMap<WorkerId, Duration>,
    /// Workers whose container is gone.
    retiring: BTreeSet<WorkerId>,
    /// What is being done now.
    busy: BTreeSet<Subject>,
    /// Where something was started since the host was seen.
    settling: BTreeSet<Place>,
    /// What failed lately, and when to try it again.
    resting: BTreeMap<Subject, (u32, Duration)>,
    notices: Vec<Notice>,
}

impl Fleet {
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            scale: Scale::new(policy.least, policy.most),
            adopted: BTreeSet::new(),
            is_stopping: false,
            records: BTreeMap::new(),
            leaving: BTreeMap::new(),
            roll: None,
            trusted: BTreeMap::new(),
            rejected: BTreeSet::new(),
            orphans: BTreeMap::new(),
            retiring: BTreeSet::new(),
            busy: BTreeSet::new(),
            settling: BTreeSet::new(),
            resting: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// From now on nothing should run.
    pub fn stop(&mut self) {
        self.is_stopping = true;
        self.roll = None;
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping
    }

    /// Whoever was told to leave has had time enough.
    pub fn hurry(&mut self) {
        self.policy.drain_for = Duration::ZERO;
        for leaving in self.leaving.values_mut() {
            leaving.hurry();
        }
    }

    /// What there still is of this launcher.
    pub fn left(&self, seen: &Seen) -> Left {
        let silent = |host: &&Host| host.sight == Sight::Silent;
        let answering = seen.hosts.values().filter(|host| !silent(host));
        let containers = answering.clone().map(|host| host.containers.len());
        Left {
            containers: containers.sum(),
            workers: self.retiring.len(),
            silent_hosts: seen.hosts.values().filter(silent).count(),
            is_busy: !self.busy.is_empty() || answering.clone().any(|host| !host.is_current()),
        }
    }

    /// What to do now. Every action has begun when this returns, and [`Self::done`] is told how it ended.
    pub fn step(
        &mut self,
        seen: &Seen,
        now: Duration,
        random: &mut dyn FnMut() -> f64,
    ) -> Vec<Action> {
        self.learn(seen, now, random);
        self.follow_demand(seen, now);
        let chosen = self.choose(seen, now);
        self.advance_roll(seen, &chosen, now);
        let mut room = self.room(seen);
        let mut actions = Vec::new();
        for (&id, host) in seen.hosts.iter().filter(|(_, host)| host.is_current()) {
            for container in &host.containers {
                actions.extend(self.about_container(id, container, &chosen, &mut room, now));
            }
        }
        actions.extend(self.creations(seen, &chosen, room, now));
        let retiring = self.retiring.iter();
        actions.extend(retiring.map(|&worker| Action::Retire { worker }));
        actions.retain(|action| self.may_begin(&action.subject(), now));
        for action in &actions {
            self.begin(action, now);
        }
        actions
    }

    /// What should be told to the operator since this was asked last.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// An action ended.
    pub fn done(&mut self, action: &Action, is_done: bool, now: Duration, random: f64) {
        let subject = action.subject();
        self.busy.remove(&subject);
        if is_done || matches!(subject, Subject::Place(_)) {
            // A place has its record for that.
            self.resting.remove(&subject);
        } else {
            let (failures, until) = self.resting.entry(subject).or_default();
            *failures = failures.saturating_add(1);
            *until = now + backoff::delay(*failures, random);
        }
        match action {
            Action::Create { place, .. } | Action::Start { place, .. } if is_done => {
                self.settling.insert(*place);
            }
            Action::Create { place, .. } | Action::Start { place, .. } => {
                self.record(*place).failed(now, random);
                if let Some(roll) = self.roll.as_mut().filter(|roll| roll.place == *place) {
                    roll.could_not_start();
                }
            }
            Action::Drain { container, .. } if !is_done => {
                if let Some(leaving) = self.leaving.get_mut(container) {
                    leaving.was_not_told();
                }
            }
            Action::Remove { worker, .. } if is_done => self.retiring.extend(worker),
            Action::Retire { worker } if is_done => {
                self.retiring.remove(worker);
            }
            Action::Drain { .. }
            | Action::Kill { .. }
            | Action::Remove { .. }
            | Action::Retire { .. } => {}
        }
    }

    fn record(&mut self, place: Place) -> &mut Record {
        self.records.entry(place).or_default()
    }

    fn may_begin(&self, subject: &Subject, now: Duration) -> bool {
        !self.busy.contains(subject)
            && self
                .resting
                .get(subject)
                .is_none_or(|(_, until)| now >= *until)
    }

    fn begin(&mut self, action: &Action, now: Duration) {
        self.busy.insert(action.subject());
        match action {
            Action::Drain { container, .. } => {
                let patience = self.policy.drain_for;
                let leaving = self.leaving.entry(container.clone());
                leaving.or_insert_with(|| Leaving::new(patience)).told(now);
            }
            Action::Kill { container, .. } => {
                if let Some(leaving) = self.leaving.get_mut(container) {
                    leaving.killed(now);
                }
            }
            Action::Create { place, .. } => self.record(*place).replace = false,
            Action::Start { .. } | Action::Remove { .. } | Action::Retire { .. } => {}
        }
    }

    fn follow_demand(&mut self, seen: &Seen, now: Duration) {
        let before = self.scale.wanted();
        for (&id, _) in seen.hosts.iter().filter(|(_, host)| host.is_current()) {
            if self.adopted.insert(id) {
                self.scale.adopt(self.live(seen));
            }
        }
        if let Some(coordinator) = &seen.coordinator {
            let online = all_containers(seen)
                .filter(|(_, container)| coordinator.is_online(container.worker))
                .count();
            self.scale.follow(&coordinator.demand, online, now);
        }
        let workers = self.scale.wanted();
        if workers != before {
            self.notices.push(Notice::Wanted { workers });
        }
    }

    fn is_at_work(&self, place: Place) -> bool {
        self.busy.contains(&Subject::Place(place)) || self.settling.contains(&place)
    }

    fn about_container(
        &self,
        host: HostId,
        container: &Container,
        chosen: &BTreeSet<Place>,
        room: &mut usize,
        now: Duration,
    ) -> Option<Action> {
        let place = container.number.map(|number| Place { host, number });
        if place.is_some_and(|place| self.is_at_work(place)) {
            return None;
        }
        let stays = place.filter(|place| chosen.contains(place));
        let Some(place) = stays.filter(|_| !self.leaving.contains_key(&container.id)) else {
            return self.see_off(host, container, now);
        };
        let remove = Action::Remove {
            host,
            container: container.id.clone(),
            worker: container.worker,
        };
        match &container.state {
            ContainerState::Running | ContainerState::Going => None,
            ContainerState::Created => Some(remove),
            ContainerState::Ended(_) => {
                let record = self.records.get(&place);
                if record.is_some_and(|record| now < record.not_before) {
                    return None;
                }
                if record.is_some_and(|record| record.replace) {
                    return Some(remove);
                }
                *room = room.checked_sub(1)?;
                Some(Action::Start {
                    place,
                    container: container.id.clone(),
                })
            }
        }
    }

    fn creations(
        &self,
        seen: &Seen,
        chosen: &BTreeSet<Place>,
        mut room: usize,
        now: Duration,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        for &place in chosen {
            let Some(host) = seen.hosts.get(&place.host).filter(|host| host.is_current()) else {
                continue;
            };
            let is_free = host.container_at(place.number).is_none() && !self.is_at_work(place);
            let is_time = self
                .records
                .get(&place)
                .is_none_or(|record| now >= record.not_before);
            let image = self.image_for(place, host);
            if let Some(image) = image.filter(|_| is_free && is_time && room > 0) {
                room -= 1;
                actions.push(Action::Create { place, image });
            }
        }
        actions
    }

    /// What a new container is made from: what is known to work, as long as the image of the day is not.
    fn image_for(&self, place: Place, host: &Host) -> Option<Image> {
        let rolling = self.roll.as_ref().filter(|roll| roll.place == place);
        let trusted = || self.trusted.get(&place.host).cloned();
        rolling
            .map(|roll| roll.to.clone())
            .or_else(trusted)
            .or_else(|| host.image.clone())
    }

    /// How many more containers may run.
    fn room(&self, seen: &Seen) -> usize {
        let running = all_containers(seen)
            .filter(|(_, container)| container.state == ContainerState::Running)
            .count();
        let is_place = |subject: &&Subject| matches!(subject, Subject::Place(_));
        let starting = self.busy.iter().filter(is_place).count() + self.settling.len();
        let unseen = self.unseen(seen).len();
        self.policy.most.saturating_sub(running + starting + unseen)
    }

    /// Places of hosts that were silent ever since this launcher started, where an earlier one may have left a
    /// worker that runs: those of which the coordinator does not know better.
    fn unseen(&self, seen: &Seen) -> BTreeSet<Place> {
        let is_unseen = |host: &HostId| !self.adopted.contains(host);
        let Some(coordinator) = &seen.coordinator else {
            let hosts = seen.hosts.iter().filter(|(host, _)| is_unseen(host));
            let places = |(&host, shown): (&HostId, &Host)| {
                let numbers = shown.places.keys().copied().collect::<Vec<_>>();
                numbers
                    .into_iter()
                    .map(move |number| Place { host, number })
            };
            return hosts.flat_map(places).collect();
        };
        let may_run = |worker: &&WorkerSeen| {
            !matches!(worker.presence, Presence::Offline | Presence::Retired)
        };
        let workers = coordinator.workers.values().filter(may_run);
        let places = workers.filter_map(|worker| worker.place);
        places.filter(|place| is_unseen(&place.host)).collect()
    }
}

/// What is not gone yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// On hosts that answer.
    pub containers: usize,
    /// Not retired.
    pub workers: usize,
    pub silent_hosts: usize,
    /// Something is being done, or is not seen yet.
    pub is_busy: bool,
}

fn all_containers(seen: &Seen) -> impl Iterator<Item = (HostId, &Container)> {
    let hosts = seen.hosts.iter();
    hosts.flat_map(|(&id, host)| host.containers.iter().map(move |there| (id, there)))
}
