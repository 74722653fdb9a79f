//! What looks the same to several is made once for all of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::bells::Ear;
use crate::http::problem::Result;

/// The latest of something, and what it was made of: as long as that is the same, so is it.
#[derive(Debug)]
pub struct Shared<K, T>(Mutex<Option<(K, Arc<T>)>>);

impl<K, T> Default for Shared<K, T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: PartialEq, T> Shared<K, T> {
    /// What there is of that key; whoever asks first makes it, and everybody else waits for that.
    pub async fn of(&self, key: K, make: impl AsyncFnOnce() -> Result<T>) -> Result<Arc<T>> {
        let mut kept = self.0.lock().await;
        if let Some((known, made)) = &*kept
            && *known == key
        {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(make().await?);
        *kept = Some((key, Arc::clone(&made)));
        Ok(made)
    }
}

/// What several look at until it changes: whoever comes first looks for all of them.
#[derive(Debug)]
pub struct Watched<T>(Mutex<LastLook<T>>);

#[derive(Debug)]
struct LastLook<T> {
    /// Rings when something may have changed.
    ear: Ear,
    /// When the look began, for it may lack what came later; and what was found.
    found: Option<(Instant, T)>,
    at_most_every: Duration,
}

impl<T: Clone> Watched<T> {
    pub fn new(ear: Ear, at_most_every: Duration) -> Self {
        Self(Mutex::new(LastLook {
            ear,
            found: None,
            at_most_every,
        }))
    }

    /// What was found last, if nothing rang since and it is at most so old; else what `look` finds, which is given
    /// what was found last. Nothing once it finds nothing.
    pub async fn look(
        &self,
        age: Duration,
        look: impl AsyncFnOnce(Option<&T>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let asked = Instant::now();
        let mut last = self.0.lock().await;
        let rang = last.ear.has_heard();
        if let Some((at, found)) = &last.found {
            if !rang && asked <= *at + age {
                return Ok(Some(found.clone()));
            }
            tokio::time::sleep_until(*at + last.at_most_every).await;
        }
        // What rings from here on is news again.
        last.ear.has_heard();
        let began = Instant::now();
        let before = last.found.take().map(|(_, found)| found);
        let found = look(before.as_ref()).await?;
        last.found = found.clone().map(|found| (began, found));
        Ok(found)
    }
}

/// Things by key, each as long as somebody has it.
#[derive(Debug)]
pub struct Held<K, T>(std::sync::Mutex<HashMap<K, Weak<T>>>);

impl<K, T> Default for Held<K, T> {
    fn default() -> Self {
        Self(std::sync::Mutex::default())
    }
}

impl<K: Hash + Eq, T> Held<K, T> {
    /// The one of that key, made by whoever is the first to want it.
    pub fn of(&self, key: K, make: impl FnOnce() -> T) -> Arc<T> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = held.get(&key).and_then(Weak::upgrade) {
            return found;
        }
        // What nobody has is a few bytes, and is cleared away before it is many.
        if held.len() >= held.capacity() {
            held.retain(|_, thing| thing.strong_count() > 0);
        }
        let made = Arc::new(make());
        held.insert(key, Arc::downgrade(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bells::Bell;

    #[test]
    fn those_of_one_key_have_the_same_and_nothing_outlives_them() {
        let held = Held::default();
        let one = held.of(1, || "one");
        assert!(Arc::ptr_eq(&one, &held.of(1, || "another")));
        drop(one);
        assert_eq!(*held.of(1, || "a new one"), "a new one");
        for key in 0..10_000 {
            held.of(key, || "one of many");
        }
        assert!(held.0.lock().unwrap().len() < 100);
    }

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn one_looks_for_all_until_it_rings_or_is_too_old() {
        let bell = Bell::default();
        let watched = Watched::new(bell.listen(), Duration::ZERO);
        let next = async |last: Option<&u32>| Ok(Some(last.map_or(1, |last| *last + 1)));
        let look = |age| watched.look(age, &next);
        assert_eq!(look(LONG).await.unwrap(), Some(1));
        assert_eq!(look(LONG).await.unwrap(), Some(1));
        bell.ring();
        bell.ring();
        assert_eq!(look(LONG).await.unwrap(), Some(2));
        assert_eq!(look(LONG).await.unwrap(), Some(2));
        assert_eq!(look(Duration::ZERO).await.unwrap(), Some(3), "older");
    }

    #[tokio::test]
    async fn what_rings_while_somebody_looks_is_looked_at_again() {
        let bell = Bell::default();
        let watched = Watched::new(bell.listen(), Duration::ZERO);
        let first = watched.look(LONG, async |_| {
            bell.ring();
            Ok(Some(1))
        });
        assert_eq!(first.await.unwrap(), Some(1));
        let second = watched.look(LONG, async |_| Ok(Some(2)));
        assert_eq!(second.await.unwrap(), Some(2));
    }

    #[tokio::test]
    async fn looks_are_no_nearer_to_each_other_than_agreed() {
        let bell = Bell::default();
        let apart = Duration::from_millis(30);
        let watched = Watched::new(bell.listen(), apart);
        let began = Instant::now();
        for number in 0..3 {
            bell.ring();
            watched
                .look(LONG, async |_| Ok(Some(number)))
                .await
                .unwrap();
        }
        assert!(began.elapsed() >= apart * 2);
    }

    #[tokio::test]
    async fn it_is_made_once_for_each_key() {
        let shared = Shared::default();
        let mut made = 0;
        for key in [1, 1, 2, 2, 2] {
            let found = shared.of(key, async || {
                made += 1;
                Ok(key * 10)
            });
            assert_eq!(*found.await.unwrap(), key * 10);
        }
        assert_eq!(made, 2);
    }
}
