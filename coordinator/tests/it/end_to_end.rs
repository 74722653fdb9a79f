//! The whole: real coordinator, real worker, real Blender, real client, as processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use pictor_protocol::job::{FrameState, Job, JobState};
use pictor_protocol::worker::{Presence, Worker, WorkerList};
use pictor_protocol::worker_config::WorkerConfig;

use crate::harness::client::Client;
use crate::harness::events::Events;
use crate::harness::process::{Process, program, written};
use crate::harness::{eventually, scenes};

/// A download of 350 MB, on whatever line.
const INSTALLS_WITHIN: Duration = Duration::from_secs(600);

#[tokio::test]
async fn submitted_with_the_command_line_the_pictures_are_those_of_plain_blender() {
    let farm = Farm::start().await;
    let _worker = farm.worker("one").await;
    let out = farm.dir.path().join("frames");
    let submitted = farm.pictor(&[
        "submit",
        text(&scenes::sample()),
        "--frames",
        "1-6,200",
        "--wait",
        "--download",
        text(&out),
    ]);
    assert!(
        submitted.status.success(),
        "{}",
        String::from_utf8_lossy(&submitted.stderr)
    );
    let plain = plain_blender(&farm.dir.path().join("plain"), &[1, 2, 3, 4, 5, 6, 200]);
    for (frame, pixels) in plain {
        let ours = pixels_of(&out.join(format!("frame_{frame:04}.png")));
        assert_eq!(ours, pixels, "frame {frame}");
    }
}

#[tokio::test]
async fn a_killed_worker_that_is_started_again_ends_with_every_frame_exactly_once() {
    let farm = Farm::start().await;
    let mut worker = farm.worker("one").await;
    let job = farm.submit("1-40").await;
    farm.until(&job, "under way", |job| job.counts.done >= 5)
        .await;
    worker.kill();
    let _worker = farm.worker("one").await;
    farm.every_frame_exactly_once(&job).await;
}

#[tokio::test]
async fn a_killed_coordinator_that_is_started_again_ends_with_every_frame_exactly_once() {
    let mut farm = Farm::start().await;
    let _worker = farm.worker("one").await;
    let job = farm.submit("1-40").await;
    farm.until(&job, "under way", |job| job.counts.done >= 5)
        .await;
    farm.coordinator.kill();
    farm.start_coordinator_again().await;
    farm.every_frame_exactly_once(&job).await;
}

#[tokio::test]
async fn cancelling_stops_a_blender_that_renders() {
    let farm = Farm::start().await;
    let worker = farm.worker("one").await;
    let job = farm
        .submit_with(&[
            "--frames",
            "1",
            "--samples",
            "60000",
            "--percentage",
            "1000",
        ])
        .await;
    // A Blender that still starts or opens the scene need not stop.
    let mut events = Events::open(&farm.creator, job.id, None).await;
    events
        .find("progress", |data| data["elapsed_ms"].as_i64() > Some(0))
        .await;
    let rendering = blenders_of(worker.pid());
    let cancelled = farm.pictor(&["cancel", &job.id.to_string()]);
    assert!(cancelled.status.success());
    // How fast is measured by `make bench`, on a machine that does nothing else.
    let runs = |pid: &u32| Path::new(&format!("/proc/{pid}")).exists();
    eventually("an end of every Blender", async || {
        match rendering.iter().find(|pid| runs(pid)) {
            Some(pid) => Err(pid),
            None => Ok(()),
        }
    })
    .await;
}

#[tokio::test]
async fn a_blender_that_is_killed_costs_a_frame_and_not_the_job() {
    let farm = Farm::start().await;
    let worker = farm.worker("one").await;
    let job = farm.submit("1-30").await;
    farm.until(&job, "under way", |job| job.counts.done >= 3)
        .await;
    for pid in blenders_of(worker.pid()) {
        Command::new("kill")
            .args(["-SEGV", &pid.to_string()])
            .status()
            .unwrap();
    }
    let done = farm.until(&job, "over", |job| job.state.is_over()).await;
    assert_eq!((done.state, done.counts.done), (JobState::Done, 30));
}

