//! What the choice of work needs to know, in a few small queries; none of them grows with the number of
//! frames of a job.

use pictor_protocol::agent::Hello;
use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::job::RenderPlan;
use pictor_protocol::schedule::Schedule;
use pictor_protocol::{BlobHash, JobId, SceneId, UserId, WorkerId};
use serde::Deserialize;
use sqlx::FromRow;

use super::column::{Json, Maybe, MaybeJson};
use super::{Result, Tx};
use crate::dispatch::ability::{Ability, Equipment};
use crate::dispatch::missing::Need;

/// An open job, as dispatch sees it.
#[derive(Debug, FromRow)]
pub struct OpenJob {
    #[sqlx(try_from = "String")]
    pub id: JobId,
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    #[sqlx(try_from = "String")]
    pub scene_id: SceneId,
    #[sqlx(try_from = "String")]
    pub content: BlobHash,
    #[sqlx(try_from = "i64")]
    pub priority: u8,
    #[sqlx(try_from = "String")]
    pub blender: BlenderWanted,
    #[sqlx(try_from = "String")]
    pub file_series: Series,
    #[sqlx(try_from = "Option<String>")]
    pub runtime: Maybe<Series>,
    #[sqlx(try_from = "String")]
    pub plan: Json<RenderPlan>,
    /// Queued frames that the asking worker may have: not those whose picture by it was sent back.
    #[sqlx(try_from = "i64")]
    pub queued: u32,
    pub done: i64,
    pub render_ms: i64,
    /// Done frames of slots with a score, and what the reference machine would have taken for them.
    pub scored: i64,
    pub reference_ms: i64,
    /// The asking worker's own record on this job.
    pub done_here: i64,
    pub render_ms_here: i64,
    pub failed_here: i64,
}

/// Every job that runs and is not finished, with `worker`'s record on it.
pub async fn open_jobs(tx: &mut Tx, worker: WorkerId) -> Result<Vec<OpenJob>> {
    fetch_all!(
        tx,
        OpenJob,
        "SELECT jobs.id, jobs.owner_id, jobs.scene_id, scenes.content, priority, blender, file_series, \
             runtime, plan, \
             queued - (SELECT COUNT(DISTINCT tasks.id) FROM send_backs JOIN tasks ON tasks.id = task_id \
                       WHERE send_backs.job_id = jobs.id AND send_backs.worker_id = $1 \
                         AND tasks.status = 'queued') AS queued, \
             jobs.done, jobs.render_ms, scored, reference_ms, \
             COALESCE(here.done, 0) AS done_here, COALESCE(here.render_ms, 0) AS render_ms_here, \
             COALESCE(here.failed, 0) AS failed_here \
         FROM jobs JOIN scenes ON scenes.id = jobs.scene_id \
         LEFT JOIN job_workers AS here ON here.job_id = jobs.id AND here.worker_id = $1 \
         WHERE intent = 'run' AND queued + leased > 0 ORDER BY jobs.id",
        worker.to_string()
    )
}

/// A job that runs and is not finished, as whoever waits for work sees it.
#[derive(Debug, FromRow)]
pub struct WaitingJob {
    #[sqlx(try_from = "String")]
    pub id: JobId,
    #[sqlx(try_from = "String")]
    pub blender: BlenderWanted,
    #[sqlx(try_from = "String")]
    pub file_series: Series,
    #[sqlx(try_from = "Option<String>")]
    pub runtime: Maybe<Series>,
    #[sqlx(try_from = "String")]
    pub plan: Json<RenderPlan>,
    #[sqlx(try_from = "i64")]
    pub queued: u32,
    pub leased: i64,
}

pub async fn waiting(tx: &mut Tx) -> Result<Vec<WaitingJob>> {
    fetch_all!(
        tx,
        WaitingJob,
        "SELECT id, blender, file_series, runtime, plan, queued, leased FROM jobs \
         WHERE intent = 'run' AND queued + leased > 0 ORDER BY id"
    )
}

