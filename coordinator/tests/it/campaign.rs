//! Campaigns and their rules, through the API.

mod dates;
mod rules;

use http::{Method, StatusCode};
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_coordinator::campaign::{Current, RulesCache, State, current};
use pictor_protocol::campaign::{Campaign, CampaignNow, CampaignState, RulesHistory};
use pictor_protocol::people::Scope;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{CampaignId, Cents};
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
