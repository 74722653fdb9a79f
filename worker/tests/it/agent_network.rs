//! The worker against a coordinator that goes away, refuses, forgets and repeats itself.

use pictor_protocol::agent::*;
use pictor_protocol::problem::ProblemKind;
use pictor_worker::driver::Fatal;

use crate::fake_coordinator::{FakeCoordinator, TOKEN, hash};
use crate::worker_here::{OTHER_SERIES, Worker, until};

#[tokio::test]
async fn frames_go_out_as_pictures_with_their_logs() {
    let (coordinator, worker) = world().await;
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=5);
    coordinator.until_ended(&attempts, "finished").await;
    assert_eq!(worker.blender.rendered(), [1, 2, 3, 4, 5]);
    assert_eq!(worker.blender.opened(), 1);
    coordinator.with(|inner| {
        let picture = hash(format!("picture of {:?}", attempts[2]).as_bytes());
        assert!(inner.blobs.contains_key(&picture));
        let logs = inner.reports.iter().flat_map(|report| &report.logs);
        assert!(
            logs.clone()
                .any(|log| log.attempt == attempts[2] && log.text == "Fra:3\n")
        );
    });
    worker.end_well().await;
}

#[tokio::test]
async fn a_worker_without_a_network_renders_on_and_hands_in_later() {
    let (mut coordinator, worker) = world().await;
    worker.blender.hold(1);
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=3);
    coordinator
        .until("a report of the lease", |inner| !inner.reports.is_empty())
        .await;
    coordinator.go_away().await;
    worker.blender.let_go();
    until("all three are rendered", || {
        worker.blender.rendered() == [1, 2, 3]
    })
    .await;
    coordinator.come_back().await;
    coordinator.until_ended(&attempts, "finished").await;
    worker.end_well().await;
}

#[tokio::test]
async fn what_a_killed_worker_had_finished_is_handed_in_by_the_next_start() {
    let (mut coordinator, worker) = world().await;
    let scene = coordinator.scene(b"BLENDER");
    coordinator.with(|inner| {
        inner
            .refuse
            .insert("report".into(), (ProblemKind::Internal, u32::MAX));
    });
    let attempts = coordinator.offer(&scene, 1..=1);
    let note = format!("{}-1.json", attempts[0].task);
    until("the picture is in the journal", || {
        worker.journal_file(&note)
    })
    .await;
    let cache = worker.kill().await;
    coordinator.go_away().await;
    coordinator.with(|inner| {
        inner.refuse.clear();
        inner.blobs.retain(|blob, _| *blob == scene.content);
    });
    coordinator.come_back().await;

    let worker = Worker::start_in(cache, &coordinator.url(), TOKEN);
    coordinator.until_ended(&attempts, "finished").await;
    let journal = coordinator.with(|inner| inner.hellos.last().unwrap().journal.clone());
    assert_eq!(journal, attempts);
    until("the journal is empty", || !worker.journal_file(&note)).await;
    assert_eq!(worker.blender.rendered(), [0; 0]);
    worker.end_well().await;
}

#[tokio::test]
async fn a_wrong_token_ends_the_worker_and_says_so() {
    let coordinator = FakeCoordinator::start().await;
    let worker = Worker::start(&coordinator.url(), "pw_wrong");
    let fatal = worker.ended().await.unwrap_err();
    assert!(matches!(fatal, Fatal::Unauthorized(_)), "{fatal:?}");
    assert!(fatal.to_string().contains("token"), "{fatal}");
}

#[tokio::test]
async fn a_token_revoked_in_the_middle_ends_the_worker() {
    let (coordinator, worker) = world().await;
    coordinator.with(|inner| {
        inner.refuse_all = Some(ProblemKind::Unauthorized);
        inner.commands.push(Command::Unknown);
    });
    assert!(matches!(worker.ended().await, Err(Fatal::Unauthorized(_))));
}

#[tokio::test]
async fn a_worker_that_is_too_old_is_told_to_update() {
    let coordinator = FakeCoordinator::start().await;
    coordinator.with(|inner| inner.refuse_all = Some(ProblemKind::WorkerTooOld));
    let fatal = Worker::start(&coordinator.url(), TOKEN)
        .ended()
        .await
        .unwrap_err();
    assert!(fatal.to_string().contains("update"), "{fatal}");
}

