//! Rule by rule, and against any order of events.

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
