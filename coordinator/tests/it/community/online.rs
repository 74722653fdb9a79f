//! Proofs of presence.

use pictor_coordinator::campaign::calendar::{HOUR_US, hour_of};
use pictor_coordinator::store::online;
use pictor_protocol::WorkerId;
use pictor_protocol::agent::Outcome;

use super::*;
use crate::harness::client::Client;
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn a_frame_of_somebody_elses_job_proves_that_a_slot_was_there() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect_scored(&world, "one", 1.0).await;
    let began = hour_of(now_us());
    // The worker is the operator's.
    let own = world.creator.clone();
    world.rendered(&worker, &own).await;
    assert_eq!(world.proofs_since(began, worker.id).await, [0_i64; 0]);

    let stranger = world.stranger("stranger").await;
    let job = world.rendered(&worker, &stranger).await;
    assert_eq!(world.proofs_since(began, worker.id).await, [0]);
    // Whoever takes the job away takes no proof.
    let gone = stranger.delete(&format!("/api/v1/jobs/{job}")).await;
    assert!(gone.status.is_success(), "{gone:?}");
    assert_eq!(world.proofs_since(began, worker.id).await, [0]);
}

#[tokio::test]
async fn a_worker_that_was_there_for_an_hour_and_rendered_earns_for_it() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect_scored(&world, "one", 2.0).await;
    let (owner, stranger) = (world.operator().await, world.stranger("stranger").await);
    let left_us = HOUR_US - world.clock.now_us().rem_euclid(HOUR_US);
    world.clock.advance(Duration::from_micros(left_us as u64));
    world.rendered(&worker, &stranger).await;
    let campaign = world.campaign_of(DEFAULT).await;
    // It says something every 80 s, for 58 minutes and 40 seconds.
    for _ in 0..44 {
        world.clock.advance(Duration::from_secs(80));
        worker.report(worker.empty()).await;
    }
    world.clock.advance(Duration::from_secs(600));
    let held = eventually("points for the hour", async || {
        let has = world.has(&campaign, owner).await;
        if has.held > Micros::ZERO {
            Ok(has)
        } else {
            Err(has)
        }
    });
    let held = held.await;
    assert_eq!((held.held.get(), held.available.get()), (20_000_000, 0));

    // The next hour it is silent.
    world.clock.advance(DAY + Duration::from_secs(3_600));
    let settled = eventually("points that are settled", async || {
        let has = world.has(&campaign, owner).await;
        if has.held == Micros::ZERO {
            Ok(has)
        } else {
            Err(has)
        }
    });
    assert_eq!(settled.await.available.get(), 20_000_000);
    world.assert_sound().await;
}

impl World {
    /// A frame of a new job, rendered by the worker.
    async fn rendered(&self, worker: &ScriptedWorker, creator: &Client) -> pictor_protocol::JobId {
        let job = creator.submit("1").await;
        let lease = worker.must_get_work().await;
        let outcome = worker.finish(&lease.tasks[0], &png(1)).await;
        assert_eq!(outcome, Outcome::Accepted);
        job.id
    }

    /// The slots with proofs in this hour, or in the one that began meanwhile.
    async fn proofs_since(&self, hour: i64, worker: WorkerId) -> Vec<i64> {
        let mut tx = self.store.read().await.unwrap();
        let mut slots = Vec::new();
        for hour in hour..=hour_of(now_us()) {
            let proofs = online::proofs(&mut tx, worker, hour).await.unwrap();
            slots.extend(proofs.iter().map(|proof| proof.slot));
        }
        slots
    }
}
