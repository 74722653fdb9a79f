//! When the node, the chain or somebody else gets in the way.

use pictor_protocol::payout::{PayoutStatus, PayoutTransactionStatus};
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use super::{Bank, EXPIRY_S, path, payer};
use crate::harness::chain::Mishap;

#[tokio::test]
async fn an_answer_lost_after_the_payment_does_not_pay_again() {
    for mishap in [Mishap::LoseAnswer, Mishap::FailAfterwards] {
        let bank = Bank::open().await;
        let id = bank.approved(&[20_000, 10_000]).await;
        bank.chain.next(mishap);
        bank.send(id).await;
        let paid = bank.until(id, PayoutStatus::Confirmed).await;
        bank.assert_paid_once(id).await;
        assert_eq!(paid.transactions.len(), 1, "{mishap:?}");
    }
}

#[tokio::test]
async fn what_a_node_loses_is_submitted_again_with_the_same_bytes() {
    for mishap in [Mishap::Fail, Mishap::Forget] {
        let bank = Bank::open().await;
        let id = bank.approved(&[20_000, 10_000]).await;
        for _ in 0..3 {
            bank.chain.next(mishap);
        }
        bank.send(id).await;
        let paid = bank.until(id, PayoutStatus::Confirmed).await;
        bank.assert_paid_once(id).await;
        let mut submissions = bank.chain.submissions();
        assert_eq!((submissions.len(), paid.transactions.len()), (4, 1));
        submissions.dedup();
        assert_eq!(submissions.len(), 1, "other bytes were sent");
    }
}

#[tokio::test]
async fn a_transaction_that_expired_and_is_absent_is_replaced() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000, 10_000]).await;
    bank.chain.always(Some(Mishap::Forget));
    bank.send(id).await;
    bank.until(id, PayoutStatus::Submitted).await;
    bank.chain.always(None);
    bank.chain.passes(EXPIRY_S);
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    let [first, second] = &paid.transactions[..] else {
        panic!("{paid:?}");
    };
    assert_eq!(first.status, PayoutTransactionStatus::Expired);
    assert_eq!(second.status, PayoutTransactionStatus::Committed);
    // It takes the place of the first: of the two the chain could have taken one at most.
    assert_eq!(first.sequence_number, second.sequence_number);
    assert_ne!(first.hash, second.hash);
}

#[tokio::test]
async fn a_transaction_is_not_replaced_before_it_has_expired() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.always(Some(Mishap::Hold));
    bank.send(id).await;
    bank.until(id, PayoutStatus::Submitted).await;
    // To the second in which the chain would refuse it, and the node has lost it.
    bank.chain.passes(EXPIRY_S - 2);
    bank.chain.release();
    bank.chain.always(None);
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    assert_eq!(paid.transactions.len(), 1);
}

#[tokio::test]
async fn a_transaction_that_the_chain_undid_is_replaced() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000, 10_000]).await;
    bank.chain.next(Mishap::Undo);
    bank.send(id).await;
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    let [first, second] = &paid.transactions[..] else {
        panic!("{paid:?}");
    };
    assert_eq!(first.status, PayoutTransactionStatus::Undone);
    assert!(first.outcome.as_ref().unwrap().contains("Move abort"));
    assert_eq!((first.sequence_number, second.sequence_number), (0, 1));
}

#[tokio::test]
async fn what_fails_again_and_again_waits_for_operators() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.always(Some(Mishap::Undo));
    bank.send(id).await;
    let failed = bank.until(id, PayoutStatus::Failed).await;
    assert_eq!(failed.transactions.len(), 3);
    assert!(failed.trouble.unwrap().contains("Move abort"));
    bank.assert_nobody_is_paid();
    bank.chain.always(None);
    bank.send(id).await;
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    assert_eq!((paid.transactions.len(), paid.trouble), (4, None));
}

#[tokio::test]
async fn a_replacement_that_could_not_be_paid_waits_for_operators() {
    let bank = Bank::open().await;
    // 437,120 cents at 4.3712 are 1,000 APT. Beyond that there is enough for the gas of one attempt.
    let id = bank.approved(&[437_120]).await;
    bank.chain.fund(payer(), 200_000);
    bank.chain.next(Mishap::Undo);
    bank.send(id).await;
    let failed = bank.until(id, PayoutStatus::Failed).await;
    let words = failed.trouble.unwrap();
    assert!(
        words.contains("the payout account has 1000.000995"),
        "{words}"
    );
    assert_eq!(failed.transactions.len(), 1);
    bank.assert_nobody_is_paid();
    bank.chain.fund(payer(), 100_000);
    bank.send(id).await;
    bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
}

