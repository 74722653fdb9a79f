//! States that the gallery's one world is never in: nothing there yet, all over, in trouble, in the middle of
//! something. For pictures of them, and for what holds for every page.

mod farm;
mod in_work;

use pictor_coordinator::accounts::aptos::Address;
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::payouts::{self, Winner};
use pictor_protocol::people::Role;
use pictor_protocol::{CampaignId, Micros, UserId};
use serde_json::json;
use tokio::task::JoinHandle;

use super::chromium::Tab;
use crate::harness::World;
use in_work::in_work;

/// A page in a state.
pub struct State {
    pub name: String,
    pub path: String,
    /// What somebody does there, each by a click; those that begin with `>` lead to another page.
    pub clicks: Vec<&'static str>,
    /// What takes it back.
    pub after: Option<&'static str>,
}

/// Somebody's pages in a world of its own.
pub struct Scene {
    pub world: World,
    pub who: Option<UserId>,
    pub states: Vec<State>,
    alive: Option<JoinHandle<()>>,
}

impl Scene {
    fn of(world: World, who: Option<UserId>) -> Self {
        Self {
            world,
            who,
            states: Vec::new(),
            alive: None,
        }
    }

    fn page(&mut self, name: &str, path: impl Into<String>) {
        self.after_clicks(name, path, &[]);
    }

    fn after_clicks(&mut self, name: &str, path: impl Into<String>, clicks: &[&'static str]) {
        self.states.push(State {
            name: name.into(),
            path: path.into(),
            clicks: clicks.to_vec(),
            after: None,
        });
    }

    pub async fn tab(&self) -> Tab {
        match self.who {
            Some(who) => Tab::of(&self.world, who).await,
            None => Tab::of_a_stranger(&self.world).await,
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(alive) = &self.alive {
            alive.abort();
        }
    }
}

impl State {
    /// Answers the status of its page.
    pub async fn enter(&self, tab: &Tab) -> u64 {
        let status = tab.goto(&self.path).await;
        for click in &self.clicks {
            match click.strip_prefix('>') {
                Some(link) => tab.follow(link).await,
                None => tab.click(click).await,
            }
        }
        status
    }

    pub async fn leave(&self, tab: &Tab) {
        if let Some(back) = self.after {
            tab.follow(back).await;
        }
    }
}

pub async fn all() -> Vec<Scene> {
    vec![
        nothing_yet(false).await,
        nothing_yet(true).await,
        in_work().await,
        over(true).await,
        over(false).await,
    ]
}

/// Lists without anything in them, for somebody with every role or for an operator; there is no campaign.
async fn nothing_yet(is_operator: bool) -> Scene {
    let world = World::start().await;
    let who = match is_operator {
        true => world.operator().await,
        false => world.person("grace", &Role::ALL).await,
    };
    let mut scene = Scene::of(world, Some(who));
    let pages: &[&str] = match is_operator {
        true => &[
            "operator",
            "operator/workers",
            "operator/jobs",
            "operator/campaigns",
            "operator/audit-log",
            "operator/people?search=nobody",
            "operator/system",
        ],
        false => &[
            "dashboard",
            "jobs",
            "workers",
            "rewards",
            "leaderboard",
            "ledger",
            "network",
            "help/rules",
        ],
    };
    for page in pages {
        let name = page.split('?').next().unwrap().replace('/', "-");
        scene.page(&format!("nothing-{name}"), format!("/{page}"));
    }
    scene
}

/// A campaign that was closed, with its snapshot and a payout; for an operator, or for somebody whom they
/// disqualified.
async fn over(is_operator: bool) -> Scene {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let eve = world.person("eve", &Role::ALL).await;
    world.give_points(campaign, eve, 99 * Micros::PER_ONE).await;
    let crowd = world.crowd(6).await;
    for (place, person) in crowd.iter().enumerate() {
        let points = (7 - place as i64) * 137 * Micros::PER_ONE;
        world.give_points(campaign, *person, points).await;
    }
    let standing = format!("/api/v1/operator/people/{eve}/standing");
    let decision = json!({
        "decision": "disqualify",
        "reason": "Four accounts on one GPU.",
        "evidence": { "device": "GPU-8f2a", "accounts": 4 },
    });
    world.creator.post(&standing, &decision).await;
    let mut hers = world.browser_of(eve).await;
    if is_operator {
        hers.fill("/account/appeal", "words=They+are+my+sisters.")
            .await;
    }
    world.close_campaign(campaign, 3).await;
    let taken = format!("/api/v1/operator/campaigns/{campaign}/snapshot");
    world.creator.post(&taken, &json!({})).await;
    let payout = paid_to(&world, campaign, &crowd).await;
    let who = if is_operator {
        world.operator().await
    } else {
        eve
    };
    let mut scene = Scene::of(world, Some(who));
    if is_operator {
        scene.page("over-operator", "/operator");
        scene.page("over-campaign", format!("/operator/campaigns/{campaign}"));
        scene.page("over-payouts", "/operator/payouts");
        scene.page("over-payout", format!("/operator/payouts/{payout}"));
        let page = format!("/operator/payouts/{payout}");
        scene.after_clicks("over-payout-approve", page, &["#ask-approve > summary"]);
        scene.page("over-new-payout", "/operator/payouts/new");
        scene.page("over-appeals", "/operator/appeals");
        scene.page("over-person", format!("/operator/people/{eve}"));
        scene.page("over-audit-log", "/operator/audit-log?verify=yes");
    } else {
        for page in ["dashboard", "rewards", "leaderboard", "account"] {
            scene.page(&format!("over-{page}"), format!("/{page}"));
        }
    }
    scene
}

async fn paid_to(world: &World, campaign: CampaignId, crowd: &[UserId]) -> String {
    let winners: Vec<_> = (1..)
        .zip(crowd)
        .map(|(rank, user)| Winner {
            user: *user,
            rank,
            address: Address::new(*blake3::hash(user.to_string().as_bytes()).as_bytes()),
            prize_cents: if rank == 1 { 20_000 } else { 10_000 },
        })
        .collect();
    let by = world.operator().await;
    let rate = "4.3712".parse().unwrap();
    let mut tx = world.store.write().await.unwrap();
    let id = payouts::draft(&mut tx, campaign, &winners, rate, by, now_us())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}
