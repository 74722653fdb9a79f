//! Who decides about a payout, and what is decided.

use http::{Method, StatusCode};
use pictor_coordinator::campaign::payouts::DraftError;
use pictor_protocol::PayoutId;
use pictor_protocol::fair_play::LogPage;
use pictor_protocol::payout::{PayoutPage, PayoutStatus};
use pictor_protocol::problem::ProblemKind;
use serde_json::json;
use uuid::Uuid;

use super::{Bank, PAYOUTS, campaign, draft, path, post, state, winners};

#[tokio::test]
async fn two_different_operators_have_to_approve() {
    let bank = Bank::open().await;
    let winners = winners(&bank.world, &[20_000, 10_000]).await;
    let id = draft(&bank.world, campaign(1), &winners).await.unwrap();
    let unapproved = bank.ada.post(&path(id, "send"), &json!({})).await;
    unapproved.problem(ProblemKind::Conflict);

    let once = post(&bank.ada, id, "approve").await;
    assert_eq!(
        (once.status, once.approved_by.len()),
        (PayoutStatus::Drafted, 1)
    );
    let again = bank.ada.post(&path(id, "approve"), &json!({})).await;
    let problem = again.problem(ProblemKind::Conflict);
    assert!(problem.detail.unwrap().contains("another operator"));
    let half = bank.ada.post(&path(id, "send"), &json!({})).await;
    half.problem(ProblemKind::Conflict);

    let twice = post(&bank.bob, id, "approve").await;
    assert_eq!(twice.status, PayoutStatus::Approved);
    assert_eq!(twice.approved_by.len(), 2);
    // Whose approval was the last one may ask again; nothing is added.
    assert_eq!(post(&bank.bob, id, "approve").await, twice);
    assert_eq!(bank.chain.submissions().len(), 0);
}

#[tokio::test]
async fn whoever_decides_about_a_payout_stands_in_the_audit_log() {
    let bank = Bank::open().await;
    let winners = winners(&bank.world, &[20_000]).await;
    let id = draft(&bank.world, campaign(1), &winners).await.unwrap();
    post(&bank.ada, id, "approve").await;
    // Asked once more, nothing is done and nothing is written.
    bank.ada.post(&path(id, "approve"), &json!({})).await;
    post(&bank.bob, id, "approve").await;
    post(&bank.bob, id, "withdraw").await;
    let log = format!("/api/v1/operator/audit-log?subject=payout/{id}");
    let log: LogPage = bank.ada.get(&log).await.json();
    let acts: Vec<_> = log.rows.iter().map(|row| row.act.as_str()).collect();
    assert_eq!(
        acts,
        [
            "payout-withdrawn",
            "payout-approved",
            "payout-approved",
            "payout-drafted"
        ]
    );
    assert_ne!(log.rows[1].by, log.rows[2].by);
    assert_eq!(log.rows[0].evidence["total_cents"], 20_000);
}

#[tokio::test]
async fn only_operators_see_payouts_or_decide_about_them() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    let stranger = bank.world.stranger("eve").await;
    let requests = [
        (Method::GET, PAYOUTS.to_owned()),
        (Method::GET, format!("{PAYOUTS}/{id}")),
        (Method::GET, path(id, "state")),
        (Method::GET, path(id, "recipients.csv")),
        (Method::POST, path(id, "approve")),
        (Method::POST, path(id, "withdraw")),
        (Method::POST, path(id, "send")),
        (Method::POST, path(id, "paid-by-hand")),
        (Method::DELETE, path(id, "paid-by-hand")),
        (Method::GET, "/api/v1/operator/payout-account".into()),
    ];
    let before = state(&bank.ada, id).await;
    for (method, path) in requests {
        let refused = stranger.send(method.clone(), &path, b"{}".to_vec()).await;
        refused.problem(ProblemKind::Forbidden);
        let nobody = stranger
            .with_token("")
            .send(method, &path, b"{}".to_vec())
            .await;
        nobody.problem(ProblemKind::Unauthorized);
    }
    // A token outlives what its owner was.
    bank.world
        .sql("UPDATE users SET operator = 0 WHERE name = 'bob'")
        .await;
    let former = bank.bob.post(&path(id, "send"), &json!({})).await;
    former.problem(ProblemKind::Forbidden);
    assert_eq!(state(&bank.ada, id).await, before);
}

#[tokio::test]
async fn whoever_is_disqualified_before_it_is_sent_is_not_paid() {
    let bank = Bank::open().await;
    let winners = winners(&bank.world, &[20_000, 10_000]).await;
    let id = draft(&bank.world, campaign(1), &winners).await.unwrap();
    post(&bank.ada, id, "approve").await;
    let standing = format!("/api/v1/operator/people/{}/standing", winners[1].user);
    let decide = async |decision: &str| {
        let said = json!({ "decision": decision, "reason": "two accounts", "evidence": {} });
        let decided = bank.ada.post(&standing, &said).await;
        assert_eq!(decided.status, StatusCode::OK, "{decided:?}");
    };
    let is_refused = async |what: &str| {
        let refused = bank.bob.post(&path(id, what), &json!({})).await;
        let problem = refused.problem(ProblemKind::Conflict);
        assert!(problem.detail.unwrap().contains("rank 2"), "{what}");
    };
    decide("disqualify").await;
    is_refused("approve").await;
    decide("lift").await;
    post(&bank.bob, id, "approve").await;
    decide("disqualify").await;
    is_refused("send").await;
    bank.assert_nobody_is_paid();
    let withdrawn = post(&bank.bob, id, "withdraw").await;
    assert_eq!(withdrawn.status, PayoutStatus::Withdrawn);
}

