//! One slot: its queue of tasks, its Blender process, and the next step between the two.

mod resting;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::BlobHash;
use pictor_protocol::JobId;
use pictor_protocol::agent::{AttemptRef, Grant};
use pictor_protocol::blender::Series;

use super::ability::{Ability, Probe};
use super::challenging::Challenged;
use super::effect::{Effect, Order, SessionStep};
use super::{SessionId, SlotId};

/// The next lease is asked for when this much rendering is left: long enough to fetch a usual scene,
/// short enough that a slow slot does not sit on frames that an idle one could start now.
const LOOKAHEAD: Duration = Duration::from_secs(15);
/// With fewer unstarted tasks than this the queue is about to run dry.
const QUEUE_LOW: usize = 2;
/// Log text of a session before it renders, kept for the first frame that follows.
const PRELUDE_BYTES_MAX: usize = 64 * 1024;
const RESTART_DELAY_MAX: Duration = Duration::from_secs(60);

/// The unstarted tasks of one lease.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) order: Arc<Order>,
    pub(super) tasks: VecDeque<Grant>,
}

#[derive(Debug)]
pub(super) enum Session {
    Off,
    Live {
        id: SessionId,
        runtime: Series,
        doing: Doing,
    },
    /// Killed, and not yet known to be gone.
    Dying {
        id: SessionId,
    },
}

#[derive(Debug)]
pub(super) enum Doing {
    Starting,
    /// Runs with no scene open.
    Idle,
    Opening(Arc<Order>),
    Open(Arc<Order>),
    Rendering(Rendering),
}

#[derive(Debug)]
pub(super) struct Rendering {
    pub(super) order: Arc<Order>,
    pub(super) grant: Grant,
    pub(super) since: Duration,
    pub(super) fraction: f32,
}

/// Mean time of a frame of one job on this slot.
#[derive(Debug, Clone, Copy)]
struct Pace {
    job: JobId,
    frame: Duration,
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) session: Session,
    pub(super) queue: VecDeque<Batch>,
    /// A request for work is out.
    pub(super) is_asking: bool,
    /// There is nothing left to render on.
    pub(super) has_lost_gpu: bool,
    pub(super) ability: Ability,
    pub(super) challenged: Option<Challenged>,
    pace: Option<Pace>,
    last_runtime: Option<Series>,
    /// Runtimes that did not start when they were started ahead.
    broken: Vec<Series>,
    /// Deaths in a row without a frame to blame.
    failures: u32,
    start_at: Duration,
    /// Since when there is nothing to open or to render.
    idle_since: Option<Duration>,
    prelude: String,
}

/// What a slot must know of the rest of the worker to take its next step.
pub(super) struct Surroundings<'a> {
    pub(super) now: Duration,
    /// Nothing new will come: an idle Blender only holds memory.
    pub(super) is_ending: bool,
    /// A Blender that had no work for so long is ended.
    pub(super) idle_blender: Duration,
    pub(super) is_ready: &'a dyn Fn(&BlobHash) -> bool,
}

impl Slot {
    pub(super) fn new(ability: Ability) -> Self {
        Self {
            session: Session::Off,
            queue: VecDeque::new(),
            is_asking: false,
            has_lost_gpu: false,
            ability,
            challenged: None,
            pace: None,
            last_runtime: None,
            broken: Vec::new(),
            failures: 0,
            start_at: Duration::ZERO,
            idle_since: None,
            prelude: String::new(),
        }
    }

    /// The next order to Blender, if one is due. At most one: every order is answered by an event.
    pub(super) fn advance(
        &mut self,
        slot: SlotId,
        around: &Surroundings<'_>,
        next_session: &mut SessionId,
    ) -> Option<Effect> {
        self.queue.retain(|batch| !batch.tasks.is_empty());
        let wanted = self.queue.front().map(|batch| Arc::clone(&batch.order));
        self.note_idleness(around.now, wanted.is_some());
        let (id, runtime, doing) = match &self.session {
            Session::Off => return self.start(slot, wanted.as_deref(), around, next_session),
            Session::Dying { .. } => return None,
            Session::Live { id, runtime, doing } => (*id, *runtime, doing),
        };
        let Some(order) = wanted else {
            let is_rendering = matches!(doing, Doing::Rendering(_));
            let is_over = around.is_ending && !is_rendering;
            let has_rested = self
                .rest_at(around.idle_blender)
                .is_some_and(|at| at <= around.now);
            return (is_over || has_rested).then(|| self.end(slot, id));
        };
        match doing {
            Doing::Rendering(_) => None,
            Doing::Opening(opening) if opening.opens_like(&order) => None,
            Doing::Open(open) if open.opens_like(&order) => self.render(slot, id, around.now),
            Doing::Opening(_) => Some(self.end(slot, id)),
            // It stays until it is known whether the other one can take its place.
            _ if self.ability.is_undecided(order.runtime) => None,
            _ if runtime != order.runtime => Some(self.end(slot, id)),
            Doing::Starting => None,
            Doing::Idle | Doing::Open(_) => {
                (around.is_ready)(&order.scene.content).then(|| self.open(slot, id, order))
            }
        }
    }

