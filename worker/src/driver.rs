//! Performs what the agent decides: one loop takes in events, asks the agent, and hands every effect
//! to the task that carries it out.
//!
//! What the GPUs' sensors say is added here, where a report is sent, and not by the agent: no decision
//! depends on a reading, and an event for each would wake the agent, and an idle worker with it, for nothing.
//! Only a GPU that is gone is an event.
//!
//! Owns the tasks, the clock and the randomness. Decides nothing about frames: whatever depends on
//! what happened before belongs in [`crate::agent`].

mod challenges;
mod fatal;
mod line;
mod narrate;
mod render;
mod requests;
mod shelf;
mod tasks;
mod upload;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::{
    AttemptRef, Grant, Hello, Install, InstallState, PROTOCOL, RuntimeInfo, SlotInfo,
};
use pictor_protocol::blender::Series;
use pictor_protocol::health::DoctorCheck;
use pictor_protocol::settings::Format;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::agent::ability::Told;
use crate::agent::challenging::ChallengeOrder;
use crate::agent::installing::{Installs, Progress};
use crate::agent::{
    Ability, Agent, Effect, Ending, Event, Order, ProbeOrder, SessionEvent, SessionId, SessionStep,
    Setup, SlotId,
};
use crate::coordinator::Coordinator;
use crate::doctor;
use crate::gpu::Watch;
use crate::heartbeat::{self, Heartbeat, Link};
use crate::journal::Journal;
use crate::scenes::Scenes;
pub use fatal::Fatal;
use line::Line;
pub use render::{
    ChallengeTask, Frame, ProbeTask, Renderer, Said, SessionEnd, SessionOrder, SessionTask,
};
use tasks::{Running, Tasks};

/// After the second signal everything ends within this.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// For what is still being written to the disk, and for Blender to be gone.
const SHUT_DOWN_WITHIN: Duration = Duration::from_secs(10);
/// Events that wait for the agent; a Blender that prints without end waits for it too.
const INBOX: usize = 256;

/// What the driver is made of.
pub struct Parts<R> {
    pub coordinator: Coordinator,
    pub scenes: Scenes,
    pub journal: Journal,
    pub heartbeat: Heartbeat,
    /// Where Blender writes until a picture is in the journal; emptied at every start.
    pub render_dir: PathBuf,
    pub renderer: R,
    pub slots: Vec<SlotInfo>,
    pub runtimes: Vec<RuntimeInfo>,
    /// Series that the coordinator may have installed here.
    pub installable: Vec<Series>,
    /// Version of the GPU driver.
    pub gpu_driver: Option<String>,
    /// What keeps Blender from the rest of the machine, outermost first.
    pub sandbox: Vec<String>,
    /// What the doctor looks at, once, beside everything else; nothing, if nobody wants it.
    pub doctor: Option<doctor::Options>,
    /// Reads the sensors of the slots' GPUs, and notices when one is gone.
    pub gpus: Watch,
    /// For every slot, what an earlier start proved.
    pub abilities: Vec<Ability>,
    /// A Blender that had no work for so long is ended.
    pub idle_blender: Duration,
}

/// What the owner wants: once for an orderly end, twice for an end at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndWanted;

enum Message {
    Event(Event),
    Fatal(Fatal),
    Examined(Vec<DoctorCheck>),
}

/// Renders until the owner wants an end or nothing can be done any more.
pub async fn run<R: Renderer>(
    parts: Parts<R>,
    end_wanted: mpsc::Receiver<EndWanted>,
) -> Result<(), Fatal> {
    let (inbox, messages) = mpsc::channel(INBOX);
    let mut driver = Driver::new(parts, inbox)?;
    let result = driver.work(messages, end_wanted).await;
    driver.shut_down().await;
    result
}

struct Driver<R> {
    agent: Agent,
    /// The agent's time begins here.
    started: Instant,
    tasks: Tasks,
    inbox: mpsc::Sender<Message>,
    line: Line,
    scenes: Arc<Scenes>,
    shelf: shelf::Shelf,
    renderer: Arc<R>,
    render_dir: PathBuf,
    runtimes: Vec<RuntimeInfo>,
    slots: Vec<SlotInfo>,
    gpu_driver: Option<String>,
    sandbox: Vec<String>,
    /// Empty until the doctor is done.
    examined: Vec<DoctorCheck>,
    gpus: Watch,
    sessions: HashMap<SlotId, LiveSession>,
    asks: Running<SlotId>,
    uploads: Running<AttemptRef>,
    fetches: Running<BlobHash>,
    challenges: Running<SlotId>,
    heartbeat: Heartbeat,
    is_welcome: bool,
    ending: Option<Ending>,
}

