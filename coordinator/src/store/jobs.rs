//! Jobs: their rows, and the counts of their frames that every transaction keeps true.

use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::frames::FrameList;
use pictor_protocol::job::{FrameCounts, RenderPlan};
use pictor_protocol::settings::RenderSettings;
use pictor_protocol::{JobId, SceneId, TaskId, UserId};
use sqlx::FromRow;

use super::column::{Json, Maybe, json};
use super::{Result, Tx, escape_like};
use crate::dispatch::task::TaskStatus;
use crate::jobs::state::Intent;

#[derive(Debug, Clone, FromRow)]
pub struct JobRow {
    #[sqlx(try_from = "String")]
    pub id: JobId,
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    #[sqlx(try_from = "String")]
    pub scene_id: SceneId,
    pub name: String,
    #[sqlx(try_from = "i64")]
    pub priority: u8,
    #[sqlx(try_from = "String")]
    pub intent: Intent,
    pub reason: Option<String>,
    #[sqlx(try_from = "String")]
    pub frames: FrameList,
    #[sqlx(try_from = "String")]
    pub settings: Json<RenderSettings>,
    #[sqlx(try_from = "String")]
    pub plan: Json<RenderPlan>,
    #[sqlx(try_from = "String")]
    pub blender: BlenderWanted,
    #[sqlx(try_from = "String")]
    pub file_series: Series,
    #[sqlx(try_from = "Option<String>")]
    pub runtime: Maybe<Series>,
    #[sqlx(flatten)]
    pub counts: CountsRow,
    /// Render time of all done frames together.
    pub render_ms: i64,
    /// Done frames of slots with a score, and what the reference machine would have taken for them.
    pub scored: i64,
    pub reference_ms: i64,
    pub created_us: i64,
    pub started_us: Option<i64>,
    pub finished_us: Option<i64>,
    pub revision: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct CountsRow {
    total: i64,
    queued: i64,
    leased: i64,
    done: i64,
    failed: i64,
    cancelled: i64,
}

impl From<&CountsRow> for FrameCounts {
    fn from(row: &CountsRow) -> Self {
        Self {
            total: row.total as u32,
            queued: row.queued as u32,
            leased: row.leased as u32,
            done: row.done as u32,
            failed: row.failed as u32,
            cancelled: row.cancelled as u32,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner_id, scene_id, name, priority, intent, reason, frames, settings, plan, ",
            "blender, file_series, runtime, total, queued, leased, done, failed, cancelled, render_ms, ",
            "scored, reference_ms, created_us, started_us, finished_us, revision FROM jobs ",
            $rest
        )
    };
}

/// A job that is about to be stored.
pub struct NewJobRow<'a> {
    pub id: JobId,
    pub owner: UserId,
    pub scene: SceneId,
    pub name: &'a str,
    pub priority: u8,
    pub intent: Intent,
    pub frames: &'a FrameList,
    pub settings: &'a RenderSettings,
    pub plan: &'a RenderPlan,
    pub blender: BlenderWanted,
    pub file_series: Series,
    pub created_us: i64,
}

/// Stores a job with a queued task for each of its frames; `task_ids` names them.
pub async fn insert(
    tx: &mut Tx,
    job: &NewJobRow<'_>,
    mut task_ids: impl FnMut() -> TaskId,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO jobs (id, owner_id, scene_id, name, priority, intent, frames, settings, plan, \
         blender, file_series, total, queued, leased, done, failed, cancelled, created_us, revision, name_key) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 0, 0, 0, 0, $13, 1, $14)",
        job.id.to_string(),
        job.owner.to_string(),
        job.scene.to_string(),
        job.name,
        i64::from(job.priority),
        job.intent.as_str(),
        job.frames.to_string(),
        json(job.settings),
        json(job.plan),
        job.blender.to_string(),
        job.file_series.to_string(),
        job.frames.as_slice().len() as i64,
        job.created_us,
        job.name.to_lowercase()
    )?;
    // In batches: a statement per frame would hold the writer for seconds at a hundred thousand.
    for frames in job.frames.as_slice().chunks(500) {
        let rows: Vec<_> = frames.iter().map(|frame| (task_ids(), *frame)).collect();
        super::tasks::insert(tx, job.id, &rows).await?;
    }
    Ok(())
}

pub async fn find(tx: &mut Tx, id: JobId) -> Result<Option<JobRow>> {
    fetch_optional!(tx, JobRow, select!("WHERE id = $1"), id.to_string())
}

pub async fn find_owned(tx: &mut Tx, owner: UserId, id: JobId) -> Result<Option<JobRow>> {
    fetch_optional!(
        tx,
        JobRow,
        select!("WHERE id = $1 AND owner_id = $2"),
        id.to_string(),
        owner.to_string()
    )
}

