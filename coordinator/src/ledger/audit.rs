//! That the books are right, by reading all of them.
//!
//! What is checked follows from no other code: every entry has postings that sum to zero and lie in its own
//! book, every balance is the sum of its postings, no balance but the mint's is negative, and what is held is
//! what the open holds have left. A database that was edited by hand, or a fault of ours, fails here.

use std::fmt;

use pictor_protocol::Micros;

use crate::store::ledger::{self, AccountFault, BookTotal, EntryFault, HoldFault};
use crate::store::{Result, Tx};

/// So many faults of each kind are named; the first ones say where to look.
const NAMED: i64 = 20;

/// What reading the books found.
#[derive(Debug, Clone)]
pub struct Audit {
    pub books: Vec<BookTotal>,
    pub faults: Vec<Fault>,
}

impl Audit {
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Entry(EntryFault),
    Account(AccountFault),
    Hold(HoldFault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(fault) if fault.strays > 0 => {
                write!(f, "entry {} has postings in another book", fault.entry)
            }
            Self::Entry(fault) if fault.postings == 0 => {
                write!(f, "entry {} has no postings", fault.entry)
            }
            Self::Entry(fault) => {
                let sum = Micros::new(fault.sum);
                write!(f, "the postings of entry {} sum to {sum}", fault.entry)
            }
            Self::Account(fault) => {
                let (balance, sum) = (Micros::new(fault.balance), Micros::new(fault.sum));
                let AccountFault {
                    book, kind, owner, ..
                } = fault;
                write!(
                    f,
                    "{book}: the balance of {kind} {owner} is {balance}, its postings sum to {sum}"
                )
            }
            Self::Hold(fault) => {
                let (held, open) = (Micros::new(fault.held), Micros::new(fault.open));
                let HoldFault { book, owner, .. } = fault;
                write!(
                    f,
                    "{book}: {held} are held for {owner}, but the open holds have {open} left"
                )
            }
        }
    }
}

/// Reads everything. Each check is one statement, so it sees one moment, and nobody waits for it.
pub async fn audit(tx: &mut Tx) -> Result<Audit> {
    let mut faults = Vec::new();
    faults.extend(
        ledger::bad_entries(tx, NAMED)
            .await?
            .into_iter()
            .map(Fault::Entry),
    );
    faults.extend(
        ledger::bad_accounts(tx, NAMED)
            .await?
            .into_iter()
            .map(Fault::Account),
    );
    faults.extend(
        ledger::bad_holds(tx, NAMED)
            .await?
            .into_iter()
            .map(Fault::Hold),
    );
    Ok(Audit {
        books: ledger::totals(tx).await?,
        faults,
    })
}
