//! When all goes well, and what is found before anything is sent.

use std::time::Duration;

use http::StatusCode;
use pictor_protocol::payout::{PayoutAccount, PayoutStatus, PayoutTransactionStatus};
use pictor_protocol::problem::ProblemKind;
use serde_json::{Value, json};

use super::{Bank, FUNDS, path, payer};
use crate::harness::chain::Mishap;
use crate::harness::counterparts::read_by_sdk;
use crate::harness::eventually;

/// The original's table: rank 1, 2–5, 6–15, 16–50, 51–100.
fn original() -> Vec<u64> {
    let bands = [
        (1, 20_000),
        (4, 10_000),
        (10, 5_000),
        (35, 1_400),
        (50, 800),
    ];
    let each = |(ranks, cents)| std::iter::repeat_n(cents, ranks);
    bands.into_iter().flat_map(each).collect()
}

#[tokio::test]
async fn the_originals_hundred_winners_are_paid_to_the_last_octa() {
    let bank = Bank::open().await;
    let id = bank.approved(&original()).await;
    bank.send(id).await;
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;

    // $1,990 at $4.3712, each share rounded down: computed apart from this program.
    assert_eq!((paid.total_cents, paid.recipients), (199_000, 100));
    assert_eq!(
        (paid.total_octas, paid.left_over_octas),
        (45_525_256_173, 49)
    );
    let items = bank.details(id).await.items;
    for (rank, octas) in [
        (1, 4_575_402_635),
        (2, 2_287_701_317),
        (6, 1_143_850_658),
        (16, 320_278_184),
        (51, 183_016_105),
        (100, 183_016_105),
    ] {
        assert_eq!(items[rank - 1].octas, octas, "rank {rank}");
    }
    let [transaction] = &paid.transactions[..] else {
        panic!("{paid:?}");
    };
    assert_eq!(transaction.status, PayoutTransactionStatus::Committed);
    // A hundred new accounts at 1,000 units, and half as much again.
    assert_eq!((transaction.max_gas, transaction.gas_price), (150_008, 100));
    let fee = 100_005 * 100;
    assert_eq!(bank.chain.balance(payer()), FUNDS - paid.total_octas - fee);
}

#[tokio::test]
async fn the_signed_bytes_are_what_the_sdk_takes_for_this_payout() {
    let bank = Bank::open().await;
    let id = bank.approved(&original()).await;
    bank.send(id).await;
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    let [submitted] = &bank.chain.submissions()[..] else {
        panic!("it was submitted more than once");
    };
    let read = read_by_sdk(submitted).await;
    let (transaction, items) = (&paid.transactions[0], bank.details(id).await.items);
    let addresses: Vec<_> = items.iter().map(|item| item.address.clone()).collect();
    let octas: Vec<_> = items.iter().map(|item| item.octas.to_string()).collect();
    let expected: Value = json!({
        "is_whole": true,
        "is_signed": true,
        "signer": transaction.sender,
        "hash": transaction.hash,
        "sender": transaction.sender,
        "sequence_number": "0",
        "max_gas": transaction.max_gas.to_string(),
        "gas_price": "100",
        "expires_s": (transaction.expires_ms / 1_000).to_string(),
        "chain_id": 4,
        "function": "0x1::aptos_account::batch_transfer",
        "types": 0,
        "addresses": addresses,
        "octas": octas,
    });
    assert_eq!(read, expected);
    // And the SDK does look: another amount, another signature.
    let mut forged = submitted.clone();
    let at = forged.len() - 130;
    forged[at] ^= 1;
    assert_eq!(read_by_sdk(&forged).await["is_signed"], false);
}

#[tokio::test]
async fn sent_twice_at_once_it_is_paid_once() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000, 10_000]).await;
    bank.chain
        .always(Some(Mishap::Slow(Duration::from_millis(100))));
    let path = path(id, "send");
    let orders = (0..16).map(|number| {
        let operator = if number % 2 == 0 {
            &bank.ada
        } else {
            &bank.bob
        };
        let path = path.clone();
        async move { operator.post(&path, &json!({})).await.status }
    });
    for status in futures_util::future::join_all(orders).await {
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    // Once more, after it was paid: nothing changes.
    let before = bank.details(id).await;
    bank.send(id).await;
    assert_eq!(bank.details(id).await, before);
    assert_eq!(before.payout.transactions.len(), 1);
}