/// What a job's frames are rendered with, and what they have to be.
#[derive(Debug, FromRow)]
pub struct RenderSpec {
    #[sqlx(try_from = "String")]
    pub settings: Json<RenderSettings>,
    #[sqlx(try_from = "String")]
    pub plan: Json<RenderPlan>,
}

pub async fn render_spec(tx: &mut Tx, id: JobId) -> Result<RenderSpec> {
    fetch_one!(
        tx,
        RenderSpec,
        "SELECT settings, plan FROM jobs WHERE id = $1",
        id.to_string()
    )
}

/// What a job's frames have to be, if the job is `owner`'s.
pub async fn plan_owned(tx: &mut Tx, owner: UserId, id: JobId) -> Result<Option<RenderPlan>> {
    #[derive(FromRow)]
    struct Plan {
        #[sqlx(try_from = "String")]
        plan: Json<RenderPlan>,
    }
    let row = fetch_optional!(
        tx,
        Plan,
        "SELECT plan FROM jobs WHERE id = $1 AND owner_id = $2",
        id.to_string(),
        owner.to_string()
    )?;
    Ok(row.map(|row| row.plan.0))
}

/// The series that renders a job, once one was chosen.
pub async fn runtime(tx: &mut Tx, id: JobId) -> Result<Option<Series>> {
    #[derive(FromRow)]
    struct Runtime {
        #[sqlx(try_from = "Option<String>")]
        runtime: Maybe<Series>,
    }
    let row = fetch_one!(
        tx,
        Runtime,
        "SELECT runtime FROM jobs WHERE id = $1",
        id.to_string()
    )?;
    Ok(row.runtime.0)
}

/// Which jobs of somebody.
pub struct JobsWanted<'a> {
    pub owner: UserId,
    /// Older than this one.
    pub before: Option<JobId>,
    /// In one of these states, as on the wire; in any if there is none.
    pub states: &'a [&'static str],
    /// A part of the name; everything when empty.
    pub name_part: &'a str,
    pub limit: i64,
}

/// The state of a job: the same as `jobs::state::derive`, and tested against it.
macro_rules! state {
    () => {
        "CASE WHEN intent = 'cancelled' THEN 'cancelled' \
             WHEN queued + leased > 0 AND intent = 'attention' THEN 'needs_attention' \
             WHEN queued + leased > 0 AND intent = 'paused' THEN 'paused' \
             WHEN queued + leased = 0 AND failed + cancelled > 0 THEN 'failed' \
             WHEN queued + leased = 0 THEN 'done' \
             WHEN leased > 0 OR started_us IS NOT NULL THEN 'rendering' \
             ELSE 'queued' END"
    };
}

/// Newest first.
pub async fn page(tx: &mut Tx, wanted: &JobsWanted<'_>) -> Result<Vec<JobRow>> {
    // Ids sort by time; "g" sorts after every hexadecimal digit.
    let before = wanted
        .before
        .map_or_else(|| "g".into(), |id| id.to_string());
    let states = match wanted.states {
        [] => String::new(),
        states => format!(",{},", states.join(",")),
    };
    fetch_all!(
        tx,
        JobRow,
        concat!(
            select!("WHERE owner_id = $1 AND id < $2 AND ($3 = '' OR $3 LIKE '%,' || "),
            state!(),
            " || ',%') AND ($4 = '' OR name_key LIKE $4 ESCAPE '!') ORDER BY id DESC LIMIT $5"
        ),
        wanted.owner.to_string(),
        before,
        states,
        name_pattern(wanted.name_part),
        wanted.limit
    )
}

/// How many jobs of somebody with that part in their name are in each state, as on the wire.
pub async fn count_by_state(
    tx: &mut Tx,
    owner: UserId,
    name_part: &str,
) -> Result<Vec<(String, i64)>> {
    fetch_all!(
        tx,
        (String, i64),
        concat!(
            "SELECT state, COUNT(*) AS count FROM (SELECT ",
            state!(),
            " AS state FROM jobs WHERE owner_id = $1 AND ($2 = '' OR name_key LIKE $2 ESCAPE '!')) AS mine \
             GROUP BY state"
        ),
        owner.to_string(),
        name_pattern(name_part)
    )
}

fn name_pattern(part: &str) -> String {
    match part {
        "" => String::new(),
        part => format!("%{}%", escape_like(&part.to_lowercase())),
    }
}

/// Every job of somebody.
pub async fn all_of(tx: &mut Tx, owner: UserId) -> Result<Vec<JobRow>> {
    fetch_all!(
        tx,
        JobRow,
        select!("WHERE owner_id = $1 ORDER BY id"),
        owner.to_string()
    )
}

/// How many jobs of somebody have frames that render, or will.
pub async fn count_open(tx: &mut Tx, owner: UserId) -> Result<i64> {
    #[derive(FromRow)]
    struct Count {
        count: i64,
    }
    let row = fetch_one!(
        tx,
        Count,
        "SELECT COUNT(*) AS count FROM jobs \
         WHERE owner_id = $1 AND (leased > 0 OR (queued > 0 AND intent = 'run'))",
        owner.to_string()
    )?;
    Ok(row.count)
}

