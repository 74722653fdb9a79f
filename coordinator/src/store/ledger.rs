//! Accounts, entries, postings, holds.

use pictor_protocol::{Micros, UserId};
use serde_json::Value;
use sqlx::FromRow;

use super::column::{Json, json};
use super::{Result, Tx};
use crate::ledger::hold::{Destination, HoldStatus, NewHold, Source};
use crate::ledger::{Account, Book, Entry, EntryKind};

/// Entries are numbered in the order in which they were committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub i64);

/// An account's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountId(i64);

/// Writes an entry without postings; `None` if one of that key is there.
pub async fn insert_entry(tx: &mut Tx, entry: &Entry, now_us: i64) -> Result<Option<EntryId>> {
    let row = fetch_optional!(
        tx,
        (i64,),
        "INSERT INTO ledger_entries (key, book, kind, at_us, inputs) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (key) DO NOTHING RETURNING id",
        &entry.key,
        entry.book.to_string(),
        entry.kind.as_str(),
        now_us,
        json(&entry.inputs)
    )?;
    Ok(row.map(|(id,)| EntryId(id)))
}

/// Lets value come out of the mint, which may owe; `None` if no number is large enough.
pub async fn mint(
    tx: &mut Tx,
    book: Book,
    to: Account,
    amount: Micros,
    entry: EntryId,
) -> Result<Option<(AccountId, AccountId)>> {
    let rows = fetch_all!(
        tx,
        (i64, String),
        "INSERT INTO ledger_accounts (book, kind, owner, balance, entry) \
         VALUES ($1, 'mint', '', -$4, $5), ($1, $2, $3, $4, $5) \
         ON CONFLICT (book, kind, owner) DO UPDATE \
         SET balance = ledger_accounts.balance + excluded.balance, entry = excluded.entry \
         WHERE ledger_accounts.balance BETWEEN -4611686018427387904 AND 4611686018427387904 \
           AND excluded.balance BETWEEN -4611686018427387904 AND 4611686018427387904 \
         RETURNING id, kind",
        book.to_string(),
        to.kind(),
        owner(to),
        amount.get(),
        entry.0
    )?;
    let id_of = |kind: &str| {
        let row = rows.iter().find(|(_, of)| of == kind);
        row.map(|(id, _)| AccountId(*id))
    };
    Ok(id_of(Account::Mint.kind()).zip(id_of(to.kind())))
}

/// Takes from an account, all or nothing: `None` if there is too little in it.
pub async fn take(
    tx: &mut Tx,
    book: Book,
    account: Account,
    amount: Micros,
    entry: EntryId,
) -> Result<Option<AccountId>> {
    let row = fetch_optional!(
        tx,
        (i64,),
        "UPDATE ledger_accounts SET balance = balance - $4, entry = $5 \
         WHERE book = $1 AND kind = $2 AND owner = $3 AND balance >= $4 RETURNING id",
        book.to_string(),
        account.kind(),
        owner(account),
        amount.get(),
        entry.0
    )?;
    Ok(row.map(|(id,)| AccountId(id)))
}

/// Adds to an account, and makes it if it is not there; `None` if no number is large enough.
pub async fn give(
    tx: &mut Tx,
    book: Book,
    account: Account,
    amount: Micros,
    entry: EntryId,
) -> Result<Option<AccountId>> {
    let row = fetch_optional!(
        tx,
        (i64,),
        "INSERT INTO ledger_accounts (book, kind, owner, balance, entry) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (book, kind, owner) DO UPDATE \
         SET balance = ledger_accounts.balance + excluded.balance, entry = excluded.entry \
         WHERE ledger_accounts.balance BETWEEN -4611686018427387904 AND 4611686018427387904 \
           AND excluded.balance BETWEEN -4611686018427387904 AND 4611686018427387904 \
         RETURNING id",
        book.to_string(),
        account.kind(),
        owner(account),
        amount.get(),
        entry.0
    )?;
    Ok(row.map(|(id,)| AccountId(id)))
}

/// Writes the two sides of a transfer.
pub async fn insert_postings(
    tx: &mut Tx,
    entry: EntryId,
    line: i64,
    from: AccountId,
    to: AccountId,
    amount: Micros,
) -> Result<()> {
    defer!(
        tx,
        "INSERT INTO ledger_postings (account, entry, line, amount) \
         VALUES ($3, $1, $2, -$5), ($4, $1, $2 + 1, $5)",
        entry.0,
        line,
        from.0,
        to.0,
        amount.get()
    )
}