#[tokio::test]
async fn whoever_is_overtaken_while_asking_the_node_finds_it_paid() {
    let bank = Bank::open().await;
    // 1,000 APT, and the gas for them: after the payment there is too little for another one.
    let id = bank.approved(&[437_120]).await;
    bank.chain.fund(payer(), 1_508 * 100);
    bank.chain.freeze(1, false);
    let overtaking = async {
        eventually("a request without an answer", async || {
            bank.chain
                .is_frozen()
                .then_some(())
                .ok_or("everything is answered")
        })
        .await;
        let sent = bank.bob.post(&path(id, "send"), &json!({})).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED);
        bank.until(id, PayoutStatus::Confirmed).await;
        bank.chain.thaw();
    };
    let (late, ()) = tokio::join!(bank.send(id), overtaking);
    assert_eq!(late.status, PayoutStatus::Confirmed);
    bank.assert_paid_once(id).await;
}

#[tokio::test]
async fn too_little_money_is_found_by_simulation_and_nothing_is_kept() {
    let bank = Bank::open().await;
    // $5,000 at $4.3712 are 1,143.85 APT.
    let dear = bank.approved(&[500_000]).await;
    let before = bank.details(dear).await;
    let refused = bank.ada.post(&path(dear, "send"), &json!({})).await;
    let problem = refused.problem(ProblemKind::PayoutNotPossible);
    let words = problem.detail.unwrap();
    assert!(words.contains("1000.00000000 APT"), "{words}");
    assert_eq!(bank.chain.simulations(), 1);
    assert_eq!(bank.details(dear).await, before);
    assert_eq!(bank.chain.submissions().len(), 0);

    let account: PayoutAccount = bank.ada.get("/api/v1/operator/payout-account").await.json();
    assert_eq!(account.balance_octas, FUNDS);
    bank.chain.fund(payer(), 15_000_000_000);
    bank.send(dear).await;
    bank.until(dear, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(dear).await;
}

#[tokio::test]
async fn money_that_is_enough_but_for_the_gas_is_too_little() {
    let bank = Bank::open().await;
    // 437,120 cents at 4.3712 are 1,000 APT: all of it.
    let id = bank.approved(&[437_120]).await;
    let refused = bank.ada.post(&path(id, "send"), &json!({})).await;
    refused.problem(ProblemKind::PayoutNotPossible);
    assert_eq!(bank.details(id).await.payout.transactions, []);
    // 1,005 units at 100 octas, and half as much again.
    bank.chain.fund(payer(), 1_508 * 100);
    bank.send(id).await;
    bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
}

#[tokio::test]
async fn a_node_of_another_chain_is_refused_before_anything_is_signed() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.becomes(1);
    let refused = bank.ada.post(&path(id, "send"), &json!({})).await;
    let problem = refused.problem(ProblemKind::PayoutNotPossible);
    assert!(problem.detail.unwrap().contains("chain 1 where 4"));
    assert_eq!(bank.details(id).await.payout.transactions, []);
    assert_eq!(bank.chain.simulations(), 0);
}

#[tokio::test]
async fn an_account_that_another_key_signs_for_is_refused() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.rotate_key(payer(), [7; 32]);
    let refused = bank.ada.post(&path(id, "send"), &json!({})).await;
    let problem = refused.problem(ProblemKind::PayoutNotPossible);
    assert!(problem.detail.unwrap().contains("another key"));
}

#[tokio::test]
async fn a_node_that_is_down_is_said_to_be_and_nothing_is_kept() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.is_down(true);
    let refused = bank.ada.post(&path(id, "send"), &json!({})).await;
    refused.problem(ProblemKind::CounterpartUnavailable);
    assert_eq!(bank.details(id).await.payout.status, PayoutStatus::Approved);
    bank.chain.is_down(false);
    bank.send(id).await;
    bank.until(id, PayoutStatus::Confirmed).await;
}

#[tokio::test]
async fn one_payout_of_an_account_is_on_its_way_at_a_time() {
    let bank = Bank::open().await;
    let first = bank.approved(&[20_000]).await;
    let second = bank.approved(&[10_000]).await;
    bank.chain.always(Some(Mishap::Hold));
    bank.send(first).await;
    bank.until(first, PayoutStatus::Submitted).await;
    let refused = bank.ada.post(&path(second, "send"), &json!({})).await;
    let problem = refused.problem(ProblemKind::Conflict);
    assert!(problem.detail.unwrap().contains("another payout"));
    assert_eq!(
        bank.details(second).await.payout.status,
        PayoutStatus::Approved
    );
    bank.chain.always(None);
    bank.chain.release();
    bank.until(first, PayoutStatus::Confirmed).await;
    bank.send(second).await;
    bank.until(second, PayoutStatus::Confirmed).await;
    assert_eq!(bank.chain.committed(), (2, 2));
}
