//! What the last look at the world says of what happened.

use std::time::Duration;

use pictor_protocol::worker::Presence;

use super::{Fleet, all_containers};
use crate::launcher::backoff;
use crate::launcher::ending::Judged;
use crate::launcher::model::{
    Container, ContainerId, ContainerState, HostId, Image, Notice, Place, Seen, Sight,
};

/// What the coordinator and a host say of a worker is not of the same moment; a worker that belongs to nobody
/// for so long does.
const ORPHAN_AFTER: Duration = Duration::from_secs(180);

impl Fleet {
    /// Takes note of what happened since the last look.
    pub(super) fn learn(&mut self, seen: &Seen, now: Duration, random: &mut dyn FnMut() -> f64) {
        for (&id, host) in seen.hosts.iter().filter(|(_, host)| host.is_current()) {
            self.settling.retain(|place| place.host != id);
            for container in &host.containers {
                self.learn_container(seen, id, container, now, random);
            }
            let is_rolling = self.roll.as_ref().is_some_and(|roll| roll.place.host == id);
            let is_new = |image: &Image| !self.rejected.contains(image);
            if host.containers.is_empty() && !is_rolling && host.image.as_ref().is_some_and(is_new)
            {
                // Nothing is there that a new image could break.
                self.trusted.remove(&id);
            }
        }
        if seen.hosts.values().all(|host| host.is_current()) {
            let there = |id: &ContainerId| all_containers(seen).any(|(_, there)| there.id == *id);
            self.leaving.retain(|id, _| there(id));
        }
        self.resting
            .retain(|_, (_, until)| now < *until + backoff::MOST);
        self.find_orphans(seen, now);
    }

    fn learn_container(
        &mut self,
        seen: &Seen,
        host: HostId,
        container: &Container,
        now: Duration,
        random: &mut dyn FnMut() -> f64,
    ) {
        let Some(number) = container.number else {
            return;
        };
        let place = Place { host, number };
        match &container.state {
            ContainerState::Running => {
                let coordinator = seen.coordinator.as_ref();
                if coordinator.is_some_and(|c| c.is_online(container.worker)) {
                    self.record(place).is_well();
                    let trusted = self.trusted.entry(host);
                    trusted.or_insert_with(|| container.image.clone());
                }
            }
            ContainerState::Ended(end) => {
                if self.leaving.contains_key(&container.id) || self.is_stopping {
                    return;
                }
                let code = end.code;
                let judged = self.record(place).ended(&container.id, end, now, random());
                match judged {
                    Judged::Known => {}
                    Judged::Again { after: again_in } => self.notices.push(Notice::Ended {
                        place,
                        code,
                        again_in,
                    }),
                    Judged::GaveUp { again_in } => self.notices.push(Notice::GaveUp {
                        place,
                        code,
                        again_in,
                    }),
                }
            }
            ContainerState::Created | ContainerState::Going => {}
        }
    }

    /// Workers with a name that only this launcher gives, without a container that could be theirs: it was
    /// interrupted between enrolling and creating, or a container was removed by hand.
    fn find_orphans(&mut self, seen: &Seen, now: Duration) {
        let Some(coordinator) = &seen.coordinator else {
            return;
        };
        let before = std::mem::take(&mut self.orphans);
        for (&id, worker) in &coordinator.workers {
            let Some(place) = worker.place else { continue };
            let host = seen.hosts.get(&place.host);
            let is_known = host.is_some_and(|host| host.sight != Sight::Silent);
            let is_idle = matches!(worker.presence, Presence::New | Presence::Offline);
            let is_used = all_containers(seen).any(|(_, container)| container.worker == Some(id));
            if is_known && is_idle && !is_used && !self.is_at_work(place) {
                let since = before.get(&id).copied().unwrap_or(now);
                if now.saturating_sub(since) >= ORPHAN_AFTER {
                    self.retiring.insert(id);
                } else {
                    self.orphans.insert(id, since);
                }
            }
        }
    }
}
