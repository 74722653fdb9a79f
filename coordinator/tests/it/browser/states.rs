//! States that the gallery's one world is never in: nothing there yet, all over, in trouble, in the middle of
//! something. For pictures of them, and for what holds for every page.

use std::time::Duration;

use pictor_coordinator::accounts::aptos::{Address, Chain};
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::payouts::{self, Winner};
use pictor_protocol::agent::{
    Capability, Device, Grant, Progress, Proven, RenderFault, Report, SlotInfo, Telemetry,
};
use pictor_protocol::blender::Series;
use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::worker_config::WorkerConfig;
use pictor_protocol::{CampaignId, JobId, Micros, SceneId, UserId};
use serde_json::json;
use tokio::task::JoinHandle;

use super::chromium::Tab;
use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::scenes;
use crate::harness::worker::ScriptedWorker;

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

/// Jobs and workers of every kind, names of every length, and what opens when one clicks.
async fn in_work() -> Scene {
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 10_000;
    })
    .await;
    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &Role::ALL).await;
    world.give_credits(ada, 4_000).await;
    world
        .give_points(campaign, ada, 812 * Micros::PER_ONE)
        .await;
    let mut scene = Scene::of(world, Some(ada));
    let script = scene
        .world
        .script_of("ada", &[Scope::Jobs, Scope::Workers])
        .await;
    let world = &scene.world;
    let upload = script.scene(&scenes::sample()).await.id;
    let failed = failed(world, &script, upload).await;
    let whole = json!({ "scene": upload, "name": "Night city", "frames": "1-1000" });
    let whole = script.submit_with(&whole).await.id;
    // Of somebody else: what one's own render costs nothing.
    let other = ScriptedWorker::connect_scored(world, "of the operator", 1.0).await;
    while let Some(lease) = other.ask(500).await {
        for grant in &lease.tasks {
            let picture = scenes::png(grant.frame.unsigned_abs());
            other.finish_in(grant, &picture, 1_500).await;
        }
    }
    let farm = farm(world, &script).await;
    let submit = async |name: &str, frames: &str| {
        let job = json!({ "scene": upload, "name": name, "frames": frames });
        script.submit_with(&job).await.id
    };

    let long = submit(
        "PRJ_Harbour_at_dawn__sh0420_v017_lighting_FINAL_final_reallyfinal_comp_for_review",
        "1-240",
    )
    .await;
    for round in 0..24 {
        let worker = &farm[round % 2];
        let Some(lease) = worker.ask(200).await else {
            break;
        };
        for grant in &lease.tasks {
            if round % 2 == 0 && grant.frame % 11 == 5 {
                worker.fail(grant, RenderFault::Crashed).await;
            } else {
                worker
                    .finish_in(grant, &scenes::png(grant.frame.unsigned_abs()), 4_200)
                    .await;
            }
        }
    }
    let mut leases = Vec::new();
    for worker in &farm[..2] {
        leases.push(
            worker
                .ask(200)
                .await
                .and_then(|lease| lease.tasks.first().cloned()),
        );
    }
    let missing = submit("كواليس المشهد الأخير – مراجعة نهائية", "1-12").await;
    let stopped = submit("Turntable", "1-48").await;
    script
        .post(&format!("/api/v1/jobs/{stopped}/cancel"), &json!({}))
        .await;
    let states = [
        (long, "under-way"),
        (missing, "waits"),
        (stopped, "cancelled"),
        (whole, "done-of-many"),
        (failed, "failed"),
    ];
    for (job, state) in states {
        scene.page(&format!("job-{state}"), format!("/jobs/{job}"));
    }
    let page = format!("/jobs/{long}");
    scene.page("job-failed-frames", format!("/jobs/{failed}?show=failed"));
    scene.page("job-frame", format!("{page}/frames/1"));
    scene.page("job-frame-failed", format!("/jobs/{failed}/frames/5"));
    scene.page("jobs-of-all-kinds", "/jobs");
    scene.page("jobs-none-found", "/jobs?name=nothing+like+that");
    scene.page("job-form", format!("/scenes/{upload}/new-job"));
    scene.after_clicks("job-more", &page, &["#ask-more > summary"]);
    scene.after_clicks(
        "job-delete",
        &page,
        &["#ask-more > summary", "#ask-delete > summary"],
    );
    scene.after_clicks(
        "job-selected",
        &page,
        &["#c1", "#c2", "#ask-send-back > summary"],
    );
    scene.after_clicks("job-frame-dialog", &page, &["#f1 > a"]);
    scene.after_clicks("job-player", &page, &["#play"]);
    scene.page("dashboard-busy", "/dashboard");
    scene.page("workers-of-all-kinds", "/workers");
    scene.page("workers-none-found", "/workers?search=nothing");
    scene.page("network-busy", "/network");
    let first = format!("/workers/{}", farm[0].id);
    for tab in [
        "",
        "/tasks",
        "/earnings",
        "/machine",
        "/settings",
        "/connect",
    ] {
        scene.page(
            &format!("worker{}", tab.replace('/', "-")),
            format!("{first}{tab}"),
        );
    }
    scene.page("worker-silent", format!("/workers/{}", farm[2].id));
    scene.page("worker-cannot", format!("/workers/{}", farm[3].id));
    scene.after_clicks(
        "worker-retire",
        format!("{first}/settings"),
        &["#ask-retire > summary"],
    );
    scene.states.push(State {
        name: "worker-just-paused".into(),
        path: first,
        clicks: vec![">form[action$='/pause'] button"],
        after: Some("form[action$='/resume'] button"),
    });
    scene.after_clicks("account-new-token", "/account", &["#new-token > summary"]);
    scene.page("help-gpu-found", "/help/gpus?name=RTX+3060");
    scene.page("help-gpu-unknown", "/help/gpus?name=Voodoo+2");
    scene.page("refused", "/workers?state=soup");
    scene.alive = Some(tokio::spawn(go_on(farm, leases)));
    scene
}

