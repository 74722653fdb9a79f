//! A world with something on every page, and all its pages: for what holds for each, and for pictures of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pictor_coordinator::accounts::aptos::Chain;
use pictor_protocol::job::{Job, JobState};
use pictor_protocol::people::Role;
use pictor_protocol::worker::WorkerList;
use pictor_protocol::worker_config::WorkerConfig;
use pictor_protocol::{CampaignId, Micros, UserId};
use serde_json::json;

use super::chromium::Tab;
use super::states;
use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::client::Client;
use crate::harness::process::{Process, program};
use crate::harness::worker::ScriptedWorker;
use crate::harness::{eventually, scenes};

/// Whoever looks at pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Stranger,
    /// Signed in, and has chosen nothing.
    Newcomer,
    /// Has every role, and something of everything.
    Everybody,
    Operator,
}

impl Who {
    pub const ALL: [Self; 4] = [
        Self::Stranger,
        Self::Newcomer,
        Self::Everybody,
        Self::Operator,
    ];
}

pub struct Gallery {
    pub world: World,
    /// Has every role.
    ada: UserId,
    newcomer: UserId,
    jobs: Vec<Job>,
    workers: WorkerList,
    campaign: CampaignId,
    _render: Option<Process>,
}

impl Gallery {
    /// With workers that say what they are told to say.
    pub async fn of_fakes() -> Self {
        Self::begin(false).await
    }

    /// With a worker that renders with Blender, or with fakes alone.
    async fn begin(is_real: bool) -> Self {
        let world = World::start_with(|config| {
            config.sign_in.chain = Some(Chain::Testnet);
            config.sign_in.tries_per_minute = 10_000;
        })
        .await;
        let campaign = world.running_campaign().await;
        let crowd = world.crowd(40).await;
        for (place, person) in crowd.into_iter().enumerate() {
            let points = (41 - place as i64) * 37 * Micros::PER_ONE;
            world.give_points(campaign, person, points).await;
        }
        let ada = world.person("ada", &Role::ALL).await;
        let newcomer = world.person("newcomer", &[]).await;
        world.give_credits(ada, 250).await;
        world
            .give_points(campaign, ada, 512 * Micros::PER_ONE)
            .await;
        world
            .waiting_points(campaign, ada, 34 * Micros::PER_ONE)
            .await;
        let script = world
            .script_of(
                "ada",
                &[
                    pictor_protocol::people::Scope::Jobs,
                    pictor_protocol::people::Scope::Workers,
                ],
            )
            .await;
        let mut browser = world.browser_of(ada).await;
        browser
            .fill("/account/tokens", "name=Laptop&scope=jobs&days=90")
            .await;
        browser.fill("/account/name", "name=Ada+L").await;
        let render = if is_real {
            Some(real_worker(&world, &script).await)
        } else {
            None
        };
        let jobs = jobs_of(&world, &script, is_real).await;
        script
            .post("/api/v1/workers", &json!({ "name": "attic" }))
            .await;
        let workers = script.get("/api/v1/workers").await.json();
        Self {
            world,
            ada,
            newcomer,
            jobs,
            workers,
            campaign,
            _render: render,
        }
    }

    pub async fn tab_of(&self, who: Who) -> Tab {
        match self.person(who).await {
            Some(person) => Tab::of(&self.world, person).await,
            None => Tab::of_a_stranger(&self.world).await,
        }
    }

    pub async fn browser_of(&self, who: Who) -> Browser {
        match self.person(who).await {
            Some(person) => self.world.browser_of(person).await,
            None => Browser::on(&self.world.url),
        }
    }

    async fn person(&self, who: Who) -> Option<UserId> {
        match who {
            Who::Stranger => None,
            Who::Newcomer => Some(self.newcomer),
            Who::Everybody => Some(self.ada),
            Who::Operator => Some(self.world.operator().await),
        }
    }

    /// The addresses of all pages that somebody has.
    pub fn pages_of(&self, who: Who) -> Vec<String> {
        let everybody_has = [
            "/leaderboard",
            "/network",
            "/help",
            "/help/rules",
            "/help/gpus",
            "/no/such/page",
        ];
        let mut pages: Vec<String> = everybody_has.map(String::from).into();
        let more: &[&str] = match who {
            Who::Stranger => &[
                "/",
                "/sign-in",
                "/sign-in?referral=0123456789",
                "/sign-in/pcl_x",
            ],
            Who::Newcomer => &["/welcome", "/account", "/jobs", "/rewards"],
            Who::Everybody => &[
                "/dashboard",
                "/welcome",
                "/account",
                "/account/delete",
                "/account/identities/wallet",
                "/jobs",
                "/jobs/new",
                "/workers",
                "/workers/new",
                "/rewards",
                "/ledger",
                "/operator",
            ],
            Who::Operator => &[
                "/dashboard",
                "/jobs",
                "/workers",
                "/operator",
                "/operator/people",
                "/operator/workers",
                "/operator/jobs",
                "/operator/campaigns",
                "/operator/campaigns/new",
                "/operator/quests",
                "/operator/signals",
                "/operator/appeals",
                "/operator/payouts",
                "/operator/payouts/new",
                "/operator/audit-log",
                "/operator/system",
            ],
        };
        pages.extend(more.iter().map(ToString::to_string));
        match who {
            Who::Everybody => {
                pages.extend(self.jobs.iter().map(|job| format!("/jobs/{}", job.id)));
                let workers = self.workers.workers.iter();
                pages.extend(workers.map(|worker| format!("/workers/{}", worker.id)));
            }
            Who::Operator => {
                pages.push(format!("/operator/people/{}", self.ada));
                pages.push(format!("/operator/campaigns/{}", self.campaign));
            }
            Who::Stranger | Who::Newcomer => {}
        }
        pages
    }
}

