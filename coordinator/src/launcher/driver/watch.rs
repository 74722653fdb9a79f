//! Keeping what is seen of the hosts up to date.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::tell::chain;
use super::{Done, Driver, random};
use crate::launcher::backoff;
use crate::launcher::hosts::{DockerHost, HostError, Prepared};
use crate::launcher::model::{Container, HostId, Sight};
use crate::launcher::recipe::Making;

/// A connection for events that broke is made anew so soon.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);
/// Where nothing is pulled, the tag may still be given to another image by hand.
const RESOLVE_EVERY: Duration = Duration::from_secs(3_600);

/// What is known of a host beside what [`Fleet`] sees of it.
pub(super) struct HostState {
    pub(super) host: Arc<DockerHost>,
    /// Grows whenever something is done there.
    epoch: u64,
    is_looking: bool,
    /// Something happened while it was being looked at.
    look_again: bool,
    is_preparing: bool,
    prepare_at: Instant,
    failures: u32,
    /// Empty until the host is prepared; before, nothing is decided about it.
    pub(super) places: Option<BTreeMap<u16, Making>>,
}

impl HostState {
    pub(super) fn new(host: DockerHost) -> Self {
        Self {
            host: Arc::new(host),
            epoch: 0,
            is_looking: false,
            look_again: false,
            is_preparing: false,
            prepare_at: Instant::now(),
            failures: 0,
            places: None,
        }
    }
}

impl Driver {
    pub(super) fn prepare_if_due(&mut self, id: HostId) {
        let may_pull = self.config.pull_every.is_some();
        let Some(state) = self.hosts.get_mut(&id) else {
            return;
        };
        if state.is_preparing || Instant::now() < state.prepare_at {
            return;
        }
        state.is_preparing = true;
        let host = Arc::clone(&state.host);
        // What is there already is looked at first: a pull may take long, and may fail.
        let pulls = may_pull && (state.places.is_some() || state.failures > 0);
        self.tasks.spawn(async move {
            let mut was_pulled = false;
            if pulls {
                match host.pull().await {
                    Ok(()) => was_pulled = true,
                    Err(error) => {
                        tracing::warn!(host = %host.address, error = chain(&error), "the image is not pulled; what is there stays");
                    }
                }
            }
            let found = host.prepare().await;
            Done::Prepared { host: id, found, was_pulled }
        });
    }

    pub(super) fn look(&mut self, id: HostId) {
        let Some(state) = self.hosts.get_mut(&id) else {
            return;
        };
        if state.is_looking {
            state.look_again = true;
            return;
        }
        state.is_looking = true;
        state.look_again = false;
        let (host, epoch) = (Arc::clone(&state.host), state.epoch);
        self.tasks.spawn(async move {
            let found = host.look().await;
            Done::Looked {
                host: id,
                epoch,
                found,
            }
        });
    }

    pub(super) fn take_look(
        &mut self,
        id: HostId,
        epoch: u64,
        found: Result<Vec<Container>, HostError>,
    ) {
        let (Some(state), Some(seen)) = (self.hosts.get_mut(&id), self.seen.hosts.get_mut(&id))
        else {
            return;
        };
        state.is_looking = false;
        let is_outdated = state.epoch != epoch;
        match found {
            Ok(_) if is_outdated => {}
            Ok(containers) => {
                seen.containers = containers;
                // At the end nothing is placed any more.
                seen.sight = if state.places.is_some() || self.fleet.is_stopping() {
                    Sight::Current
                } else {
                    Sight::Silent
                };
            }
            Err(error) => {
                if seen.sight != Sight::Silent {
                    tracing::warn!(host = %state.host.address, error = chain(&error), "the host is silent");
                }
                seen.sight = Sight::Silent;
            }
        }
        if is_outdated || state.look_again {
            self.look(id);
        }
    }

    pub(super) fn take_prepared(
        &mut self,
        id: HostId,
        found: Result<Prepared, HostError>,
        was_pulled: bool,
    ) {
        let (Some(state), Some(seen)) = (self.hosts.get_mut(&id), self.seen.hosts.get_mut(&id))
        else {
            return;
        };
        state.is_preparing = false;
        match found {
            Ok(prepared) => {
                let is_first = state.places.is_none();
                state.failures = 0;
                let wait = match self.config.pull_every {
                    // What was there is known; now what is newer.
                    Some(_) if is_first && !was_pulled => Duration::ZERO,
                    Some(every) => every,
                    None => RESOLVE_EVERY,
                };
                state.prepare_at = Instant::now() + wait;
                if is_first {
                    let (host, places) = (&state.host.address, prepared.places.len());
                    tracing::info!(%host, image = %prepared.image, places, "the host is ready");
                }
                let recipe = |making: &Making| making.recipe();
                let places = prepared.places.iter();
                seen.places = places
                    .map(|(&number, making)| (number, recipe(making)))
                    .collect();
                seen.image = Some(prepared.image);
                state.places = Some(prepared.places);
                self.look(id);
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                let wait = backoff::delay(state.failures, random());
                state.prepare_at = Instant::now() + wait;
                tracing::warn!(host = %state.host.address, error = chain(&error), "the host is not ready");
            }
        }
    }

    /// What was seen of a host is not so any more.
    pub(super) fn touch(&mut self, id: HostId) {
        let seen = self.seen.hosts.get_mut(&id);
        if let (Some(state), Some(seen)) = (self.hosts.get_mut(&id), seen) {
            state.epoch += 1;
            if seen.sight == Sight::Current {
                seen.sight = Sight::Stale;
            }
        }
    }
}

/// Rings whenever something happens to a container of the host.
pub(super) async fn listen(host: Arc<DockerHost>, happened: mpsc::Sender<HostId>) {
    loop {
        if let Ok(events) = host.events().await {
            let mut events = std::pin::pin!(events);
            while events.next().await.is_some() {
                if happened.send(host.id).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}