/// Marks a change and answers the new revision.
pub async fn bump(tx: &mut Tx, id: JobId) -> Result<i64> {
    #[derive(FromRow)]
    struct Revision {
        revision: i64,
    }
    let row = fetch_one!(
        tx,
        Revision,
        "UPDATE jobs SET revision = revision + 1 WHERE id = $1 RETURNING revision",
        id.to_string()
    )?;
    Ok(row.revision)
}

pub async fn set_intent(
    tx: &mut Tx,
    id: JobId,
    intent: Intent,
    reason: Option<&str>,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE jobs SET intent = $2, reason = $3 WHERE id = $1",
        id.to_string(),
        intent.as_str(),
        reason
    )?;
    Ok(())
}

pub async fn set_runtime(tx: &mut Tx, id: JobId, runtime: Series) -> Result<()> {
    execute!(
        tx,
        "UPDATE jobs SET runtime = $2 WHERE id = $1",
        id.to_string(),
        runtime.to_string()
    )?;
    Ok(())
}

/// Moves one frame from a count to another.
pub async fn move_count(
    tx: &mut Tx,
    id: JobId,
    from: TaskStatus,
    to: TaskStatus,
    now_us: i64,
) -> Result<()> {
    let is = |status| (i64::from(to == status)) - i64::from(from == status);
    execute!(
        tx,
        "UPDATE jobs SET queued = queued + $2, leased = leased + $3, done = done + $4, \
         failed = failed + $5, cancelled = cancelled + $6, \
         started_us = CASE WHEN started_us IS NULL AND $3 > 0 THEN $7 ELSE started_us END, \
         finished_us = CASE WHEN queued + leased + $2 + $3 = 0 THEN $7 ELSE NULL END \
         WHERE id = $1",
        id.to_string(),
        is(TaskStatus::Queued),
        is(TaskStatus::Leased),
        is(TaskStatus::Done),
        is(TaskStatus::Failed),
        is(TaskStatus::Cancelled),
        now_us
    )?;
    Ok(())
}

/// Moves `frames` queued frames to leased at once.
pub async fn count_leased(tx: &mut Tx, id: JobId, frames: u32, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE jobs SET queued = queued - $2, leased = leased + $2, \
         started_us = COALESCE(started_us, $3), finished_us = NULL WHERE id = $1",
        id.to_string(),
        i64::from(frames),
        now_us
    )?;
    Ok(())
}

/// Counts the frames anew after a statement that changed many.
pub async fn recount(tx: &mut Tx, id: JobId, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE jobs SET queued = c.queued, leased = c.leased, done = c.done, failed = c.failed, \
         cancelled = c.cancelled, \
         finished_us = CASE WHEN c.queued + c.leased = 0 THEN COALESCE(finished_us, $2) ELSE NULL END \
         FROM (SELECT \
             COALESCE(SUM(CASE WHEN status = 'queued' THEN 1 ELSE 0 END), 0) AS queued, \
             COALESCE(SUM(CASE WHEN status = 'leased' THEN 1 ELSE 0 END), 0) AS leased, \
             COALESCE(SUM(CASE WHEN status = 'done' THEN 1 ELSE 0 END), 0) AS done, \
             COALESCE(SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END), 0) AS failed, \
             COALESCE(SUM(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END), 0) AS cancelled \
             FROM tasks WHERE job_id = $1) AS c \
         WHERE id = $1",
        id.to_string(),
        now_us
    )?;
    Ok(())
}

/// Adds what a done frame took, and what the reference machine would have taken if that is known.
pub async fn add_render_time(
    tx: &mut Tx,
    id: JobId,
    render_ms: i64,
    reference_ms: Option<i64>,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE jobs SET render_ms = render_ms + $2, scored = scored + $3, \
         reference_ms = reference_ms + $4 WHERE id = $1",
        id.to_string(),
        render_ms,
        i64::from(reference_ms.is_some()),
        reference_ms.unwrap_or(0)
    )?;
    Ok(())
}

/// Takes away what [`add_render_time`] added for a frame that is not done any more.
pub async fn take_render_time(
    tx: &mut Tx,
    id: JobId,
    render_ms: i64,
    reference_ms: Option<i64>,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE jobs SET render_ms = render_ms - $2, scored = scored - $3, \
         reference_ms = reference_ms - $4 WHERE id = $1",
        id.to_string(),
        render_ms,
        i64::from(reference_ms.is_some()),
        reference_ms.unwrap_or(0)
    )?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, id: JobId) -> Result<()> {
    execute!(tx, "DELETE FROM jobs WHERE id = $1", id.to_string())?;
    Ok(())
}
