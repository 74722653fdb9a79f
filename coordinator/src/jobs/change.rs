//! Pause, resume, cancel, retry, delete.

use pictor_protocol::frames::FrameList;
use pictor_protocol::settings::Fault;
use pictor_protocol::{JobId, Micros, UserId, WorkerId};

use super::state::{self, Intent, Wish};
use super::{JobError, charge};
use crate::app::App;
use crate::store::blobs::{self, Holder};
use crate::store::jobs::{self, JobRow};
use crate::store::{Tx, attempts, costs, dispatch, scenes, tasks};

/// Carries out a wish; one that is fulfilled already changes nothing.
pub async fn change(app: &App, owner: UserId, id: JobId, wish: Wish) -> Result<(), JobError> {
    let mut tx = app.store.write().await?;
    let job = find(&mut tx, owner, id).await?;
    let intent = state::wish(
        job.intent,
        state::derive(job.intent, &(&job.counts).into(), true),
        wish,
    )?;
    if intent == job.intent {
        return Ok(());
    }
    jobs::set_intent(&mut tx, id, intent, None).await?;
    if intent == Intent::Run {
        charge::resumed(&mut tx, &job, app.now_us()).await?;
    }
    let revision = jobs::bump(&mut tx, id).await?;
    let mut stopped = Vec::new();
    if intent == Intent::Cancelled {
        stopped = attempts::stop_job(&mut tx, id).await?;
        tasks::cancel_open(&mut tx, id, revision).await?;
        jobs::recount(&mut tx, id, app.now_us()).await?;
        charge::over(&mut tx, id, "the job was cancelled", app.now_us()).await?;
    }
    if intent == Intent::Run {
        dispatch::forgive(&mut tx, id).await?;
    }
    tx.commit().await?;
    tracing::info!(job.id = %id, intent = intent.as_str(), "job changed");
    if intent == Intent::Cancelled {
        app.progress.forget_job(id);
    }
    app.bells.jobs.ring(id);
    app.bells.work.ring();
    stopped
        .into_iter()
        .for_each(|worker| app.bells.commands.ring(worker));
    Ok(())
}

/// Puts failed and cancelled frames back into the queue: those named, or all.
pub async fn retry(
    app: &App,
    owner: UserId,
    id: JobId,
    frames: Option<&FrameList>,
) -> Result<(), JobError> {
    let mut tx = app.store.write().await?;
    let job = find(&mut tx, owner, id).await?;
    let intent = state::wish(
        job.intent,
        state::derive(job.intent, &(&job.counts).into(), true),
        Wish::Retry,
    )?;
    let revision = jobs::bump(&mut tx, id).await?;
    match frames {
        None => {
            tasks::requeue(&mut tx, id, None, revision).await?;
        }
        // Asked for of those that ended without a picture alone: a list may name a hundred thousand others, and
        // everybody who writes would wait for a statement each.
        Some(wanted) => {
            for frame in tasks::ended_without_picture(&mut tx, id).await? {
                if wanted.as_slice().binary_search(&frame).is_ok() {
                    tasks::requeue(&mut tx, id, Some(frame), revision).await?;
                }
            }
        }
    }
    jobs::set_intent(&mut tx, id, intent, None).await?;
    jobs::recount(&mut tx, id, app.now_us()).await?;
    let job = find(&mut tx, owner, id).await?;
    charge::resumed(&mut tx, &job, app.now_us()).await?;
    dispatch::forgive(&mut tx, id).await?;
    tx.commit().await?;
    app.bells.jobs.ring(id);
    app.bells.work.ring();
    Ok(())
}

/// Sets what a job may cost. A job that waits because its cap was reached is resumed by its creator.
pub async fn cap(app: &App, owner: UserId, id: JobId, cap: Option<Micros>) -> Result<(), JobError> {
    if cap.is_some_and(Micros::is_negative) {
        let fault = Fault {
            field: "spend_cap_micros".into(),
            message: "a cap is not negative".into(),
        };
        return Err(JobError::Invalid(vec![fault]));
    }
    let mut tx = app.store.write().await?;
    let job = find(&mut tx, owner, id).await?;
    costs::set_spend_cap(&mut tx, id, cap).await?;
    if job.intent == Intent::Run {
        charge::resumed(&mut tx, &job, app.now_us()).await?;
    }
    jobs::bump(&mut tx, id).await?;
    tx.commit().await?;
    app.bells.jobs.ring(id);
    Ok(())
}

/// Deletes a job with its outputs, and its scene if no other job uses it. What runs is stopped.
pub async fn delete(app: &App, owner: UserId, id: JobId) -> Result<(), JobError> {
    let mut tx = app.store.write().await?;
    let job = find(&mut tx, owner, id).await?;
    let stopped = remove(&mut tx, &job, app.now_us()).await?;
    tx.commit().await?;
    tracing::info!(job.id = %id, "job deleted");
    app.progress.forget_job(id);
    app.bells.jobs.ring(id);
    // Its workers find out that their attempts are gone with the next report.
    stopped
        .into_iter()
        .for_each(|worker| app.bells.commands.ring(worker));
    Ok(())
}

/// Removes a job with all that is its own; answers the workers that have to stop.
pub async fn remove(tx: &mut Tx, job: &JobRow, now_us: i64) -> Result<Vec<WorkerId>, JobError> {
    let stopped = attempts::stop_job(tx, job.id).await?;
    charge::over(tx, job.id, "the job was deleted", now_us).await?;
    blobs::release(tx, Holder::Job(job.id)).await?;
    jobs::delete(tx, job.id).await?;
    if scenes::delete_unused(tx, job.scene_id).await? {
        blobs::release(tx, Holder::Scene(job.scene_id)).await?;
    }
    Ok(stopped)
}

async fn find(tx: &mut Tx, owner: UserId, id: JobId) -> Result<JobRow, JobError> {
    jobs::find_owned(tx, owner, id)
        .await?
        .ok_or(JobError::NotFound("job"))
}
