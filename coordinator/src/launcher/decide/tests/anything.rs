//! Whatever happens, in whatever order: every decision is sound ([`World`] checks each), and once the world
//! is quiet everything is as it should be.

use std::time::Duration;

use proptest::prelude::*;

use super::world::World;
use crate::launcher::model::HostId;

const PLACES: [u16; 2] = [3, 2];

#[derive(Debug, Clone)]
enum Happening {
    Wait(u64),
    End { host: usize, number: u16, code: i64 },
    Silence(usize),
    Voice(usize),
    CoordinatorIs(bool),
    Image(&'static str),
    Recipe(&'static str),
    Queue(u64),
    Deaf(bool),
    ActionFails,
    NewLauncher,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn once_it_is_quiet_all_who_should_run_the_right_image_and_in_the_end_all_leave(
        most in 1usize..6,
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let mut world = World::scaled(&PLACES, 1, most);
        for happening in happenings {
            happen(&mut world, &happening);
        }
        calm(&mut world);
        world.queued = 1_000;
        world.image_everywhere("v9");
        // Long enough for a drain that nobody heard, for every back-off, and for each to be rolled.
        world.run(Duration::from_secs(3_600));
        let running = world.running();
        prop_assert_eq!(running.len(), most, "{:?}", running);
        prop_assert!(running.iter().all(|what| what.ends_with("v9")), "{:?}", running);
        prop_assert_eq!(world.workers(), running.len());

        world.fleet.stop();
        world.run(Duration::from_secs(60));
        prop_assert!(world.is_gone());
        prop_assert_eq!((world.containers().len(), world.workers()), (0, 0));
    }
}

fn calm(world: &mut World) {
    world.silent.clear();
    world.is_coordinator_up = true;
    world.is_deaf = false;
    world.is_failing = false;
}

fn happen(world: &mut World, happening: &Happening) {
    match *happening {
        Happening::Wait(seconds) => world.run(Duration::from_secs(seconds)),
        Happening::End { host, number, code } => world.end(host, number, code),
        Happening::Silence(host) => {
            world.silent.insert(HostId(host));
        }
        Happening::Voice(host) => {
            world.silent.remove(&HostId(host));
        }
        Happening::CoordinatorIs(up) => world.is_coordinator_up = up,
        Happening::Image(image) => world.image_everywhere(image),
        Happening::Recipe(recipe) => world.recipe = recipe.into(),
        Happening::Queue(queued) => world.queued = queued,
        Happening::Deaf(is_deaf) => world.is_deaf = is_deaf,
        Happening::ActionFails => world.is_failing = true,
        Happening::NewLauncher => world.new_launcher(),
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    let host = 0..PLACES.len();
    let code = prop::sample::select(vec![0, 1, 3, 4, 6, 8, 137]);
    prop_oneof![
        4 => (1u64..20).prop_map(Happening::Wait),
        2 => (20u64..400).prop_map(Happening::Wait),
        4 => (host.clone(), 0u16..3, code)
            .prop_map(|(host, number, code)| Happening::End { host, number, code }),
        1 => host.clone().prop_map(Happening::Silence),
        1 => host.prop_map(Happening::Voice),
        1 => any::<bool>().prop_map(Happening::CoordinatorIs),
        2 => prop::sample::select(vec!["v1", "v2", "bad", "bad2"]).prop_map(Happening::Image),
        1 => prop::sample::select(vec!["a", "b"]).prop_map(Happening::Recipe),
        2 => (0u64..60).prop_map(Happening::Queue),
        1 => any::<bool>().prop_map(Happening::Deaf),
        2 => Just(Happening::ActionFails),
        1 => Just(Happening::NewLauncher),
    ]
}
