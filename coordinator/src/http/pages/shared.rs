//! What looks the same to several is made once for all of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, Weak};

use tokio::sync::Mutex;

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