#[tokio::test]
async fn a_terminated_worker_finishes_its_frame_and_hands_back_the_rest() {
    let farm = Farm::start().await;
    let mut worker = farm.worker("one").await;
    let job = farm.submit("1-60").await;
    farm.until(&job, "under way", |job| job.counts.done >= 3)
        .await;
    assert_eq!(worker.terminate().await, Some(0));
    let job = farm
        .until(&job, "handed back", |job| job.counts.leased == 0)
        .await;
    assert!(
        job.counts.done >= 3 && job.counts.queued > 0,
        "{:?}",
        job.counts
    );
    assert_eq!(job.counts.failed, 0);
}

#[tokio::test]
async fn a_drained_worker_stays_and_goes_back_to_work_when_it_is_resumed() {
    let farm = Farm::start().await;
    let _worker = farm.worker("one").await;
    let job = farm.submit("1-60").await;
    farm.until(&job, "under way", |job| job.counts.done >= 3)
        .await;
    let page: WorkerList = farm.creator.get("/api/v1/workers").await.json();
    let change = async |how: &str| {
        let path = format!("/api/v1/workers/{}/{how}", page.workers[0].id);
        let answer = farm.creator.post(&path, &serde_json::json!({})).await;
        assert!(answer.status.is_success(), "{answer:?}");
    };
    change("drain").await;
    let drained = farm
        .until(&job, "handed back", |job| job.counts.leased == 0)
        .await;
    assert!(drained.counts.queued > 0, "{:?}", drained.counts);
    change("resume").await;
    farm.every_frame_exactly_once(&job).await;
}

#[tokio::test]
async fn a_worker_whose_token_is_replaced_ends_and_its_new_config_goes_on() {
    let farm = Farm::start().await;
    let mut worker = farm.worker("one").await;
    let job = farm.submit("1-40").await;
    farm.until(&job, "under way", |job| job.counts.done >= 3)
        .await;
    let page: WorkerList = farm.creator.get("/api/v1/workers").await.json();
    let path = format!("/api/v1/workers/{}/token", page.workers[0].id);
    let replaced = farm.creator.post(&path, &serde_json::json!({})).await;
    let replaced: WorkerConfig = replaced.json();
    assert_eq!(worker.exited().await, Some(4), "its token is refused");

    let config = farm.worker_config("one");
    let mut edited: WorkerConfig =
        serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    edited.token = replaced.token;
    std::fs::write(&config, serde_json::to_vec(&edited).unwrap()).unwrap();
    let _worker = farm.worker("one").await;
    farm.every_frame_exactly_once(&job).await;
}

#[tokio::test]
async fn interrupting_the_client_leaves_the_job_alone_and_says_how_to_go_on() {
    let farm = Farm::start().await;
    let mut client = farm.command(&[
        "submit",
        text(&scenes::sample()),
        "--frames",
        "1-3",
        "--wait",
    ]);
    let log = farm.dir.path().join("client.log");
    client
        .stderr(std::fs::File::create(&log).unwrap())
        .stdout(Stdio::null());
    let mut client = Process::start("the client", &mut client);
    let job = eventually("a job", async || {
        let page: pictor_protocol::job::JobPage = farm.creator.get("/api/v1/jobs").await.json();
        page.jobs.into_iter().next().ok_or("none")
    })
    .await;
    // The client waits once it has said so.
    eventually("the job's id in what the client says", async || {
        let said = std::fs::read_to_string(&log).unwrap();
        if said.contains(&job.id.to_string()) {
            Ok(())
        } else {
            Err(said)
        }
    })
    .await;
    Command::new("kill")
        .args(["-INT", &client.pid().to_string()])
        .status()
        .unwrap();
    assert_eq!(client.exited().await, Some(130));
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(
        said.contains("pictor status") && said.contains("pictor cancel"),
        "{said}"
    );
    assert_eq!(farm.creator.job(job.id).await.state, JobState::Queued);
}

