//! Points for what needs no time for objections: they can be used at once.

use pictor_protocol::{Micros, UserId};
use serde_json::{Value, json};

use super::current::Current;
use super::referral;
use crate::fair_play;
use crate::ledger::{self, Account, Book, Entry, EntryKind, PostError, Posted};
use crate::store::Tx;

/// What somebody did, and what it is worth.
#[derive(Debug, Clone)]
pub struct Award {
    /// Named after what was done.
    pub key: String,
    pub kind: EntryKind,
    pub user: UserId,
    pub amount: Micros,
    pub inputs: Value,
}

/// Gives points of a campaign, and their share to whoever brought the person. Nothing if it is worth nothing, or
/// if the person may not earn.
pub async fn award(
    tx: &mut Tx,
    campaign: &Current,
    award: Award,
    now_us: i64,
) -> Result<(), PostError> {
    if award.amount == Micros::ZERO || !fair_play::may_earn(tx, award.user).await? {
        return Ok(());
    }
    let book = Book::Points(campaign.id);
    let entry = Entry::new(
        &award.key,
        book,
        award.kind,
        by_rules(campaign, award.inputs),
    )
    .transfer(Account::Mint, Account::Available(award.user), award.amount);
    if let Posted::New(_) = ledger::post(tx, &entry, now_us).await? {
        let settled = referral::Settled {
            user: award.user,
            amount: award.amount,
            key: &award.key,
        };
        referral::share(tx, campaign, &settled, now_us).await?;
    }
    Ok(())
}

/// Gives credits. Nothing if it is worth nothing, or if the person may not earn.
pub async fn credit(
    tx: &mut Tx,
    campaign: &Current,
    award: Award,
    now_us: i64,
) -> Result<(), PostError> {
    if award.amount == Micros::ZERO || !fair_play::may_earn(tx, award.user).await? {
        return Ok(());
    }
    let inputs = by_rules(campaign, award.inputs);
    let entry = Entry::new(&award.key, Book::Credits, award.kind, inputs).transfer(
        Account::Mint,
        Account::Available(award.user),
        award.amount,
    );
    ledger::post(tx, &entry, now_us).await?;
    Ok(())
}

/// Adds to the inputs of an entry which rules it was judged by.
pub fn by_rules(campaign: &Current, mut inputs: Value) -> Value {
    if let Some(fields) = inputs.as_object_mut() {
        fields.insert("campaign".into(), json!(campaign.slug));
        fields.insert("rules".into(), json!(campaign.version));
    }
    inputs
}