    fn start(
        &mut self,
        slot: SlotId,
        wanted: Option<&Order>,
        around: &Surroundings<'_>,
        next_session: &mut SessionId,
    ) -> Option<Effect> {
        if around.now < self.start_at || (around.is_ending && wanted.is_none()) {
            return None;
        }
        let runtime = match wanted {
            Some(order) => Some(order.runtime).filter(|it| self.ability.is_usable(*it)),
            None if self.starts_ahead(around.now, around.idle_blender) => self.best_runtime(),
            None => None,
        }?;
        let session = *next_session;
        *next_session = SessionId(session.0 + 1);
        self.last_runtime = Some(runtime);
        self.prelude.clear();
        self.session = Session::Live {
            id: session,
            runtime,
            doing: Doing::Starting,
        };
        let what = SessionStep::Start(runtime);
        Some(Effect::Session {
            slot,
            session,
            what,
        })
    }

    /// What to start ahead with: the one used last, else the newest that is not known to be broken.
    fn best_runtime(&self) -> Option<Series> {
        let is_whole = |series: &Series| !self.broken.contains(series);
        let newest = || self.ability.usable().rev().find(is_whole);
        self.last_runtime.filter(is_whole).or_else(newest)
    }

    /// The next probe render of this slot, and when.
    pub(super) fn next_probe(&self) -> Option<(Duration, Probe)> {
        if self.has_lost_gpu {
            return None;
        }
        let wanted = self.queue.front().map(|batch| batch.order.runtime);
        let wanted = wanted.filter(|runtime| self.ability.is_undecided(*runtime));
        self.ability.next(self.idle_since, wanted)
    }

    pub(super) fn probe_at(&self) -> Option<Duration> {
        self.next_probe().map(|(at, _)| at)
    }

    pub(super) fn end(&mut self, slot: SlotId, id: SessionId) -> Effect {
        self.session = Session::Dying { id };
        let what = SessionStep::End;
        Effect::Session {
            slot,
            session: id,
            what,
        }
    }

    fn open(&mut self, slot: SlotId, session: SessionId, order: Arc<Order>) -> Effect {
        self.set(Doing::Opening(Arc::clone(&order)));
        let what = SessionStep::Open(order);
        Effect::Session {
            slot,
            session,
            what,
        }
    }

    fn render(&mut self, slot: SlotId, session: SessionId, now: Duration) -> Option<Effect> {
        let batch = self.queue.front_mut()?;
        let grant = batch.tasks.pop_front()?;
        let order = Arc::clone(&batch.order);
        let format = order.plan.format;
        self.set(Doing::Rendering(Rendering {
            order,
            grant,
            since: now,
            fraction: 0.0,
        }));
        let what = SessionStep::Render { grant, format };
        Some(Effect::Session {
            slot,
            session,
            what,
        })
    }

    pub(super) fn set(&mut self, next: Doing) {
        if let Session::Live { doing, .. } = &mut self.session {
            *doing = next;
        }
    }

    /// What the session with this id does; `None` when it is not the one that counts any more.
    pub(super) fn doing(&mut self, session: SessionId) -> Option<&mut Doing> {
        match &mut self.session {
            Session::Live { id, doing, .. } if *id == session => Some(doing),
            Session::Live { .. } | Session::Dying { .. } | Session::Off => None,
        }
    }

    pub(super) fn rendering(&self) -> Option<&Rendering> {
        match &self.session {
            Session::Live {
                doing: Doing::Rendering(rendering),
                ..
            } => Some(rendering),
            Session::Live { .. } | Session::Dying { .. } | Session::Off => None,
        }
    }

    pub(super) fn is_ending_blender(&self) -> bool {
        matches!(self.session, Session::Dying { .. })
    }

