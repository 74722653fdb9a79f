//! Against a model of a chain and of nodes that are behind, forget, and lose what they are sent.

use pictor_protocol::UserId;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::batch::{self, Batch, Change, Event, State};
use super::*;

const CHAIN: u8 = 4;
/// How long a transaction can happen, in seconds of the model.
const LASTS_S: u64 = 5;

#[test]
fn an_unknown_hash_before_the_expiry_is_submitted_again() {
    let sent = sent(1, 0, 100);
    assert_eq!(by_hash(&sent, &ByHash::Unknown, at(99)), Step::Submit);
    // In the second of its expiry the chain refuses it already; a second more does no harm.
    assert_eq!(by_hash(&sent, &ByHash::Unknown, at(100)), Step::Submit);
    assert_eq!(
        by_hash(&sent, &ByHash::Unknown, at(101)),
        Step::AskBySequence
    );
    assert_eq!(by_hash(&sent, &ByHash::Pending, at(200)), Step::Wait);
}

#[test]
fn a_transaction_is_absent_only_past_its_expiry_and_with_its_sequence_number_accounted_for() {
    let sent = sent(1, 7, 100);
    let other = BySequence::UsedBy {
        hash: hash(2),
        outcome: outcome(true),
    };
    for (seen, late) in [
        (BySequence::Unused, Step::Never(Why::Expired)),
        (other, Step::Never(Why::SequenceTaken)),
        (BySequence::Forgotten, Step::Doubt(Doubt::Forgotten)),
    ] {
        assert_eq!(by_sequence(&sent, &seen, at(100)), Step::Wait, "{seen:?}");
        assert_eq!(by_sequence(&sent, &seen, at(101)), late);
    }
    for (success, step) in [(true, Step::Confirm), (false, undone())] {
        let (hash, outcome) = (hash(1), outcome(success));
        let own = BySequence::UsedBy { hash, outcome };
        assert_eq!(by_sequence(&sent, &own, at(100)), step);
    }
}

#[test]
fn a_node_of_another_chain_proves_nothing() {
    let sent = sent(1, 0, 100);
    let elsewhere = Ledger {
        chain_id: 1,
        ..at(1_000)
    };
    let expected = CHAIN;
    let doubt = Step::Doubt(Doubt::OtherChain { expected, found: 1 });
    for seen in [
        ByHash::Unknown,
        ByHash::Pending,
        ByHash::Committed(outcome(true)),
    ] {
        assert_eq!(by_hash(&sent, &seen, elsewhere), doubt);
    }
    for seen in [BySequence::Unused, BySequence::Forgotten] {
        assert_eq!(by_sequence(&sent, &seen, elsewhere), doubt);
    }
}

/// What may happen between the looks of the coordinator.
#[derive(Debug, Clone)]
enum Happening {
    /// The coordinator looks, at the chain as it was `behind` changes ago, and does what follows. The node
    /// may have forgotten what is committed and not have heard of what waits elsewhere, and may lose what it is sent.
    Look {
        behind: usize,
        forgets: bool,
        loses: bool,
    },
    /// An operator sends the batch, by the account as it was that long ago.
    Send {
        behind: usize,
    },
    TimePasses {
        seconds: u64,
    },
    /// A validator takes one of the transactions that a node has.
    Commit {
        which: usize,
        success: bool,
    },
    /// Somebody else uses the account.
    Foreign,
}

/// The chain, and what nodes have been sent.
#[derive(Debug, Clone, Default)]
struct Chain {
    time_s: u64,
    next_sequence: u64,
    committed: Vec<(Sent, bool)>,
    mempool: Vec<Sent>,
}

impl Chain {
    fn ledger(&self) -> Ledger {
        Ledger {
            chain_id: CHAIN,
            time_us: self.time_s * 1_000_000,
        }
    }

    fn commit(&mut self, sent: Sent, success: bool) {
        if sent.sequence_number == self.next_sequence && self.time_s < sent.expires_s {
            self.next_sequence += 1;
            self.committed.push((sent, success));
        }
    }

    fn by_hash(&self, of: &Sent, forgets: bool) -> ByHash {
        let committed = self.committed.iter().find(|(sent, _)| sent.hash == of.hash);
        match committed {
            Some((_, success)) if !forgets => ByHash::Committed(outcome(*success)),
            None if !forgets && self.waits(of) => ByHash::Pending,
            Some(_) | None => ByHash::Unknown,
        }
    }

    fn waits(&self, of: &Sent) -> bool {
        self.mempool.contains(of) && self.time_s < of.expires_s
    }

    fn by_sequence(&self, of: &Sent, forgets: bool) -> BySequence {
        if self.next_sequence <= of.sequence_number {
            return BySequence::Unused;
        }
        let of_number = |sent: &Sent| sent.sequence_number == of.sequence_number;
        let used_by = self.committed.iter().find(|(sent, _)| of_number(sent));
        match used_by {
            Some((sent, success)) if !forgets => BySequence::UsedBy {
                hash: sent.hash,
                outcome: outcome(*success),
            },
            Some(_) | None => BySequence::Forgotten,
        }
    }

    fn paid(&self) -> usize {
        let own = |(sent, success): &&(Sent, bool)| *success && sent.hash != hash(0);
        self.committed.iter().filter(own).count()
    }
}

