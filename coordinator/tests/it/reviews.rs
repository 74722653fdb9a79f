//! What creators say of frames: approve, send back; and what they see of who works on a job.

mod before;
mod paid;
mod seen;

use std::time::Duration;

use http::StatusCode;
use pictor_protocol::JobId;
use pictor_protocol::agent::{Lease, Outcome};
use pictor_protocol::job::{Frame, FrameState, Job, JobState};
use pictor_protocol::job_workers::{JobWorkers, WaitKind, WaitReason};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::review::{ReviewState, SentBackFrames};
use pictor_protocol::worker::WorkerTaskState;
use serde_json::{Value, json};

use crate::credits::micros;
use crate::harness::World;
use crate::harness::client::{Answer, Client};
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A creator without workers, and a worker of somebody else.
struct Studio {
    world: World,
    artist: Client,
    worker: ScriptedWorker,
}

impl Studio {
    async fn open() -> Self {
        // The tests' clock runs ahead of leases.
        let world = World::start_with(|config| config.lease_ttl = 30 * DAY).await;
        let artist = world.stranger("artist").await;
        let worker = ScriptedWorker::connect(&world, "attic").await;
        Self {
            world,
            artist,
            worker,
        }
    }

    /// A job all of whose frames this worker made.
    async fn made(&self, frames: &str) -> Job {
        let job = self.artist.submit(frames).await;
        render_all(&self.worker, job.counts.total, 0).await;
        self.artist
            .until(job.id, "done", |job| job.state == JobState::Done)
            .await
    }
}

/// Renders so many frames, each another picture.
async fn render_all(worker: &ScriptedWorker, frames: u32, seed: u32) {
    let mut made = 0;
    while made < frames {
        for grant in &worker.must_get_work().await.tasks {
            let picture = png(seed + made);
            assert_eq!(worker.finish(grant, &picture).await, Outcome::Accepted);
            made += 1;
        }
    }
}

async fn send_back(who: &Client, job: JobId, frames: &str) -> Answer {
    let asked = json!({ "frames": frames, "reason": "fireflies in the window" });
    who.post(&format!("/api/v1/jobs/{job}/send-back"), &asked)
        .await
}

async fn approve(who: &Client, job: JobId, asked: Value) -> Answer {
    who.post(&format!("/api/v1/jobs/{job}/approve"), &asked)
        .await
}

async fn frame(who: &Client, job: JobId, frame: i32) -> Frame {
    who.get(&format!("/api/v1/jobs/{job}/frames/{frame}"))
        .await
        .json()
}

async fn at_work(who: &Client, job: JobId) -> JobWorkers {
    who.get(&format!("/api/v1/jobs/{job}/workers")).await.json()
}

fn kinds(waits: &[WaitReason]) -> Vec<WaitKind> {
    waits.iter().map(|wait| wait.kind).collect()
}

fn frames_of(lease: &Lease) -> Vec<i32> {
    lease.tasks.iter().map(|grant| grant.frame).collect()
}

