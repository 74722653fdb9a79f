//! Quests of each kind.

use super::*;

#[tokio::test]
async fn a_visited_link_counts_once() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, mut browser) = world.member("Ada").await;
    let before = world.credits(ada).await;
    let unvisited = json!({ "nonce": "x", "attested": true });
    let refused = browser.claim(&unvisited).await;
    refused.problem(ProblemKind::QuestNotVisited);

    let opened: OpenedQuest = browser
        .post(&format!("{QUEST}/open"), &NOTHING)
        .await
        .json();
    assert_eq!(opened.url, "https://x.com/example");
    let claim = json!({ "nonce": opened.nonce, "attested": true });
    let quick = browser.claim(&claim).await;
    quick.problem(ProblemKind::QuestNotVisited);
    assert!(quick.headers.contains_key(header::RETRY_AFTER));
    world
        .sql("UPDATE quest_claims SET opened_us = opened_us - 6000000")
        .await;
    let silent = json!({ "nonce": opened.nonce });
    let refused = browser.claim(&silent).await;
    assert_eq!(
        refused.problem(ProblemKind::Invalid).faults[0].field,
        "attested"
    );

    let done: QuestProgress = browser.claim(&claim).await.json();
    assert_eq!(done.state, QuestState::Done);
    browser.claim(&claim).await.problem(ProblemKind::QuestDone);
    let reopened = browser.post(&format!("{QUEST}/open"), &NOTHING).await;
    reopened.problem(ProblemKind::QuestDone);
    assert_eq!(world.points(&campaign, ada).await, 5_000_000);
    assert_eq!(world.credits(ada).await, before + 50_000_000);

    let list: QuestList = browser.get("/api/v1/quests").await.json();
    let states: Vec<_> = list
        .quests
        .iter()
        .map(|quest| quest.progress.state)
        .collect();
    assert_eq!(list.campaign, Some(campaign.id));
    assert_eq!(states[0], QuestState::Done);
    assert!(states[1..].iter().all(|state| *state == QuestState::Todo));
    let nowhere = browser.post("/api/v1/quests/nowhere/open", &NOTHING).await;
    nowhere.problem(ProblemKind::NotFound);
    world.assert_sound().await;
}

#[tokio::test]
async fn a_claim_waits_until_an_operator_has_looked() {
    let world = World::start().await;
    let campaign = world.campaign_of(&of_kind("operator")).await;
    let (ada, mut browser) = world.member("Ada").await;
    let claim = json!({ "note": "I am ada_l there" });
    for _ in 0..2 {
        let waiting: QuestProgress = browser.claim(&claim).await.json();
        assert_eq!(waiting.state, QuestState::Waiting);
    }
    let listed: WaitingClaims = world.creator.get(CLAIMS).await.json();
    assert_eq!(listed.claims.len(), 1, "{listed:?}");
    let waiting = &listed.claims[0];
    assert_eq!((waiting.user, waiting.user_name.as_str()), (ada, "Ada"));
    assert_eq!(waiting.note.as_deref(), Some("I am ada_l there"));

    let (confirm, refuse) = (
        format!("{CLAIMS}/{}/confirm", waiting.id),
        format!("{CLAIMS}/{}/refuse", waiting.id),
    );
    for path in [&confirm, &refuse] {
        let own = browser.post(path, &json!({ "reason": "me" })).await;
        own.problem(ProblemKind::Forbidden);
    }
    let no_reason = world.creator.post(&refuse, &json!({ "reason": " " })).await;
    no_reason.problem(ProblemKind::Invalid);
    let reason = json!({ "reason": "nobody of that name is there" });
    let refused: QuestProgress = world.creator.post(&refuse, &reason).await.json();
    assert_eq!(refused.state, QuestState::Refused);
    let decided = world.creator.post(&confirm, &NOTHING).await;
    decided.problem(ProblemKind::Conflict);
    let list: QuestList = browser.get("/api/v1/quests").await.json();
    let seen = list.quests[0].progress.reason.as_deref();
    assert_eq!(seen, Some("nobody of that name is there"));
    assert_eq!(world.points(&campaign, ada).await, 0);

    let again: QuestProgress = browser.claim(&json!({})).await.json();
    assert_eq!((again.state, again.reason), (QuestState::Waiting, None));
    for _ in 0..2 {
        let done: QuestProgress = world.creator.post(&confirm, &NOTHING).await.json();
        assert_eq!(done.state, QuestState::Done);
    }
    let late = world.creator.post(&refuse, &reason).await;
    late.problem(ProblemKind::Conflict);
    let listed: WaitingClaims = world.creator.get(CLAIMS).await.json();
    assert_eq!(listed.claims, []);
    assert_eq!(world.points(&campaign, ada).await, 5_000_000);
}

#[tokio::test]
async fn a_signed_call_counts_once_and_a_forged_one_never() {
    let secret = WebhookSecret::new(SECRET);
    let world = World::start_with(|config| config.quest_webhook_secret = secret).await;
    let campaign = world.campaign_of(&of_kind("webhook")).await;
    let (ada, mut browser) = world.member("Ada").await;
    let (bob, _) = world.member("Bob").await;
    let body = json!({ "event": "joined-1", "user": ada }).to_string();
    let now_s = now_us() / 1_000_000;

    for (quest, seconds, text) in [
        ("follow-linkedin", 0, body.as_str()),
        ("follow-x", 1, &body),
        ("follow-x", 0, &body.replace("joined-1", "joined-2")),
    ] {
        let signature = sign("follow-x", now_s, &body);
        let forged = world.told(quest, now_s + seconds, &signature, text).await;
        forged.problem(ProblemKind::NotProven);
    }
    for off_s in [-400, 400] {
        let signature = sign("follow-x", now_s + off_s, &body);
        let stale = world
            .told("follow-x", now_s + off_s, &signature, &body)
            .await;
        stale.problem(ProblemKind::NotProven);
    }
    assert_eq!(world.points(&campaign, ada).await, 0);

    // Sent again as it was, and once more with another signature.
    for seconds in [0, 0, 2] {
        let done: QuestProgress = world.tells("follow-x", now_s + seconds, &body).await.json();
        assert_eq!(done.state, QuestState::Done);
    }
    assert_eq!(world.points(&campaign, ada).await, 5_000_000);
    let of_bob = json!({ "event": "joined-1", "user": bob }).to_string();
    let stolen = world.tells("follow-x", now_s, &of_bob).await;
    stolen.problem(ProblemKind::Conflict);
    let more = json!({ "event": "joined-3", "user": ada }).to_string();
    let done = world.tells("follow-x", now_s, &more).await;
    done.problem(ProblemKind::QuestDone);
    let garbage = world.tells("follow-x", now_s, "joined!").await;
    garbage.problem(ProblemKind::Invalid);
    browser
        .claim(&json!({}))
        .await
        .problem(ProblemKind::QuestDone);
    assert_eq!(world.points(&campaign, bob).await, 0);
}

#[tokio::test]
async fn a_coordinator_without_a_secret_believes_no_call() {
    let world = World::start().await;
    world.campaign_of(&of_kind("webhook")).await;
    let (ada, _) = world.member("Ada").await;
    let body = json!({ "event": "joined-1", "user": ada }).to_string();
    let refused = world.tells("follow-x", now_us() / 1_000_000, &body).await;
    refused.problem(ProblemKind::NotProven);
}
