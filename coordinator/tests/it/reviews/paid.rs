//! What sending back does to credits and points.

use std::time::Duration;

use http::StatusCode;
use image::Rgb;
use pictor_coordinator::accounts::roles;
use pictor_coordinator::store::signals;
use pictor_protocol::agent::Outcome;
use pictor_protocol::job::JobState;
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::review::{SentBackFrames, SentBackState};
use pictor_protocol::{JobId, Micros, UserId};
use serde_json::{Value, json};

use super::{DAY, frame, send_back};
use crate::credits::{Farm, MINUTE, amounts, micros};
use crate::harness::client::Client;
use crate::harness::eventually;
use crate::harness::scenes::png_of;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn what_is_sent_back_is_refunded_and_earns_nobody_anything_once_another_picture_is_there() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1-2", json!({})).await;
    farm.render(2, MINUTE).await;
    let operator = farm.world.operator().await;
    assert_eq!(farm.credits().await, amounts("98", "0"));
    assert_eq!(farm.points(operator).await, amounts("0", "20"));
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "5"));

    let sent_back: SentBackFrames = send_back(&farm.creator, job.id, "1").await.json();
    assert_eq!(sent_back.refundable_micros, micros("1"));
    let cost = sent_back.job.cost.unwrap();
    assert_eq!((cost.charged_micros, cost.charged_frames), (micros("2"), 2));
    assert_eq!(sent_back.job.mean_frame_ms, Some(60_000));
    // The minute that it takes again lies ready, and nothing came back.
    assert_eq!(farm.credits().await, amounts("97", "1"));
    assert_eq!(farm.points(operator).await, amounts("0", "20"));
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "0"));
    assert_eq!(
        fate(&farm, job.id).await,
        (SentBackState::Open, micros("1"))
    );

    // The points would be due by now.
    farm.world.clock.advance(2 * DAY);
    let (second, owner) = another_worker(&farm, "second").await;
    make(&farm, &second, 50).await;
    let job = farm.creator.job(job.id).await;
    assert_eq!(job.state, JobState::Done);
    assert_eq!(job.cost.unwrap().charged_frames, 2);
    assert_eq!(farm.credits().await, amounts("98", "0"));
    assert_eq!(farm.points(owner).await, amounts("0", "10"));
    assert_eq!(earned(&farm, operator).await, micros("10"));
    // Once, for what the job cost in the end.
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "5"));
    assert_eq!(
        fate(&farm, job.id).await,
        (SentBackState::Replaced, micros("1"))
    );
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
async fn a_picture_that_shows_the_same_leaves_the_one_before_paid() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1", json!({})).await;
    farm.render(1, MINUTE).await;
    let operator = farm.world.operator().await;
    send_back(&farm.creator, job.id, "1").await;
    let (second, owner) = another_worker(&farm, "second").await;
    farm.render_by(&second, 1, MINUTE).await;
    assert_eq!(
        fate(&farm, job.id).await,
        (SentBackState::Same, micros("1"))
    );
    assert_eq!(farm.credits().await, amounts("98", "0"));
    assert_eq!(farm.points(owner).await, amounts("0", "10"));
    // Its points are due when they would have been.
    farm.world.clock.advance(DAY);
    until_settled(&farm, operator, "10").await;
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn what_is_sent_back_and_cancelled_stays_paid_and_earns_a_week_later() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1-2", json!({})).await;
    farm.render(2, MINUTE).await;
    let operator = farm.world.operator().await;
    send_back(&farm.creator, job.id, "1-2").await;
    let cancel = format!("/api/v1/jobs/{}/cancel", job.id);
    farm.creator.post(&cancel, &json!({})).await;
    assert_eq!(farm.credits().await, amounts("98", "0"));
    farm.world.clock.advance(2 * DAY);
    assert_eq!(farm.points(operator).await, amounts("0", "20"));
    farm.world.clock.advance(6 * DAY);
    until_settled(&farm, operator, "20").await;
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn a_picture_of_ones_own_making_brings_nothing_back() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1", json!({})).await;
    farm.render(1, MINUTE).await;
    send_back(&farm.creator, job.id, "1").await;
    roles::choose(
        &farm.world.store,
        farm.creator_id,
        &[Role::Creator, Role::WorkerOwner],
        0,
    )
    .await
    .unwrap();
    let script = farm.world.script_of("creator", &[Scope::Workers]).await;
    let own = worker_of(&farm, &script, "own").await;
    make(&farm, &own, 50).await;
    assert_eq!(farm.creator.job(job.id).await.state, JobState::Done);
    assert_eq!(fate(&farm, job.id).await, (SentBackState::Own, micros("1")));
    assert_eq!(farm.credits().await, amounts("99", "0"));
    let operator = farm.world.operator().await;
    assert_eq!(farm.points(operator).await, amounts("0", "10"));
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn what_is_settled_stays_and_then_the_frame_stays_paid() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1", json!({})).await;
    farm.render(1, MINUTE).await;
    let operator = farm.world.operator().await;
    farm.world.clock.advance(DAY + MINUTE);
    until_settled(&farm, operator, "10").await;
    let sent_back: SentBackFrames = send_back(&farm.creator, job.id, "1").await.json();
    assert_eq!(sent_back.refundable_micros, micros("0"));
    assert_eq!((sent_back.frames, sent_back.settled_frames), (1, 1));
    assert_eq!(farm.points(operator).await, amounts("10", "0"));
    let (second, _) = another_worker(&farm, "second").await;
    make(&farm, &second, 50).await;
    assert_eq!(farm.credits().await, amounts("98", "0"));
    assert_eq!(
        fate(&farm, job.id).await,
        (SentBackState::Settled, micros("1"))
    );
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
    farm.render(1, 3 * MINUTE).await;
    assert_eq!(farm.credits().await, amounts("0", "0"));
    let sent_back: SentBackFrames = send_back(&farm.creator, job.id, "1").await.json();
    assert_eq!(sent_back.refundable_micros, micros("1"));
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
    let refundable: i64 = answers
        .iter()
        .map(|answer| answer.json::<SentBackFrames>().refundable_micros.get())
        .sum();
    assert_eq!(refundable, micros("3").get());
    let (second, _) = another_worker(&farm, "second").await;
    for seed in 50..53 {
        make(&farm, &second, seed).await;
    }
    assert_eq!(farm.credits().await, amounts("95", "0"));
    let mut tx = farm.world.store.read().await.unwrap();
    let seen = signals::refunds(&mut tx, 0).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|of| (of.charged, of.refunded)).collect();
    assert_eq!(seen, [(8, 3)]);
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

