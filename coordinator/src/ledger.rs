//! The books of credits and points: append-only, double entry, whole micros.
//!
//! An [`Entry`] says what happened, once: its key is named after the fact that it follows from, and a key that is
//! there already changes nothing. It is made of transfers, each two postings that cancel out, so no entry can
//! fail to sum to zero. Every entry belongs to one [`Book`]. Value comes out of [`Account::Mint`], the only account
//! that may owe; every other one is taken from by one statement that finds nothing to change when the balance is
//! too low.
//!
//! ```text
//!  points:   mint ──► held(worker's owner) ──settle──► available        credits:  mint ──► available
//!              ▲               │                                                              │ ▲
//!              └─────void──────┘                              revenue ◄──settle── held ◄──────┘ │
//!                                                                                   └───void────┘
//! ```
//!
//! A [hold](hold) is an amount in its owner's held account until it goes on (settled) or goes back (void). What
//! rendering earns waits in one until its time for objections is over; what a job may cost waits in one until
//! its frames are delivered.
//!
//! All functions work in the transaction of the fact that they follow from: both are there, or neither.
//! The ledger knows amounts and reasons, never prices: those are the campaign's.
//!
//! | room | what it owns |
//! |---|---|
//! | [`entry`] | what an entry is; pure |
//! | [`hold`] | amounts that wait |
//! | [`audit`] | that the books are right |
//! | [`nightly`] | the coordinator's own audit |
//! | [`view`] | one's own entries |
//! | [`overview`](mod@overview) | how one's points came about, and when what waits goes on |
//! | [`export`] | one's own postings, as a table |

pub mod audit;
pub mod entry;
pub mod export;
pub mod hold;
pub mod nightly;
pub mod overview;
#[cfg(test)]
mod tests;
pub mod view;

pub use entry::{Account, Book, Entry, EntryKind};

use pictor_protocol::{Micros, UserId};

use crate::store::ledger::{self, AccountId, EntryId};
use crate::store::{StoreError, Tx};
use entry::Transfer;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    New(EntryId),
    /// The fact was entered before; nothing was changed.
    Repeated,
}

#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Nothing was changed, if the caller drops the transaction.
    #[error("{kind} would take more than there is in the {account} account")]
    Overdrawn {
        kind: EntryKind,
        account: &'static str,
    },
    #[error("{0} would move nothing, or backwards")]
    NotPositive(EntryKind),
    #[error("a balance would be larger than any number here")]
    TooLarge,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes an entry with its postings and moves the balances.
///
/// After [`PostError`] the transaction holds a part of the entry and has to be dropped.
pub async fn post(tx: &mut Tx, entry: &Entry, now_us: i64) -> Result<Posted, PostError> {
    if entry.transfers.iter().any(|t| t.amount <= Micros::ZERO) || entry.transfers.is_empty() {
        return Err(PostError::NotPositive(entry.kind));
    }
    let Some(id) = ledger::insert_entry(tx, entry, now_us).await? else {
        return Ok(Posted::Repeated);
    };
    let mut line = 0;
    for transfer in &entry.transfers {
        let (from, to) = move_amount(tx, entry, *transfer, id).await?;
        ledger::insert_postings(tx, id, line, from, to, transfer.amount).await?;
        line += 2;
    }
    Ok(Posted::New(id))
}

/// Moves the balances of a transfer; answers the accounts.
async fn move_amount(
    tx: &mut Tx,
    entry: &Entry,
    transfer: Transfer,
    id: EntryId,
) -> Result<(AccountId, AccountId), PostError> {
    let Transfer { from, to, amount } = transfer;
    if from == Account::Mint {
        let moved = ledger::mint(tx, entry.book, to, amount, id).await?;
        return moved.ok_or(PostError::TooLarge);
    }
    let taken = ledger::take(tx, entry.book, from, amount, id).await?;
    let taken = taken.ok_or(PostError::Overdrawn {
        kind: entry.kind,
        account: from.kind(),
    })?;
    let given = ledger::give(tx, entry.book, to, amount, id).await?;
    Ok((taken, given.ok_or(PostError::TooLarge)?))
}

/// What somebody has in a book: free to use, and waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    pub available: Micros,
    pub held: Micros,
}

pub async fn balance(tx: &mut Tx, book: Book, user: UserId) -> Result<Balance, StoreError> {
    Ok(Balance {
        available: ledger::balance(tx, book, Account::Available(user)).await?,
        held: ledger::balance(tx, book, Account::Held(user)).await?,
    })
}
