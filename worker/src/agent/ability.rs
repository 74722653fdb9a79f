//! What one slot can render, as far as probe renders have told, and which probe comes next.
//!
//! ```text
//! a runtime on a slot:   unknown ── Cycles probe ──► usable or not ── EEVEE probe ──► with EEVEE or without
//! ```
//!
//! Cycles comes first, with every runtime: it takes two seconds, and the slot asks for work as soon as one is
//! proven. EEVEE waits until the slot has nothing to do: where Mesa draws on the CPU its shaders took 28 s of
//! processor time and 1.2 GB of memory to compile for the first time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pictor_protocol::agent::{Capability, Proven};
use pictor_protocol::blender::Series;

/// A slot that has a runtime proven is left alone for so long after its work before EEVEE is tried.
const IDLE_BEFORE_EEVEE: Duration = Duration::from_secs(5);
/// A slot that is never idle tries EEVEE beside its work, so long after the worker's start.
const EEVEE_AT_LATEST: Duration = Duration::from_secs(300);

/// What is tried in one go, in one Blender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probe {
    pub engine: ProbedEngine,
    pub runtime: Series,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbedEngine {
    Eevee,
    /// On every device of the slot; measures the slot too.
    Cycles,
}

/// A probe to perform.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeOrder {
    pub probe: Probe,
    /// Proven before: not tried again.
    pub proven: Vec<Capability>,
    /// The slot has no score yet.
    pub wants_score: bool,
    /// A session with this runtime is started next: the Blender of a good probe can be that session.
    pub keep: bool,
}

/// How a probe came out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Everything that is proven now with this engine, what was known before too.
    pub can: Vec<Capability>,
    pub score: Option<f64>,
    /// Blender did not even start: nothing else needs to be tried with it.
    pub does_not_start: bool,
}

/// What the coordinator is told of a slot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// Absent while nothing is known.
    pub proven: Option<Vec<Proven>>,
    pub score: Option<f64>,
}

/// What one slot can do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ability {
    /// Every installed runtime; `None` where no probe has ended.
    can: BTreeMap<Series, Option<Vec<Capability>>>,
    due: BTreeSet<Probe>,
    running: Option<Probe>,
    score: Option<f64>,
}

impl Ability {
    /// Nothing is known yet of any of these runtimes.
    pub fn unknown(runtimes: impl IntoIterator<Item = Series>) -> Self {
        let can: BTreeMap<_, _> = runtimes.into_iter().map(|it| (it, None)).collect();
        let engines = [ProbedEngine::Cycles, ProbedEngine::Eevee];
        let both = |runtime: &Series| engines.map(|engine| (*runtime, engine));
        let due = can.keys().flat_map(both);
        Self {
            due: due
                .map(|(runtime, engine)| Probe { engine, runtime })
                .collect(),
            can,
            ..Self::default()
        }
    }

    /// What an earlier start of the worker proved; only `missing` is still tried.
    pub fn remember(
        &mut self,
        runtime: Series,
        can: Vec<Capability>,
        score: Option<f64>,
        missing: &[ProbedEngine],
    ) {
        self.can.insert(runtime, Some(can));
        self.due
            .retain(|probe| probe.runtime != runtime || missing.contains(&probe.engine));
        self.score = score.or(self.score);
    }

    /// A runtime that came later, of which nothing is known.
    pub(super) fn add(&mut self, runtime: Series) {
        if self.is_installed(runtime) {
            return;
        }
        self.can.insert(runtime, None);
        let engines = [ProbedEngine::Cycles, ProbedEngine::Eevee];
        self.due
            .extend(engines.map(|engine| Probe { engine, runtime }));
    }

    pub(super) fn is_installed(&self, runtime: Series) -> bool {
        self.can.contains_key(&runtime)
    }

    pub(super) fn is_usable(&self, runtime: Series) -> bool {
        !self.can(runtime).is_empty()
    }

    /// It may turn out to be usable.
    pub(super) fn is_undecided(&self, runtime: Series) -> bool {
        let is_of_it = |probe: &Probe| probe.runtime == runtime;
        !self.is_usable(runtime) && (self.due.iter().chain(&self.running)).any(is_of_it)
    }

    /// Oldest first.
    pub(super) fn usable(&self) -> impl DoubleEndedIterator<Item = Series> {
        self.can
            .keys()
            .copied()
            .filter(|runtime| self.is_usable(*runtime))
    }

    pub fn can(&self, runtime: Series) -> &[Capability] {
        let can = self.can.get(&runtime).and_then(Option::as_deref);
        can.unwrap_or_default()
    }

    /// Everything was tried, and nothing works.
    pub(super) fn is_none(&self) -> bool {
        self.due.is_empty() && self.running.is_none() && self.usable().next().is_none()
    }

    pub(super) fn told(&self) -> Told {
        let proven = |(runtime, can): (&Series, &Option<Vec<Capability>>)| {
            let can = can.iter().flatten().copied();
            let runtime = *runtime;
            can.map(move |can| Proven { runtime, can })
                .collect::<Vec<_>>()
        };
        let is_known = self.can.values().any(Option::is_some);
        Told {
            proven: is_known.then(|| self.can.iter().flat_map(proven).collect()),
            score: self.score,
        }
    }

