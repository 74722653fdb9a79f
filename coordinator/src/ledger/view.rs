//! One's own books, as one sees them.

use pictor_protocol::ledger::{
    Balance as WireBalance, Balances, CampaignBalance, LedgerEntry, LedgerPage, Moved,
};
use pictor_protocol::{Micros, UserId};

use super::{Balance, Book};
use crate::store::campaigns;
use crate::store::ledger::{self, EntryId, LineRow};
use crate::store::{Result, Tx};

impl From<Balance> for WireBalance {
    fn from(balance: Balance) -> Self {
        Self {
            available_micros: balance.available,
            held_micros: balance.held,
        }
    }
}

/// What somebody has: credits, and points of the campaign that holds now.
pub async fn balances(tx: &mut Tx, user: UserId, now_us: i64) -> Result<Balances> {
    let credits = super::balance(tx, Book::Credits, user).await?.into();
    let points = match campaigns::current(tx, now_us).await? {
        Some(campaign) => {
            let points = super::balance(tx, Book::Points(campaign.id), user).await?;
            Some(CampaignBalance {
                campaign: campaign.id,
                available_micros: points.available,
                held_micros: points.held,
            })
        }
        None => None,
    };
    Ok(Balances { credits, points })
}

/// The latest entries that moved something of somebody's, of all books or of one, before an entry. About `limit`
/// postings: an entry is on one page, whole.
pub async fn page(
    tx: &mut Tx,
    user: UserId,
    book: Option<Book>,
    before: Option<EntryId>,
    limit: i64,
) -> Result<LedgerPage> {
    let lines = ledger::lines_of(tx, user, book, before, limit).await?;
    // Fewer than could have been are the last ones.
    let more = lines.len() as i64 >= limit;
    let next = lines.last().filter(|_| more).map(|line| line.entry);
    let mut entries: Vec<LedgerEntry> = Vec::new();
    for line in lines {
        let moved = Moved {
            account: line.account.clone(),
            amount_micros: Micros::new(line.amount),
        };
        match entries.last_mut().filter(|entry| entry.id == line.entry) {
            Some(entry) => entry.moved.push(moved),
            None => entries.push(entry(line, moved)),
        }
    }
    Ok(LedgerPage { entries, next })
}

fn entry(line: LineRow, moved: Moved) -> LedgerEntry {
    LedgerEntry {
        id: line.entry,
        key: line.key,
        book: line.book.to_string(),
        kind: line.kind.to_string(),
        at_ms: line.at_us.div_euclid(1_000),
        inputs: line.inputs.0,
        moved: vec![moved],
    }
}
