//! The agent against a world in which everything may happen in any order: answers early, late or
//! never, crashes, commands out of nowhere, lost reports. Whatever the order, the rules hold.

mod world;

use proptest::prelude::*;

use world::World;

/// One thing that happens; the numbers pick one of what is possible at that moment.
#[derive(Debug, Clone)]
enum Act {
    /// The world answers one of the effects that wait for an answer.
    Answer {
        which: usize,
        how: u8,
    },
    /// A Blender dies by itself.
    Die {
        which: usize,
    },
    Stop {
        frame: u128,
    },
    DrainByCoordinator,
    Install,
    Challenge {
        slot: u16,
        number: u8,
    },
    LoseGpu {
        slot: u16,
    },
    HelloWanted,
    Wait {
        ms: u64,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        200 => (any::<usize>(), any::<u8>()).prop_map(|(which, how)| Act::Answer { which, how }),
        10 => any::<usize>().prop_map(|which| Act::Die { which }),
        10 => (1..40u128).prop_map(|frame| Act::Stop { frame }),
        10 => Just(Act::DrainByCoordinator),
        5 => Just(Act::Install),
        10 => (any::<u16>(), 0..4u8).prop_map(|(slot, number)| Act::Challenge { slot, number }),
        // Rare, because it begins the end.
        1 => any::<u16>().prop_map(|slot| Act::LoseGpu { slot }),
        10 => Just(Act::HelloWanted),
        30 => (0..5_000u64).prop_map(|ms| Act::Wait { ms }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_attempt_is_lost_or_ended_twice(acts in prop::collection::vec(act(), 0..250)) {
        let mut world = World::new();
        for act in acts {
            world.happens(act);
        }
        world.come_to_rest();
        for (attempt, fate) in &world.granted {
            prop_assert!(fate.lost || fate.ends.len() == 1, "{attempt:?}: {fate:?}");
            prop_assert!(fate.ends.len() <= 1, "{attempt:?}: {fate:?}");
        }
        prop_assert!(world.has_exited, "nothing was left to do");
        prop_assert!(world.pictures.is_empty(), "left on disk: {:?}", world.pictures);
    }
}