pub async fn balance(tx: &mut Tx, book: Book, account: Account) -> Result<Micros> {
    let row = fetch_optional!(
        tx,
        (i64,),
        "SELECT balance FROM ledger_accounts WHERE book = $1 AND kind = $2 AND owner = $3",
        book.to_string(),
        account.kind(),
        owner(account)
    )?;
    Ok(row.map_or(Micros::ZERO, |(balance,)| Micros::new(balance)))
}

/// What an entry moved, all its transfers together; `None` if there is none of that key.
pub async fn moved_by(tx: &mut Tx, key: &str) -> Result<Option<Micros>> {
    let row = fetch_optional!(
        tx,
        (i64,),
        "SELECT CAST(SUM(amount) AS BIGINT) FROM ledger_postings \
         JOIN ledger_entries ON ledger_entries.id = ledger_postings.entry \
         WHERE key = $1 AND amount > 0 HAVING COUNT(*) > 0",
        key
    )?;
    Ok(row.map(|(amount,)| Micros::new(amount)))
}

/// The books in which somebody has accounts.
pub async fn books_of(tx: &mut Tx, user: UserId) -> Result<Vec<Book>> {
    #[derive(FromRow)]
    struct BookRow {
        #[sqlx(try_from = "String")]
        book: Book,
    }
    let rows = fetch_all!(
        tx,
        BookRow,
        "SELECT DISTINCT book FROM ledger_accounts WHERE owner = $1 ORDER BY book",
        user.to_string()
    )?;
    Ok(rows.into_iter().map(|row| row.book).collect())
}

fn owner(account: Account) -> String {
    account
        .owner()
        .map_or_else(String::new, |user| user.to_string())
}

#[derive(Debug, Clone, FromRow)]
pub struct HoldRow {
    pub key: String,
    #[sqlx(try_from = "String")]
    pub book: Book,
    #[sqlx(try_from = "String")]
    pub owner: UserId,
    #[sqlx(try_from = "String")]
    pub source: Source,
    #[sqlx(try_from = "String")]
    pub destination: Destination,
    #[sqlx(try_from = "String")]
    pub status: HoldStatus,
    pub amount: i64,
    pub settled: i64,
    pub returned: i64,
    pub due_us: Option<i64>,
}

impl HoldRow {
    /// What neither went on nor went back.
    pub fn left(&self) -> Micros {
        Micros::new(self.amount - self.settled - self.returned)
    }
}

macro_rules! select_hold {
    ($rest:literal) => {
        concat!(
            "SELECT key, book, owner, source, destination, status, amount, settled, returned, due_us \
             FROM ledger_holds ",
            $rest
        )
    };
}

pub async fn insert_hold(tx: &mut Tx, hold: &NewHold, now_us: i64) -> Result<()> {
    defer!(
        tx,
        "INSERT INTO ledger_holds \
             (key, book, owner, source, destination, status, amount, due_us, created_us) \
         VALUES ($1, $2, $3, $4, $5, 'held', $6, $7, $8)",
        &hold.key,
        hold.book.to_string(),
        hold.owner.to_string(),
        hold.source.as_str(),
        hold.destination.as_str(),
        hold.amount.get(),
        hold.due_us,
        now_us
    )
}

pub async fn hold(tx: &mut Tx, key: &str) -> Result<Option<HoldRow>> {
    fetch_optional!(tx, HoldRow, select_hold!("WHERE key = $1"), key)
}

/// Holds that settle by themselves by now, the oldest first.
pub async fn due_holds(tx: &mut Tx, now_us: i64, limit: i64) -> Result<Vec<HoldRow>> {
    fetch_all!(
        tx,
        HoldRow,
        select_hold!("WHERE status = 'held' AND due_us <= $1 ORDER BY due_us, key LIMIT $2"),
        now_us,
        limit
    )
}

/// Lets a hold be due at another time, if it is not over.
pub async fn put_off(tx: &mut Tx, key: &str, due_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE ledger_holds SET due_us = $2 WHERE key = $1 AND status = 'held'",
        key,
        due_us
    )?;
    Ok(())
}

/// What somebody has that waits in a book, the oldest first.
pub async fn holds_of(tx: &mut Tx, book: Book, owner: UserId) -> Result<Vec<HoldRow>> {
    fetch_all!(
        tx,
        HoldRow,
        select_hold!("WHERE owner = $1 AND book = $2 AND status = 'held' ORDER BY created_us, key"),
        owner.to_string(),
        book.to_string()
    )
}

