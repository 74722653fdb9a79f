//! Where no key is configured, and wherever operators prefer their own wallet.

use http::header;
use pictor_coordinator::app::StartError;
use pictor_coordinator::store::people;
use pictor_protocol::payout::PayoutStatus;
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use super::{Bank, campaign, draft, key_file, paid_by_hand, path, post, state, winners};
use crate::harness::World;

fn hash(digits: &str) -> String {
    format!("0x{}", digits.repeat(32))
}

#[tokio::test]
async fn without_a_key_a_payout_is_approved_paid_by_hand_and_confirmed_by_two() {
    let world = World::start().await;
    let (ada, bob) = (
        world.another_operator("ada").await,
        world.another_operator("bob").await,
    );
    let winners = winners(&world, &[20_000, 800]).await;
    let id = draft(&world, campaign(1), &winners).await.unwrap();
    paid_by_hand(&ada, id, &hash("ab"))
        .await
        .problem(ProblemKind::Conflict);
    post(&ada, id, "approve").await;
    post(&bob, id, "approve").await;
    let refused = ada.post(&path(id, "send"), &json!({})).await;
    let problem = refused.problem(ProblemKind::PayoutNotPossible);
    assert!(problem.detail.unwrap().contains("by hand"));

    for bad in ["", "0x1", &hash("zz")] {
        paid_by_hand(&ada, id, bad)
            .await
            .problem(ProblemKind::Invalid);
    }
    let said = paid_by_hand(&ada, id, &hash("ab")).await.json();
    let said: pictor_protocol::payout::Payout = said;
    assert_eq!(said.status, PayoutStatus::ByHand);
    paid_by_hand(&ada, id, &hash("ab"))
        .await
        .problem(ProblemKind::Conflict);
    paid_by_hand(&bob, id, &hash("cd"))
        .await
        .problem(ProblemKind::Conflict);
    let withdrawn = bob.post(&path(id, "withdraw"), &json!({})).await;
    withdrawn.problem(ProblemKind::Conflict);
    paid_by_hand(&bob, id, &hash("ab")).await;
    let paid = state(&ada, id).await;
    assert_eq!(paid.status, PayoutStatus::Confirmed);
    let claim = paid.by_hand.clone().unwrap();
    assert_eq!(claim.hash, hash("ab"));
    assert!(claim.confirmed_by.is_some_and(|by| by != claim.said_by));
    let taken_back = ada.delete(&path(id, "paid-by-hand")).await;
    taken_back.problem(ProblemKind::Conflict);
    assert_eq!(state(&ada, id).await, paid);
}

#[tokio::test]
async fn what_is_said_to_be_paid_by_hand_is_not_sent_until_that_is_taken_back() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000]).await;
    paid_by_hand(&bank.ada, id, &hash("ab")).await;
    let refused = bank.bob.post(&path(id, "send"), &json!({})).await;
    refused.problem(ProblemKind::Conflict);
    bank.bob.delete(&path(id, "paid-by-hand")).await;
    let again = bank.bob.delete(&path(id, "paid-by-hand")).await;
    again.problem(ProblemKind::Conflict);
    bank.send(id).await;
    bank.until(id, PayoutStatus::Confirmed).await;
    bank.assert_paid_once(id).await;
    paid_by_hand(&bank.ada, id, &hash("ab"))
        .await
        .problem(ProblemKind::Conflict);
}

#[tokio::test]
async fn the_table_has_every_recipient_and_no_formula() {
    let bank = Bank::open().await;
    let mut list = winners(&bank.world, &[20_000, 800]).await;
    let mut tx = bank.world.store.write().await.unwrap();
    let mallory = pictor_protocol::UserId::new(uuid::Uuid::now_v7());
    let name = "=HYPERLINK(\"http://evil.example\",\"1\")";
    people::insert_user(&mut tx, mallory, name, false, 0)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    list[1].user = mallory;
    let id = draft(&bank.world, campaign(1), &list).await.unwrap();
    let answer = bank.ada.get(&path(id, "recipients.csv")).await;
    let media_type = answer.headers[header::CONTENT_TYPE].to_str().unwrap();
    assert!(media_type.starts_with("text/csv"), "{media_type}");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(
        lines[1].ends_with(",200.00,45.75402635,4575402635"),
        "{text}"
    );
    assert!(lines[1].contains(&list[0].address.to_string()));
    let shielded = ",\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"1\"\")\",0x";
    assert!(lines[2].contains(shielded), "{text}");
}

#[tokio::test]
async fn a_key_that_others_can_read_stops_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, key_file) = key_file();
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&key_file, open).unwrap();
    let stopped = World::start().await.stop().await;
    let refusal = stopped.refusal(|config| {
        config.payouts = Some(pictor_coordinator::config::PayoutSettings {
            key_file: key_file.clone(),
            chain: pictor_coordinator::accounts::aptos::Chain::Local,
            node: "http://127.0.0.1:1".into(),
        });
    });
    assert!(matches!(refusal.await, StartError::Payer(_)));
}
