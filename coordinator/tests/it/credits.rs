//! What jobs cost and rendering earns, through the API.
//!
//! By the default rules a reference minute costs a credit and earns ten points. The tests' worker has the score 1,
//! so what it says that a frame took is what the reference machine takes.

use std::time::Duration;

use http::StatusCode;
use pictor_coordinator::ledger::{Balance, Book};
use pictor_coordinator::store::standing;
use pictor_protocol::job::{Job, JobEstimate, JobState};
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{CampaignId, Micros, UserId};
use serde_json::{Value, json};

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::scenes;
use crate::harness::worker::ScriptedWorker;

pub const MINUTE: Duration = Duration::from_secs(60);

/// A coordinator with rules, a creator with credits, and a worker of somebody else.
pub struct Farm {
    pub world: World,
    campaign: CampaignId,
    pub creator: Client,
    pub creator_id: UserId,
    pub worker: ScriptedWorker,
    scene: String,
}

impl Farm {
    pub async fn with_credits(credits: i64) -> Self {
        // The tests' clock runs ahead of leases.
        let world = World::start_with(|config| config.lease_ttl = 1_000 * MINUTE).await;
        let campaign = world.economy(&[]).await.id;
        let creator_id = world.person("creator", &[Role::Creator]).await;
        let creator = world.script_of("creator", &[Scope::Jobs]).await;
        if credits > 0 {
            world.give_credits(creator_id, credits).await;
        }
        let worker = ScriptedWorker::connect_scored(&world, "far away", 1.0).await;
        let scene = creator.scene(&scenes::sample()).await.id.to_string();
        Self {
            world,
            campaign,
            creator,
            creator_id,
            worker,
            scene,
        }
    }

    fn job(&self, frames: &str, more: Value) -> Value {
        // 64 × 64 pixels with 8 samples are guessed to take about 600 ms.
        let mut job = json!({
            "scene": self.scene,
            "frames": frames,
            "settings": { "engine": "CYCLES", "width": 64, "height": 64, "samples": 8 },
        });
        job.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        job
    }

    pub async fn submit(&self, frames: &str, more: Value) -> Job {
        self.creator.submit_with(&self.job(frames, more)).await
    }

    /// Renders so many frames that took so long each.
    pub async fn render(&self, frames: usize, took: Duration) {
        self.render_by(&self.worker, frames, took).await;
    }

    pub async fn render_by(&self, worker: &ScriptedWorker, frames: usize, took: Duration) {
        let picture = scenes::png_of(64, 64, |x, y| image::Rgb([x as u8, y as u8, 9]));
        let mut left = frames;
        while left > 0 {
            let lease = worker.must_get_work().await;
            for grant in &lease.tasks {
                if left == 0 {
                    worker.hand_back(grant).await;
                    continue;
                }
                self.world.clock.advance(took + Duration::from_millis(5));
                worker
                    .finish_in(grant, &picture, took.as_millis() as i64)
                    .await;
                left -= 1;
            }
        }
    }

    pub async fn credits(&self) -> Balance {
        self.world.balance(Book::Credits, self.creator_id).await
    }

    pub async fn points(&self, of: UserId) -> Balance {
        self.world.balance(Book::Points(self.campaign), of).await
    }
}

pub fn amounts(available: &str, held: &str) -> Balance {
    Balance {
        available: micros(available),
        held: micros(held),
    }
}

pub fn micros(amount: &str) -> Micros {
    amount.parse().unwrap()
}

#[tokio::test]
async fn where_there_are_no_rules_rendering_costs_and_earns_nothing() {
    let world = World::start().await;
    let scene = world.creator.scene(&scenes::sample()).await.id;
    let new = json!({ "scene": scene, "frames": "1-3" });
    let estimate = world.creator.post("/api/v1/jobs/estimate", &new).await;
    assert_eq!(estimate.json::<Option<JobEstimate>>(), None);
    assert_eq!(world.creator.submit_with(&new).await.cost, None);
}

