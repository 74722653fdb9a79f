//! What creators say of frames: approve, send back; and what they see of who works on a job.

use std::time::Duration;

use http::StatusCode;
use pictor_coordinator::ledger::Book;
use pictor_protocol::agent::{Lease, Outcome, RenderFault};
use pictor_protocol::job::{Frame, FrameState, Job, JobCounts, JobPage, JobState};
use pictor_protocol::job_workers::{JobWorkers, WaitKind, WaitReason};
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::review::{ReviewState, SentBackFrames};
use pictor_protocol::worker::WorkerTaskState;
use pictor_protocol::{JobId, UserId};
use serde_json::{Value, json};

use crate::credits::{Farm, MINUTE, amounts, micros};
use crate::harness::client::{Answer, Client};
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually};

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
    assert_eq!(sent_back.refunded_micros, micros("0"));
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

#[tokio::test]
async fn each_worker_that_does_not_render_is_counted_under_what_keeps_it() {
    let studio = Studio::open().await;
    let job = studio.artist.submit("1-40").await;
    let now = at_work(&studio.artist, job.id).await;
    assert_eq!(kinds(&now.waits), [WaitKind::NoFreeSlot]);
    let lease = studio.worker.must_get_work().await;
    studio
        .worker
        .fail(&lease.tasks[0], RenderFault::Crashed)
        .await;
    let old = [pictor_protocol::blender::Series::new(4, 2)];
    ScriptedWorker::connect_with(&studio.world, "old", &old).await;
    ScriptedWorker::connect(&studio.world, "cellar").await;
    let now = at_work(&studio.artist, job.id).await;
    assert_eq!(
        kinds(&now.waits),
        [
            WaitKind::NoFreeSlot,
            WaitKind::FailedBefore,
            WaitKind::NoBlender
        ]
    );
    assert!(now.waits.iter().all(|wait| wait.workers == Some(1)));
    assert_eq!(now.queued, 40);
}

#[tokio::test]
async fn jobs_are_found_by_several_states_and_by_a_part_of_their_name() {
    let world = World::start().await;
    let scene = world
        .creator
        .scene(&crate::harness::scenes::sample())
        .await
        .id;
    let mut ids = Vec::new();
    for (name, paused) in [("Äpfel_1", true), ("Birnen", true), ("äpfel 2", false)] {
        let new = json!({ "scene": scene, "frames": "1", "name": name, "paused": paused });
        ids.push(world.creator.submit_with(&new).await.id);
    }
    let cancel = format!("/api/v1/jobs/{}/cancel", ids[1]);
    world.creator.post(&cancel, &json!({})).await;
    let cases = [
        ("", vec![2, 1, 0]),
        ("?state=paused,queued", vec![2, 0]),
        ("?state=paused,cancelled", vec![1, 0]),
        ("?name=%C3%84PFEL", vec![2, 0]),
        ("?name=l_", vec![0]),
        ("?name=%25", vec![]),
        ("?name=pfel&state=queued", vec![2]),
    ];
    for (query, expected) in cases {
        let path = format!("/api/v1/jobs{query}");
        let page: JobPage = world.creator.get(&path).await.json();
        let found: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
        let expected: Vec<_> = expected.into_iter().map(|n: usize| ids[n]).collect();
        assert_eq!(found, expected, "{query}");
    }
    let page: JobPage = world
        .creator
        .get("/api/v1/jobs?state=cancelled")
        .await
        .json();
    let counts = JobCounts {
        queued: 1,
        paused: 1,
        cancelled: 1,
        ..JobCounts::default()
    };
    assert_eq!(page.counts, counts);
    let refused = world.creator.get("/api/v1/jobs?state=asleep").await;
    refused.problem(ProblemKind::Invalid);
}

/// A worker of a newcomer, in a farm with an economy.
async fn another_worker(farm: &Farm, name: &str) -> (ScriptedWorker, UserId) {
    let owner = farm.world.person(name, &[Role::WorkerOwner]).await;
    let script = farm.world.script_of(name, &[Scope::Workers]).await;
    let config = script
        .post("/api/v1/workers", &json!({ "name": name }))
        .await;
    let mut slot = farm.worker.slots.clone();
    slot[0].score = Some(1.0);
    let series = farm.worker.series.clone();
    let worker = ScriptedWorker::connect_of(&farm.world, &config.json(), &series, slot).await;
    (worker, owner)
}

