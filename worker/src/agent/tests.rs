//! The agent's rules, one by one. `model` tries them in random orders.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at one effect of many"
)]

mod challenging;
mod gpu_lost;
mod handing_in;
mod installing;
mod probing;
mod rendering;
mod resting;

use pictor_protocol::agent::{
    AttemptOutcome, AttemptRef, Capability, Command, Grant, Lease, Outcome, Proven, Refusal,
    RenderFault, Report, ReportAnswer, RuntimeInfo, SceneManifest,
};
use pictor_protocol::job::RenderPlan;
use pictor_protocol::settings::{Format, RenderSettings};
use pictor_protocol::{JobId, LeaseId, TaskId, WorkerId};

use super::ability::Told;
use super::*;

pub(super) const SERIES: Series = Series::new(4, 5);
pub(super) const OTHER_SERIES: Series = Series::new(5, 0);
const IDLE_BLENDER: Duration = Duration::from_secs(600);

/// An agent and everything that it wanted done so far and no test looked at yet.
struct World {
    agent: Agent,
    now: Duration,
    done: Vec<Effect>,
    /// The session that was started last.
    session: SessionId,
}

impl World {
    fn new(slots: usize) -> Self {
        Self::with(setup(slots))
    }

    fn with_runtimes(runtimes: &[Series]) -> Self {
        Self::with(Setup {
            slots: vec![able(runtimes)],
            ..setup(1)
        })
    }

    fn with(setup: Setup) -> Self {
        let now = Duration::from_secs(1);
        let mut world = Self {
            agent: Agent::new(setup),
            now,
            done: Vec::new(),
            session: SessionId(0),
        };
        world.happens(Event::Tick);
        world
    }

    /// One slot whose Blender is ready, with the runtime of [`lease`].
    fn idle() -> Self {
        let mut world = Self::with_runtimes(&[SERIES]);
        world.agent.slots[0].ability = able(&[SERIES, OTHER_SERIES]);
        world.welcome();
        world.says(SessionEvent::Ready);
        world
    }

    /// One slot that renders the first frame of the lease.
    fn rendering(lease: Lease) -> Self {
        let mut world = Self::idle();
        let content = lease.scene.content;
        world.happens(Event::Leased {
            slot: 0,
            lease: lease.into(),
        });
        world.happens(Event::SceneReady { content });
        world.says(SessionEvent::Opened);
        world.done.clear();
        world
    }

    fn happens(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.agent.step(self.now, event);
        for effect in &effects {
            if let Effect::Session {
                session,
                what: SessionStep::Start(_),
                ..
            } = effect
            {
                self.session = *session;
            }
        }
        self.done.extend(effects.iter().cloned());
        effects
    }

    fn says(&mut self, what: SessionEvent) -> Vec<Effect> {
        self.happens(Event::Session {
            slot: 0,
            session: self.session,
            what,
        })
    }

    fn welcome(&mut self) {
        self.happens(Event::Welcomed(welcome()));
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.happens(Event::Tick);
    }

    /// Renders, stores and uploads the frame that renders now.
    fn deliver(&mut self, frame: u128) {
        self.says(rendered());
        self.store(frame);
        self.happens(Event::Uploaded {
            attempt: attempt(frame),
        });
    }

    fn store(&mut self, frame: u128) {
        let output = content(frame as u8);
        self.happens(Event::Stored {
            attempt: attempt(frame),
            output,
            size_bytes: 10,
        });
    }

    fn did(&self, what: impl Fn(&Effect) -> bool) -> bool {
        self.done.iter().any(what)
    }

    fn reports(&mut self) -> Vec<Report> {
        let is_report = |effect: &mut Effect| matches!(effect, Effect::Report(_));
        self.done
            .extract_if(.., is_report)
            .filter_map(|effect| {
                if let Effect::Report(report) = effect {
                    Some(report)
                } else {
                    None
                }
            })
            .collect()
    }

    fn report(&mut self) -> Report {
        let mut reports = self.reports();
        assert_eq!(reports.len(), 1, "{reports:#?}");
        reports.remove(0)
    }

    /// Answers the report under way with the same outcome for every attempt that a report may name.
    fn answer(&mut self, outcome: Outcome) {
        let outcomes = (0..100)
            .map(|n| AttemptOutcome {
                attempt: attempt(n),
                outcome: outcome.clone(),
            })
            .collect();
        self.happens(Event::ReportAnswered(ReportAnswer {
            outcomes,
            ..Default::default()
        }));
    }
}

fn starts(effect: &Effect) -> Option<Series> {
    match effect {
        Effect::Session {
            what: SessionStep::Start(series),
            ..
        } => Some(*series),
        _ => None,
    }
}

fn renders(effect: &Effect) -> Option<i32> {
    match effect {
        Effect::Session {
            what: SessionStep::Render { grant, .. },
            ..
        } => Some(grant.frame),
        _ => None,
    }
}

fn opens(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Session {
            what: SessionStep::Open(_),
            ..
        }
    )
}

fn ends(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Session {
            what: SessionStep::End,
            ..
        }
    )
}

fn rendered() -> SessionEvent {
    SessionEvent::Rendered {
        render_ms: 200,
        memory_bytes: None,
        energy_millijoules: None,
    }
}

fn ended() -> SessionEvent {
    SessionEvent::Ended {
        fault: RenderFault::Crashed,
        message: "gone".into(),
    }
}

pub(super) fn setup(slots: usize) -> Setup {
    Setup {
        instance: Uuid::from_u128(1),
        slots: vec![able(&[SERIES, OTHER_SERIES]); slots],
        idle_blender: IDLE_BLENDER,
        journal: Vec::new(),
        installable: Vec::new(),
    }
}

/// A slot on which all of these are proven already.
pub(super) fn able(runtimes: &[Series]) -> Ability {
    let mut ability = Ability::unknown(runtimes.iter().copied());
    for runtime in runtimes {
        let can = vec![Capability::CyclesCpu, Capability::Eevee];
        ability.remember(*runtime, can, Some(1.0), &[]);
    }
    ability
}

pub(super) fn welcome() -> Welcome {
    Welcome {
        worker: WorkerId::new(Uuid::from_u128(1)),
        name: "w".into(),
        version: "0".into(),
        report_interval_ms: 2_000,
        hold_ms: 50_000,
        lease_ttl_ms: 60_000,
        output_bytes_max: 1 << 30,
        commands: Vec::new(),
    }
}

pub(crate) fn attempt(task: u128) -> AttemptRef {
    AttemptRef {
        task: TaskId::new(Uuid::from_u128(task)),
        attempt: 1,
    }
}

pub(super) fn content(scene: u8) -> BlobHash {
    BlobHash::from_bytes([scene; 32])
}

fn gpu_lost(slot: SlotId) -> Event {
    Event::GpuLost {
        slot,
        message: "fell off the bus".into(),
    }
}

/// A lease of these frames; a frame's task has the frame's number.
pub(super) fn lease(scene: u8, frames: std::ops::RangeInclusive<u128>) -> Lease {
    Lease {
        id: LeaseId::new(Uuid::from_u128(1)),
        job: JobId::new(Uuid::from_u128(scene.into())),
        scene: SceneManifest {
            content: content(scene),
            main: "a.blend".into(),
            files: Vec::new(),
        },
        runtime: SERIES,
        settings: RenderSettings::default(),
        plan: RenderPlan {
            scene: "Scene".into(),
            engine: None,
            format: Format::Png,
            width: 8,
            height: 8,
        },
        tasks: frames
            .map(|frame| Grant {
                attempt: attempt(frame),
                frame: frame as i32,
            })
            .collect(),
    }
}
