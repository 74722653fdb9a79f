//! Commits that reach the disk together.
//!
//! With `synchronous = FULL` SQLite waits for the disk at every commit, and everybody who wants to write waits
//! along. Here it writes a commit to the write-ahead log and goes on (`synchronous = NORMAL`); whoever committed
//! waits until the log was synced after that. One sync serves all that committed before it began, and meanwhile
//! the next ones write: with 64 writers at once, a few hundred commits cost a dozen syncs.
//!
//! The log is in order, so a commit is never on the disk without those that it builds on. A checkpoint syncs the log
//! before it copies from it, and the database before the log is used again, so what was synced once stays.
//! After a sync that failed no later one proves anything about the pages of that one, so nothing is acknowledged
//! any more until the program starts anew and reads what the disk has.
//! Others may see a commit some milliseconds before it survives a power cut; nobody is told that it was made.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::StoreError;

/// The write-ahead log of an open database.
#[derive(Debug)]
pub(super) struct WalFile {
    path: PathBuf,
    /// So many commits were written, and so many of them are on the disk.
    written: AtomicU64,
    durable: AtomicU64,
    is_broken: AtomicBool,
    /// Held by whoever syncs.
    syncing: Mutex<()>,
    #[cfg(test)]
    syncs: AtomicU64,
}

impl WalFile {
    /// The log of the database at `path`, which was migrated: so the log is there, and its name is made durable.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(Self {
            path: name.into(),
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            is_broken: AtomicBool::new(false),
            syncing: Mutex::new(()),
            #[cfg(test)]
            syncs: AtomicU64::new(0),
        })
    }

    /// Waits until a commit that was written just now is on the disk.
    pub(super) async fn make_durable(&self) -> Result<(), StoreError> {
        let commit = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let _syncing = self.syncing.lock().await;
        if self.durable.load(Ordering::SeqCst) >= commit {
            return Ok(());
        }
        if self.is_broken.load(Ordering::SeqCst) {
            let why = io::Error::other("an earlier sync failed: start the coordinator anew");
            return Err(StoreError::NotDurable(why));
        }
        let written = self.written.load(Ordering::SeqCst);
        let path = self.path.clone();
        let synced = tokio::task::spawn_blocking(move || File::open(path)?.sync_data()).await;
        #[cfg(test)]
        self.syncs.fetch_add(1, Ordering::SeqCst);
        match synced.unwrap_or_else(|panicked| Err(panicked.into())) {
            Ok(()) => {
                self.durable.store(written, Ordering::SeqCst);
                Ok(())
            }
            Err(error) => {
                self.is_broken.store(true, Ordering::SeqCst);
                Err(StoreError::NotDurable(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinSet;

    use super::*;

    fn a_log() -> (tempfile::TempDir, Arc<WalFile>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.db");
        std::fs::write(folder.path().join("books.db-wal"), "frames").unwrap();
        let wal = Arc::new(WalFile::of(&path).unwrap());
        (folder, wal)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn commits_at_once_share_syncs_and_each_has_one_after_it() {
        let (_folder, wal) = a_log();
        let mut committing = JoinSet::new();
        for _ in 0..64 {
            let wal = Arc::clone(&wal);
            committing.spawn(async move {
                let before = wal.written.load(Ordering::SeqCst);
                wal.make_durable().await.unwrap();
                assert!(wal.durable.load(Ordering::SeqCst) > before);
            });
        }
        committing.join_all().await;
        assert_eq!(wal.durable.load(Ordering::SeqCst), 64);
        assert!(wal.syncs.load(Ordering::SeqCst) < 64);
        wal.make_durable().await.unwrap();
        assert_eq!(wal.durable.load(Ordering::SeqCst), 65);
    }

    #[tokio::test]
    async fn a_commit_that_cannot_be_synced_is_not_acknowledged() {
        let (folder, wal) = a_log();
        std::fs::remove_file(folder.path().join("books.db-wal")).unwrap();
        let refused = wal.make_durable().await.unwrap_err();
        assert!(matches!(refused, StoreError::NotDurable(_)), "{refused}");
        // Even if the disk works again: what was lost stays lost.
        std::fs::write(folder.path().join("books.db-wal"), "frames").unwrap();
        wal.make_durable().await.unwrap_err();
        assert_eq!(wal.durable.load(Ordering::SeqCst), 0);
    }
}
