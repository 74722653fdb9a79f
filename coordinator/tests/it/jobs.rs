//! What creators can do with jobs.

use std::io::{Cursor, Read};

use http::{Method, StatusCode};
use pictor_protocol::agent::{Outcome, RenderFault};
use pictor_protocol::job::{FrameState, Job, JobPage, JobState};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::settings::{Engine, Format};
use serde_json::json;

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::events::Events;
use crate::harness::scenes::{self, HEIGHT, WIDTH, png};
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn what_is_unset_is_taken_from_the_file() {
    let world = World::start().await;
    let scene = world.creator.scene(&scenes::sample()).await;
    assert_eq!(scene.facts.blender.to_string(), "4.5");
    let job = world
        .creator
        .submit_with(&json!({ "scene": scene.id }))
        .await;
    assert_eq!(job.frames.to_string(), "1-240");
    assert_eq!(job.counts.total, 240);
    assert_eq!(
        (job.render.engine, job.render.format),
        (Some(Engine::Cycles), Format::Png)
    );
    assert_eq!((job.render.width, job.render.height), (WIDTH, HEIGHT));
    assert_eq!(job.name, "test.blend");
    assert_eq!(job.reason.as_deref(), Some("no worker is online"));
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page_and_state_by_state() {
    let world = World::start().await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let job = json!({ "scene": scene.id, "frames": "1", "paused": n % 2 == 1 });
        ids.insert(0, world.creator.submit_with(&job).await.id);
    }
    let first: JobPage = world.creator.get("/api/v1/jobs?limit=3").await.json();
    assert_eq!(
        first.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        ids[..3]
    );
    let next = format!("/api/v1/jobs?limit=3&before={}", first.next.unwrap());
    let second: JobPage = world.creator.get(&next).await.json();
    assert_eq!(
        second.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        ids[3..]
    );
    assert_eq!(second.next, None);
    let paused: JobPage = world.creator.get("/api/v1/jobs?state=paused").await.json();
    assert_eq!(paused.jobs.len(), 2);
    assert!(paused.jobs.iter().all(|job| job.state == JobState::Paused));
}

#[tokio::test]
async fn the_filter_by_state_agrees_with_the_state() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let done = world.creator.submit("1").await;
    let lease = worker.must_get_work().await;
    worker.finish(&lease.tasks[0], &png(1)).await;
    let failed = world.creator.submit("1").await;
    for _ in 0..3 {
        let lease = worker.must_get_work().await;
        worker.fail(&lease.tasks[0], RenderFault::Crashed).await;
    }
    let attention = world.creator.submit("1").await;
    let lease = worker.must_get_work().await;
    worker.fail(&lease.tasks[0], RenderFault::NoCamera).await;
    let rendering = world.creator.submit("1").await;
    worker.must_get_work().await;
    let queued = world.creator.submit("1").await;
    let cancelled = world.creator.submit("1").await;
    world
        .creator
        .post(&format!("/api/v1/jobs/{}/cancel", cancelled.id), &json!({}))
        .await;
    let expected = [
        ("done", done.id),
        ("failed", failed.id),
        ("needs_attention", attention.id),
        ("rendering", rendering.id),
        ("queued", queued.id),
        ("cancelled", cancelled.id),
    ];
    for (state, id) in expected {
        let page: JobPage = world
            .creator
            .get(&format!("/api/v1/jobs?state={state}"))
            .await
            .json();
        assert_eq!(
            page.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
            [id],
            "{state}"
        );
        assert_eq!(serde_json::to_value(page.jobs[0].state).unwrap(), state);
    }
}

#[tokio::test]
async fn a_paused_job_hands_out_nothing_until_it_is_resumed() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let scene = world.creator.scene(&scenes::sample()).await;
    let job = json!({ "scene": scene.id, "frames": "1-2", "paused": true });
    let job = world.creator.submit_with(&job).await;
    assert!(worker.ask(100).await.is_none());
    let resume = format!("/api/v1/jobs/{}/resume", job.id);
    let nothing = json!({});
    let (lease, _) = tokio::join!(worker.ask(10_000), world.creator.post(&resume, &nothing));
    let lease = lease.expect("resuming wakes a waiting slot");
    let paused: Job = world
        .creator
        .post(&format!("/api/v1/jobs/{}/pause", job.id), &json!({}))
        .await
        .json();
    assert_eq!(paused.state, JobState::Paused);
    assert!(worker.ask(100).await.is_none());
    // What renders is finished.
    assert_eq!(
        worker.finish(&lease.tasks[0], &png(1)).await,
        Outcome::Accepted
    );
}

