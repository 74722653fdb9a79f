//! A Blender that the coordinator wants is installed once, beside the work, and then proven and used.

use super::*;
use crate::agent::installing::{Installs, Progress};

const WANTED: Series = Series::new(4, 2);

#[test]
fn a_blender_is_installed_when_told_and_hello_says_how_it_goes() {
    let mut world = world();
    world.told();
    world.happens(command());
    assert_eq!(world.installs(), 1);
    assert_eq!(world.told().begun[&WANTED], Progress::Running);
    world.happens(command());
    assert_eq!(world.installs(), 0, "commands are repeated");
    world.welcome();

    world.ends(Ok(()));
    assert_eq!(world.told(), Installs::default());
}

#[test]
fn what_was_installed_is_probed_on_every_slot() {
    let mut world = world();
    world.happens(command());
    assert!(!world.did(|effect| matches!(effect, Effect::Probe { .. })));
    world.ends(Ok(()));
    let probes = world.done.iter().filter_map(|effect| match effect {
        Effect::Probe { slot, order } => Some((*slot, order.probe.runtime)),
        _ => None,
    });
    assert_eq!(probes.collect::<Vec<_>>(), [(0, WANTED), (1, WANTED)]);
}

#[test]
fn after_a_failure_it_is_tried_again_only_when_told_again_later() {
    let mut world = world();
    world.happens(command());
    world.installs();
    world.welcome();
    world.ends(Err("the disk is full".into()));
    let told = world.told();
    assert!(
        matches!(&told.begun[&WANTED], Progress::Failed { message, .. } if message == "the disk is full")
    );
    assert_eq!(told.installable, [WANTED]);
    world.happens(command());
    assert_eq!(world.installs(), 0, "it was on its way");
    world.wait(Duration::from_secs(3_600));
    world.happens(command());
    assert_eq!(world.installs(), 1);
}

#[test]
fn nothing_is_installed_that_the_owner_does_not_want_or_while_the_worker_ends() {
    let mut world = World::new(1);
    world.welcome();
    world.happens(command());
    assert_eq!(world.installs(), 0);
    let mut world = self::world();
    world.happens(Event::Drain);
    world.happens(command());
    assert_eq!(world.installs(), 0);
}

impl World {
    /// How many installations were begun since the last time.
    fn installs(&mut self) -> usize {
        let wanted = |effect: &mut Effect| *effect == Effect::Install { series: WANTED };
        self.done.extract_if(.., wanted).count()
    }

    fn ends(&mut self, result: Result<(), String>) {
        let result = result.map(|()| RuntimeInfo {
            series: WANTED,
            version: "4.2.0".into(),
        });
        self.happens(Event::Installed {
            series: WANTED,
            result,
        });
    }

    /// What the last hello said.
    fn told(&mut self) -> Installs {
        let said = self.done.iter().rev().find_map(|effect| match effect {
            Effect::Greet { installs, .. } => Some(installs.clone()),
            _ => None,
        });
        said.expect("a hello")
    }
}

/// Two slots that can install one Blender more.
fn world() -> World {
    let mut world = World::with(Setup {
        installable: vec![WANTED],
        ..setup(2)
    });
    world.welcome();
    world
}

fn command() -> Event {
    Event::Commanded(Command::Install { series: WANTED })
}
