//! How a session ends: by wish, by accident, by force. Nothing of it may be left.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pictor_worker::blender::runtime::{Runtime, Runtimes};
use pictor_worker::blender::talk::*;
use pictor_worker::blender::{Launch, Patience, Session, SessionError, StartError};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

use crate::blender_world::{SERIES, SOON, World, is_running, runtime, scene};

/// Set for the test that is run as a worker to be killed: the scene to render.
const VICTIM_SCENE: &str = "PICTOR_TEST_VICTIM_SCENE";

#[tokio::test]
async fn a_stopped_session_is_gone_within_a_second() {
    let mut world = rendering(Launch::new(runtime(SERIES))).await;
    until_progress(&mut world).await;
    let process = world.session.process_id();
    let asked = Instant::now();
    world.session.stop().await;
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    assert!(!is_running(process));
}

#[tokio::test]
async fn a_dropped_session_is_gone_too() {
    let world = World::start().await;
    let process = world.session.process_id();
    drop(world);
    until("Blender is gone", || !is_running(process)).await;
}

#[tokio::test]
async fn a_crash_is_reported_with_its_signal_and_the_log() {
    let mut world = rendering(Launch::new(runtime(SERIES))).await;
    until_progress(&mut world).await;
    signal(world.session.process_id(), Signal::SEGV);
    match world.answer().await.unwrap_err() {
        SessionError::Died { status, log_tail } => {
            assert!(status.is_some_and(|status| !status.success()), "{status:?}");
            assert!(log_tail.contains("Sample"), "{log_tail}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_kill_from_outside_is_reported() {
    let mut world = rendering(Launch::new(runtime(SERIES))).await;
    signal(world.session.process_id(), Signal::KILL);
    let error = world.answer().await.unwrap_err();
    let is_kill = |status: &std::process::ExitStatus| status.signal() == Some(9);
    assert!(
        matches!(&error, SessionError::Died { status: Some(status), .. } if is_kill(status)),
        "{error}"
    );
}

#[tokio::test]
async fn a_blender_that_hangs_is_given_up() {
    let mut launch = Launch::new(runtime(SERIES));
    launch.patience = Patience {
        still: Duration::from_secs(2),
        ..Patience::default()
    };
    let mut world = rendering(launch).await;
    until_progress(&mut world).await;
    let process = world.session.process_id();
    signal(process, Signal::STOP);
    let error = world.answer().await.unwrap_err();
    assert!(matches!(error, SessionError::Silent { .. }), "{error}");
    assert!(!is_running(process));
}

#[tokio::test]
async fn a_scene_that_eats_too_much_memory_is_stopped() {
    let mut launch = Launch::new(runtime(SERIES));
    launch.memory_limit_bytes = Some(700 * 1024 * 1024);
    let mut world = World::start_with(launch).await;
    world.open(scene("memory_eater")).await;
    world.ask(1, &world.path("picture.png")).await;
    let error = world.answer().await.unwrap_err();
    assert!(matches!(error, SessionError::OutOfMemory { .. }), "{error}");
    assert!(!is_running(world.session.process_id()));
}

#[tokio::test]
async fn a_runtime_that_is_broken_says_so_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = fake_runtime(dir.path(), "echo 'no libraries here' >&2; exit 3");
    match Session::start(&Launch::new(runtime)).await.unwrap_err() {
        StartError::Ended(SessionError::Died { status, log_tail }) => {
            assert_eq!(status.and_then(|status| status.code()), Some(3));
            assert!(log_tail.contains("no libraries here"), "{log_tail}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_full_disk_is_a_failed_frame() {
    let module = runtime(SERIES);
    let dir = tempfile::tempdir().unwrap();
    // Real Blender, but no file that it writes may hold a byte; the last argument is its script.
    let body = format!(
        "ulimit -f 0; for script; do :; done; exec {} -I -u \"$script\"",
        module.program().display()
    );
    let mut world = World::start_with(Launch::new(fake_runtime(dir.path(), &body))).await;
    world.open(scene("light")).await;
    let failure = world.failure(1).await;
    assert_eq!(failure.kind, FailureKind::NothingWritten, "{failure:?}");
    assert!(world.files().is_empty(), "{:?}", world.files());
}

#[tokio::test]
async fn a_killed_worker_leaves_no_blender() {
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "blender_ends::a_worker_to_be_killed",
            "--nocapture",
        ])
        .env(VICTIM_SCENE, scene("long_frame"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let printed = BufReader::new(worker.stdout.take().unwrap());
    let process = printed
        .lines()
        .find_map(|line| {
            line.unwrap()
                .rsplit_once("renders: ")?
                .1
                .parse::<u32>()
                .ok()
        })
        .expect("the worker says when it renders");
    assert!(is_running(process));
    worker.kill().unwrap();
    worker.wait().unwrap();
    until("Blender is gone", || !is_running(process)).await;
}

/// Not a test of its own: the worker that [`a_killed_worker_leaves_no_blender`] kills.
#[tokio::test]
async fn a_worker_to_be_killed() {
    let Some(scene) = std::env::var_os(VICTIM_SCENE) else {
        return;
    };
    let mut world = World::start().await;
    world.open(Path::new(&scene)).await;
    world.ask(1, &world.path("picture.png")).await;
    until_progress(&mut world).await;
    println!("renders: {}", world.session.process_id());
    world.answer().await.unwrap();
}

async fn rendering(launch: Launch) -> World {
    let mut world = World::start_with(launch).await;
    world.open(scene("long_frame")).await;
    world.ask(1, &world.path("picture.png")).await;
    world
}

async fn until_progress(world: &mut World) {
    let sampling = async {
        while !matches!(world.session.next().await.unwrap(), Event::Progress(progress) if progress.fraction.is_some())
        {
        }
    };
    timeout(SOON, sampling).await.expect("the frame begins");
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let condition = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, condition)
        .await
        .unwrap_or_else(|_| panic!("in vain: {what}"));
}

fn signal(process: u32, signal: Signal) {
    kill_process(Pid::from_raw(process.cast_signed()).unwrap(), signal).unwrap();
}

/// A program that passes for a `blender`: for what the real one does not do on demand.
fn fake_runtime(dir: &Path, body: &str) -> Runtime {
    let program = dir.join("blender");
    let script =
        format!("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Blender 4.5.0' && exit\n{body}\n");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let runtimes = Runtimes::at(dir.join("runtimes"));
    runtimes
        .adopt(&program, &mut |_| ())
        .unwrap()
        .runtime()
        .clone()
}
