//! Which rules hold when, and which never do.

use std::time::Duration;

use http::StatusCode;
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_protocol::Micros;
use pictor_protocol::campaign::{Campaign, CampaignState, RulesVersion};
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use super::{CAMPAIGNS, DAY_MS, MINUTE_MS, new_campaign};
use crate::harness::World;

#[tokio::test]
async fn a_change_of_rules_has_effect_from_its_moment_and_is_public() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let dearer = DEFAULT.replacen(
        "per_reference_minute = 1\n",
        "per_reference_minute = 2\n",
        1,
    );
    let effective = now_us() / 1_000 + MINUTE_MS;
    let change = json!({ "document": dearer, "effective_ms": effective });
    let answer = world.change_rules(made.id, &change).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let second: RulesVersion = answer.json();
    assert_eq!((second.version, second.effective_ms), (2, effective));
    // Once more is the same version.
    let again = world.change_rules(made.id, &change).await;
    assert_eq!(again.json::<RulesVersion>(), second);

    let price = async |at_us: i64| {
        let judged = world.judged_at(at_us).await.unwrap();
        (judged.version, judged.rules.credits.per_reference_minute)
    };
    let one = Micros::new(Micros::PER_ONE);
    assert_eq!(price(now_us()).await, (1, one));
    assert_eq!(price(effective * 1_000 - 1).await, (1, one));
    let two = Micros::new(2 * Micros::PER_ONE);
    assert_eq!(price(effective * 1_000).await, (2, two));
    assert_eq!(world.campaign_now().await.0.unwrap().rules_version, 1);

    let history = world.history(Some(made.id)).await;
    assert_eq!(history, world.history(None).await);
    let documents: Vec<_> = history.versions.iter().map(|of| &of.document).collect();
    assert_eq!(documents, [DEFAULT, &dearer]);
    for version in &history.versions {
        let hash = blake3::hash(version.document.as_bytes()).to_hex();
        assert_eq!(version.hash, hash.as_str());
    }
}

#[tokio::test]
async fn rules_do_not_change_the_past() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let now = now_us() / 1_000;
    let change = async |price: i64, effective_ms: Option<i64>| {
        let line = format!("per_reference_minute = {price}\n");
        let document = DEFAULT.replacen("per_reference_minute = 1\n", &line, 1);
        let body = json!({ "document": document, "effective_ms": effective_ms });
        world.change_rules(made.id, &body).await
    };
    change(2, Some(now - MINUTE_MS))
        .await
        .problem(ProblemKind::ChangeInThePast);
    let announced = change(2, Some(now + DAY_MS)).await;
    assert_eq!(announced.status, StatusCode::CREATED);
    // Whoever was told of it has not been told of something before it.
    change(3, Some(now + MINUTE_MS))
        .await
        .problem(ProblemKind::ChangeInThePast);
    change(4, Some(made.closes_ms))
        .await
        .problem(ProblemKind::CampaignOver);
    change(4, Some(-1)).await.problem(ProblemKind::Invalid);
    assert_eq!(world.history(None).await.versions.len(), 2);

    // Not even behind the coordinator's back.
    let mut refused = Vec::new();
    for change in [
        "UPDATE rules_versions SET document = 'x'",
        "UPDATE rules_versions SET effective_us = effective_us + 1",
        "DELETE FROM rules_versions WHERE version = 2",
        "INSERT OR REPLACE INTO rules_versions SELECT campaign_id, version, effective_us, 'x', \
         hash, made_by, made_us FROM rules_versions WHERE version = 1",
        "INSERT INTO rules_versions SELECT campaign_id, 3, effective_us, 'x', hash, made_by, \
         made_us FROM rules_versions WHERE version = 1",
    ] {
        refused.push(world.try_sql(change).await.unwrap_err());
    }
    let past = "rules do not change the past";
    let added = "rules are only ever added";
    for (refused, why) in refused.iter().zip([added, added, added, past, past]) {
        assert!(refused.contains(why), "{refused}");
    }
}

#[tokio::test]
async fn rules_that_do_not_add_up_are_refused_with_every_fault_and_nothing_changes() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let bad = DEFAULT
        .replacen("remainder = \"10.00\"\n", "", 1)
        .replacen("job_least = 5", "job_least = -5", 1)
        .replacen("online_per_hour", "online_per_day", 1);
    let fields = [
        "points.online_per_hour",
        "points.job_least",
        "points.online_per_day",
    ];
    let change = json!({ "document": bad });
    let problem = world
        .change_rules(made.id, &change)
        .await
        .problem(ProblemKind::Invalid);
    let found: Vec<_> = problem
        .faults
        .iter()
        .map(|fault| fault.field.as_str())
        .collect();
    assert_eq!(found, [&fields[..], &["prizes.remainder"]].concat());
    assert!(
        problem.faults[3].message.contains("name the 10.00"),
        "{problem:?}"
    );
    assert_eq!(world.history(None).await.versions.len(), 1);

    let new = json!({ "slug": "No!", "opens_ms": -1, "closes_ms": i64::MAX, "document": bad });
    let problem = world
        .creator
        .post(CAMPAIGNS, &new)
        .await
        .problem(ProblemKind::Invalid);
    let found: Vec<_> = problem
        .faults
        .iter()
        .map(|fault| fault.field.as_str())
        .collect();
    let all = [
        &["slug", "opens_ms", "closes_ms"],
        &fields[..],
        &["prizes.remainder"],
    ]
    .concat();
    assert_eq!(found, all);
}

#[tokio::test]
async fn what_is_only_tried_is_answered_and_changes_nothing() {
    let world = World::start().await;
    let mut new = new_campaign("winter", json!({ "dry_run": true }));
    let tried = world.creator.post(CAMPAIGNS, &new).await;
    assert_eq!(tried.status, StatusCode::OK, "{tried:?}");
    assert_eq!(tried.json::<Campaign>().state, CampaignState::Running);
    assert_eq!(world.campaign_now().await, (None, None));

    new["dry_run"] = false.into();
    let made: Campaign = world.creator.post(CAMPAIGNS, &new).await.json();
    let document = DEFAULT.replacen("sign_up = 100", "sign_up = 200", 1);
    let change = json!({ "document": document, "dry_run": true });
    let tried = world.change_rules(made.id, &change).await;
    assert_eq!(tried.status, StatusCode::OK);
    assert_eq!(tried.json::<RulesVersion>().version, 2);
    assert_eq!(world.history(None).await.versions.len(), 1);
    let judged = world.judged_at(now_us()).await.unwrap();
    assert_eq!(
        judged.rules.credits.sign_up,
        Micros::new(100 * Micros::PER_ONE)
    );
}

/// What was judged while it waited was judged by the rules of before.
#[tokio::test]
async fn a_change_that_had_to_wait_has_effect_from_its_turn_on() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let writer = world.store.write().await.unwrap();
    let change = json!({ "document": DEFAULT.replacen("quest = 50", "quest = 51", 1) });
    let mut waiting = std::pin::pin!(world.change_rules(made.id, &change));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
    assert!(early.is_err(), "it did not wait: {early:?}");
    let its_turn_ms = now_us() / 1_000;
    writer.commit().await.unwrap();
    let version: RulesVersion = waiting.await.json();
    assert!(version.effective_ms >= its_turn_ms, "{version:?}");
}
