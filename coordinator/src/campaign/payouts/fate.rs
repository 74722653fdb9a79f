//! What became of a transaction that was sent, judged by what a node says of it. Pure.
//!
//! A payout is never paid twice because a new transaction is made only when the last one is proven to have
//! no effect: the chain undid it, or it is **expired and absent**. Absent means more than that a node does
//! not know its hash, since nodes forget old transactions and those behind one address are not equally far:
//!
//! - the very answer that does not know it is of a ledger whose clock is past the expiry, after which no
//!   validator takes the transaction any more;
//! - the account's sequence number, again at a ledger past the expiry, has not been used, or another
//!   transaction has used it.
//!
//! As long as that cannot be shown the same bytes are submitted again, which can pay once at most, or
//! nothing is done and operators are told why.

use super::transaction::TransactionHash;

/// A transaction that may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub hash: TransactionHash,
    pub sequence_number: u64,
    pub expires_s: u64,
    pub chain_id: u8,
}

/// The state of the chain that an answer speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    pub chain_id: u8,
    /// Unix microseconds by the chain's own clock.
    pub time_us: u64,
}

/// What a node knows by the transaction's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByHash {
    Unknown,
    /// Taken, and not decided.
    Pending,
    Committed(Outcome),
}

/// What the account has done with the transaction's sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BySequence {
    Unused,
    UsedBy {
        hash: TransactionHash,
        outcome: Outcome,
    },
    /// It has been used, and the node does not have the transaction.
    Forgotten,
}

/// How a committed transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub success: bool,
    /// The chain's word for it.
    pub vm_status: String,
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// In doubt: hand the same bytes to the node.
    Submit,
    Wait,
    /// The hash is unknown past the expiry: ask what the account did with the sequence number.
    AskBySequence,
    /// Everybody is paid.
    Confirm,
    /// The chain refused it as a whole: nobody is paid.
    Undone {
        vm_status: String,
    },
    /// It has not happened and never can.
    Never(Why),
    /// Nothing can be said, so nothing is done.
    Doubt(Doubt),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("it expired before the chain took it")]
    Expired,
    #[error("another transaction of the account has used its sequence number")]
    SequenceTaken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    #[error(
        "the node is of chain {found} and the transaction of chain {expected}; configure a node of that chain"
    )]
    OtherChain { expected: u8, found: u8 },
    #[error(
        "the account has used the sequence number, and the node does not have the transaction any more; \
         configure a node with the whole history"
    )]
    Forgotten,
}

/// What follows from what the node knows by the hash.
pub fn by_hash(sent: &Sent, seen: &ByHash, ledger: Ledger) -> Step {
    if let Some(doubt) = other_chain(sent, ledger) {
        return doubt;
    }
    match seen {
        ByHash::Committed(outcome) => settled(outcome),
        ByHash::Pending => Step::Wait,
        ByHash::Unknown if is_past(sent, ledger) => Step::AskBySequence,
        ByHash::Unknown => Step::Submit,
    }
}

/// What follows from what the account did with the sequence number.
pub fn by_sequence(sent: &Sent, seen: &BySequence, ledger: Ledger) -> Step {
    if let Some(doubt) = other_chain(sent, ledger) {
        return doubt;
    }
    match seen {
        BySequence::UsedBy { hash, outcome } if *hash == sent.hash => settled(outcome),
        // This answer is of a node that is behind the other one.
        BySequence::Unused | BySequence::UsedBy { .. } | BySequence::Forgotten
            if !is_past(sent, ledger) =>
        {
            Step::Wait
        }
        BySequence::Unused => Step::Never(Why::Expired),
        BySequence::UsedBy { .. } => Step::Never(Why::SequenceTaken),
        BySequence::Forgotten => Step::Doubt(Doubt::Forgotten),
    }
}

fn other_chain(sent: &Sent, ledger: Ledger) -> Option<Step> {
    let doubt = Doubt::OtherChain {
        expected: sent.chain_id,
        found: ledger.chain_id,
    };
    (sent.chain_id != ledger.chain_id).then_some(Step::Doubt(doubt))
}

/// The chain refuses a transaction from the second on in which it expires.
fn is_past(sent: &Sent, ledger: Ledger) -> bool {
    ledger.time_us / 1_000_000 > sent.expires_s
}

fn settled(outcome: &Outcome) -> Step {
    if outcome.success {
        return Step::Confirm;
    }
    Step::Undone {
        vm_status: outcome.vm_status.clone(),
    }
}

#[cfg(test)]
mod tests;
