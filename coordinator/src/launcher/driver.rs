//! Does what [`super::decide`] decides, and shows it what is.
//!
//! Everything that waits for somebody is a task of its own; this loop waits for none of them. A look at a
//! host that was begun before something was done there is thrown away: it shows what was.

mod act;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::WorkerId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::backoff;
use super::config::{AtEnd, Config};
use super::coordinator::{CallError, Coordinator};
use super::decide::Fleet;
use super::hosts::{DockerHost, HostError, Kind, Prepared};
use super::model::{
    Action, Container, CoordinatorSeen, Host, HostId, Notice, Seen, Sight, WorkerSeen,
};
use super::recipe::Making;
use act::{ActError, act};

/// Events tell sooner; this is for what no event tells of, such as a worker that came online.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// A connection for events that broke is made anew so soon.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);
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

/// What is known of a host beside what [`Fleet`] sees of it.
struct HostState {
    host: Arc<DockerHost>,
    /// Grows whenever something is done there.
    epoch: u64,
    is_looking: bool,
    /// Something happened while it was being looked at.
    look_again: bool,
    is_preparing: bool,
    prepare_at: Instant,
    failures: u32,
    /// Empty until the host is prepared; before, nothing is decided about it.
    places: Option<BTreeMap<u16, Making>>,
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
        let began = Instant::now();
        let mut hosts = BTreeMap::new();
        for (number, address) in config.dockers.iter().enumerate() {
            let id = HostId(number);
            let certs = config.docker_certs.clone();
            let state = HostState {
                host: Arc::new(DockerHost::new(id, address.clone(), certs, kind.clone())),
                epoch: 0,
                is_looking: false,
                look_again: false,
                is_preparing: false,
                prepare_at: began,
                failures: 0,
                places: None,
            };
            hosts.insert(id, state);
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
            began,
        })
    }

    /// Keeps the workers until it is ordered to stop.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), LaunchError> {
        self.check_token().await?;
        let (happened, mut happenings) = mpsc::channel(64);
        for state in self.hosts.values() {
            self.listeners
                .spawn(listen(Arc::clone(&state.host), happened.clone()));
        }
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping_since: Option<Instant> = None;
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
                    if stopping_since.replace(Instant::now()).is_some() {
                        tracing::warn!("ending workers that still render");
                        self.fleet.hurry();
                    } else {
                        tracing::info!("draining every worker; a second signal does not wait");
                        self.fleet.stop();
                    }
                }
            }
            self.decide();
            if let Some(since) = stopping_since
                && let Some(result) = self.farewell(since)
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
    fn farewell(&self, since: Instant) -> Option<Result<(), LaunchError>> {
        let left = self.fleet.left(&self.seen);
        if left.containers > 0 || left.is_busy {
            return None;
        }
        if left.silent_hosts == 0 && left.workers == 0 {
            return Some(Ok(()));
        }
        (since.elapsed() > FAREWELL).then_some(Err(LaunchError::Left {
            silent_hosts: left.silent_hosts,
            workers: left.workers,
        }))
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

    fn prepare_if_due(&mut self, id: HostId) {
        let may_pull = self.config.pull_every.is_some();
        let Some(state) = self.hosts.get_mut(&id) else {
            return;
        };
        if state.is_preparing || Instant::now() < state.prepare_at {
            return;
        }
        state.is_preparing = true;
        let host = Arc::clone(&state.host);
        // What is there already is looked at first: a pull may take long, and may fail.
        let pulls = may_pull && (state.places.is_some() || state.failures > 0);
        self.tasks.spawn(async move {
            let mut was_pulled = false;
            if pulls {
                match host.pull().await {
                    Ok(()) => was_pulled = true,
                    Err(error) => {
                        tracing::warn!(host = %host.address, error = chain(&error), "the image is not pulled; what is there stays");
                    }
                }
            }
            let found = host.prepare().await;
            Done::Prepared { host: id, found, was_pulled }
        });
    }

    fn look(&mut self, id: HostId) {
        let Some(state) = self.hosts.get_mut(&id) else {
            return;
        };
        if state.is_looking {
            state.look_again = true;
            return;
        }
        state.is_looking = true;
        state.look_again = false;
        let (host, epoch) = (Arc::clone(&state.host), state.epoch);
        self.tasks.spawn(async move {
            let found = host.look().await;
            Done::Looked {
                host: id,
                epoch,
                found,
            }
        });
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

    fn take_look(&mut self, id: HostId, epoch: u64, found: Result<Vec<Container>, HostError>) {
        let (Some(state), Some(seen)) = (self.hosts.get_mut(&id), self.seen.hosts.get_mut(&id))
        else {
            return;
        };
        state.is_looking = false;
        let is_outdated = state.epoch != epoch;
        match found {
            Ok(_) if is_outdated => {}
            Ok(containers) => {
                seen.containers = containers;
                seen.sight = if state.places.is_some() {
                    Sight::Current
                } else {
                    Sight::Silent
                };
            }
            Err(error) => {
                if seen.sight != Sight::Silent {
                    tracing::warn!(host = %state.host.address, error = chain(&error), "the host is silent");
                }
                seen.sight = Sight::Silent;
            }
        }
        if is_outdated || state.look_again {
            self.look(id);
        }
    }

    fn take_prepared(&mut self, id: HostId, found: Result<Prepared, HostError>, was_pulled: bool) {
        let (Some(state), Some(seen)) = (self.hosts.get_mut(&id), self.seen.hosts.get_mut(&id))
        else {
            return;
        };
        state.is_preparing = false;
        match found {
            Ok(prepared) => {
                let is_first = state.places.is_none();
                state.failures = 0;
                // After the first look without a pull, the pull.
                let wait = self.config.pull_every.unwrap_or(Duration::MAX);
                let wait = if is_first && !was_pulled {
                    Duration::ZERO
                } else {
                    wait
                };
                state.prepare_at = Instant::now() + wait.min(Duration::from_secs(86_400));
                if is_first {
                    let (host, places) = (&state.host.address, prepared.places.len());
                    tracing::info!(%host, image = %prepared.image, places, "the host is ready");
                }
                let recipe = |making: &Making| making.recipe();
                let places = prepared.places.iter();
                seen.places = places
                    .map(|(&number, making)| (number, recipe(making)))
                    .collect();
                seen.image = Some(prepared.image);
                state.places = Some(prepared.places);
                self.look(id);
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                let wait = backoff::delay(state.failures, random());
                state.prepare_at = Instant::now() + wait;
                tracing::warn!(host = %state.host.address, error = chain(&error), "the host is not ready");
            }
        }
    }

    fn take_answer(&mut self, answer: Result<CoordinatorSeen, CallError>) {
        self.is_asking = false;
        match answer {
            Ok(answer) => self.seen.coordinator = Some(answer),
            Err(error) => {
                if self.seen.coordinator.is_some() || error.is_refused_token() {
                    tracing::warn!(error = chain(&error), "the coordinator does not answer");
                }
                self.seen.coordinator = None;
            }
        }
    }

    fn take_result(&mut self, action: &Action, result: Result<(), ActError>) {
        if let Err(error) = &result {
            tracing::warn!(action = %describe(action), error = chain(error), "it could not be done");
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

    /// What was seen of a host is not so any more.
    fn touch(&mut self, id: HostId) {
        let seen = self.seen.hosts.get_mut(&id);
        if let (Some(state), Some(seen)) = (self.hosts.get_mut(&id), seen) {
            state.epoch += 1;
            if seen.sight == Sight::Current {
                seen.sight = Sight::Stale;
            }
        }
    }

    fn decide(&mut self) {
        let now = self.now();
        let actions = self.fleet.step(&self.seen, now, &mut random);
        for notice in self.fleet.take_notices() {
            tell(&notice);
        }
        for action in actions {
            tracing::debug!(action = %describe(&action), "begins");
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

/// Rings whenever something happens to a container of the host.
async fn listen(host: Arc<DockerHost>, happened: mpsc::Sender<HostId>) {
    use futures_util::StreamExt;
    loop {
        if let Ok(events) = host.events().await {
            let mut events = std::pin::pin!(events);
            while events.next().await.is_some() {
                if happened.send(host.id).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
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
            Some(super::model::Place { host, number })
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

fn tell(notice: &Notice) {
    match notice {
        Notice::Ended {
            place,
            code,
            again_in,
        } => tracing::warn!(%place, code, ?again_in, "the worker ended; it is started again"),
        Notice::GaveUp {
            place,
            code,
            again_in,
        } => tracing::error!(
            %place, code, ?again_in,
            "the worker refuses to run with a new config too: see the container's log; 3 is a wrong config, \
             4 a refused token, 5 a worker too old for its coordinator"
        ),
        Notice::Wanted { workers } => tracing::info!(workers, "so many workers are wanted now"),
        Notice::Rolling { place, image } => {
            tracing::info!(%place, %image, "the worker gives way to a new image");
        }
        Notice::RolledOut { place, image } => {
            tracing::info!(%place, %image, "the new image is online");
        }
        Notice::RolledBack {
            place,
            bad,
            good,
            why,
        } => {
            tracing::error!(%place, %bad, %good, why, "the new image is no good; back to the old one")
        }
    }
}

fn describe(action: &Action) -> String {
    match action {
        Action::Create { place, image } => format!("create {place} from {image}"),
        Action::Start { place, container } => format!("start {container} at {place}"),
        Action::Drain { container, .. } => format!("drain {container}"),
        Action::Kill { container, .. } => format!("kill {container}"),
        Action::Remove { container, .. } => format!("remove {container}"),
        Action::Retire { worker } => format!("retire {worker}"),
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// Between 0 and 1; good enough to spread retries.
fn random() -> f64 {
    let mut bytes = [0; 8];
    // Without randomness everybody retries at the same moment, no more.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes) as f64 / u64::MAX as f64
}
