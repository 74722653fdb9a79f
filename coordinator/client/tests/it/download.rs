//! Frames on their way to this disk.

use std::sync::Mutex;

use serde_json::json;

use crate::fake::{self, JOB, picture};
use crate::pictor::{Desk, names_in};
use crate::server::Server;

#[test]
fn a_picture_that_arrives_damaged_is_fetched_again() {
    let damage = Mutex::new(2);
    let server = Server::start(move |exchange| {
        let mut damage = damage.lock().unwrap();
        if exchange.path.ends_with("/1/output") && *damage > 0 {
            *damage -= 1;
            exchange.bytes(200, "image/png", b"picture x");
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    desk.run(&server, &["download", JOB, "--out", "out"])
        .with(0);
    assert_eq!(desk.read("out/frame_0001.png"), picture(1));
}

#[test]
fn a_picture_that_stays_damaged_is_never_kept() {
    let server = Server::start(|exchange| {
        if exchange.path.ends_with("/2/output") {
            exchange.bytes(200, "image/png", b"picture x");
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    let ended = desk
        .run(&server, &["download", JOB, "--out", "out"])
        .with(1);
    ended.says("frame 2 arrived damaged");
    assert!(!desk.path("out/frame_0002.png").exists());
}

#[test]
fn a_picture_that_breaks_off_is_fetched_again() {
    let breaks = Mutex::new(1);
    let server = Server::start(move |exchange| {
        let mut breaks = breaks.lock().unwrap();
        if exchange.path.ends_with("/1/output") && *breaks > 0 {
            *breaks -= 1;
            exchange.head(200, "content-length: 9\r\n");
            exchange.write(b"pict");
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    desk.run(&server, &["download", JOB, "--out", "out"])
        .with(0);
    assert_eq!(desk.read("out/frame_0001.png"), picture(1));
}

#[test]
fn pictures_that_are_there_are_not_fetched_again() {
    let server = Server::start(fake::answer);
    let desk = Desk::new();
    let args = ["download", JOB, "--out", "out"];
    desk.run(&server, &args).with(0);
    desk.write("out/frame_0002.png", b"picture!!");
    let ended = desk.run(&server, &args).with(0);
    assert!(
        ended.stdout.contains("1 were there already"),
        "{}",
        ended.stdout
    );
    assert_eq!(server.count(&format!("GET /jobs/{JOB}/frames/1/output")), 1);
    assert_eq!(desk.read("out/frame_0002.png"), picture(2));
}

#[test]
fn a_file_name_cannot_leave_the_directory() {
    let server = Server::start(|exchange| {
        if exchange.path.ends_with("/frames") {
            let frame = fake::frame_with_file(1, 2, "../escaped.png");
            exchange.json(200, &json!({ "frames": [frame] }));
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    let ended = desk
        .run(&server, &["download", JOB, "--out", "out"])
        .with(1);
    ended.says("not a plain file name");
    assert_eq!(names_in(&desk.path("")), ["out"]);
}

#[test]
fn only_the_frames_that_are_asked_for_are_fetched() {
    let server = Server::start(fake::answer);
    let desk = Desk::new();
    let args = ["download", JOB, "--out", "out", "--frames", "2-9"];
    desk.run(&server, &args).with(0);
    assert_eq!(names_in(&desk.path("out")), ["frame_0002.png"]);
}

#[test]
fn an_archive_appears_only_when_it_is_complete() {
    let server = Server::start(|exchange| {
        if exchange.path.ends_with("/output.zip") {
            exchange.head(200, "content-length: 9\r\n");
            exchange.write(b"PK");
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    desk.run(&server, &["download", JOB, "--zip", "all.zip"])
        .with(5);
    assert!(names_in(&desk.path("")).is_empty());
}

#[cfg(unix)]
#[test]
fn pictures_are_readable_like_any_other_file() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(fake::answer);
    let desk = Desk::new();
    desk.run(&server, &["download", JOB, "--out", "out"])
        .with(0);
    desk.write("other", b"");
    let mode = |name: &str| {
        let facts = std::fs::metadata(desk.path(name)).unwrap();
        facts.permissions().mode()
    };
    assert_eq!(mode("out/frame_0001.png"), mode("other"));
}
