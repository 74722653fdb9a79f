//! When campaigns open, run and close, and what of that can be changed.

use http::StatusCode;
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::State;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_protocol::campaign::{Campaign, CampaignList, CampaignState};
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use super::{CAMPAIGNS, DAY_MS, MINUTE_MS, dates, new_campaign};
use crate::harness::World;

#[tokio::test]
async fn a_closed_campaign_thanks_and_is_over() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let scheduled = json!({
        "document": DEFAULT.replacen("sign_up = 100", "sign_up = 1", 1),
        "effective_ms": now_us() / 1_000 + MINUTE_MS,
    });
    let answer = world.change_rules(made.id, &scheduled).await;
    assert_eq!(answer.status, StatusCode::CREATED);

    let before_us = now_us();
    let closed: Campaign = world.close(made.id).await.json();
    assert_eq!(closed.state, CampaignState::Closed);
    assert!(closed.thank_you.as_ref().unwrap().contains("Thank you"));
    assert!(
        closed
            .closed_early_ms
            .is_some_and(|ms| ms < closed.closes_ms)
    );
    assert_eq!(
        world.close(made.id).await.json::<Campaign>(),
        closed,
        "once more"
    );

    // Its rules hold on, and what was announced for later never takes effect.
    let later = world.judged_at(made.closes_ms * 1_000).await.unwrap();
    assert_eq!((later.state, later.version), (State::Closed, 1));
    assert!(!later.mints_points());
    let before = world.judged_at(before_us).await.unwrap();
    assert_eq!(before.state, State::Running, "what has happened stays");

    let change = json!({ "document": DEFAULT.replacen("quest = 50", "quest = 51", 1) });
    let answer = world.change_rules(made.id, &change).await;
    answer.problem(ProblemKind::CampaignOver);
    let dates = dates(&made, made.closes_ms + DAY_MS);
    let moved = world.move_dates(made.id, &dates).await;
    moved.problem(ProblemKind::CampaignOver);

    let next = world.campaign("spring", json!({})).await;
    assert_eq!(world.campaign_now().await, (Some(next.clone()), None));
    let list: CampaignList = world.creator.get(CAMPAIGNS).await.json();
    assert_eq!(list.campaigns, [next, closed]);
}

#[tokio::test]
async fn there_is_one_campaign_at_a_time() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let new = new_campaign("other", json!({}));
    let problem = world
        .creator
        .post(CAMPAIGNS, &new)
        .await
        .problem(ProblemKind::Conflict);
    assert!(problem.detail.unwrap().contains("winter"));
    let after = json!({ "opens_ms": made.closes_ms, "closes_ms": made.closes_ms + DAY_MS });
    let next = world.campaign("spring", after.clone()).await;
    assert_eq!(
        world.campaign_now().await,
        (Some(made.clone()), Some(next.clone()))
    );

    let taken = new_campaign(
        "spring",
        json!({ "opens_ms": next.closes_ms, "closes_ms": next.closes_ms + 1 }),
    );
    let problem = world
        .creator
        .post(CAMPAIGNS, &taken)
        .await
        .problem(ProblemKind::Conflict);
    assert!(problem.detail.unwrap().contains("spring"));
    let longer = dates(&made, made.closes_ms + 1);
    world
        .move_dates(made.id, &longer)
        .await
        .problem(ProblemKind::Conflict);

    // Called off, it is in nobody's way and never opens.
    let called_off: Campaign = world.close(next.id).await.json();
    assert_eq!(called_off.state, CampaignState::Closed);
    assert_eq!(world.campaign_now().await, (Some(made.clone()), None));
    let longer: Campaign = world.move_dates(made.id, &longer).await.json();
    assert_eq!(longer.closes_ms, made.closes_ms + 1);
    let judged = world
        .judged_at((next.opens_ms + 1_000) * 1_000)
        .await
        .unwrap();
    assert_eq!(judged.id, made.id);
}

#[tokio::test]
async fn dates_move_until_they_have_come() {
    let world = World::start().await;
    let now = now_us() / 1_000;
    let made = world
        .campaign("winter", json!({ "starts_ms": now + DAY_MS }))
        .await;
    assert_eq!(made.state, CampaignState::Open);
    let mut asked = dates(&made, made.closes_ms + DAY_MS);
    asked["starts_ms"] = (now + 2 * DAY_MS).into();
    let moved: Campaign = world.move_dates(made.id, &asked).await.json();
    assert_eq!(moved.opens_ms, made.opens_ms);
    assert_eq!(moved.starts_ms, now + 2 * DAY_MS);
    assert_eq!(moved.closes_ms, made.closes_ms + DAY_MS);

    let fields = async |key: &str, ms: i64, kind| {
        let mut asked = asked.clone();
        asked[key] = ms.into();
        let problem = world.move_dates(made.id, &asked).await.problem(kind);
        let fields = problem.faults.into_iter().map(|fault| fault.field);
        fields.collect::<Vec<_>>()
    };
    let past = ProblemKind::ChangeInThePast;
    assert_eq!(
        fields("opens_ms", made.opens_ms + 1, past).await,
        ["opens_ms"]
    );
    assert_eq!(
        fields("starts_ms", made.opens_ms, past).await,
        ["starts_ms"]
    );
    let invalid = ProblemKind::Invalid;
    assert_eq!(
        fields("closes_ms", now + DAY_MS, invalid).await,
        ["closes_ms"]
    );
    assert_eq!(fields("closes_ms", i64::MAX, invalid).await, ["closes_ms"]);
    let seen = world.campaign_now().await.0.unwrap();
    assert_eq!(seen, moved);
}
