//! Quests of each kind.

use super::*;

#[tokio::test]
async fn a_link_counts_after_a_visit_and_once_whatever_the_rules_become() {
    let world = World::open().await;
    let ada = world.person(1).await;
    let early = world.claim(ada, "follow-x", Some("nonce"), START_US).await;
    assert!(matches!(early, Err(QuestError::NotVisited)));

    let nonce = world.visit(ada, "follow-x", START_US).await.unwrap();
    let quick = world
        .claim(ada, "follow-x", Some(&nonce), START_US + 1)
        .await;
    assert!(matches!(quick, Err(QuestError::TooQuick { wait_s: 5 })));
    let after_us = START_US + link::VISIT_US;
    let of_other = world
        .claim(ada, "telegram-channel", Some(&nonce), after_us)
        .await;
    assert!(matches!(of_other, Err(QuestError::NotVisited)));
    let state = world.claim(ada, "follow-x", Some(&nonce), after_us).await;
    assert_eq!(state.unwrap(), QuestState::Done);
    assert_eq!(
        (world.points(ada).await, world.credits(ada).await),
        ((5, 0), 50)
    );

    let dearer = DEFAULT.replace("points = 5", "points = 7");
    world.change_rules(2, &dearer, after_us + 1).await;
    let again = world.visit(ada, "follow-x", after_us + 2).await;
    assert!(matches!(again, Err(QuestError::Done)));
    let nonce = world.visit(ada, "telegram-channel", after_us + 2).await;
    let state = world
        .claim(
            ada,
            "telegram-channel",
            Some(&nonce.unwrap()),
            after_us + DAY_US,
        )
        .await;
    assert_eq!(state.unwrap(), QuestState::Done);
    assert_eq!(world.points(ada).await, (12, 0));
    assert_eq!(world.last_inputs(ada).await["rules"], 2);
    world.assert_sound().await;
}

#[tokio::test]
async fn quests_that_do_not_exist_or_are_not_open_are_refused() {
    let shut = DEFAULT.replacen("points = 5", "points = 5\nactive = false", 1);
    let later = shut.replacen(
        "id = \"telegram-channel\"",
        "id = \"telegram-channel\"\nopens = 2999-01-01T00:00:00Z",
        1,
    );
    let world = World::with_rules(&later.replace("2026-12-31", "2999-12-31")).await;
    let ada = world.person(1).await;
    let unknown = world.visit(ada, "no-such-quest", START_US).await;
    assert!(matches!(unknown, Err(QuestError::NoSuchQuest)));
    for id in ["follow-x", "telegram-channel"] {
        let refused = world.visit(ada, id, START_US).await;
        assert!(matches!(refused, Err(QuestError::NotOpen)), "{id}");
    }
    let over = world
        .visit(ada, "follow-linkedin", START_US + LENGTH_US)
        .await;
    assert!(matches!(
        over,
        Err(QuestError::NotRunning(NotRunning::Over))
    ));
}

#[tokio::test]
async fn an_operators_quest_counts_by_the_rules_of_the_claim() {
    let world = World::with_rules(&of_kind("operator")).await;
    let (ada, operator) = (world.person(1).await, world.person(9).await);
    let state = world.claim(ada, "follow-x", None, START_US).await;
    assert_eq!(state.unwrap(), QuestState::Waiting);
    assert_eq!(world.points(ada).await, (0, 0));
    let dearer = of_kind("operator").replace("points = 5", "points = 7");
    world.change_rules(2, &dearer, START_US + 1).await;

    let own = world.grant(ada, ada, "follow-x", START_US + DAY_US).await;
    assert!(matches!(own, Err(QuestError::OwnClaim)));
    for _ in 0..2 {
        let state = world
            .grant(operator, ada, "follow-x", START_US + DAY_US)
            .await;
        assert_eq!(state.unwrap(), QuestState::Done);
        assert_eq!(world.points(ada).await, (5, 0));
    }
    let again = world
        .claim(ada, "follow-x", None, START_US + 2 * DAY_US)
        .await;
    assert!(matches!(again, Err(QuestError::Done)));

    let state = world.claim(ada, "telegram-channel", None, START_US).await;
    assert_eq!(state.unwrap(), QuestState::Waiting);
    let late = world
        .grant(operator, ada, "telegram-channel", START_US + LENGTH_US)
        .await;
    assert!(matches!(
        late,
        Err(QuestError::NotRunning(NotRunning::Over))
    ));
}

#[tokio::test]
async fn an_event_counts_once_and_for_one_person() {
    let world = World::with_rules(&of_kind("webhook")).await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    for _ in 0..3 {
        let state = world.told("follow-x", "event-1", ada).await;
        assert_eq!(state.unwrap(), QuestState::Done);
    }
    assert_eq!(world.points(ada).await, (5, 0));
    let stolen = world.told("follow-x", "event-1", bob).await;
    assert!(matches!(stolen, Err(QuestError::OtherEvent)));
    let done = world.told("follow-x", "event-2", ada).await;
    assert!(matches!(done, Err(QuestError::Done)));
    let nobody = world.told("follow-x", "event-3", user(77)).await;
    assert!(matches!(nobody, Err(QuestError::NoSuchUser)));
    let by_hand = world.claim(bob, "follow-x", None, START_US).await;
    assert!(matches!(by_hand, Err(QuestError::OtherWay(_))));
    assert_eq!(world.points(bob).await, (0, 0));
    world.assert_sound().await;
}