pub async fn grow_hold(tx: &mut Tx, key: &str, amount: Micros) -> Result<()> {
    execute!(
        tx,
        "UPDATE ledger_holds SET amount = amount + $2 WHERE key = $1 AND status = 'held'",
        key,
        amount.get()
    )?;
    Ok(())
}

/// False if so much is not left.
pub async fn settle_part(tx: &mut Tx, key: &str, amount: Micros) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE ledger_holds SET settled = settled + $2 \
         WHERE key = $1 AND status = 'held' AND amount - settled - returned >= $2",
        key,
        amount.get()
    )?;
    Ok(changed > 0)
}

/// False if so much is not left.
pub async fn return_part(tx: &mut Tx, key: &str, amount: Micros) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE ledger_holds SET returned = returned + $2 \
         WHERE key = $1 AND status = 'held' AND amount - settled - returned >= $2",
        key,
        amount.get()
    )?;
    Ok(changed > 0)
}

/// Ends a hold of which nothing is left.
pub async fn end_hold(tx: &mut Tx, key: &str, status: HoldStatus, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE ledger_holds SET status = $2, ended_us = $3 WHERE key = $1 AND status = 'held'",
        key,
        status.as_str(),
        now_us
    )?;
    Ok(())
}

/// A posting of somebody's account, with its entry.
#[derive(Debug, Clone, FromRow)]
pub struct LineRow {
    pub entry: i64,
    pub key: String,
    #[sqlx(try_from = "String")]
    pub book: Book,
    #[sqlx(try_from = "String")]
    pub kind: EntryKind,
    pub at_us: i64,
    #[sqlx(try_from = "String")]
    pub inputs: Json<Value>,
    /// The kind of the account.
    pub account: String,
    pub amount: i64,
}

/// The latest postings of somebody's accounts, of all books or of one. An entry is on one page, whole, so a page
/// may be a little longer than its limit.
pub async fn lines_of(
    tx: &mut Tx,
    owner: UserId,
    book: Option<Book>,
    before: Option<EntryId>,
    limit: i64,
) -> Result<Vec<LineRow>> {
    let oldest = fetch_optional!(
        tx,
        (i64,),
        "SELECT MIN(entry) FROM (\
             SELECT p.entry FROM ledger_accounts a JOIN ledger_postings p ON p.account = a.id \
             WHERE a.owner = $1 AND ($2 IS NULL OR a.book = $2) AND p.entry < $3 \
             ORDER BY p.entry DESC LIMIT $4\
         ) AS page HAVING COUNT(*) > 0",
        owner.to_string(),
        book.map(|book| book.to_string()),
        before.map_or(i64::MAX, |entry| entry.0),
        limit
    )?;
    let Some((oldest,)) = oldest else {
        return Ok(Vec::new());
    };
    fetch_all!(
        tx,
        LineRow,
        "SELECT e.id AS entry, e.key, e.book, e.kind, e.at_us, e.inputs, a.kind AS account, p.amount \
         FROM ledger_accounts a JOIN ledger_postings p ON p.account = a.id \
         JOIN ledger_entries e ON e.id = p.entry \
         WHERE a.owner = $1 AND ($2 IS NULL OR a.book = $2) AND p.entry < $3 AND p.entry >= $4 \
         ORDER BY e.id DESC, p.line",
        owner.to_string(),
        book.map(|book| book.to_string()),
        before.map_or(i64::MAX, |entry| entry.0),
        oldest
    )
}

/// What entries of a kind gave somebody and took from them, altogether and since a moment.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct KindRow {
    #[sqlx(try_from = "String")]
    pub kind: EntryKind,
    pub amount: i64,
    pub lately: i64,
}

/// By kind, over both of somebody's accounts in a book: what only went from the one to the other adds up to nothing.
pub async fn by_kind(
    tx: &mut Tx,
    book: Book,
    owner: UserId,
    lately_us: i64,
) -> Result<Vec<KindRow>> {
    fetch_all!(
        tx,
        KindRow,
        "SELECT e.kind, CAST(SUM(p.amount) AS BIGINT) AS amount, \
             CAST(SUM(CASE WHEN e.at_us >= $3 THEN p.amount ELSE 0 END) AS BIGINT) AS lately \
         FROM ledger_accounts a JOIN ledger_postings p ON p.account = a.id \
         JOIN ledger_entries e ON e.id = p.entry \
         WHERE a.owner = $1 AND a.book = $2 GROUP BY e.kind",
        owner.to_string(),
        book.to_string(),
        lately_us
    )
}

