//! Senders and readers that take their time, or stop halfway.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use http::{Method, StatusCode};

use super::harness::{World, eventually};

/// Much less than a slow sender takes, much more than a busy machine needs.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_slow_sender_keeps_nobody_from_tidying_and_sending() {
    let world = World::start().await;
    let token = world.creator.token().to_owned();
    let stopped = world.stop().await;
    // What is tidied away soon after the start, unless something holds that up.
    let old = stopped.data().join("uploads/user-nobody-old");
    std::fs::write(&old, b"half").unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(48 * 3_600);
    let file = std::fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(long_ago).unwrap();

    let (world, _slow) = stopped
        .start_with_somebody_at_the_door(|address| begin_upload(address, &token))
        .await;
    eventually("an old upload that is gone", async || {
        if old.exists() {
            Err("it is there")
        } else {
            Ok(())
        }
    })
    .await;
    let began = Instant::now();
    let blob = format!("/api/v1/blobs/{}", blake3::hash(b"quick").to_hex());
    let sent = world
        .creator
        .send(Method::PUT, &blob, b"quick".to_vec())
        .await;
    assert_eq!(sent.status, StatusCode::CREATED, "{sent:?}");
    assert!(began.elapsed() < SOON);
}

// The test itself waits for the network.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_stops_although_somebody_sends_slowly_and_somebody_does_not_read() {
    let world = World::start().await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let _slow = begin_upload(&address, world.creator.token());
    let job = world.creator.submit("1-3").await;
    let mut events = ask(
        &address,
        world.creator.token(),
        &format!("/api/v1/jobs/{}/events", job.id),
    );
    let mut first = [0; 1];
    events.read_exact(&mut first).unwrap();
    let began = Instant::now();
    world.stop().await;
    assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
}

/// The beginning of an upload whose rest does not come.
fn begin_upload(address: &str, token: &str) -> TcpStream {
    let hash = "ab".repeat(32);
    let head = format!(
        "PUT /api/v1/blobs/{hash} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 1000\r\n\r\nbeginning"
    );
    send(address, &head)
}

fn ask(address: &str, token: &str, path: &str) -> TcpStream {
    send(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"),
    )
}

fn send(address: &str, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}
