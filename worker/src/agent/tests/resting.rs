//! A Blender without work is ended, and started again for work alone.

use super::*;

#[test]
fn a_blender_without_work_is_ended_after_a_while() {
    let mut world = World::idle();
    assert_eq!(
        world.agent.next_wake(world.now),
        Some(world.now + IDLE_BLENDER)
    );
    world.wait(IDLE_BLENDER - Duration::from_millis(1));
    assert!(!world.did(ends));
    world.wait(Duration::from_millis(1));
    assert!(world.did(ends));
}

#[test]
fn one_that_was_ended_is_started_again_for_work_alone() {
    let mut world = World::idle();
    world.wait(IDLE_BLENDER);
    world.done.clear();
    world.says(ended());
    world.wait(IDLE_BLENDER);
    assert!(!world.did(|effect| starts(effect).is_some()));
    assert_eq!(world.agent.next_wake(world.now), None, "nothing wakes it");
    let lease = lease(1, 1..=1).into();
    world.happens(Event::Leased { slot: 0, lease });
    assert!(world.did(|effect| starts(effect) == Some(SERIES)));
}

#[test]
fn the_while_begins_anew_with_every_frame() {
    let mut world = World::rendering(lease(1, 1..=1));
    world.wait(IDLE_BLENDER * 2);
    world.says(rendered());
    assert!(!world.did(ends), "it rendered all the time");
    world.wait(IDLE_BLENDER / 2);
    let lease = lease(1, 2..=2).into();
    world.happens(Event::Leased { slot: 0, lease });
    world.says(rendered());
    world.wait(IDLE_BLENDER / 2);
    assert!(!world.did(ends));
    world.wait(IDLE_BLENDER / 2);
    assert!(world.did(ends));
}

#[test]
fn a_while_of_nothing_starts_no_blender_without_work_and_ends_it_after_the_last_frame() {
    let mut world = World::with(Setup {
        idle_blender: Duration::ZERO,
        ..setup(1)
    });
    world.welcome();
    assert!(!world.did(|effect| starts(effect).is_some()));
    let content = content(1);
    let lease = lease(1, 1..=2).into();
    world.happens(Event::Leased { slot: 0, lease });
    world.says(SessionEvent::Ready);
    world.happens(Event::SceneReady { content });
    world.says(SessionEvent::Opened);
    world.says(rendered());
    assert!(!world.did(ends), "a frame is left");
    world.says(rendered());
    assert!(world.did(ends));
}

#[test]
fn a_blender_that_failed_is_started_until_it_runs_however_long_it_was_without_work() {
    let mut world = World::with_runtimes(&[SERIES]);
    world.welcome();
    world.wait(IDLE_BLENDER * 2);
    world.says(ended());
    let wake = world.agent.next_wake(world.now).unwrap();
    world.done.clear();
    world.wait(wake - world.now);
    assert!(world.did(|effect| starts(effect) == Some(SERIES)));
}

#[test]
fn the_while_begins_when_the_slot_can_work() {
    let mut world = World::with(Setup {
        slots: vec![Ability::unknown([SERIES])],
        ..setup(1)
    });
    world.wait(IDLE_BLENDER * 2);
    world.happens(Event::Probed {
        slot: 0,
        probe: Probe {
            engine: ProbedEngine::Cycles,
            runtime: SERIES,
        },
        found: Found {
            can: vec![Capability::CyclesCpu],
            ..Found::default()
        },
    });
    assert!(world.did(|effect| starts(effect) == Some(SERIES)));
}