#[tokio::test]
async fn an_installer_is_told_whether_a_config_is_good_and_whether_its_worker_is_connected() {
    let farm = Farm::start().await;
    let config = farm.worker_config("one");
    let ask = |args: &[&str]| {
        let output = Command::new(program("pictor-worker"))
            .args(args)
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (code, said) = ask(&["verify"]);
    assert!(code == Some(0) && said.contains("new"), "{said}");
    let (code, said) = ask(&["health"]);
    assert!(code == Some(1) && said.contains("does not run"), "{said}");

    let mut worker = farm.worker("one").await;
    let (code, said) = ask(&["health", "--connected", "--wait", "30"]);
    assert!(code == Some(0) && said.contains("online"), "{said}");
    worker.terminate().await;
    let (code, said) = ask(&["health", "--connected"]);
    assert!(code == Some(1) && said.contains("does not run"), "{said}");

    let workers: pictor_protocol::worker::WorkerList =
        farm.creator.get("/api/v1/workers").await.json();
    let path = format!("/api/v1/workers/{}", workers.workers[0].id);
    farm.creator.delete(&path).await;
    let (code, said) = ask(&["verify"]);
    assert!(code == Some(4) && said.contains("token"), "{said}");
    drop(farm.coordinator);
    let (code, said) = ask(&["verify"]);
    assert!(
        code == Some(9) && said.contains("cannot reach the coordinator"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "downloads 350 MB: make test-runtimes"]
async fn runtimes_that_a_job_waits_for_are_installed_by_the_worker_that_may() {
    let farm = Farm::start().await;
    let mut worker = farm.worker_with("one", &["--install-runtimes"]);
    eventually("a worker that is connected", async || {
        let list: WorkerList = farm.creator.get("/api/v1/workers").await.json();
        let is_online = |it: &Worker| it.presence == Presence::Online && !it.runtimes.is_empty();
        list.workers
            .iter()
            .any(is_online)
            .then_some(())
            .ok_or("none")
    })
    .await;
    let job = farm
        .submit_with(&["--frames", "1-2", "--blender", "5.0"])
        .await;
    farm.until(&job, "waiting for Blender", |job| {
        job.reason.as_deref() == Some("Blender 5.0 is being installed on one")
    })
    .await;
    let began = Instant::now();
    let done = loop {
        let job = farm.creator.job(job.id).await;
        if job.state.is_over() {
            break job;
        }
        assert!(began.elapsed() < INSTALLS_WITHIN, "{job:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((done.state, done.counts.done), (JobState::Done, 2));
    assert_eq!(done.runtime.unwrap().to_string(), "5.0");
    worker.terminate().await;
}

/// A coordinator process, and people and workers around it.
struct Farm {
    dir: tempfile::TempDir,
    coordinator: Process,
    url: String,
    creator: Client,
}

impl Farm {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (coordinator, url) = start_coordinator(dir.path(), "127.0.0.1:0").await;
        let token = run_ok(
            Command::new(program("pictor-coordinator"))
                .args([
                    "token", "create", "--scope", "jobs", "--scope", "workers", "--data",
                ])
                .arg(dir.path().join("data")),
        );
        let creator = Client::new(&url, token.trim());
        Self {
            dir,
            coordinator,
            url,
            creator,
        }
    }

    /// On the same address, which its workers and clients know.
    async fn start_coordinator_again(&mut self) {
        let bind = self.url.trim_start_matches("http://").to_owned();
        (self.coordinator, _) = start_coordinator(self.dir.path(), &bind).await;
    }

    /// A worker process that is connected; one that was there before goes on as itself.
    async fn worker(&self, name: &str) -> Process {
        self.worker_with(name, &[])
    }

    fn worker_with(&self, name: &str, arguments: &[&str]) -> Process {
        let config = self.worker_config(name);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("worker.log"));
        let mut command = Command::new(program("pictor-worker"));
        command
            .args(["run", "--config"])
            .arg(&config)
            .args(arguments)
            .stderr(log.unwrap())
            .stdout(Stdio::null());
        Process::start("the worker", &mut command)
    }

    /// The config of a worker, which is registered when there is none yet.
    fn worker_config(&self, name: &str) -> PathBuf {
        let config = self.dir.path().join(format!("{name}.json"));
        if !config.exists() {
            run_ok(
                Command::new(program("pictor-coordinator"))
                    .args([
                        "worker",
                        "create",
                        "--allow-cpu",
                        "--name",
                        name,
                        "--url",
                        &self.url,
                        "--data",
                    ])
                    .arg(self.dir.path().join("data"))
                    .arg("--out")
                    .arg(&config),
            );
            let mut written: WorkerConfig =
                serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
            let cache = self.dir.path().join(format!("{name}-cache"));
            written.options.cache_dir = Some(text(&cache).into());
            let runtimes = scenes::runtimes_of_the_sample(self.dir.path());
            written.options.runtimes_dir = Some(text(&runtimes).into());
            std::fs::write(&config, serde_json::to_vec(&written).unwrap()).unwrap();
        }
        config
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("pictor"));
        command
            .args(args)
            .env("PICTOR_COORDINATOR", &self.url)
            .env("PICTOR_TOKEN", self.creator.token())
            .env("XDG_CONFIG_HOME", self.dir.path());
        command
    }

    fn pictor(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    async fn submit(&self, frames: &str) -> Job {
        self.submit_with(&["--frames", frames]).await
    }

    async fn submit_with(&self, args: &[&str]) -> Job {
        let scene = scenes::sample();
        let mut all = vec!["submit", text(&scene), "--json"];
        all.extend(args);
        let output = self.pictor(&all);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let page: pictor_protocol::job::JobPage =
            self.creator.get("/api/v1/jobs?limit=1").await.json();
        page.jobs.into_iter().next().unwrap()
    }

    async fn until(&self, job: &Job, what: &str, wanted: impl Fn(&Job) -> bool) -> Job {
        self.creator.until(job.id, what, wanted).await
    }

    /// Waits for the end; every frame is there, and no attempt but one was accepted for it.
    async fn every_frame_exactly_once(&self, job: &Job) {
        let done = self.until(job, "over", |job| job.state.is_over()).await;
        assert_eq!(
            (done.state, done.counts.done),
            (JobState::Done, done.counts.total)
        );
        let frames = self.creator.frames(job.id).await;
        assert!(
            frames
                .iter()
                .all(|frame| frame.state == FrameState::Done && frame.output.is_some())
        );
        let workers = self.creator.get("/api/v1/workers").await;
        let workers: WorkerList = workers.json();
        let accepted: u64 = workers.workers.iter().map(|worker| worker.done).sum();
        assert_eq!(
            accepted,
            u64::from(done.counts.total),
            "each frame was accepted once"
        );
        for frame in frames {
            let output = self
                .creator
                .get(&format!(
                    "/api/v1/jobs/{}/frames/{}/output",
                    job.id, frame.frame
                ))
                .await;
            assert_eq!(
                blake3::hash(&output.body).to_hex().to_string(),
                frame.output.unwrap().blob.to_string()
            );
        }
    }
}

async fn start_coordinator(dir: &Path, bind: &str) -> (Process, String) {
    let ready = dir.join("ready");
    let _ = std::fs::remove_file(&ready);
    let mut command = Command::new(program("pictor-coordinator"));
    command.args([
        "serve",
        "--bind",
        bind,
        "--lease-ttl-s",
        "5",
        "--report-interval-ms",
        "500",
        "--data",
    ]);
    command
        .arg(dir.join("data"))
        .arg("--ready-file")
        .arg(&ready);
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("coordinator.log"));
    command.stdout(Stdio::null()).stderr(log.unwrap());
    let process = Process::start("the coordinator", &mut command);
    let url = written(&ready).await;
    (process, url)
}

/// Frames that one plain Blender renders of the sample scene, as pixels.
fn plain_blender(folder: &Path, frames: &[i32]) -> BTreeMap<i32, Vec<u8>> {
    let script = "import sys, bpy\n\
        bpy.ops.wm.open_mainfile(filepath=sys.argv[1])\n\
        scene = bpy.context.scene\n\
        for frame in sys.argv[3:]:\n    \
            scene.frame_start = scene.frame_end = int(frame)\n    \
            scene.render.filepath = sys.argv[2] + '/####'\n    \
            bpy.ops.render.render(animation=True)\n";
    let mut command = Command::new(scenes::python("4.5"));
    command
        .args(["-c", script])
        .arg(scenes::sample())
        .arg(folder);
    run_ok(command.args(frames.iter().map(ToString::to_string)));
    frames
        .iter()
        .map(|frame| (*frame, pixels_of(&folder.join(format!("{frame:04}.png")))))
        .collect()
}

fn pixels_of(path: &PathBuf) -> Vec<u8> {
    image::open(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into_rgb8()
        .into_raw()
}

/// Processes that a worker started, and theirs.
fn blenders_of(worker: u32) -> Vec<u32> {
    let mut all: Vec<u32> = Vec::new();
    let tasks = std::fs::read_dir(format!("/proc/{worker}/task")).unwrap();
    for task in tasks.flatten() {
        if let Ok(list) = std::fs::read_to_string(task.path().join("children")) {
            all.extend(
                list.split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
    }
    all
}

fn run_ok(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
