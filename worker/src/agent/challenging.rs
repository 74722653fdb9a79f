//! Presence challenges: a slot that has nothing to do answers one, in a Blender of its own beside the slot's, so
//! that the scene which the slot has open stays open. Work goes first: whatever comes ends the challenge.

use std::time::Duration;

use pictor_protocol::ChallengeId;
use pictor_protocol::agent::Capability;
use pictor_protocol::blender::Series;

use super::effect::{Effect, Notice};
use super::slot::Slot;
use super::{Agent, Mode, SlotId};

/// A challenge to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ChallengeOrder {
    pub challenge: ChallengeId,
    pub runtime: Series,
    /// What it can do on this slot.
    pub can: Vec<Capability>,
}

/// The latest challenge of a slot. Commands are repeated: one that is over is not answered again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Challenged {
    challenge: ChallengeId,
    is_running: bool,
}

/// How a challenge ended: how long it took by the coordinator's clock, or why there is no answer.
pub type ChallengeEnd = Result<Duration, String>;

impl Agent {
    pub(super) fn challenged(&mut self, slot: SlotId, challenge: ChallengeId) {
        let is_working = self.mode == Mode::Working;
        let Some(order) = self.slots.get_mut(usize::from(slot)).and_then(|slot| {
            let is_known = slot
                .challenged
                .is_some_and(|it| it.is_running || it.challenge == challenge);
            // A Blender that is being ended may still be at a frame that nobody wants any more.
            let is_free = slot.has_nothing_to_do() && !slot.is_ending_blender();
            let may_begin = is_working && !is_known && is_free;
            may_begin.then(|| slot.challenge_order(challenge)).flatten()
        }) else {
            return;
        };
        self.slots[usize::from(slot)].challenged = Some(Challenged {
            challenge,
            is_running: true,
        });
        self.effects.push(Effect::Challenge { slot, order });
    }

    /// Ends the challenges of slots that have something better to do.
    pub(super) fn advance_challenges(&mut self) {
        for (id, slot) in (0..).zip(&mut self.slots) {
            let is_over = self.mode != Mode::Working || !slot.has_nothing_to_do();
            if let Some(challenged) = &mut slot.challenged
                && challenged.is_running
                && is_over
            {
                challenged.is_running = false;
                self.effects.push(Effect::GiveUpChallenge { slot: id });
            }
        }
    }

    pub(super) fn challenge_over(
        &mut self,
        slot: SlotId,
        challenge: ChallengeId,
        end: ChallengeEnd,
    ) {
        let challenged = self.slots.get_mut(usize::from(slot));
        let challenged = challenged.and_then(|slot| slot.challenged.as_mut());
        let Some(challenged) = challenged.filter(|it| it.is_running && it.challenge == challenge)
        else {
            return;
        };
        challenged.is_running = false;
        self.tell(Notice::Challenged { slot, end });
    }
}

impl Slot {
    fn has_nothing_to_do(&self) -> bool {
        !self.has_lost_gpu && self.unstarted().next().is_none() && self.rendering().is_none()
    }

    /// With the newest Blender in which Cycles is proven; none where there is none.
    fn challenge_order(&self, challenge: ChallengeId) -> Option<ChallengeOrder> {
        let renders = |runtime: &Series| {
            let can = self.ability.can(*runtime);
            can.iter().any(|can| match can {
                Capability::CyclesCpu
                | Capability::CyclesCuda
                | Capability::CyclesOptix
                | Capability::CyclesHip => true,
                Capability::Eevee | Capability::Unknown => false,
            })
        };
        let runtime = self.ability.usable().rev().find(renders)?;
        Some(ChallengeOrder {
            challenge,
            runtime,
            can: self.ability.can(runtime).to_vec(),
        })
    }
}