/// Renders one frame in a minute: a picture of its own.
async fn make(farm: &Farm, worker: &ScriptedWorker, seed: u8) {
    let lease = worker.must_get_work().await;
    let (grant, rest) = lease.tasks.split_first().unwrap();
    for grant in rest {
        worker.hand_back(grant).await;
    }
    farm.world.clock.advance(MINUTE + Duration::from_millis(5));
    let picture = png_of(64, 64, |x, y| Rgb([x as u8 + seed, y as u8, 9]));
    let outcome = worker.finish_in(grant, &picture, 60_000).await;
    assert_eq!(outcome, Outcome::Accepted);
}

/// What became of the first picture of frame 1, and what it was charged.
async fn fate(farm: &Farm, job: JobId) -> (SentBackState, Micros) {
    let frame = frame(&farm.creator, job, 1).await;
    let picture = frame.history[0].sent_back.unwrap();
    (picture.state, picture.charged_micros)
}

async fn earned(farm: &Farm, of: UserId) -> Micros {
    let points = farm.points(of).await;
    Micros::new(points.available.get() + points.held.get())
}

async fn until_settled(farm: &Farm, of: UserId, points: &str) {
    eventually("settled points", async || {
        let have = farm.points(of).await;
        if have == amounts(points, "0") {
            Ok(())
        } else {
            Err(have)
        }
    })
    .await;
}

/// A worker of a newcomer, in a farm with an economy.
async fn another_worker(farm: &Farm, name: &str) -> (ScriptedWorker, UserId) {
    let owner = farm.world.person(name, &[Role::WorkerOwner]).await;
    let script = farm.world.script_of(name, &[Scope::Workers]).await;
    (worker_of(farm, &script, name).await, owner)
}

async fn worker_of(farm: &Farm, script: &Client, name: &str) -> ScriptedWorker {
    let config = script
        .post("/api/v1/workers", &json!({ "name": name }))
        .await;
    let mut slot = farm.worker.slots.clone();
    slot[0].score = Some(1.0);
    let series = farm.worker.series.clone();
    ScriptedWorker::connect_of(&farm.world, &config.json(), &series, slot).await
}
