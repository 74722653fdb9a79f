//! The worker's mind: which frame renders where, what is fetched ahead, what the coordinator is told.
//!
//! Pure: [`Agent::step`] takes what happened and the time, and answers what to do. It knows no tokio,
//! no files, no clock and no network; the driver has those, and decides nothing.
//!
//! ```text
//!            a slot's Blender                                 an attempt
//!
//!   Off ──────► Starting                       leased ─────► waiting ──► returned
//!    ▲             │ ready                                      │
//!    │ ended       ▼                                            ▼
//!   Dying ◄───── Idle ◄──── open failed                     rendering ─► failed, stopped, lost
//!    ▲             │ open       ▲                               │ rendered
//!    │             ▼            │                               ▼
//!    │  kill    Opening ────────┘              stored ──► uploaded ──► reported ──► settled
//!    │             │ opened                                 ▲             │
//!    │             ▼                                        └─────────────┘ output missing
//!    └───────── Open ◄──► Rendering
//! ```
//!
//! - A slot asks for work once a probe render has proven a runtime on it, and uses none but proven ones.
//! - A session is started before any scene comes, with the runtime used last; one without work is ended
//!   after a while, so that its memory is free.
//! - When frame N is written, the order to render N + 1 is the first effect; hashing, uploading and
//!   reporting N happen meanwhile.
//! - A session's events carry its id, so that nothing which a killed Blender still said can touch
//!   another frame.
//! - A GPU that is lost takes no frame's blame: what its slot held is returned, the other slots finish what
//!   they render, and the worker ends.
//! - Every attempt ends exactly once: finished, failed, returned or stopped, or lost by the
//!   coordinator's word.

pub mod ability;
mod blender_said;
pub mod challenging;
mod delivery;
pub mod effect;
mod ending;
pub mod event;
pub mod installing;
mod intake;
mod log;
mod outbox;
mod probing;
mod slot;

#[cfg(test)]
mod model;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::{AttemptRef, Capability, Finished, Progress, Welcome};
use pictor_protocol::blender::Series;
use uuid::Uuid;

pub use ability::{Ability, Found, Probe, ProbeOrder, ProbedEngine};
use delivery::Delivery;
pub use effect::{Effect, Ending, FrameFate, Notice, Order, Picture, SessionStep};
pub use event::{Event, SessionEvent};
use installing::Installs;
use outbox::Outbox;
use slot::{Slot, Surroundings};

/// 0 for the first slot.
pub type SlotId = u16;

/// One start of Blender; never used twice in the life of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// While this many pictures wait for the network no more work is asked for: they lie on the disk,
/// and a line that is slower than the renderer would fill it.
const DELIVERIES_MAX: usize = 64;
/// What a worker is at its start.
#[derive(Debug, Clone)]
pub struct Setup {
    pub instance: Uuid,
    /// For every slot, what is known of it.
    pub slots: Vec<Ability>,
    /// A Blender that had no work for so long is ended.
    pub idle_blender: Duration,
    /// Outputs that an earlier start finished and could not hand in.
    pub journal: Vec<Leftover>,
    /// Series that the owner lets the coordinator have installed here.
    pub installable: Vec<Series>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Leftover {
    pub frame: i32,
    pub finished: Finished,
}

#[derive(Debug)]
pub struct Agent {
    instance: Uuid,
    slots: Vec<Slot>,
    idle_blender: Duration,
    /// Scenes that were asked for, and whether they have come.
    scenes: BTreeMap<BlobHash, IsReady>,
    deliveries: BTreeMap<AttemptRef, Delivery>,
    outbox: Outbox,
    link: Link,
    /// A hello is out.
    is_greeting: bool,
    /// What a slot can do, what is installed, or what the doctor found has changed since the last hello.
    has_news: bool,
    installs: Installs,
    mode: Mode,
    /// What its end will be told as.
    ending: Ending,
    next_session: SessionId,
    /// A held request for commands is out.
    is_listening: bool,
    effects: Vec<Effect>,
}

type IsReady = bool;

#[derive(Debug)]
enum Link {
    /// Not a word was exchanged.
    New,
    Greeting,
    Up(Welcome),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Working,
    /// `quiet_since` is when the last frame ended.
    Draining {
        quiet_since: Option<Duration>,
    },
    /// One last report, then the end.
    Stopping,
    Gone,
}

impl Agent {
    pub fn new(setup: Setup) -> Self {
        let leftovers = setup.journal.into_iter();
        Self {
            instance: setup.instance,
            slots: setup.slots.into_iter().map(Slot::new).collect(),
            idle_blender: setup.idle_blender,
            scenes: BTreeMap::new(),
            deliveries: leftovers
                .map(|left| (left.finished.attempt, Delivery::left_over(left)))
                .collect(),
            outbox: Outbox::default(),
            link: Link::New,
            is_greeting: false,
            has_news: false,
            installs: Installs {
                installable: setup.installable,
                ..Installs::default()
            },
            mode: Mode::Working,
            ending: Ending::Wanted,
            next_session: SessionId(1),
            is_listening: false,
            effects: Vec::new(),
        }
    }

