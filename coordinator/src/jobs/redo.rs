//! A frame that was sent back is there again: what becomes of the picture before.
//!
//! Until then nothing has moved: the creator has paid for it, and the points for it wait, for
//! [`REPLACED_WITHIN_DAYS`] days at least. If the new picture shows something else, the one before was wrong: what was
//! charged for it comes back, and its points do not go on. If both show the same, that is what the scene looks like,
//! and it stays paid; so it does if its creator, who could hand in anything, made the new one. So sending everything
//! back and keeping the pictures wins nobody anything.

use pictor_protocol::agent::AttemptRef;
use pictor_protocol::{BlobHash, UserId};
use serde_json::json;

use super::charge;
use super::review::Outcome;
use crate::app::App;
use crate::campaign::calendar::DAY_US;
use crate::campaign::earn::{self, Points};
use crate::dispatch::report::ReportError;
use crate::fair_play;
use crate::store::jobs::JobRow;
use crate::store::reviews::OpenRow;
use crate::store::tasks::TaskRow;
use crate::store::{self, Tx, reviews};
use crate::trust;

/// So long the points for a picture wait for the one that is to take its place.
pub const REPLACED_WITHIN_DAYS: i64 = 7;

/// When points go on that would have been due at a moment, if their picture is sent back now.
pub fn put_off(due_us: i64, now_us: i64) -> i64 {
    due_us.max(now_us + REPLACED_WITHIN_DAYS * DAY_US)
}

/// A picture that was sent back, held against the new one.
pub struct Compared {
    before: OpenRow,
    is_same: bool,
}

/// Holds the pictures of a frame that were sent back against its new one.
pub async fn compare(
    app: &App,
    task: &TaskRow,
    output: BlobHash,
    thumbnail: Option<BlobHash>,
) -> store::Result<Vec<Compared>> {
    if task.times_sent_back == 0 {
        return Ok(Vec::new());
    }
    let mut tx = app.store.read().await?;
    let open = reviews::open(&mut tx, task.id).await?;
    drop(tx);
    let mut compared = Vec::with_capacity(open.len());
    for before in open {
        let is_same = before.output.0 == Some(output)
            || match (before.thumbnail.0, thumbnail) {
                (Some(before), Some(after)) => trust::show_the_same(app, before, after).await,
                _ => false,
            };
        compared.push(Compared { before, is_same });
    }
    Ok(compared)
}

/// Decides on the pictures before the new one, which was accepted in this transaction.
pub async fn decide(
    tx: &mut Tx,
    job: &JobRow,
    task: &TaskRow,
    by: UserId,
    compared: &[Compared],
    now_us: i64,
) -> Result<(), ReportError> {
    if compared.is_empty() {
        return Ok(());
    }
    let is_own = by == job.owner_id || fair_play::linked(tx, by, job.owner_id).await?;
    for Compared { before, is_same } in compared {
        let attempt = AttemptRef {
            task: task.id,
            attempt: before.attempt,
        };
        let stands = match (is_own, is_same) {
            (true, _) => Some(Outcome::Own),
            (false, true) => Some(Outcome::Same),
            (false, false) => None,
        };
        let outcome = match stands {
            Some(stands) => {
                if let Some(due_us) = before.due_us {
                    earn::frame_stands(tx, attempt, due_us).await?;
                }
                stands
            }
            None => replace(tx, job, task, attempt, now_us).await?,
        };
        reviews::decide(tx, attempt, outcome).await?;
    }
    Ok(())
}

async fn replace(
    tx: &mut Tx,
    job: &JobRow,
    task: &TaskRow,
    attempt: AttemptRef,
    now_us: i64,
) -> Result<Outcome, ReportError> {
    let why = json!({ "job": job.id, "frame": task.frame, "sent_back": task.review_reason });
    let points = earn::frame_replaced(tx, attempt, &why, now_us).await?;
    if points == Points::Settled {
        return Ok(Outcome::Settled);
    }
    charge::refund(tx, job, attempt, &why, now_us).await?;
    Ok(Outcome::Replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_wait_a_week_for_the_new_picture_and_as_long_as_they_would_have() {
        let week_us = REPLACED_WITHIN_DAYS * DAY_US;
        assert_eq!(put_off(5, 10), 10 + week_us);
        assert_eq!(put_off(11 + week_us, 10), 11 + week_us);
    }
}
