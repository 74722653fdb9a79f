//! Docker hosts, a coordinator and time, as far as the launcher knows of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pictor_protocol::WorkerId;
use pictor_protocol::worker::{Demand, Presence};

use crate::launcher::decide::{Fleet, Policy};
use crate::launcher::model::*;

pub const DRAIN_FOR: Duration = Duration::from_secs(600);
const ONLINE_WITHIN: Duration = Duration::from_secs(120);
/// A worker is online so long after its start.
const UP_AFTER: Duration = Duration::from_secs(8);
const STEP: Duration = Duration::from_secs(1);

struct There {
    container: Container,
    place: Place,
    started: Duration,
    asked_to_end: bool,
}

pub struct World {
    pub fleet: Fleet,
    now: Duration,
    policy: Policy,
    /// What the tag stands for, and how many places there are.
    hosts: BTreeMap<HostId, (Option<Image>, u16)>,
    pub silent: BTreeSet<HostId>,
    pub is_coordinator_up: bool,
    /// Nobody ends when told to.
    pub is_deaf: bool,
    /// The next action fails.
    pub is_failing: bool,
    pub recipe: String,
    pub queued: u64,
    there: Vec<There>,
    workers: BTreeMap<WorkerId, Place>,
    /// Done with the next step, so that other things happen in between.
    begun: Vec<Action>,
    last_seen: BTreeMap<HostId, Vec<Container>>,
    /// Something was done there since it was seen.
    stale: BTreeSet<HostId>,
    pub enrolled: u32,
    pub kills: u32,
    made: u32,
}

impl World {
    /// So many places on each host, all of them wanted.
    pub fn new(places: &[u16]) -> Self {
        Self::scaled(places, usize::MAX, usize::MAX)
    }

    pub fn scaled(places: &[u16], least: usize, most: usize) -> Self {
        let policy = Policy {
            least,
            most,
            drain_for: DRAIN_FOR,
            online_within: ONLINE_WITHIN,
        };
        let image = || Some(Image("v1".into()));
        let hosts = places.iter().enumerate();
        Self {
            fleet: Fleet::new(policy),
            now: Duration::from_secs(1),
            policy,
            hosts: hosts
                .map(|(id, &places)| (HostId(id), (image(), places)))
                .collect(),
            silent: BTreeSet::new(),
            is_coordinator_up: true,
            is_deaf: false,
            is_failing: false,
            recipe: "recipe".into(),
            queued: 0,
            there: Vec::new(),
            workers: BTreeMap::new(),
            begun: Vec::new(),
            last_seen: BTreeMap::new(),
            stale: BTreeSet::new(),
            enrolled: 0,
            kills: 0,
            made: 0,
        }
    }

    pub fn run(&mut self, time: Duration) {
        self.run_watching(time, |_| {});
    }

