//! Frames are approved: their pictures are what was wanted.

use pictor_protocol::frames::FrameList;
use pictor_protocol::settings::Fault;
use pictor_protocol::{JobId, UserId};

use super::JobError;
use super::review::{self, FRAMES_MAX, Reviewed, Todo, Why};
use crate::app::App;
use crate::store::tasks::TaskRow;
use crate::store::{Tx, jobs, reviews, tasks};

/// Approves the frames named, all or none of them; every done frame that is not approved if none is named.
/// Answers how many that changed.
pub async fn approve(
    app: &App,
    owner: UserId,
    id: JobId,
    frames: Option<&FrameList>,
) -> Result<u32, JobError> {
    let mut tx = app.store.write().await?;
    let job = jobs::find_owned(&mut tx, owner, id).await?;
    let job = job.ok_or(JobError::NotFound("job"))?;
    let now_us = app.now_us();
    let revision = jobs::bump(&mut tx, job.id).await?;
    let approved = match frames {
        None => reviews::approve_all(&mut tx, id, now_us, revision).await? as u32,
        Some(frames) => {
            let rows = those_to_approve(&mut tx, id, frames).await?;
            for row in &rows {
                reviews::approve(&mut tx, row.id, now_us, revision).await?;
            }
            rows.len() as u32
        }
    };
    // Dropped without a commit, the revision stays what it was.
    if approved > 0 {
        tx.commit().await?;
        app.bells.jobs.ring(id);
    }
    Ok(approved)
}

async fn those_to_approve(
    tx: &mut Tx,
    job: JobId,
    frames: &FrameList,
) -> Result<Vec<TaskRow>, JobError> {
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (frame, row) in named(tx, job, frames).await? {
        let todo = row.as_ref().ok_or(Why::NoFrame).and_then(|row| {
            review::approve(&Reviewed {
                status: row.status,
                review: row.review.0,
                delivered_us: row.finished_us,
                own: false,
                sent_back: row.times_sent_back,
            })
        });
        match todo {
            Ok(Todo::Change) => rows.extend(row),
            Ok(Todo::Nothing) => {}
            Err(why) => refused.push((frame, why)),
        }
    }
    if refused.is_empty() {
        Ok(rows)
    } else {
        Err(JobError::Review(refused))
    }
}

/// The frames that a request names, with their rows.
pub(super) async fn named(
    tx: &mut Tx,
    job: JobId,
    frames: &FrameList,
) -> Result<Vec<(i32, Option<TaskRow>)>, JobError> {
    let frames = frames.as_slice();
    if frames.len() > FRAMES_MAX {
        let fault = Fault {
            field: "frames".into(),
            message: format!("at most {FRAMES_MAX} frames are reviewed at once"),
        };
        return Err(JobError::Invalid(vec![fault]));
    }
    let mut named = Vec::with_capacity(frames.len());
    for frame in frames {
        named.push((*frame, tasks::by_frame(tx, job, *frame).await?));
    }
    Ok(named)
}