    /// Blender answered, so what went wrong at its starts before is over.
    pub(super) fn started_well(&mut self) {
        self.failures = 0;
        self.broken.clear();
    }

    /// Blender died with no frame to blame. Answers how long to wait before it is started again: not
    /// at all while another runtime can take its place.
    pub(super) fn died_idle(&mut self, now: Duration, broken: Option<Series>) -> Duration {
        if let Some(series) = broken {
            self.broken.push(series);
            if self.best_runtime().is_some() {
                self.start_at = now;
                return Duration::ZERO;
            }
            self.broken.clear();
        }
        let delay = Duration::from_secs(1 << self.failures.min(6)).min(RESTART_DELAY_MAX);
        self.failures += 1;
        self.start_at = now + delay;
        delay
    }

    pub(super) fn note(&mut self, text: &str) {
        let room = PRELUDE_BYTES_MAX.saturating_sub(self.prelude.len());
        let end = text.floor_char_boundary(room.min(text.len()));
        self.prelude.push_str(&text[..end]);
    }

    pub(super) fn take_prelude(&mut self) -> String {
        std::mem::take(&mut self.prelude)
    }

    /// Removes a task that has not started.
    pub(super) fn remove(&mut self, attempt: AttemptRef) -> Option<Grant> {
        self.queue.iter_mut().find_map(|batch| {
            let at = batch
                .tasks
                .iter()
                .position(|grant| grant.attempt == attempt)?;
            batch.tasks.remove(at)
        })
    }

    /// Removes the next task if it waits for this runtime.
    pub(super) fn give_up_next(&mut self, runtime: Series) -> Option<Grant> {
        let batch = self.queue.front_mut()?;
        (batch.order.runtime == runtime).then_some(())?;
        batch.tasks.pop_front()
    }

    /// Removes every unstarted task that the question picks.
    pub(super) fn remove_all(&mut self, pick: impl Fn(&Order) -> bool) -> Vec<Grant> {
        let mut removed = Vec::new();
        self.queue.retain_mut(|batch| {
            let is_picked = pick(&batch.order);
            if is_picked {
                removed.extend(batch.tasks.drain(..));
            }
            !is_picked
        });
        removed
    }

    pub(super) fn unstarted(&self) -> impl Iterator<Item = &Grant> {
        self.queue.iter().flat_map(|batch| &batch.tasks)
    }

    /// Every scene whose files this slot needs or may still read.
    pub(super) fn orders(&self) -> impl Iterator<Item = &Arc<Order>> {
        let open = match &self.session {
            Session::Live { doing, .. } => match doing {
                Doing::Opening(order) | Doing::Open(order) => Some(order),
                Doing::Rendering(rendering) => Some(&rendering.order),
                Doing::Starting | Doing::Idle => None,
            },
            Session::Off | Session::Dying { .. } => None,
        };
        let queued = self.queue.iter().filter(|batch| !batch.tasks.is_empty());
        open.into_iter().chain(queued.map(|batch| &batch.order))
    }

    /// The scene that will be open when the queue is done.
    pub(super) fn last_scene(&self) -> Option<BlobHash> {
        self.orders().last().map(|order| order.scene.content)
    }

    pub(super) fn measured(&mut self, job: JobId, took: Duration) {
        let frame = match self.pace {
            Some(pace) if pace.job == job => (pace.frame * 3 + took) / 4,
            Some(_) | None => took,
        };
        self.pace = Some(Pace { job, frame });
    }

    /// When to ask for the next lease; `None` while there is enough to do, or nothing to render with.
    pub(super) fn ask_at(&self, now: Duration) -> Option<Duration> {
        let unstarted = self.unstarted().count();
        if self.is_asking || self.failures > 0 || unstarted >= QUEUE_LOW {
            return None;
        }
        self.ability.usable().next()?;
        let Some(rendering) = self.rendering() else {
            return (unstarted == 0).then_some(now);
        };
        match self.pace.filter(|pace| pace.job == rendering.order.job) {
            Some(pace) => {
                let ends = rendering.since + pace.frame * (1 + unstarted as u32);
                Some(ends.saturating_sub(LOOKAHEAD).max(now))
            }
            // Nobody knows yet how long the frame takes: one in reserve, no more.
            None => (unstarted == 0).then_some(now),
        }
    }

    pub(super) fn start_at(&self) -> Option<Duration> {
        matches!(self.session, Session::Off).then_some(self.start_at)
    }

    pub(super) fn is_off(&self) -> bool {
        matches!(self.session, Session::Off)
    }
}
