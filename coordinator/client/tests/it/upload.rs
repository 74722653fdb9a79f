//! A scene on its way to the coordinator.

use std::sync::{Arc, Mutex};

use pictor_protocol::blob::{UPLOAD_LENGTH, UPLOAD_OFFSET};

use crate::fake;
use crate::pictor::Desk;
use crate::server::{Exchange, Server};

const MIB: usize = 1 << 20;

fn large_scene(desk: &Desk, bytes: usize) -> Vec<u8> {
    let mut content: Vec<u8> = (0..bytes).map(|i| (i / 251) as u8).collect();
    content[..12].copy_from_slice(b"BLENDER-v405");
    desk.write("large.blend", &content);
    content
}

/// Keeps what it is sent, and breaks the first connections off after a third of the rest.
fn breaking(exchange: &mut Exchange, held: &Mutex<Vec<u8>>, breaks: &Mutex<u32>) {
    let mut held = held.lock().unwrap();
    match exchange.method.as_str() {
        "HEAD" => {
            let offset = held.len();
            let headers = format!("content-length: 0\r\n{UPLOAD_OFFSET}: {offset}\r\n");
            exchange.head(404, &headers);
        }
        "PUT" => {
            assert_eq!(exchange.number(UPLOAD_OFFSET), held.len() as u64);
            let rest = exchange.number(UPLOAD_LENGTH) - held.len() as u64;
            let mut breaks = breaks.lock().unwrap();
            if *breaks == 0 {
                held.extend(exchange.body(rest));
                exchange.head(201, "content-length: 0\r\n");
            } else {
                *breaks -= 1;
                held.extend(exchange.body(rest / 3));
            }
        }
        _ => fake::answer(exchange),
    }
}

#[test]
fn an_upload_goes_on_where_it_broke() {
    for size in [3 * MIB, 20 * MIB] {
        let held = Arc::new(Mutex::new(Vec::new()));
        let breaks = Mutex::new(2);
        let at_coordinator = Arc::clone(&held);
        let server = Server::start(move |exchange| breaking(exchange, &at_coordinator, &breaks));
        let desk = Desk::new();
        let content = large_scene(&desk, size);
        desk.run(&server, &["submit", "large.blend"]).with(0);
        assert!(*held.lock().unwrap() == content, "{size} bytes differ");
    }
}

#[test]
fn a_small_scene_is_sent_without_asking() {
    let server = Server::start(fake::answer);
    let desk = Desk::new();
    desk.scene();
    desk.run(&server, &["submit", "stage.blend"]).with(0);
    let put = format!("PUT /blobs/{}", fake::hash(&desk.read("stage.blend")));
    assert_eq!(server.requests(), [&put, "POST /scenes", "POST /jobs"]);
}

#[test]
fn a_large_scene_that_is_there_is_not_sent() {
    let server = Server::start(|exchange| match exchange.method.as_str() {
        "HEAD" => exchange.head(200, "content-length: 0\r\n"),
        "PUT" => panic!("sent in vain"),
        _ => fake::answer(exchange),
    });
    let desk = Desk::new();
    let content = large_scene(&desk, 2 * MIB);
    desk.run(&server, &["submit", "large.blend"]).with(0);
    let head = format!("HEAD /blobs/{}", fake::hash(&content));
    assert_eq!(server.requests(), [&head, "POST /scenes", "POST /jobs"]);
}

#[test]
fn bytes_that_are_wrong_twice_are_a_file_that_changed() {
    let server = Server::start(|exchange| match exchange.method.as_str() {
        "PUT" => {
            exchange.body(u64::MAX);
            exchange.problem(422, "hash-mismatch", "other bytes");
        }
        _ => fake::answer(exchange),
    });
    let desk = Desk::new();
    desk.scene();
    let ended = desk.run(&server, &["submit", "stage.blend"]).with(1);
    ended.says("changed while it was uploaded");
}

#[test]
fn a_lost_answer_does_not_make_a_second_job() {
    let created = Mutex::new(false);
    let server = Server::start(move |exchange| {
        if exchange.is("POST", "/jobs") {
            // Created, but nobody hears of it.
            assert!(!std::mem::replace(&mut *created.lock().unwrap(), true));
            exchange.body(u64::MAX);
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    desk.scene();
    let ended = desk
        .run(&server, &["submit", "stage.blend", "--json"])
        .with(0);
    assert_eq!(ended.json_lines()[0]["id"], fake::JOB);
}

#[test]
fn what_was_typed_reaches_the_coordinator() {
    let sent = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&sent);
    let server = Server::start(move |exchange| {
        if exchange.is("POST", "/jobs") {
            *kept.lock().unwrap() = Some(exchange.json_body());
        }
        fake::answer(exchange);
    });
    let desk = Desk::new();
    desk.scene();
    let typed = "submit stage.blend --frames 1-3,9 --name Trailer --engine eevee --format exr \
        --width 640 --samples 8 --camera Cam --no-denoise --blender 4.5 --priority 70 --paused";
    let words: Vec<_> = typed.split_whitespace().collect();
    desk.run(&server, &words)
        .with(0)
        .says("1 texture is missing");
    let expected = serde_json::json!({
        "scene": fake::SCENE, "name": "Trailer", "frames": "1-3,9", "blender": "4.5",
        "priority": 70, "paused": true,
        "settings": { "camera": "Cam", "engine": "EEVEE", "format": "OPEN_EXR", "width": 640,
            "samples": 8, "denoise": false },
    });
    assert_eq!(sent.lock().unwrap().take(), Some(expected));
}
