//! What the network as a whole does and has, in statements that grow with workers and open jobs, never with frames.

use pictor_protocol::agent::Device;
use pictor_protocol::{JobId, UserId, WorkerId};
use serde::Deserialize;
use sqlx::FromRow;

use super::column::Json;
use super::workers::{WorkerRow, select_workers};
use super::{Result, Tx};

/// Counts an accepted frame.
pub async fn count_frame(tx: &mut Tx, hour: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO network_hours (hour, frames) VALUES ($1, 1) \
         ON CONFLICT (hour) DO UPDATE SET frames = network_hours.frames + 1",
        hour
    )?;
    Ok(())
}

#[derive(Debug, Clone, Copy, FromRow)]
pub struct FramesRow {
    pub hour: i64,
    pub frames: i64,
}

/// The hours from this one on in which frames were accepted, in order.
pub async fn frames_since(tx: &mut Tx, hour: i64) -> Result<Vec<FramesRow>> {
    fetch_all!(
        tx,
        FramesRow,
        "SELECT hour, frames FROM network_hours WHERE hour >= $1 ORDER BY hour",
        hour
    )
}

/// What a hello says of slots; the rest of it is long, and not looked at.
#[derive(Debug, Clone, Deserialize)]
pub struct Slots {
    #[serde(default)]
    pub slots: Vec<SlotModel>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct SlotModel {
    pub device: Device,
    pub name: String,
}

/// A worker that is online, and what it earned.
#[derive(Debug, FromRow)]
pub struct EarningWorker {
    #[sqlx(try_from = "String")]
    pub hello: Json<Slots>,
    /// In micros.
    pub earned: i64,
    pub seen_us: i64,
}

/// The workers that said something after `since_us`, with what they earned from an hour on and how long they were
/// there in that time.
pub async fn online(tx: &mut Tx, since_us: i64, hour: i64) -> Result<Vec<EarningWorker>> {
    fetch_all!(
        tx,
        EarningWorker,
        "SELECT hello, \
             CAST(COALESCE((SELECT SUM(amount) FROM worker_earnings \
                 WHERE worker_id = workers.id AND hour >= $2), 0) AS BIGINT) AS earned, \
             CAST(COALESCE((SELECT SUM(seen_us) FROM worker_hours \
                 WHERE worker_id = workers.id AND hour >= $2), 0) AS BIGINT) AS seen_us \
         FROM workers WHERE status = 'active' AND last_seen_us > $1 AND hello IS NOT NULL",
        since_us,
        hour
    )
}

/// How many slots hold frames.
pub async fn busy_slots(tx: &mut Tx) -> Result<i64> {
    let (busy,) = fetch_one!(
        tx,
        (i64,),
        "SELECT COUNT(*) FROM (SELECT DISTINCT worker_id, slot FROM attempts \
         WHERE status IN ('leased', 'stopping')) AS busy"
    )?;
    Ok(busy)
}

/// How long the latest frames waited that were handed out for the first time since then.
pub async fn waits(tx: &mut Tx, since_us: i64, limit: i64) -> Result<Vec<i64>> {
    let rows = fetch_all!(
        tx,
        (i64,),
        "SELECT leased_us - jobs.created_us FROM attempts JOIN jobs ON jobs.id = attempts.job_id \
         WHERE attempt = 1 AND leased_us > $1 ORDER BY leased_us DESC LIMIT $2",
        since_us,
        limit
    )?;
    Ok(rows.into_iter().map(|(wait_us,)| wait_us).collect())
}

/// A worker with its owner, as operators look at it.
#[derive(Debug, FromRow)]
pub struct OwnedWorkerRow {
    #[sqlx(flatten)]
    pub worker: WorkerRow,
    pub owner_name: String,
}

/// A job's owner.
#[derive(Debug, FromRow)]
pub struct OwnedJobRow {
    #[sqlx(try_from = "String")]
    pub id: JobId,
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    pub owner_name: String,
}

/// A text as operators search for it: a part of a name, or a whole id.
struct Sought {
    id: String,
    part: String,
}

impl Sought {
    fn new(text: &str) -> Self {
        Self {
            id: text.to_owned(),
            part: format!("%{}%", super::escape_like(&text.to_lowercase())),
        }
    }
}

/// Ids sort by time; "g" sorts after every hexadecimal digit.
fn or_last(before: Option<impl ToString>) -> String {
    before.map_or_else(|| "g".into(), |id| id.to_string())
}

/// Everybody's workers, the latest first; those that are called so, or whose owners are.
pub async fn workers_of_all(
    tx: &mut Tx,
    text: &str,
    before: Option<WorkerId>,
    limit: i64,
) -> Result<Vec<OwnedWorkerRow>> {
    let sought = Sought::new(text);
    fetch_all!(
        tx,
        OwnedWorkerRow,
        select_workers!(
            ", (SELECT users.name FROM users WHERE users.id = owner_id) AS owner_name",
            "WHERE id < $3 AND (id = $1 OR owner_id = $1 OR name_key LIKE $2 ESCAPE '!' \
                 OR owner_id IN (SELECT users.id FROM users WHERE LOWER(users.name) LIKE $2 ESCAPE '!')) \
             ORDER BY id DESC LIMIT $4"
        ),
        sought.id,
        sought.part,
        or_last(before),
        limit
    )
}

/// Everybody's jobs, the latest first; those that are called so, or whose owners are.
pub async fn jobs_of_all(
    tx: &mut Tx,
    text: &str,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<OwnedJobRow>> {
    let sought = Sought::new(text);
    fetch_all!(
        tx,
        OwnedJobRow,
        "SELECT jobs.id, owner_id, users.name AS owner_name FROM jobs JOIN users ON users.id = owner_id \
         WHERE jobs.id < $3 AND (jobs.id = $1 OR owner_id = $1 OR LOWER(jobs.name) LIKE $2 ESCAPE '!' \
             OR LOWER(users.name) LIKE $2 ESCAPE '!') \
         ORDER BY jobs.id DESC LIMIT $4",
        sought.id,
        sought.part,
        or_last(before),
        limit
    )
}

/// How many blobs there are, and their bytes.
pub async fn blobs(tx: &mut Tx) -> Result<(i64, i64)> {
    fetch_one!(
        tx,
        (i64, i64),
        "SELECT COUNT(*), CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM blobs"
    )
}
