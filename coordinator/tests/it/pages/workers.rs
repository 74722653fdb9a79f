//! My Workers: the list, the way to another worker, one worker, and what its owner can decide.

use http::{Method, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use pictor_protocol::agent::{Capability, Device, Progress, Proven, Report, SlotInfo, Telemetry};
use pictor_protocol::blender::Series;
use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use pictor_protocol::people::Role;
use pictor_protocol::worker::{Presence, Worker, WorkerList};
use pictor_protocol::worker_config::WorkerConfig;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::client::Client;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{PATIENCE, World};

const HOSTILE: &str = "<script>alert(1)</script>";
const ESCAPED: &str = "&#60;script&#62;";

#[tokio::test]
async fn nobody_sees_or_changes_the_workers_of_somebody_else() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    let eve = world.person("eve", &[Role::WorkerOwner]).await;
    let mut browser = world.browser_of(eve).await;
    let list = browser.page("/workers").await.text();
    assert!(
        list.contains("No workers yet") && !list.contains("attic"),
        "{list}"
    );
    let page = format!("/workers/{}", worker.id);
    for tab in [
        "",
        "/tasks",
        "/earnings",
        "/machine",
        "/settings",
        "/connect",
    ] {
        let answer = browser.page(&format!("{page}{tab}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{tab}");
    }
    for live in [
        "/live",
        "/connect/live",
        "/tasks/live",
        "/earnings/live",
        "/machine/live",
    ] {
        let answer = browser.page(&format!("{page}{live}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{live}");
    }
    let week = [("mon-on", "on"), ("mon-from", "08:00"), ("mon-to", "09:00")];
    for (act, fields) in [
        ("pause", &[][..]),
        ("resume", &[]),
        ("retire", &[]),
        ("config", &[]),
        ("token", &[]),
        ("name", &[("name", "mine")]),
        ("schedule", &week),
        ("schedule/end", &[]),
    ] {
        let answer = browser.form(&format!("{page}/{act}"), fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
    }
    let shown = shown(&world, &worker).await;
    assert_eq!(
        (shown.name.as_str(), shown.presence),
        ("attic", Presence::Online)
    );
    assert_eq!(
        worker.hello(&[]).await.status,
        StatusCode::OK,
        "its token is good"
    );
}

#[tokio::test]
async fn every_shown_command_installs_the_operators_image_if_there_is_one() {
    for (image, named) in [(None, 0), (Some("registry.example.org:5000/worker:2"), 4)] {
        let parsed = image.map(|image| image.parse().unwrap());
        let world = World::start_with(|config| config.worker_image = parsed).await;
        let config = world.worker_config("attic").await;
        let mut browser = world.browser_of(world.operator().await).await;
        let page = format!("/workers/{}/connect", config.worker_id);
        let page = browser.page(&page).await.text();
        let option = format!(" --image {}</pre>", image.unwrap_or_default());
        assert_eq!(page.matches(&option).count(), named, "{page}");
        assert_eq!(page.matches(" --image ").count(), named, "{page}");
    }
}

#[tokio::test]
async fn three_steps_lead_to_a_machine_that_is_ready() {
    let world = World::start().await;
    let mut browser = owner(&world).await;
    assert!(
        browser
            .page("/workers")
            .await
            .text()
            .contains("Add your first worker")
    );

    let bad = browser.form("/workers/new", &[("name", " ")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.text().contains("has 1 to 64 characters"));
    let page = browser
        .form_to_page("/workers/new", &[("name", HOSTILE)])
        .await;
    let page = page.text();
    assert!(page.contains(ESCAPED) && !page.contains(HOSTILE), "{page}");
    assert!(
        page.contains("Waiting for your worker") && !page.contains("pcw_"),
        "{page}"
    );
    for command in [
        "/install/install-worker.sh",
        "./install-worker.sh --config",
        "./install-worker.sh --cpu --config",
        ".\\run-install-worker.bat --config",
    ] {
        assert!(page.contains(command), "{command}: {page}");
    }

    let list: WorkerList = browser.get("/api/v1/workers").await.json();
    let id = list.workers[0].id;
    let first = download(&mut browser, &format!("/workers/{id}/config")).await;
    let config = download(&mut browser, &format!("/workers/{id}/config")).await;
    assert_eq!(config.worker_id, id);
    let stale = Client::new(&world.url, &first.token);
    let refused = stale.get("/agent/v1/registration").await;
    assert_eq!(
        refused.status,
        StatusCode::UNAUTHORIZED,
        "the one before is worth nothing"
    );

    let mut slot = SlotInfo::new(0, Device::Optix, HOSTILE);
    slot.proven = Some(Vec::new());
    let blender = Series::new(4, 5);
    let mut worker = ScriptedWorker::connect_of(&world, &config, &[blender], vec![slot]).await;
    let connect = format!("/workers/{id}/connect");
    let page = browser.page(&connect).await.text();
    assert!(
        page.contains("is connected</h2>") && !page.contains("is ready</h2>"),
        "{page}"
    );
    assert!(
        page.contains("It is turned away as soon as you make a new one"),
        "{page}"
    );

    worker.slots[0].proven = Some(vec![Proven {
        runtime: blender,
        can: Capability::CyclesOptix,
    }]);
    worker.doctor = vec![DoctorCheck {
        name: "disk".into(),
        outcome: CheckOutcome::Warn,
        text: HOSTILE.into(),
        advice: Some("Free some.".into()),
    }];
    worker.hello(&[]).await;
    let page = browser.page(&connect).await.text();
    assert!(
        page.contains("is ready</h2>") && page.contains("Free some."),
        "{page}"
    );
    assert!(!page.contains(HOSTILE), "{page}");
}

#[tokio::test]
async fn a_config_is_shown_once_and_no_browser_keeps_it() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    let mut browser = owner(&world).await;
    let answer = browser
        .form(&format!("/workers/{}/token", worker.id), &[])
        .await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert!(
        answer.text().contains("&#34;token&#34;"),
        "{}",
        answer.text()
    );
    assert_eq!(worker.hello(&[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn installers_are_what_lies_in_the_repository() {
    let world = World::start().await;
    let mut stranger = Browser::on(&world.url);
    for name in [
        "install-worker.sh",
        "install-nvidia-container-toolkit.sh",
        "run-install-worker.bat",
    ] {
        let answer = stranger.get(&format!("/install/{name}")).await;
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../install");
        assert_eq!(
            answer.body,
            std::fs::read(folder.join(name)).unwrap(),
            "{name}"
        );
    }
    let missing = stranger.get("/install/..%2FCargo.toml").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_is_searched_narrowed_and_sorted() {
    let world = World::start().await;
    for name in ["beta", "alpha", "gamma"] {
        ScriptedWorker::connect(&world, name).await;
    }
    world.worker_config("delta-never").await;
    let mut browser = owner(&world).await;
    let order = |page: &str| {
        let names = ["alpha", "beta", "gamma", "delta-never"];
        let mut at: Vec<_> = names
            .into_iter()
            .filter_map(|name| Some((page.find(&format!("<b>{name}</b>"))?, name)))
            .collect();
        at.sort_unstable();
        at.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("", &["alpha", "beta", "gamma", "delta-never"][..]),
        (
            "?sort=name&order=down",
            &["gamma", "delta-never", "beta", "alpha"],
        ),
        ("?search=ALP", &["alpha"]),
        ("?state=new", &["delta-never"]),
        (
            "?state=&search=&sort=created&order=up",
            &["beta", "alpha", "gamma", "delta-never"],
        ),
        ("?search=nobody", &[]),
    ] {
        let page = browser.page(&format!("/workers{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(order(&page.text()), expected, "{query}");
    }
    let page = browser.page("/workers?search=nobody").await.text();
    assert!(page.contains("No worker is like that"), "{page}");
    for bad in ["state=soup", "after=soup"] {
        let answer = browser.page(&format!("/workers?{bad}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn pausing_says_what_happens_and_can_be_taken_back() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    let mut browser = owner(&world).await;
    let page = format!("/workers/{}", worker.id);
    let paused = browser
        .form_to_page(&format!("{page}/pause"), &[])
        .await
        .text();
    assert!(
        paused.contains("“attic” is paused") && paused.contains("Undo"),
        "{paused}"
    );
    assert_eq!(shown(&world, &worker).await.presence, Presence::Draining);
    let resume = format!("{page}/resume");
    let list = browser.form_to_page(&resume, &[("list", "true")]).await;
    let list = list.text();
    assert!(
        list.contains("takes frames again") && list.contains("My Workers</h1>"),
        "{list}"
    );
    assert_eq!(shown(&world, &worker).await.presence, Presence::Online);

    let name = format!("{page}/name");
    let named = browser.form_to_page(&name, &[("name", HOSTILE)]).await;
    let named = named.text();
    assert!(
        named.contains(ESCAPED) && !named.contains(HOSTILE),
        "{named}"
    );
    let bad = browser
        .form(&format!("{page}/name"), &[("name", "a\u{7}b")])
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);

    let retired = browser
        .form_to_page(&format!("{page}/retire"), &[])
        .await
        .text();
    assert!(retired.contains("is retired"), "{retired}");
    let settings = browser.page(&format!("{page}/settings")).await.text();
    assert!(settings.contains("nothing left to set"), "{settings}");
}

#[tokio::test]
async fn a_week_of_nights_is_set_by_a_form_and_faults_are_beside_their_days() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    let mut browser = owner(&world).await;
    let path = format!("/workers/{}/schedule", worker.id);
    let nights = [
        ("offset", "120"),
        ("mon-on", "on"),
        ("mon-from", "22:00"),
        ("mon-to", "06:30"),
        ("tue-from", "typed and not chosen"),
    ];
    let page = browser.form_to_page(&path, &nights).await.text();
    assert!(page.contains("Its hours are set"), "{page}");
    assert!(
        page.contains("value=\"22:00\"") && page.contains("value=\"06:30\""),
        "{page}"
    );
    let schedule = shown(&world, &worker).await.schedule.unwrap();
    assert_eq!(schedule.utc_offset_minutes, 120);
    let spans: Vec<_> = schedule
        .spans
        .iter()
        .map(|span| (span.day, span.from_minute, span.to_minute))
        .collect();
    assert_eq!(spans, [(0, 1_320, 1_440), (1, 0, 390)]);

    let bad = [("wed-on", "on"), ("wed-from", "soon"), ("wed-to", "06:00")];
    let answer = browser.form(&path, &bad).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text();
    assert!(
        page.contains("wed-fault") && page.contains("value=\"soon\""),
        "{page}"
    );
    assert_eq!(
        shown(&world, &worker).await.schedule.unwrap(),
        schedule,
        "nothing changed"
    );

    let page = browser
        .form_to_page(&format!("{path}/end"), &[])
        .await
        .text();
    assert!(page.contains("at any hour"), "{page}");
    assert_eq!(shown(&world, &worker).await.schedule, None);
}

#[tokio::test]
async fn a_worker_shows_its_slots_sensors_tasks_and_machine() {
    let world = World::start().await;
    let mut worker = ScriptedWorker::connect(&world, "attic").await;
    worker.sandbox = vec!["seccomp".into(), HOSTILE.into()];
    worker.slots[0].score = Some(2.5);
    worker.start_again(&[]).await;
    world.creator.submit("7").await;
    let grant = worker.must_get_work().await.tasks.remove(0);
    worker.report(busy(&worker, &grant, 0.42)).await;
    let mut browser = owner(&world).await;
    let page = format!("/workers/{}", worker.id);
    let overview = browser.page(&page).await.text();
    for expected in [
        "Rendering",
        "Frame 7 of",
        "42 %",
        "2.50 ×",
        "81 °C",
        "97 %",
        "Uptime by the day",
    ] {
        assert!(overview.contains(expected), "{expected}: {overview}");
    }
    assert!(
        overview.contains("GPU temperature over the last 24 hours"),
        "{overview}"
    );
    let week = browser.page(&format!("{page}?range=week")).await.text();
    assert!(
        week.contains("GPU utilisation over the last 168 hours"),
        "{week}"
    );
    let tasks = browser.page(&format!("{page}/tasks")).await.text();
    assert!(
        tasks.contains("<b>7</b>") && tasks.contains("Rendering"),
        "{tasks}"
    );
    let machine = browser.page(&format!("{page}/machine")).await.text();
    assert!(
        machine.contains("seccomp") && machine.contains(ESCAPED),
        "{machine}"
    );
    assert!(!machine.contains(HOSTILE), "{machine}");
}

#[tokio::test]
async fn an_open_list_hears_of_progress_and_of_workers_that_come() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    world.creator.submit("7").await;
    let grant = worker.must_get_work().await.tasks.remove(0);
    let browser = owner(&world).await;
    let mut live = Live::in_browser(&world, &browser, "/workers/live").await;
    live.until("Frame 7").await;
    worker.report(busy(&worker, &grant, 0.31)).await;
    live.until("31 %").await;
    ScriptedWorker::connect(&world, "basement").await;
    live.until("<tbody id=\"workers-rows\">").await;
}

/// What the page of a live address sends, as text.
pub struct Live {
    body: Incoming,
    text: String,
}

impl Live {
    pub async fn open(client: &Client, path: &str) -> Self {
        Self::open_with(client, &[], path).await
    }

    /// For pages that ask who looks, which a token does not tell.
    async fn in_browser(world: &World, browser: &Browser, path: &str) -> Self {
        let session = browser.cookie("pictor_session").unwrap();
        let cookie = format!("pictor_session={session}");
        Self::open_with(&world.creator, &[("cookie", &cookie)], path).await
    }

    async fn open_with(client: &Client, headers: &[(&str, &str)], path: &str) -> Self {
        let answer = client.open(Method::GET, path, headers, Vec::new()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        Self {
            body: answer.into_body(),
            text: String::new(),
        }
    }

    /// Waits until this was sent; answers what came since the last time.
    pub async fn until(&mut self, wanted: &str) -> String {
        // Whatever keeps the connection alive meanwhile.
        let end = tokio::time::Instant::now() + PATIENCE;
        while !self.text.contains(wanted) {
            let frame = tokio::time::timeout_at(end, self.body.frame()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no {wanted} in {}", self.text));
            let data = frame.unwrap().unwrap().into_data().unwrap();
            self.text.push_str(&String::from_utf8_lossy(&data));
        }
        std::mem::take(&mut self.text)
    }
}

/// The operator's browser: the scripted workers are theirs.
async fn owner(world: &World) -> Browser {
    world.browser_of(world.operator().await).await
}

async fn shown(world: &World, worker: &ScriptedWorker) -> Worker {
    let path = format!("/api/v1/workers/{}", worker.id);
    world.creator.get(&path).await.json()
}

async fn download(browser: &mut Browser, path: &str) -> WorkerConfig {
    let answer = browser.form(path, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let disposition = &answer.headers[header::CONTENT_DISPOSITION];
    assert_eq!(disposition, "attachment; filename=\"worker-config.json\"");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let config: serde_json::Value = answer.json();
    assert_ne!(config["token"], json!(null));
    answer.json()
}

fn busy(worker: &ScriptedWorker, grant: &pictor_protocol::agent::Grant, fraction: f32) -> Report {
    Report {
        holding: vec![grant.attempt],
        progress: vec![Progress {
            attempt: grant.attempt,
            fraction,
            elapsed_ms: 1_000,
        }],
        telemetry: vec![Telemetry {
            slot: 0,
            utilisation_percent: Some(97),
            temperature_celsius: Some(81),
            power_milliwatts: Some(300_000),
            memory_used_bytes: Some(1 << 30),
        }],
        ..worker.empty()
    }
}