#[tokio::test]
async fn what_is_sent_back_is_refunded_and_earns_nobody_anything() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1-2", json!({})).await;
    farm.render(2, MINUTE).await;
    let operator = farm.world.operator().await;
    assert_eq!(farm.credits().await, amounts("98", "0"));
    assert_eq!(farm.points(operator).await, amounts("0", "20"));
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "5"));

    let sent_back: SentBackFrames = send_back(&farm.creator, job.id, "1").await.json();
    assert_eq!(sent_back.refunded_micros, micros("1"));
    let cost = sent_back.job.cost.unwrap();
    assert_eq!((cost.charged_micros, cost.charged_frames), (micros("1"), 1));
    assert_eq!(sent_back.job.mean_frame_ms, Some(60_000));
    // The minute that it takes again lies ready.
    assert_eq!(farm.credits().await, amounts("98", "1"));
    assert_eq!(farm.points(operator).await, amounts("0", "10"));
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "0"));

    let (second, owner) = another_worker(&farm, "second").await;
    farm.render_by(&second, 1, MINUTE).await;
    let job = farm.creator.job(job.id).await;
    assert_eq!(job.state, JobState::Done);
    assert_eq!(job.cost.unwrap().charged_frames, 2);
    assert_eq!(farm.credits().await, amounts("98", "0"));
    assert_eq!(farm.points(owner).await, amounts("0", "10"));
    assert_eq!(farm.points(operator).await, amounts("0", "10"));
    // Once, for what the job cost in the end.
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "5"));
    assert_eq!(farm.world.book_faults().await, [""; 0]);
    let entries = farm.creator.get("/api/v1/ledger/entries").await;
    let entries: Value = entries.json();
    let refund = entries["entries"].as_array().unwrap().iter();
    let refund = refund.filter(|entry| entry["kind"] == "refund");
    let inputs: Vec<_> = refund.map(|entry| &entry["inputs"]).collect();
    assert_eq!(inputs.len(), 1);
    assert_eq!(inputs[0]["sent_back"], "fireflies in the window");
}

#[tokio::test]
async fn what_is_settled_stays_and_then_the_frame_stays_paid() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1", json!({})).await;
    farm.render(1, MINUTE).await;
    let operator = farm.world.operator().await;
    farm.world.clock.advance(DAY + MINUTE);
    eventually("settled points", async || {
        let points = farm.points(operator).await;
        if points == amounts("10", "0") {
            Ok(())
        } else {
            Err(points)
        }
    })
    .await;
    let sent_back: SentBackFrames = send_back(&farm.creator, job.id, "1").await.json();
    assert_eq!(sent_back.refunded_micros, micros("0"));
    assert_eq!((sent_back.frames, sent_back.settled_frames), (1, 1));
    assert_eq!(farm.points(operator).await, amounts("10", "0"));
    let (second, _) = another_worker(&farm, "second").await;
    farm.render_by(&second, 1, MINUTE).await;
    assert_eq!(farm.credits().await, amounts("98", "0"));
    // Its creator earned for the job before, and not again.
    let points = farm.points(farm.creator_id).await;
    assert_eq!(
        points.available.get() + points.held.get(),
        micros("5").get()
    );
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn a_frame_that_cannot_be_paid_again_waits_for_credits() {
    let farm = Farm::with_credits(4).await;
    let job = farm.submit("1-2", json!({})).await;
    farm.render(1, MINUTE).await;
    // By this one, a frame costs more than the other gives back.
    farm.render(1, 3 * MINUTE).await;
    assert_eq!(farm.credits().await, amounts("0", "0"));
    let sent_back: SentBackFrames = send_back(&farm.creator, job.id, "1").await.json();
    assert_eq!(sent_back.refunded_micros, micros("1"));
    assert_eq!(sent_back.job.state, JobState::Paused);
    assert!(
        sent_back
            .job
            .reason
            .unwrap()
            .contains("credits are used up")
    );
    farm.world.give_credits(farm.creator_id, 5).await;
    let resume = format!("/api/v1/jobs/{}/resume", job.id);
    let resumed = farm.creator.post(&resume, &json!({})).await;
    assert_eq!(resumed.status, StatusCode::OK, "{resumed:?}");
    let (second, _) = another_worker(&farm, "second").await;
    farm.render_by(&second, 1, MINUTE).await;
    assert_eq!(farm.creator.job(job.id).await.state, JobState::Done);
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn a_frame_that_was_sent_back_is_refunded_once_however_often_that_is_asked_at_once() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1-5", json!({})).await;
    farm.render(5, MINUTE).await;
    let asks = (0..8).map(|_| send_back(&farm.creator, job.id, "1-3"));
    let answers = futures_util::future::join_all(asks).await;
    let refunded: i64 = answers
        .iter()
        .map(|answer| answer.json::<SentBackFrames>().refunded_micros.get())
        .sum();
    assert_eq!(refunded, micros("3").get());
    let credits = farm.world.balance(Book::Credits, farm.creator_id).await;
    assert_eq!(credits, amounts("95", "3"));
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}
