//! Bad input gets a clear answer and loses nothing.

use std::io::{Cursor, Write};

use http::{Method, StatusCode};
use pictor_protocol::problem::{Problem, ProblemKind};
use pictor_protocol::scene::Scene;
use serde_json::json;
use zip::write::SimpleFileOptions;

use crate::harness::World;
use crate::harness::process::CrampedCoordinator;
use crate::harness::scenes;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn what_is_no_scene_is_refused_with_the_reason() {
    let world = World::start().await;
    let sample = std::fs::read(scenes::sample()).unwrap();
    let bomb = zip_of(&[("scene.blend", vec![0; 40 << 20])]);
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("a picture", scenes::png(1), "blend"),
        ("nothing", Vec::new(), "blend"),
        (
            "a truncated .blend",
            sample[..sample.len() / 2].to_vec(),
            "",
        ),
        (
            "an escaping zip",
            zip_of(&[("../../evil.blend", sample.clone())]),
            "evil.blend",
        ),
        (
            "a zip without a scene",
            zip_of(&[("notes.txt", b"hi".to_vec())]),
            "no .blend",
        ),
        (
            "a zip with two scenes",
            zip_of(&[("a.blend", sample.clone()), ("b.blend", sample.clone())]),
            "b.blend",
        ),
        ("a zip bomb", bomb, "times"),
    ];
    for (what, bytes, clue) in cases {
        let problem = world
            .creator
            .try_scene(what, &bytes)
            .await
            .problem(ProblemKind::BadScene);
        let detail = problem.detail.unwrap();
        assert!(detail.contains(clue), "{what}: {detail}");
    }
    assert_eq!(
        world.creator.try_scene("good", &sample).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn a_zip_with_one_scene_and_its_assets_is_taken() {
    let world = World::start().await;
    let sample = std::fs::read(scenes::sample()).unwrap();
    let zip = zip_of(&[
        ("shot/main.blend", sample),
        ("shot/tex/wood.png", scenes::png(1)),
    ]);
    let scene: Scene = world.creator.try_scene("shot.zip", &zip).await.json();
    assert_eq!((scene.main.as_str(), scene.files), ("shot/main.blend", 2));
}

#[tokio::test]
async fn a_scene_newer_than_every_runtime_is_refused_before_it_waits_for_ever() {
    let world = World::start().await;
    ScriptedWorker::connect_with(&world, "old", &["4.2".parse().unwrap()]).await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let refused = world
        .creator
        .post("/api/v1/jobs", &json!({ "scene": scene.id }))
        .await;
    let problem = refused.problem(ProblemKind::NewerThanEveryRuntime);
    assert!(
        problem
            .detail
            .unwrap()
            .contains("newest Blender on this network is 4.2")
    );
}

#[tokio::test]
async fn a_scene_without_a_camera_is_refused_when_it_is_submitted() {
    let world = World::start().await;
    let scene = world.creator.scene(&scenes::no_camera()).await;
    let refused = world
        .creator
        .post("/api/v1/jobs", &json!({ "scene": scene.id }))
        .await;
    let problem = refused.problem(ProblemKind::Invalid);
    assert_eq!(problem.faults[0].field, "settings.camera");
}

#[tokio::test]
async fn settings_that_nobody_could_render_are_refused() {
    let world = World::start().await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let refuse = async |rest: serde_json::Value| -> Problem {
        let mut job = json!({ "scene": scene.id });
        job.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        world
            .creator
            .post("/api/v1/jobs", &job)
            .await
            .problem(ProblemKind::Invalid)
    };
    for frames in ["", "0-99999999", "5-1", "many", "1-10x0"] {
        let problem = refuse(json!({ "frames": frames })).await;
        assert!(problem.detail.unwrap().contains("frames"), "{frames}");
    }
    for (setting, value) in [("engine", "POVRAY"), ("format", "GIF")] {
        let problem = refuse(json!({ "settings": { setting: value } })).await;
        assert!(problem.detail.unwrap().contains(value), "{setting}");
    }
    let problem = refuse(
        json!({ "settings": { "width": 1, "samples": 0, "scene": "Other" }, "priority": 101 }),
    )
    .await;
    let fields: Vec<_> = problem
        .faults
        .iter()
        .map(|fault| fault.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "settings.width",
            "settings.samples",
            "priority",
            "settings.scene"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_parsed_is_a_problem_too() {
    let world = World::start().await;
    let answer = world
        .creator
        .send(Method::POST, "/api/v1/jobs", b"{".to_vec())
        .await;
    answer.problem(ProblemKind::Invalid);
    world
        .creator
        .get("/api/v1/jobs/not-an-id")
        .await
        .problem(ProblemKind::NotFound);
    world
        .creator
        .get("/api/v1/jobs?limit=many")
        .await
        .problem(ProblemKind::Invalid);
    let lying = [("upload-length", "5")];
    let hash = "0".repeat(64);
    let put = format!("/api/v1/blobs/{hash}");
    let answer = world
        .creator
        .send_with(Method::PUT, &put, &lying, b"12345".to_vec())
        .await;
    answer.problem(ProblemKind::HashMismatch);
    let huge = [("upload-length", "99999999999999999")];
    let answer = world
        .creator
        .send_with(Method::PUT, &put, &huge, b"1".to_vec())
        .await;
    answer.problem(ProblemKind::TooLarge);
}

#[tokio::test]
async fn a_full_disk_is_said_so_and_what_was_stored_stays() {
    let coordinator = CrampedCoordinator::start().await;
    let creator = coordinator.creator();
    let small = creator
        .try_scene("small", &std::fs::read(scenes::sample()).unwrap())
        .await;
    assert_eq!(small.status, StatusCode::CREATED);
    let big = vec![7; 32 << 20];
    let path = format!("/api/v1/blobs/{}", blake3::hash(&big).to_hex());
    creator
        .send(Method::PUT, &path, big)
        .await
        .problem(ProblemKind::StorageFull);
    let scene: Scene = small.json();
    let again = creator.get(&format!("/api/v1/scenes/{}", scene.id)).await;
    assert_eq!(again.json::<Scene>(), scene);
}

fn zip_of(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
