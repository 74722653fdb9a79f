//! The one connection that writes to SQLite, and the transactions on it.
//!
//! Each statement travels to the connection's own thread and back, and while the machine is half idle, waking the
//! two takes longer than what most statements do. So a transaction makes few journeys: what changes something and
//! needs no answer (`defer!`) travels with the commit, and the connection is in no pool, since a pool asks after each
//! use whether the connection is still there, while the next one waits.
//!
//! ```text
//!  BEGIN IMMEDIATE ─► a statement ─► … ─► a statement that was put off; COMMIT
//! ```
//!
//! Whoever is cancelled leaves a statement behind that may yet run. Statements run in the order in which they were
//! asked for, so the ROLLBACK that follows undoes it before anybody else's.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
use tokio::time::timeout;

use super::Result;
use super::durable::WalFile;

/// How long somebody waits for the others before them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who wants to write waits here, first come, first served.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    /// None once it is closed.
    connection: Arc<Mutex<Option<SqliteConnection>>>,
    wal: Arc<WalFile>,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, wal: WalFile) -> Self {
        Self {
            connection: Arc::new(Mutex::new(Some(connection))),
            wal: Arc::new(wal),
        }
    }

    pub(super) async fn transaction(&self) -> Result<Transaction> {
        let free = timeout(PATIENCE, Arc::clone(&self.connection).lock_owned()).await;
        let connection = free.map_err(|_elapsed| sqlx::Error::PoolTimedOut)?;
        let connection = OwnedMutexGuard::try_map(connection, Option::as_mut);
        let mut transaction = Transaction {
            connection: connection.map_err(|_none| sqlx::Error::PoolClosed)?,
            wal: Arc::clone(&self.wal),
            phase: Phase::Torn,
            deferred: None,
        };
        let begin = sqlx::query("BEGIN IMMEDIATE");
        begin.execute(&mut *transaction.connection).await?;
        transaction.phase = Phase::Whole;
        Ok(transaction)
    }

    /// Waits for those who write, and closes the file.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            // What was acknowledged is on the disk; the next one who opens the database tidies up.
            let _unclosed = connection.close().await;
        }
    }
}

/// Nobody else writes as long as this is there. Dropped without a commit it changes nothing.
pub(super) struct Transaction {
    connection: OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>,
    wal: Arc<WalFile>,
    phase: Phase,
    deferred: Option<Deferred>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Whole,
    /// It was not heard to begin, or a statement that was put off failed or was cancelled. Nothing is committed.
    Torn,
    Committed,
}

/// A statement that waits for the next one, or for the commit.
pub(super) struct Deferred {
    pub(super) alone: &'static str,
    pub(super) and_commit: &'static str,
    pub(super) arguments: SqliteArguments,
}

impl Transaction {
    /// Where a statement runs, after the one that was put off.
    pub(super) async fn connection(&mut self) -> Result<&mut SqliteConnection> {
        if let Some(deferred) = self.deferred.take() {
            self.phase = Phase::Torn;
            let statement = sqlx::query_with(deferred.alone, deferred.arguments);
            statement.execute(&mut *self.connection).await?;
            self.phase = Phase::Whole;
        }
        Ok(&mut self.connection)
    }

    /// Puts a statement off, after [`Self::connection`].
    pub(super) fn defer(&mut self, statement: Deferred) {
        self.deferred = Some(statement);
    }