/// The coordinator, as far as it is decided here.
struct Coordinator {
    batch: Batch,
    last: Option<Sent>,
}

impl Coordinator {
    fn apply(&mut self, event: Event) -> bool {
        match batch::apply(&self.batch, event) {
            Ok(Change::To(next)) => {
                self.batch = next;
                true
            }
            Ok(Change::Unchanged) | Err(_) => false,
        }
    }

    fn send(&mut self, seen: &Chain) {
        if self.apply(Event::Sign) {
            let expires_s = seen.time_s + LASTS_S;
            let number = self.batch.attempts as u8;
            self.last = Some(sent(number, seen.next_sequence, expires_s));
        }
    }

    fn look(&mut self, seen: &Chain, forgets: bool) -> Option<Sent> {
        let is_live = matches!(self.batch.state, State::Signed | State::Submitted);
        let sent = self.last.filter(|_| is_live)?;
        let mut step = by_hash(&sent, &seen.by_hash(&sent, forgets), seen.ledger());
        if step == Step::AskBySequence {
            step = by_sequence(&sent, &seen.by_sequence(&sent, forgets), seen.ledger());
        }
        let attempt = self.batch.attempts;
        match step {
            Step::Submit => return Some(sent),
            Step::Confirm => assert!(self.apply(Event::Committed { attempt })),
            Step::Undone { .. } | Step::Never(_) => assert!(self.apply(Event::Over { attempt })),
            Step::Wait | Step::Doubt(_) => {}
            Step::AskBySequence => panic!("asked twice"),
        }
        None
    }
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let behind = || prop_oneof![3 => Just(0), 1 => 0..12_usize];
    prop_oneof![
        6 => (behind(), prop::bool::weighted(0.2), any::<bool>())
            .prop_map(|(behind, forgets, loses)| Happening::Look { behind, forgets, loses }),
        3 => behind().prop_map(|behind| Happening::Send { behind }),
        3 => (1..4_u64).prop_map(|seconds| Happening::TimePasses { seconds }),
        3 => (0..4_usize, any::<bool>())
            .prop_map(|(which, success)| Happening::Commit { which, success }),
        1 => Just(Happening::Foreign),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nobody_is_paid_twice_and_failed_means_unpaid_for_ever(
        happenings in prop::collection::vec(any_happening(), 0..80),
    ) {
        let mut chain = Chain::default();
        let mut past = vec![chain.clone()];
        let mut coordinator = Coordinator { batch: approved(), last: None };
        for happening in happenings {
            let seen = |behind: usize| past[past.len().saturating_sub(1 + behind)].clone();
            match happening {
                Happening::Look { behind, forgets, loses } => {
                    // The bytes may arrive and the answer not: the coordinator need not know.
                    if let Some(sent) = coordinator.look(&seen(behind), forgets)
                        && !loses && !chain.mempool.contains(&sent)
                    {
                        chain.mempool.push(sent);
                        let attempt = coordinator.batch.attempts;
                        coordinator.apply(Event::Submitted { attempt });
                    }
                }
                Happening::Send { behind } => coordinator.send(&seen(behind)),
                Happening::TimePasses { seconds } => chain.time_s += seconds,
                Happening::Commit { which, success } => {
                    if let Some(sent) = chain.mempool.get(which).copied() {
                        chain.commit(sent, success);
                    }
                }
                Happening::Foreign => {
                    let foreign = sent(0, chain.next_sequence, u64::MAX);
                    chain.commit(foreign, true);
                }
            }
            past.push(chain.clone());
            prop_assert!(chain.paid() <= 1);
            match coordinator.batch.state {
                State::Confirmed { .. } => prop_assert_eq!(chain.paid(), 1),
                State::Failed | State::Approved => prop_assert_eq!(chain.paid(), 0),
                State::Drafted | State::ByHand(_) | State::Signed | State::Submitted
                | State::Withdrawn => {}
            }
        }
        // Once nodes keep up, and operators do not tire, everybody is paid.
        for _ in 0..40 {
            coordinator.send(&chain);
            if let Some(sent) = coordinator.look(&chain, false) {
                chain.commit(sent, true);
            }
            chain.time_s += 1;
        }
        prop_assert_eq!(coordinator.batch.state, State::Confirmed { by_hand: None });
        prop_assert_eq!(chain.paid(), 1);
    }
}

fn approved() -> Batch {
    Batch {
        state: State::Approved,
        approved_by: [1, 2].map(|of| UserId::new(Uuid::from_u128(of))).to_vec(),
        attempts: 0,
    }
}

fn sent(name: u8, sequence_number: u64, expires_s: u64) -> Sent {
    Sent {
        hash: hash(name),
        sequence_number,
        expires_s,
        chain_id: CHAIN,
    }
}

fn at(seconds: u64) -> Ledger {
    Ledger {
        chain_id: CHAIN,
        time_us: seconds * 1_000_000,
    }
}

fn outcome(success: bool) -> Outcome {
    Outcome {
        success,
        vm_status: if success {
            "Executed successfully"
        } else {
            "Out of gas"
        }
        .into(),
    }
}

fn undone() -> Step {
    Step::Undone {
        vm_status: "Out of gas".into(),
    }
}

fn hash(byte: u8) -> TransactionHash {
    format!("0x{}", format!("{byte:02x}").repeat(32))
        .parse()
        .unwrap()
}
