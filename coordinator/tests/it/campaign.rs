//! Campaigns and the versions of their rules, through the API.

use std::time::Duration;

use http::{Method, StatusCode};
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_coordinator::campaign::{Current, RulesCache, State, current};
use pictor_protocol::campaign::{
    Campaign, CampaignList, CampaignNow, CampaignState, RulesHistory, RulesVersion,
};
use pictor_protocol::people::Scope;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{CampaignId, Cents, Micros};
use serde_json::{Value, json};

use crate::harness::World;
use crate::harness::client::Answer;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const CAMPAIGNS: &str = "/api/v1/operator/campaigns";

#[tokio::test]
async fn without_a_campaign_there_is_no_economy() {
    let world = World::start().await;
    assert_eq!(world.campaign_now().await, (None, None));
    let nobody = world.creator.with_token("");
    nobody
        .get("/api/v1/campaign/rules")
        .await
        .problem(ProblemKind::NotFound);
    assert!(world.judged_at(now_us()).await.is_none());
}

#[tokio::test]
async fn a_campaign_that_opens_at_once_is_there_for_everybody() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    assert_eq!(made.state, CampaignState::Running);

    let (seen, next) = world.campaign_now().await;
    assert_eq!(seen.unwrap(), made);
    assert_eq!(next, None);
    assert_eq!((made.name.as_str(), made.rules_version), ("Testnet", 1));
    assert_eq!(made.thank_you, None, "it is not over");
    assert_eq!(made.points.check_in_micros.len(), 7);
    assert_eq!(made.quests.len(), 5);
    let prizes = made.prizes.unwrap();
    let paid: i64 = prizes
        .bands
        .iter()
        .map(|band| i64::from(band.to - band.from + 1) * band.each_cents.get())
        .sum();
    assert_eq!((paid, prizes.remainder_cents), (199_000, Cents::new(1_000)));

    let judged = world.judged_at(now_us()).await.unwrap();
    assert!(judged.mints_points());
    assert_eq!((judged.id, judged.version), (made.id, 1));
    assert_eq!(judged.rules.prizes.for_rank(1), Cents::new(20_000));
    let before = made.opens_ms * 1_000 - 1;
    assert!(world.judged_at(before).await.is_none());
}

#[tokio::test]
async fn a_campaign_is_announced_opens_and_runs_by_its_dates() {
    let world = World::start().await;
    let now = now_us() / 1_000;
    let dates = json!({ "opens_ms": now + MINUTE_MS, "starts_ms": now + 2 * MINUTE_MS });
    let made = world.campaign("spring", dates).await;
    assert_eq!(made.state, CampaignState::Upcoming);
    let (seen, next) = world.campaign_now().await;
    assert_eq!((seen, next), (None, Some(made.clone())));
    assert_eq!(world.history(None).await.campaign, made.id);

    let states = async |at_ms: i64| world.judged_at(at_ms * 1_000).await.map(|of| of.state);
    assert_eq!(states(made.opens_ms - 1).await, None);
    assert_eq!(states(made.opens_ms).await, Some(State::Open));
    assert_eq!(states(made.starts_ms).await, Some(State::Running));
    assert_eq!(states(made.closes_ms).await, Some(State::Closed));
}

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

#[tokio::test]
async fn only_operators_make_campaigns() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let stranger = world.stranger("stranger").await;
    let scopes = json!({ "name": "jobs", "scopes": [Scope::Jobs, Scope::Workers] });
    let minted: Value = world.creator.post("/api/v1/tokens", &scopes).await.json();
    let weak = world.creator.with_token(minted["token"].as_str().unwrap());
    for somebody in [stranger, weak] {
        let requests = [
            (Method::GET, CAMPAIGNS.to_owned(), Value::Null),
            (
                Method::POST,
                CAMPAIGNS.to_owned(),
                new_campaign("mine", json!({})),
            ),
            (
                Method::POST,
                under(made.id, "rules"),
                json!({ "document": DEFAULT }),
            ),
            (
                Method::PUT,
                under(made.id, "dates"),
                dates(&made, made.closes_ms),
            ),
            (Method::POST, under(made.id, "close"), Value::Null),
        ];
        for (method, path, body) in requests {
            let body = serde_json::to_vec(&body).unwrap();
            let answer = somebody.send(method, &path, body).await;
            answer.problem(ProblemKind::Forbidden);
        }
    }
    assert_eq!(world.campaign_now().await.0, Some(made));
    let nowhere = CampaignId::new(uuid::Uuid::now_v7());
    world.close(nowhere).await.problem(ProblemKind::NotFound);
}