#[tokio::test]
async fn a_frame_that_is_sent_back_is_made_again_by_somebody_else_and_both_pictures_stay() {
    let studio = Studio::open().await;
    let job = studio.made("1-2").await;
    let before = frame(&studio.artist, job.id, 1).await;

    let answer = send_back(&studio.artist, job.id, "1").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let sent_back: SentBackFrames = answer.json();
    assert_eq!((sent_back.frames, sent_back.settled_frames), (1, 0));
    assert_eq!(sent_back.refundable_micros, micros("0"));
    let counts = sent_back.job.counts;
    assert_eq!((counts.queued, counts.done), (1, 1));
    assert_eq!(sent_back.job.state, JobState::Rendering);
    assert_eq!(sent_back.job.finished_ms, None);

    let waiting = frame(&studio.artist, job.id, 1).await;
    assert_eq!(waiting.state, FrameState::Queued);
    assert_eq!(waiting.output, None);
    let review = waiting.review.unwrap();
    assert_eq!(review.state, ReviewState::SentBack);
    assert_eq!(review.reason.unwrap(), "fireflies in the window");
    assert_eq!(kinds(&waiting.waits), [WaitKind::SentBack]);
    let now = at_work(&studio.artist, job.id).await;
    assert_eq!(
        (now.queued, kinds(&now.waits)),
        (1, vec![WaitKind::SentBack])
    );

    // Said again it changes nothing, and its worker does not get it, but what else there is.
    let again: SentBackFrames = send_back(&studio.artist, job.id, "1").await.json();
    assert_eq!(again.frames, 0);
    assert!(studio.worker.ask(0).await.is_none());
    let other = studio.artist.submit("7").await;
    let lease = studio.worker.must_get_work().await;
    assert_eq!((lease.job, frames_of(&lease)), (other.id, vec![7]));

    let second = ScriptedWorker::connect(&studio.world, "cellar").await;
    let lease = second.must_get_work().await;
    assert_eq!((lease.job, frames_of(&lease)), (job.id, vec![1]));
    let now = at_work(&studio.artist, job.id).await;
    assert_eq!(now.workers.len(), 1);
    assert_eq!(now.workers[0].name, "cellar");
    assert_eq!(now.workers[0].slots[0].frames, [1]);
    assert_eq!((now.queued, now.waits), (0, vec![]));
    second.finish(&lease.tasks[0], &png(50)).await;

    let after = frame(&studio.artist, job.id, 1).await;
    assert_eq!((after.state, after.review), (FrameState::Done, None));
    assert_eq!(after.times_sent_back, 1);
    assert_ne!(after.output.unwrap().blob, before.output.unwrap().blob);
    let history: Vec<_> = after
        .history
        .iter()
        .map(|it| (it.attempt, &*it.worker.name, it.state, it.has_output))
        .collect();
    assert_eq!(
        history,
        [
            (1, "attic", WorkerTaskState::SentBack, true),
            (2, "cellar", WorkerTaskState::Done, true),
        ]
    );
    assert_eq!(
        after.history[0].message.as_deref(),
        Some("sent back: fireflies in the window")
    );
    for (attempt, seed) in [(1, 0), (2, 50)] {
        let at = format!("/api/v1/jobs/{}/frames/1/attempts/{attempt}", job.id);
        let picture = studio.artist.get(&format!("{at}/output")).await;
        assert_eq!(picture.body, png(seed), "attempt {attempt}");
        let small = studio.artist.get(&format!("{at}/thumbnail")).await;
        assert_eq!(small.headers["content-type"], "image/jpeg");
    }
    let none = format!("/api/v1/jobs/{}/frames/1/attempts/3/output", job.id);
    studio
        .artist
        .get(&none)
        .await
        .problem(ProblemKind::NotFound);
    assert_eq!(studio.artist.job(job.id).await.state, JobState::Done);
}

#[tokio::test]
async fn whoever_made_it_gets_the_first_answer_again_after_it_was_sent_back() {
    let studio = Studio::open().await;
    let job = studio.artist.submit("1").await;
    let lease = studio.worker.must_get_work().await;
    studio.worker.finish(&lease.tasks[0], &png(1)).await;
    send_back(&studio.artist, job.id, "1").await;
    let again = studio
        .worker
        .report_finished(&lease.tasks[0], &png(1))
        .await;
    assert_eq!(again, Outcome::Accepted);
    let now = frame(&studio.artist, job.id, 1).await;
    assert_eq!(now.state, FrameState::Queued);
}

#[tokio::test]
async fn one_frame_that_may_not_be_sent_back_keeps_all_from_it() {
    let studio = Studio::open().await;
    let job = studio.made("1-3").await;
    assert_eq!(
        approve(&studio.artist, job.id, json!({ "frames": "2" }))
            .await
            .status,
        StatusCode::OK
    );
    let refused = send_back(&studio.artist, job.id, "1-2,9").await;
    let problem = refused.problem(ProblemKind::Conflict);
    let faults: Vec<_> = problem
        .faults
        .iter()
        .map(|it| (&*it.field, &*it.message))
        .collect();
    assert_eq!(
        faults,
        [
            ("frames/2", "the frame was approved"),
            ("frames/9", "this is no frame of the job"),
        ]
    );
    assert_eq!(studio.artist.job(job.id).await.counts.done, 3);

    for reason in ["", &"x".repeat(301)] {
        let asked = json!({ "frames": "1", "reason": reason });
        let path = format!("/api/v1/jobs/{}/send-back", job.id);
        let refused = studio.artist.post(&path, &asked).await;
        let problem = refused.problem(ProblemKind::Invalid);
        assert_eq!(problem.faults[0].field, "reason");
    }
    let stranger = studio.world.stranger("stranger").await;
    let refused = send_back(&stranger, job.id, "1").await;
    refused.problem(ProblemKind::NotFound);
}

