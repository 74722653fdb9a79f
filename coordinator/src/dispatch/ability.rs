//! Who can render what: the series that a worker has installed, narrowed by what probes proved on each
//! of its slots.
//!
//! Pure. An installed Blender is a claim and a probe render is proof: OptiX and OpenGL are missing on
//! many a machine whose driver looks whole, and a frame handed to such a slot is a frame lost.

use std::collections::BTreeSet;

use pictor_protocol::agent::{Capability, Proven, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::settings::Engine;
use serde::{Deserialize, Serialize};

/// What is known of a slot. Kept in its worker's row, out of the hello.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ability {
    pub slot: u16,
    /// `None`: it was not probed, and is given anything.
    pub proven: Option<Vec<Proven>>,
    /// Speed in reference units: see [`pictor_protocol::benchmark`].
    pub score: Option<f64>,
}

impl From<&SlotInfo> for Ability {
    fn from(slot: &SlotInfo) -> Self {
        Self {
            slot: slot.slot,
            proven: slot.proven.clone(),
            score: slot.score,
        }
    }
}

impl Ability {
    /// Of a slot that its worker did not tell of.
    pub const fn unknown(slot: u16) -> Self {
        Self {
            slot,
            proven: None,
            score: None,
        }
    }

    /// Whether it renders with this engine, `None` for an add-on's, in a Blender that its worker has.
    pub fn can_render(&self, runtime: Series, engine: Option<Engine>) -> bool {
        self.proven.as_ref().is_none_or(|proven| {
            proven
                .iter()
                .any(|proof| proof.runtime == runtime && serves(proof.can, engine))
        })
    }
}

/// A worker, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Equipment<'a> {
    pub series: &'a [Series],
    pub slots: &'a [Ability],
}

impl Equipment<'_> {
    /// How many of its slots can render this.
    pub fn slots_for(&self, runtime: Series, engine: Option<Engine>) -> u32 {
        if !self.series.contains(&runtime) {
            return 0;
        }
        let able = self
            .slots
            .iter()
            .filter(|slot| slot.can_render(runtime, engine));
        able.count() as u32
    }

    pub fn can_render(&self, runtime: Series, engine: Option<Engine>) -> bool {
        self.slots_for(runtime, engine) > 0
    }
}

/// The series in which somebody can render with this engine.
pub fn series_for<'a>(
    workers: impl IntoIterator<Item = Equipment<'a>>,
    engine: Option<Engine>,
) -> Vec<Series> {
    let able: BTreeSet<Series> = workers
        .into_iter()
        .flat_map(|worker| {
            let able = move |series: &Series| worker.can_render(*series, engine);
            worker.series.iter().copied().filter(able)
        })
        .collect();
    able.into_iter().collect()
}

/// Whether a probe that succeeded says that an engine works.
fn serves(can: Capability, engine: Option<Engine>) -> bool {
    match engine {
        Some(Engine::Cycles) => matches!(
            can,
            Capability::CyclesCpu
                | Capability::CyclesCuda
                | Capability::CyclesOptix
                | Capability::CyclesHip
        ),
        // Both draw with OpenGL.
        Some(Engine::Eevee | Engine::Workbench) => can == Capability::Eevee,
        // Nobody probes add-ons: that this Blender renders at all is the most there is to know.
        None => true,
    }
}

#[cfg(test)]
pub(super) mod testing {
    use proptest::prelude::*;

    use super::*;

    pub const SERIES: [Series; 3] = [Series::new(4, 2), Series::new(4, 5), Series::new(5, 0)];

    pub fn any_engine() -> impl Strategy<Value = Option<Engine>> {
        prop::option::of(prop::sample::select(vec![
            Engine::Cycles,
            Engine::Eevee,
            Engine::Workbench,
        ]))
    }

    pub fn any_series() -> impl Strategy<Value = Series> {
        prop::sample::select(SERIES.to_vec())
    }

    pub fn any_ability() -> impl Strategy<Value = Ability> {
        let can = prop::sample::select(vec![
            Capability::CyclesCpu,
            Capability::CyclesOptix,
            Capability::Eevee,
            Capability::Unknown,
        ]);
        let proof = (any_series(), can).prop_map(|(runtime, can)| Proven { runtime, can });
        let proven = prop::option::of(prop::collection::vec(proof, 0..4));
        proven.prop_map(|proven| Ability {
            proven,
            ..Ability::unknown(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::{SERIES, any_ability, any_engine, any_series};
    use super::*;

    const BLENDER: Series = Series::new(4, 5);

    #[test]
    fn a_slot_that_was_not_probed_is_given_anything() {
        for engine in [None, Some(Engine::Cycles), Some(Engine::Eevee)] {
            assert!(Ability::unknown(0).can_render(BLENDER, engine));
        }
    }

    #[test]
    fn a_slot_on_which_every_probe_failed_is_given_nothing() {
        for engine in [None, Some(Engine::Cycles), Some(Engine::Eevee)] {
            assert!(!proven(&[]).can_render(BLENDER, engine));
        }
    }

    #[test]
    fn cycles_needs_any_cycles_and_what_draws_with_opengl_needs_eevee() {
        let optix = proven(&[(BLENDER, Capability::CyclesOptix)]);
        let eevee = proven(&[(BLENDER, Capability::Eevee)]);
        assert!(optix.can_render(BLENDER, Some(Engine::Cycles)));
        assert!(!optix.can_render(BLENDER, Some(Engine::Eevee)));
        assert!(!eevee.can_render(BLENDER, Some(Engine::Cycles)));
        assert!(eevee.can_render(BLENDER, Some(Engine::Workbench)));
        assert!(optix.can_render(BLENDER, None) && eevee.can_render(BLENDER, None));
    }

    #[test]
    fn a_proof_is_worth_nothing_for_another_blender() {
        let old = proven(&[(Series::new(4, 2), Capability::CyclesCpu)]);
        assert!(!old.can_render(BLENDER, Some(Engine::Cycles)));
        assert!(!old.can_render(BLENDER, None));
    }

    #[test]
    fn only_able_slots_of_a_worker_count() {
        let slots = [
            proven(&[(BLENDER, Capability::Eevee)]),
            proven(&[(BLENDER, Capability::CyclesCpu)]),
            Ability::unknown(2),
        ];
        let worker = Equipment {
            series: &[BLENDER],
            slots: &slots,
        };
        assert_eq!(worker.slots_for(BLENDER, Some(Engine::Eevee)), 2);
        assert_eq!(worker.slots_for(Series::new(5, 0), Some(Engine::Eevee)), 0);
    }

    proptest! {
        #[test]
        fn a_series_is_offered_exactly_if_some_slot_renders_in_it(
            workers in prop::collection::vec(
                (prop::collection::vec(any_series(), 0..3), prop::collection::vec(any_ability(), 0..3)), 0..4),
            engine in any_engine()
        ) {
            let equipment = || workers.iter().map(|(series, slots)| Equipment { series, slots });
            let offered = series_for(equipment(), engine);
            for series in SERIES {
                let able = equipment().any(|worker| worker.can_render(series, engine));
                prop_assert_eq!(offered.contains(&series), able);
            }
        }
    }

    fn proven(proofs: &[(Series, Capability)]) -> Ability {
        let proof = |&(runtime, can): &(Series, Capability)| Proven { runtime, can };
        Ability {
            proven: Some(proofs.iter().map(proof).collect()),
            ..Ability::unknown(0)
        }
    }
}
