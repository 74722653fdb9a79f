//! A job is paid for: credits are set aside, charged for every frame that somebody else delivered, and what is
//! left goes back. [`super::cost`] says how much; the ledger keeps it.
//!
//! Each function works in the transaction of the fact that it follows from. A job without a row in `job_costs`
//! was submitted while there were no rules, and costs nothing.

use pictor_protocol::agent::AttemptRef;
use pictor_protocol::{JobId, Micros, TaskId, UserId, WorkerId};
use serde_json::{Value, json};

use super::cost::{self, Adjust, Short, Standing};
use super::state::Intent;
use crate::campaign::Current;
use crate::ledger::hold::{self, Destination, NewHold, Part, Source};
use crate::ledger::{self, Account, Book, Entry, EntryKind, PostError, Posted};
use crate::store::costs::{self, CostRow, NewCost};
use crate::store::jobs::{self, JobRow};
use crate::store::ledger::HoldRow;
use crate::store::{self, StoreError, Tx};

/// Why a job cannot be paid for.
#[derive(Debug, thiserror::Error)]
pub enum ChargeError {
    #[error(
        "this takes at least {needed} credits for the first frames, and {available} are available"
    )]
    NotEnough { needed: Micros, available: Micros },
    #[error("{0}")]
    Short(Short),
    #[error(transparent)]
    Books(#[from] PostError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a new job is going to cost.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub rules: &'a Current,
    pub guess_ms: i64,
    pub frames: u32,
    pub spend_cap: Option<Micros>,
}

impl Terms<'_> {
    pub fn standing(&self) -> Standing {
        Standing {
            price: self.rules.rules.credits.per_reference_minute,
            guess_ms: self.guess_ms,
            measured: 0,
            measured_ms: 0,
            open: self.frames,
            charged: Micros::ZERO,
            cap: self.spend_cap,
            reserved: Micros::ZERO,
        }
    }
}

/// Sets aside what a new job may cost, as far as its creator has it.
pub async fn submitted(
    tx: &mut Tx,
    owner: UserId,
    job: JobId,
    terms: Terms<'_>,
    now_us: i64,
) -> Result<(), ChargeError> {
    let standing = terms.standing();
    let new = NewCost {
        job,
        campaign: terms.rules.id,
        rules_version: terms.rules.version,
        price: standing.price,
        guess_ms: terms.guess_ms,
        spend_cap: terms.spend_cap,
    };
    costs::insert(tx, &new).await?;
    reserve(tx, owner, job, 1, &standing, now_us).await
}

/// Begins a reserve: the test frames must be affordable, the rest as far as there are credits.
async fn reserve(
    tx: &mut Tx,
    owner: UserId,
    job: JobId,
    round: i64,
    standing: &Standing,
    now_us: i64,
) -> Result<(), ChargeError> {
    let needed = standing.least();
    let available = ledger::balance(tx, Book::Credits, owner).await?.available;
    if available < needed {
        return Err(ChargeError::NotEnough { needed, available });
    }
    let amount = standing.wanted().min(available);
    if amount == Micros::ZERO {
        return match standing.shortage() {
            Some(short) => Err(ChargeError::Short(short)),
            None => Ok(()),
        };
    }
    let new = NewHold {
        key: hold_key(job, round),
        book: Book::Credits,
        kind: EntryKind::Reserve,
        owner,
        source: Source::Available,
        destination: Destination::Revenue,
        amount,
        due_us: None,
        inputs: explained(job, standing),
    };
    hold::begin(tx, &new, now_us).await?;
    Ok(())
}

fn hold_key(job: JobId, round: i64) -> String {
    format!("job/{job}/{round}")
}

fn charge_key(task: TaskId, attempt: u32) -> String {
    format!("charge/{task}/{attempt}")
}

fn explained(job: JobId, standing: &Standing) -> Value {
    let estimate = standing.estimate();
    json!({
        "job": job,
        "frames": standing.open,
        "frame_reference_ms": estimate.frame_ms,
        "by": if estimate.is_measured { "frames that were rendered" } else { "a guess" },
        "price_per_reference_minute_micros": standing.price,
        "spend_cap_micros": standing.cap,
    })
}