#[tokio::test]
async fn wishes_that_come_too_late_are_refused_and_repeated_ones_are_not() {
    let world = World::start().await;
    let job = world.creator.submit("1").await;
    let wish = |what: &str| format!("/api/v1/jobs/{}/{what}", job.id);
    for _ in 0..2 {
        assert_eq!(
            world.creator.post(&wish("cancel"), &json!({})).await.status,
            StatusCode::OK
        );
    }
    let refused = world
        .creator
        .post(&wish("pause"), &json!({}))
        .await
        .problem(ProblemKind::Conflict);
    assert_eq!(
        refused.detail.as_deref(),
        Some("the job is cancelled, so it cannot be paused")
    );
    let retried: Job = world.creator.post(&wish("retry"), &json!({})).await.json();
    assert_eq!(retried.state, JobState::Queued);
}

#[tokio::test]
async fn only_the_frames_that_are_named_are_retried() {
    let world = World::start().await;
    let job = world.creator.submit("1-9").await;
    world
        .creator
        .post(&format!("/api/v1/jobs/{}/cancel", job.id), &json!({}))
        .await;
    let retry = json!({ "frames": "2,4-5" });
    let retried: Job = world
        .creator
        .post(&format!("/api/v1/jobs/{}/retry", job.id), &retry)
        .await
        .json();
    assert_eq!((retried.counts.queued, retried.counts.cancelled), (3, 6));
    let queued = world
        .creator
        .frames(job.id)
        .await
        .into_iter()
        .filter(|f| f.state == FrameState::Queued);
    assert_eq!(
        queued.map(|frame| frame.frame).collect::<Vec<_>>(),
        [2, 4, 5]
    );
}

#[tokio::test]
async fn a_deleted_job_is_gone_and_its_worker_is_told() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-2").await;
    let lease = worker.must_get_work().await;
    let path = format!("/api/v1/jobs/{}", job.id);
    assert_eq!(
        world.creator.delete(&path).await.status,
        StatusCode::NO_CONTENT
    );
    world
        .creator
        .get(&path)
        .await
        .problem(ProblemKind::NotFound);
    let held = lease.tasks[0].attempt;
    assert_eq!(worker.hold(vec![held]).await, [held]);
}

#[tokio::test]
async fn nobody_sees_or_touches_the_jobs_of_others() {
    let world = World::start().await;
    let stranger = world.stranger("stranger").await;
    let job = world.creator.submit("1").await;
    let path = format!("/api/v1/jobs/{}", job.id);
    for rest in [
        "",
        "/frames",
        "/frames/1",
        "/frames/1/output",
        "/frames/1/log",
        "/output.zip",
        "/events",
    ] {
        stranger
            .get(&format!("{path}{rest}"))
            .await
            .problem(ProblemKind::NotFound);
    }
    for rest in ["pause", "resume", "cancel", "retry"] {
        stranger
            .post(&format!("{path}/{rest}"), &json!({}))
            .await
            .problem(ProblemKind::NotFound);
    }
    stranger.delete(&path).await.problem(ProblemKind::NotFound);
    let scene = format!("/api/v1/scenes/{}", job.scene);
    stranger.get(&scene).await.problem(ProblemKind::NotFound);
    let theft = json!({ "scene": job.scene });
    stranger
        .post("/api/v1/jobs", &theft)
        .await
        .problem(ProblemKind::NotFound);
    assert!(
        stranger
            .get("/api/v1/jobs")
            .await
            .json::<JobPage>()
            .jobs
            .is_empty()
    );
}