struct LiveSession {
    id: SessionId,
    orders: mpsc::UnboundedSender<SessionOrder>,
    stop: CancellationToken,
}

impl<R: Renderer> Driver<R> {
    fn new(parts: Parts<R>, inbox: mpsc::Sender<Message>) -> Result<Self, Fatal> {
        let instance = Uuid::new_v4();
        let journal = parts.journal.leftovers().map_err(Fatal::Journal)?;
        prepare(&parts.render_dir).map_err(Fatal::Cache)?;
        let setup = Setup {
            instance,
            slots: parts.abilities,
            idle_blender: parts.idle_blender,
            journal,
            installable: parts.installable,
        };
        let mut tasks = Tasks::new();
        if let Some(options) = parts.doctor {
            tasks.spawn(examine(options, inbox.clone()));
        }
        let shelf = shelf::Shelf::start(parts.journal, inbox.clone(), &mut tasks);
        Ok(Self {
            agent: Agent::new(setup),
            started: Instant::now(),
            line: Line::new(parts.coordinator, instance, inbox.clone()),
            inbox,
            scenes: Arc::new(parts.scenes),
            shelf,
            renderer: Arc::new(parts.renderer),
            render_dir: parts.render_dir,
            runtimes: parts.runtimes,
            slots: parts.slots,
            gpu_driver: parts.gpu_driver,
            sandbox: parts.sandbox,
            examined: Vec::new(),
            gpus: parts.gpus,
            sessions: HashMap::new(),
            asks: Running::under(&tasks),
            uploads: Running::under(&tasks),
            fetches: Running::under(&tasks),
            challenges: Running::under(&tasks),
            heartbeat: parts.heartbeat,
            is_welcome: false,
            ending: None,
            tasks,
        })
    }

    async fn work(
        &mut self,
        mut messages: mpsc::Receiver<Message>,
        mut end_wanted: mpsc::Receiver<EndWanted>,
    ) -> Result<(), Fatal> {
        let mut is_draining = false;
        let mut heart = tokio::time::interval(heartbeat::EVERY);
        let mut give_up_at = None;
        self.step(Event::Tick);
        while self.ending.is_none() {
            let wake = self.agent.next_wake(self.started.elapsed());
            let wake = wake
                .map(|at| self.started + at)
                .into_iter()
                .chain(give_up_at)
                .min();
            tokio::select! {
                message = messages.recv() => match message {
                    Some(Message::Event(event)) => self.step(event),
                    Some(Message::Fatal(fatal)) => return Err(fatal),
                    Some(Message::Examined(found)) => {
                        self.examined = found;
                        self.step(Event::Examined);
                    }
                    None => return Ok(()),
                },
                Some(EndWanted) = end_wanted.recv() => {
                    if is_draining {
                        give_up_at.get_or_insert(Instant::now() + STOP_WITHIN);
                        self.step(Event::StopNow);
                    } else {
                        is_draining = true;
                        self.step(Event::Drain);
                    }
                }
                _ = heart.tick() => self.beat(),
                Some(panic) = self.tasks.failed() => return Err(Fatal::Panicked(panic)),
                () = sleep_until(wake) => {
                    if give_up_at.is_some_and(|at| at <= Instant::now()) {
                        tracing::warn!("the coordinator could not be told; it will find out by itself");
                        return Ok(());
                    }
                    self.step(Event::Tick);
                }
            }
        }
        match self.ending.take() {
            Some(Ending::GpuLost { slot, message }) => Err(Fatal::GpuLost { slot, message }),
            Some(Ending::Wanted) | None => Ok(()),
        }
    }

