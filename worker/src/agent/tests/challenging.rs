//! A presence challenge is answered by a slot that has nothing to do, and never in the way of work.

use pictor_protocol::ChallengeId;

use super::*;
use crate::agent::challenging::ChallengeOrder;

#[test]
fn an_idle_slot_answers_a_challenge_once_however_often_it_is_told() {
    let mut world = world();
    world.happens(command(1, 0));
    let order = world.challenge().expect("a challenge");
    assert_eq!(
        order.runtime, OTHER_SERIES,
        "the newest in which Cycles is proven"
    );
    assert_eq!(order.can, [Capability::CyclesCpu, Capability::Eevee]);
    world.happens(command(1, 0));
    assert_eq!(world.challenge(), None, "it is at it");
    world.happens(command(2, 0));
    assert_eq!(world.challenge(), None, "one at a time");
    world.happens(over(1));
    world.happens(command(1, 0));
    assert_eq!(world.challenge(), None, "it has answered");
    world.happens(command(2, 0));
    assert!(world.challenge().is_some());
}

#[test]
fn a_slot_that_has_work_or_is_not_there_takes_no_challenge() {
    let mut world = world();
    world.happens(command(1, 7));
    assert_eq!(world.challenge(), None);
    world.happens(leased(1..=2));
    world.happens(command(1, 0));
    assert_eq!(world.challenge(), None);
}

#[test]
fn work_that_comes_ends_the_challenge_at_once() {
    let mut world = world();
    world.happens(command(1, 0));
    assert!(world.challenge().is_some());
    world.happens(leased(1..=2));
    assert!(world.did(|effect| matches!(effect, Effect::GiveUpChallenge { slot: 0 })));
    // What it still says of it changes nothing.
    world.happens(over(1));
    assert!(!world.did(|effect| matches!(effect, Effect::Tell(Notice::Challenged { .. }))));
}

#[test]
fn a_worker_that_ends_gives_its_challenge_up() {
    let mut world = world();
    world.happens(command(1, 0));
    world.challenge();
    world.happens(Event::Drain);
    assert!(world.did(|effect| matches!(effect, Effect::GiveUpChallenge { slot: 0 })));
    world.happens(command(2, 0));
    assert_eq!(world.challenge(), None);
}

fn world() -> World {
    let mut world = World::new(1);
    world.welcome();
    world
}

fn id(number: u8) -> ChallengeId {
    ChallengeId::new(Uuid::from_u128(number.into()))
}

fn command(number: u8, slot: SlotId) -> Event {
    Event::Commanded(Command::Challenge {
        challenge: id(number),
        slot,
    })
}

fn over(number: u8) -> Event {
    Event::ChallengeOver {
        slot: 0,
        challenge: id(number),
        end: Ok(Duration::from_secs(2)),
    }
}

fn leased(frames: std::ops::RangeInclusive<u128>) -> Event {
    Event::Leased {
        slot: 0,
        lease: lease(1, frames).into(),
    }
}

impl World {
    /// What is to be answered since the last look.
    fn challenge(&mut self) -> Option<ChallengeOrder> {
        let at = self
            .done
            .iter()
            .position(|effect| matches!(effect, Effect::Challenge { .. }))?;
        match self.done.remove(at) {
            Effect::Challenge { order, .. } => Some(order),
            _ => None,
        }
    }
}
