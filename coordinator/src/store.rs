//! All SQL, and nothing but SQL: no HTTP, no rules. Each function is one statement (or a few that only
//! make sense together), named for its intent, and runs inside a transaction that the caller opened.
//!
//! # One text for two engines
//! Statements are written once in the SQL that SQLite and PostgreSQL share: `$1` placeholders, TEXT
//! ids, statuses and JSON, BIGINT microseconds, `ON CONFLICT`, `RETURNING`. [`Connection`] is the enum of
//! the engines; the macros [`fetch_all!`], [`fetch_optional!`], [`fetch_one!`] and [`execute!`] dispatch on
//! it and let the compiler infer the driver in each arm. Adding PostgreSQL is a variant of [`Db`], [`On`]
//! and [`Connection`], one arm in each macro and a folder of migrations. (`sqlx::Any` loses typed NULLs and the
//! drivers' connect options, which carry the pragmas below.)
//!
//! # SQLite
//! WAL, and one connection that writes: writers queue in the pool instead of failing with `SQLITE_BUSY`. Write
//! transactions begin IMMEDIATE, so what a transaction reads is still true when it writes. An acknowledged
//! report survives a power cut, but the disk is not asked for each: [`durable`] says how.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection, Transaction};

use durable::WalFile;

/// Pages of 4 KiB in the write-ahead log before they are copied into the database: 32 MiB.
const WAL_PAGES: &str = "8192";
/// What each connection keeps in memory; negative means KiB to SQLite.
const CACHE_KIB: &str = "-16384";

macro_rules! fetch_all {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx.connection() {
            $crate::store::Connection::Sqlite(connection) => {
                sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(connection).await
            }
        }
        .map_err($crate::store::StoreError::from)
    };
}

macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx.connection() {
            $crate::store::Connection::Sqlite(connection) => {
                sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(connection).await
            }
        }
        .map_err($crate::store::StoreError::from)
    };
}

macro_rules! fetch_one {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx.connection() {
            $crate::store::Connection::Sqlite(connection) => {
                sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_one(connection).await
            }
        }
        .map_err($crate::store::StoreError::from)
    };
}

/// Runs a statement and answers the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx.connection() {
            $crate::store::Connection::Sqlite(connection) => sqlx::query($sql)
                $(.bind($bind))*
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err($crate::store::StoreError::from)
    };
}

pub mod acceptances;
pub mod attempts;
pub mod audit_log;
pub mod blobs;
pub mod campaigns;
pub mod challenges;
pub mod check_ins;
pub mod column;
pub mod costs;
pub mod dispatch;
mod durable;
pub mod earnings;
pub mod identities;
pub mod jobs;
pub mod leaderboard;
pub mod ledger;
pub mod logs;
pub mod online;
pub mod payout_transactions;
pub mod payouts;
pub mod people;
pub mod quests;
pub mod readings;
pub mod referrals;
pub mod reviews;
pub mod roles;
pub mod scenes;
pub mod sessions;
pub mod sign_ins;
pub mod signals;
pub mod snapshots;
pub mod standing;
pub mod tasks;
pub mod uptime;
pub mod worker_now;
pub mod worker_pages;
pub mod workers;

/// A text that `LIKE … ESCAPE '!'` takes letter by letter.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(letter);
    }
    escaped
}

/// What the database said, or a row that does not fit its type.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database is full")]
    Full,
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// It was written, and others may see it, but a power cut may take it back.
    #[error("what was written may not be on the disk")]
    NotDurable(#[source] io::Error),
    #[error("the database could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_FULL: the disk, or the database's own size limit.
        let full = error
            .as_database_error()
            .and_then(|e| e.code())
            .is_some_and(|code| code == "13");
        if full {
            Self::Full
        } else {
            Self::Database(error)
        }
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// The engines.
#[derive(Debug, Clone)]
enum Db {
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
        wal: Arc<WalFile>,
    },
}

/// Where statements run: in a transaction that may write, or one by one on a connection that reads.
/// Dropped without a commit it changes nothing.
pub struct Tx(On);

enum On {
    SqliteReader(PoolConnection<Sqlite>),
    SqliteWriter(Transaction<'static, Sqlite>, Arc<WalFile>),
}

/// What the macros dispatch on.
pub(in crate::store) enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
}

impl Tx {
    /// When this returns, what was changed survives everything but the loss of the disk.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            On::SqliteReader(_) => {}
            On::SqliteWriter(tx, wal) => {
                tx.commit().await?;
                wal.make_durable().await?;
            }
        }
        Ok(())
    }

    pub(in crate::store) fn connection(&mut self) -> Connection<'_> {
        Connection::Sqlite(match &mut self.0 {
            On::SqliteReader(connection) => connection,
            On::SqliteWriter(tx, _) => tx,
        })
    }
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
}

impl Store {
    /// Opens the embedded database at `path`, makes it if it is not there, and migrates it.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            // A checkpoint waits for the disk twice, and every writer with it: not each thousand pages.
            .pragma("wal_autocheckpoint", WAL_PAGES)
            .pragma("cache_size", CACHE_KIB)
            // Another process may write for a moment: `token create` beside a running coordinator.
            .busy_timeout(Duration::from_secs(10));
        // Never closed before the end: the last one to close a database removes its write-ahead log.
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            // A file does not hang up.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("migrations/sqlite").run(&write).await?;
        let wal = WalFile::of(path).map_err(StoreError::NotDurable)?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "1"))
            .await?;
        Ok(Self {
            db: Db::Sqlite {
                read,
                write,
                wal: Arc::new(wal),
            },
        })
    }

    /// Reads, and changes nothing. Each statement sees what is committed when it runs; whoever acts on
    /// several of them acts in [`Store::write`] and looks again there. A transaction would cost two more
    /// statements for every request that only wants to know whose token it carries.
    pub async fn read(&self) -> Result<Tx> {
        match &self.db {
            Db::Sqlite { read, .. } => Ok(Tx(On::SqliteReader(read.acquire().await?))),
        }
    }

    /// A transaction that may change things; at most one at a time.
    pub async fn write(&self) -> Result<Tx> {
        match &self.db {
            Db::Sqlite { write, wal, .. } => Ok(Tx(On::SqliteWriter(
                write.begin_with("BEGIN IMMEDIATE").await?,
                Arc::clone(wal),
            ))),
        }
    }

    /// Waits for what runs and closes the files.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}
