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
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn two_different_operators_have_to_approve() {
        let drafted = drafted();
        let once = after(&drafted, Event::Approve { by: user(1) });
        assert_eq!(once.state, State::Drafted);
        let again = apply(&once, Event::Approve { by: user(1) });
        assert_eq!(again, Err(Refusal::SameOperator));
        assert_eq!(apply(&once, Event::Sign), Err(Refusal::NotApproved));
        let twice = after(&once, Event::Approve { by: user(2) });
        assert_eq!(twice.state, State::Approved);
        let repeated = apply(&twice, Event::Approve { by: user(2) });
        assert_eq!(repeated, Ok(Change::Unchanged));
        let third = apply(&twice, Event::Approve { by: user(3) });
        assert_eq!(third, Err(Refusal::NothingToApprove));
    }

    #[test]
    fn what_may_have_been_sent_cannot_be_withdrawn_or_paid_by_hand() {
        let signed = after(&approved(), Event::Sign);
        let submitted = after(&signed, Event::Submitted { attempt: 1 });
        for batch in [signed, submitted] {
            for event in [Event::Withdraw, claim(1), Event::Unclaim] {
                assert_eq!(apply(&batch, event), Err(Refusal::OnItsWay));
            }
            assert_eq!(apply(&batch, Event::Sign), Ok(Change::Unchanged));
        }
    }

    #[test]
    fn what_had_no_effect_can_be_sent_again_or_withdrawn() {
        let signed = after(&approved(), Event::Sign);
        let failed = after(&signed, Event::Over { attempt: 1 });
        assert_eq!(after(&failed, Event::Withdraw).state, State::Withdrawn);
        let second = after(&failed, Event::Sign);
        assert_eq!(second.attempts, 2);
        // Late news of the first attempt.
        for late in [
            Event::Over { attempt: 1 },
            Event::Committed { attempt: 1 },
            Event::Submitted { attempt: 1 },
        ] {
            assert_eq!(apply(&second, late), Err(Refusal::OtherAttempt));
        }
    }

    #[test]
    fn a_payment_by_hand_is_confirmed_by_another_operator_who_names_the_same_transaction() {
        let claimed = after(&approved(), claim(1));
        assert_eq!(apply(&claimed, claim(1)), Err(Refusal::SameClaimant));
        assert_eq!(apply(&claimed, Event::Sign), Err(Refusal::SaidToBePaid));
        let other = Event::Claim(Claim {
            by: user(2),
            hash: hash(9),
        });
        assert_eq!(apply(&claimed, other), Err(Refusal::OtherClaim(hash(8))));
        let confirmed = after(&claimed, claim(2));
        let by_hand = Some(hash(8));
        assert_eq!(confirmed.state, State::Confirmed { by_hand });
        assert_eq!(apply(&confirmed, Event::Sign), Err(Refusal::Paid));
        let taken_back = after(&claimed, Event::Unclaim);
        assert_eq!(taken_back.state, State::Approved);
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (0..3_u128).prop_map(|by| Event::Approve { by: user(by) }),
            Just(Event::Withdraw),
            (0..3_u128, 8..10_u8).prop_map(|(by, name)| Event::Claim(Claim {
                by: user(by),
                hash: hash(name),
            })),
            Just(Event::Unclaim),
            Just(Event::Sign),
            (0..4_u32).prop_map(|attempt| Event::Submitted { attempt }),
            (0..4_u32).prop_map(|attempt| Event::Committed { attempt }),
            (0..4_u32).prop_map(|attempt| Event::Over { attempt }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn whatever_happens_nothing_is_sent_unapproved_and_nothing_is_paid_twice(
            events in prop::collection::vec(any_event(), 0..60),
        ) {
            let mut batch = drafted();
            for event in events {
                let Ok(Change::To(next)) = apply(&batch, event) else {
                    continue;
                };
                let mut operators = next.approved_by.clone();
                operators.dedup();
                prop_assert_eq!(&operators, &next.approved_by);
                if !matches!(next.state, State::Drafted | State::Withdrawn) {
                    prop_assert_eq!(operators.len(), 2, "{:?}", next);
                }
                prop_assert!(next.approved_by.starts_with(&batch.approved_by));
                // A new transaction only where none may happen; news only of the last one.
                if next.attempts != batch.attempts {
                    prop_assert!(matches!(batch.state, State::Approved | State::Failed));
                    prop_assert_eq!(next.attempts, batch.attempts + 1);
                    prop_assert_eq!(next.state, State::Signed);
                }
                // Paid and withdrawn are the end.
                let was_over = matches!(batch.state, State::Confirmed { .. } | State::Withdrawn);
                prop_assert!(!was_over);
                // Whatever was repeated changes nothing a second time.
                prop_assert!(!matches!(apply(&next, event), Ok(Change::To(_))), "{:?}", event);
                batch = next;
            }
        }
    }

    fn after(batch: &Batch, event: Event) -> Batch {
        match apply(batch, event) {
            Ok(Change::To(next)) => next,
            other => panic!("{event:?} at {batch:?}: {other:?}"),
        }
    }

    fn drafted() -> Batch {
        Batch {
            state: State::Drafted,
            approved_by: Vec::new(),
            attempts: 0,
        }
    }

    fn approved() -> Batch {
        let once = after(&drafted(), Event::Approve { by: user(1) });
        after(&once, Event::Approve { by: user(2) })
    }

    fn claim(by: u128) -> Event {
        Event::Claim(Claim {
            by: user(by),
            hash: hash(8),
        })
    }

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    fn hash(byte: u8) -> TransactionHash {
        format!("0x{}", format!("{byte:02x}").repeat(32))
            .parse()
            .unwrap()
    }
}
