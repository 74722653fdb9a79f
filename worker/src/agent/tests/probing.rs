//! A slot renders with nothing that no probe has proven, and says what it can.

use super::*;

#[test]
fn the_worker_says_hello_before_anything_is_proven_and_takes_no_work_until_it_is() {
    let mut world = unknown(&[SERIES, OTHER_SERIES]);
    assert_eq!(world.hellos(), [vec![Told::default()]]);
    assert!(world.did(|effect| probes(effect) == Some(cycles(OTHER_SERIES))));
    world.welcome();
    assert!(!world.did(asks) && !world.did(|effect| starts(effect).is_some()));
    world.found(cycles(OTHER_SERIES), &[Capability::CyclesCpu]);
    assert!(world.did(asks) && world.did(|effect| starts(effect) == Some(OTHER_SERIES)));
}

#[test]
fn hello_is_said_again_with_what_was_proven() {
    let mut world = unknown(&[SERIES]);
    world.welcome();
    world.hellos();
    world.happens(Event::Probed {
        slot: 0,
        probe: cycles(SERIES),
        found: Found {
            can: vec![Capability::CyclesCpu],
            score: Some(0.7),
            does_not_start: false,
        },
    });
    let proven = Proven {
        runtime: SERIES,
        can: Capability::CyclesCpu,
    };
    let told = Told {
        proven: Some(vec![proven]),
        score: Some(0.7),
    };
    assert_eq!(world.hellos(), [vec![told]]);
}

#[test]
fn results_that_come_while_a_hello_is_out_are_said_by_the_next() {
    let mut world = unknown(&[SERIES, OTHER_SERIES]);
    world.hellos();
    world.found(cycles(OTHER_SERIES), &[Capability::CyclesCpu]);
    world.found(cycles(SERIES), &[Capability::CyclesCpu]);
    assert!(world.hellos().is_empty(), "one is out");
    world.welcome();
    let hellos = world.hellos();
    assert_eq!(hellos.len(), 1);
    assert_eq!(hellos[0][0].proven.as_ref().unwrap().len(), 2);
}

#[test]
fn what_the_cache_knows_needs_no_probe() {
    let mut world = World::with_runtimes(&[SERIES]);
    world.welcome();
    assert!(world.did(asks) && world.did(|effect| starts(effect) == Some(SERIES)));
    assert!(!world.did(|effect| probes(effect).is_some()));
}

#[test]
fn a_slot_on_which_nothing_works_asks_for_no_work_and_says_so() {
    let mut world = unknown(&[SERIES]);
    world.welcome();
    world.hellos();
    world.found(cycles(SERIES), &[]);
    assert!(!world.did(|effect| *effect == Effect::Tell(Notice::NothingWorks { slot: 0 })));
    world.found(eevee(SERIES), &[]);
    assert!(world.did(|effect| *effect == Effect::Tell(Notice::NothingWorks { slot: 0 })));
    world.welcome();
    let hellos = world.hellos();
    assert_eq!(hellos.last().unwrap()[0].proven, Some(Vec::new()));
    assert!(!world.did(asks) && !world.did(|effect| starts(effect).is_some()));
}

#[test]
fn frames_for_a_runtime_that_is_not_probed_yet_wait_for_its_probe() {
    let mut world = unknown(&[SERIES, OTHER_SERIES]);
    world.welcome();
    world.found(cycles(OTHER_SERIES), &[Capability::CyclesCpu]);
    world.says(SessionEvent::Ready);
    let lease = lease(1, 1..=1).into();
    world.happens(Event::Leased { slot: 0, lease });
    assert!(!world.did(ends));
    world.found(cycles(SERIES), &[Capability::CyclesCpu]);
    assert!(world.did(ends));
    world.says(ended());
    assert!(world.did(|effect| starts(effect) == Some(SERIES)));
}

