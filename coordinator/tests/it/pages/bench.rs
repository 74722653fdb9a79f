//! What pages cost: time to answer, weight, and what a thousand open ones take of a real coordinator process.
//!
//! ```text
//! cargo test --release -p pictor-coordinator --test it -- --ignored --nocapture pages_within_their_bounds
//! ```

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pictor_protocol::{JobId, SceneId};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::browser::Browser;
use crate::harness::client::Client;
use crate::harness::process::{RealCoordinator, program};
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually, scenes};

const FRAMES: u32 = 5_000;
const PAGES: usize = 1_000;
const REQUESTS: usize = 300;
const IDLE: Duration = Duration::from_secs(30);

/// What a page may take.
const ANSWER_MAX: Duration = Duration::from_millis(20);
const WEIGHT_MAX: usize = 150_000;
const GROWTH_MAX: u64 = 50_000_000;
const CORE_MAX: f64 = 5.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and measures: `make bench` runs it"]
async fn pages_within_their_bounds() {
    let mut farm = Farm::start().await;
    let mut table = Table::default();
    let (waiting, half) = (path(farm.waiting), path(farm.half));
    for (what, address) in [
        ("a job of 5,000 frames that waits", waiting.as_str()),
        ("a job of 5,000 frames, half of them done", half.as_str()),
        ("My Workers, 1,000 of them", "/workers"),
        (
            "My Workers, searched and sorted",
            "/workers?search=9&sort=earned",
        ),
        ("the network of 1,000 workers", "/network"),
    ] {
        farm.answers(&mut table, what, address, Some(ANSWER_MAX))
            .await;
    }
    for (what, address) in [
        ("that job", half.as_str()),
        ("My Workers", "/workers"),
        ("the network", "/network"),
    ] {
        farm.weighs(&mut table, what, address).await;
    }
    // Beyond what is promised: to know where it leads.
    farm.submit_many().await;
    for (what, address) in [
        (
            "My Workers, 1,000 of them, while 1,000 jobs wait",
            "/workers",
        ),
        ("1,000 jobs", "/jobs"),
    ] {
        farm.answers(&mut table, what, address, None).await;
    }
    farm.rests(&mut table, "no open page", Vec::new()).await;
    let one = vec![format!("{waiting}/live"); PAGES];
    let many = farm.jobs.iter().map(|id| format!("{}/live", path(*id)));
    for (what, streams) in [
        ("1,000 open pages of a job that waits", one),
        ("1,000 open pages of 1,000 jobs that wait", many.collect()),
        (
            "1,000 open pages of the network",
            vec!["/network/live".into(); PAGES],
        ),
    ] {
        farm.rests(&mut table, what, streams).await;
    }
    table.finish();
}

fn path(job: JobId) -> String {
    format!("/jobs/{job}")
}

/// A coordinator with much of everything, all of it one person's.
struct Farm {
    coordinator: RealCoordinator,
    creator: Client,
    session: String,
    waiting: JobId,
    half: JobId,
    scene: SceneId,
    jobs: Vec<JobId>,
}

impl Farm {
    async fn start() -> Self {
        let world = World::start().await;
        let worker = ScriptedWorker::connect(&world, "one").await;
        let half = world.creator.submit(&format!("1-{FRAMES}")).await;
        render(&worker, FRAMES / 2).await;
        let waiting = world.creator.submit(&format!("1-{FRAMES}")).await.id;
        // A thousand that are there for the next hour, whoever asks.
        world
            .sql(
                "INSERT INTO workers (id, owner_id, name, name_key, token_hash, status, created_us, \
                     last_seen_us, instance, hello_us, hello, series, abilities) \
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 999) \
                 SELECT printf('019b7600-0000-7000-8000-%012x', n), owner_id, 'worker ' || n, 'worker ' || n, \
                     'hash ' || n, status, created_us + n, last_seen_us + 3600000000, instance, hello_us, \
                     hello, series, abilities FROM workers, n WHERE name = 'one'",
            )
            .await;
        let browser = world.browser_of(world.operator().await).await;
        let session = browser.cookie("pictor_session").unwrap().to_owned();
        let token = world.creator.token().to_owned();
        let coordinator = RealCoordinator::start_on(world.stop().await).await;
        Self {
            creator: Client::new(&coordinator.url, &token),
            coordinator,
            session,
            waiting,
            half: half.id,
            scene: half.scene,
            jobs: Vec::with_capacity(PAGES),
        }
    }

    async fn submit_many(&mut self) {
        for number in 0..PAGES {
            let name = format!("job {number}");
            let job = json!({ "scene": self.scene, "frames": "1-10", "name": name });
            self.jobs.push(self.creator.submit_with(&job).await.id);
        }
    }

    fn browser(&self) -> Browser {
        let mut browser = Browser::on(&self.coordinator.url);
        browser.set_cookie("pictor_session", &self.session);
        browser
    }