/// A job of which one frame failed on three workers.
async fn failed(world: &World, script: &Client, upload: SceneId) -> JobId {
    let job = json!({ "scene": upload, "name": "Particles, cache not baked", "frames": "1-12" });
    let job = script.submit_with(&job).await.id;
    for name in ["one", "two", "three"] {
        let worker = ScriptedWorker::connect(world, name).await;
        while let Some(lease) = worker.ask(200).await {
            for grant in &lease.tasks {
                if grant.frame == 5 {
                    worker.fail(grant, RenderFault::OutOfGpuMemory).await;
                } else {
                    let picture = scenes::png(grant.frame.unsigned_abs());
                    worker.finish_in(grant, &picture, 2_500).await;
                }
            }
        }
    }
    job
}

/// Two that render, one that fell silent, one that cannot render, one that was paused, one that was retired.
async fn farm(world: &World, owner: &Client) -> Vec<ScriptedWorker> {
    let names = [
        "render-node-in-the-attic-behind-the-water-tank-0001",
        "workshop",
        "laptop",
        "old tower",
        "night shift",
        "gone",
    ];
    let mut farm = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let made = owner
            .post("/api/v1/workers", &json!({ "name": name }))
            .await;
        let config: WorkerConfig = made.json();
        let slots = if at == 0 { 2 } else { 1 };
        let slots = (0..slots).map(|slot| gpu(slot, at != 3)).collect();
        let mut worker =
            ScriptedWorker::connect_of(world, &config, &[Series::new(4, 5)], slots).await;
        worker.doctor = doctor();
        worker.sandbox = vec![
            "container".into(),
            "seccomp".into(),
            "no network for Blender".into(),
        ];
        worker.hello(&[]).await;
        farm.push(worker);
    }
    owner
        .post(&format!("/api/v1/workers/{}/drain", farm[4].id), &json!({}))
        .await;
    owner
        .delete(&format!("/api/v1/workers/{}", farm[5].id))
        .await;
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 7200000000 WHERE name = 'laptop'")
        .await;
    farm
}

fn gpu(slot: u16, is_proven: bool) -> SlotInfo {
    let runtime = Series::new(4, 5);
    let can = [
        Capability::CyclesOptix,
        Capability::CyclesCuda,
        Capability::Eevee,
    ];
    let proven = can.map(|can| Proven { runtime, can });
    SlotInfo {
        memory_bytes: Some(24 << 30),
        score: is_proven.then_some(2.38),
        proven: Some(if is_proven {
            proven.to_vec()
        } else {
            Vec::new()
        }),
        ..SlotInfo::new(slot, Device::Optix, "NVIDIA GeForce RTX 4090")
    }
}

fn doctor() -> Vec<DoctorCheck> {
    let check = |name: &str, outcome, text: &str, advice: Option<&str>| DoctorCheck {
        name: name.into(),
        outcome,
        text: text.into(),
        advice: advice.map(Into::into),
    };
    vec![
        check("driver", CheckOutcome::Ok, "550.120, CUDA 12.4", None),
        check(
            "disk",
            CheckOutcome::Warn,
            "12 GB are free in /var/cache/pictor",
            Some("Free some, or put the cache elsewhere with `--cache-dir`."),
        ),
    ]
}

/// They are heard of for as long as somebody looks, and get no further with what they render.
async fn go_on(farm: Vec<ScriptedWorker>, leases: Vec<Option<Grant>>) {
    loop {
        for (at, worker) in farm.iter().enumerate() {
            // The laptop fell silent, and the last one is retired.
            if at != 2 && at != 5 {
                let grant = leases.get(at).and_then(Option::as_ref);
                worker.report(said_by(worker, grant)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn said_by(worker: &ScriptedWorker, grant: Option<&Grant>) -> Report {
    let reading = |slot: &SlotInfo| Telemetry {
        slot: slot.slot,
        utilisation_percent: Some(97),
        temperature_celsius: Some(71),
        power_milliwatts: Some(412_000),
        memory_used_bytes: Some(9 << 30),
    };
    let progress = |grant: &Grant| Progress {
        attempt: grant.attempt,
        fraction: 0.42,
        elapsed_ms: 31_000,
    };
    Report {
        holding: grant.iter().map(|grant| grant.attempt).collect(),
        progress: grant.into_iter().map(progress).collect(),
        telemetry: worker.slots.iter().map(reading).collect(),
        ..worker.empty()
    }
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