    /// The next probe and when it is due; none while one runs. `wanted` is the runtime that work waits for.
    pub(super) fn next(
        &self,
        idle_since: Option<Duration>,
        wanted: Option<Series>,
    ) -> Option<(Duration, Probe)> {
        if self.running.is_some() {
            return None;
        }
        let rank = |probe: &&Probe| (probe.engine, Some(probe.runtime) == wanted, probe.runtime);
        let next = *self.due.iter().max_by_key(rank)?;
        let is_awaited = self.usable().next().is_none() || wanted == Some(next.runtime);
        let at = match next.engine {
            ProbedEngine::Cycles => Duration::ZERO,
            ProbedEngine::Eevee if is_awaited => Duration::ZERO,
            ProbedEngine::Eevee => idle_since
                .map_or(EEVEE_AT_LATEST, |since| since + IDLE_BEFORE_EEVEE)
                .min(EEVEE_AT_LATEST),
        };
        Some((at, next))
    }

    pub(super) fn start(&mut self, probe: Probe, keep: bool) -> ProbeOrder {
        self.due.remove(&probe);
        self.running = Some(probe);
        ProbeOrder {
            probe,
            proven: self.can(probe.runtime).to_vec(),
            wants_score: probe.engine == ProbedEngine::Cycles && self.score.is_none(),
            keep: keep && self.usable().next().is_none(),
        }
    }

    pub(super) fn found(&mut self, probe: Probe, found: Found) {
        if self.running == Some(probe) {
            self.running = None;
        }
        self.score = self.score.or(found.score);
        let can = self.can.entry(probe.runtime).or_default();
        let can = can.get_or_insert_default();
        for each in found.can {
            if !can.contains(&each) {
                can.push(each);
            }
        }
        can.sort_unstable();
        if found.does_not_start {
            self.due.retain(|due| due.runtime != probe.runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Series = Series::new(4, 5);
    const NEW: Series = Series::new(5, 0);

    #[test]
    fn cycles_is_probed_with_every_runtime_before_eevee_the_newest_first() {
        let mut ability = Ability::unknown([OLD, NEW]);
        let mut order = Vec::new();
        while let Some((_, probe)) = ability.next(Some(Duration::ZERO), None) {
            ability.start(probe, false);
            assert_eq!(
                ability.next(Some(Duration::ZERO), None),
                None,
                "one at once"
            );
            ability.found(probe, works(probe));
            order.push(probe);
        }
        let expected = [cycles(NEW), cycles(OLD), eevee(NEW), eevee(OLD)];
        assert_eq!(order, expected);
        assert_eq!(ability.told().proven.unwrap().len(), 4);
    }

    #[test]
    fn the_runtime_that_work_waits_for_is_probed_first() {
        let ability = Ability::unknown([OLD, NEW]);
        assert_eq!(
            ability.next(None, Some(OLD)),
            Some((Duration::ZERO, cycles(OLD)))
        );
    }

    #[test]
    fn eevee_waits_until_the_slot_is_idle_but_not_for_ever() {
        let mut ability = Ability::unknown([OLD]);
        ability.start(cycles(OLD), false);
        ability.found(cycles(OLD), works(cycles(OLD)));
        let idle_since = Duration::from_secs(20);
        let after = idle_since + IDLE_BEFORE_EEVEE;
        assert_eq!(
            ability.next(Some(idle_since), None),
            Some((after, eevee(OLD)))
        );
        assert_eq!(
            ability.next(None, None),
            Some((EEVEE_AT_LATEST, eevee(OLD)))
        );
    }

    #[test]
    fn eevee_is_tried_at_once_where_cycles_does_not_work() {
        let mut ability = Ability::unknown([OLD]);
        ability.start(cycles(OLD), false);
        ability.found(cycles(OLD), Found::default());
        assert!(ability.is_undecided(OLD) && !ability.is_none());
        assert_eq!(ability.next(None, None), Some((Duration::ZERO, eevee(OLD))));
    }

    #[test]
    fn a_blender_that_does_not_start_is_not_tried_twice() {
        let mut ability = Ability::unknown([OLD]);
        ability.start(cycles(OLD), false);
        let does_not_start = true;
        let found = Found {
            does_not_start,
            ..Found::default()
        };
        ability.found(cycles(OLD), found);
        assert!(ability.is_none());
        assert_eq!(ability.told().proven, Some(Vec::new()));
    }

    #[test]
    fn what_was_proven_before_is_used_at_once_and_only_what_is_missing_is_tried() {
        let mut ability = Ability::unknown([OLD, NEW]);
        assert_eq!(ability.told(), Told::default());
        let can = vec![Capability::CyclesCpu];
        ability.remember(OLD, can.clone(), Some(0.5), &[ProbedEngine::Eevee]);
        assert!(ability.usable().eq([OLD]));
        assert_eq!(ability.told().score, Some(0.5));
        let order = ability.start(eevee(OLD), true);
        assert_eq!(
            (order.proven, order.wants_score, order.keep),
            (can, false, false)
        );
        ability.found(eevee(OLD), works(eevee(OLD)));
        assert_eq!(ability.can(OLD), [Capability::CyclesCpu, Capability::Eevee]);
        assert_eq!(
            ability.next(None, None),
            Some((Duration::ZERO, cycles(NEW)))
        );
    }

    fn cycles(runtime: Series) -> Probe {
        let engine = ProbedEngine::Cycles;
        Probe { engine, runtime }
    }

    fn eevee(runtime: Series) -> Probe {
        let engine = ProbedEngine::Eevee;
        Probe { engine, runtime }
    }

    fn works(probe: Probe) -> Found {
        let can = match probe.engine {
            ProbedEngine::Cycles => Capability::CyclesCpu,
            ProbedEngine::Eevee => Capability::Eevee,
        };
        Found {
            can: vec![can],
            ..Found::default()
        }
    }
}