/// A frame that was accepted.
#[derive(Debug, Clone, Copy)]
pub struct Delivered {
    pub task: TaskId,
    pub attempt: u32,
    pub frame: i32,
    pub worker: WorkerId,
    /// Whose worker rendered it.
    pub by: UserId,
    /// What the reference machine would have taken.
    pub reference_ms: i64,
}

/// Charges a frame, lets the reserve follow, and pauses the job when the next one cannot be paid.
pub async fn delivered(
    tx: &mut Tx,
    job: &JobRow,
    frame: Delivered,
    now_us: i64,
) -> Result<(), ChargeError> {
    let Some(row) = costs::find(tx, job.id).await? else {
        return Ok(());
    };
    if frame.by == job.owner_id {
        costs::add_free(tx, job.id).await?;
        return Ok(());
    }
    let key = hold_key(job.id, row.round);
    let price = cost::price_of(row.price(), frame.reference_ms);
    let left = left_for(tx, job, &row, frame, price, now_us).await?;
    // What is in work when the credits end is delivered all the same; the network bears the difference.
    let amount = price.min(left);
    if amount > Micros::ZERO {
        let part = Part {
            key: charge_key(frame.task, frame.attempt),
            kind: EntryKind::Charge,
            amount,
            inputs: json!({
                "job": job.id,
                "frame": frame.frame,
                "reference_ms": frame.reference_ms,
                "price_per_reference_minute_micros": row.price(),
                "price_micros": price,
            }),
        };
        hold::capture(tx, &key, &part, now_us).await?;
        costs::add_charge(tx, job.id, amount).await?;
    }
    follow(tx, job, now_us).await
}

/// What lies ready for a frame of that price: a frame that took longer than was reserved for it is paid from what
/// its creator has, within the cap.
async fn left_for(
    tx: &mut Tx,
    job: &JobRow,
    row: &CostRow,
    frame: Delivered,
    price: Micros,
    now_us: i64,
) -> Result<Micros, ChargeError> {
    let key = hold_key(job.id, row.round);
    let Some(hold) = open_hold(tx, &key).await? else {
        return Ok(Micros::ZERO);
    };
    let standing = standing(job, row, hold.left());
    let available = ledger::balance(tx, Book::Credits, job.owner_id)
        .await?
        .available;
    let more = standing.more_for(price, available);
    if more == Micros::ZERO {
        return Ok(hold.left());
    }
    let step = format!("{key}/for/{}/{}", frame.task, frame.attempt);
    let inputs = json!({ "job": job.id, "frame": frame.frame, "price_micros": price });
    hold::top_up(tx, &key, &step, more, inputs, now_us).await?;
    Ok(Micros::new(hold.left().get() + more.get()))
}

/// Lets the reserve follow the estimate.
async fn follow(tx: &mut Tx, job: &JobRow, now_us: i64) -> Result<(), ChargeError> {
    let Some(row) = costs::find(tx, job.id).await? else {
        return Ok(());
    };
    let key = hold_key(job.id, row.round);
    let Some(hold) = open_hold(tx, &key).await? else {
        return Ok(());
    };
    let mut standing = standing(job, &row, hold.left());
    let available = ledger::balance(tx, Book::Credits, job.owner_id)
        .await?
        .available;
    let step = format!("{key}/at/{}", standing.measured);
    match standing.adjust(available) {
        Adjust::Enough => {}
        Adjust::TopUp(amount) => {
            let inputs = explained(job.id, &standing);
            if let Posted::New(_) = hold::top_up(tx, &key, &step, amount, inputs, now_us).await? {
                standing.reserved = Micros::new(standing.reserved.get() + amount.get());
            }
        }
        Adjust::GiveBack(amount) => {
            let part = Part {
                key: step,
                kind: EntryKind::Void,
                amount,
                inputs: explained(job.id, &standing),
            };
            hold::give_back(tx, &key, &part, now_us).await?;
        }
    }
    if let Some(short) = standing.shortage().filter(|_| job.intent == Intent::Run) {
        jobs::set_intent(tx, job.id, Intent::Paused, Some(&short.to_string())).await?;
        jobs::bump(tx, job.id).await?;
    }
    Ok(())
}

