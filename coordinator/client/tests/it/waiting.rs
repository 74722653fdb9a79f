//! Following a job, whatever happens to the coordinator.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::fake::{self, JOB, done_frame, job, picture};
use crate::pictor::{Desk, Ended, names_in};
use crate::server::{Exchange, Server};

fn is_events(exchange: &Exchange) -> bool {
    exchange.path == format!("/jobs/{JOB}/events")
}

#[test]
fn frames_arrive_while_the_job_renders() {
    let server = Server::start(|exchange| {
        if !is_events(exchange) {
            return fake::answer(exchange);
        }
        exchange.events();
        exchange.event("job", 2, &job(2, "rendering", 1));
        exchange.event("frame", 2, &done_frame(1, 2));
        exchange.event("frame", 3, &done_frame(2, 3));
        exchange.event("job", 3, &job(3, "done", 2));
        exchange.hold();
    });
    let desk = Desk::new();
    desk.scene();
    let args = ["submit", "stage.blend", "--download", "out"];
    let ended = desk.run(&server, &args).with(0);
    assert!(ended.stdout.contains("2 of 2 frames"), "{}", ended.stdout);
    assert_eq!(desk.read("out/frame_0001.png"), picture(1));
    assert_eq!(desk.read("out/frame_0002.png"), picture(2));
    assert_eq!(names_in(&desk.path("out")).len(), 2);
    assert_eq!(server.count(&format!("GET /jobs/{JOB}/frames")), 0);
}

#[test]
fn a_script_gets_one_object_a_line() {
    let server = Server::start(|exchange| {
        if !is_events(exchange) {
            return fake::answer(exchange);
        }
        exchange.events();
        exchange.event("frame", 2, &done_frame(1, 2));
        exchange.event("frame", 3, &done_frame(2, 3));
        exchange.event("job", 3, &job(3, "done", 2));
        exchange.hold();
    });
    let desk = Desk::new();
    desk.scene();
    let args = ["submit", "stage.blend", "--download", "out", "--json"];
    let lines = desk.run(&server, &args).with(0).json_lines();
    assert_eq!(lines[0]["event"], "submitted");
    assert_eq!(lines[0]["job"]["id"], JOB);
    let downloaded = lines.iter().filter(|line| line["event"] == "downloaded");
    assert_eq!(downloaded.count(), 2);
    let last_job = lines.iter().rfind(|line| line["event"] == "job").unwrap();
    assert_eq!(last_job["job"]["state"], "done");
}

/// Ends the first stream after a frame, refuses the second, and goes on in the third.
fn restarting(exchange: &mut Exchange, connection: &Mutex<u32>) {
    let mut connection = connection.lock().unwrap();
    *connection += 1;
    match *connection {
        1 => {
            exchange.events();
            exchange.event("job", 2, &job(2, "rendering", 1));
            exchange.event("frame", 2, &done_frame(1, 2));
        }
        2 => exchange.problem(503, "internal", "starting"),
        _ => {
            assert_eq!(exchange.header("last-event-id"), Some("2"));
            exchange.events();
            exchange.event("job", 2, &job(2, "rendering", 1));
            exchange.event("frame", 3, &done_frame(2, 3));
            exchange.event("job", 3, &job(3, "done", 2));
            exchange.hold();
        }
    }
}

#[test]
fn a_coordinator_that_restarts_is_waited_for_and_nothing_is_missed() {
    let connection = Mutex::new(0);
    let server = Server::start(move |exchange| {
        if is_events(exchange) {
            restarting(exchange, &connection);
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    desk.scene();
    let args = ["submit", "stage.blend", "--download", "out"];
    let ended = desk.run(&server, &args).with(0);
    ended.says("trying again, the job is safe");
    assert_eq!(names_in(&desk.path("out")).len(), 2);
}

#[test]
fn pictures_that_no_event_announced_are_fetched_at_the_end() {
    let server = Server::start(|exchange| {
        if !is_events(exchange) {
            return fake::answer(exchange);
        }
        exchange.events();
        exchange.event("job", 3, &job(3, "done", 2));
        exchange.hold();
    });
    let desk = Desk::new();
    desk.scene();
    let args = ["submit", "stage.blend", "--download", "out"];
    desk.run(&server, &args).with(0);
    assert_eq!(names_in(&desk.path("out")).len(), 2);
}

#[test]
fn a_job_that_needs_attention_is_no_success() {
    let server = Server::start(|exchange| {
        if !is_events(exchange) {
            return fake::answer(exchange);
        }
        let mut stuck = job(2, "needs_attention", 0);
        stuck["reason"] = "the scene has no camera".into();
        exchange.events();
        exchange.event("job", 2, &stuck);
        exchange.hold();
    });
    let desk = Desk::new();
    desk.scene();
    let ended = desk.run(&server, &["submit", "stage.blend", "--wait"]);
    ended.with(3).says("the scene has no camera");
}

#[test]
fn a_token_that_is_revoked_meanwhile_ends_the_wait() {
    let server = Server::start(|exchange| {
        if is_events(exchange) {
            exchange.problem(401, "unauthorized", "this token was revoked");
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    desk.scene();
    let ended = desk.run(&server, &["submit", "stage.blend", "--wait"]);
    ended.with(4).says("this token was revoked");
}

#[test]
fn an_interrupted_wait_says_how_to_follow_the_job() {
    let followed = Arc::new(Mutex::new(false));
    let started = Arc::clone(&followed);
    let server = Server::start(move |exchange| {
        if !is_events(exchange) {
            return fake::answer(exchange);
        }
        exchange.events();
        exchange.event("job", 2, &job(2, "rendering", 0));
        *started.lock().unwrap() = true;
        exchange.hold();
    });
    let desk = Desk::new();
    desk.scene();
    let mut command = desk.signed_in(&server, &["submit", "stage.blend", "--download", "out"]);
    let child = command.spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while !*followed.lock().unwrap() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    Ended::wait_for(child)
        .with(130)
        .says("The job goes on")
        .says("pictor status 000012ab --watch")
        .says("pictor download 000012ab --wait --out out")
        .says("pictor cancel 000012ab");
    assert!(names_in(&desk.path("out")).is_empty());
}
