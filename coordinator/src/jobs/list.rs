//! The jobs of somebody, page by page.

use pictor_protocol::job::{JobCounts, JobPage, JobState};
use pictor_protocol::{JobId, UserId};

use super::{state, view};
use crate::app::App;
use crate::store::jobs::{self, JobsWanted};
use crate::store::{Result, Tx};

/// Which jobs are asked for.
#[derive(Debug, Clone, Default)]
pub struct JobsAsked {
    /// Older than this one.
    pub before: Option<JobId>,
    /// In one of these states; in any if there is none.
    pub states: Vec<JobState>,
    /// A part of the name, in upper or lower case; everything when empty.
    pub name_part: String,
    pub limit: usize,
}

/// Jobs of one's own, newest first.
pub async fn page(app: &App, owner: UserId, asked: &JobsAsked) -> Result<JobPage> {
    let states = asked.states.iter().copied();
    let states: Vec<_> = states.map(state::name_on_the_wire).collect();
    let mut tx = app.store.read().await?;
    let wanted = JobsWanted {
        owner,
        before: asked.before,
        states: &states,
        name_part: &asked.name_part,
        limit: asked.limit as i64 + 1,
    };
    let mut rows = jobs::page(&mut tx, &wanted).await?;
    let more = rows.len() > asked.limit;
    rows.truncate(asked.limit);
    let mut page = JobPage {
        counts: counts(&mut tx, owner, &asked.name_part).await?,
        jobs: Vec::with_capacity(rows.len()),
        next: rows.last().filter(|_| more).map(|row| row.id),
    };
    for row in rows {
        page.jobs.push(view::job(&mut tx, row, app.now_us()).await?);
    }
    Ok(page)
}

/// How many jobs with that part in their name are in each state.
async fn counts(tx: &mut Tx, owner: UserId, name_part: &str) -> Result<JobCounts> {
    let rows = jobs::count_by_state(tx, owner, name_part).await?;
    let of = |state| {
        let word = state::name_on_the_wire(state);
        let row = rows.iter().find(|(state, _)| state == word);
        row.map_or(0, |(_, count)| *count as u32)
    };
    Ok(JobCounts {
        queued: of(JobState::Queued),
        rendering: of(JobState::Rendering),
        paused: of(JobState::Paused),
        needs_attention: of(JobState::NeedsAttention),
        done: of(JobState::Done),
        failed: of(JobState::Failed),
        cancelled: of(JobState::Cancelled),
    })
}