#[tokio::test]
async fn a_job_pays_for_its_frames_and_gets_back_what_is_left() {
    let farm = Farm::with_credits(100).await;
    let new = farm.job("1-4", json!({}));
    let estimate = farm.creator.post("/api/v1/jobs/estimate", &new).await;
    let estimate = estimate.json::<Option<JobEstimate>>().unwrap();
    assert_eq!(estimate.frames, 4);
    assert_eq!(
        farm.credits().await,
        amounts("100", "0"),
        "an estimate costs nothing"
    );

    let job = farm.submit("1-4", json!({})).await;
    let cost = job.cost.unwrap();
    assert_eq!(cost.reserved_micros, estimate.estimate_micros);
    assert!(!cost.is_measured);

    // Much longer than it was guessed: the reserve follows.
    farm.render(1, MINUTE).await;
    let cost = farm.creator.job(job.id).await.cost.unwrap();
    assert!(cost.is_measured);
    assert_eq!(cost.frame_reference_ms, 60_000);
    assert_eq!(cost.charged_micros, micros("1"));
    assert_eq!(cost.reserved_micros, micros("3"));
    assert_eq!(cost.estimate_micros, micros("4"));
    assert_eq!(farm.credits().await, amounts("96", "3"));

    farm.render(3, MINUTE / 2).await;
    let job = farm.creator.job(job.id).await;
    assert_eq!(job.state, JobState::Done);
    assert_eq!(job.cost.unwrap().charged_micros, micros("2.5"));
    assert_eq!(farm.credits().await, amounts("97.5", "0"));
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn whoever_rendered_and_whoever_submitted_earn_and_both_wait() {
    let farm = Farm::with_credits(100).await;
    farm.submit("1-2", json!({})).await;
    farm.render(1, MINUTE).await;
    let owner = farm.world.operator().await;
    assert_eq!(farm.points(owner).await, amounts("0", "10"));
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "0"));
    farm.render(1, MINUTE).await;
    assert_eq!(farm.points(owner).await, amounts("0", "20"));
    // Two credits were spent; a job earns five points at least.
    assert_eq!(farm.points(farm.creator_id).await, amounts("0", "5"));
}

#[tokio::test]
async fn nobody_is_paid_for_more_time_than_the_lease_was_theirs() {
    let farm = Farm::with_credits(100).await;
    let job = farm.submit("1", json!({})).await;
    let lease = farm.worker.must_get_work().await;
    farm.world.clock.advance(MINUTE / 60);
    let picture = scenes::png_of(64, 64, |x, y| image::Rgb([x as u8, y as u8, 9]));
    farm.worker
        .finish_in(&lease.tasks[0], &picture, 3_600_000)
        .await;
    let cost = farm.creator.job(job.id).await.cost.unwrap();
    assert!(cost.charged_micros < micros("0.1"), "{cost:?}");
}

#[tokio::test]
async fn ones_own_workers_render_ones_own_jobs_for_nothing_and_earn_nothing() {
    let farm = Farm::with_credits(0).await;
    let operator = farm.world.operator().await;
    farm.world.give_credits(operator, 10).await;
    let scene = farm.world.creator.scene(&scenes::sample()).await.id;
    let mut new = farm.job("1-2", json!({}));
    new["scene"] = json!(scene);
    let job = farm.world.creator.submit_with(&new).await;
    farm.render(2, MINUTE).await;
    let job = farm.world.creator.job(job.id).await;
    assert_eq!(job.state, JobState::Done);
    let cost = job.cost.unwrap();
    assert_eq!((cost.charged_frames, cost.free_frames), (0, 2));
    assert_eq!(
        farm.world.balance(Book::Credits, operator).await,
        amounts("10", "0")
    );
    assert_eq!(farm.points(operator).await, amounts("0", "0"));
}

#[tokio::test]
async fn a_job_whose_first_frames_cannot_be_paid_is_refused_and_not_stored() {
    let farm = Farm::with_credits(0).await;
    let refused = farm
        .creator
        .post("/api/v1/jobs", &farm.job("1-9", json!({})))
        .await;
    let problem = refused.problem(ProblemKind::NotEnoughCredits);
    assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED);
    assert!(problem.detail.unwrap().contains("0 are available"));
    let jobs = farm.creator.get("/api/v1/jobs").await.json::<Value>();
    assert_eq!(jobs["jobs"], json!([]));
}

