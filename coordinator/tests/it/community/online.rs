//! Proofs of presence.

use pictor_coordinator::campaign::calendar::hour_of;
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
            slots.extend(online::proofs(&mut tx, worker, hour).await.unwrap());
        }
        slots
    }
}
