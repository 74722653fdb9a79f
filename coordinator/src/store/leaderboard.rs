//! What a campaign's leaderboard is made of: points, and what people want to be called.

use pictor_protocol::{CampaignId, UserId};
use sqlx::FromRow;

use super::{Result, Tx};
use crate::ledger::Book;

/// How far the accounts of a book were read, in the order in which they changed.
///
/// Entries are numbered before they are committed. SQLite has one writer, so whoever sees an entry has seen all
/// of smaller numbers. PostgreSQL has many: there a reader has to stop at the smallest entry of a transaction
/// that is still open (`pg_snapshot_xmin` beside each entry), or would pass over what commits later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    entry: i64,
    account: i64,
}

/// An account of points, as it is now.
#[derive(Debug, Clone, FromRow)]
pub struct PointsRow {
    account: i64,
    #[sqlx(try_from = "String")]
    pub owner: UserId,
    pub balance: i64,
    /// The entry that changed it last.
    pub entry: i64,
}

impl PointsRow {
    pub fn seen(&self) -> Seen {
        Seen {
            entry: self.entry,
            account: self.account,
        }
    }
}

/// People's accounts of available points that changed since, in the order in which they did.
pub async fn changed_since(
    tx: &mut Tx,
    campaign: CampaignId,
    since: Seen,
    limit: i64,
) -> Result<Vec<PointsRow>> {
    fetch_all!(
        tx,
        PointsRow,
        "SELECT id AS account, owner, balance, entry FROM ledger_accounts \
         WHERE book = $1 AND kind = 'available' AND entry >= $2 AND (entry > $2 OR id > $3) \
         ORDER BY entry, id LIMIT $4",
        Book::Points(campaign).to_string(),
        since.entry,
        since.account,
        limit
    )
}

/// Somebody as they stand on a leaderboard.
#[derive(Debug, Clone, FromRow)]
pub struct PersonRow {
    #[sqlx(try_from = "String")]
    pub id: UserId,
    pub public_name: Option<String>,
    /// Points that are not settled, in micros.
    pub waiting: i64,
}

/// So many people are asked for with one statement.
const AT_ONCE: usize = 10;

/// These people, in any order; whoever is gone is not among them.
pub async fn people(tx: &mut Tx, campaign: CampaignId, users: &[UserId]) -> Result<Vec<PersonRow>> {
    let mut found = Vec::with_capacity(users.len());
    for some in users.chunks(AT_ONCE) {
        let id = |at: usize| some.get(at).map_or_else(String::new, UserId::to_string);
        let rows = fetch_all!(
            tx,
            PersonRow,
            "SELECT id, public_name, COALESCE((\
                 SELECT balance FROM ledger_accounts \
                 WHERE book = $1 AND kind = 'held' AND owner = users.id), 0) AS waiting \
             FROM users WHERE id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            Book::Points(campaign).to_string(),
            id(0),
            id(1),
            id(2),
            id(3),
            id(4),
            id(5),
            id(6),
            id(7),
            id(8),
            id(9)
        )?;
        found.extend(rows);
    }
    Ok(found)
}

/// The name that a person chose for everybody to see.
pub async fn public_name(tx: &mut Tx, user: UserId) -> Result<Option<String>> {
    let row = fetch_optional!(
        tx,
        (Option<String>,),
        "SELECT public_name FROM users WHERE id = $1",
        user.to_string()
    )?;
    Ok(row.and_then(|(name,)| name))
}

/// People whose public name begins so, in the order of their names. The column has to be compared byte by byte:
/// PostgreSQL needs `COLLATE "C"` for it.
pub async fn named_like(tx: &mut Tx, beginning: &str, limit: i64) -> Result<Vec<UserId>> {
    #[derive(FromRow)]
    struct IdRow {
        #[sqlx(try_from = "String")]
        id: UserId,
    }
    let rows = fetch_all!(
        tx,
        IdRow,
        "SELECT id FROM users WHERE public_name_key >= $1 AND public_name_key < $2 \
         ORDER BY public_name_key LIMIT $3",
        beginning,
        format!("{beginning}{}", char::MAX),
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Gives a person another public name, or none; false if it is somebody else's.
pub async fn set_public_name(
    tx: &mut Tx,
    user: UserId,
    name_and_key: Option<(&str, &str)>,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE users SET public_name = $2, public_name_key = $3 WHERE id = $1 \
         AND NOT EXISTS (SELECT 1 FROM users AS others WHERE public_name_key = $3 AND others.id <> $1)",
        user.to_string(),
        name_and_key.map(|(name, _)| name),
        name_and_key.map(|(_, key)| key)
    )?;
    Ok(changed > 0)
}

/// The last entry of a book; 0 if it is empty.
pub async fn last_entry(tx: &mut Tx, campaign: CampaignId) -> Result<i64> {
    let (entry,) = fetch_one!(
        tx,
        (i64,),
        "SELECT COALESCE(MAX(id), 0) FROM ledger_entries WHERE book = $1",
        Book::Points(campaign).to_string()
    )?;
    Ok(entry)
}

/// Up to `limit` people of whom points of a campaign still wait.
pub async fn waiting(tx: &mut Tx, campaign: CampaignId, limit: i64) -> Result<Vec<UserId>> {
    #[derive(FromRow)]
    struct OwnerRow {
        #[sqlx(try_from = "String")]
        owner: UserId,
    }
    let rows = fetch_all!(
        tx,
        OwnerRow,
        "SELECT DISTINCT owner FROM ledger_holds WHERE book = $1 AND status = 'held' LIMIT $2",
        Book::Points(campaign).to_string(),
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.owner).collect())
}

/// A movement of a campaign's book, without the reason: that may concern others.
#[derive(Debug, Clone, FromRow)]
pub struct MovementRow {
    pub entry: i64,
    pub at_us: i64,
    pub kind: String,
    /// The kind of the account.
    pub account: String,
    pub owner: String,
    pub amount: i64,
}

/// What moved in a campaign's book after an entry and up to another one, whole entries, so many at most.
pub async fn movements(
    tx: &mut Tx,
    campaign: CampaignId,
    after: i64,
    last: i64,
    entries: i64,
) -> Result<Vec<MovementRow>> {
    fetch_all!(
        tx,
        MovementRow,
        "SELECT e.id AS entry, e.at_us, e.kind, a.kind AS account, a.owner, p.amount \
         FROM (SELECT id, at_us, kind FROM ledger_entries \
               WHERE book = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4) AS e \
         JOIN ledger_postings p ON p.entry = e.id JOIN ledger_accounts a ON a.id = p.account \
         ORDER BY e.id, p.line",
        Book::Points(campaign).to_string(),
        after,
        last,
        entries
    )
}
