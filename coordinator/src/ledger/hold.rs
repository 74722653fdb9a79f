//! Amounts that wait until they go on or go back.
//!
//! ```text
//!            ┌── capture (a part goes on) ──┐
//!            ▼                              │
//!  begin ─► held ─────── settle ─► settled (the rest goes on)
//!            │ ▲
//!            │ └─ top up ─┘
//!            └────────── release ─► void, or settled if a part went on (the rest goes back)
//! ```
//!
//! Every step is an entry of its own with a key of its own, so that each happens once; a step after the end
//! finds nothing to do.

use pictor_protocol::{Micros, UserId};
use serde_json::{Value, json};

use super::entry::{Account, Book, Entry, EntryKind};
use super::{PostError, Posted, post};
use crate::store::column::words;
use crate::store::ledger::{self, HoldRow};
use crate::store::{StoreError, Tx};

words! {
    pub enum HoldStatus {
        Held = "held",
        Settled = "settled",
        Void = "void",
    }
}

words! {
    /// Where a hold came from.
    pub enum Source {
        Available = "available",
        Mint = "mint",
    }
}

words! {
    /// Where a hold goes when it is settled.
    pub enum Destination {
        Available = "available",
        Revenue = "revenue",
    }
}

impl Source {
    pub fn account(self, owner: UserId) -> Account {
        match self {
            Self::Available => Account::Available(owner),
            Self::Mint => Account::Mint,
        }
    }
}

impl Destination {
    pub fn account(self, owner: UserId) -> Account {
        match self {
            Self::Available => Account::Available(owner),
            Self::Revenue => Account::Revenue,
        }
    }
}

/// A hold that is about to begin.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// Of the hold, and of the entry that begins it.
    pub key: String,
    pub book: Book,
    pub kind: EntryKind,
    pub owner: UserId,
    pub source: Source,
    pub destination: Destination,
    pub amount: Micros,
    /// Unix microseconds; `None`: somebody decides.
    pub due_us: Option<i64>,
    pub inputs: Value,
}

/// Sets an amount aside.
pub async fn begin(tx: &mut Tx, new: &NewHold, now_us: i64) -> Result<Posted, PostError> {
    let held = Account::Held(new.owner);
    let entry = Entry::new(&new.key, new.book, new.kind, new.inputs.clone()).transfer(
        new.source.account(new.owner),
        held,
        new.amount,
    );
    let posted = post(tx, &entry, now_us).await?;
    if let Posted::New(_) = posted {
        ledger::insert_hold(tx, new, now_us).await?;
    }
    Ok(posted)
}

/// Adds to a hold, from where it came; `Repeated` too if the hold is over.
pub async fn top_up(
    tx: &mut Tx,
    hold: &str,
    key: &str,
    amount: Micros,
    inputs: Value,
    now_us: i64,
) -> Result<Posted, PostError> {
    let Some(row) = open(tx, hold).await? else {
        return Ok(Posted::Repeated);
    };
    let source = row.source.account(row.owner);
    let entry = Entry::new(key, row.book, EntryKind::Reserve, inputs).transfer(
        source,
        Account::Held(row.owner),
        amount,
    );
    let posted = post(tx, &entry, now_us).await?;
    if let Posted::New(_) = posted {
        ledger::grow_hold(tx, hold, amount).await?;
    }
    Ok(posted)
}

/// A part of a hold that goes on or back, and why.
#[derive(Debug, Clone)]
pub struct Part {
    pub key: String,
    pub kind: EntryKind,
    pub amount: Micros,
    pub inputs: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    Back,
}

/// Lets a part of a hold go on. More than is left is [`PostError::Overdrawn`].
pub async fn capture(
    tx: &mut Tx,
    hold: &str,
    part: &Part,
    now_us: i64,
) -> Result<Posted, PostError> {
    move_part(tx, hold, part, Way::On, now_us).await
}

/// Gives a part of a hold back before its end, such as when an estimate turns out too high.
pub async fn give_back(
    tx: &mut Tx,
    hold: &str,
    part: &Part,
    now_us: i64,
) -> Result<Posted, PostError> {
    move_part(tx, hold, part, Way::Back, now_us).await
}

async fn move_part(
    tx: &mut Tx,
    hold: &str,
    part: &Part,
    way: Way,
    now_us: i64,
) -> Result<Posted, PostError> {
    let Some(row) = open(tx, hold).await? else {
        return Ok(Posted::Repeated);
    };
    let to = match way {
        Way::On => row.destination.account(row.owner),
        Way::Back => row.source.account(row.owner),
    };
    let entry = Entry::new(&part.key, row.book, part.kind, part.inputs.clone()).transfer(
        Account::Held(row.owner),
        to,
        part.amount,
    );
    let posted = post(tx, &entry, now_us).await?;
    if posted == Posted::Repeated {
        return Ok(posted);
    }
    // The owner's held account may have more than this hold.
    let is_left = match way {
        Way::On => ledger::settle_part(tx, hold, part.amount).await?,
        Way::Back => ledger::return_part(tx, hold, part.amount).await?,
    };
    if is_left {
        Ok(posted)
    } else {
        Err(PostError::Overdrawn {
            kind: part.kind,
            account: "held",
        })
    }
}

/// The key of the entry by which what is left of a hold goes on.
pub fn settled_by(hold: &str) -> String {
    format!("settle/{hold}")
}

/// What is left goes on. Answers how much that was; nothing if the hold was over.
pub async fn settle(tx: &mut Tx, hold: &str, now_us: i64) -> Result<Option<Micros>, PostError> {
    let Some(row) = open(tx, hold).await? else {
        return Ok(None);
    };
    let left = row.left();
    if left > Micros::ZERO {
        let inputs = json!({ "hold": hold });
        let to = row.destination.account(row.owner);
        let entry = Entry::new(settled_by(hold), row.book, EntryKind::Settle, inputs).transfer(
            Account::Held(row.owner),
            to,
            left,
        );
        post(tx, &entry, now_us).await?;
        ledger::settle_part(tx, hold, left).await?;
    }
    ledger::end_hold(tx, hold, HoldStatus::Settled, now_us).await?;
    Ok(Some(left))
}

/// What is left goes back, for a reason. Answers how much that was; nothing if the hold was over.
pub async fn release(
    tx: &mut Tx,
    hold: &str,
    why: Value,
    now_us: i64,
) -> Result<Option<Micros>, PostError> {
    let Some(row) = open(tx, hold).await? else {
        return Ok(None);
    };
    let left = row.left();
    if left > Micros::ZERO {
        let inputs = json!({ "hold": hold, "why": why });
        let to = row.source.account(row.owner);
        let entry = Entry::new(format!("void/{hold}"), row.book, EntryKind::Void, inputs).transfer(
            Account::Held(row.owner),
            to,
            left,
        );
        post(tx, &entry, now_us).await?;
        ledger::return_part(tx, hold, left).await?;
    }
    let status = if row.settled > 0 {
        HoldStatus::Settled
    } else {
        HoldStatus::Void
    };
    ledger::end_hold(tx, hold, status, now_us).await?;
    Ok(Some(left))
}

async fn open(tx: &mut Tx, hold: &str) -> Result<Option<HoldRow>, StoreError> {
    let row = ledger::hold(tx, hold).await?;
    Ok(row.filter(|row| row.status == HoldStatus::Held))
}
