//! The life of a batch, as one function of (batch, event).
//!
//! ```text
//!          two operators approve           sign            the node has it
//!  drafted ─────────────────────► approved ────► signed ──────────────► submitted
//!                                  │    ▲          │ │                     │ │
//!                            claim │    │ unclaim  │ └───── committed ─────┘ │
//!                                  ▼    │          │            ▼            │
//!                                  by hand ────────┼───────► confirmed       │
//!                                     claimed by   │                         │
//!                                    another too   └───────── over ──────────┘
//!                                                              ▼
//!         from drafted, approved, failed: ► withdrawn        failed ── sign: the next attempt
//! ```
//!
//! While a transaction may still happen (*signed*, *submitted*) nothing else can: no withdrawal, no other
//! transaction, no payment by hand. *Failed* means that it is proven that nothing was paid.

use pictor_protocol::UserId;

use super::transaction::TransactionHash;
use crate::store::column::words;

/// So many different operators have to approve. Who drafted the batch may be one of them.
const APPROVALS: usize = 2;

words! {
    /// What is stored of a [`State`]; approvals and attempts have rows of their own.
    pub enum BatchStatus {
        Drafted = "drafted",
        Approved = "approved",
        /// One operator says that it was paid by hand.
        ByHand = "by-hand",
        Signed = "signed",
        Submitted = "submitted",
        Confirmed = "confirmed",
        Failed = "failed",
        Withdrawn = "withdrawn",
    }
}

/// A batch, as far as its life goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub state: State,
    /// The operators who approved it, the first one first.
    pub approved_by: Vec<UserId>,
    /// How many transactions were made for it; the last one is the only one that may still happen.
    pub attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Drafted,
    /// By two operators, and nothing that was tried since can happen any more.
    Approved,
    ByHand(Claim),
    /// A transaction is in the database, and perhaps with the node.
    Signed,
    /// The node has taken it.
    Submitted,
    /// Everybody is paid: by the last transaction, or by hand.
    Confirmed {
        by_hand: Option<TransactionHash>,
    },
    /// The last transaction had no effect, and never can have one: nobody was paid.
    Failed,
    Withdrawn,
}

/// That a batch was paid outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub by: UserId,
    pub hash: TransactionHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Approve {
        by: UserId,
    },
    Withdraw,
    /// An operator says that it was paid outside; or another one that it really was.
    Claim(Claim),
    /// That was a mistake.
    Unclaim,
    /// The next transaction is made and about to be stored.
    Sign,
    /// The node has taken the transaction of that number.
    Submitted {
        attempt: u32,
    },
    /// The chain has it, and everybody is paid.
    Committed {
        attempt: u32,
    },
    /// The chain undid it, or it did not happen and never can.
    Over {
        attempt: u32,
    },
}

/// What an event did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was so already.
    Unchanged,
    To(Batch),
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("you have approved this payout; now another operator has to")]
    SameOperator,
    #[error("two operators have approved this payout already")]
    NothingToApprove,
    #[error("two operators have to approve this payout first")]
    NotApproved,
    #[error("this payout may have been sent: it can be neither withdrawn nor paid by hand now")]
    OnItsWay,
    #[error("this payout has been paid")]
    Paid,
    #[error("this payout was withdrawn")]
    Withdrawn,
    #[error(
        "an operator says that this payout was paid by hand; confirm that, or take it back first"
    )]
    SaidToBePaid,
    #[error("another operator has to confirm that this payout was paid by hand")]
    SameClaimant,
    #[error("the payout is said to be paid by another transaction, {0}")]
    OtherClaim(TransactionHash),
    #[error("nobody says that this payout was paid by hand")]
    NotClaimed,
    #[error("that attempt at this payout is over, or was never made")]
    OtherAttempt,
}

impl State {
    pub const fn status(&self) -> BatchStatus {
        match self {
            Self::Drafted => BatchStatus::Drafted,
            Self::Approved => BatchStatus::Approved,
            Self::ByHand(_) => BatchStatus::ByHand,
            Self::Signed => BatchStatus::Signed,
            Self::Submitted => BatchStatus::Submitted,
            Self::Confirmed { .. } => BatchStatus::Confirmed,
            Self::Failed => BatchStatus::Failed,
            Self::Withdrawn => BatchStatus::Withdrawn,
        }
    }
}

impl Batch {
    fn to(&self, state: State) -> Change {
        Change::To(Self {
            state,
            ..self.clone()
        })
    }
}

