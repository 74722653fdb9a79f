//! The program itself: its exit codes, its signals, and one real frame from a real Blender.

use std::path::PathBuf;

use pictor_protocol::agent::Grant;
use pictor_protocol::settings::{Engine, RenderSettings};
use pictor_worker::blender::runtime::{Kind, Runtime, Runtimes};
use rustix::process::Signal;

use crate::fake_coordinator::{FakeCoordinator, TOKEN, lease};
use crate::program::{Ended, PATIENCE, Program};

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
    let Ended { code, log, .. } = program.ended().await;
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
    let Ended { code, log, .. } = Program::start(&coordinator.url(), "pw_wrong", None)
        .ended()
        .await;
    assert_eq!(code, 4, "{log}");
    assert!(log.contains("token"), "{log}");
}

#[tokio::test]
async fn without_a_runtime_the_program_says_how_to_install_one() {
    let none = tempfile::tempdir().unwrap();
    let Ended { code, log, .. } = Program::start("http://127.0.0.1:1", TOKEN, Some(none.path()))
        .ended()
        .await;
    assert_eq!(code, 6, "{log}");
    assert!(log.contains("runtime install"), "{log}");
}

#[tokio::test]
async fn a_config_that_is_not_there_has_its_own_exit_code() {
    let Ended { code, log, .. } = Program::run(&["run", "--config", "/does/not/exist.json"])
        .ended()
        .await;
    assert_eq!(code, 3, "{log}");
    assert!(log.contains("/does/not/exist.json"), "{log}");
}

#[tokio::test]
async fn the_schema_of_the_config_is_printed() {
    let Ended { code, printed, .. } = Program::run(&["config", "schema"]).ended().await;
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["title"], "worker-config.json");
}

/// The newest runtime of this machine that is a Python module.
pub fn runtime() -> Runtime {
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
