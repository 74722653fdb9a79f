//! Does what [`super::decide`] decides, and shows it what is.
//!
//! Everything that waits for somebody is a task of its own; this loop waits for none of them. A look at a
//! host that was begun before something was done there is thrown away: it shows what was.

mod act;
mod tell;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::WorkerId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::config::{AtEnd, Config};
use super::coordinator::{CallError, Coordinator};
use super::decide::Fleet;
use super::hosts::{DockerHost, HostError, Kind, Prepared};
use super::model::{Action, Container, CoordinatorSeen, Host, HostId, Place, Seen, WorkerSeen};
use act::{ActError, act};
use tell::{chain, describe, tell};
use watch::{HostState, listen};

/// Events tell sooner; this is for what no event tells of, such as a worker that came online.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// At the end, hosts that are silent and a coordinator that is away are waited for so long.
const FAREWELL: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error("the coordinator cannot be called")]
    Coordinator(#[from] CallError),
    #[error("the coordinator does not accept the token")]
    Token(#[source] CallError),
    #[error(
        "not everything could be removed: {silent_hosts} Docker hosts do not answer, \
         and {workers} workers are not retired; the next launcher with this name prefix does it"
    )]
    Left { silent_hosts: usize, workers: usize },
}

/// What a person may ask of a running launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// End. The second one does not wait for those who still render.
    Stop,
}

/// What a task brought.
enum Done {
    Looked {
        host: HostId,
        epoch: u64,
        found: Result<Vec<Container>, HostError>,
    },
    Prepared {
        host: HostId,
        found: Result<Prepared, HostError>,
        was_pulled: bool,
    },
    Asked(Result<CoordinatorSeen, CallError>),
    Acted {
        action: Action,
        result: Result<(), ActError>,
    },
}

pub struct Driver {
    config: Config,
    coordinator: Arc<Coordinator>,
    fleet: Fleet,
    seen: Seen,
    hosts: BTreeMap<HostId, HostState>,
    tasks: JoinSet<Done>,
    listeners: JoinSet<()>,
    is_asking: bool,
    began: Instant,
    /// Since when nothing is left on the hosts that answer, at the end.
    empty_since: Option<Instant>,
}

impl Driver {
    pub fn new(config: Config) -> Result<Self, LaunchError> {
        let coordinator = Coordinator::new(&config.coordinator, &config.token)?;
        let kind = Kind {
            prefix: config.name_prefix.clone(),
            image: config.image.clone(),
            devices: config.devices.clone(),
            memory_bytes: config.memory_bytes,
            network: config.network.clone(),
            worker_url: config.worker_url.clone(),
            stop_timeout: config.policy.drain_for,
        };
        let mut hosts = BTreeMap::new();
        for (number, address) in config.dockers.iter().enumerate() {
            let id = HostId(number);
            let certs = config.docker_certs.clone();
            let host = DockerHost::new(id, address.clone(), certs, kind.clone());
            hosts.insert(id, HostState::new(host));
        }
        let empty = hosts.keys().map(|&id| (id, Host::default()));
        Ok(Self {
            seen: Seen {
                hosts: empty.collect(),
                coordinator: None,
            },
            fleet: Fleet::new(config.policy),
            config,
            coordinator: Arc::new(coordinator),
            hosts,
            tasks: JoinSet::new(),
            listeners: JoinSet::new(),
            is_asking: false,
            began: Instant::now(),
            empty_since: None,
        })
    }

