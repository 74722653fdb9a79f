//! A new job.

use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::job::{JobEstimate, NewJob, PRIORITY_DEFAULT};
use pictor_protocol::{JobId, Micros, TaskId, UserId};
use uuid::Uuid;

use super::charge::{self, Terms};
use super::cost;
use super::plan::Planned;
use super::state::Intent;
use super::{JobError, plan};
use crate::app::App;
use crate::campaign;
use crate::ledger::{self, Book};
use crate::store::jobs::{self, NewJobRow};
use crate::store::scenes::SceneRow;
use crate::store::{dispatch, scenes};

/// What became of a job that was submitted under an id of its creator's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    Now,
    /// Before, perhaps with other settings: that job stays as it is.
    Before,
}

/// Stores a job and wakes idle slots.
pub async fn submit(app: &App, owner: UserId, new: &NewJob) -> Result<JobId, JobError> {
    let id = JobId::new(Uuid::now_v7());
    submit_as(app, owner, id, new).await?;
    Ok(id)
}

/// The same under an id that the creator chose: whoever sends it twice has one job.
pub async fn submit_as(
    app: &App,
    owner: UserId,
    id: JobId,
    new: &NewJob,
) -> Result<Submitted, JobError> {
    let (scene, planned) = planned(app, owner, new).await?;
    let job = NewJobRow {
        id,
        owner,
        scene: scene.id,
        name: new.name.as_deref().map_or(scene.name.as_str(), str::trim),
        priority: new.priority.unwrap_or(PRIORITY_DEFAULT),
        intent: if new.paused {
            Intent::Paused
        } else {
            Intent::Run
        },
        frames: &planned.frames,
        settings: &new.settings,
        plan: &planned.render,
        blender: new.blender,
        file_series: scene.facts.0.blender,
        created_us: app.now_us(),
    };
    let mut tx = app.store.write().await?;
    if let Some(row) = jobs::find(&mut tx, id).await? {
        let is_theirs = row.owner_id == owner;
        return is_theirs
            .then_some(Submitted::Before)
            .ok_or(JobError::NotFound("job"));
    }
    jobs::insert(&mut tx, &job, || TaskId::new(Uuid::now_v7())).await?;
    if let Some(rules) = campaign::current(&app.rules, &mut tx, job.created_us).await? {
        let terms = terms(&rules, new, &planned);
        charge::submitted(&mut tx, owner, id, terms, job.created_us).await?;
    }
    tx.commit().await?;
    app.bells.work.ring();
    tracing::info!(job.id = %id, frames = planned.frames.as_slice().len(), "job submitted");
    Ok(Submitted::Now)
}

/// What a job would be, before it is one.
#[derive(Debug, Clone)]
pub struct Preview {
    pub planned: Planned,
    /// `None` where rendering costs nothing.
    pub estimate: Option<JobEstimate>,
}

/// What a job would cost; `None` where rendering costs nothing. Nothing is stored.
pub async fn estimate(
    app: &App,
    owner: UserId,
    new: &NewJob,
) -> Result<Option<JobEstimate>, JobError> {
    Ok(preview(app, owner, new).await?.estimate)
}

/// What would be rendered, and what that would cost. Nothing is stored.
pub async fn preview(app: &App, owner: UserId, new: &NewJob) -> Result<Preview, JobError> {
    let (_, planned) = planned(app, owner, new).await?;
    let mut tx = app.store.read().await?;
    let rules = campaign::current(&app.rules, &mut tx, app.now_us()).await?;
    let estimate = rules.map(|rules| {
        let standing = terms(&rules, new, &planned).standing();
        let estimate = standing.estimate();
        JobEstimate {
            frames: standing.open,
            frame_reference_ms: estimate.frame_ms,
            price_per_reference_minute_micros: standing.price,
            estimate_micros: estimate.rest,
            needed_now_micros: standing.least(),
        }
    });
    Ok(Preview { planned, estimate })
}

/// Credits that somebody can spend now; `None` where rendering costs nothing.
pub async fn available(app: &App, owner: UserId) -> Result<Option<Micros>, JobError> {
    let mut tx = app.store.read().await?;
    let rules = campaign::current(&app.rules, &mut tx, app.now_us()).await?;
    if rules.is_none() {
        return Ok(None);
    }
    let balance = ledger::balance(&mut tx, Book::Credits, owner).await?;
    Ok(Some(balance.available))
}

/// The Blender versions that workers of this network have or can install, in order.
pub async fn known_blenders(app: &App) -> Result<Vec<Series>, JobError> {
    let mut tx = app.store.read().await?;
    let mut known = dispatch::known_series(&mut tx).await?;
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

async fn planned(app: &App, owner: UserId, new: &NewJob) -> Result<(SceneRow, Planned), JobError> {
    let mut tx = app.store.read().await?;
    let scene = scenes::find(&mut tx, owner, new.scene)
        .await?
        .ok_or(JobError::NotFound("scene"))?;
    let known = dispatch::known_series(&mut tx).await?;
    let planned = plan::plan(new, &scene.facts.0).map_err(JobError::Invalid)?;
    refuse_newer(new.blender, scene.facts.0.blender, &known)?;
    Ok((scene, planned))
}

fn terms<'a>(rules: &'a campaign::Current, new: &NewJob, planned: &Planned) -> Terms<'a> {
    Terms {
        rules,
        guess_ms: cost::guess_ms(&planned.render, new.settings.samples),
        frames: planned.frames.as_slice().len() as u32,
        spend_cap: new.spend_cap_micros,
    }
}

/// A job that no Blender of this network can render is refused before it waits for ever. Without a
/// single worker nothing is known yet, and the job may wait for one.
fn refuse_newer(wanted: BlenderWanted, file: Series, known: &[Series]) -> Result<(), JobError> {
    let Some(newest) = known.iter().max() else {
        return Ok(());
    };
    let why = match wanted {
        _ if file > *newest => format!(
            "the file was saved by Blender {file}, but the newest Blender on this network is {newest}: \
             save it from an older version, or install Blender {file} on a worker"
        ),
        BlenderWanted::Pinned(series) if series > *newest => format!(
            "the newest Blender on this network is {newest}: ask for that one, or install Blender {series} \
             on a worker"
        ),
        BlenderWanted::Pinned(_) | BlenderWanted::Auto => return Ok(()),
    };
    Err(JobError::NewerThanEveryRuntime(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blender_that_nobody_has_is_refused_unless_nobody_is_there() {
        let pinned = BlenderWanted::Pinned(Series::new(9, 9));
        let file = Series::new(4, 5);
        assert!(refuse_newer(pinned, file, &[]).is_ok());
        let known = [Series::new(4, 2), Series::new(5, 0)];
        let error = refuse_newer(pinned, file, &known).unwrap_err();
        assert!(error.to_string().contains("9.9"), "{error}");
        assert!(refuse_newer(BlenderWanted::Auto, file, &known).is_ok());
        let newer = Series::new(5, 1);
        assert!(refuse_newer(BlenderWanted::Auto, newer, &known).is_err());
    }
}