/// Which workers, of an owner or of everybody, failed which open jobs.
pub async fn failed_by(tx: &mut Tx, owner: Option<UserId>) -> Result<Vec<(WorkerId, JobId)>> {
    #[derive(FromRow)]
    struct Failed {
        #[sqlx(try_from = "String")]
        worker_id: WorkerId,
        #[sqlx(try_from = "String")]
        job_id: JobId,
    }
    let rows = fetch_all!(
        tx,
        Failed,
        "SELECT worker_id, job_id FROM jobs JOIN job_workers ON job_id = jobs.id \
         JOIN workers ON workers.id = worker_id \
         WHERE intent = 'run' AND queued + leased > 0 AND job_workers.failed > 0 \
             AND ($1 = '' OR workers.owner_id = $1)",
        owner.map_or_else(String::new, |owner| owner.to_string())
    )?;
    let failed = rows.into_iter().map(|row| (row.worker_id, row.job_id));
    Ok(failed.collect())
}

/// How many leases each creator has running.
pub async fn leases_by_owner(tx: &mut Tx) -> Result<Vec<(UserId, u32)>> {
    #[derive(FromRow)]
    struct Running {
        #[sqlx(try_from = "String")]
        owner_id: UserId,
        leases: i64,
    }
    let rows = fetch_all!(
        tx,
        Running,
        "SELECT owner_id, COUNT(DISTINCT lease_id) AS leases \
         FROM attempts JOIN jobs ON jobs.id = attempts.job_id \
         WHERE attempts.status IN ('leased', 'stopping') \
         GROUP BY owner_id"
    )?;
    Ok(rows
        .into_iter()
        .map(|row| (row.owner_id, row.leases as u32))
        .collect())
}

/// A worker that is there and that nobody stopped.
#[derive(Debug, FromRow)]
pub struct OnlineWorker {
    #[sqlx(try_from = "String")]
    pub id: WorkerId,
    #[sqlx(try_from = "String")]
    pub series: Json<Vec<Series>>,
    #[sqlx(try_from = "String")]
    pub abilities: Json<Vec<Ability>>,
    #[sqlx(try_from = "Option<String>")]
    pub schedule: MaybeJson<Schedule>,
}

impl OnlineWorker {
    /// How many slots it has.
    pub fn slots(&self) -> usize {
        self.abilities.0.len()
    }

    pub fn equipment(&self) -> Equipment<'_> {
        Equipment {
            series: &self.series.0,
            slots: &self.abilities.0,
        }
    }
}

/// Workers that said something after `since_us`, whatever their hours.
pub async fn online(tx: &mut Tx, since_us: i64) -> Result<Vec<OnlineWorker>> {
    fetch_all!(
        tx,
        OnlineWorker,
        "SELECT id, series, abilities, schedule FROM workers \
         WHERE status = 'active' AND last_seen_us > $1 AND abilities <> '[]'",
        since_us
    )
}

/// What tells whether a worker of [`online`] is still what it was: all else of it comes with its hello.
#[derive(Debug, FromRow)]
pub struct OnlineMark {
    #[sqlx(try_from = "String")]
    pub id: WorkerId,
    pub name: String,
    pub hello_us: Option<i64>,
    #[sqlx(try_from = "Option<String>")]
    pub schedule: MaybeJson<Schedule>,
}

/// The workers of [`online`].
pub async fn online_marks(tx: &mut Tx, since_us: i64) -> Result<Vec<OnlineMark>> {
    fetch_all!(
        tx,
        OnlineMark,
        "SELECT id, name, hello_us, schedule FROM workers \
         WHERE status = 'active' AND last_seen_us > $1 AND abilities <> '[]' ORDER BY id",
        since_us
    )
}