    pub fn run_watching(&mut self, time: Duration, mut watch: impl FnMut(&Self)) {
        let end = self.now + time;
        while self.now < end {
            self.step();
            watch(self);
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        for action in std::mem::take(&mut self.begun) {
            let is_done = !std::mem::take(&mut self.is_failing) && self.perform(&action);
            self.fleet.done(&action, is_done, self.now, 0.5);
            self.stale.extend(action.host());
        }
        if !self.is_deaf {
            let now = self.now;
            for there in self.there.iter_mut().filter(|there| there.asked_to_end) {
                there.asked_to_end = false;
                there.end(0, now);
            }
        }
        let seen = self.seen();
        let actions = self.fleet.step(&seen, self.now, &mut || 0.5);
        self.check(&seen, &actions);
        self.begun = actions;
    }

    /// What must hold of every decision.
    fn check(&self, seen: &Seen, actions: &[Action]) {
        let mut subjects = BTreeSet::new();
        for action in actions {
            assert!(subjects.insert(action.subject()), "twice: {action:?}");
            if let Some(host) = action.host() {
                assert!(seen.hosts[&host].is_current(), "blindly: {action:?}");
            }
            match action {
                Action::Create { place, .. } => {
                    let is_taken = self.there.iter().any(|there| there.place == *place);
                    assert!(!is_taken, "taken: {action:?}");
                }
                Action::Remove { container, .. } => {
                    let state = &self.find(container).container.state;
                    assert_ne!(*state, ContainerState::Running, "alive: {action:?}");
                }
                Action::Retire { worker } => {
                    let mut there = self.there.iter();
                    let is_used = there.any(|there| there.container.worker == Some(*worker));
                    assert!(!is_used, "in use: {action:?}");
                }
                Action::Start { .. } | Action::Drain { .. } | Action::Kill { .. } => {}
            }
        }
        let running = self.running();
        assert!(running.len() <= self.policy.most, "{running:?}");
    }

    fn perform(&mut self, action: &Action) -> bool {
        let is_silent = |host| self.silent.contains(&host);
        if action.host().is_some_and(is_silent) {
            return false;
        }
        let now = self.now;
        match action {
            Action::Create { place, image } if self.is_coordinator_up => {
                let worker = self.enrol(*place);
                self.make(*place, image.clone(), worker, ContainerState::Running);
            }
            Action::Start { container, .. } => {
                let there = self.find_mut(container);
                there.container.state = ContainerState::Running;
                there.started = now;
            }
            Action::Drain { container, .. } => self.find_mut(container).asked_to_end = true,
            Action::Kill { container, .. } => {
                self.kills += 1;
                self.find_mut(container).end(137, now);
            }
            Action::Remove { container, .. } => {
                self.there.retain(|there| there.container.id != *container);
            }
            Action::Retire { worker } if self.is_coordinator_up => {
                self.workers.remove(worker);
            }
            Action::Create { .. } | Action::Retire { .. } => return false,
        }
        true
    }

    fn seen(&mut self) -> Seen {
        let mut hosts = BTreeMap::new();
        let stale = std::mem::take(&mut self.stale);
        for (&id, (image, places)) in &self.hosts {
            let sight = match (self.silent.contains(&id), stale.contains(&id)) {
                (true, _) => Sight::Silent,
                (false, true) => Sight::Stale,
                (false, false) => Sight::Current,
            };
            if sight == Sight::Current {
                let here = self.there.iter().filter(|there| there.place.host == id);
                let here = here.map(|there| there.container.clone());
                self.last_seen.insert(id, here.collect());
            }
            let recipe = || Recipe(self.recipe.clone());
            let host = Host {
                sight,
                image: image.clone(),
                places: (0..*places).map(|number| (number, recipe())).collect(),
                containers: self.last_seen.get(&id).cloned().unwrap_or_default(),
            };
            hosts.insert(id, host);
        }
        let coordinator = self.is_coordinator_up.then(|| self.coordinator());
        Seen { hosts, coordinator }
    }

    fn coordinator(&self) -> CoordinatorSeen {
        let seen = |(&id, &place): (&WorkerId, &Place)| {
            let presence = self.presence(id);
            let worker = WorkerSeen {
                presence,
                leased: 0,
                place: Some(place),
            };
            (id, worker)
        };
        let workers: BTreeMap<_, _> = self.workers.iter().map(seen).collect();
        let is_online = |worker: &&WorkerSeen| worker.presence == Presence::Online;
        let online = workers.values().filter(is_online).count();
        CoordinatorSeen {
            demand: Demand {
                queued: self.queued,
                leased: 0,
                slots_online: online as u64,
            },
            workers,
        }
    }

    fn presence(&self, worker: WorkerId) -> Presence {
        let mut there = self.there.iter();
        let there = there.find(|there| there.container.worker == Some(worker));
        let Some(there) = there.filter(|there| there.container.state == ContainerState::Running)
        else {
            return Presence::Offline;
        };
        let is_good = !there.container.image.0.starts_with("bad");
        if is_good && self.now >= there.started + UP_AFTER {
            Presence::Online
        } else {
            Presence::New
        }
    }

    fn enrol(&mut self, place: Place) -> WorkerId {
        self.enrolled += 1;
        let worker = WorkerId::new(uuid::Uuid::from_u128(self.enrolled.into()));
        self.workers.insert(worker, place);
        worker
    }

    fn make(&mut self, place: Place, image: Image, worker: WorkerId, state: ContainerState) {
        self.made += 1;
        self.there.push(There {
            container: Container {
                id: ContainerId(format!("c{}", self.made)),
                number: Some(place.number),
                worker: Some(worker),
                image,
                recipe: Recipe(self.recipe.clone()),
                state,
            },
            place,
            started: self.now,
            asked_to_end: false,
        });
    }

    /// The container of a place ends by itself, if it runs.
    pub fn end(&mut self, host: usize, number: u16, code: i64) {
        let (now, place) = (self.now, place(host, number));
        let mut there = self.there.iter_mut();
        if let Some(there) = there.find(|there| there.place == place)
            && there.container.state == ContainerState::Running
        {
            there.end(code, now);
        }
    }

    pub fn image_everywhere(&mut self, image: &str) {
        for (now, _) in self.hosts.values_mut() {
            *now = Some(Image(image.into()));
        }
    }

    pub fn image_nowhere(&mut self) {
        for (now, _) in self.hosts.values_mut() {
            *now = None;
        }
    }

    /// As if the launcher was interrupted before it started what it had made.
    pub fn leave_half_made(&mut self, host: usize, number: u16) {
        let place = place(host, number);
        let worker = self.enrol(place);
        self.make(place, Image("v1".into()), worker, ContainerState::Created);
    }

    /// As if the launcher was interrupted before it made a container.
    pub fn leave_enrolled(&mut self, host: usize, number: u16) {
        self.enrol(place(host, number));
    }

    /// The launcher is killed while it does what it had begun, and started again.
    pub fn new_launcher(&mut self) {
        for action in std::mem::take(&mut self.begun) {
            self.perform(&action);
        }
        self.fleet = Fleet::new(self.policy);
        self.last_seen.clear();
    }

    pub fn is_gone(&mut self) -> bool {
        let seen = self.seen();
        let left = self.fleet.left(&seen);
        left.containers + left.workers + left.silent_hosts == 0 && !left.is_busy
    }

    /// Where what runs, in order.
    pub fn running(&self) -> Vec<String> {
        let is_running = |there: &&There| there.container.state == ContainerState::Running;
        let running = self.there.iter().filter(is_running);
        let mut running: Vec<_> = running
            .map(|there| format!("{} {}", there.place, there.container.image))
            .collect();
        running.sort();
        running
    }

    pub fn containers(&self) -> Vec<ContainerId> {
        let mut there: Vec<_> = self.there.iter().collect();
        there.sort_by_key(|there| there.place);
        let ids = there.into_iter().map(|there| there.container.id.clone());
        ids.collect()
    }

    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    fn find(&self, id: &ContainerId) -> &There {
        let mut there = self.there.iter();
        there.find(|there| there.container.id == *id).unwrap()
    }

    fn find_mut(&mut self, id: &ContainerId) -> &mut There {
        let mut there = self.there.iter_mut();
        there.find(|there| there.container.id == *id).unwrap()
    }
}

impl There {
    fn end(&mut self, code: i64, now: Duration) {
        if self.container.state == ContainerState::Running {
            self.container.state = ContainerState::Ended(End {
                code,
                ran: now.saturating_sub(self.started),
                at: format!("{now:?}"),
            });
        }
    }
}

fn place(host: usize, number: u16) -> Place {
    Place {
        host: HostId(host),
        number,
    }
}