#[tokio::test]
async fn knowing_a_hash_is_not_having_the_blob() {
    let world = World::start().await;
    let stranger = world.stranger("stranger").await;
    let bytes = std::fs::read(scenes::sample()).unwrap();
    world.creator.scene(&scenes::sample()).await;
    let blob = blake3::hash(&bytes).to_hex().to_string();
    let head = stranger
        .send(Method::HEAD, &format!("/api/v1/blobs/{blob}"), Vec::new())
        .await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
    let theft = json!({ "name": "mine", "blob": blob });
    stranger
        .post("/api/v1/scenes", &theft)
        .await
        .problem(ProblemKind::NotFound);
}

#[tokio::test]
async fn an_upload_is_resumed_where_it_broke_off() {
    let world = World::start().await;
    let bytes = std::fs::read(scenes::sample()).unwrap();
    let path = format!("/api/v1/blobs/{}", blake3::hash(&bytes).to_hex());
    let length = bytes.len().to_string();
    let part = |offset: usize| {
        [
            ("upload-offset", offset.to_string()),
            ("upload-length", length.clone()),
        ]
    };
    let half = bytes.len() / 2;
    let send = async |offset: usize, bytes: &[u8]| {
        let headers = part(offset);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        world
            .creator
            .send_with(Method::PUT, &path, &headers, bytes.to_vec())
            .await
    };
    assert_eq!(send(0, &bytes[..half]).await.status, StatusCode::ACCEPTED);
    let head = world.creator.send(Method::HEAD, &path, Vec::new()).await;
    assert_eq!(head.headers["upload-offset"], half.to_string().as_str());
    let wrong = send(half + 1, &bytes[half + 1..]).await;
    wrong.problem(ProblemKind::WrongOffset);
    assert_eq!(wrong.headers["upload-offset"], half.to_string().as_str());
    assert_eq!(send(half, &bytes[half..]).await.status, StatusCode::CREATED);
    let head = world.creator.send(Method::HEAD, &path, Vec::new()).await;
    assert_eq!(head.status, StatusCode::OK);
}

#[tokio::test]
async fn the_zip_holds_every_done_frame() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-3").await;
    finish_all(&world.creator, &worker, &job).await;
    let zip = world
        .creator
        .get(&format!("/api/v1/jobs/{}/output.zip", job.id))
        .await;
    let mut zip = zip::ZipArchive::new(Cursor::new(zip.body)).unwrap();
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    assert_eq!(
        names,
        ["frame_0001.png", "frame_0002.png", "frame_0003.png"]
    );
    let mut second = Vec::new();
    zip.by_name("frame_0002.png")
        .unwrap()
        .read_to_end(&mut second)
        .unwrap();
    assert_eq!(second, png(2));
}

#[tokio::test]
async fn events_tell_every_change_and_a_reconnect_misses_none() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("1-3").await;
    let mut events = Events::open(&world.creator, job.id, None).await;
    let first = events.next().await;
    assert_eq!(
        (first.name.as_str(), first.data["state"].as_str()),
        ("job", Some("queued"))
    );

    let lease = worker.must_get_work().await;
    let leased = events.find("frame", |data| data["state"] == "leased").await;
    assert_eq!(leased.data["frame"], 1);
    drop(events);
    // Nobody listens while the first frame is finished.
    worker.finish(&lease.tasks[0], &png(1)).await;
    let mut events = Events::open(&world.creator, job.id, Some(&leased.id)).await;
    let done = events.find("frame", |data| data["state"] == "done").await;
    assert_eq!(done.data["output"]["file_name"], "frame_0001.png");
    finish_all(&world.creator, &worker, &job).await;
    let over = events.find("job", |data| data["state"] == "done").await;
    assert_eq!(over.data["counts"]["done"], 3);
}

async fn finish_all(creator: &Client, worker: &ScriptedWorker, job: &Job) {
    while creator.job(job.id).await.state != JobState::Done {
        let lease = worker.must_get_work().await;
        for grant in &lease.tasks {
            assert_eq!(
                worker.finish(grant, &png(grant.frame as u32)).await,
                Outcome::Accepted
            );
        }
    }
}
