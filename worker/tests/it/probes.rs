//! Probe renders with a real Blender: the scene that is built in, its score, and what a broken one proves.

use std::path::Path;

use pictor_protocol::agent::{Capability, Device, SlotInfo};
use pictor_worker::agent::ProbedEngine;
use pictor_worker::blender::Launch;
use pictor_worker::blender::runtime::{Runtime, Runtimes};
use pictor_worker::blender::talk::{self, Engine, Event, Format, Request, Settings};
use pictor_worker::machine::SlotHardware;
use pictor_worker::probe::{self, Report, Trial};
use tokio_util::sync::CancellationToken;

use crate::blender_world::{SERIES, World, pixels, runtime};

#[tokio::test]
async fn the_builtin_scene_shows_what_it_is_made_of_and_is_built_once() {
    let mut world = World::start().await;
    let settings = Settings {
        engine: Some(Engine::Cycles),
        format: Some(Format::Png),
        device: Some(talk::Device::Cpu),
        width: Some(128),
        height: Some(72),
        samples: Some(8),
        ..Settings::default()
    };
    world.open_builtin(settings.clone()).await;
    let first = world.render(1, "first.png").await;
    let picture = pixels(&first).into_rgb8();
    assert_eq!(picture.dimensions(), (128, 72));
    // A head of clay in the middle, a blue sky above, a grey floor below.
    let [red, _, blue] = picture.get_pixel(64, 34).0;
    assert!(red > blue + 40, "{:?}", picture.get_pixel(64, 34));
    let [red, _, blue] = picture.get_pixel(5, 2).0;
    assert!(blue > red + 20, "{:?}", picture.get_pixel(5, 2));

    world.open_builtin(settings).await;
    let second = world.render(1, "second.png").await;
    assert!(pixels(&first) == pixels(&second), "the same again");
}

#[tokio::test]
async fn cycles_is_proven_and_measured_and_its_blender_can_be_used_on() {
    let dir = tempfile::tempdir().unwrap();
    let launch = Launch::new(runtime(SERIES));
    let report = probe(&launch, dir.path(), true).await;
    assert_eq!(report.proven(&[]), [Capability::CyclesCpu], "{report:?}");
    let score = report.score.unwrap().unwrap();
    assert!((0.01..100.0).contains(&score), "{score}");
    assert_eq!(
        dir.path().read_dir().unwrap().count(),
        0,
        "pictures are removed"
    );
    let mut session = report.session.unwrap();
    let settings = Settings::default();
    session
        .send(Request::OpenBuiltin {
            settings,
            stage: None,
        })
        .await
        .unwrap();
    assert!(matches!(session.next().await, Ok(Event::Opened { .. })));
}

#[tokio::test]
async fn a_check_says_of_every_way_to_render_whether_it_works() {
    let (slots, kernels) = (vec![cpu()], tempfile::tempdir().unwrap());
    let runtimes = vec![runtime(SERIES), broken(kernels.path())];
    let kernel_dir = kernels.path().to_owned();
    let stop = CancellationToken::new();
    let outcomes = probe::check(slots, runtimes, kernel_dir, &stop)
        .await
        .unwrap();
    let told: Vec<_> = outcomes
        .iter()
        .map(|it| (it.runtime.series.to_string(), it.can, it.result.is_ok()))
        .collect();
    let good = SERIES.to_owned();
    let expected = [
        (good, Capability::CyclesCpu, true),
        ("4.4".to_owned(), Capability::CyclesCpu, false),
    ];
    assert_eq!(told, expected, "{outcomes:#?}");
    let why = outcomes[1].result.as_ref().unwrap_err();
    assert!(why.contains("no library today"), "{why}");
}

#[tokio::test]
async fn a_blender_that_does_not_start_proves_nothing_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let launch = Launch::new(broken(dir.path()));
    let report = probe(&launch, dir.path(), true).await;
    assert!(report.does_not_start && report.session.is_none());
    assert_eq!(report.proven(&[]), []);
    let why = report.outcomes[0].result.as_ref().unwrap_err();
    assert!(why.contains("no library today"), "{why}");
}

async fn probe(launch: &Launch, dir: &Path, wants_score: bool) -> Report {
    probe::run(Trial {
        launch,
        device: Device::Cpu,
        engine: ProbedEngine::Cycles,
        proven: &[],
        wants_score,
        dir,
    })
    .await
}

fn cpu() -> SlotHardware {
    SlotHardware {
        info: SlotInfo::new(0, Device::Cpu, "test"),
        gpu: None,
    }
}

/// A Blender that ends at once.
pub fn broken(dir: &Path) -> Runtime {
    use std::os::unix::fs::PermissionsExt;
    let place = dir.join("runtimes/broken");
    std::fs::create_dir_all(&place).unwrap();
    let program = place.join("blender");
    std::fs::write(&program, "#!/bin/sh\necho no library today\nexit 127\n").unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let note = r#"{"version": "4.4.0", "kind": "executable", "program": "blender"}"#;
    std::fs::write(place.join("runtime.json"), note).unwrap();
    Runtimes::at(dir.join("runtimes")).list().unwrap().remove(0)
}
