//! What the coordinator says to the agent: welcome, leases, commands; and the scenes that come with
//! a lease.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::{AttemptRef, Command, Lease, RenderFault, Welcome};
use pictor_protocol::blender::Series;

use super::effect::{Effect, Notice, Order};
use super::outbox::End;
use super::probing::unusable;
use super::slot::Batch;
use super::{Agent, Link, Mode, SlotId};

impl Agent {
    pub(super) fn greet(&mut self) {
        if !matches!(self.link, Link::Greeting) {
            self.link = Link::Greeting;
            self.say_hello();
        }
    }

    pub(super) fn welcomed(&mut self, now: Duration, welcome: Welcome) {
        self.is_greeting = false;
        if !matches!(self.link, Link::Up(_)) {
            self.tell(Notice::Connected {
                name: welcome.name.clone(),
                version: welcome.version.clone(),
            });
        }
        let commands = welcome.commands.clone();
        self.link = Link::Up(welcome);
        self.outbox.connected();
        self.start_leftovers();
        commands
            .into_iter()
            .for_each(|command| self.commanded(now, command));
    }

    pub(super) fn asked(&mut self, slot: SlotId) {
        if let Some(slot) = self.slots.get_mut(usize::from(slot)) {
            slot.is_asking = false;
        }
    }

    pub(super) fn leased(&mut self, now: Duration, slot: SlotId, lease: Lease) {
        self.asked(slot);
        let (order, mut grants) = Order::split(lease);
        grants.retain(|grant| !self.knows(grant.attempt));
        if grants.is_empty() {
            return;
        }
        if self.mode != Mode::Working || usize::from(slot) >= self.slots.len() {
            for grant in grants {
                self.outbox
                    .end(grant.attempt, Some(grant.frame), End::Returned);
            }
            return;
        }
        let (job, frames, runtime) = (order.job, grants.len(), order.runtime);
        self.tell(Notice::LeaseTaken {
            slot,
            job,
            frames,
            runtime,
        });
        if let Some((fault, message)) = self.refusal(slot, runtime) {
            for grant in grants {
                self.fail(grant, fault, message.clone());
            }
            return;
        }
        if self.held().next().is_none() {
            self.outbox.renewed(now);
        }
        let tasks = VecDeque::from(grants);
        let batch = Batch {
            order: Arc::new(order),
            tasks,
        };
        self.slots[usize::from(slot)].queue.push_back(batch);
    }

    /// Why nothing can be rendered with this runtime on this slot, if that is known.
    fn refusal(&self, slot: SlotId, runtime: Series) -> Option<(RenderFault, String)> {
        let ability = &self.slots[usize::from(slot)].ability;
        if !ability.is_installed(runtime) {
            let message = format!("Blender {runtime} is not installed on this worker");
            return Some((RenderFault::Other, message));
        }
        let is_hopeless = !ability.is_usable(runtime) && !ability.is_undecided(runtime);
        is_hopeless.then(|| (RenderFault::DeviceMissing, unusable(runtime)))
    }

    fn knows(&self, attempt: AttemptRef) -> bool {
        self.outbox.has(attempt)
            || self.outbox.is_settled(attempt)
            || self.held().any(|held| held == attempt)
    }

    pub(super) fn commanded(&mut self, now: Duration, command: Command) {
        match command {
            Command::Stop { attempt } => self.stop(attempt),
            // The coordinator decides when there is work again, so the worker goes on asking.
            Command::Drain => {
                let handed_back = self.hand_back();
                if handed_back > 0 {
                    self.tell(Notice::Draining { handed_back });
                }
            }
            Command::Install { series } => self.install(now, series),
            Command::Challenge { challenge, slot } => self.challenged(slot, challenge),
            Command::Unknown => {}
        }
    }

    /// Stops this attempt and nothing else, wherever it is; what has ended already stays ended.
    fn stop(&mut self, attempt: AttemptRef) {
        if self.outbox.has(attempt) || self.outbox.is_settled(attempt) {
            return;
        }
        if self.deliveries.remove(&attempt).is_some() {
            self.effects.push(Effect::Discard { attempt });
        } else {
            self.drop_unrendered(attempt);
        }
        // Even one never heard of is reported, else its command would be repeated for ever.
        self.outbox.end(attempt, None, End::Stopped);
        self.tell(Notice::Stopped { attempt });
    }

    /// The coordinator gave the attempt to somebody else. A picture that is rendered is handed in
    /// all the same: it may still be the first.
    pub(super) fn lose(&mut self, attempt: AttemptRef) {
        if self.drop_unrendered(attempt) {
            self.outbox.forget(attempt);
            self.tell(Notice::Lost { attempt });
        }
    }

    fn drop_unrendered(&mut self, attempt: AttemptRef) -> bool {
        if self
            .slots
            .iter_mut()
            .any(|slot| slot.remove(attempt).is_some())
        {
            return true;
        }
        let renders = |slot: &super::Slot| {
            slot.rendering()
                .is_some_and(|rendering| rendering.grant.attempt == attempt)
        };
        let slot = self.slots.iter().position(renders);
        if let Some(slot) = slot {
            self.kill(slot as SlotId);
        }
        slot.is_some()
    }

    pub(super) fn scene_ready(&mut self, content: BlobHash) {
        if let Some(is_ready) = self.scenes.get_mut(&content) {
            *is_ready = true;
        }
    }

    pub(super) fn scene_failed(&mut self, content: BlobHash, message: &str) {
        if self.scenes.get(&content) != Some(&false) {
            return;
        }
        let pick = |order: &Order| order.scene.content == content;
        let grants = self.slots.iter_mut().flat_map(|slot| slot.remove_all(pick));
        for grant in grants.collect::<Vec<_>>() {
            self.fail(grant, RenderFault::SceneUnavailable, message.to_owned());
        }
    }
}