    fn step(&mut self, event: Event) {
        self.overhear(&event);
        for effect in self.agent.step(self.started.elapsed(), event) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Session {
                slot,
                session,
                what,
            } => self.perform_step(slot, session, what),
            Effect::Store(picture) => {
                let attempt = picture.grant.attempt;
                let path = self.picture_path(picture.session, attempt, picture.format);
                self.shelf.store(path, picture);
            }
            Effect::Upload {
                attempt,
                output,
                size_bytes,
                after,
            } => self.upload(upload::Upload {
                attempt,
                output,
                size_bytes,
                after,
            }),
            Effect::Discard { attempt } => {
                self.uploads.cancel(&attempt);
                self.shelf.discard(attempt);
            }
            Effect::FetchScene(order) => self.fetch_scene(&order),
            Effect::ReleaseScene { content } => {
                self.fetches.cancel(&content);
                self.scenes.unpin(content);
            }
            Effect::Greet {
                journal,
                slots,
                installs,
            } => {
                let hello = self.hello(journal, slots, installs);
                self.tasks.spawn(requests::greet(self.line.clone(), hello));
            }
            Effect::Install { series } => self.install(series),
            Effect::Probe { slot, order } => self.probe(slot, order),
            Effect::Challenge { slot, order } => self.challenge(slot, order),
            Effect::GiveUpChallenge { slot } => self.challenges.cancel(&slot),
            Effect::Ask { slot, open } => {
                let stop = self.asks.start(slot);
                let cached = self.scenes.cached();
                let ask = requests::ask(self.line.clone(), slot, open, cached);
                self.tasks.spawn_until(stop, ask);
            }
            Effect::StopAsking { slot } => self.asks.cancel(&slot),
            Effect::Listen => self.tasks.spawn(requests::listen(self.line.clone())),
            Effect::Report(report) => {
                let report = requests::report(self.line.clone(), self.gpus.clone(), report);
                self.tasks.spawn(report);
            }
            Effect::Tell(notice) => narrate::tell(&notice),
            Effect::Exit(ending) => self.ending = Some(ending),
        }
    }

    fn perform_step(&mut self, slot: SlotId, session: SessionId, step: SessionStep) {
        match step {
            SessionStep::Start(runtime) => self.start_session(slot, session, runtime),
            SessionStep::Open(order) => {
                let path = self.scenes.main_path(&order.scene);
                tracing::debug!(slot, scene = %order.scene.content, "opening");
                self.order(slot, session, SessionOrder::Open { path, order });
            }
            SessionStep::Render { grant, format } => {
                let Grant { attempt, frame } = grant;
                let path = self.picture_path(session, attempt, format);
                tracing::debug!(slot, frame, "rendering");
                let frame = Frame {
                    attempt,
                    frame,
                    path,
                };
                self.order(slot, session, SessionOrder::Render(frame));
            }
            SessionStep::End => {
                let live = self.sessions.get(&slot).filter(|live| live.id == session);
                live.inspect(|live| live.stop.cancel());
            }
        }
    }

    fn beat(&self) {
        let is_up = self.is_welcome && self.line.answers();
        self.heartbeat
            .beat(if is_up { Link::Up } else { Link::Down });
    }

    fn upload(&mut self, upload: upload::Upload) {
        let stop = self.uploads.start(upload.attempt);
        let task = upload.run(self.line.clone(), self.shelf.journal());
        self.tasks.spawn_until(stop, task);
    }

    /// What the driver itself must know of an event.
    fn overhear(&mut self, event: &Event) {
        if let Event::Welcomed(welcome) = event {
            self.line.set_hold(welcome.hold_ms);
            self.is_welcome = true;
            self.beat();
        }
        if let Event::Installed {
            result: Ok(runtime),
            ..
        } = event
        {
            self.runtimes.retain(|it| it.series != runtime.series);
            self.runtimes.push(runtime.clone());
        }
        if let Event::Session {
            session,
            what: SessionEvent::Ended { .. },
            ..
        } = event
        {
            // After the pictures of this session that are still to be stored.
            self.shelf.clear(self.session_dir(*session));
        }
    }

    fn start_session(&mut self, slot: SlotId, session: SessionId, runtime: Series) {
        let (orders, order_queue) = mpsc::unbounded_channel();
        let stop = self.tasks.child_token();
        let said = Said::new(slot, session, self.inbox.clone(), self.gpus.clone());
        let dir = self.session_dir(session);
        let task = SessionTask {
            slot,
            runtime,
            can: self.agent.can(slot, runtime).to_vec(),
            dir,
            orders: order_queue,
            said: said.clone(),
            stop: stop.clone(),
        };
        self.sessions.insert(
            slot,
            LiveSession {
                id: session,
                orders,
                stop,
            },
        );
        let renderer = Arc::clone(&self.renderer);
        // Ends by its own token: it has to stay until Blender is gone.
        self.tasks.spawn_to_end(async move {
            let SessionEnd { fault, message } = renderer.run(task).await;
            said.event(SessionEvent::Ended { fault, message }).await;
        });
    }

    fn probe(&mut self, slot: SlotId, order: ProbeOrder) {
        let probe = order.probe;
        let task = ProbeTask {
            slot,
            order,
            dir: self.render_dir.clone(),
            stop: self.tasks.child_token(),
        };
        let (renderer, line) = (Arc::clone(&self.renderer), self.line.clone());
        self.tasks.spawn_to_end(async move {
            if let Some(found) = renderer.probe(task).await {
                line.tell(Event::Probed { slot, probe, found }).await;
            }
        });
    }

    fn challenge(&mut self, slot: SlotId, order: ChallengeOrder) {
        let stop = self.challenges.start(slot);
        let (renderer, line) = (Arc::clone(&self.renderer), self.line.clone());
        let prepared = challenges::Prepared::new(slot, order, self.render_dir.clone());
        self.tasks
            .spawn_until(stop, challenges::answer(line, renderer, prepared));
    }

    fn install(&mut self, series: Series) {
        let stop = self.tasks.child_token();
        let (renderer, line) = (Arc::clone(&self.renderer), self.line.clone());
        // Ends by its own token: it has to stay until what it started is gone.
        self.tasks.spawn_to_end(async move {
            if let Some(result) = renderer.install(series, stop).await {
                line.tell(Event::Installed { series, result }).await;
            }
        });
    }

    fn order(&self, slot: SlotId, session: SessionId, order: SessionOrder) {
        if let Some(live) = self.sessions.get(&slot).filter(|live| live.id == session) {
            // A session that has just ended takes no more orders; its end is about to be heard.
            live.orders.send(order).ok();
        }
    }

    fn fetch_scene(&mut self, order: &Order) {
        let scene = Arc::new(order.scene.clone());
        self.scenes.pin(scene.content);
        let stop = self.fetches.start(scene.content);
        let fetch = requests::fetch(self.line.clone(), Arc::clone(&self.scenes), scene);
        self.tasks.spawn_until(stop, fetch);
    }

    fn hello(&self, journal: Vec<AttemptRef>, told: Vec<Told>, installs: Installs) -> Hello {
        let slots = self.slots.iter().cloned().zip(told);
        let slots = slots.map(|(slot, Told { proven, score })| SlotInfo {
            proven,
            score,
            ..slot
        });
        Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.line.instance(),
            slots: slots.collect(),
            runtimes: self.runtimes.clone(),
            driver: self.gpu_driver.clone(),
            sandbox: self.sandbox.clone(),
            doctor: self.examined.clone(),
            journal,
            answers_challenges: true,
            installs: self.installs(installs.begun),
            installable: installs.installable,
        }
    }

    /// As the coordinator is told of them.
    fn installs(&self, begun: BTreeMap<Series, Progress>) -> Vec<Install> {
        let install = |(series, progress)| Install {
            series,
            state: match progress {
                Progress::Running => InstallState::Running,
                Progress::Failed { at, message } => InstallState::Failed {
                    ago_ms: self.started.elapsed().saturating_sub(at).as_millis() as u64,
                    message,
                },
            },
        };
        begun.into_iter().map(install).collect()
    }

    fn session_dir(&self, session: SessionId) -> PathBuf {
        self.render_dir.join(session.0.to_string())
    }

    fn picture_path(&self, session: SessionId, attempt: AttemptRef, format: Format) -> PathBuf {
        let AttemptRef { task, attempt } = attempt;
        self.session_dir(session)
            .join(format!("{task}-{attempt}.{}", format.extension()))
    }

    /// Ends every Blender and every request, and waits until what is rendered is on the disk.
    async fn shut_down(self) {
        drop(self.inbox);
        self.shelf.close();
        self.tasks.shut_down(SHUT_DOWN_WITHIN).await;
    }
}

/// Says what the doctor finds. The coordinator is waited for as long as any request is, so this is no part of
/// the start.
async fn examine(options: doctor::Options, inbox: mpsc::Sender<Message>) {
    let found = doctor::examine(&options).await;
    let found = found.into_iter().map(DoctorCheck::from).collect();
    // After the worker's end nobody listens any more.
    inbox.send(Message::Examined(found)).await.ok();
}

/// An empty directory.
fn prepare(dir: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::create_dir_all(dir)
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