#[tokio::test]
async fn hello_is_said_again_when_the_coordinator_asks_for_it() {
    let (coordinator, worker) = world().await;
    coordinator.with(|inner| {
        inner
            .refuse
            .insert("report".into(), (ProblemKind::HelloFirst, 1));
    });
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=2);
    coordinator.until_ended(&attempts, "finished").await;
    coordinator.with(|inner| {
        assert_eq!(inner.hellos.len(), 2);
        assert_eq!(inner.hellos[0].instance, inner.hellos[1].instance);
    });
    worker.end_well().await;
}

#[tokio::test]
async fn an_output_that_the_coordinator_lost_is_uploaded_again() {
    let (coordinator, worker) = world().await;
    coordinator.with(|inner| inner.forget_uploads = 1);
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=1);
    coordinator.until_ended(&attempts, "finished").await;
    worker.end_well().await;
}

#[tokio::test]
async fn a_full_storage_is_waited_out() {
    let (coordinator, worker) = world().await;
    let scene = coordinator.scene(b"BLENDER");
    let first = coordinator.offer(&scene, 1..=1);
    coordinator.until_ended(&first, "finished").await;
    coordinator.with(|inner| {
        inner
            .refuse
            .insert("blobs".into(), (ProblemKind::StorageFull, 2));
    });
    let attempts = coordinator.offer(&scene, 2..=2);
    coordinator.until_ended(&attempts, "finished").await;
    worker.end_well().await;
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_stopped() {
    let (coordinator, worker) = world().await;
    let scene = coordinator.scene(&vec![7; 300_000]);
    coordinator.with(|inner| inner.cut_downloads = Some((100_000, 1)));
    let attempts = coordinator.offer(&scene, 1..=1);
    coordinator.until_ended(&attempts, "finished").await;
    coordinator.with(|inner| assert_eq!(inner.ranges, ["bytes=100000-"]));
    worker.end_well().await;
}

#[tokio::test]
async fn a_scene_whose_bytes_are_wrong_fails_its_tasks() {
    let (coordinator, worker) = world().await;
    let scene = coordinator.scene(b"BLENDER");
    coordinator.with(|inner| {
        inner
            .blobs
            .insert(scene.content, b"BLUNDER".as_slice().into())
    });
    let attempts = coordinator.offer(&scene, 1..=2);
    coordinator.until_ended(&attempts, "failed").await;
    coordinator.with(|inner| {
        let failed = inner
            .reports
            .iter()
            .flat_map(|report| &report.failed)
            .next()
            .unwrap();
        assert_eq!(failed.fault, RenderFault::SceneUnavailable);
    });
    worker.end_well().await;
}

#[tokio::test]
async fn a_manifest_that_leaves_its_directory_fails_its_tasks() {
    let (coordinator, worker) = world().await;
    let mut scene = coordinator.scene(b"BLENDER");
    scene.files[0].path = "../../evil.blend".into();
    scene.main = scene.files[0].path.clone();
    let attempts = coordinator.offer(&scene, 1..=1);
    coordinator.until_ended(&attempts, "failed").await;
    worker.end_well().await;
}

#[tokio::test]
async fn a_stop_for_one_frame_stops_that_frame_alone_however_often_it_is_repeated() {
    let (coordinator, worker) = world().await;
    worker.blender.hold(1);
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=3);
    coordinator
        .until("a report of the lease", |inner| !inner.reports.is_empty())
        .await;
    let stop = Command::Stop {
        attempt: attempts[0],
    };
    coordinator.with(|inner| inner.commands = vec![stop, stop]);
    coordinator.until_ended(&attempts[1..], "finished").await;
    coordinator.until_ended(&attempts[..1], "stopped").await;
    assert_eq!(worker.blender.rendered(), [2, 3]);
    coordinator.with(|inner| inner.commands.clear());
    worker.end_well().await;
}