/// What the jobs with queued frames can be rendered with, each answer once.
pub async fn needs(tx: &mut Tx) -> Result<Vec<Need>> {
    #[derive(FromRow)]
    struct Needing {
        #[sqlx(try_from = "Option<String>")]
        runtime: Maybe<Series>,
        #[sqlx(try_from = "String")]
        blender: BlenderWanted,
        #[sqlx(try_from = "String")]
        file_series: Series,
    }
    let rows = fetch_all!(
        tx,
        Needing,
        "SELECT DISTINCT runtime, blender, file_series FROM jobs WHERE intent = 'run' AND queued > 0 \
         ORDER BY runtime, blender, file_series"
    )?;
    let need = |row: Needing| Need {
        runtime: row.runtime.0,
        wanted: row.blender,
        file: row.file_series,
    };
    Ok(rows.into_iter().map(need).collect())
}

/// A worker that may be told to install a Blender, with all that it said of itself.
#[derive(Debug, FromRow)]
pub struct InstallerRow {
    #[sqlx(try_from = "String")]
    pub id: WorkerId,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub series: Json<Vec<Series>>,
    #[sqlx(try_from = "String")]
    pub abilities: Json<Vec<Ability>>,
    #[sqlx(try_from = "Option<String>")]
    pub hello: MaybeJson<Hello>,
    pub hello_us: Option<i64>,
}

/// The workers of [`online`], for whoever has to read their hellos.
pub async fn installers(tx: &mut Tx, since_us: i64) -> Result<Vec<InstallerRow>> {
    fetch_all!(
        tx,
        InstallerRow,
        "SELECT id, name, series, abilities, hello, hello_us FROM workers \
         WHERE status = 'active' AND last_seen_us > $1 AND abilities <> '[]' ORDER BY id",
        since_us
    )
}

/// Every series that a worker has or can install which ever said hello and is not retired.
pub async fn known_series(tx: &mut Tx) -> Result<Vec<Series>> {
    #[derive(FromRow)]
    struct Known {
        #[sqlx(try_from = "String")]
        series: Json<Vec<Series>>,
        #[sqlx(try_from = "Option<String>")]
        hello: MaybeJson<Offered>,
    }
    /// The rest of a hello says nothing about Blender versions.
    #[derive(Deserialize)]
    struct Offered {
        #[serde(default)]
        installable: Vec<Series>,
    }
    let rows = fetch_all!(
        tx,
        Known,
        "SELECT series, hello FROM workers WHERE status <> 'retired' AND hello IS NOT NULL"
    )?;
    let mut known: Vec<Series> = Vec::new();
    for row in rows {
        known.extend(row.series.0);
        known.extend(row.hello.0.into_iter().flat_map(|it| it.installable));
    }
    Ok(known)
}

/// A slot that holds frames of a job, and its worker's record on the job.
#[derive(Debug, FromRow)]
pub struct HoldingSlot {
    #[sqlx(try_from = "i64")]
    pub slot: u16,
    #[sqlx(try_from = "String")]
    pub abilities: Json<Vec<Ability>>,
    pub done_here: i64,
    pub render_ms_here: i64,
}

pub async fn holding_slots(tx: &mut Tx, job: JobId) -> Result<Vec<HoldingSlot>> {
    fetch_all!(
        tx,
        HoldingSlot,
        "SELECT held.slot, abilities, COALESCE(here.done, 0) AS done_here, \
             COALESCE(here.render_ms, 0) AS render_ms_here \
         FROM (SELECT DISTINCT worker_id, slot FROM attempts \
               WHERE job_id = $1 AND status IN ('leased', 'stopping')) AS held \
         JOIN workers ON workers.id = held.worker_id \
         LEFT JOIN job_workers AS here ON here.job_id = $1 AND here.worker_id = held.worker_id",
        job.to_string()
    )
}

/// Workers that failed a frame of a job.
pub async fn failed_workers(tx: &mut Tx, job: JobId) -> Result<Vec<WorkerId>> {
    workers_where_failed(tx, job, false).await
}

