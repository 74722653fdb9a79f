//! The answers of a coordinator where nothing goes wrong, for tests to build faults on.

use pictor_protocol::BlobHash;
use serde_json::{Value, json};

use crate::server::Exchange;

pub const TOKEN: &str = "pictor_test";
pub const SCENE: &str = "0198c0de-0000-7000-8000-00000000aaaa";
pub const JOB: &str = "0198c0de-0000-7000-8000-0000000012ab";

pub fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash::from_bytes(blake3::hash(bytes).into())
}

/// A job of two frames.
pub fn job(revision: i64, state: &str, done: u32) -> Value {
    job_with_id(JOB, revision, state, done)
}

pub fn job_with_id(id: &str, revision: i64, state: &str, done: u32) -> Value {
    json!({
        "id": id, "name": "stage.blend", "scene": SCENE, "state": state, "priority": 50,
        "frames": "1-2", "settings": {}, "blender": "auto", "created_ms": 0, "revision": revision,
        "render": { "scene": "Scene", "format": "PNG", "width": 4, "height": 4 },
        "counts": { "total": 2, "queued": 2 - done, "leased": 0, "done": done, "failed": 0,
            "cancelled": 0 },
    })
}

/// The bytes of a frame's picture.
pub fn picture(frame: i32) -> Vec<u8> {
    format!("picture {frame}").into_bytes()
}

pub fn done_frame(frame: i32, revision: i64) -> Value {
    frame_with_file(frame, revision, &format!("frame_{frame:04}.png"))
}

pub fn frame_with_file(frame: i32, revision: i64, file_name: &str) -> Value {
    let bytes = picture(frame);
    json!({
        "frame": frame, "state": "done", "attempts": 1, "revision": revision,
        "output": { "blob": hash(&bytes), "size_bytes": bytes.len(), "file_name": file_name,
            "has_thumbnail": false },
    })
}

pub fn scene() -> Value {
    json!({
        "id": SCENE, "name": "stage.blend", "created_ms": 0, "size_bytes": 1,
        "main": "stage.blend", "files": 1,
        "facts": { "blender": "4.5", "compressed": false, "active_scene": "Scene", "scenes": [],
            "dependencies": [], "warnings": ["1 texture is missing"] },
    })
}

/// Answers whatever has one right answer; events are the test's own.
pub fn answer(exchange: &mut Exchange) {
    let frame = exchange
        .path
        .strip_prefix(&format!("/jobs/{JOB}/frames/"))
        .map(|rest| rest.trim_end_matches("/output").parse::<i32>().unwrap());
    match (exchange.method.as_str(), exchange.path.as_str()) {
        ("HEAD", _) => exchange.head(404, "content-length: 0\r\n"),
        ("PUT", _) => {
            exchange.body(u64::MAX);
            exchange.head(201, "content-length: 0\r\n");
        }
        ("GET", "/me") => {
            let me = json!({ "id": SCENE, "name": "ada", "operator": false, "scopes": ["jobs"] });
            exchange.json(200, &me);
        }
        ("POST", "/scenes") => exchange.json(201, &scene()),
        ("POST", "/jobs") => exchange.json(201, &job(1, "queued", 0)),
        ("GET", "/jobs") => exchange.json(200, &json!({ "jobs": [job(1, "queued", 0)] })),
        ("GET", path) if path.ends_with("/frames") => {
            let frames = json!({ "frames": [done_frame(1, 2), done_frame(2, 3)] });
            exchange.json(200, &frames);
        }
        ("GET", path) if path.ends_with("/output") => {
            let bytes = picture(frame.unwrap());
            exchange.bytes(200, "image/png", &bytes);
        }
        ("GET", path) if path.contains("/frames/") => {
            exchange.json(200, &done_frame(frame.unwrap(), 2));
        }
        ("GET", path) if path == format!("/jobs/{JOB}") => {
            exchange.json(200, &job(3, "done", 2));
        }
        _ => exchange.problem(404, "not-found", "nothing here"),
    }
}
