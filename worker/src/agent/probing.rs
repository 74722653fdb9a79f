//! Probe renders: when they are started, what their results change, and how the coordinator hears of it.

use std::time::Duration;

use pictor_protocol::agent::RenderFault;
use pictor_protocol::blender::Series;

use super::ability::{Found, Probe};
use super::effect::{Effect, Notice};
use super::{Agent, Link, Mode, SlotId};

impl Agent {
    pub(super) fn probed(&mut self, slot: SlotId, probe: Probe, found: Found) {
        let id = slot;
        let Some(slot) = self.slots.get_mut(usize::from(slot)) else {
            return;
        };
        let notice = Notice::Proven {
            slot: id,
            probe,
            can: found.can.clone(),
            score: found.score,
        };
        let was_usable = slot.ability.usable().next().is_some();
        slot.ability.found(probe, found);
        if !was_usable {
            slot.can_work_now();
        }
        let is_none = slot.ability.is_none();
        let is_lost =
            !slot.ability.is_usable(probe.runtime) && !slot.ability.is_undecided(probe.runtime);
        let grants = if is_lost {
            slot.remove_all(|order| order.runtime == probe.runtime)
        } else {
            Vec::new()
        };
        for grant in grants {
            let message = unusable(probe.runtime);
            self.fail(grant, RenderFault::DeviceMissing, message);
        }
        self.tell(notice);
        if is_none {
            self.tell(Notice::NothingWorks { slot: id });
        }
        self.has_news = true;
    }

    /// One probe at a time in each slot.
    pub(super) fn advance_probes(&mut self, now: Duration) {
        if self.mode != Mode::Working {
            return;
        }
        for (id, slot) in (0..).zip(&mut self.slots) {
            let Some((at, probe)) = slot.next_probe() else {
                continue;
            };
            if at <= now {
                let keep = slot.starts_ahead(now, self.idle_blender);
                let order = slot.ability.start(probe, keep);
                self.effects.push(Effect::Probe { slot: id, order });
            }
        }
    }

    /// Says hello again, without holding up anything else.
    pub(super) fn advance_news(&mut self) {
        if self.has_news && matches!(self.link, Link::Up(_)) {
            self.say_hello();
        }
    }

    /// One at a time, so that an older one cannot arrive last.
    pub(super) fn say_hello(&mut self) {
        if std::mem::replace(&mut self.is_greeting, true) {
            return;
        }
        self.has_news = false;
        let journal = self.deliveries.keys().copied().collect();
        let slots = self.slots.iter().map(|slot| slot.ability.told()).collect();
        self.effects.push(Effect::Greet {
            journal,
            slots,
            installs: self.installs.clone(),
        });
    }
}

pub(super) fn unusable(runtime: Series) -> String {
    format!("Blender {runtime} renders nothing on this slot: its probe renders failed")
}