/// Workers that found a fault in the scene or the settings of a job.
pub async fn faulting_workers(tx: &mut Tx, job: JobId) -> Result<Vec<WorkerId>> {
    workers_where_failed(tx, job, true).await
}

async fn workers_where_failed(tx: &mut Tx, job: JobId, faulted: bool) -> Result<Vec<WorkerId>> {
    #[derive(FromRow)]
    struct Failing {
        #[sqlx(try_from = "String")]
        worker_id: WorkerId,
    }
    let rows = fetch_all!(
        tx,
        Failing,
        "SELECT worker_id FROM job_workers WHERE job_id = $1 AND failed > 0 AND faulted >= $2",
        job.to_string(),
        i64::from(faulted)
    )?;
    Ok(rows.into_iter().map(|row| row.worker_id).collect())
}

/// What an attempt adds to its worker's record on a job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    pub done: i64,
    pub failed: i64,
    pub render_ms: i64,
    pub faulted: bool,
}

pub async fn add_record(tx: &mut Tx, job: JobId, worker: WorkerId, add: Record) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO job_workers (job_id, worker_id, done, failed, render_ms, faulted) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (job_id, worker_id) DO UPDATE SET done = job_workers.done + excluded.done, \
             failed = job_workers.failed + excluded.failed, \
             render_ms = job_workers.render_ms + excluded.render_ms, \
             faulted = job_workers.faulted + excluded.faulted",
        job.to_string(),
        worker.to_string(),
        add.done,
        add.failed,
        add.render_ms,
        i64::from(add.faulted)
    )?;
    Ok(())
}

/// What all workers together did on a job.
#[derive(Debug, FromRow)]
pub struct Totals {
    pub done: i64,
    pub failed: i64,
}

pub async fn totals(tx: &mut Tx, job: JobId) -> Result<Totals> {
    fetch_one!(
        tx,
        Totals,
        "SELECT COALESCE(SUM(done), 0) AS done, COALESCE(SUM(failed), 0) AS failed \
         FROM job_workers WHERE job_id = $1",
        job.to_string()
    )
}

/// Forgets who failed a job: its creator says that it is worth another try.
pub async fn forgive(tx: &mut Tx, job: JobId) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_workers SET failed = 0, faulted = 0 WHERE job_id = $1",
        job.to_string()
    )?;
    Ok(())
}

/// How much there is to do.
#[derive(Debug, FromRow)]
pub struct OpenFrames {
    pub jobs: i64,
    pub queued: i64,
    pub leased: i64,
}

pub async fn open_frames(tx: &mut Tx) -> Result<OpenFrames> {
    fetch_one!(
        tx,
        OpenFrames,
        "SELECT COUNT(*) AS jobs, COALESCE(SUM(queued), 0) AS queued, COALESCE(SUM(leased), 0) AS leased \
         FROM jobs WHERE intent = 'run' AND queued + leased > 0"
    )
}

/// Whether any job runs and is not finished.
pub async fn any_open(tx: &mut Tx) -> Result<bool> {
    let open = fetch_optional!(
        tx,
        Present,
        "SELECT 1 AS present FROM jobs WHERE intent = 'run' AND queued + leased > 0 LIMIT 1"
    )?;
    Ok(open.is_some())
}

/// Whether some job has nothing queued and still runs: then idle slots may start second attempts.
pub async fn any_tail(tx: &mut Tx) -> Result<bool> {
    let tail = fetch_optional!(
        tx,
        Present,
        "SELECT 1 AS present FROM jobs \
         WHERE intent = 'run' AND queued + leased > 0 AND queued = 0 LIMIT 1"
    )?;
    Ok(tail.is_some())
}

/// A row whose presence is the answer.
#[derive(FromRow)]
struct Present {
    #[expect(dead_code, reason = "the row's presence is the answer")]
    present: i64,
}
