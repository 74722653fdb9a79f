//! Naming, listing and changing jobs.

use serde_json::json;

use crate::fake::{self, JOB, job_with_id};
use crate::pictor::Desk;
use crate::server::Server;

const OTHER: &str = "0198c0de-0000-7000-8000-0000000034ab";

fn with_two_jobs() -> Server {
    Server::start(|exchange| {
        let jobs = [
            job_with_id(OTHER, 9, "done", 2),
            job_with_id(JOB, 1, "queued", 0),
        ];
        if exchange.is("GET", "/jobs") {
            let limit = if exchange.query.contains("limit=1&") || exchange.query == "limit=1" {
                1
            } else {
                2
            };
            exchange.json(200, &json!({ "jobs": jobs[..limit] }));
        } else if let Some(id) = exchange.path.strip_prefix("/jobs/") {
            let id = id.trim_end_matches("/cancel").to_owned();
            exchange.json(200, &job_with_id(&id, 9, "cancelled", 0));
        }
    })
}

#[test]
fn a_job_is_named_by_the_end_of_its_id_or_as_the_latest() {
    let server = with_two_jobs();
    let desk = Desk::new();
    let ended = desk.run(&server, &["cancel", "12ab"]).with(0);
    assert_eq!(ended.stdout, "job 000012ab (stage.blend) is cancelled\n");
    desk.run(&server, &["status", "latest"]).with(0);
    let requests = server.requests();
    assert!(requests.contains(&format!("POST /jobs/{JOB}/cancel")));
    assert!(requests.contains(&format!("GET /jobs/{OTHER}")));
}

#[test]
fn a_name_that_means_two_jobs_or_none_changes_nothing() {
    let server = with_two_jobs();
    let desk = Desk::new();
    desk.run(&server, &["cancel", "0198c0de"])
        .with(2)
        .says(OTHER);
    desk.run(&server, &["cancel", "ffff"]).with(7);
    desk.run(&server, &["cancel", "ab"]).with(2);
    desk.run(&server, &["delete", "12ab"]).with(2).says("--yes");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.starts_with("GET "))
    );
}

#[test]
fn jobs_are_a_table_for_people_and_a_document_for_scripts() {
    let server = with_two_jobs();
    let desk = Desk::new();
    let table = desk.run(&server, &["jobs"]).with(0).stdout;
    assert!(table.starts_with("JOB"), "{table}");
    assert!(table.contains("000012ab  stage.blend  0/2"), "{table}");
    let lines = desk.run(&server, &["jobs", "--json"]).with(0).json_lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["jobs"][1]["id"], JOB);
}

#[test]
fn frames_are_approved_and_sent_back_with_a_reason() {
    let server = Server::start(|exchange| {
        let job = job_with_id(JOB, 9, "rendering", 1);
        if exchange.path.ends_with("/send-back") {
            let asked = exchange.json_body();
            assert_eq!(asked, json!({ "frames": "1-3", "reason": "noise" }));
            let done = json!({ "frames": 2, "refundable_micros": 1_500_000, "settled_frames": 1, "job": job });
            exchange.json(200, &done);
        } else if exchange.path.ends_with("/approve") {
            assert_eq!(exchange.json_body(), json!({}));
            exchange.json(200, &job);
        } else {
            exchange.json(200, &json!({ "jobs": [job] }));
        }
    });
    let desk = Desk::new();
    let sent_back = ["send-back", JOB, "1-3", "--reason", "noise"];
    let ended = desk.run(&server, &sent_back).with(0);
    assert!(
        ended.stdout.starts_with(
            "2 frames are made again; 1.5 credits come back when other pictures take their places; "
        ),
        "{}",
        ended.stdout
    );
    let ended = desk.run(&server, &["approve", JOB]).with(0);
    assert_eq!(
        ended.stdout,
        "approved every finished frame of job 000012ab (stage.blend)\n"
    );
    desk.run(&server, &["send-back", JOB, "1-2"])
        .with(2)
        .says("--reason");
}

#[test]
fn a_log_is_printed_without_its_power_over_the_terminal() {
    let server = Server::start(|exchange| {
        if exchange.path.ends_with("/frames/-3/log") {
            exchange.bytes(200, "text/plain", b"\x1b[2JFra:1\nSaved\n");
        } else {
            fake::answer(exchange);
        }
    });
    let desk = Desk::new();
    let ended = desk.run(&server, &["logs", JOB, "-3"]).with(0);
    assert_eq!(ended.stdout, "[2JFra:1\nSaved\n");
}
