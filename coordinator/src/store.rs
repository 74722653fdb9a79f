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
//! WAL, and one connection that writes: writers queue for it instead of failing with `SQLITE_BUSY`. Write
//! transactions begin IMMEDIATE, so what a transaction reads is still true when it writes; [`writer`] says how few
//! journeys they make. An acknowledged report survives a power cut, but the disk is not asked for each: [`durable`]
//! says how.

use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Execute, Sqlite, SqliteConnection};

use durable::WalFile;
use writer::{Deferred, Transaction, Writer};

/// Pages of 4 KiB in the write-ahead log before they are copied into the database: 32 MiB.
const WAL_PAGES: &str = "8192";
/// What each connection keeps in memory; negative means KiB to SQLite.
const CACHE_KIB: &str = "-16384";
/// Prepared statements that each connection keeps: all that there are, some with COMMIT too.
const STATEMENTS: usize = 512;

macro_rules! fetch_rows {
    ($how:ident, $tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx.connection().await {
            Ok($crate::store::Connection::Sqlite(connection)) => {
                sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$how(connection).await
                    .map_err($crate::store::StoreError::from)
            }
            Err(error) => Err(error),
        }
    };
}

macro_rules! fetch_all {
    ($($statement:tt)*) => { fetch_rows!(fetch_all, $($statement)*) };
}

macro_rules! fetch_optional {
    ($($statement:tt)*) => { fetch_rows!(fetch_optional, $($statement)*) };
}

macro_rules! fetch_one {
    ($($statement:tt)*) => { fetch_rows!(fetch_one, $($statement)*) };
}

/// Runs a statement and answers the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx.connection().await {
            Ok($crate::store::Connection::Sqlite(connection)) => sqlx::query($sql)
                $(.bind($bind))*
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
                .map_err($crate::store::StoreError::from),
            Err(error) => Err(error),
        }
    };
}

/// Runs a statement before the next one, or with the commit: if it fails, that fails. For what changes something and
/// is likely to come last.
macro_rules! defer {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx.connection().await {
            Ok($crate::store::Connection::Sqlite(_)) => {
                let statement = sqlx::query($sql)$(.bind($bind))*;
                $tx.defer(statement, $sql, concat!($sql, "; COMMIT"))
            }
            Err(error) => Err(error),
        }
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
pub mod job_pages;
pub mod jobs;
pub mod leaderboard;
pub mod ledger;
pub mod logs;
pub mod network;
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
mod writer;

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
    Sqlite { read: SqlitePool, write: Writer },
}

/// Where statements run: in a transaction that may write, or one by one on a connection that reads.
/// Dropped without a commit it changes nothing.
pub struct Tx(On);

enum On {
    SqliteReader(PoolConnection<Sqlite>),
    SqliteWriter(Transaction),
}

/// What the macros dispatch on.
pub(in crate::store) enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
}

impl Tx {
    /// When this returns, what was changed survives everything but the loss of the disk.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            On::SqliteReader(_) => Ok(()),
            On::SqliteWriter(tx) => tx.commit().await,
        }
    }

    /// Where a statement runs, after those that were put off.
    pub(in crate::store) async fn connection(&mut self) -> Result<Connection<'_>> {
        Ok(Connection::Sqlite(match &mut self.0 {
            On::SqliteReader(connection) => connection,
            On::SqliteWriter(tx) => tx.connection().await?,
        }))
    }

    /// Puts a statement off, after [`Self::connection`]: its text, alone and with the commit.
    pub(in crate::store) fn defer(
        &mut self,
        mut statement: Query<'_, Sqlite, SqliteArguments>,
        alone: &'static str,
        and_commit: &'static str,
    ) -> Result<()> {
        let On::SqliteWriter(tx) = &mut self.0 else {
            let why = "asked to write on a connection that reads";
            return Err(sqlx::Error::Protocol(why.into()).into());
        };
        let arguments = statement.take_arguments().map_err(sqlx::Error::Encode)?;
        tx.defer(Deferred {
            alone,
            and_commit,
            arguments: arguments.unwrap_or_default(),
        });
        Ok(())
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
            .statement_cache_capacity(STATEMENTS)
            // Another process may write for a moment: `token create` beside a running coordinator.
            .busy_timeout(Duration::from_secs(10));
        let mut write = options.connect().await?;
        sqlx::migrate!("migrations/sqlite").run(&mut write).await?;
        let wal = WalFile::of(path).map_err(StoreError::NotDurable)?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "1"))
            .await?;
        Ok(Self {
            db: Db::Sqlite {
                read,
                write: Writer::new(write, wal),
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
            Db::Sqlite { write, .. } => Ok(Tx(On::SqliteWriter(write.transaction().await?))),
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