#[tokio::test]
async fn campaigns_and_rules_outlive_the_coordinator() {
    let world = World::start().await;
    let made = world.campaign("winter", json!({})).await;
    let change = json!({ "document": DEFAULT.replacen("quest = 50", "quest = 51", 1) });
    assert_eq!(
        world.change_rules(made.id, &change).await.status,
        StatusCode::CREATED
    );
    let (before, history) = (world.campaign_now().await, world.history(None).await);
    assert_eq!(before.0.as_ref().unwrap().rules_version, 2);
    let world = world.restart().await;
    assert_eq!(world.campaign_now().await, before);
    assert_eq!(world.history(None).await, history);
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

/// Operators at once: one campaign comes of it.
#[tokio::test]
async fn of_two_campaigns_made_at_once_one_is() {
    let world = World::start().await;
    let new = ["a", "b", "c", "d"].map(|slug| new_campaign(slug, json!({})));
    let [a, b, c, d] = &new;
    let post = |new| world.creator.post(CAMPAIGNS, new);
    let (a, b, c, d) = tokio::join!(post(a), post(b), post(c), post(d));
    let mut statuses = [a, b, c, d].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

impl World {
    /// A campaign by the default rules, for thirty days from now unless `more` says otherwise.
    async fn campaign(&self, slug: &str, more: Value) -> Campaign {
        let answer = self
            .creator
            .post(CAMPAIGNS, &new_campaign(slug, more))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json()
    }

    /// As nobody in particular sees it: the current one, and the next.
    async fn campaign_now(&self) -> (Option<Campaign>, Option<Campaign>) {
        let nobody = self.creator.with_token("");
        let answer = nobody.get("/api/v1/campaign").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let now: CampaignNow = answer.json();
        (now.current, now.next)
    }

    async fn history(&self, of: Option<CampaignId>) -> RulesHistory {
        let query = of.map_or_else(String::new, |id| format!("?campaign={id}"));
        let nobody = self.creator.with_token("");
        let answer = nobody.get(&format!("/api/v1/campaign/rules{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    async fn change_rules(&self, id: CampaignId, change: &Value) -> Answer {
        self.creator.post(&under(id, "rules"), change).await
    }

    async fn move_dates(&self, id: CampaignId, dates: &Value) -> Answer {
        let body = serde_json::to_vec(dates).unwrap();
        self.creator
            .send(Method::PUT, &under(id, "dates"), body)
            .await
    }

    async fn close(&self, id: CampaignId) -> Answer {
        self.creator.post(&under(id, "close"), &Value::Null).await
    }

    /// What an event of that moment is judged by.
    async fn judged_at(&self, at_us: i64) -> Option<Current> {
        let mut tx = self.store.read().await.unwrap();
        current(&RulesCache::default(), &mut tx, at_us)
            .await
            .unwrap()
    }
}

fn new_campaign(slug: &str, more: Value) -> Value {
    let closes = now_us() / 1_000 + 30 * DAY_MS;
    let mut new = json!({ "slug": slug, "closes_ms": closes, "document": DEFAULT });
    let Value::Object(more) = more else {
        panic!("{more} is no object");
    };
    new.as_object_mut().unwrap().extend(more);
    new
}

/// The dates as they are, but for the end.
fn dates(campaign: &Campaign, closes_ms: i64) -> Value {
    json!({
        "opens_ms": campaign.opens_ms,
        "starts_ms": campaign.starts_ms,
        "closes_ms": closes_ms,
    })
}

fn under(id: CampaignId, what: &str) -> String {
    format!("{CAMPAIGNS}/{id}/{what}")
}
