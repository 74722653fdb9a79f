//! Check-ins, quests and referrals, through the API; what waited settles by itself.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode, header};
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::quests::webhook::WebhookSecret;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_coordinator::ledger::hold::{self, Destination, NewHold, Source};
use pictor_coordinator::ledger::{Book, EntryKind, audit, balance};
use pictor_coordinator::store::check_ins::{self, CheckInRow};
use pictor_protocol::campaign::Campaign;
use pictor_protocol::community::{
    CheckInMonth, CheckedIn, OpenedQuest, QuestList, QuestProgress, QuestState, Referral,
    WaitingClaims,
};
use pictor_protocol::people::Role;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{Micros, UserId};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::browser::Browser;
use crate::harness::client::Answer;
use crate::harness::{World, eventually};

const DAY_US: i64 = 86_400_000_000;
const CHECK_INS: &str = "/api/v1/check-ins";
const REFERRAL: &str = "/api/v1/referral";
const QUEST: &str = "/api/v1/quests/follow-x";
const CLAIMS: &str = "/api/v1/operator/quest-claims";
const SECRET: &str = "secret-of-the-tests-of-webhooks-0001";
const NOTHING: Value = Value::Null;

#[tokio::test]
async fn a_check_in_counts_once_a_day_and_says_when_the_next_one_does() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, mut browser) = world.member("Ada").await;
    let checked_in: CheckedIn = created(browser.post(CHECK_INS, &NOTHING).await);
    assert_eq!(checked_in.check_in.streak_days, 1);
    assert_eq!(checked_in.points_micros, Micros::new(1_000_000));

    let again = browser.post(CHECK_INS, &NOTHING).await;
    again.problem(ProblemKind::AlreadyCheckedIn);
    let wait_s: i64 = again.headers[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let left_s = checked_in.next_ms / 1_000 - now_us() / 1_000_000;
    assert!((wait_s - left_s).abs() <= 2, "{wait_s} s, not {left_s} s");
    assert_eq!(world.points(&campaign, ada).await, 1_000_000);

    let month: CheckInMonth = browser.get(CHECK_INS).await.json();
    assert_eq!(month.check_ins, [checked_in.check_in]);
    assert_eq!((month.streak_days, month.next_ms), (1, checked_in.next_ms));
    let empty: CheckInMonth = browser.get("/api/v1/check-ins?month=1999-12").await.json();
    assert_eq!(
        (empty.month.as_str(), empty.check_ins.len()),
        ("1999-12", 0)
    );
    let refused = browser.get("/api/v1/check-ins?month=12").await;
    assert_eq!(
        refused.problem(ProblemKind::Invalid).faults[0].field,
        "month"
    );
}

#[tokio::test]
async fn the_seventh_day_in_a_row_gives_credits() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, mut browser) = world.member("Ada").await;
    let mut tx = world.store.write().await.unwrap();
    let today = now_us() / DAY_US;
    for streak in 1..=6 {
        let day = today - 7 + streak;
        let at_us = day * DAY_US;
        let earlier = CheckInRow { day, at_us, streak };
        assert!(check_ins::insert(&mut tx, ada, earlier).await.unwrap());
    }
    tx.commit().await.unwrap();
    let before: CheckInMonth = browser.get(CHECK_INS).await.json();
    assert_eq!(before.streak_days, 6);

    let credits = world.credits(ada).await;
    let checked_in: CheckedIn = created(browser.post(CHECK_INS, &NOTHING).await);
    assert_eq!(checked_in.check_in.streak_days, 7);
    assert_eq!(checked_in.credits_micros, Micros::new(20_000_000));
    assert_eq!(world.points(&campaign, ada).await, 2_000_000);
    assert_eq!(world.credits(ada).await, credits + 20_000_000);
    world.assert_sound().await;
}

#[tokio::test]
async fn of_64_check_ins_at_once_one_counts() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, browser) = world.member("Ada").await;
    let session = browser.cookie("pictor_session").unwrap().to_owned();
    let asking = (0..64).map(|_| {
        let (url, session) = (world.url.clone(), session.clone());
        tokio::spawn(async move {
            let mut browser = Browser::on(&url);
            browser.set_cookie("pictor_session", &session);
            browser.post(CHECK_INS, &NOTHING).await
        })
    });
    let mut statuses = BTreeMap::new();
    for asked in asking.collect::<Vec<_>>() {
        let answer = asked.await.unwrap();
        if answer.status != StatusCode::CREATED {
            answer.problem(ProblemKind::AlreadyCheckedIn);
        }
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
    }
    assert_eq!(statuses, [(201, 1), (409, 63)].into());
    assert_eq!(world.points(&campaign, ada).await, 1_000_000);
}

