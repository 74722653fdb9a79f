//! The driver, the coordinator and Blender, as far as the agent can tell. Checks on the way what must
//! never happen: two frames at once in a slot, two Blenders, two reports, asking twice.

use std::collections::{BTreeMap, BTreeSet};

use pictor_protocol::agent::{
    AttemptOutcome, Command, Outcome, Refusal, RenderFault, Report, ReportAnswer, RuntimeInfo,
};

use pictor_protocol::ChallengeId;

use super::super::tests::{OTHER_SERIES, SERIES, attempt, content, lease, setup, welcome};
use super::super::*;
use super::Act;

const SLOTS: usize = 2;
/// What is not there at first.
const LATER: Series = Series::new(5, 1);

#[derive(Debug, Default)]
pub(super) struct Fate {
    /// The ways in which reports that arrived said it ended.
    pub(super) ends: BTreeSet<&'static str>,
    pub(super) lost: bool,
}

/// The driver, the coordinator and Blender, as far as the agent can tell.
pub(super) struct World {
    agent: Agent,
    now: Duration,
    /// Effects that wait for an answer.
    waiting: Vec<Effect>,
    pub(super) granted: BTreeMap<AttemptRef, Fate>,
    frames: u128,
    /// What renders in each slot's live session.
    rendering: BTreeMap<SlotId, (SessionId, Option<AttemptRef>)>,
    /// Pictures on disk: from `Store` to `Discard`, which the driver carries out in order.
    pub(super) pictures: BTreeSet<AttemptRef>,
    pub(super) has_exited: bool,
    /// The latest challenge of each slot.
    challenged: BTreeMap<SlotId, ChallengeId>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            agent: Agent::new(world_setup()),
            now: Duration::from_secs(1),
            waiting: Vec::new(),
            granted: BTreeMap::new(),
            frames: 0,
            rendering: BTreeMap::new(),
            pictures: BTreeSet::new(),
            has_exited: false,
            challenged: BTreeMap::new(),
        };
        world.tell(Event::Tick);
        world
    }

    pub(super) fn happens(&mut self, act: Act) {
        match act {
            Act::Answer { which, how } if !self.waiting.is_empty() => {
                let effect = self.waiting.swap_remove(which % self.waiting.len());
                self.answer(effect, how);
            }
            Act::Die { which } if !self.rendering.is_empty() => {
                let slots: Vec<_> = self.rendering.keys().copied().collect();
                self.die(slots[which % slots.len()]);
            }
            Act::Answer { .. } | Act::Die { .. } => {}
            Act::Stop { frame } => {
                self.tell(Event::Commanded(Command::Stop {
                    attempt: attempt(frame),
                }));
            }
            Act::DrainByCoordinator => self.tell(Event::Commanded(Command::Drain)),
            Act::Install => self.tell(Event::Commanded(Command::Install { series: LATER })),
            Act::Challenge { slot, number } => self.tell(Event::Commanded(Command::Challenge {
                challenge: ChallengeId::new(Uuid::from_u128(number.into())),
                slot: slot % (SLOTS as SlotId + 1),
            })),
            Act::LoseGpu { slot } => self.tell(Event::GpuLost {
                slot: slot % SLOTS as SlotId,
                message: "gone".into(),
            }),
            Act::HelloWanted => self.tell(Event::HelloWanted),
            Act::Wait { ms } => {
                self.now += Duration::from_millis(ms);
                self.tell(Event::Tick);
            }
        }
    }

    /// Asks for a drain and lets everything succeed until nothing moves any more.
    pub(super) fn come_to_rest(&mut self) {
        self.tell(Event::Drain);
        for _ in 0..10_000 {
            if self.has_exited {
                break;
            }
            // The request for commands is held for ever.
            match self
                .waiting
                .iter()
                .position(|effect| *effect != Effect::Listen)
            {
                Some(next) => {
                    let effect = self.waiting.remove(next);
                    self.answer(effect, 0);
                }
                None => {
                    self.now = self
                        .agent
                        .next_wake(self.now)
                        .expect("it waits for nothing");
                    self.tell(Event::Tick);
                }
            }
        }
    }

    fn tell(&mut self, event: Event) {
        for effect in self.agent.step(self.now, event) {
            self.perform(effect);
        }
        for effect in &self.waiting {
            if let Effect::Challenge { slot, .. } = effect {
                let rendering = self.rendering.get(slot).and_then(|(_, frame)| *frame);
                assert_eq!(rendering, None, "a challenge beside a frame");
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match &effect {
            Effect::Session {
                slot,
                session,
                what,
            } => self.check_step(*slot, *session, what),
            Effect::StopAsking { slot } => {
                self.waiting
                    .retain(|e| !matches!(e, Effect::Ask { slot: s, .. } if s == slot));
                return;
            }
            Effect::Store(picture) => {
                self.pictures.insert(picture.grant.attempt);
            }
            Effect::Discard { attempt } => {
                self.pictures.remove(attempt);
                self.waiting
                    .retain(|e| !matches!(e, Effect::Upload { attempt: a, .. } if a == attempt));
                return;
            }
            Effect::Exit(_) => {
                self.has_exited = true;
                return;
            }
            Effect::ReleaseScene { .. } | Effect::Tell(_) => return,
            Effect::Ask { slot, .. } => {
                let twice = |e: &Effect| matches!(e, Effect::Ask { slot: s, .. } if s == slot);
                assert!(!self.waiting.iter().any(twice), "asked twice for one slot");
            }
            Effect::Report(_) => {
                let twice = |e: &Effect| matches!(e, Effect::Report(_));
                assert!(!self.waiting.iter().any(twice), "two reports at once");
            }
            Effect::Probe { slot, .. } => {
                let twice = |e: &Effect| matches!(e, Effect::Probe { slot: s, .. } if s == slot);
                assert!(
                    !self.waiting.iter().any(twice),
                    "two probes at once in one slot"
                );
            }
            Effect::Challenge { slot, order } => {
                let twice =
                    |e: &Effect| matches!(e, Effect::Challenge { slot: s, .. } if s == slot);
                assert!(
                    !self.waiting.iter().any(twice),
                    "two challenges in one slot"
                );
                let before = self.challenged.insert(*slot, order.challenge);
                assert_ne!(before, Some(order.challenge), "a challenge twice");
            }
            Effect::GiveUpChallenge { slot } => {
                let is_it =
                    |e: &Effect| matches!(e, Effect::Challenge { slot: s, .. } if s == slot);
                self.waiting.retain(|effect| !is_it(effect));
                return;
            }
            Effect::Greet { .. } => {
                let twice = |e: &Effect| matches!(e, Effect::Greet { .. });
                assert!(!self.waiting.iter().any(twice), "two hellos at once");
            }
            Effect::Install { series } => {
                let twice = |e: &Effect| matches!(e, Effect::Install { series: s } if s == series);
                assert!(!self.waiting.iter().any(twice), "installed twice at once");
            }
            Effect::Listen | Effect::FetchScene(_) | Effect::Upload { .. } => {}
        }
        self.waiting.push(effect);
    }

    /// `how` 0 is success; a small number is one of the failures.
    fn answer(&mut self, effect: Effect, how: u8) {
        match effect {
            Effect::Greet { .. } => self.tell(Event::Welcomed(welcome())),
            Effect::Ask { slot, .. } if how % 4 == 1 => self.tell(Event::NothingYet { slot }),
            Effect::Ask { slot, .. } => self.lease(slot, how),
            Effect::Probe { slot, order } => self.probe(slot, &order, how),
            Effect::Challenge { slot, order } => {
                let challenge = order.challenge;
                let end = match how % 2 {
                    1 => Err("too late".to_owned()),
                    _ => Ok(Duration::from_secs(2)),
                };
                self.tell(Event::ChallengeOver {
                    slot,
                    challenge,
                    end,
                });
            }
            Effect::Install { series } => {
                let version = format!("{series}.0");
                let result = match how % 4 {
                    1 => Err("the disk is full".to_owned()),
                    _ => Ok(RuntimeInfo { series, version }),
                };
                self.tell(Event::Installed { series, result });
            }
            Effect::Listen => self.tell(Event::CommandsAnswered),
            Effect::FetchScene(order) => {
                let content = order.scene.content;
                self.tell(match how % 8 {
                    1 => Event::SceneFailed {
                        content,
                        message: "gone".into(),
                    },
                    _ => Event::SceneReady { content },
                });
            }
            Effect::Session {
                slot,
                session,
                what,
            } => {
                self.answer_step(slot, session, &what, how);
            }
            Effect::Store(picture) => {
                let attempt = picture.grant.attempt;
                let (fault, message) = (RenderFault::NothingWritten, "nothing".to_owned());
                self.tell(match how % 8 {
                    1 => Event::StoreFailed {
                        attempt,
                        fault,
                        message,
                    },
                    _ => Event::Stored {
                        attempt,
                        output: content(1),
                        size_bytes: 9,
                    },
                });
            }
            Effect::Upload { attempt, .. } => self.tell(match how % 8 {
                1 => Event::UploadFailed {
                    attempt,
                    message: "too large".into(),
                },
                _ => Event::Uploaded { attempt },
            }),
            Effect::Report(report) => self.report(report, how),
            Effect::StopAsking { .. }
            | Effect::GiveUpChallenge { .. }
            | Effect::ReleaseScene { .. }
            | Effect::Discard { .. }
            | Effect::Tell(_)
            | Effect::Exit(_) => unreachable!("nothing answers these"),
        }
    }

    fn check_step(&mut self, slot: SlotId, session: SessionId, step: &SessionStep) {
        match step {
            SessionStep::Start(runtime) => {
                let can = self.agent.can(slot, *runtime);
                assert!(!can.is_empty(), "started with what is not proven");
                let before = self.rendering.insert(slot, (session, None));
                assert_eq!(before, None, "two Blenders in one slot");
            }
            SessionStep::Render { grant, .. } => {
                let running = self
                    .rendering
                    .get_mut(&slot)
                    .expect("a Blender to render with");
                assert_eq!(running.0, session);
                assert_eq!(running.1, None, "two frames at once in one slot");
                running.1 = Some(grant.attempt);
            }
            SessionStep::Open(_) | SessionStep::End => {}
        }
    }

    fn answer_step(&mut self, slot: SlotId, session: SessionId, step: &SessionStep, how: u8) {
        let failed = SessionEvent::OpenFailed {
            fault: RenderFault::NoCamera,
            message: "x".into(),
        };
        match (step, how % 8) {
            (SessionStep::End, _) | (SessionStep::Start(_) | SessionStep::Open(_), 1) => {
                self.die_as(slot, session);
            }
            (SessionStep::Start(_), _) => self.said(slot, session, SessionEvent::Ready),
            (SessionStep::Open(_), 2) => self.said(slot, session, failed),
            (SessionStep::Open(_), _) => self.said(slot, session, SessionEvent::Opened),
            (SessionStep::Render { .. }, _) => self.render(slot, session, how),
        }
    }

    fn probe(&mut self, slot: SlotId, order: &ProbeOrder, how: u8) {
        let mut can = order.proven.clone();
        match order.probe.engine {
            ProbedEngine::Cycles if how % 3 != 1 => can.push(Capability::CyclesCpu),
            ProbedEngine::Eevee if how % 3 != 1 => can.push(Capability::Eevee),
            ProbedEngine::Cycles | ProbedEngine::Eevee => {}
        }
        let found = Found {
            does_not_start: can.is_empty() && how % 2 == 1,
            score: order.wants_score.then_some(1.0),
            can,
        };
        let probe = order.probe;
        self.tell(Event::Probed { slot, probe, found });
    }

    fn lease(&mut self, slot: SlotId, how: u8) {
        let first = self.frames + 1;
        self.frames += u128::from(how % 5);
        let mut lease = lease(how % 3, first..=self.frames);
        if how % 7 == 3 {
            lease.runtime = OTHER_SERIES;
        }
        for grant in &lease.tasks {
            self.granted.entry(grant.attempt).or_default();
        }
        self.tell(Event::Leased {
            slot,
            lease: lease.into(),
        });
    }

    fn render(&mut self, slot: SlotId, session: SessionId, how: u8) {
        let Some((running, rendering)) = self.rendering.get_mut(&slot) else {
            return;
        };
        if *running != session {
            return;
        }
        if how % 8 == 1 {
            return self.die_as(slot, session);
        }
        *rendering = None;
        self.now += Duration::from_millis(u64::from(how) * 100);
        self.said(slot, session, SessionEvent::Logged("Fra:1".into()));
        self.said(
            slot,
            session,
            match how % 8 {
                2 => SessionEvent::FrameFailed {
                    fault: RenderFault::Other,
                    message: "x".into(),
                },
                _ => SessionEvent::Rendered {
                    render_ms: 5,
                    memory_bytes: None,
                    energy_millijoules: None,
                },
            },
        );
    }

    fn report(&mut self, report: Report, how: u8) {
        if how % 4 == 1 {
            let retry_in = Duration::from_secs(1);
            return self.tell(Event::ReportFailed { retry_in });
        }
        let finished = report.finished.iter().map(|finished| finished.attempt);
        let mut outcomes = Vec::new();
        for attempt in finished {
            let is_recorded = self
                .granted
                .get(&attempt)
                .is_some_and(|fate| !fate.ends.is_empty());
            if how % 4 == 2 && !is_recorded {
                outcomes.push(refused(attempt, Refusal::OutputMissing));
            } else {
                outcomes.push(accepted(attempt));
                self.ended(attempt, "finished");
            }
        }
        for attempt in report.failed.iter().map(|failed| failed.attempt) {
            outcomes.push(accepted(attempt));
            self.ended(attempt, "failed");
        }
        for (attempts, end) in [(&report.returned, "returned"), (&report.stopped, "stopped")] {
            for &attempt in attempts {
                outcomes.push(accepted(attempt));
                self.ended(attempt, end);
            }
        }
        if how % 16 == 3 {
            outcomes.clear();
        }
        let lost: Vec<_> = report
            .holding
            .into_iter()
            .filter(|_| how % 16 == 7)
            .collect();
        for attempt in &lost {
            self.granted.entry(*attempt).or_default().lost = true;
        }
        self.tell(Event::ReportAnswered(ReportAnswer {
            outcomes,
            lost,
            commands: Vec::new(),
        }));
    }

    /// A stop may overtake the lease that it is about, so the attempt may not be granted yet.
    fn ended(&mut self, attempt: AttemptRef, end: &'static str) {
        self.granted.entry(attempt).or_default().ends.insert(end);
    }

    fn said(&mut self, slot: SlotId, session: SessionId, what: SessionEvent) {
        self.tell(Event::Session {
            slot,
            session,
            what,
        });
    }

    fn die(&mut self, slot: SlotId) {
        if let Some((session, _)) = self.rendering.get(&slot) {
            self.die_as(slot, *session);
        }
    }

    /// The process is gone, and with it every answer that it still owed.
    fn die_as(&mut self, slot: SlotId, session: SessionId) {
        if self
            .rendering
            .get(&slot)
            .is_none_or(|(running, _)| *running != session)
        {
            return;
        }
        self.rendering.remove(&slot);
        self.waiting.retain(
            |effect| !matches!(effect, Effect::Session { session: of, .. } if *of == session),
        );
        let (fault, message) = (RenderFault::Crashed, "gone".to_owned());
        self.said(slot, session, SessionEvent::Ended { fault, message });
    }
}

/// One slot is known, of the other nothing.
fn world_setup() -> Setup {
    let mut setup = setup(SLOTS);
    setup.slots[0] = Ability::unknown([SERIES, OTHER_SERIES]);
    setup.idle_blender = Duration::from_secs(3);
    setup.installable = vec![LATER];
    setup
}

fn accepted(attempt: AttemptRef) -> AttemptOutcome {
    AttemptOutcome {
        attempt,
        outcome: Outcome::Accepted,
    }
}

fn refused(attempt: AttemptRef, why: Refusal) -> AttemptOutcome {
    AttemptOutcome {
        attempt,
        outcome: Outcome::Refused { why, detail: None },
    }
}