#[tokio::test]
async fn a_sequence_number_that_somebody_else_used_is_replaced_once_that_is_certain() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000, 10_000]).await;
    bank.chain.always(Some(Mishap::Forget));
    bank.send(id).await;
    bank.until(id, PayoutStatus::Submitted).await;
    bank.chain.use_sequence_number(payer());
    bank.chain.always(None);
    let refused = bank.until_it(id, "a refusal in words", |of| of.trouble.is_some());
    let words = refused.await.trouble.unwrap();
    assert!(words.contains("SEQUENCE_NUMBER_TOO_OLD"), "{words}");
    bank.chain.passes(EXPIRY_S);
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    let [first, second] = &paid.transactions[..] else {
        panic!("{paid:?}");
    };
    assert_eq!(first.status, PayoutTransactionStatus::Expired);
    assert!(
        first
            .outcome
            .as_ref()
            .unwrap()
            .contains("another transaction")
    );
    assert_eq!((first.sequence_number, second.sequence_number), (0, 1));
    assert_eq!(bank.chain.committed(), (2, 2));
    assert_eq!(
        bank.chain.supply() - bank.chain.balance(payer()),
        paid.total_octas
    );
}

#[tokio::test]
async fn a_node_that_has_forgotten_the_past_proves_nothing() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.always(Some(Mishap::Hold));
    bank.send(id).await;
    bank.until(id, PayoutStatus::Submitted).await;
    // It was paid while nobody looked, and that was long ago.
    bank.chain.is_down(true);
    bank.chain.release();
    let past = bank.chain.forget();
    bank.chain.passes(60 * 24 * 3_600);
    bank.chain.is_down(false);
    let doubtful = bank.until_it(id, "a doubt", |of| {
        let trouble = of.trouble.as_deref().unwrap_or_default();
        trouble.contains("whole history")
    });
    let doubtful = doubtful.await;
    assert_eq!(doubtful.status, PayoutStatus::Submitted);
    assert_eq!(doubtful.transactions.len(), 1);
    let withdrawn = bank.ada.post(&path(id, "withdraw"), &json!({})).await;
    withdrawn.problem(ProblemKind::Conflict);
    assert_eq!(bank.send(id).await.transactions.len(), 1);
    // A node that keeps everything settles it.
    bank.chain.remember(past);
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    assert_eq!(paid.transactions.len(), 1);
}

#[tokio::test]
async fn a_node_that_turns_into_one_of_another_chain_proves_nothing() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.always(Some(Mishap::Hold));
    bank.send(id).await;
    bank.until(id, PayoutStatus::Submitted).await;
    bank.chain.becomes(1);
    bank.chain.passes(EXPIRY_S);
    let doubtful = bank
        .until_it(id, "a doubt", |of| of.trouble.is_some())
        .await;
    assert!(doubtful.trouble.unwrap().contains("chain 1"));
    assert_eq!(doubtful.transactions.len(), 1);
    assert_eq!(bank.chain.submissions().len(), 1);
    bank.chain.becomes(4);
    bank.chain.always(None);
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    assert_eq!((paid.transactions.len(), paid.trouble), (2, None));
}

#[tokio::test]
async fn what_is_on_its_way_can_be_neither_withdrawn_nor_paid_by_hand() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.always(Some(Mishap::Fail));
    bank.send(id).await;
    let hash = format!("0x{}", "ab".repeat(32));
    let by_hand = super::paid_by_hand(&bank.ada, id, &hash).await;
    by_hand.problem(ProblemKind::Conflict);
    let withdrawn = bank.ada.post(&path(id, "withdraw"), &json!({})).await;
    withdrawn.problem(ProblemKind::Conflict);
    bank.chain.always(None);
    bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_submitted() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    let full = "CREATE TRIGGER full BEFORE INSERT ON payout_transactions \
                BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    bank.world.try_sql(full).await.unwrap();
    let refused = bank.ada.post(&path(id, "send"), &json!({})).await;
    refused.problem(ProblemKind::Internal);
    assert_eq!(bank.details(id).await.payout.status, PayoutStatus::Approved);
    bank.world.try_sql("DROP TRIGGER full").await.unwrap();
    assert_eq!(bank.chain.submissions().len(), 0);
    bank.send(id).await;
    bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
}
