//! What sending back does to credits and points.

use http::StatusCode;
use pictor_coordinator::ledger::Book;
use pictor_coordinator::store::signals;
use pictor_protocol::UserId;
use pictor_protocol::job::JobState;
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::review::SentBackFrames;
use serde_json::{Value, json};

use super::{DAY, send_back};
use crate::credits::{Farm, MINUTE, amounts, micros};
use crate::harness::eventually;
use crate::harness::worker::ScriptedWorker;

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
    let mut tx = farm.world.store.read().await.unwrap();
    let seen = signals::refunds(&mut tx, 0).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|of| (of.charged, of.refunded)).collect();
    assert_eq!(seen, [(5, 3)]);
    assert_eq!(farm.world.book_faults().await, [""; 0]);
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