    /// Keeps the workers until it is ordered to stop.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), LaunchError> {
        for warning in self.config.warnings() {
            tracing::warn!("{warning}");
        }
        self.check_token().await?;
        let (happened, mut happenings) = mpsc::channel(64);
        for state in self.hosts.values() {
            self.listeners
                .spawn(listen(Arc::clone(&state.host), happened.clone()));
        }
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => self.look_everywhere(),
                Some(host) = happenings.recv() => self.look(host),
                Some(done) = self.tasks.join_next() => {
                    if let Ok(done) = done {
                        self.take(done);
                    }
                }
                order = orders.recv() => {
                    if self.config.at_end == AtEnd::Leave || order.is_none() {
                        break;
                    }
                    if self.fleet.is_stopping() {
                        tracing::warn!("ending workers that still render");
                        self.fleet.hurry();
                    } else {
                        tracing::info!("draining every worker; a second signal does not wait");
                        self.fleet.stop();
                    }
                }
            }
            self.decide();
            if self.fleet.is_stopping()
                && let Some(result) = self.farewell()
            {
                return self.finish(result).await;
            }
        }
        self.finish(Ok(())).await
    }

    async fn check_token(&self) -> Result<(), LaunchError> {
        match self.coordinator.demand().await {
            Err(error) if error.is_refused_token() => Err(LaunchError::Token(error)),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the coordinator does not answer yet");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// What was begun is finished, so that nothing is left half-made.
    async fn finish(mut self, result: Result<(), LaunchError>) -> Result<(), LaunchError> {
        self.listeners.shutdown().await;
        let busy = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, busy).await.is_err() {
            self.tasks.shutdown().await;
        }
        if self.config.at_end == AtEnd::RemoveWithCaches {
            for state in self.hosts.values().filter(|state| state.places.is_some()) {
                if let Err(error) = state.host.remove_caches().await {
                    tracing::warn!(host = %state.host.address, error = chain(&error), "its caches are still there");
                }
            }
        }
        result
    }

    /// Whether the end is reached: everything is gone, or what is left does not answer.
    fn farewell(&mut self) -> Option<Result<(), LaunchError>> {
        let left = self.fleet.left(&self.seen);
        if left.containers > 0 {
            return None;
        }
        if left.silent_hosts == 0 && left.workers == 0 && !left.is_busy {
            return Some(Ok(()));
        }
        let since = *self.empty_since.get_or_insert_with(Instant::now);
        (since.elapsed() > FAREWELL).then_some(Err(LaunchError::Left {
            silent_hosts: left.silent_hosts,
            workers: left.workers,
        }))
    }

    /// A place in the operator's words.
    fn name_of(&self, place: Place) -> String {
        let host = self.hosts.get(&place.host).map(|state| &state.host.address);
        let host = host.map_or("?", |address| address.as_str());
        format!("{}-{} on {host}", self.config.name_prefix, place.number)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn look_everywhere(&mut self) {
        if !self.is_asking {
            self.is_asking = true;
            let coordinator = Arc::clone(&self.coordinator);
            let hosts: Vec<_> = self
                .hosts
                .values()
                .map(|state| Arc::clone(&state.host))
                .collect();
            self.tasks
                .spawn(async move { Done::Asked(ask(&coordinator, &hosts).await) });
        }
        let ids: Vec<_> = self.hosts.keys().copied().collect();
        for id in ids {
            self.prepare_if_due(id);
            self.look(id);
        }
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::Looked { host, epoch, found } => self.take_look(host, epoch, found),
            Done::Prepared {
                host,
                found,
                was_pulled,
            } => self.take_prepared(host, found, was_pulled),
            Done::Asked(answer) => self.take_answer(answer),
            Done::Acted { action, result } => self.take_result(&action, result),
        }
    }

    fn take_answer(&mut self, answer: Result<CoordinatorSeen, CallError>) {
        self.is_asking = false;
        match answer {
            Ok(answer) => self.seen.coordinator = Some(answer),
            Err(error) => {
                if self.seen.coordinator.is_some() {
                    tracing::warn!(error = chain(&error), "the coordinator does not answer");
                }
                self.seen.coordinator = None;
            }
        }
    }

    fn take_result(&mut self, action: &Action, result: Result<(), ActError>) {
        let what = describe(action, &|place| self.name_of(place));
        match &result {
            Ok(()) => tracing::debug!(action = %what, "is done"),
            Err(error) => tracing::warn!(action = %what, error = chain(error), "is not done"),
        }
        let now = self.now();
        self.fleet.done(action, result.is_ok(), now, random());
        if let Action::Retire { worker } = action {
            self.forget(*worker);
        }
        if let Some(id) = action.host() {
            self.touch(id);
            self.look(id);
        }
    }

    /// What the coordinator said last still names it.
    fn forget(&mut self, worker: WorkerId) {
        if let Some(coordinator) = &mut self.seen.coordinator {
            coordinator.workers.remove(&worker);
        }
    }

    fn decide(&mut self) {
        let now = self.now();
        let actions = self.fleet.step(&self.seen, now, &mut random);
        for notice in self.fleet.take_notices() {
            tell(&notice, &|place| self.name_of(place));
        }
        for action in actions {
            tracing::debug!(action = %describe(&action, &|place| self.name_of(place)), "begins");
            let host = action.host().and_then(|id| self.hosts.get(&id));
            let host = host.map(|state| (Arc::clone(&state.host), state.places.clone()));
            let coordinator = Arc::clone(&self.coordinator);
            self.tasks.spawn(async move {
                let result = act(&action, host, &coordinator).await;
                Done::Acted { action, result }
            });
        }
    }
}

async fn ask(
    coordinator: &Coordinator,
    hosts: &[Arc<DockerHost>],
) -> Result<CoordinatorSeen, CallError> {
    let (workers, demand) = tokio::try_join!(coordinator.workers(), coordinator.demand())?;
    let workers = workers.into_iter().map(|worker| {
        let place = hosts.iter().find_map(|host| {
            let number = host.place_of(&worker.name)?;
            let host = host.id;
            Some(Place { host, number })
        });
        let seen = WorkerSeen {
            presence: worker.presence,
            leased: worker.leased,
            place,
        };
        (worker.id, seen)
    });
    Ok(CoordinatorSeen {
        workers: workers.collect(),
        demand,
    })
}

/// Between 0 and 1; good enough to spread retries.
fn random() -> f64 {
    let mut bytes = [0; 8];
    // Without randomness everybody retries at the same moment, no more.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes) as f64 / u64::MAX as f64
}
