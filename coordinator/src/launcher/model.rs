//! What the launcher sees, and what it can do: the words between [`super::decide`] and the world.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use pictor_protocol::WorkerId;
use pictor_protocol::worker::{Demand, Presence};

/// One of the Docker hosts, in the order of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub usize);

/// Where one worker container stands: a GPU of a Docker host, or a share of its CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub host: HostId,
    pub number: u16,
}

/// The engine's name of a container; no two engines use the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerId(pub String);

/// The engine's name of what a tag stood for when it was looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Image(pub String);

/// A digest of everything but the image that a container is made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipe(pub String);

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..19).unwrap_or(&self.0))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host.0, self.number)
    }
}

/// A container with the launcher's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: ContainerId,
    /// None for one whose labels make no sense.
    pub number: Option<u16>,
    pub worker: Option<WorkerId>,
    pub image: Image,
    pub recipe: Recipe,
    pub state: ContainerState,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// Never started: whoever made it was interrupted.
    Created,
    Running,
    Ended(End),
    /// The engine is removing it.
    Going,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub code: i64,
    /// By the host's own clock.
    pub ran: Duration,
    /// When, in the engine's words: tells two ends of a container apart.
    pub at: String,
}

/// How much the last look at a host is worth. Nothing is done to a host that is not seen as it is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sight {
    Current,
    /// Something was done there since.
    Stale,
    /// It does not answer.
    #[default]
    Silent,
}

/// A Docker host as it was last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    pub sight: Sight,
    /// What the image's tag stands for there; none as long as the host has no such image.
    pub image: Option<Image>,
    pub places: BTreeMap<u16, Recipe>,
    pub containers: Vec<Container>,
}

impl Host {
    pub fn is_current(&self) -> bool {
        self.sight == Sight::Current
    }

    pub fn container_at(&self, number: u16) -> Option<&Container> {
        self.containers
            .iter()
            .find(|container| container.number == Some(number))
    }
}

/// A worker of this launcher's owner, by the coordinator's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSeen {
    pub presence: Presence,
    pub leased: u32,
    /// The place that its name speaks of, when it is a name that this launcher gives.
    pub place: Option<Place>,
}

/// What the coordinator said last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoordinatorSeen {
    pub workers: BTreeMap<WorkerId, WorkerSeen>,
    pub demand: Demand,
}

impl CoordinatorSeen {
    pub fn is_online(&self, worker: Option<WorkerId>) -> bool {
        worker
            .and_then(|worker| self.workers.get(&worker))
            .is_some_and(|worker| worker.presence == Presence::Online)
    }
}

/// What is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub hosts: BTreeMap<HostId, Host>,
    /// None while the coordinator does not answer.
    pub coordinator: Option<CoordinatorSeen>,
}

/// One thing to do. What is done on one subject is done before the next begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Enrol a worker, make its container, hand its config over, start it.
    Create { place: Place, image: Image },
    /// Start a container that ended once more.
    Start {
        place: Place,
        container: ContainerId,
    },
    /// Let the worker finish what it renders and end: the coordinator's word, then SIGTERM.
    Drain {
        host: HostId,
        container: ContainerId,
        worker: Option<WorkerId>,
    },
    Kill {
        host: HostId,
        container: ContainerId,
    },
    /// Remove a container that does not run, and the config that was handed to it.
    Remove {
        host: HostId,
        container: ContainerId,
        worker: Option<WorkerId>,
    },
    /// Make a worker's token worthless; no container has it any more.
    Retire { worker: WorkerId },
}

/// What an action is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Place(Place),
    Container(ContainerId),
    Worker(WorkerId),
}

impl Action {
    pub fn subject(&self) -> Subject {
        match self {
            Self::Create { place, .. } | Self::Start { place, .. } => Subject::Place(*place),
            Self::Drain { container, .. }
            | Self::Kill { container, .. }
            | Self::Remove { container, .. } => Subject::Container(container.clone()),
            Self::Retire { worker } => Subject::Worker(*worker),
        }
    }

    pub fn host(&self) -> Option<HostId> {
        match self {
            Self::Create { place, .. } | Self::Start { place, .. } => Some(place.host),
            Self::Drain { host, .. } | Self::Kill { host, .. } | Self::Remove { host, .. } => {
                Some(*host)
            }
            Self::Retire { .. } => None,
        }
    }
}

/// What an operator should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A container ended that should run.
    Ended {
        place: Place,
        code: i64,
        again_in: Duration,
    },
    /// The worker refuses to run, also with a new config.
    GaveUp {
        place: Place,
        code: i64,
        again_in: Duration,
    },
    Wanted {
        workers: usize,
    },
    Rolling {
        place: Place,
        image: Image,
    },
    RolledOut {
        place: Place,
        image: Image,
    },
    RolledBack {
        place: Place,
        bad: Image,
        good: Image,
        why: &'static str,
    },
}
