//! What rendering earns: points for whose worker rendered, and for the creator of a job that was rendered.
//!
//! Both wait in holds until the rules' time for objections is over; [`settle`](super) lets them go on. Nothing is
//! minted for one's own frames on one's own workers, or on those of an account that is [linked](fair_play::linked),
//! and nothing for whoever is suspended.

use pictor_protocol::{JobId, Micros, UserId};
use serde_json::json;

use super::{Current, CurrentError, RulesCache, current};
use crate::fair_play;
use crate::jobs::charge::Delivered;
use crate::jobs::cost;
use crate::ledger::hold::{self, Destination, NewHold, Source};
use crate::ledger::{Book, EntryKind, PostError};
use crate::store::jobs::JobRow;
use crate::store::{StoreError, Tx};
use crate::store::{costs, standing};
use crate::workers::earnings;

const HOUR_US: i64 = 3_600_000_000;

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
    let key = format!("render/{}/{}", frame.task, frame.attempt);
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
    let key = job_key(job.id);
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

/// Once for a job, however often frames of it are rendered again.
fn job_key(job: JobId) -> String {
    format!("job-done/{job}")
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
    inputs: serde_json::Value,
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
