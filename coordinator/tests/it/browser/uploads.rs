//! Scenes on their way from a browser to the coordinator.

use http::{Method, StatusCode};
use pictor_protocol::blob::{UPLOAD_LENGTH, UPLOAD_OFFSET};
use pictor_protocol::job::JobPage;
use serde_json::json;

use super::chromium::Tab;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, scenes};

#[tokio::test]
async fn a_scene_is_uploaded_set_and_submitted_and_its_frame_appears_without_a_reload() {
    let world = World::start().await;
    let tab = Tab::of(&world, world.operator().await).await;
    tab.goto("/jobs/new").await;
    tab.upload("#file", &scenes::sample()).await;
    tab.see("h1", "sample.blend").await;
    tab.type_into("#frames", "1-3").await;
    tab.see("#estimate", "(1-3)").await;
    tab.follow("button[value=submit]").await;
    tab.see("[role=status]", "Your job is submitted").await;
    tab.see("#f2", "Waiting").await;
    let worker = ScriptedWorker::connect(&world, "attic").await;
    let lease = worker.must_get_work().await;
    worker.finish(&lease.tasks[0], &scenes::png(1)).await;
    tab.see("#f1.done", "1").await;
    let pictures = tab.attributes("#f1 img", "src").await;
    assert!(pictures[0].as_ref().unwrap().contains("/thumbnail?v="));
    tab.click("#f1 a").await;
    tab.see("#frame-dialog h1", "Frame 1").await;
    tab.close().await;
    let jobs: JobPage = world.creator.get("/api/v1/jobs").await.json();
    assert_eq!(jobs.jobs.len(), 1);
}

#[tokio::test]
async fn an_upload_goes_on_where_another_one_broke_off() {
    let world = World::start().await;
    let bytes = std::fs::read(scenes::sample()).unwrap();
    let blob = format!("/api/v1/blobs/{}", blake3::hash(&bytes).to_hex());
    let length = bytes.len().to_string();
    let headers = [(UPLOAD_OFFSET, "0"), (UPLOAD_LENGTH, length.as_str())];
    let half = bytes[..bytes.len() / 2].to_vec();
    let sent = world.creator.send_with(Method::PUT, &blob, &headers, half);
    assert_eq!(sent.await.status, StatusCode::ACCEPTED);
    let tab = Tab::of(&world, world.operator().await).await;
    tab.goto("/jobs/new").await;
    tab.upload("#file", &scenes::sample()).await;
    tab.see("h1", "sample.blend").await;
    tab.close().await;
}

#[tokio::test]
async fn what_is_no_scene_is_refused_before_it_is_sent() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let tab = Tab::of(&world, world.operator().await).await;
    tab.goto("/jobs/new").await;
    for (name, bytes, why) in [
        (
            "<b>notes.txt",
            &b"text"[..],
            "<b>notes.txt is no .blend and no .zip",
        ),
        (
            "broken.blend",
            &b"BLENDR"[..],
            "does not begin like a .blend",
        ),
        ("empty.blend", &b""[..], "is empty"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        tab.upload("#file", &file).await;
        tab.see("[data-part=why]", why).await;
        tab.click("[data-part=again]").await;
    }
    // Longer than is taken by less than words usually tell; nothing of it is on the disk.
    let file = folder.path().join("long.blend");
    std::fs::write(&file, b"BLENDER-v405").unwrap();
    let long = std::fs::File::options().write(true).open(&file).unwrap();
    long.set_len(11_000_000_000).unwrap();
    tab.upload("#file", &file).await;
    let why = "long.blend has 11.0 GB, and at most 10.7 GB are taken here";
    tab.see("[data-part=why]", why).await;
    tab.close().await;
}

#[tokio::test]
async fn without_scripts_a_scene_goes_the_same_way_and_no_scene_is_refused_in_the_same_words() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let tab = Tab::of(&world, world.operator().await).await;
    let plain = tab.another().await;
    plain.set_scripts(false).await;
    plain.goto("/jobs/new").await;
    plain.upload("#whole-file", &scenes::sample()).await;
    plain.follow("#whole button").await;
    plain.see("h1", "sample.blend").await;
    plain.type_into("#frames", "1-3").await;
    plain.follow("button[value=submit]").await;
    plain.see("[role=status]", "Your job is submitted").await;

    let scene = std::fs::read(scenes::sample()).unwrap();
    for (name, bytes) in [
        ("<b>notes.txt", &b"text"[..]),
        ("broken.blend", b"BLENDR"),
        ("empty.blend", b""),
        ("half.blend", &scene[..scene.len() / 2]),
        ("half.zip", b"PK\x03\x04"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        tab.goto("/jobs/new").await;
        tab.upload("#file", &file).await;
        tab.see("[data-part=again]", "").await;
        plain.goto("/jobs/new").await;
        plain.upload("#whole-file", &file).await;
        plain.follow("#whole button").await;
        let said = plain.texts("#refused div").await;
        assert_eq!(said, tab.texts("[data-part=why]").await, "{name}");
        assert!(said[0].len() > 10, "{said:?}");
    }
    plain.close().await;
    tab.close().await;
}

/// Lengths around the blocks, chunks and subtrees that BLAKE3 is made of.
#[tokio::test]
async fn browsers_hash_as_the_coordinator_does() {
    let lengths = [
        0, 1, 63, 64, 65, 1_023, 1_024, 1_025, 2_048, 3_073, 7_168, 65_536, 100_001,
    ];
    let world = World::start().await;
    let tab = Tab::of(&world, world.operator().await).await;
    tab.goto("/jobs/new").await;
    let script = "(async () => { \
        const named = async (file, name) => (await (await fetch(file)).text()).match(new RegExp(`/${name}-[0-9a-f]+\\\\.js`))[0]; \
        const upload = document.querySelector('script[src*=\"/upload-\"]').src; \
        const hash = await named(upload, 'hash'); \
        const { Blake3 } = await import('/assets' + await named('/assets' + hash, 'blake3')); \
        return LENGTHS.map((length) => { \
            const bytes = Uint8Array.from({ length }, (_, at) => at % 251); \
            const hashers = [length, 1000, 64, 7].map((step) => { \
                const hasher = new Blake3(); \
                for (let at = 0; at < length; at += step) hasher.update(bytes.subarray(at, at + step)); \
                return hasher.hex(); }); \
            return new Set(hashers).size === 1 ? hashers[0] : 'differs by its pieces'; }); })()";
    let script = script.replace("LENGTHS", &json!(lengths).to_string());
    let hashed: Vec<String> = serde_json::from_value(tab.run(&script).await).unwrap();
    for (length, hash) in lengths.into_iter().zip(hashed) {
        let bytes: Vec<u8> = (0..length).map(|at: usize| (at % 251) as u8).collect();
        assert_eq!(hash, blake3::hash(&bytes).to_hex().as_str(), "{length}");
    }
    tab.close().await;
}