/// A job of each kind: done, under way, paused, waiting for what nobody has.
async fn jobs_of(world: &World, script: &Client, is_real: bool) -> Vec<Job> {
    let upload = script.scene(&scenes::sample()).await.id;
    let submit = async |name: &str, frames: &str| {
        let job = json!({ "scene": upload, "name": name, "frames": frames });
        script.submit_with(&job).await
    };
    let done = submit("Harbour at dawn, shot 010", "1-24").await;
    if is_real {
        script
            .until(done.id, "over", |job| job.state == JobState::Done)
            .await;
    } else {
        let worker = ScriptedWorker::connect(world, "of the operator").await;
        for seed in 0..24 {
            let lease = worker.must_get_work().await;
            for grant in &lease.tasks {
                let picture = scenes::png(seed * 31 + grant.frame.unsigned_abs());
                worker.finish(grant, &picture).await;
            }
            if script.job(done.id).await.state == JobState::Done {
                break;
            }
        }
    }
    let paused = submit("Harbour at dawn, shot 020", "1-120").await;
    let pause = format!("/api/v1/jobs/{}/pause", paused.id);
    script.post(&pause, &json!({})).await;
    let open = submit("Lighthouse, long take", "100-240").await;
    if is_real {
        script
            .until(open.id, "under way", |job| job.counts.done >= 20)
            .await;
    }
    let mut jobs = Vec::new();
    for id in [done.id, paused.id, open.id] {
        jobs.push(script.job(id).await);
    }
    jobs
}

/// A worker process with a real Blender, online and proven.
pub async fn real_worker(world: &World, owner: &Client) -> Process {
    let made = owner
        .post("/api/v1/workers", &json!({ "name": "workshop" }))
        .await;
    let config: WorkerConfig = made.json();
    let process = run_worker(world, "workshop", config);
    eventually("a worker that can render", async || {
        let list: WorkerList = owner.get("/api/v1/workers").await.json();
        let is_there = list
            .workers
            .iter()
            .any(|worker| !worker.runtimes.is_empty());
        is_there.then_some(()).ok_or(list)
    })
    .await;
    process
}

/// Runs the worker of a config, as its owner would.
pub fn run_worker(world: &World, name: &str, mut config: WorkerConfig) -> Process {
    let dir = world.data().join(name);
    std::fs::create_dir_all(dir.join("cache")).unwrap();
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    config.options.cache_dir = Some(text(dir.join("cache")));
    let runtimes = scenes::runtimes_of_the_sample(world.data());
    config.options.runtimes_dir = Some(text(runtimes));
    let file = dir.join("config.json");
    std::fs::write(&file, serde_json::to_vec(&config).unwrap()).unwrap();
    let log = std::fs::File::create(dir.join("worker.log")).unwrap();
    let mut command = std::process::Command::new(program("pictor-worker"));
    command
        .args(["run", "--allow-cpu", "--config"])
        .arg(&file)
        .stderr(log)
        .stdout(std::process::Stdio::null());
    Process::start("the worker", &mut command)
}

const VIEWS: [(&str, &str, u32, u32); 3] = [
    ("light", "light", 1280, 900),
    ("dark", "dark", 1280, 900),
    ("phone", "light", 390, 844),
];

#[tokio::test]
#[ignore = "writes pictures of every page to target/screenshots: make screenshots"]
async fn screenshots_of_every_page() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let is_real = std::env::var_os("PICTOR_SCREENSHOTS_OF_FAKES").is_none();
    let gallery = Gallery::begin(is_real).await;
    for who in Who::ALL {
        let tab = gallery.tab_of(who).await;
        for (view, scheme, width, height) in VIEWS {
            tab.set_scheme(scheme).await;
            tab.set_size(width, height).await;
            for path in gallery.pages_of(who) {
                let status = tab.goto(&path).await;
                // Live parts come a moment after the page.
                tokio::time::sleep(Duration::from_millis(300)).await;
                let name = path.trim_matches('/').replace(['/', '?', '='], "-");
                let name = if name.is_empty() {
                    "landing".into()
                } else {
                    name
                };
                let file = format!("{who:?}-{name}-{view}.png").to_lowercase();
                tab.screenshot(&folder.join(file)).await;
                assert!(status < 500, "{path}: {status}");
            }
        }
    }
    for scene in states::all().await {
        let tab = scene.tab().await;
        for (view, scheme, width, height) in VIEWS {
            tab.set_scheme(scheme).await;
            tab.set_size(width, height).await;
            for state in &scene.states {
                let status = state.enter(&tab).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                tab.run("scrollTo(0, 0)").await;
                let file = format!("state-{}-{view}.png", state.name);
                tab.screenshot(&folder.join(file)).await;
                state.leave(&tab).await;
                assert!(status < 500, "{}: {status}", state.path);
            }
        }
    }
    println!("{}", folder.display());
}
