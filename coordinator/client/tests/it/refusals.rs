//! Bad input and bad luck get a clear answer.

use std::net::TcpListener;

use serde_json::json;

use crate::fake::{self, TOKEN};
use crate::pictor::{Desk, Ended};
use crate::server::Server;

#[test]
fn a_file_that_is_no_scene_is_refused_without_asking_anybody() {
    let desk = Desk::new();
    desk.write("photo.blend", b"\x89PNG\r\n\x1a\n");
    desk.write("empty.blend", b"");
    std::fs::create_dir(desk.path("folder")).unwrap();
    let cases = [
        ("photo.blend", "neither a .blend nor a .zip"),
        ("empty.blend", "is empty"),
        ("folder", "is a directory"),
        ("missing.blend", "does not exist"),
    ];
    for (file, words) in cases {
        Ended::of(desk.command(&["submit", file]))
            .with(6)
            .says(words);
    }
}

#[test]
fn settings_that_no_blender_takes_are_all_listed() {
    let desk = Desk::new();
    desk.scene();
    let args = ["submit", "stage.blend", "--width", "1", "--samples", "0"];
    Ended::of(desk.command(&args))
        .with(6)
        .says("settings.width: 1 is not between")
        .says("settings.samples: 0 is not between");
}

#[test]
fn a_frame_list_that_makes_no_sense_is_a_usage_error() {
    let desk = Desk::new();
    desk.scene();
    for frames in ["", "9-1", "one", "0-1048574"] {
        let args = ["submit", "stage.blend", "--frames", frames];
        Ended::of(desk.command(&args)).with(2).says("--frames");
    }
}

#[test]
fn a_coordinator_that_is_not_there_is_named_with_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let desk = Desk::new();
    desk.scene();
    for args in [&["jobs"][..], &["submit", "stage.blend", "--wait"]] {
        let mut command = desk.command(args);
        command
            .env("PICTOR_COORDINATOR", &url)
            .env("PICTOR_TOKEN", TOKEN);
        Ended::of(command)
            .with(5)
            .says(&format!("the coordinator at {url} is not reachable"))
            .says("Connection refused");
    }
}

#[test]
fn another_web_site_is_not_taken_for_a_coordinator() {
    let server = Server::start(|exchange| exchange.bytes(404, "text/html", b"<h1>hello</h1>"));
    let ended = Desk::new().run(&server, &["jobs"]).with(5);
    ended.says("does not answer like a Pictor coordinator (404 Not Found)");
}

#[test]
fn an_address_without_a_scheme_is_explained() {
    let desk = Desk::new();
    let ended = Ended::of(desk.command(&["login", "localhost:8080"])).with(2);
    ended.says("is not the address of a coordinator");
}

#[test]
fn every_fault_of_a_scene_is_a_line() {
    let server = Server::start(|exchange| {
        if !exchange.is("POST", "/scenes") {
            return fake::answer(exchange);
        }
        let problem = json!({
            "type": "urn:pictor:problem:bad-scene", "title": "Bad scene", "status": 422,
            "detail": "the archive cannot be taken",
            "faults": [{ "field": "../etc/passwd", "message": "leaves the archive" },
                { "field": "a.blend", "message": "is one of two main files" }],
        });
        let body = problem.to_string();
        exchange.bytes(422, "application/problem+json", body.as_bytes());
    });
    let desk = Desk::new();
    desk.scene();
    desk.run(&server, &["submit", "stage.blend"])
        .with(6)
        .says("the archive cannot be taken")
        .says("\n  ../etc/passwd: leaves the archive")
        .says("\n  a.blend: is one of two main files");
    let lines = desk
        .run(&server, &["submit", "stage.blend", "--json"])
        .with(6)
        .says("leaves the archive")
        .json_lines();
    let [failed] = &lines[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(failed["event"], "failed");
    assert_eq!(failed["exit_code"], 6);
    assert_eq!(failed["problem"], "urn:pictor:problem:bad-scene");
    assert_eq!(failed["faults"][1]["field"], "a.blend");
}
