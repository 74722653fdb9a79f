//! What rendering earns: points for whose worker rendered, and for the creator of a job that was rendered.
//!
//! Both wait in holds until the rules' time for objections is over; [`settle`](super) lets them go on. Nothing is
//! minted for one's own frames on one's own workers, or on those of an account that is [linked](fair_play::linked),
//! and nothing for whoever is suspended.

use pictor_protocol::agent::AttemptRef;
use pictor_protocol::{JobId, Micros, TaskId, UserId};
use serde_json::{Value, json};

use super::calendar::HOUR_US;
use super::{Current, CurrentError, RulesCache, current};
use crate::fair_play;
use crate::jobs::charge::Delivered;
use crate::jobs::cost;
use crate::jobs::redo;
use crate::ledger::hold::{self, Destination, HoldStatus, NewHold, Source};
use crate::ledger::{Book, EntryKind, PostError};
use crate::store::jobs::JobRow;
use crate::store::{self, StoreError, Tx};
use crate::store::{costs, standing};
use crate::workers::earnings;

#[derive(Debug, thiserror::Error)]
pub enum EarnError {
    #[error(transparent)]
    Rules(#[from] CurrentError),
    #[error(transparent)]
    Books(#[from] PostError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Mints what a delivered frame earns, for whose worker rendered it.
pub async fn frame_delivered(
    known: &RulesCache,
    tx: &mut Tx,
    job: &JobRow,
    frame: Delivered,
    now_us: i64,
) -> Result<(), EarnError> {
    let Some(rules) = running(known, tx, now_us).await? else {
        return Ok(());
    };
    let per_minute = rules.rules.points.render_per_reference_minute;
    let amount = cost::price_of(per_minute, frame.reference_ms);
    if frame.by == job.owner_id || amount == Micros::ZERO {
        return Ok(());
    }
    if !fair_play::may_earn(tx, frame.by).await?
        || fair_play::linked(tx, frame.by, job.owner_id).await?
    {
        return Ok(());
    }
    let inputs = json!({
        "job": job.id,
        "frame": frame.frame,
        "worker": frame.worker,
        "reference_ms": frame.reference_ms,
        "points_per_reference_minute_micros": per_minute,
        "rules": rules.version,
    });
    let key = render_key(frame.task, frame.attempt);
    let new = waiting(
        &rules,
        key,
        EntryKind::Render,
        frame.by,
        amount,
        inputs,
        now_us,
    );
    let posted = hold::begin(tx, &new, now_us).await?;
    Ok(earnings::note(tx, frame.worker, &new, posted, now_us).await?)
}

/// Mints what a job earns its creator when every frame of it was delivered; only if others rendered of it.
pub async fn job_done(
    known: &RulesCache,
    tx: &mut Tx,
    job: &JobRow,
    now_us: i64,
) -> Result<(), EarnError> {
    let Some(rules) = running(known, tx, now_us).await? else {
        return Ok(());
    };
    let Some(cost) = costs::find(tx, job.id)
        .await?
        .filter(|cost| cost.charged_frames > 0)
    else {
        return Ok(());
    };
    if !fair_play::may_earn(tx, job.owner_id).await?
        || standing::any_linked_renderer(tx, job.id, job.owner_id).await?
    {
        return Ok(());
    }
    let points = &rules.rules.points;
    let amount = job_points(points.job_per_credit, points.job_least, cost.charged());
    if amount == Micros::ZERO {
        return Ok(());
    }
    let inputs = json!({
        "job": job.id,
        "credits_spent_micros": cost.charged(),
        "points_per_credit_micros": points.job_per_credit,
        "least_micros": points.job_least,
        "rules": rules.version,
    });
    let key = job_key(job.id, cost.rewards_void);
    let new = waiting(
        &rules,
        key,
        EntryKind::JobDone,
        job.owner_id,
        amount,
        inputs,
        now_us,
    );
    hold::begin(tx, &new, now_us).await?;
    Ok(())
}

/// What became of points that were asked back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Points {
    /// There were none.
    None,
    /// They waited, and went back.
    Void,
    /// They are their owner's.
    Settled,
}

/// The points for a frame that is sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentBack {
    /// They wait, and would have been due at this moment; none if there are none.
    Waits { due_us: Option<i64> },
    /// Somebody keeps points for it.
    Settled,
}

/// Lets the points for a frame that is sent back wait for its new picture. Those of its creator for the whole job go
/// back to the mint, if they wait: these are earned again when the job is whole again.
pub async fn frame_sent_back(
    tx: &mut Tx,
    job: JobId,
    attempt: AttemptRef,
    why: &Value,
    now_us: i64,
) -> Result<SentBack, EarnError> {
    let of_job = job_reopened(tx, job, why, now_us).await?;
    let key = render_key(attempt.task, attempt.attempt);
    let Some(hold) = store::ledger::hold(tx, &key).await? else {
        return Ok(match of_job {
            Points::Settled => SentBack::Settled,
            Points::None | Points::Void => SentBack::Waits { due_us: None },
        });
    };
    Ok(match (hold.status, hold.due_us) {
        (HoldStatus::Settled, _) => SentBack::Settled,
        (HoldStatus::Held, Some(due_us)) => {
            store::ledger::put_off(tx, &key, redo::put_off(due_us, now_us)).await?;
            SentBack::Waits {
                due_us: Some(due_us),
            }
        }
        (HoldStatus::Held | HoldStatus::Void, _) => SentBack::Waits { due_us: None },
    })
}

async fn job_reopened(
    tx: &mut Tx,
    job: JobId,
    why: &Value,
    now_us: i64,
) -> Result<Points, EarnError> {
    let Some(cost) = costs::find(tx, job).await? else {
        return Ok(Points::None);
    };
    let points = take_back(tx, &job_key(job, cost.rewards_void), why, now_us).await?;
    if points == Points::Void {
        costs::void_reward(tx, job).await?;
    }
    Ok(points)
}

/// Another picture took the place of one that was sent back: the points for it go back to the mint, if they wait.
pub async fn frame_replaced(
    tx: &mut Tx,
    attempt: AttemptRef,
    why: &Value,
    now_us: i64,
) -> Result<Points, EarnError> {
    let key = render_key(attempt.task, attempt.attempt);
    Ok(take_back(tx, &key, why, now_us).await?)
}

/// A picture that was sent back is as it should be: the points for it are due as they were.
pub async fn frame_stands(tx: &mut Tx, attempt: AttemptRef, due_us: i64) -> Result<(), EarnError> {
    let key = render_key(attempt.task, attempt.attempt);
    Ok(store::ledger::put_off(tx, &key, due_us).await?)
}

async fn take_back(tx: &mut Tx, hold: &str, why: &Value, now_us: i64) -> Result<Points, PostError> {
    if hold::release(tx, hold, why.clone(), now_us)
        .await?
        .is_some()
    {
        return Ok(Points::Void);
    }
    let over = store::ledger::hold(tx, hold).await?;
    let is_settled = over.is_some_and(|hold| hold.status == HoldStatus::Settled);
    Ok(if is_settled {
        Points::Settled
    } else {
        Points::None
    })
}

fn render_key(task: TaskId, attempt: u32) -> String {
    format!("render/{task}/{attempt}")
}

/// Once for a job, however often frames of it are rendered again; anew only if the one before went back.
fn job_key(job: JobId, went_back: i64) -> String {
    match went_back {
        0 => format!("job-done/{job}"),
        times => format!("job-done/{job}/{}", times + 1),
    }
}

fn job_points(per_credit: Micros, least: Micros, credits: Micros) -> Micros {
    let by_credits = per_credit.checked_ratio(credits.get(), Micros::PER_ONE);
    by_credits.unwrap_or(Micros::ZERO).max(least)
}

async fn running(
    known: &RulesCache,
    tx: &mut Tx,
    now_us: i64,
) -> Result<Option<Current>, CurrentError> {
    let rules = current(known, tx, now_us).await?;
    Ok(rules.filter(Current::mints_points))
}

/// Points that wait until nobody may object any more.
fn waiting(
    rules: &Current,
    key: String,
    kind: EntryKind,
    owner: UserId,
    amount: Micros,
    inputs: Value,
    now_us: i64,
) -> NewHold {
    let hours = i64::from(rules.rules.points.hold_hours);
    NewHold {
        key,
        book: Book::Points(rules.id),
        kind,
        owner,
        source: Source::Mint,
        destination: Destination::Available,
        amount,
        due_us: Some(now_us.saturating_add(hours * HOUR_US)),
        inputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_earns_by_what_was_spent_and_at_least_the_least() {
        let (one, five) = (Micros::new(1_000_000), Micros::new(5_000_000));
        assert_eq!(job_points(one, five, Micros::new(1)), five);
        assert_eq!(
            job_points(one, five, Micros::new(7_500_000)),
            Micros::new(7_500_000)
        );
    }
}