/// What waits of somebody's and settles by itself within an hour of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct DueRow {
    /// Since 1970.
    pub hour: i64,
    pub amount: i64,
}

/// By hour, the first one first.
pub async fn due_by_hour(tx: &mut Tx, book: Book, owner: UserId) -> Result<Vec<DueRow>> {
    fetch_all!(
        tx,
        DueRow,
        "SELECT due_us / 3600000000 AS hour, CAST(SUM(amount - settled - returned) AS BIGINT) AS amount \
         FROM ledger_holds WHERE owner = $1 AND book = $2 AND status = 'held' AND due_us IS NOT NULL \
         GROUP BY due_us / 3600000000 ORDER BY due_us / 3600000000",
        owner.to_string(),
        book.to_string()
    )
}

#[derive(Debug, Clone, FromRow)]
pub struct BookTotal {
    pub book: String,
    pub entries: i64,
    /// What came out of the mint, in micros.
    pub minted: i64,
}

pub async fn totals(tx: &mut Tx) -> Result<Vec<BookTotal>> {
    fetch_all!(
        tx,
        BookTotal,
        "SELECT book, COUNT(*) AS entries, \
             (SELECT CAST(COALESCE(-SUM(balance), 0) AS BIGINT) FROM ledger_accounts a \
              WHERE a.book = e.book AND a.kind = 'mint') AS minted \
         FROM ledger_entries e GROUP BY book ORDER BY book"
    )
}

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EntryFault {
    pub entry: i64,
    pub postings: i64,
    /// Postings in a book that is not the entry's.
    pub strays: i64,
    pub sum: i64,
}

pub async fn bad_entries(tx: &mut Tx, limit: i64) -> Result<Vec<EntryFault>> {
    fetch_all!(
        tx,
        EntryFault,
        "SELECT e.id AS entry, COUNT(p.amount) AS postings, \
             CAST(COALESCE(SUM(CASE WHEN a.book <> e.book THEN 1 ELSE 0 END), 0) AS BIGINT) AS strays, \
             CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) AS sum \
         FROM ledger_entries e \
         LEFT JOIN ledger_postings p ON p.entry = e.id LEFT JOIN ledger_accounts a ON a.id = p.account \
         GROUP BY e.id \
         HAVING COUNT(p.amount) = 0 OR SUM(p.amount) <> 0 \
             OR SUM(CASE WHEN a.book <> e.book THEN 1 ELSE 0 END) > 0 \
         ORDER BY e.id LIMIT $1",
        limit
    )
}

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AccountFault {
    pub book: String,
    pub kind: String,
    pub owner: String,
    pub balance: i64,
    pub sum: i64,
}

pub async fn bad_accounts(tx: &mut Tx, limit: i64) -> Result<Vec<AccountFault>> {
    fetch_all!(
        tx,
        AccountFault,
        "SELECT a.book, a.kind, a.owner, a.balance, CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) AS sum \
         FROM ledger_accounts a LEFT JOIN ledger_postings p ON p.account = a.id \
         GROUP BY a.id, a.book, a.kind, a.owner, a.balance \
         HAVING a.balance <> COALESCE(SUM(p.amount), 0) OR (a.balance < 0 AND a.kind <> 'mint') \
         ORDER BY a.id LIMIT $1",
        limit
    )
}

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct HoldFault {
    pub book: String,
    pub owner: String,
    pub held: i64,
    /// What the open holds have left.
    pub open: i64,
}

pub async fn bad_holds(tx: &mut Tx, limit: i64) -> Result<Vec<HoldFault>> {
    fetch_all!(
        tx,
        HoldFault,
        "SELECT book, owner, CAST(SUM(held) AS BIGINT) AS held, CAST(SUM(open) AS BIGINT) AS open FROM (\
             SELECT book, owner, balance AS held, 0 AS open FROM ledger_accounts WHERE kind = 'held' \
             UNION ALL \
             SELECT book, owner, 0 AS held, amount - settled - returned AS open \
             FROM ledger_holds WHERE status = 'held'\
         ) AS both_sides \
         GROUP BY book, owner HAVING SUM(held) <> SUM(open) ORDER BY book, owner LIMIT $1",
        limit
    )
}
