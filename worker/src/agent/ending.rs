//! How a worker ends: draining when asked once or when a GPU is lost, at once when asked twice.

use std::time::Duration;

use super::effect::{Effect, Ending, Notice};
use super::outbox::End;
use super::slot::Slot;
use super::{Agent, Link, Mode, SlotId};

/// How long a draining worker tries to hand in its last pictures before it leaves them in the
/// journal for the next start.
pub(super) const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

impl Agent {
    pub(super) fn advance_end(&mut self, now: Duration) {
        let is_quiet = self.slots.iter().all(|slot| slot.rendering().is_none());
        if let Mode::Draining { quiet_since } = &mut self.mode
            && is_quiet
        {
            quiet_since.get_or_insert(now);
        }
        let is_told = self.outbox.is_empty();
        let is_over = match self.mode {
            Mode::Working | Mode::Gone => false,
            Mode::Draining { .. } => {
                let is_delivered = self.deliveries.is_empty() && is_told;
                let is_patient = self.patience_ends().is_none_or(|end| now < end);
                // A process that waits for a lost GPU inside the kernel may outlive its killing.
                let may_stay = |slot: &Slot| slot.has_lost_gpu && !is_patient;
                let mut slots = self.slots.iter();
                let is_off = slots.all(|slot| slot.is_off() || may_stay(slot));
                is_quiet && is_off && (is_delivered || !is_patient)
            }
            Mode::Stopping => is_told || !matches!(self.link, Link::Up(_)),
        };
        if is_over {
            let outputs = self.deliveries.len();
            if outputs > 0 {
                self.tell(Notice::Undelivered { outputs });
            }
            self.mode = Mode::Gone;
            self.effects.push(Effect::Exit(self.ending.clone()));
        }
    }

    pub(super) fn patience_ends(&self) -> Option<Duration> {
        match self.mode {
            Mode::Draining { quiet_since } => quiet_since.map(|since| since + DRAIN_PATIENCE),
            Mode::Working | Mode::Stopping | Mode::Gone => None,
        }
    }

    pub(super) fn drain(&mut self) {
        if self.mode == Mode::Working {
            self.mode = Mode::Draining { quiet_since: None };
            let handed_back = self.hand_back();
            self.stop_asking();
            self.tell(Notice::Draining { handed_back });
        }
    }

    /// The slot is no use any more and the others can finish: a worker that rendered on would never be
    /// started anew.
    pub(super) fn gpu_lost(&mut self, slot: SlotId, message: String) {
        let Some(lost) = self.slots.get_mut(usize::from(slot)) else {
            return;
        };
        if std::mem::replace(&mut lost.has_lost_gpu, true) {
            return;
        }
        self.tell(Notice::GpuLost {
            slot,
            message: message.clone(),
        });
        if self.ending == Ending::Wanted {
            self.ending = Ending::GpuLost { slot, message };
        }
        self.abandon(slot);
        self.drain();
    }

    /// Kills the slot's Blender and returns what it renders.
    fn abandon(&mut self, slot: SlotId) {
        let rendering = self.slots[usize::from(slot)].rendering();
        let grant = rendering.map(|rendering| rendering.grant);
        self.kill(slot);
        if let Some(grant) = grant {
            self.outbox
                .end(grant.attempt, Some(grant.frame), End::Returned);
        }
    }

    pub(super) fn stop_now(&mut self) {
        if matches!(self.mode, Mode::Stopping | Mode::Gone) {
            return;
        }
        self.mode = Mode::Stopping;
        self.hand_back();
        self.stop_asking();
        for id in 0..self.slots.len() {
            if self.slots[id].rendering().is_some() {
                self.abandon(id as SlotId);
            }
        }
    }

    /// Returns every task that has not started; answers how many.
    pub(super) fn hand_back(&mut self) -> usize {
        let grants = self
            .slots
            .iter_mut()
            .flat_map(|slot| slot.remove_all(|_| true));
        let grants: Vec<_> = grants.collect();
        for grant in &grants {
            self.outbox
                .end(grant.attempt, Some(grant.frame), End::Returned);
        }
        grants.len()
    }

    pub(super) fn stop_asking(&mut self) {
        for (id, slot) in (0..).zip(&mut self.slots) {
            if std::mem::take(&mut slot.is_asking) {
                self.effects.push(Effect::StopAsking { slot: id });
            }
        }
    }
}