#[tokio::test]
async fn a_blender_that_the_coordinator_wants_is_installed_once_and_proven() {
    let (coordinator, worker) = world().await;
    coordinator
        .until("a hello", |inner| !inner.hellos.is_empty())
        .await;
    coordinator.with(|inner| {
        let hello = &inner.hellos[0];
        assert_eq!(hello.installable, [OTHER_SERIES]);
        let install = Command::Install {
            series: OTHER_SERIES,
        };
        inner.commands = vec![install];
    });
    let is_proven = |hello: &Hello| {
        let proven = hello.slots[0].proven.iter().flatten();
        proven.clone().any(|it| it.runtime == OTHER_SERIES)
    };
    coordinator
        .until("a hello with the proof", |inner| {
            inner.hellos.last().is_some_and(is_proven)
        })
        .await;
    coordinator.with(|inner| {
        let last = inner.hellos.last().unwrap();
        assert!(last.runtimes.iter().any(|it| it.series == OTHER_SERIES));
        assert_eq!(
            (&last.installable[..], &last.installs[..]),
            (&[][..], &[][..])
        );
        inner.commands.clear();
    });
    assert_eq!(worker.blender.installed(), [OTHER_SERIES]);
    worker.end_well().await;
}

#[tokio::test]
async fn a_crash_costs_one_frame() {
    let (coordinator, worker) = world().await;
    worker.blender.die_at(2);
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=3);
    coordinator.until_ended(&attempts[1..2], "failed").await;
    coordinator
        .until_ended(&[attempts[0], attempts[2]], "finished")
        .await;
    worker.end_well().await;
}

#[tokio::test]
async fn a_lost_frame_is_dropped_and_the_next_lease_is_taken() {
    let (coordinator, worker) = world().await;
    worker.blender.hold(1);
    let scene = coordinator.scene(b"BLENDER");
    let attempts = coordinator.offer(&scene, 1..=1);
    coordinator
        .until("a report of the lease", |inner| !inner.reports.is_empty())
        .await;
    coordinator.with(|inner| inner.lost = attempts.clone());
    let next = coordinator.offer(&scene, 2..=2);
    coordinator.until_ended(&next, "finished").await;
    coordinator.with(|inner| assert!(!inner.ended.contains_key(&attempts[0])));
    worker.end_well().await;
}

#[tokio::test]
async fn draining_finishes_the_frame_and_hands_back_the_rest() {
    let (coordinator, worker) = world().await;
    worker.blender.hold(1);
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=3);
    coordinator
        .until("a report of the lease", |inner| !inner.reports.is_empty())
        .await;
    worker.end().await;
    coordinator.until_ended(&attempts[1..], "returned").await;
    worker.blender.let_go();
    worker.ended().await.unwrap();
    coordinator.until_ended(&attempts[..1], "finished").await;
}

#[tokio::test]
async fn a_second_signal_stops_at_once_and_returns_everything() {
    let (coordinator, worker) = world().await;
    worker.blender.hold(1);
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=3);
    coordinator
        .until("a report of the lease", |inner| !inner.reports.is_empty())
        .await;
    worker.end().await;
    worker.end().await;
    worker.ended().await.unwrap();
    coordinator.until_ended(&attempts, "returned").await;
}

#[tokio::test]
async fn a_second_signal_ends_the_worker_without_a_network_too() {
    let (mut coordinator, worker) = world().await;
    worker.blender.hold(1);
    coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=3);
    coordinator
        .until("a report of the lease", |inner| !inner.reports.is_empty())
        .await;
    coordinator.go_away().await;
    worker.end().await;
    worker.end().await;
    worker.ended().await.unwrap();
}

#[tokio::test]
async fn the_next_lease_is_asked_for_with_the_scene_that_is_open() {
    let (coordinator, worker) = world().await;
    let scene = coordinator.scene(b"BLENDER");
    let attempts = coordinator.offer(&scene, 1..=1);
    coordinator.until_ended(&attempts, "finished").await;
    coordinator
        .until("an ask that names the scene", |inner| {
            let ask = inner.asks.last().unwrap();
            ask.open == Some(scene.content)
        })
        .await;
    worker.end_well().await;
}

async fn world() -> (FakeCoordinator, Worker) {
    let coordinator = FakeCoordinator::start().await;
    let worker = Worker::start(&coordinator.url(), TOKEN);
    coordinator
        .until("a hello", |inner| !inner.hellos.is_empty())
        .await;
    (coordinator, worker)
}
