//! What a worker says and does before, while and after its slots are probed.

use std::path::Path;
use std::time::Duration;

use pictor_protocol::agent::{Capability, Hello};
use pictor_worker::agent::Found;
use pictor_worker::blender::runtime::Runtimes;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::blender_world::SERIES;
use crate::fake_blender::FakeBlender;
use crate::fake_coordinator::{FakeCoordinator, TOKEN};
use crate::probes::broken;
use crate::program::{Ended, Program};
use crate::worker_here::{Worker, until};

/// Blender starts cold here, and other tests use the machine too.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_worker_is_connected_before_it_is_probed_and_takes_work_after() {
    let coordinator = FakeCoordinator::start().await;
    let blender = FakeBlender::default();
    blender.hold_probes();
    let worker = Worker::start_unproven(&coordinator.url(), blender.clone());
    coordinator
        .until("a hello", |inner| !inner.hellos.is_empty())
        .await;
    until("a probe", || blender.probed() == 1).await;
    coordinator.with(|inner| {
        assert_eq!(inner.hellos[0].slots[0].proven, None);
        assert!(inner.asks.is_empty());
    });
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=2);
    blender.let_go();
    coordinator.until_ended(&attempts, "finished").await;
    coordinator.with(|inner| {
        let again = &inner.hellos[1];
        assert_eq!(again.instance, inner.hellos[0].instance);
        assert_eq!(can(again), [Capability::CyclesCpu]);
        assert_eq!(again.slots[0].score, Some(1.0));
    });
    worker.end_well().await;
}

#[tokio::test]
async fn a_worker_on_which_nothing_works_stays_connected_and_asks_for_nothing() {
    let coordinator = FakeCoordinator::start().await;
    let blender = FakeBlender::default();
    blender.prove(Found::default());
    let worker = Worker::start_unproven(&coordinator.url(), blender);
    coordinator
        .until("a hello that says so", |inner| {
            let told = |hello: &Hello| hello.slots[0].proven == Some(Vec::new());
            inner.hellos.last().is_some_and(told)
        })
        .await;
    coordinator.with(|inner| assert!(inner.asks.is_empty()));
    worker.end_well().await;
}

#[tokio::test]
async fn a_worker_that_ends_does_not_wait_for_its_probes() {
    let coordinator = FakeCoordinator::start().await;
    let blender = FakeBlender::default();
    blender.hold_probes();
    let worker = Worker::start_unproven(&coordinator.url(), blender.clone());
    until("a probe", || blender.probed() == 1).await;
    worker.end_well().await;
}

#[tokio::test]
async fn a_restart_knows_at_once_what_was_proven_before() {
    let coordinator = FakeCoordinator::start().await;
    let runtimes = one_runtime();
    let files = tempfile::tempdir().unwrap();
    let url = coordinator.url();
    let program = Program::start_in(files, &url, TOKEN, &options(runtimes.path()), &[]);
    coordinator
        .until_within(PATIENCE, "a proven runtime", |inner| {
            inner.hellos.last().is_some_and(|it| !can(it).is_empty())
        })
        .await;
    program.signal(Signal::TERM);
    let Ended {
        code, log, files, ..
    } = program.ended().await;
    assert_eq!(code, 0, "{log}");
    let before = coordinator.with(|inner| {
        assert_eq!(inner.hellos[0].slots[0].proven, None, "nothing was known");
        std::mem::take(&mut inner.hellos).pop().unwrap()
    });

    let program = Program::start_in(files, &url, TOKEN, &options(runtimes.path()), &[]);
    coordinator
        .until("a hello", |inner| !inner.hellos.is_empty())
        .await;
    let again = coordinator.with(|inner| inner.hellos[0].clone());
    assert_eq!(again.slots, before.slots);
    assert!(again.slots[0].score.is_some());
    program.signal(Signal::TERM);
    assert_eq!(program.ended().await.code, 0);
}

#[tokio::test]
async fn with_a_broken_runtime_the_program_stays_connected_and_says_why_it_takes_no_work() {
    let coordinator = FakeCoordinator::start().await;
    let files = tempfile::tempdir().unwrap();
    broken(files.path());
    let runtimes = files.path().join("runtimes");
    let program = Program::start_in(files, &coordinator.url(), TOKEN, &options(&runtimes), &[]);
    coordinator
        .until("a hello that proves nothing", |inner| {
            let told = |hello: &Hello| hello.slots[0].proven == Some(Vec::new());
            inner.hellos.last().is_some_and(told)
        })
        .await;
    coordinator.with(|inner| assert!(inner.asks.is_empty()));
    program.signal(Signal::TERM);
    let Ended { code, log, .. } = program.ended().await;
    assert_eq!(code, 0, "{log}");
    for words in ["no library today", "nothing renders on this slot"] {
        assert!(log.contains(words), "{words:?} is not in\n{log}");
    }
}

fn options(runtimes: &Path) -> Value {
    json!({ "allow_cpu": true, "runtimes_dir": runtimes })
}

fn can(hello: &Hello) -> Vec<Capability> {
    let proven = hello.slots[0].proven.iter().flatten();
    proven.map(|proven| proven.can).collect()
}

/// A directory of runtimes with the one of the ordinary tests alone.
fn one_runtime() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let installed = Runtimes::of_this_user().dir().join(SERIES);
    std::os::unix::fs::symlink(installed, dir.path().join(SERIES)).unwrap();
    dir
}
