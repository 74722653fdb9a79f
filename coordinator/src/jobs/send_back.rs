//! Frames are sent back: their pictures are not what was wanted, and somebody else makes them again.
//!
//! All of it is one transaction: the task is queued, its picture stays with its attempt, the worker that made it
//! does not get the frame again, and the points of the worker's owner for it wait until the new picture is there:
//! [`redo`](super::redo) then says whether the creator gets back what it was charged. Points that are settled stay,
//! and then so do the credits: else two friends could let the same credits earn points again and again.

use pictor_protocol::agent::AttemptRef;
use pictor_protocol::frames::FrameList;
use pictor_protocol::{JobId, Micros, UserId, WorkerId};
use serde_json::json;

use super::approve::named;
use super::charge;
use super::review::{self, Outcome, Reviewed, Todo, Why};
use super::state::{self, Wish};
use super::{JobError, view};
use crate::app::App;
use crate::campaign::earn::{self, SentBack as SentBackPoints};
use crate::dispatch::record::{self, Details};
use crate::dispatch::task::{AttemptStatus, Event};
use crate::store::dispatch::{Record, add_record};
use crate::store::jobs::JobRow;
use crate::store::reviews::NewSendBack;
use crate::store::tasks::TaskRow;
use crate::store::{self, Tx, attempts, costs, jobs, reviews, workers};

/// What became of frames that were sent back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SentBack {
    /// How many are rendered again now.
    pub frames: u32,
    /// What they were charged, which comes back if other pictures take their place.
    pub refundable: Micros,
    /// Those of them that were charged and are not refunded: what they earned is settled.
    pub settled: u32,
}

/// A picture that is there, and who made it.
struct Picture {
    row: TaskRow,
    attempt: AttemptRef,
    worker: WorkerId,
    by: UserId,
}

/// Sends back the frames named, all or none of them. Those that are sent back already change nothing.
pub async fn send_back(
    app: &App,
    owner: UserId,
    id: JobId,
    frames: &FrameList,
    reason: &str,
) -> Result<SentBack, JobError> {
    let reason = review::reason(reason).map_err(|fault| JobError::Invalid(vec![fault]))?;
    let mut tx = app.store.write().await?;
    let job = jobs::find_owned(&mut tx, owner, id).await?;
    let job = job.ok_or(JobError::NotFound("job"))?;
    let now_us = app.now_us();
    let intent = state::wish(job.intent, view::state_of(&job), Wish::SendBack)?;
    let pictures = those_to_send_back(&mut tx, &job, frames, now_us).await?;
    if pictures.is_empty() {
        return Ok(SentBack::default());
    }
    if intent != job.intent {
        jobs::set_intent(&mut tx, id, intent, None).await?;
    }
    let mut sent_back = SentBack::default();
    for picture in &pictures {
        sent_back.frames += 1;
        let (outcome, charged) = take_back(&mut tx, &job, picture, reason, now_us).await?;
        if outcome == Outcome::Open {
            sent_back.refundable = Micros::new(sent_back.refundable.get() + charged.get());
        } else if charged > Micros::ZERO {
            sent_back.settled += 1;
        }
    }
    if let Some(job) = jobs::find(&mut tx, id).await? {
        charge::reopened(&mut tx, &job, now_us).await?;
    }
    tx.commit().await?;
    tracing::info!(job.id = %id, frames = sent_back.frames, "frames sent back");
    app.bells.jobs.ring(id);
    app.bells.work.ring();
    Ok(sent_back)
}

async fn those_to_send_back(
    tx: &mut Tx,
    job: &JobRow,
    frames: &FrameList,
    now_us: i64,
) -> Result<Vec<Picture>, JobError> {
    let (mut pictures, mut refused) = (Vec::new(), Vec::new());
    for (frame, row) in named(tx, job.id, frames).await? {
        let Some(row) = row else {
            refused.push((frame, Why::NoFrame));
            continue;
        };
        let sent_back = reviews::excluded_from(tx, row.id).await?.len() as i64;
        let (state, delivered_us) = (row.status, row.finished_us);
        let review = row.review.0;
        let picture = picture(tx, row).await?;
        let frame_now = Reviewed {
            status: state,
            review,
            delivered_us,
            own: picture.as_ref().is_some_and(|it| it.by == job.owner_id),
            sent_back,
        };
        match review::send_back(&frame_now, now_us) {
            Ok(Todo::Change) => pictures.extend(picture),
            Ok(Todo::Nothing) => {}
            Err(why) => refused.push((frame, why)),
        }
    }
    if refused.is_empty() {
        Ok(pictures)
    } else {
        Err(JobError::Review(refused))
    }
}

/// The picture of a frame; none if the frame is not done.
async fn picture(tx: &mut Tx, row: TaskRow) -> store::Result<Option<Picture>> {
    let made = attempts::of_task(tx, row.id).await?;
    let made = made.iter().find(|it| it.status == AttemptStatus::Done);
    let Some(made) = made else {
        return Ok(None);
    };
    Ok(Some(Picture {
        row,
        attempt: made.reference(),
        worker: made.worker_id,
        by: workers::owner(tx, made.worker_id).await?,
    }))
}

/// Answers what becomes of the picture, and what was charged for it.
async fn take_back(
    tx: &mut Tx,
    job: &JobRow,
    picture: &Picture,
    reason: &str,
    now_us: i64,
) -> Result<(Outcome, Micros), JobError> {
    let Picture {
        row,
        attempt,
        worker,
        by,
    } = picture;
    let event = Event::SentBack {
        attempt: attempt.attempt,
    };
    let details = Details {
        message: Some(format!("sent back: {reason}")),
        accepted: None,
    };
    // The task was looked at in this transaction.
    if record::record(tx, row, event, &details, now_us)
        .await?
        .is_err()
    {
        return Err(JobError::Review(vec![(row.frame, Why::NotDone)]));
    }
    reviews::send_back(tx, row.id, reason, now_us).await?;
    take_off(tx, job.id, *worker, *attempt).await?;
    if *by == job.owner_id {
        costs::take_free(tx, job.id).await?;
        return Ok((Outcome::Replaced, Micros::ZERO));
    }
    let why = json!({ "job": job.id, "frame": row.frame, "sent_back": reason });
    let points = earn::frame_sent_back(tx, job.id, *attempt, &why, now_us).await?;
    let (outcome, due_us) = match points {
        SentBackPoints::Waits { due_us } => (Outcome::Open, due_us),
        SentBackPoints::Settled => (Outcome::Settled, None),
    };
    let charged = charge::charged(tx, *attempt).await?;
    let new = NewSendBack {
        attempt: *attempt,
        job: job.id,
        worker: *worker,
        charged,
        due_us,
        outcome,
    };
    reviews::insert(tx, &new, now_us).await?;
    Ok((outcome, charged))
}

/// Takes a picture out of the sums over done frames.
async fn take_off(
    tx: &mut Tx,
    job: JobId,
    worker: WorkerId,
    attempt: AttemptRef,
) -> store::Result<()> {
    let took = attempts::took(tx, attempt).await?;
    let render_ms = took.render_ms.unwrap_or(0);
    jobs::take_render_time(tx, job, render_ms, took.reference_ms).await?;
    let less = Record {
        done: -1,
        render_ms: -render_ms,
        ..Record::default()
    };
    add_record(tx, job, worker, less).await
}
