//! A GPU goes away while the worker runs.

use super::*;
use crate::agent::ending::DRAIN_PATIENCE;

#[test]
fn what_a_lost_gpu_held_is_returned_and_no_frame_is_blamed() {
    let mut world = World::rendering(lease(1, 1..=3));
    let effects = world.happens(gpu_lost(0));
    assert!(ends(&effects[0]), "its Blender is killed first");
    world.says(ended());
    let report = world.report();
    assert_eq!(report.returned, [attempt(1), attempt(2), attempt(3)]);
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    world.answer(Outcome::Accepted);
    assert!(exits_because_of(&world, 0));
}

#[test]
fn the_other_slots_finish_what_they_render_and_take_nothing_new() {
    let mut world = two_slots_render();
    world.happens(gpu_lost(1));
    world.says_in(1, ended());
    assert!(!world.did(|effect| matches!(effect, Effect::Exit(_))));
    let returned = world.report().returned;
    assert_eq!(returned, [attempt(2), attempt(11), attempt(12)]);
    world.answer(Outcome::Accepted);
    world.done.clear();

    world.says_in(0, rendered());
    world.store(1);
    world.happens(Event::Uploaded {
        attempt: attempt(1),
    });
    assert_eq!(world.report().finished.len(), 1);
    world.answer(Outcome::Accepted);
    world.says_in(0, ended());
    assert!(!world.did(|effect| renders(effect).is_some() || starts(effect).is_some()));
    assert!(!world.did(|effect| matches!(effect, Effect::Ask { .. })));
    assert!(exits_because_of(&world, 1));
}

#[test]
fn a_loss_that_is_told_again_changes_nothing() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.happens(gpu_lost(0));
    world.done.clear();
    assert_eq!(world.happens(gpu_lost(0)), []);
    assert_eq!(world.happens(gpu_lost(7)), [], "no such slot");
}

#[test]
fn a_lease_that_comes_after_the_loss_goes_back() {
    let mut world = World::idle();
    world.happens(gpu_lost(0));
    world.says(ended());
    let lease = lease(1, 1..=2).into();
    world.happens(Event::Leased { slot: 0, lease });
    assert_eq!(world.report().returned, [attempt(1), attempt(2)]);
}

#[test]
fn a_blender_that_hangs_in_the_driver_does_not_hold_the_worker_for_ever() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.happens(gpu_lost(0));
    world.report();
    world.answer(Outcome::Accepted);
    world.wait(DRAIN_PATIENCE - Duration::from_millis(1));
    assert!(!world.did(|effect| matches!(effect, Effect::Exit(_))));
    world.wait(Duration::from_millis(1));
    assert!(exits_because_of(&world, 0));
}

#[test]
fn a_loss_while_the_owner_ends_the_worker_is_told_as_one() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.happens(Event::Drain);
    world.happens(gpu_lost(0));
    world.says(ended());
    assert_eq!(world.report().returned, [attempt(1)]);
    world.answer(Outcome::Accepted);
    assert!(exits_because_of(&world, 0));
}

/// Both slots render the first of two frames: 1 and 2, 11 and 12.
fn two_slots_render() -> World {
    let mut world = World::with(Setup {
        slots: vec![able(&[SERIES]); 2],
        ..setup(2)
    });
    world.welcome();
    for (slot, first) in [(0, 1), (1, 11)] {
        world.says_in(slot, SessionEvent::Ready);
        let lease = lease(1, first..=first + 1).into();
        world.happens(Event::Leased { slot, lease });
        world.happens(Event::SceneReady {
            content: content(1),
        });
        world.says_in(slot, SessionEvent::Opened);
    }
    let rendering: Vec<_> = world.done.iter().filter_map(renders).collect();
    assert_eq!(rendering, [1, 11]);
    world.done.clear();
    world
}

fn exits_because_of(world: &World, lost: SlotId) -> bool {
    world
        .did(|effect| matches!(effect, Effect::Exit(Ending::GpuLost { slot, .. }) if *slot == lost))
}

impl World {
    fn says_in(&mut self, slot: SlotId, what: SessionEvent) {
        // Sessions are numbered as they start: one for each slot, in their order.
        let session = SessionId(u64::from(slot) + 1);
        self.happens(Event::Session {
            slot,
            session,
            what,
        });
    }
}