/// What was charged for a picture.
pub async fn charged(tx: &mut Tx, of: AttemptRef) -> store::Result<Micros> {
    let charge = charge_key(of.task, of.attempt);
    let amount = store::ledger::moved_by(tx, &charge).await?;
    Ok(amount.unwrap_or(Micros::ZERO))
}

/// Gives back, once, what was charged for a picture.
pub async fn refund(
    tx: &mut Tx,
    job: &JobRow,
    of: AttemptRef,
    why: &Value,
    now_us: i64,
) -> Result<(), ChargeError> {
    let amount = charged(tx, of).await?;
    if amount == Micros::ZERO {
        return Ok(());
    }
    let AttemptRef { task, attempt } = of;
    let key = format!("refund/{task}/{attempt}");
    let entry = Entry::new(key, Book::Credits, EntryKind::Refund, why.clone()).transfer(
        Account::Revenue,
        Account::Available(job.owner_id),
        amount,
    );
    if let Posted::New(_) = ledger::post(tx, &entry, now_us).await? {
        costs::take_charge(tx, job.id, amount).await?;
    }
    Ok(())
}

/// Frames of a job are to be rendered again: what they need is set aside, and the job waits if it is not there.
pub async fn reopened(tx: &mut Tx, job: &JobRow, now_us: i64) -> Result<(), ChargeError> {
    let Some(row) = costs::find(tx, job.id).await? else {
        return Ok(());
    };
    // What lies ready for its other frames is not let go of while they render.
    if open_hold(tx, &hold_key(job.id, row.round)).await?.is_some() {
        return follow(tx, job, now_us).await;
    }
    let short = match resumed(tx, job, now_us).await {
        Err(ChargeError::NotEnough { .. }) => Short::Credits,
        Err(ChargeError::Short(short)) => short,
        done => return done,
    };
    if job.intent == Intent::Run {
        jobs::set_intent(tx, job.id, Intent::Paused, Some(&short.to_string())).await?;
        jobs::bump(tx, job.id).await?;
    }
    Ok(())
}

/// What is left of a job's reserve goes back when nothing of it is to be rendered any more.
pub async fn over(tx: &mut Tx, job: JobId, why: &str, now_us: i64) -> Result<(), ChargeError> {
    if let Some(row) = costs::find(tx, job).await? {
        hold::release(tx, &hold_key(job, row.round), json!(why), now_us).await?;
    }
    Ok(())
}

/// Frames are to be rendered again, or after a pause: what they need is set aside anew.
pub async fn resumed(tx: &mut Tx, job: &JobRow, now_us: i64) -> Result<(), ChargeError> {
    let Some(row) = costs::find(tx, job.id).await? else {
        return Ok(());
    };
    let key = hold_key(job.id, row.round);
    hold::release(tx, &key, json!("reserved anew"), now_us).await?;
    costs::next_round(tx, job.id).await?;
    let standing = standing(job, &row, Micros::ZERO);
    reserve(tx, job.owner_id, job.id, row.round + 1, &standing, now_us).await
}

/// How a job stands with its costs; `None` if it costs nothing.
pub async fn standing_of(tx: &mut Tx, job: &JobRow) -> store::Result<Option<(CostRow, Standing)>> {
    let Some(row) = costs::find(tx, job.id).await? else {
        return Ok(None);
    };
    let hold = open_hold(tx, &hold_key(job.id, row.round)).await?;
    let left = hold.map_or(Micros::ZERO, |hold| hold.left());
    let standing = standing(job, &row, left);
    Ok(Some((row, standing)))
}

fn standing(job: &JobRow, row: &CostRow, reserved: Micros) -> Standing {
    let counts = pictor_protocol::job::FrameCounts::from(&job.counts);
    Standing {
        price: row.price(),
        guess_ms: row.guess_ms,
        measured: u32::try_from(job.scored).unwrap_or(u32::MAX),
        measured_ms: job.reference_ms,
        open: counts.queued + counts.leased,
        charged: row.charged(),
        cap: row.spend_cap(),
        reserved,
    }
}

async fn open_hold(tx: &mut Tx, key: &str) -> store::Result<Option<HoldRow>> {
    let row = store::ledger::hold(tx, key).await?;
    Ok(row.filter(|row| row.status == hold::HoldStatus::Held))
}
