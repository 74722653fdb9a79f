//! A coordinator that ends at any step goes on from there.

use pictor_protocol::payout::PayoutStatus;

use super::{Bank, EXPIRY_S, campaign, draft, post, winners};
use crate::harness::chain::Mishap;

#[tokio::test]
async fn a_payout_survives_an_end_at_each_of_its_steps_and_is_paid_once() {
    let bank = Bank::open().await;
    let list = winners(&bank.world, &[20_000, 10_000, 800]).await;
    let id = draft(&bank.world, campaign(1), &list).await.unwrap();
    let bank = bank.restart().await;
    post(&bank.ada, id, "approve").await;
    let bank = bank.restart().await;
    post(&bank.bob, id, "approve").await;
    let bank = bank.restart().await;

    // Signed, and the node takes nothing.
    bank.chain.always(Some(Mishap::Fail));
    let signed = bank.send(id).await;
    assert_eq!(signed.status, PayoutStatus::Signed);
    let bank = bank.restart().await;
    let tries = bank.chain.submissions().len();
    bank.until_it(id, "a try after the restart", |_| {
        bank.chain.submissions().len() > tries
    })
    .await;
    assert_eq!(
        super::state(&bank.ada, id).await.status,
        PayoutStatus::Signed
    );

    // Taken, and not decided.
    bank.chain.always(Some(Mishap::Hold));
    bank.until(id, PayoutStatus::Submitted).await;
    let bank = bank.restart().await;
    bank.until(id, PayoutStatus::Submitted).await;

    // Decided while no coordinator was there to see it.
    let chain = bank.chain.clone();
    let stopped = bank.world.stop().await;
    chain.release();
    let world = stopped.start().await;
    let bank = Bank::of(world, chain, bank._key).await;
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    let bank = bank.restart().await;
    bank.assert_paid_once(id).await;
    assert_eq!(super::state(&bank.ada, id).await, paid);
    assert_eq!(paid.transactions.len(), 1);
    let mut submissions = bank.chain.submissions();
    submissions.dedup();
    assert_eq!(submissions.len(), 1, "other bytes were sent");
}

#[tokio::test]
async fn what_expired_while_no_coordinator_ran_is_replaced_after_the_start() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.always(Some(Mishap::Forget));
    bank.send(id).await;
    bank.until(id, PayoutStatus::Submitted).await;
    let chain = bank.chain.clone();
    let stopped = bank.world.stop().await;
    chain.passes(EXPIRY_S);
    chain.always(None);
    let world = stopped.start().await;
    let bank = Bank::of(world, chain, bank._key).await;
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    assert_eq!(paid.transactions.len(), 2);
}

#[tokio::test]
async fn a_coordinator_stops_at_once_although_the_node_does_not_answer() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    let minute = std::time::Duration::from_secs(60);
    bank.chain.always(Some(Mishap::Slow(minute)));
    bank.send(id).await;
    bank.until_it(id, "a submission", |_| !bank.chain.submissions().is_empty())
        .await;
    let began = std::time::Instant::now();
    let chain = bank.chain.clone();
    let stopped = bank.world.stop().await;
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    chain.always(None);
    let bank = Bank::of(stopped.start().await, chain, bank._key).await;
    bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
}

#[tokio::test]
async fn a_coordinator_without_its_key_says_so_and_goes_on_once_it_has_it_again() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    bank.chain.always(Some(Mishap::Hold));
    bank.send(id).await;
    bank.until(id, PayoutStatus::Submitted).await;
    let (chain, key) = (bank.chain.clone(), bank._key);
    let mut settings = None;
    let stopped = bank.world.stop().await;
    let world = stopped
        .start_with(|config| settings = config.payouts.take())
        .await;
    let bank = Bank::of(world, chain, key).await;
    let left = bank
        .until_it(id, "a reason", |of| of.trouble.is_some())
        .await;
    assert!(left.trouble.unwrap().contains("no payout key"));
    assert_eq!(left.status, PayoutStatus::Submitted);
    let chain = bank.chain.clone();
    chain.release();
    let stopped = bank.world.stop().await;
    let world = stopped.start_with(|config| config.payouts = settings).await;
    let bank = Bank::of(world, chain, bank._key).await;
    let paid = bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    assert_eq!(paid.trouble, None);
}