#[test]
fn frames_for_a_runtime_that_does_not_work_fail_with_the_reason() {
    let mut world = unknown(&[SERIES, OTHER_SERIES]);
    world.welcome();
    world.found(cycles(OTHER_SERIES), &[Capability::CyclesCpu]);
    let waiting = lease(1, 1..=1).into();
    world.happens(Event::Leased {
        slot: 0,
        lease: waiting,
    });
    world.found(cycles(SERIES), &[]);
    // EEVEE may still work with it.
    assert!(world.reports().is_empty());
    world.found(eevee(SERIES), &[]);
    assert!(world.report().failed[0].message.contains("4.5"));
    world.answer(Outcome::Accepted);
    let later = lease(1, 2..=2).into();
    world.happens(Event::Leased {
        slot: 0,
        lease: later,
    });
    assert_eq!(world.report().failed[0].fault, RenderFault::DeviceMissing);
}

#[test]
fn the_blender_of_the_first_good_probe_can_be_the_session() {
    let mut world = unknown(&[SERIES, OTHER_SERIES]);
    world.found(cycles(OTHER_SERIES), &[Capability::CyclesCpu]);
    let keeps = |effect: &Effect| match effect {
        Effect::Probe { order, .. } => Some((order.probe.runtime, order.keep)),
        _ => None,
    };
    let kept: Vec<_> = world.done.iter().filter_map(keeps).collect();
    assert_eq!(kept, [(OTHER_SERIES, true), (SERIES, false)]);
}

#[test]
fn a_draining_worker_starts_no_probe() {
    let mut world = unknown(&[SERIES]);
    world.happens(Event::Drain);
    world.done.clear();
    world.found(cycles(SERIES), &[Capability::CyclesCpu]);
    world.wait(Duration::from_secs(400));
    assert!(!world.did(|effect| probes(effect).is_some() || starts(effect).is_some()));
}

#[test]
fn eevee_is_probed_when_the_slot_had_nothing_to_do_for_a_while() {
    let mut world = unknown(&[SERIES]);
    world.welcome();
    world.found(cycles(SERIES), &[Capability::CyclesCpu]);
    assert!(!world.did(|effect| probes(effect) == Some(eevee(SERIES))));
    let wake = world.agent.next_wake(world.now).unwrap();
    world.wait(wake - world.now);
    assert!(world.did(|effect| probes(effect) == Some(eevee(SERIES))));
}

impl World {
    fn found(&mut self, probe: Probe, can: &[Capability]) {
        let found = Found {
            can: can.to_vec(),
            ..Found::default()
        };
        self.happens(Event::Probed {
            slot: 0,
            probe,
            found,
        });
    }

    /// What every hello so far said of the slots.
    fn hellos(&mut self) -> Vec<Vec<Told>> {
        let is_hello = |effect: &mut Effect| matches!(effect, Effect::Greet { .. });
        let said = |effect| match effect {
            Effect::Greet { slots, .. } => Some(slots),
            _ => None,
        };
        self.done
            .extract_if(.., is_hello)
            .filter_map(said)
            .collect()
    }
}

/// One slot of which nothing is known.
fn unknown(runtimes: &[Series]) -> World {
    World::with(Setup {
        slots: vec![Ability::unknown(runtimes.iter().copied())],
        ..setup(1)
    })
}

fn probes(effect: &Effect) -> Option<Probe> {
    match effect {
        Effect::Probe { order, .. } => Some(order.probe),
        _ => None,
    }
}

fn asks(effect: &Effect) -> bool {
    matches!(effect, Effect::Ask { .. })
}

fn cycles(runtime: Series) -> Probe {
    let engine = ProbedEngine::Cycles;
    Probe { engine, runtime }
}

fn eevee(runtime: Series) -> Probe {
    let engine = ProbedEngine::Eevee;
    Probe { engine, runtime }
}

#[test]
fn what_the_doctor_found_is_said_by_another_hello() {
    let mut world = World::with_runtimes(&[SERIES]);
    world.happens(Event::Examined);
    assert_eq!(world.hellos().len(), 1, "one is out");
    world.welcome();
    assert_eq!(world.hellos().len(), 1);
    world.welcome();
    assert!(world.hellos().is_empty());
}