#[tokio::test]
async fn nobody_is_in_two_payouts_of_a_campaign_unless_one_was_withdrawn() {
    let bank = Bank::open().await;
    let winners = winners(&bank.world, &[20_000, 10_000]).await;
    let first = draft(&bank.world, campaign(1), &winners).await.unwrap();
    let twice = draft(&bank.world, campaign(1), &winners[1..]).await;
    let in_another = |result| matches!(result, Err(DraftError::InAnotherPayout(user)) if user == winners[1].user);
    assert!(in_another(twice));
    draft(&bank.world, campaign(2), &winners).await.unwrap();

    post(&bank.bob, first, "withdraw").await;
    let withdrawn = post(&bank.bob, first, "withdraw").await;
    assert_eq!(withdrawn.status, PayoutStatus::Withdrawn);
    for what in ["approve", "send"] {
        let refused = bank.ada.post(&path(first, what), &json!({})).await;
        refused.problem(ProblemKind::Conflict);
    }
    let anew = draft(&bank.world, campaign(1), &winners).await.unwrap();
    assert_eq!(bank.details(anew).await.items.len(), 2);
    // What was withdrawn can still be looked at.
    assert_eq!(bank.details(first).await.items.len(), 2);
}

#[tokio::test]
async fn a_list_that_cannot_be_meant_is_refused_and_leaves_nothing_behind() {
    let bank = Bank::open().await;
    let good = winners(&bank.world, &[20_000, 10_000]).await;
    let mut same_user = good.clone();
    same_user[1].user = good[0].user;
    let mut same_address = good.clone();
    same_address[1].address = good[0].address;
    let mut no_rank = good.clone();
    no_rank[0].rank = 0;
    let mut no_prize = good.clone();
    no_prize[1].prize_cents = 0;
    let mut too_much = good.clone();
    too_much[1].prize_cents = u64::MAX;
    let many = winners(&bank.world, &vec![100; 1_001]).await;
    for bad in [
        &same_user,
        &same_address,
        &no_rank,
        &no_prize,
        &too_much,
        &many,
    ] {
        let refused = draft(&bank.world, campaign(1), bad).await.unwrap_err();
        assert!(!matches!(refused, DraftError::Store(_)), "{refused:?}");
    }
    let none = draft(&bank.world, campaign(1), &[]).await;
    assert!(matches!(none, Err(DraftError::Amount(_))));
    let page: PayoutPage = bank.ada.get(PAYOUTS).await.json();
    assert_eq!(page.payouts.len(), 0);
}

#[tokio::test]
async fn what_was_drafted_can_be_edited_by_nobody() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    let before = bank.details(id).await;
    for forbidden in [
        "UPDATE payout_items SET address = '0x0'",
        "UPDATE payout_items SET octas = 1",
        "DELETE FROM payout_items",
        "UPDATE payouts SET rate = '1'",
        "UPDATE payouts SET total_octas = 1",
        "DELETE FROM payout_approvals",
        "UPDATE payout_approvals SET user_id = (SELECT id FROM users WHERE name = 'operator')",
        "UPDATE payout_events SET what = 'nothing'",
        "INSERT INTO payout_items (payout_id, campaign_id, user_id, rank, address, prize_cents, octas) \
         SELECT id, campaign_id, drafted_by, 2, '0x0', 1, 1 FROM payouts",
    ] {
        let refused = bank.world.try_sql(forbidden).await;
        assert!(refused.is_err(), "{forbidden}");
    }
    assert_eq!(bank.details(id).await, before);
}

#[tokio::test]
async fn payouts_are_listed_newest_first_and_by_pages() {
    let bank = Bank::open().await;
    let mut drafted = Vec::new();
    for number in 1..=3 {
        let winners = winners(&bank.world, &[1_000 * number as u64]).await;
        drafted.push(
            draft(&bank.world, campaign(number), &winners)
                .await
                .unwrap(),
        );
    }
    drafted.reverse();
    let first: PayoutPage = bank.ada.get(&format!("{PAYOUTS}?limit=2")).await.json();
    let next = first.next.unwrap();
    let second: PayoutPage = bank
        .ada
        .get(&format!("{PAYOUTS}?limit=2&before={next}"))
        .await
        .json();
    assert_eq!(second.next, None);
    let listed = first.payouts.iter().chain(&second.payouts);
    assert!(listed.map(|payout| payout.id).eq(drafted));
    let unknown = path(PayoutId::new(Uuid::nil()), "state");
    bank.ada.get(&unknown).await.problem(ProblemKind::NotFound);
}
