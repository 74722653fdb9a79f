//! Bells wake held requests when something may have changed. They carry no news: whoever is woken reads
//! the database, so a lost or a needless ring does no harm, and several coordinators can later ring each
//! other through the database.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::select_all;
use pictor_protocol::{JobId, UserId, WorkerId};
use tokio::sync::watch;

/// Every bell of a coordinator.
#[derive(Debug, Default)]
pub struct Bells {
    /// There may be frames to hand out.
    pub work: Bell,
    /// There may be a command for a worker.
    pub commands: Belfry<WorkerId>,
    /// Something about a job or its frames changed.
    pub jobs: Belfry<JobId>,
    /// A worker of somebody's said something, or was changed.
    pub owners: Belfry<UserId>,
}

#[derive(Debug)]
pub struct Bell(watch::Sender<()>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Bell {
    pub fn ring(&self) {
        self.0.send_replace(());
    }

    /// Listens from now on; subscribe before reading what the bell tells of.
    pub fn listen(&self) -> Ear {
        Ear(vec![self.0.subscribe()])
    }
}

/// A bell per key; one that nobody listens to takes no room.
#[derive(Debug)]
pub struct Belfry<K>(Mutex<HashMap<K, watch::Sender<()>>>);

impl<K> Default for Belfry<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq> Belfry<K> {
    pub fn ring(&self, key: K) {
        let mut bells = self.lock();
        if let Some(bell) = bells.get(&key) {
            if bell.receiver_count() == 0 {
                bells.remove(&key);
            } else {
                bell.send_replace(());
            }
        }
    }

    /// Listens from now on; subscribe before reading what the bell tells of.
    pub fn listen(&self, key: K) -> Ear {
        let mut bells = self.lock();
        // The number of bells is bounded by the keys that were listened to since the last sweep.
        if bells.len() > 1_024 {
            bells.retain(|_, bell| bell.receiver_count() > 0);
        }
        let bell = bells.entry(key);
        let bell = bell.or_insert_with(|| watch::Sender::new(()));
        Ear(vec![bell.subscribe()])
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears a bell, or several.
#[derive(Debug)]
pub struct Ear(Vec<watch::Receiver<()>>);

impl Ear {
    /// Hears whichever of them rings; without one, nothing.
    pub fn of_any(ears: impl IntoIterator<Item = Self>) -> Self {
        Self(ears.into_iter().flat_map(|ear| ear.0).collect())
    }

    /// Waits for a ring since the last call, or since listening began. Cancel safe.
    pub async fn heard(&mut self) {
        if self.0.is_empty() {
            std::future::pending::<()>().await;
        }
        let rings = self.0.iter_mut().map(|bell| {
            Box::pin(async {
                if bell.changed().await.is_err() {
                    // The bell was taken down: a new one hangs where it was, but this ear will not hear it.
                    std::future::pending::<()>().await;
                }
            })
        });
        pin!(select_all(rings)).await;
    }

    /// Whether it rang since the last call, or since listening began.
    pub fn has_heard(&mut self) -> bool {
        let mut heard = false;
        for bell in &mut self.0 {
            heard |= bell.has_changed().unwrap_or(false);
            bell.mark_unchanged();
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ring_before_waiting_is_heard() {
        let bells = Belfry::default();
        let mut ear = bells.listen(1);
        bells.ring(1);
        bells.ring(2);
        ear.heard().await;
    }

    #[tokio::test]
    async fn one_ear_hears_any_of_several_bells_and_nobody_hears_none() {
        let bells = Belfry::default();
        let mut ear = Ear::of_any([bells.listen(1), bells.listen(2)]);
        for key in [2, 1, 1] {
            bells.ring(key);
            ear.heard().await;
        }
        let mut deaf = Ear::of_any([]);
        let soon = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, deaf.heard()).await.is_err());
        assert!(tokio::time::timeout(soon, ear.heard()).await.is_err());
    }

    #[test]
    fn a_ring_is_heard_once() {
        let bell = Bell::default();
        let mut ear = bell.listen();
        assert!(!ear.has_heard());
        bell.ring();
        assert!(ear.has_heard() && !ear.has_heard());
    }

    #[test]
    fn bells_that_nobody_hears_are_taken_down() {
        let bells = Belfry::default();
        drop(bells.listen(1));
        bells.ring(1);
        assert!(bells.lock().is_empty());
    }
}