    /// When this returns, what was changed is on the disk.
    pub(super) async fn commit(mut self) -> Result<()> {
        if self.phase == Phase::Torn {
            let why = "a statement that was put off failed or was cancelled";
            return Err(sqlx::Error::Protocol(why.into()).into());
        }
        let commit = match self.deferred.take() {
            None => sqlx::query("COMMIT"),
            Some(last) => sqlx::query_with(last.and_commit, last.arguments),
        };
        commit.execute(&mut *self.connection).await?;
        self.phase = Phase::Committed;
        let wal = Arc::clone(&self.wal);
        // The next one writes while this one waits for the disk.
        drop(self);
        wal.make_durable().await
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.phase != Phase::Committed {
            // The first poll puts it into the connection's queue, before whatever the next one asks for. Nobody needs
            // to wait for it, and it is refused if nothing had begun, or if it was committed after all.
            let rollback = sqlx::query("ROLLBACK").execute(&mut *self.connection);
            let _answer = rollback.now_or_never();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use futures_util::poll;

    use super::super::{Store, StoreError, Tx};
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_is_dropped_changes_nothing_and_locks_nobody_out() {
        let notes = Notes::open().await;
        let mut tx = notes.store.write().await.unwrap();
        insert(&mut tx, 1).await.unwrap();
        drop(tx);
        let mut tx = notes.store.write().await.unwrap();
        insert_later(&mut tx, 2).await.unwrap();
        drop(tx);
        // Another process, which does not wait its turn here.
        let elsewhere = Store::open_sqlite(&notes.path).await.unwrap();
        let mut tx = elsewhere.write().await.unwrap();
        insert(&mut tx, 3).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(notes.numbers().await, [3]);
    }

    #[tokio::test]
    async fn a_transaction_that_is_cancelled_in_a_statement_changes_nothing() {
        let notes = Notes::open().await;
        for _ in 0..50 {
            let mut tx = notes.store.write().await.unwrap();
            let mut first = Box::pin(insert(&mut tx, 1));
            let _sent = poll!(first.as_mut());
            drop(first);
            drop(tx);
            let mut tx = notes.store.write().await.unwrap();
            insert(&mut tx, 2).await.unwrap();
            let mut second = Box::pin(insert(&mut tx, 3));
            let _sent = poll!(second.as_mut());
            drop(second);
            drop(tx);
        }
        assert_eq!(notes.numbers().await, [0; 0]);
        let mut tx = notes.store.write().await.unwrap();
        insert(&mut tx, 4).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(notes.numbers().await, [4]);
    }

    #[tokio::test]
    async fn what_is_put_off_runs_before_the_next_statement_and_with_the_commit() {
        let notes = Notes::open().await;
        let mut tx = notes.store.write().await.unwrap();
        insert_later(&mut tx, 1).await.unwrap();
        insert_later(&mut tx, 2).await.unwrap();
        let seen = fetch_all!(tx, (i64,), "SELECT number FROM notes ORDER BY number");
        assert_eq!(seen.unwrap(), [(1,), (2,)]);
        insert_later(&mut tx, 3).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(notes.numbers().await, [1, 2, 3]);
    }

    #[tokio::test]
    async fn if_what_was_put_off_fails_the_commit_fails_and_nothing_is_changed() {
        let notes = Notes::open().await;
        let mut tx = notes.store.write().await.unwrap();
        insert(&mut tx, 1).await.unwrap();
        insert_later(&mut tx, 1).await.unwrap();
        let refused = tx.commit().await.unwrap_err();
        assert!(matches!(refused, StoreError::Database(_)), "{refused}");
        assert_eq!(notes.numbers().await, [0; 0]);
        let mut tx = notes.store.write().await.unwrap();
        insert_later(&mut tx, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(notes.numbers().await, [1]);
    }

    #[tokio::test]
    async fn nothing_is_committed_without_what_was_put_off_before() {
        let notes = Notes::open().await;
        let mut tx = notes.store.write().await.unwrap();
        insert(&mut tx, 1).await.unwrap();
        insert_later(&mut tx, 1).await.unwrap();
        insert(&mut tx, 2).await.unwrap_err();
        insert(&mut tx, 3).await.unwrap();
        tx.commit().await.unwrap_err();
        assert_eq!(notes.numbers().await, [0; 0]);
    }

    #[tokio::test]
    async fn who_reads_cannot_put_a_change_off() {
        let notes = Notes::open().await;
        let mut tx = notes.store.read().await.unwrap();
        insert_later(&mut tx, 1).await.unwrap_err();
    }

    #[tokio::test]
    async fn nobody_writes_after_the_end() {
        let notes = Notes::open().await;
        notes.store.close().await;
        assert!(notes.store.write().await.is_err());
    }

    /// A table of different numbers.
    struct Notes {
        store: Store,
        path: PathBuf,
        _folder: tempfile::TempDir,
    }

    impl Notes {
        async fn open() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("notes.db");
            let store = Store::open_sqlite(&path).await.unwrap();
            let mut tx = store.write().await.unwrap();
            execute!(tx, "CREATE TABLE notes (number BIGINT NOT NULL UNIQUE)").unwrap();
            tx.commit().await.unwrap();
            Self {
                store,
                path,
                _folder: folder,
            }
        }

        async fn numbers(&self) -> Vec<i64> {
            let mut tx = self.store.read().await.unwrap();
            let rows = fetch_all!(tx, (i64,), "SELECT number FROM notes ORDER BY number");
            rows.unwrap().into_iter().map(|(number,)| number).collect()
        }
    }

    async fn insert(tx: &mut Tx, number: i64) -> Result<(i64,)> {
        fetch_one!(
            tx,
            (i64,),
            "INSERT INTO notes (number) VALUES ($1) RETURNING number",
            number
        )
    }

    async fn insert_later(tx: &mut Tx, number: i64) -> Result<()> {
        defer!(tx, "INSERT INTO notes (number) VALUES ($1)", number)
    }
}