    async fn answers(&self, table: &mut Table, what: &str, address: &str, most: Option<Duration>) {
        let mut browser = self.browser();
        let mut times = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let began = Instant::now();
            let page = browser.look(address).await;
            times.push(began.elapsed());
            assert!(page.status.is_success(), "{page:?}");
        }
        times.sort_unstable();
        let (p50, p99) = (times[REQUESTS / 2], times[REQUESTS * 99 / 100]);
        table.row(Row {
            what: format!("{what}: its page, of {REQUESTS}"),
            measured: format!("p50 {:.1} ms, p99 {:.1} ms", ms(p50), ms(p99)),
            reach: most.map_or("", |_| "p99 <= 20 ms"),
            numbers: json!({ "p50_ms": ms(p50), "p99_ms": ms(p99) }),
            is_good: most.is_none_or(|most| p99 <= most) || cfg!(debug_assertions),
        });
    }

    /// What travels before somebody sees it who was never here.
    async fn weighs(&self, table: &mut Table, what: &str, address: &str) {
        let mut browser = self.browser();
        let page = browser.look_compressed(address).await;
        let mut bytes = page.body.len();
        let mut left = assets(&browser.look(address).await.text());
        let mut known = left.clone();
        while let Some(file) = left.pop() {
            let address = format!("/assets/{file}");
            bytes += browser.look_compressed(&address).await.body.len();
            let plain = browser.look(&address).await;
            assert!(plain.status.is_success(), "{address}: {plain:?}");
            for file in imports(&plain.text()) {
                if !known.contains(&file) {
                    known.push(file.clone());
                    left.push(file);
                }
            }
        }
        table.row(Row {
            what: format!("{what}: page and its {} files, compressed", known.len()),
            measured: format!("{:.1} kB", bytes as f64 / 1e3),
            reach: "<= 150 kB",
            numbers: json!({ "bytes": bytes }),
            is_good: bytes <= WEIGHT_MAX,
        });
    }

    /// What open pages cost that nothing happens to.
    async fn rests(&self, table: &mut Table, what: &str, streams: Vec<String>) {
        let before = self.coordinator.resident_bytes();
        let pages = OpenPages::open(self, streams).await;
        // What they were sent first is over.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (began, busy) = (Instant::now(), self.coordinator.busy());
        tokio::time::sleep(IDLE).await;
        let busy = (self.coordinator.busy() - busy).as_secs_f64();
        let core = busy / began.elapsed().as_secs_f64() * 100.0;
        let grown = self.coordinator.resident_bytes().saturating_sub(before);
        pages.close(self).await;
        table.row(Row {
            what: format!("{what}, in {} s", IDLE.as_secs()),
            measured: format!("{:.0} MB more, {core:.2} % of a core", grown as f64 / 1e6),
            reach: "<= 50 MB, <= 5 %",
            numbers: json!({ "resident_bytes": grown, "core_percent": core }),
            is_good: (grown <= GROWTH_MAX && core <= CORE_MAX) || cfg!(debug_assertions),
        });
    }
}

/// Delivers pictures of the first frames of the one job that there is.
async fn render(worker: &ScriptedWorker, frames: u32) {
    let mut done = 0;
    while done < frames {
        let lease = worker.must_get_work().await;
        for task in &lease.tasks {
            worker.finish(task, &scenes::png(done)).await;
            done += 1;
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The files that a page names.
fn assets(html: &str) -> Vec<String> {
    named(html, "/assets/")
}

/// The files that a script names.
fn imports(script: &str) -> Vec<String> {
    let mut files = named(script, "\"./");
    files.retain(|file| file.ends_with(".js"));
    files
}

fn named(text: &str, before: &str) -> Vec<String> {
    let names = text.split(before).skip(1).map(|rest| {
        let end = rest.find(['"', '#', '?']).unwrap();
        rest[..end].to_owned()
    });
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Streams that somebody reads and throws away.
struct OpenPages(JoinSet<()>);

impl OpenPages {
    /// Open once each of them was sent something.
    async fn open(farm: &Farm, streams: Vec<String>) -> Self {
        let host = farm.coordinator.url.strip_prefix("http://").unwrap();
        let (count, heard) = (streams.len(), Arc::new(AtomicUsize::new(0)));
        let mut pages = JoinSet::new();
        for stream in streams {
            let request = format!(
                "GET {stream} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\
                 accept-encoding: gzip\r\ncookie: pictor_session={}\r\n\r\n",
                farm.session
            );
            let (host, heard) = (host.to_owned(), Arc::clone(&heard));
            pages.spawn(async move {
                let mut connection = TcpStream::connect(&host).await.unwrap();
                connection.write_all(request.as_bytes()).await.unwrap();
                let mut buffer = vec![0; 4_096];
                let mut is_new = true;
                loop {
                    let count = connection.read(&mut buffer).await.unwrap();
                    assert!(count > 0, "{request} was closed");
                    let text = String::from_utf8_lossy(&buffer[..count]);
                    assert!(!text.contains("event: over"), "{request} is over");
                    if is_new && text.contains("event: part") {
                        is_new = false;
                        heard.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        eventually("a first part in every open page", async || {
            match heard.load(Ordering::Relaxed) {
                all if all == count => Ok(()),
                few => Err(few),
            }
        })
        .await;
        Self(pages)
    }

    async fn close(mut self, farm: &Farm) {
        while let Some(ended) = self.0.try_join_next() {
            ended.unwrap();
        }
        self.0.shutdown().await;
        farm.browser().look("/network").await;
    }
}

struct Row {
    what: String,
    measured: String,
    reach: &'static str,
    numbers: Value,
    is_good: bool,
}

/// Says every row when it is measured, and writes all of them down.
#[derive(Default)]
struct Table {
    numbers: Map<String, Value>,
    poor: Vec<String>,
}

impl Table {
    fn row(&mut self, row: Row) {
        let Row {
            what,
            measured,
            reach,
            ..
        } = &row;
        let _ = writeln!(std::io::stderr(), "{what:<62}  {measured:<34}  {reach}");
        if !row.is_good {
            self.poor.push(format!("{what}: {measured}"));
        }
        self.numbers.insert(row.what, row.numbers);
    }

    fn finish(self) {
        let target: PathBuf = program("pictor-coordinator").parent().unwrap().into();
        let file = target.with_file_name("bench-pages.json");
        let text = serde_json::to_string_pretty(&self.numbers).unwrap();
        std::fs::write(&file, text + "\n").unwrap();
        // Without optimisation, times and shares are printed and promise nothing.
        assert!(self.poor.is_empty(), "{:#?}", self.poor);
    }
}
