//! The program itself: its exit codes, its signals, and one real frame from a real Blender.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use pictor_protocol::agent::Grant;
use pictor_protocol::settings::{Engine, RenderSettings};
use pictor_worker::blender::runtime::{Kind, Runtime, Runtimes};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::fake_coordinator::{FakeCoordinator, TOKEN, lease};

/// Blender starts cold here, and other tests use the machine too.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_real_frame_is_rendered_and_a_signal_ends_the_program_well() {
    let coordinator = FakeCoordinator::start().await;
    let program = Program::start(&coordinator.url(), TOKEN, None);
    let blender = runtime();
    let scene = coordinator.scene(&default_scene(&blender));
    let mut lease = lease(&scene, 3..=3);
    lease.runtime = blender.series;
    lease.settings = RenderSettings {
        engine: Some(Engine::Cycles),
        width: Some(16),
        height: Some(8),
        percentage: Some(100),
        samples: Some(1),
        ..RenderSettings::default()
    };
    let Grant { attempt, .. } = lease.tasks[0];
    coordinator.with(|inner| inner.leases.push_back(lease));
    coordinator
        .until_ended_within(PATIENCE, &[attempt], "finished")
        .await;
    let picture = coordinator.with(|inner| {
        let finished = inner
            .reports
            .iter()
            .flat_map(|report| &report.finished)
            .next()
            .unwrap();
        assert!(finished.memory_bytes.is_some());
        inner.blobs[&finished.output].clone()
    });
    assert_eq!(&picture[1..4], b"PNG");
    let sizes = [&picture[16..20], &picture[20..24]];
    assert_eq!(
        sizes.map(|size| u32::from_be_bytes(size.try_into().unwrap())),
        [16, 8]
    );

    program.signal(Signal::TERM);
    let (code, log) = program.ended().await;
    assert_eq!(code, 0, "{log}");
    for line in [
        "connected as tester",
        "lease received",
        "frame done",
        "ended",
    ] {
        assert!(log.contains(line), "{line:?} is not in\n{log}");
    }
}

#[tokio::test]
async fn a_wrong_token_has_its_own_exit_code() {
    let coordinator = FakeCoordinator::start().await;
    let (code, log) = Program::start(&coordinator.url(), "pw_wrong", None)
        .ended()
        .await;
    assert_eq!(code, 4, "{log}");
    assert!(log.contains("token"), "{log}");
}

#[tokio::test]
async fn without_a_runtime_the_program_says_how_to_install_one() {
    let none = tempfile::tempdir().unwrap();
    let (code, log) = Program::start("http://127.0.0.1:1", TOKEN, Some(none.path()))
        .ended()
        .await;
    assert_eq!(code, 6, "{log}");
    assert!(log.contains("runtime install"), "{log}");
}

#[tokio::test]
async fn a_config_that_is_not_there_has_its_own_exit_code() {
    let (code, log) = Program::run(&["run", "--config", "/does/not/exist.json"])
        .ended()
        .await;
    assert_eq!(code, 3, "{log}");
    assert!(log.contains("/does/not/exist.json"), "{log}");
}

#[tokio::test]
async fn the_schema_of_the_config_is_printed() {
    let (code, _) = Program::run(&["config", "schema"]).ended().await;
    assert_eq!(code, 0);
}

/// A running `pictor-worker`; killed when the test is over.
struct Program {
    child: Child,
    _files: tempfile::TempDir,
}

impl Program {
    fn start(url: &str, token: &str, runtimes_dir: Option<&Path>) -> Self {
        let files = tempfile::tempdir().unwrap();
        let config = serde_json::json!({
            "version": 1,
            "coordinator": url,
            "worker_id": "0198c5a0-0000-7000-8000-000000000001",
            "token": token,
            "name": "tester",
            "options": {
                "allow_cpu": true,
                "cache_dir": files.path().join("cache"),
                "runtimes_dir": runtimes_dir,
            },
        });
        let path = files.path().join("worker-config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        Self::spawn(&["run", "--config", path.to_str().unwrap()], files)
    }

    fn run(arguments: &[&str]) -> Self {
        Self::spawn(arguments, tempfile::tempdir().unwrap())
    }

    fn spawn(arguments: &[&str], files: tempfile::TempDir) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_pictor-worker"))
            .args(arguments)
            .env_remove("PICTOR_LOG")
            .env_remove("PICTOR_LOG_FORMAT")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            child,
            _files: files,
        }
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().unwrap().cast_signed();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Its exit code, and what it logged.
    async fn ended(mut self) -> (i32, String) {
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        let end = async {
            stderr.read_to_string(&mut log).await.unwrap();
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(PATIENCE, end).await;
        let status = status.unwrap_or_else(|_| panic!("the program did not end"));
        (status.code().unwrap(), log)
    }
}

/// The newest runtime of this machine that is a Python module.
fn runtime() -> Runtime {
    let runtimes = Runtimes::of_this_user();
    let list = runtimes.list().unwrap();
    let module = list
        .into_iter()
        .rfind(|runtime| runtime.kind == Kind::Module);
    module.unwrap_or_else(|| {
        let dir = runtimes.dir().display();
        panic!(
            "no Blender in {dir}: run `pictor-worker runtime install 4.5`, or set PICTOR_RUNTIMES"
        )
    })
}

/// What Blender shows at its first start: a cube, a light and a camera.
fn default_scene(blender: &Runtime) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("cube.blend");
    let script = "import bpy, sys; bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])";
    let made = std::process::Command::new(blender.program())
        .args(["-I", "-c", script])
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    std::fs::read(path).unwrap()
}