    /// Takes what happened, `now` after the worker's start, and answers what to do, in this order.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Effect> {
        self.take_in(now, event);
        self.advance(now);
        let mut effects = std::mem::take(&mut self.effects);
        effects.sort_by_key(Effect::rank);
        effects
    }

    fn take_in(&mut self, now: Duration, event: Event) {
        match event {
            Event::Welcomed(welcome) => self.welcomed(now, welcome),
            Event::HelloWanted => self.greet(),
            Event::Leased { slot, lease } => self.leased(now, slot, *lease),
            Event::NothingYet { slot } => self.asked(slot),
            Event::CommandsAnswered => self.is_listening = false,
            Event::Commanded(command) => self.commanded(now, command),
            Event::SceneReady { content } => self.scene_ready(content),
            Event::SceneFailed { content, message } => self.scene_failed(content, &message),
            Event::Session {
                slot,
                session,
                what,
            } => self.blender_said(now, slot, session, what),
            Event::Probed { slot, probe, found } => self.probed(slot, probe, found),
            Event::ChallengeOver {
                slot,
                challenge,
                end,
            } => self.challenge_over(slot, challenge, end),
            Event::Installed { series, result } => self.installed(now, series, result.map(drop)),
            Event::Examined => self.has_news = true,
            Event::Stored {
                attempt,
                output,
                size_bytes,
            } => {
                self.stored(attempt, output, size_bytes);
            }
            Event::StoreFailed {
                attempt,
                fault,
                message,
            } => {
                self.delivery_failed(attempt, fault, message);
            }
            Event::Uploaded { attempt } => self.uploaded(attempt),
            Event::UploadFailed { attempt, message } => self.upload_failed(attempt, message),
            Event::ReportAnswered(answer) => self.report_answered(now, answer),
            Event::ReportFailed { retry_in } => self.report_failed(now, retry_in),
            Event::GpuLost { slot, message } => self.gpu_lost(slot, message),
            Event::LineIsBack => self.outbox.connected(),
            Event::Drain => self.drain(),
            Event::StopNow => self.stop_now(),
            Event::Tick => {}
        }
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    pub fn next_wake(&self, now: Duration) -> Option<Duration> {
        let slots = self.slots.iter().filter(|_| self.mode == Mode::Working);
        let starts = slots.clone().filter_map(Slot::start_at);
        let rests = slots
            .clone()
            .filter_map(|slot| slot.rest_at(self.idle_blender));
        let probes = slots.clone().filter_map(Slot::probe_at);
        let asks = slots.filter_map(|slot| self.ask_at(slot, now));
        let report = self.report_at();
        let patience = self.patience_ends();
        starts
            .chain(asks)
            .chain(rests)
            .chain(probes)
            .chain(report)
            .chain(patience)
            .filter(|at| *at > now)
            .min()
    }

    /// Everything that follows from the state as it now is.
    fn advance(&mut self, now: Duration) {
        if matches!(self.link, Link::New) {
            self.greet();
        }
        self.advance_slots(now);
        self.advance_probes(now);
        self.advance_challenges();
        self.advance_news();
        self.advance_scenes();
        self.advance_requests(now);
        self.advance_report(now);
        self.advance_end(now);
    }

    fn advance_slots(&mut self, now: Duration) {
        let scenes = &self.scenes;
        let is_ready = |content: &BlobHash| scenes.get(content).copied().unwrap_or(false);
        let around = Surroundings {
            now,
            is_ending: self.mode != Mode::Working,
            idle_blender: self.idle_blender,
            is_ready: &is_ready,
        };
        for (id, slot) in (0..).zip(&mut self.slots) {
            self.effects
                .extend(slot.advance(id, &around, &mut self.next_session));
        }
    }

    /// Fetches the scenes that are needed from now on and releases those that are not.
    fn advance_scenes(&mut self) {
        let orders = || self.slots.iter().flat_map(Slot::orders);
        self.scenes.retain(|content, _| {
            let is_needed = orders().any(|order| order.scene.content == *content);
            if !is_needed {
                self.effects
                    .push(Effect::ReleaseScene { content: *content });
            }
            is_needed
        });
        for order in orders() {
            self.scenes.entry(order.scene.content).or_insert_with(|| {
                self.effects.push(Effect::FetchScene(order.clone()));
                false
            });
        }
    }

    fn advance_requests(&mut self, now: Duration) {
        if !matches!(self.link, Link::Up(_)) || self.mode == Mode::Gone {
            return;
        }
        if !self.is_listening {
            self.is_listening = true;
            self.effects.push(Effect::Listen);
        }
        for id in 0..self.slots.len() {
            let slot = &self.slots[id];
            if self.ask_at(slot, now).is_some_and(|at| at <= now) {
                let open = slot.last_scene();
                self.slots[id].is_asking = true;
                self.effects.push(Effect::Ask {
                    slot: id as SlotId,
                    open,
                });
            }
        }
    }

    fn ask_at(&self, slot: &Slot, now: Duration) -> Option<Duration> {
        let takes_work = self.mode == Mode::Working
            && matches!(self.link, Link::Up(_))
            && self.deliveries.len() < DELIVERIES_MAX;
        takes_work.then(|| slot.ask_at(now)).flatten()
    }

    fn advance_report(&mut self, now: Duration) {
        if self.report_at().is_none_or(|at| at > now) {
            return;
        }
        let progress = self
            .slots
            .iter()
            .filter_map(Slot::rendering)
            .map(|rendering| Progress {
                attempt: rendering.grant.attempt,
                fraction: rendering.fraction,
                elapsed_ms: (now - rendering.since).as_millis() as i64,
            });
        let progress = progress.collect();
        let holding = self.held().collect();
        let report = self.outbox.compose(now, self.instance, holding, progress);
        self.effects.push(Effect::Report(report));
    }

    fn report_at(&self) -> Option<Duration> {
        let Link::Up(welcome) = &self.link else {
            return None;
        };
        let interval = Duration::from_millis(welcome.report_interval_ms.into());
        self.outbox.due_at(self.held().next().map(|_| interval))
    }

    /// What probes have proven of this runtime on this slot.
    pub fn can(&self, slot: SlotId, runtime: Series) -> &[Capability] {
        let slot = self.slots.get(usize::from(slot));
        slot.map_or(&[], |slot| slot.ability.can(runtime))
    }

    /// Every attempt that is neither ended nor lost.
    fn held(&self) -> impl Iterator<Item = AttemptRef> {
        let slots = self.slots.iter().flat_map(|slot| {
            let rendering = slot.rendering().map(|rendering| &rendering.grant);
            rendering
                .into_iter()
                .chain(slot.unstarted())
                .map(|grant| grant.attempt)
        });
        let deliveries = self.deliveries.keys().copied();
        let deliveries = deliveries.filter(|attempt| !self.outbox.has(*attempt));
        slots.chain(deliveries)
    }

    fn kill(&mut self, slot: SlotId) {
        let id = slot;
        let slot = &mut self.slots[usize::from(id)];
        if let slot::Session::Live { id: session, .. } = slot.session {
            let end = slot.end(id, session);
            self.effects.push(end);
        }
    }

    fn tell(&mut self, notice: Notice) {
        self.effects.push(Effect::Tell(notice));
    }
}
