//! Scenes that come in one piece, by a form without scripts.

use http::{Method, StatusCode, header};
use pictor_protocol::people::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::browser::{Browser, form_with_file};
use crate::harness::{PATIENCE, World, eventually, scenes};

const PAGE: &str = "/jobs/new";
const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_file_sent_by_a_form_becomes_a_scene_whose_settings_come_next() {
    let world = World::start().await;
    let mut browser = world.browser_of(world.operator().await).await;
    let bytes = std::fs::read(scenes::sample()).unwrap();
    // The second time its blob is there already.
    for name in ["Küche.blend", "again.blend"] {
        let sent = browser.send_file(PAGE, name, &bytes).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
        let to = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
        assert!(to.starts_with("/scenes/"), "{to}");
        let to = format!("{}{to}", world.url);
        let settings = browser.opened(&to).await.text();
        assert!(settings.contains(name), "{settings}");
    }
    let blob = format!("/api/v1/blobs/{}", blake3::hash(&bytes).to_hex());
    let held = world.creator.send(Method::HEAD, &blob, Vec::new());
    assert_eq!(held.await.status, StatusCode::OK, "as if it came in parts");
    nothing_is_left(&world);
}

#[tokio::test]
async fn a_file_that_is_no_scene_comes_back_with_the_reason_and_leaves_nothing() {
    let world = World::start().await;
    let mut browser = world.browser_of(world.operator().await).await;
    let scene = std::fs::read(scenes::sample()).unwrap();
    for (name, bytes, why) in [
        ("", &b""[..], "Choose a file first."),
        ("<i>.blend", b"", "&#60;i&#62;.blend is empty."),
        ("notes.txt", b"text", "is no .blend and no .zip"),
        ("a.blend", b"BLENDR", "does not begin like a .blend"),
        ("half.blend", &scene[..scene.len() / 2], "role=\"alert\""),
    ] {
        let refused = browser.send_file(PAGE, name, bytes).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        let page = refused.text();
        assert!(page.contains(why), "{name}: {page}");
        assert!(page.contains("name=\"file\" required"), "{name}: {page}");
        nothing_is_left(&world);
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_announced_or_not_and_leaves_nothing() {
    let world = World::start_with(|config| config.scene_bytes_max = 100_000).await;
    let mut browser = world.browser_of(world.operator().await).await;
    let mut large = b"BLENDER-v405".to_vec();
    large.resize(300_000, 0);
    let refused = browser.send_file(PAGE, "large.blend", &large).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = "large.blend is larger than the 100 kB that are taken here";
    assert!(refused.text().contains(said), "{}", refused.text());

    let body = form_with_file("file", "large.blend", &large);
    let mut sender = begin(&world, &browser, "transfer-encoding: chunked").await;
    let size = format!("{:x}\r\n", body.len());
    for bytes in [size.as_bytes(), &body, b"\r\n0\r\n\r\n"] {
        sender.write_all(bytes).await.unwrap();
    }
    let mut answer = String::new();
    sender.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains(said), "{answer}");
    nothing_is_left(&world);
}

#[tokio::test]
async fn a_file_is_written_as_it_comes_and_a_sender_who_breaks_off_leaves_nothing() {
    let world = World::start().await;
    let browser = world.browser_of(world.operator().await).await;
    let length = format!("content-length: {}", 64 * MIB);
    let mut sender = begin(&world, &browser, &length).await;
    let mut first = b"BLENDER-v405".to_vec();
    first.resize(8 * MIB, 0);
    let form = form_with_file("file", "large.blend", &first);
    sender.write_all(&form[..8 * MIB]).await.unwrap();
    eventually("what was sent, on the disk", async || {
        let written = uploads(&world);
        match written.as_slice() {
            [(_, bytes)] if *bytes >= 6 * MIB as u64 => Ok(()),
            _ => Err(written),
        }
    })
    .await;
    drop(sender);
    eventually("nothing of it", async || {
        let left = uploads(&world);
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}

#[tokio::test]
async fn a_form_that_never_comes_to_its_file_is_not_waited_for() {
    let world = World::start().await;
    let creator = world.browser_of(world.operator().await).await;
    let mut stranger = Browser::on(&world.url);
    stranger.set_cookie("pictor_session", "of nobody");
    for (browser, status) in [(&creator, "422"), (&stranger, "401")] {
        for beginning in ["", "--of-the-form\r\ncontent-disposition: form-data; x=\""] {
            let length = format!("content-length: {}", 64 * MIB);
            let mut sender = begin(&world, browser, &length).await;
            sender.write_all(beginning.as_bytes()).await.unwrap();
            sender.write_all(&vec![b'x'; MIB]).await.unwrap();
            let mut answer = [0; 12];
            let read = tokio::time::timeout(PATIENCE, sender.read_exact(&mut answer));
            read.await.expect("an answer").unwrap();
            assert!(answer.ends_with(status.as_bytes()), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_file_is_taken_from_a_page_of_ours_and_of_whoever_may_have_jobs() {
    let world = World::start().await;
    let bytes = std::fs::read(scenes::sample()).unwrap();
    let mut stranger = Browser::on(&world.url);
    let refused = stranger.send_file(PAGE, "a.blend", &bytes).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let page = refused.text();
    assert!(page.contains("href=\"/sign-in?next="), "{page}");
    let grace = world.person("grace", &[Role::WorkerOwner]).await;
    let mut grace = world.browser_of(grace).await;
    let refused = grace.send_file(PAGE, "a.blend", &bytes).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text().contains("Become a"), "{}", refused.text());

    let mut ada = world.browser_of(world.operator().await).await;
    let evil = [
        ("origin", "https://evil.example"),
        ("content-type", "multipart/form-data; boundary=of-the-form"),
    ];
    let lured = ada.lured(Method::POST, PAGE, &evil).await;
    assert_eq!(lured.status, StatusCode::FORBIDDEN);
    let without = ada.form(PAGE, &[("file", "a.blend")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    nothing_is_left(&world);
}

/// A request whose body is still to be sent.
async fn begin(world: &World, of: &Browser, length: &str) -> TcpStream {
    let host = world.url.strip_prefix("http://").unwrap();
    let mut sender = TcpStream::connect(host).await.unwrap();
    let session = of.cookie("pictor_session").unwrap();
    let head = format!(
        "POST {PAGE} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\naccept: text/html\r\norigin: {}\r\n\
         cookie: pictor_session={session}\r\n{length}\r\n\
         content-type: multipart/form-data; boundary=of-the-form\r\n\r\n",
        world.url
    );
    sender.write_all(head.as_bytes()).await.unwrap();
    sender
}

fn nothing_is_left(world: &World) {
    let left = uploads(world);
    assert!(left.is_empty(), "{left:?}");
}

/// Uploads that are not complete, and their lengths.
fn uploads(world: &World) -> Vec<(String, u64)> {
    let files = std::fs::read_dir(world.data().join("uploads")).unwrap();
    let files = files.flatten().filter_map(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        let length = file.metadata().ok()?.len();
        (name != ".probe").then_some((name, length))
    });
    files.collect()
}
