//! Points that waited go on when their time for objections is over, and bring whoever brought their earner a
//! share.
//!
//! A pass settles a batch in one short transaction, so that whoever else writes waits for one batch and no more,
//! however many holds are due. A hold that may not or cannot settle now is put off for an hour: it must not stand
//! before those behind it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use pictor_protocol::{CampaignId, Micros, UserId};

use super::RulesCache;
use super::calendar::HOUR_US;
use super::current::{Current, CurrentError, judged_by};
use super::referral;
use crate::app::App;
use crate::fair_play;
use crate::ledger::hold::{self, Destination};
use crate::ledger::{Book, PostError};
use crate::store::campaigns;
use crate::store::ledger::{self, HoldRow};
use crate::store::{StoreError, Tx};

/// How often due holds are looked for.
const TICK: Duration = Duration::from_secs(3);
/// A hold takes a dozen small statements: whoever else writes waits for so many of them.
pub(super) const BATCH: i64 = 20;
/// After how long a hold is tried again that did not settle.
const PUT_OFF_US: i64 = HOUR_US;

#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("hold {hold} cannot be settled")]
    Hold { hold: String, source: HoldFault },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with one hold, or with the campaign that it belongs to.
#[derive(Debug, thiserror::Error)]
pub enum HoldFault {
    #[error("there is no campaign {0}")]
    NoCampaign(CampaignId),
    #[error(transparent)]
    Current(CurrentError),
    #[error(transparent)]
    Post(PostError),
}

/// What a pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pass {
    pub settled: usize,
    pub put_off: usize,
}

/// Runs until the coordinator stops.
pub async fn run(app: &App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => return,
        }
        while !app.stopping.is_cancelled() {
            match one_batch(app).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "settling failed");
                    break;
                }
            }
        }
    }
}

/// Settles some; whether there may be more.
async fn one_batch(app: &App) -> Result<bool, SettleError> {
    let mut tx = app.store.read().await?;
    if ledger::due_holds(&mut tx, app.now_us(), 1)
        .await?
        .is_empty()
    {
        return Ok(false);
    }
    drop(tx);
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let barred = fair_play::barred(&mut tx).await?;
    let may_settle = |owner: UserId| !barred.contains(&owner);
    match settle_due(&app.rules, &mut tx, now_us, BATCH, may_settle).await {
        Ok(pass) => {
            tx.commit().await?;
            Ok(pass.settled + pass.put_off == BATCH as usize)
        }
        Err(SettleError::Hold { hold, source }) => {
            // With it the whole batch: the others come again at once, without it.
            drop(tx);
            tracing::error!(
                hold,
                error = &source as &dyn std::error::Error,
                "a hold cannot be settled"
            );
            let mut tx = app.store.write().await?;
            ledger::put_off(&mut tx, &hold, now_us + PUT_OFF_US).await?;
            tx.commit().await?;
            Ok(true)
        }
        Err(error @ SettleError::Store(_)) => Err(error),
    }
}

/// Settles holds that are due, the oldest first. After [`SettleError`] the transaction has to be dropped.
pub async fn settle_due(
    known: &RulesCache,
    tx: &mut Tx,
    now_us: i64,
    limit: i64,
    may_settle: impl Fn(UserId) -> bool,
) -> Result<Pass, SettleError> {
    let mut pass = Pass::default();
    let mut campaigns = HashMap::new();
    for row in ledger::due_holds(tx, now_us, limit).await? {
        if may_settle(row.owner) {
            settle(known, tx, &row, &mut campaigns, now_us)
                .await
                .map_err(|fault| fault.of(&row))?;
            pass.settled += 1;
        } else {
            ledger::put_off(tx, &row.key, now_us + PUT_OFF_US).await?;
            pass.put_off += 1;
        }
    }
    Ok(pass)
}

async fn settle(
    known: &RulesCache,
    tx: &mut Tx,
    row: &HoldRow,
    campaigns: &mut HashMap<CampaignId, Current>,
    now_us: i64,
) -> Result<(), HoldFault> {
    let amount = hold::settle(tx, &row.key, now_us).await?;
    let amount = amount.unwrap_or(Micros::ZERO);
    let (Book::Points(id), Destination::Available) = (row.book, row.destination) else {
        return Ok(());
    };
    if amount == Micros::ZERO {
        return Ok(());
    }
    let campaign = match campaigns.entry(id) {
        Entry::Occupied(read) => read.into_mut(),
        Entry::Vacant(unknown) => unknown.insert(rules_now(known, tx, id, now_us).await?),
    };
    let settled = referral::Settled {
        user: row.owner,
        amount,
        key: &hold::settled_by(&row.key),
    };
    Ok(referral::share(tx, campaign, &settled, now_us).await?)
}

/// The campaign whose points those are, with the rules of now; with those of its end, if it is over.
async fn rules_now(
    known: &RulesCache,
    tx: &mut Tx,
    id: CampaignId,
    now_us: i64,
) -> Result<Current, HoldFault> {
    let row = campaigns::find(tx, id).await?;
    let row = row.ok_or(HoldFault::NoCampaign(id))?;
    Ok(judged_by(known, tx, row, now_us).await?)
}

impl HoldFault {
    /// What the database says concerns every hold.
    fn of(self, row: &HoldRow) -> SettleError {
        match self {
            Self::Post(PostError::Store(error)) | Self::Current(CurrentError::Store(error)) => {
                error.into()
            }
            source @ (Self::NoCampaign(_) | Self::Current(_) | Self::Post(_)) => {
                SettleError::Hold {
                    hold: row.key.clone(),
                    source,
                }
            }
        }
    }
}

impl From<StoreError> for HoldFault {
    fn from(error: StoreError) -> Self {
        Self::Post(PostError::Store(error))
    }
}

impl From<PostError> for HoldFault {
    fn from(error: PostError) -> Self {
        Self::Post(error)
    }
}

impl From<CurrentError> for HoldFault {
    fn from(error: CurrentError) -> Self {
        Self::Current(error)
    }
}