/// Applies an event. Refusals say why nothing was changed.
pub fn apply(batch: &Batch, event: Event) -> Result<Change, Refusal> {
    match event {
        Event::Approve { by } => approve(batch, by),
        Event::Withdraw => withdraw(batch),
        Event::Claim(claim) => say_paid(batch, claim),
        Event::Unclaim => unclaim(batch),
        Event::Sign => sign(batch),
        Event::Submitted { attempt } => on_its_way(batch, attempt, State::Submitted),
        Event::Committed { attempt } => {
            on_its_way(batch, attempt, State::Confirmed { by_hand: None })
        }
        Event::Over { attempt } => on_its_way(batch, attempt, State::Failed),
    }
}

fn approve(batch: &Batch, by: UserId) -> Result<Change, Refusal> {
    let has_approved = batch.approved_by.contains(&by);
    match batch.state {
        State::Drafted if has_approved => Err(Refusal::SameOperator),
        State::Drafted => {
            let mut approved_by = batch.approved_by.clone();
            approved_by.push(by);
            let state = match approved_by.len() {
                APPROVALS.. => State::Approved,
                _ => State::Drafted,
            };
            Ok(Change::To(Batch {
                state,
                approved_by,
                attempts: batch.attempts,
            }))
        }
        // The operator whose approval was the last one asks again.
        State::Approved if has_approved => Ok(Change::Unchanged),
        State::Approved | State::ByHand(_) | State::Failed => Err(Refusal::NothingToApprove),
        State::Signed | State::Submitted => Err(Refusal::OnItsWay),
        State::Confirmed { .. } => Err(Refusal::Paid),
        State::Withdrawn => Err(Refusal::Withdrawn),
    }
}

fn withdraw(batch: &Batch) -> Result<Change, Refusal> {
    match batch.state {
        State::Drafted | State::Approved | State::Failed => Ok(batch.to(State::Withdrawn)),
        State::Withdrawn => Ok(Change::Unchanged),
        State::ByHand(_) => Err(Refusal::SaidToBePaid),
        State::Signed | State::Submitted => Err(Refusal::OnItsWay),
        State::Confirmed { .. } => Err(Refusal::Paid),
    }
}

fn say_paid(batch: &Batch, claim: Claim) -> Result<Change, Refusal> {
    match batch.state {
        State::Approved | State::Failed => Ok(batch.to(State::ByHand(claim))),
        State::ByHand(said) if said.hash != claim.hash => Err(Refusal::OtherClaim(said.hash)),
        State::ByHand(said) if said.by == claim.by => Err(Refusal::SameClaimant),
        State::ByHand(said) => {
            let by_hand = Some(said.hash);
            Ok(batch.to(State::Confirmed { by_hand }))
        }
        State::Confirmed { by_hand } if by_hand == Some(claim.hash) => Ok(Change::Unchanged),
        State::Confirmed { .. } => Err(Refusal::Paid),
        State::Drafted => Err(Refusal::NotApproved),
        State::Signed | State::Submitted => Err(Refusal::OnItsWay),
        State::Withdrawn => Err(Refusal::Withdrawn),
    }
}

/// Back to where both ways of paying are open.
fn unclaim(batch: &Batch) -> Result<Change, Refusal> {
    match batch.state {
        State::ByHand(_) => Ok(batch.to(State::Approved)),
        State::Drafted | State::Approved | State::Failed => Err(Refusal::NotClaimed),
        State::Signed | State::Submitted => Err(Refusal::OnItsWay),
        State::Confirmed { .. } => Err(Refusal::Paid),
        State::Withdrawn => Err(Refusal::Withdrawn),
    }
}

fn sign(batch: &Batch) -> Result<Change, Refusal> {
    match batch.state {
        State::Approved | State::Failed => Ok(Change::To(Batch {
            state: State::Signed,
            attempts: batch.attempts + 1,
            ..batch.clone()
        })),
        // Two operators sent it at once, or one asked twice: the first transaction goes on.
        State::Signed | State::Submitted => Ok(Change::Unchanged),
        State::Confirmed { by_hand: None } => Ok(Change::Unchanged),
        State::Confirmed { by_hand: Some(_) } => Err(Refusal::Paid),
        State::Drafted => Err(Refusal::NotApproved),
        State::ByHand(_) => Err(Refusal::SaidToBePaid),
        State::Withdrawn => Err(Refusal::Withdrawn),
    }
}

/// What became of the transaction that may still happen.
fn on_its_way(batch: &Batch, attempt: u32, to: State) -> Result<Change, Refusal> {
    let is_last = attempt == batch.attempts && attempt > 0;
    match batch.state {
        state if is_last && state == to => Ok(Change::Unchanged),
        State::Signed | State::Submitted if is_last => Ok(batch.to(to)),
        State::Drafted
        | State::Approved
        | State::ByHand(_)
        | State::Signed
        | State::Submitted
        | State::Confirmed { .. }
        | State::Failed
        | State::Withdrawn => Err(Refusal::OtherAttempt),
    }
}

#[cfg(test)]
mod tests;