#[tokio::test]
async fn without_a_campaign_that_runs_nothing_is_earned() {
    let world = World::start().await;
    let (_, mut browser) = world.member("Ada").await;
    let refused = browser.post(CHECK_INS, &NOTHING).await;
    refused.problem(ProblemKind::CampaignNotRunning);
    let none: QuestList = browser.get("/api/v1/quests").await.json();
    assert_eq!((none.campaign, none.quests), (None, Vec::new()));

    let campaign = world.campaign_of(DEFAULT).await;
    let close = format!("/api/v1/operator/campaigns/{}/close", campaign.id);
    assert_eq!(
        world.creator.post(&close, &NOTHING).await.status,
        StatusCode::OK
    );
    for path in [CHECK_INS, "/api/v1/quests/follow-x/open"] {
        let refused = browser.post(path, &NOTHING).await;
        refused.problem(ProblemKind::CampaignOver);
    }
    let list: QuestList = browser.get("/api/v1/quests").await.json();
    assert!(list.quests.iter().all(|quest| !quest.open));
}

#[tokio::test]
async fn a_page_of_another_site_checks_nobody_in() {
    let world = World::start().await;
    world.campaign_of(DEFAULT).await;
    let (_, mut browser) = world.member("Ada").await;
    let evil = [("origin", "https://evil.example")];
    let refused = browser.lured(Method::POST, CHECK_INS, &evil).await;
    refused.problem(ProblemKind::ForeignOrigin);
    created::<CheckedIn>(browser.post(CHECK_INS, &NOTHING).await);
}

#[tokio::test]
async fn whoever_chooses_a_role_gets_the_credits_of_a_new_account_once() {
    let world = World::start().await;
    world.campaign_of(DEFAULT).await;
    let ada = world.person("Ada", &[]).await;
    let mut browser = world.browser_of(ada).await;
    browser.choose(&[]).await;
    assert_eq!(world.credits(ada).await, 0);
    for roles in [&[Role::Creator][..], &Role::ALL] {
        browser.choose(roles).await;
        assert_eq!(world.credits(ada).await, 100_000_000);
    }
}

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

#[tokio::test]
async fn whoever_was_brought_earns_for_both() {
    let world = World::start().await;
    let campaign = world.campaign_of(DEFAULT).await;
    let (ada, mut of_ada) = world.member("Ada").await;
    let (bob, mut of_bob) = world.member("Bob").await;
    let referral: Referral = of_ada.get(REFERRAL).await.json();
    assert_eq!((referral.referees, referral.referred), (0, false));
    assert!(
        referral
            .link
            .ends_with(&format!("/sign-in?referral={}", referral.code))
    );
    let same: Referral = of_ada.get(REFERRAL).await.json();
    assert_eq!(same.code, referral.code);

    let own = of_ada.enter(&referral.code).await;
    own.problem(ProblemKind::ReferralRefused);
    of_bob.enter("nobody").await.problem(ProblemKind::NotFound);
    for typed in [referral.code.clone(), referral.code.to_uppercase()] {
        assert_eq!(of_bob.enter(&typed).await.status, StatusCode::NO_CONTENT);
    }
    let of_second: Referral = of_bob.get(REFERRAL).await.json();
    assert!(of_second.referred);
    let circle = of_ada.enter(&of_second.code).await;
    circle.problem(ProblemKind::ReferralRefused);

    created::<CheckedIn>(of_bob.post(CHECK_INS, &NOTHING).await);
    assert_eq!(world.points(&campaign, ada).await, 100_000);
    // What waits brings nothing until it settles, which it does by itself.
    world.earn(&campaign, "render/1", bob, 3_000_000).await;
    let settled = eventually("a share of what settled", async || {
        let referral: Referral = of_ada.get(REFERRAL).await.json();
        if referral.earned_micros == Micros::new(400_000) {
            Ok(referral)
        } else {
            Err(referral)
        }
    });
    let settled = settled.await;
    assert_eq!((settled.referees, settled.percent), (1, 10));
    assert_eq!(settled.earned_this_week_micros, settled.earned_micros);
    assert_eq!(settled.cap_per_week_micros, Micros::new(1_000_000_000));
    assert_eq!(world.points(&campaign, bob).await, 4_000_000);

    let (_, mut of_cid) = world.member("Cid").await;
    created::<CheckedIn>(of_cid.post(CHECK_INS, &NOTHING).await);
    let late = of_cid.enter(&referral.code).await;
    late.problem(ProblemKind::ReferralRefused);
    world.assert_sound().await;
}

