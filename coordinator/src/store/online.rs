//! Proofs of presence, and the hours that were judged by them.

use pictor_protocol::agent::Hello;
use pictor_protocol::{Micros, TaskId, UserId, WorkerId};
use sqlx::FromRow;

use super::column::MaybeJson;
use super::workers::WorkerStatus;
use super::{Result, Tx};

/// Notes that a slot was there, because an output that it rendered was accepted. A frame of its owner's own job
/// proves nothing.
pub async fn proven_by_frame(tx: &mut Tx, task: TaskId, attempt: u32, hour: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO presence_proofs (hour, worker_id, slot) \
         SELECT $3, workers.id, attempts.slot FROM attempts \
             JOIN workers ON workers.id = attempts.worker_id JOIN jobs ON jobs.id = attempts.job_id \
         WHERE task_id = $1 AND attempts.attempt = $2 AND workers.owner_id <> jobs.owner_id \
         ON CONFLICT (hour, worker_id, slot) DO UPDATE SET borne_out = NULL",
        task.to_string(),
        i64::from(attempt),
        hour
    )?;
    Ok(())
}

/// Notes that a slot was there, because it passed a challenge that bore this score out. A proof that is worth more
/// stays.
pub async fn proven_by_challenge(
    tx: &mut Tx,
    worker: WorkerId,
    slot: i64,
    hour: i64,
    borne_out: Micros,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO presence_proofs (hour, worker_id, slot, borne_out) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (hour, worker_id, slot) DO UPDATE SET borne_out = excluded.borne_out \
         WHERE presence_proofs.borne_out < excluded.borne_out",
        hour,
        worker.to_string(),
        slot,
        borne_out.get()
    )?;
    Ok(())
}

/// A proof, as the tests give it.
#[cfg(test)]
pub async fn prove(tx: &mut Tx, worker: WorkerId, slot: i64, hour: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO presence_proofs (hour, worker_id, slot) VALUES ($1, $2, $3)",
        hour,
        worker.to_string(),
        slot
    )?;
    Ok(())
}

/// That a slot was there in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct ProofRow {
    pub slot: i64,
    /// The score that a challenge bore out, in micros; none where an accepted frame is the proof.
    pub borne_out: Option<i64>,
}

/// The slots of a worker that gave a proof in an hour.
pub async fn proofs(tx: &mut Tx, worker: WorkerId, hour: i64) -> Result<Vec<ProofRow>> {
    fetch_all!(
        tx,
        ProofRow,
        "SELECT slot, borne_out FROM presence_proofs WHERE hour = $1 AND worker_id = $2 ORDER BY slot",
        hour,
        worker.to_string()
    )
}

/// A worker that was heard of in an hour.
#[derive(Debug, Clone, FromRow)]
pub struct PresentRow {
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    #[sqlx(try_from = "String")]
    pub status: WorkerStatus,
    pub seen_us: i64,
    #[sqlx(try_from = "Option<String>")]
    pub hello: MaybeJson<Hello>,
}

/// The workers with a proof in an hour, in the order of their ids, after one of them.
pub async fn with_proofs(
    tx: &mut Tx,
    hour: i64,
    after: Option<WorkerId>,
    limit: i64,
) -> Result<Vec<PresentRow>> {
    fetch_all!(
        tx,
        PresentRow,
        "SELECT worker_hours.worker_id, owner_id, status, seen_us, hello \
         FROM worker_hours JOIN workers ON workers.id = worker_hours.worker_id \
         WHERE worker_hours.hour = $1 AND worker_hours.worker_id > $2 AND EXISTS (\
             SELECT 1 FROM presence_proofs AS p \
             WHERE p.hour = worker_hours.hour AND p.worker_id = worker_hours.worker_id) \
         ORDER BY worker_hours.worker_id LIMIT $3",
        hour,
        after.map_or_else(String::new, |worker| worker.to_string()),
        limit
    )
}

/// The first hour before `until` that has proofs and was not judged.
pub async fn unjudged(tx: &mut Tx, until: i64) -> Result<Option<i64>> {
    let (hour,) = fetch_one!(
        tx,
        (Option<i64>,),
        "SELECT MIN(hour) FROM presence_proofs \
         WHERE hour < $1 AND hour > (SELECT COALESCE(MAX(hour), -1) FROM judged_hours)",
        until
    )?;
    Ok(hour)
}

/// Notes that an hour was judged, and those before it with it.
pub async fn judged(tx: &mut Tx, hour: i64, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO judged_hours (hour, judged_us) VALUES ($1, $2) ON CONFLICT (hour) DO NOTHING",
        hour,
        now_us
    )?;
    Ok(())
}

/// Forgets the proofs of every hour before this one.
pub async fn forget_before(tx: &mut Tx, hour: i64) -> Result<u64> {
    execute!(tx, "DELETE FROM presence_proofs WHERE hour < $1", hour)
}
