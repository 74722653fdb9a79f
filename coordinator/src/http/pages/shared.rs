//! What looks the same to everybody is made once for all of them.

use std::sync::Arc;

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

#[cfg(test)]
mod tests {
    use super::*;

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