#[tokio::test]
async fn on_the_second_day_nobody_can_be_brought_any_more() {
    let world = World::start().await;
    world.campaign_of(DEFAULT).await;
    let (_, mut of_ada) = world.member("Ada").await;
    let referral: Referral = of_ada.get(REFERRAL).await.json();
    let (_, mut of_bob) = world.member("Bob").await;
    world
        .sql("UPDATE users SET created_us = created_us - 86400000000 WHERE name = 'Bob'")
        .await;
    let late = of_bob.enter(&referral.code).await;
    late.problem(ProblemKind::ReferralRefused);
}

fn created<T: serde::de::DeserializeOwned>(answer: Answer) -> T {
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()
}

/// The default rules, their quests of another kind.
fn of_kind(kind: &str) -> String {
    DEFAULT.replace("kind = \"link\"", &format!("kind = {kind:?}"))
}

fn sign(quest: &str, timestamp_s: i64, body: &str) -> String {
    let code = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let signed = code.chain_update(format!("{timestamp_s}.{quest}.{body}"));
    let code = signed.finalize().into_bytes();
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Browser {
    async fn claim(&mut self, claim: &Value) -> Answer {
        self.post(&format!("{QUEST}/claim"), claim).await
    }

    async fn enter(&mut self, code: &str) -> Answer {
        self.post(REFERRAL, &json!({ "code": code })).await
    }
}

impl World {
    /// A campaign that runs, by these rules.
    async fn campaign_of(&self, document: &str) -> Campaign {
        let closes_ms = now_us() / 1_000 + 30 * 86_400_000;
        let new = json!({ "slug": "winter", "closes_ms": closes_ms, "document": document });
        created(self.creator.post("/api/v1/operator/campaigns", &new).await)
    }

    /// A new member of the community, in a browser.
    async fn member(&self, name: &str) -> (UserId, Browser) {
        let id = self.person(name, &[Role::CommunityMember]).await;
        (id, self.browser_of(id).await)
    }

    async fn told(&self, quest: &str, timestamp_s: i64, signature: &str, body: &str) -> Answer {
        let timestamp = timestamp_s.to_string();
        let headers = [
            ("pictor-timestamp", timestamp.as_str()),
            ("pictor-signature", signature),
        ];
        let path = format!("/api/v1/quests/{quest}/webhook");
        let nobody = self.creator.with_token("");
        nobody
            .send_with(Method::POST, &path, &headers, body.as_bytes().to_vec())
            .await
    }

    async fn tells(&self, quest: &str, timestamp_s: i64, body: &str) -> Answer {
        let signature = sign(quest, timestamp_s, body);
        self.told(quest, timestamp_s, &signature, body).await
    }

    /// Points that are due now.
    async fn earn(&self, campaign: &Campaign, key: &str, owner: UserId, micros: i64) {
        let new = NewHold {
            key: key.into(),
            book: Book::Points(campaign.id),
            kind: EntryKind::Render,
            owner,
            source: Source::Mint,
            destination: Destination::Available,
            amount: Micros::new(micros),
            due_us: Some(now_us()),
            inputs: json!({}),
        };
        let mut tx = self.store.write().await.unwrap();
        hold::begin(&mut tx, &new, now_us()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Micros that can be used.
    async fn points(&self, campaign: &Campaign, user: UserId) -> i64 {
        let mut tx = self.store.read().await.unwrap();
        let book = Book::Points(campaign.id);
        let has = balance(&mut tx, book, user).await.unwrap();
        has.available.get()
    }

    async fn credits(&self, user: UserId) -> i64 {
        let mut tx = self.store.read().await.unwrap();
        let has = balance(&mut tx, Book::Credits, user).await.unwrap();
        has.available.get()
    }

    async fn assert_sound(&self) {
        let mut tx = self.store.read().await.unwrap();
        let found = audit::audit(&mut tx).await.unwrap();
        assert!(found.is_sound(), "{:?}", found.faults);
    }
}
