//! What a session cannot do gets a typed answer, and the session goes on.

use std::path::PathBuf;

use pictor_worker::blender::talk::*;

use crate::blender_world::{World, scene};

#[tokio::test]
async fn files_that_are_not_scenes_are_refused_and_the_session_goes_on() {
    let mut world = World::start().await;
    let whole = std::fs::read(scene("light")).unwrap();
    let cases: [(&str, &[u8], FailureKind); 5] = [
        ("empty", b"", FailureKind::SceneUnreadable),
        ("text", b"not a scene at all", FailureKind::SceneUnreadable),
        (
            "truncated",
            &whole[..whole.len() / 2],
            FailureKind::SceneUnreadable,
        ),
        ("later", b"BLENDER-v999REND", FailureKind::NewerThanRuntime),
        (
            "much-later",
            b"BLENDER17-01v2100",
            FailureKind::NewerThanRuntime,
        ),
    ];
    for (name, bytes, kind) in cases {
        let path = written(&world, name, bytes);
        let answer = world.try_open(path, Settings::default()).await;
        assert_eq!(failure_kind(&answer), kind, "{name}: {answer:?}");
    }
    let answer = world.try_open("/no/such.blend", Settings::default()).await;
    assert_eq!(failure_kind(&answer), FailureKind::SceneUnreadable);
    assert_eq!(world.failure(1).await.kind, FailureKind::SceneUnreadable);
    world.open(scene("light")).await;
    world.render(1, "picture.png").await;
}

#[tokio::test]
async fn settings_that_the_file_or_the_machine_lacks_are_refused() {
    let mut world = World::start().await;
    let known: Vec<Device> = world
        .session
        .ready()
        .devices
        .iter()
        .map(|device| device.kind)
        .collect();
    let absent = [Device::Hip, Device::Optix, Device::Cuda]
        .into_iter()
        .find(|kind| !known.contains(kind));
    let cases = [
        (
            Settings {
                scene: Some("Third".into()),
                ..Settings::default()
            },
            FailureKind::SceneMissing,
        ),
        (
            Settings {
                camera: Some("Cube".into()),
                ..Settings::default()
            },
            FailureKind::CameraMissing,
        ),
        (
            Settings {
                device: absent,
                ..Settings::default()
            },
            FailureKind::DeviceMissing,
        ),
    ];
    for (settings, kind) in cases {
        let answer = world.try_open(scene("two_scenes"), settings).await;
        assert_eq!(failure_kind(&answer), kind, "{answer:?}");
    }
}

#[tokio::test]
async fn frames_that_cannot_be_rendered_fail_alone() {
    let mut world = World::start().await;
    assert_eq!(world.open(scene("no_camera")).await.camera, None);
    assert_eq!(world.failure(1).await.kind, FailureKind::NoCamera);
    world.open(scene("light")).await;
    for frame in [-1, i32::MAX] {
        let failure = world.failure(frame).await;
        assert!(failure.message.contains("no frame"), "{failure:?}");
    }
    world
        .ask(1, &world.path("no/such/directory/picture.png"))
        .await;
    let (answer, _) = world.answer().await.unwrap();
    assert_eq!(
        failure_kind(&answer),
        FailureKind::NothingWritten,
        "{answer:?}"
    );
    assert!(world.files().is_empty());
    world.render(1, "picture.png").await;
}

fn failure_kind(answer: &Event) -> FailureKind {
    match answer {
        Event::Failed(failure) => failure.kind,
        other => panic!("did not fail: {other:?}"),
    }
}

fn written(world: &World, name: &str, bytes: &[u8]) -> PathBuf {
    let path = world.path(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
