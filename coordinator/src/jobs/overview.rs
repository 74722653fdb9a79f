//! A job at a glance: where it stands, who works on it, a page of its frames as cells, and all of them in one
//! strip.

use std::collections::HashMap;

use pictor_protocol::job::{Frame, FrameCounts, FrameState, Job};
use pictor_protocol::job_workers::JobWorkers;
use pictor_protocol::scene::Scene;
use pictor_protocol::{BlobHash, JobId, SceneId, TaskId, UserId};

use super::{at_work, view};
use crate::app::App;
use crate::campaign::calendar::SECOND_US;
use crate::dispatch::task::TaskStatus;
use crate::store::jobs::JobRow;
use crate::store::{Result, Tx, job_pages, jobs, logs, scenes, tasks};
use crate::workers::equipped::{self, Mark};

/// Frames on a page.
pub const PAGE: usize = 240;
/// What nothing rings for and no mark tells, such as the time of another try, is found after this long.
const AT_LATEST_US: i64 = 300 * SECOND_US;
/// Columns of the strip: as fine as a wide screen shows, and no more work for a hundred thousand frames.
pub const COLUMNS: usize = 600;

/// A scene of somebody.
pub async fn scene(app: &App, owner: UserId, id: SceneId) -> Result<Option<Scene>> {
    let mut tx = app.store.read().await?;
    Ok(scenes::find(&mut tx, owner, id).await?.map(Scene::from))
}

/// A job of somebody.
pub async fn job(app: &App, owner: UserId, id: JobId) -> Result<Option<Job>> {
    let mut tx = app.store.read().await?;
    match jobs::find_owned(&mut tx, owner, id).await? {
        Some(row) => view::job(&mut tx, row, app.now_us()).await.map(Some),
        None => Ok(None),
    }
}

/// A number that changes with everything that happens to a job of somebody, or with a job more or less.
pub async fn changes_of_all(app: &App, owner: UserId) -> Result<i64> {
    let mut tx = app.store.read().await?;
    job_pages::changes_of_all(&mut tx, owner).await
}

/// What a job looks like now.
#[derive(Debug)]
pub struct Overview {
    pub job: Job,
    pub at_work: JobWorkers,
    pub cells: Vec<Cell>,
    /// `None` if the job is still of the revision that is known.
    pub strip: Option<Vec<FrameState>>,
    pub known: Known,
}

/// What somebody saw of a job who looks again.
#[derive(Debug, Clone)]
pub struct Known {
    revision: i64,
    is_over: bool,
    reason: Option<String>,
    at_work: JobWorkers,
    /// Who was online with what.
    equipped: Mark,
    at_us: i64,
}

impl Known {
    /// Whether another look would find the same, as long as the job is of this revision: it is over, or nobody works
    /// on it, and the reasons why it waits are held against the same workers.
    fn rests(&self, equipped: Mark, now_us: i64) -> bool {
        let is_recent = now_us - self.at_us < AT_LATEST_US;
        let waits = self.at_work.workers.is_empty() && self.equipped == equipped;
        self.is_over || waits && is_recent
    }

    fn looks_like(&self, other: &Self) -> bool {
        self.revision == other.revision
            && self.reason == other.reason
            && self.at_work == other.at_work
    }
}

/// What looking again comes to.
#[derive(Debug)]
pub enum Seen {
    /// There is no such job of theirs.
    Nothing,
    /// What is known already: cheaper to find out than to show.
    Same(Known),
    New(Box<Overview>),
}

/// Looks at a job of somebody.
pub async fn of_job(
    app: &App,
    owner: UserId,
    id: JobId,
    shown: Shown,
    known: Option<&Known>,
) -> Result<Seen> {
    let equipped = equipped::mark(app).await?;
    let mut tx = app.store.read().await?;
    let now_us = app.now_us();
    if let Some(known) = known.filter(|known| known.rests(equipped, now_us))
        && job_pages::revision(&mut tx, owner, id).await? == Some(known.revision)
    {
        return Ok(Seen::Same(known.clone()));
    }
    let Some(row) = jobs::find_owned(&mut tx, owner, id).await? else {
        return Ok(Seen::Nothing);
    };
    let is_known = known.is_some_and(|known| known.revision == row.revision);
    let at_work = at_work::workers(app, &mut tx, &row).await?;
    let job = view::job(&mut tx, row.clone(), now_us).await?;
    let now = Known {
        revision: job.revision,
        is_over: job.state.is_over(),
        reason: job.reason.clone(),
        at_work: at_work.clone(),
        equipped,
        at_us: now_us,
    };
    if known.is_some_and(|known| known.looks_like(&now)) {
        return Ok(Seen::Same(now));
    }
    let strip = match is_known {
        true => None,
        false => Some(strip(&mut tx, &row).await?),
    };
    let cells = cells(app, &mut tx, id, shown).await?;
    Ok(Seen::New(Box::new(Overview {
        job,
        at_work,
        cells,
        strip,
        known: now,
    })))
}

/// A frame with all that is known of it.
#[derive(Debug)]
pub struct WholeFrame {
    pub job: Job,
    pub frame: Frame,
    pub log: String,
    /// The frames of the job beside it.
    pub before: Option<i32>,
    pub after: Option<i32>,
}

