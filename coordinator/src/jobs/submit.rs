//! A new job.

use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::job::{JobEstimate, NewJob, PRIORITY_DEFAULT};
use pictor_protocol::{JobId, TaskId, UserId};
use uuid::Uuid;

use super::charge::{self, Terms};
use super::cost;
use super::plan::Planned;
use super::state::Intent;
use super::{JobError, plan};
use crate::app::App;
use crate::campaign;
use crate::store::jobs::{self, NewJobRow};
use crate::store::scenes::SceneRow;
use crate::store::{dispatch, scenes};

/// Stores a job and wakes idle slots.
pub async fn submit(app: &App, owner: UserId, new: &NewJob) -> Result<JobId, JobError> {
    let (scene, planned) = planned(app, owner, new).await?;
    let id = JobId::new(Uuid::now_v7());
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
    jobs::insert(&mut tx, &job, || TaskId::new(Uuid::now_v7())).await?;
    if let Some(rules) = campaign::current(&app.rules, &mut tx, job.created_us).await? {
        let terms = terms(&rules, new, &planned);
        charge::submitted(&mut tx, owner, id, terms, job.created_us).await?;
    }
    tx.commit().await?;
    app.bells.work.ring();
    tracing::info!(job.id = %id, frames = planned.frames.as_slice().len(), "job submitted");
    Ok(id)
}

/// What a job would cost; `None` where rendering costs nothing. Nothing is stored.
pub async fn estimate(
    app: &App,
    owner: UserId,
    new: &NewJob,
) -> Result<Option<JobEstimate>, JobError> {
    let (_, planned) = planned(app, owner, new).await?;
    let mut tx = app.store.read().await?;
    let rules = campaign::current(&app.rules, &mut tx, app.now_us()).await?;
    Ok(rules.map(|rules| {
        let standing = terms(&rules, new, &planned).standing();
        let estimate = standing.estimate();
        JobEstimate {
            frames: standing.open,
            frame_reference_ms: estimate.frame_ms,
            price_per_reference_minute_micros: standing.price,
            estimate_micros: estimate.rest,
            needed_now_micros: standing.least(),
        }
    }))
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