#[tokio::test]
async fn every_done_frame_is_approved_at_once_when_none_is_named() {
    let studio = Studio::open().await;
    let job = studio.made("1-3").await;
    let before = studio.artist.job(job.id).await.revision;
    approve(&studio.artist, job.id, json!({})).await;
    let frames = studio.artist.frames(job.id).await;
    assert!(frames.iter().all(|frame| {
        let review = frame.review.as_ref().unwrap();
        review.state == ReviewState::Approved && frame.revision > before
    }));
    let after = studio.artist.job(job.id).await.revision;
    approve(&studio.artist, job.id, json!({ "frames": "1-3" })).await;
    assert_eq!(studio.artist.job(job.id).await.revision, after, "again");
    let queued = studio.artist.submit("1").await;
    let refused = approve(&studio.artist, queued.id, json!({ "frames": "1" })).await;
    let problem = refused.problem(ProblemKind::Conflict);
    assert_eq!(problem.faults[0].message, "the frame is not done");
}

#[tokio::test]
async fn a_frame_is_sent_back_twice_and_not_a_third_time() {
    let studio = Studio::open().await;
    let job = studio.made("1").await;
    for name in ["second", "third"] {
        let answer = send_back(&studio.artist, job.id, "1").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let worker = ScriptedWorker::connect(&studio.world, name).await;
        render_all(&worker, 1, 60).await;
    }
    let refused = send_back(&studio.artist, job.id, "1").await;
    let problem = refused.problem(ProblemKind::Conflict);
    assert_eq!(
        problem.faults[0].message,
        "the frame was sent back twice already"
    );
}

#[tokio::test]
async fn a_frame_is_not_sent_back_more_than_a_week_after_its_delivery() {
    let studio = Studio::open().await;
    let job = studio.made("1-2").await;
    studio.world.clock.advance(6 * DAY);
    assert_eq!(
        send_back(&studio.artist, job.id, "1").await.status,
        StatusCode::OK
    );
    studio.world.clock.advance(2 * DAY);
    let refused = send_back(&studio.artist, job.id, "2").await;
    let problem = refused.problem(ProblemKind::Conflict);
    assert_eq!(
        problem.faults[0].message,
        "the frame was delivered more than 7 days ago"
    );
}

#[tokio::test]
async fn ones_own_worker_makes_ones_own_frame_as_often_as_one_likes() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "mine").await;
    let job = world.creator.submit("1").await;
    render_all(&worker, 1, 0).await;
    for seed in 1..5 {
        let answer = send_back(&world.creator, job.id, "1").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        render_all(&worker, 1, seed).await;
    }
    let frame = frame(&world.creator, job.id, 1).await;
    assert_eq!((frame.times_sent_back, frame.history.len()), (4, 5));
}

#[tokio::test]
async fn frames_of_a_cancelled_job_are_not_sent_back_and_those_of_a_paused_one_wait() {
    let studio = Studio::open().await;
    let job = studio.artist.submit("1-3").await;
    render_all(&studio.worker, 1, 0).await;
    let order = |order| format!("/api/v1/jobs/{}/{order}", job.id);
    studio.artist.post(&order("pause"), &json!({})).await;
    let sent_back: SentBackFrames = send_back(&studio.artist, job.id, "1").await.json();
    assert_eq!(sent_back.job.state, JobState::Paused);
    let now = at_work(&studio.artist, job.id).await;
    assert_eq!(kinds(&now.waits), [WaitKind::Paused]);
    studio.artist.post(&order("cancel"), &json!({})).await;
    let refused = send_back(&studio.artist, job.id, "1").await;
    refused.problem(ProblemKind::Conflict);
}
