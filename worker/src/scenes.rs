//! The scene cache: blobs by their hash, and one directory per scene with hard links to them.
//!
//! ```text
//! <cache>/blobs/<hash>          whole, verified, read-only
//! <cache>/blobs/<hash>.part     a download that can go on where it stopped
//! <cache>/scenes/<content>/…    the scene's files under their own paths; its time is its last use
//! ```
//!
//! Owns everything below these two directories, the size limit and what is evicted. Knows nothing of
//! leases: who needs a scene pins it. Nothing that a manifest says is trusted: its paths are checked
//! here again and its bytes are hashed here again.

mod disk;
mod fetch;
mod paths;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::SceneManifest;

pub use fetch::FetchError;

/// So many cached scenes are named to the coordinator: more would not change what it gives.
const NAMED_MAX: usize = 64;

#[derive(Debug)]
pub struct Scenes {
    dir: PathBuf,
    limit_bytes: u64,
    /// Scenes that must not be evicted.
    pinned: Mutex<BTreeSet<BlobHash>>,
    /// Whole scenes, and when each was used last.
    whole: Mutex<HashMap<BlobHash, SystemTime>>,
    /// Blobs of scenes that are being fetched, each with a lock: it must not be evicted, and two
    /// scenes that share it must not download it at the same time.
    fetching: Mutex<HashMap<BlobHash, Arc<tokio::sync::Mutex<()>>>>,
}

impl Scenes {
    /// Opens the cache and clears away what an earlier start left half done.
    pub fn open(cache_dir: &Path, limit_bytes: u64) -> io::Result<Self> {
        let whole = disk::prepare(cache_dir)?;
        let scenes = Self {
            dir: cache_dir.to_owned(),
            limit_bytes,
            pinned: Mutex::default(),
            whole: Mutex::new(whole),
            fetching: Mutex::default(),
        };
        match scenes.make_room(0) {
            Err(FetchError::Disk(error)) => Err(error),
            Ok(()) | Err(_) => Ok(scenes),
        }
    }

    /// Where the .blend to open lies, once the scene is whole.
    pub fn main_path(&self, scene: &SceneManifest) -> PathBuf {
        self.scene_dir(scene.content).join(&scene.main)
    }

    /// Keeps the scene from being evicted; its fetch must find it pinned.
    pub fn pin(&self, content: BlobHash) {
        lock(&self.pinned).insert(content);
    }

    pub fn unpin(&self, content: BlobHash) {
        lock(&self.pinned).remove(&content);
    }

    /// Scenes that are here, the one used last first.
    pub fn cached(&self) -> Vec<BlobHash> {
        let whole = lock(&self.whole);
        let mut scenes: Vec<_> = whole
            .iter()
            .map(|(content, used)| (*used, *content))
            .collect();
        scenes.sort_unstable_by(|a, b| b.cmp(a));
        scenes
            .into_iter()
            .map(|(_, content)| content)
            .take(NAMED_MAX)
            .collect()
    }

    fn scene_dir(&self, content: BlobHash) -> PathBuf {
        self.dir.join("scenes").join(content.to_string())
    }

    fn blob_path(&self, hash: BlobHash) -> PathBuf {
        self.dir.join("blobs").join(hash.to_string())
    }

    fn is_whole(&self, scene: &SceneManifest) -> bool {
        // An owner may have cleared the cache by hand meanwhile.
        lock(&self.whole).contains_key(&scene.content) && self.main_path(scene).exists()
    }

    fn used(&self, content: BlobHash, now: SystemTime) {
        lock(&self.whole).insert(content, now);
        disk::touch(&self.scene_dir(content), now);
    }

    fn claim(&self, hash: BlobHash) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.fetching).entry(hash).or_default())
    }

    /// Ends the claims that nobody holds any more.
    fn release_claims(&self) {
        lock(&self.fetching).retain(|_, claim| Arc::strong_count(claim) > 1);
    }

    /// Evicts until `needed` more bytes fit: first what belongs to no scene, then the scene that was
    /// used longest ago.
    fn make_room(&self, needed: u64) -> Result<(), FetchError> {
        self.release_claims();
        let is_claimed = |hash| lock(&self.fetching).contains_key(&hash);
        loop {
            let used = disk::used_bytes(&self.dir).map_err(FetchError::Disk)?;
            if used + needed <= self.limit_bytes {
                return Ok(());
            }
            if disk::remove_unlinked(&self.dir, is_claimed).map_err(FetchError::Disk)? > 0 {
                continue;
            }
            let Some(victim) = self.least_recently_used() else {
                return Err(FetchError::CacheFull {
                    needed,
                    limit: self.limit_bytes,
                });
            };
            lock(&self.whole).remove(&victim);
            fs::remove_dir_all(self.scene_dir(victim)).map_err(FetchError::Disk)?;
            tracing::debug!(scene = %victim, "evicted from the cache");
        }
    }

    fn least_recently_used(&self) -> Option<BlobHash> {
        let pinned = lock(&self.pinned);
        let whole = lock(&self.whole);
        let free = whole
            .iter()
            .filter(|(content, _)| !pinned.contains(content));
        free.min_by_key(|(_, used)| **used)
            .map(|(content, _)| *content)
    }
}

/// The maps hold no invariant that a panic could break in the middle.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