#[tokio::test]
async fn a_job_that_used_its_credits_up_waits_and_goes_on_with_new_ones() {
    let farm = Farm::with_credits(2).await;
    let job = farm.submit("1-4", json!({})).await;
    farm.render(2, MINUTE).await;
    let paused = farm.creator.job(job.id).await;
    assert_eq!(paused.state, JobState::Paused);
    assert!(paused.reason.unwrap().contains("credits are used up"));
    let resume = format!("/api/v1/jobs/{}/resume", job.id);
    let refused = farm.creator.post(&resume, &json!({})).await;
    refused.problem(ProblemKind::NotEnoughCredits);

    farm.world.give_credits(farm.creator_id, 5).await;
    assert_eq!(
        farm.creator.post(&resume, &json!({})).await.status,
        StatusCode::OK
    );
    farm.render(2, MINUTE).await;
    assert_eq!(farm.creator.job(job.id).await.state, JobState::Done);
    assert_eq!(farm.credits().await, amounts("3", "0"));
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn a_spend_cap_is_never_exceeded_and_can_be_raised() {
    let farm = Farm::with_credits(100).await;
    let job = farm
        .submit("1-4", json!({ "spend_cap_micros": 1_500_000 }))
        .await;
    farm.render(1, MINUTE).await;
    let paused = farm.creator.job(job.id).await;
    assert_eq!(paused.state, JobState::Paused);
    assert!(paused.reason.unwrap().contains("spend cap is reached"));
    assert_eq!(farm.credits().await, amounts("98.5", "0.5"));

    let cap = format!("/api/v1/jobs/{}/spend-cap", job.id);
    let refused = farm
        .creator
        .post(&cap, &json!({ "spend_cap_micros": -1 }))
        .await;
    refused.problem(ProblemKind::Invalid);
    let raised = farm
        .creator
        .post(&cap, &json!({ "spend_cap_micros": 4_000_000 }))
        .await;
    assert_eq!(raised.status, StatusCode::OK);
    let resumed = farm
        .creator
        .post(&format!("/api/v1/jobs/{}/resume", job.id), &json!({}))
        .await;
    assert_eq!(resumed.status, StatusCode::OK);
    assert_eq!(farm.credits().await, amounts("96", "3"));
    farm.render(3, MINUTE).await;
    assert_eq!(farm.creator.job(job.id).await.state, JobState::Done);
    assert_eq!(farm.credits().await, amounts("96", "0"));
}

#[tokio::test]
async fn what_was_set_aside_comes_back_when_a_job_is_cancelled_or_deleted() {
    let farm = Farm::with_credits(100).await;
    let cancelled = farm.submit("1-4", json!({})).await;
    let deleted = farm.submit("1-4", json!({})).await;
    assert!(farm.credits().await.held > Micros::ZERO);
    let cancel = format!("/api/v1/jobs/{}/cancel", cancelled.id);
    assert_eq!(
        farm.creator.post(&cancel, &json!({})).await.status,
        StatusCode::OK
    );
    farm.creator
        .delete(&format!("/api/v1/jobs/{}", deleted.id))
        .await;
    assert_eq!(farm.credits().await, amounts("100", "0"));
    // Rendered again, it is paid for again.
    let retry = format!("/api/v1/jobs/{}/retry", cancelled.id);
    assert_eq!(
        farm.creator.post(&retry, &json!({})).await.status,
        StatusCode::OK
    );
    assert!(farm.credits().await.held > Micros::ZERO);
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn jobs_that_are_submitted_at_once_never_reserve_more_than_there_is() {
    let farm = Farm::with_credits(1).await;
    // Each needs about 0.03 credits for its test frames, and wants about 0.5.
    let new = farm.job("1-50", json!({}));
    let submits = (0..32).map(|_| farm.creator.post("/api/v1/jobs", &new));
    let answers = futures_util::future::join_all(submits).await;
    let accepted = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED);
    let accepted = accepted.count();
    assert!((1..32).contains(&accepted), "{accepted}");
    let now = farm.credits().await;
    assert_eq!(now.available.get() + now.held.get(), Micros::PER_ONE);
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_minted_between_accounts_of_one_person() {
    let farm = Farm::with_credits(100).await;
    let operator = farm.world.operator().await;
    let mut tx = farm.world.store.write().await.unwrap();
    for user in [farm.creator_id, operator] {
        // Both signed in with the same identity.
        standing::add_trace(&mut tx, "hash", user).await.unwrap();
    }
    tx.commit().await.unwrap();
    let job = farm.submit("1-2", json!({})).await;
    farm.render(2, MINUTE).await;
    let done = |job: &Job| job.state == JobState::Done;
    farm.creator.until(job.id, "done", done).await;
    for user in [farm.creator_id, operator] {
        assert_eq!(farm.points(user).await, amounts("0", "0"));
    }
    assert_eq!(farm.world.book_faults().await, [""; 0]);
}