pub async fn of_frame(
    app: &App,
    owner: UserId,
    id: JobId,
    frame: i32,
) -> Result<Option<WholeFrame>> {
    let mut tx = app.store.read().await?;
    let Some(job) = jobs::find_owned(&mut tx, owner, id).await? else {
        return Ok(None);
    };
    let Some(row) = tasks::by_frame(&mut tx, id, frame).await? else {
        return Ok(None);
    };
    let log = log(&mut tx, row.id).await?;
    let whole = view::whole_frame(&mut tx, &job, row, app.now_us()).await?;
    let all = job.frames.as_slice();
    let at = all.binary_search(&frame).unwrap_or_else(|at| at);
    let before = at.checked_sub(1).and_then(|at| all.get(at)).copied();
    let after = all.get(at + 1).copied();
    Ok(Some(WholeFrame {
        job: view::job(&mut tx, job, app.now_us()).await?,
        frame: whole,
        log,
        before,
        after,
    }))
}

/// What Blender said while it rendered a frame, attempt after attempt.
pub async fn log(tx: &mut Tx, task: TaskId) -> Result<String> {
    let mut text = String::new();
    let mut attempt = None;
    for piece in logs::of_task(tx, task).await? {
        if attempt != Some(piece.attempt) {
            text += &format!("--- attempt {} ---\n", piece.attempt);
            attempt = Some(piece.attempt);
        }
        text += &piece.text;
    }
    Ok(text)
}

/// A frame among many.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub frame: i32,
    pub state: FrameState,
    pub attempts: u32,
    pub thumbnail: Option<BlobHash>,
    pub approved: bool,
    /// 0 to 1, of one that renders now.
    pub fraction: Option<f32>,
}

/// Which frames are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Shown {
    pub state: Option<FrameState>,
    /// From 1.
    pub page: u32,
}

impl Shown {
    /// How many there are of these in a job.
    pub fn count(&self, counts: &FrameCounts) -> u32 {
        match self.state {
            None | Some(FrameState::Unknown) => counts.total,
            Some(FrameState::Queued) => counts.queued,
            Some(FrameState::Leased) => counts.leased,
            Some(FrameState::Done) => counts.done,
            Some(FrameState::Failed) => counts.failed,
            Some(FrameState::Cancelled) => counts.cancelled,
        }
    }

    pub fn pages(&self, counts: &FrameCounts) -> u32 {
        self.count(counts).div_ceil(PAGE as u32).max(1)
    }
}

/// One page of the frames of a job.
async fn cells(app: &App, tx: &mut Tx, job: JobId, shown: Shown) -> Result<Vec<Cell>> {
    let skipped = i64::from(shown.page.saturating_sub(1)) * PAGE as i64;
    let limit = PAGE as i64;
    let rows = match shown.state.and_then(status_of) {
        Some(status) => job_pages::cells_in(tx, job, status, skipped, limit).await?,
        None => job_pages::cells(tx, job, skipped, limit).await?,
    };
    let progress = app.progress.of_job(job);
    let progress: HashMap<i32, f32> = progress.iter().map(|it| (it.frame, it.fraction)).collect();
    let cells = rows.into_iter().map(|row| Cell {
        frame: row.frame,
        state: view::frame_state(row.status),
        attempts: row.attempt,
        thumbnail: row.thumbnail.0.filter(|_| row.status == TaskStatus::Done),
        approved: row.review.as_deref() == Some("approved"),
        fraction: progress
            .get(&row.frame)
            .copied()
            .filter(|_| row.status == TaskStatus::Leased),
    });
    Ok(cells.collect())
}

/// Every frame of a job, in [`COLUMNS`] columns or as many as there are frames.
async fn strip(tx: &mut Tx, row: &JobRow) -> Result<Vec<FrameState>> {
    let total = FrameCounts::from(&row.counts).total as usize;
    let columns = total.clamp(1, COLUMNS);
    let mut strip = vec![FrameState::Done; columns];
    for column in job_pages::columns(tx, row.id, total as i64, columns as i64).await? {
        let state = view::frame_state(column.status);
        if let Some(shown) = strip.get_mut(column.place as usize)
            && urgency(state) > urgency(*shown)
        {
            *shown = state;
        }
    }
    Ok(strip)
}

/// Of several states in one column, the one that somebody should know of.
const fn urgency(state: FrameState) -> u8 {
    match state {
        FrameState::Failed => 5,
        FrameState::Leased => 4,
        FrameState::Queued => 3,
        FrameState::Cancelled => 2,
        FrameState::Unknown => 1,
        FrameState::Done => 0,
    }
}

const fn status_of(state: FrameState) -> Option<TaskStatus> {
    match state {
        FrameState::Queued => Some(TaskStatus::Queued),
        FrameState::Leased => Some(TaskStatus::Leased),
        FrameState::Done => Some(TaskStatus::Done),
        FrameState::Failed => Some(TaskStatus::Failed),
        FrameState::Cancelled => Some(TaskStatus::Cancelled),
        FrameState::Unknown => None,
    }
}

/// The picture of a job that came last.
pub async fn latest_picture(tx: &mut Tx, job: JobId) -> Result<Option<(i32, BlobHash)>> {
    let latest = job_pages::latest_picture(tx, job).await?;
    Ok(latest.and_then(|row| Some((row.frame, row.thumbnail.0?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_at_least_one_page_and_a_frame_more_than_fits_another() {
        let counts = |total| FrameCounts {
            total,
            queued: total,
            ..FrameCounts::default()
        };
        let shown = Shown::default();
        for (frames, pages) in [(1, 1), (240, 1), (241, 2), (5_000, 21)] {
            assert_eq!(shown.pages(&counts(frames)), pages, "{frames}");
        }
        let failed = Shown {
            state: Some(FrameState::Failed),
            page: 1,
        };
        assert_eq!(failed.pages(&counts(5_000)), 1);
    }
}
