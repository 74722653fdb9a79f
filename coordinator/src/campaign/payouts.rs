//! Payouts: from a list of winners to money on their Aptos accounts, once.
//!
//! | room | what it owns |
//! |---|---|
//! | [`amounts`] | cents → octas at a recorded rate, exact; pure |
//! | [`batch`] | the life of a batch: who approves, what may follow; pure |
//! | [`transaction`] | bytes, signature and hash; pure |
//! | [`fate`] | what became of a transaction, and when another one may be made; pure |
//! | [`key`], [`node`] | the key's file; the full node's REST API |
//! | [`send`] | sends a batch: ask, simulate, sign, **store**, and only then submit |
//! | [`drive`] | the task that carries sent batches to their end, after a restart too |
//! | [`winners`] | from a final snapshot to a draft |
//! | [`csv`], [`view`] | what operators see |
//!
//! A batch is drafted from what a campaign decided and never edited. Two operators approve it, each on their
//! own account. Then it is sent, or, where no key is configured, paid by hand after its CSV, which two
//! operators have to confirm as well. The key lies in a file and never comes into the database.

pub mod amounts;
pub mod batch;
pub mod csv;
pub mod drive;
pub mod fate;
pub mod key;
pub mod node;
pub mod send;
pub mod transaction;
pub mod view;
pub mod winners;

use std::collections::HashSet;

use pictor_protocol::{CampaignId, PayoutId, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::accounts::aptos::Address;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::store::payouts::{self, NewItemRow, NewPayoutRow, PayoutRow, StateRow};
use crate::store::{Store, StoreError, Tx, payout_transactions, standing};
use amounts::{AmountError, Rate};
use batch::{Batch, BatchStatus, Change, Claim, Event, Refusal, State};
use transaction::TransactionHash;

/// 40 bytes each, in a transaction of at most 64 KiB.
pub const RECIPIENTS_MAX: usize = 1_000;

/// Somebody who has won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winner {
    pub user: UserId,
    pub rank: u32,
    pub address: Address,
    pub prize_cents: u64,
}

/// Why no payout is drafted.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    #[error(transparent)]
    Amount(#[from] AmountError),
    #[error("{0} winners do not fit into one transaction: at most {RECIPIENTS_MAX} do")]
    TooMany(usize),
    #[error("there is no rank 0")]
    NoRank,
    #[error("the user {0} is in the list twice")]
    UserTwice(UserId),
    #[error("the account {0} is in the list twice")]
    AddressTwice(Address),
    #[error("the user {0} is in another payout of this campaign, which was not withdrawn")]
    InAnotherPayout(UserId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a payout was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PayoutError {
    #[error("there is no such payout")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("somebody else has changed this payout meanwhile; look at it again")]
    Raced,
    /// A batch is never edited, so the others are paid by the next one.
    #[error(
        "the winner of rank {rank} is disqualified: withdraw this payout, and draft another one"
    )]
    Disqualified { rank: u32 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Drafts a payout to winners, at so many US dollars for one APT. It has no approval yet; that of whoever
/// drafted it counts when they give it.
pub async fn draft(
    tx: &mut Tx,
    campaign: CampaignId,
    winners: &[Winner],
    rate: Rate,
    by: UserId,
    now_us: i64,
) -> Result<PayoutId, DraftError> {
    check(winners)?;
    let prizes: Vec<u64> = winners.iter().map(|winner| winner.prize_cents).collect();
    let shares = amounts::shares(&prizes, rate)?;
    let id = PayoutId::new(Uuid::now_v7());
    let new = NewPayoutRow {
        id,
        campaign,
        rate,
        recipients: winners.len() as i64,
        total_cents: column(shares.total_cents)?,
        total_octas: column(shares.total_octas)?,
        left_over_octas: column(shares.left_over_octas)?,
        drafted_by: by,
        now_us,
    };
    payouts::insert(tx, &new).await?;
    for (winner, octas) in winners.iter().zip(shares.octas) {
        let item = NewItemRow {
            user: winner.user,
            rank: winner.rank,
            address: winner.address,
            prize_cents: column(winner.prize_cents)?,
            octas: column(octas)?,
        };
        if !payouts::insert_item(tx, id, campaign, &item).await? {
            return Err(DraftError::InAnotherPayout(winner.user));
        }
    }
    write_down(
        tx,
        id,
        &Note::by(by, "drafted"),
        Some(Act::PayoutDrafted),
        now_us,
    )
    .await?;
    Ok(id)
}

fn check(winners: &[Winner]) -> Result<(), DraftError> {
    if winners.len() > RECIPIENTS_MAX {
        return Err(DraftError::TooMany(winners.len()));
    }
    let (mut users, mut addresses) = (HashSet::new(), HashSet::new());
    for winner in winners {
        if winner.rank == 0 {
            return Err(DraftError::NoRank);
        }
        if !users.insert(winner.user) {
            return Err(DraftError::UserTwice(winner.user));
        }
        if !addresses.insert(winner.address) {
            return Err(DraftError::AddressTwice(winner.address));
        }
    }
    Ok(())
}

fn column(amount: u64) -> Result<i64, AmountError> {
    i64::try_from(amount).map_err(|_| AmountError::TooMuch)
}

pub async fn approve(
    store: &Store,
    id: PayoutId,
    by: UserId,
    now_us: i64,
) -> Result<(), PayoutError> {
    change(
        store,
        id,
        Event::Approve { by },
        &Note::by(by, "approved"),
        now_us,
    )
    .await
}

/// Takes a payout back that has not been sent; its winners can be in another one.
pub async fn withdraw(
    store: &Store,
    id: PayoutId,
    by: UserId,
    now_us: i64,
) -> Result<(), PayoutError> {
    change(
        store,
        id,
        Event::Withdraw,
        &Note::by(by, "withdrawn"),
        now_us,
    )
    .await
}

/// Notes that a payout was paid outside, by that transaction. It counts once a second operator says
/// the same.
pub async fn say_paid_by_hand(
    store: &Store,
    id: PayoutId,
    by: UserId,
    hash: TransactionHash,
    now_us: i64,
) -> Result<(), PayoutError> {
    let what = format!("said to be paid by hand, by {hash}");
    let event = Event::Claim(Claim { by, hash });
    change(store, id, event, &Note::by(by, &what), now_us).await
}

/// Takes back that a payout was paid outside, as long as nobody has confirmed it.
pub async fn say_not_paid(
    store: &Store,
    id: PayoutId,
    by: UserId,
    now_us: i64,
) -> Result<(), PayoutError> {
    let note = Note::by(by, "said not to be paid by hand after all");
    change(store, id, Event::Unclaim, &note, now_us).await
}

async fn change(
    store: &Store,
    id: PayoutId,
    event: Event,
    note: &Note<'_>,
    now_us: i64,
) -> Result<(), PayoutError> {
    let mut tx = store.write().await?;
    apply(&mut tx, id, event, note, now_us).await?;
    Ok(tx.commit().await?)
}

/// What is written down beside a change.
pub(in crate::campaign::payouts) struct Note<'a> {
    /// Nobody if the coordinator did it.
    pub by: Option<UserId>,
    pub what: &'a str,
    /// Why the payout does not go on, if it does not.
    pub trouble: Option<String>,
}

impl<'a> Note<'a> {
    fn by(by: UserId, what: &'a str) -> Self {
        Self {
            by: Some(by),
            what,
            trouble: None,
        }
    }

    pub fn of_ours(what: &'a str) -> Self {
        Self {
            by: None,
            what,
            trouble: None,
        }
    }
}

/// Applies an event to what is stored. Answers the batch if that changed it, and nothing if it was so already.
pub(in crate::campaign::payouts) async fn apply(
    tx: &mut Tx,
    id: PayoutId,
    event: Event,
    note: &Note<'_>,
    now_us: i64,
) -> Result<Option<Batch>, PayoutError> {
    let (row, batch) = load(tx, id).await?;
    let act = act(&event);
    let Change::To(next) = batch::apply(&batch, event)? else {
        return Ok(None);
    };
    if matches!(event, Event::Approve { .. } | Event::Sign)
        && let Some(rank) = disqualified(tx, id).await?
    {
        return Err(PayoutError::Disqualified { rank });
    }
    let approvals = next.approved_by.iter().skip(batch.approved_by.len());
    for by in approvals {
        payouts::insert_approval(tx, id, *by, now_us).await?;
    }
    let to = state_row(&row, &next, note, now_us);
    if !payouts::set_state(tx, id, row.revision, &to).await? {
        return Err(PayoutError::Raced);
    }
    if next.state == State::Withdrawn {
        payouts::free_items(tx, id).await?;
    }
    write_down(tx, id, note, act, now_us).await?;
    Ok(Some(next))
}

/// What an event is as the act of an operator. What the chain does is nobody's act.
fn act(event: &Event) -> Option<Act> {
    match event {
        Event::Approve { .. } => Some(Act::PayoutApproved),
        Event::Withdraw => Some(Act::PayoutWithdrawn),
        Event::Claim(_) => Some(Act::PayoutSaidPaid),
        Event::Unclaim => Some(Act::PayoutSaidUnpaid),
        Event::Sign => Some(Act::PayoutSent),
        Event::Submitted { .. } | Event::Committed { .. } | Event::Over { .. } => None,
    }
}

/// Notes what happened in the payout's own history and, if an operator did it, in the audit log.
async fn write_down(
    tx: &mut Tx,
    id: PayoutId,
    note: &Note<'_>,
    act: Option<Act>,
    now_us: i64,
) -> Result<(), StoreError> {
    payouts::insert_event(tx, id, note.by, note.what, now_us).await?;
    let (Some(by), Some(act)) = (note.by, act) else {
        return Ok(());
    };
    let row = payouts::find(tx, id).await?;
    let record = Record {
        by: By::Operator(by),
        act,
        subject: Subject::Payout(id),
        reason: "",
        evidence: json!({
            "campaign": row.as_ref().map(|row| row.campaign_id),
            "winners": row.as_ref().map(|row| row.recipients),
            "total_cents": row.as_ref().map(|row| row.total_cents),
            "usd_per_apt": row.as_ref().map(|row| row.rate.to_string()),
            "what": note.what,
        }),
    };
    audit_log::write(tx, &record, now_us).await
}

/// The first rank of a batch whose winner is out of the ranking by now, if there is one.
pub(in crate::campaign::payouts) async fn disqualified(
    tx: &mut Tx,
    id: PayoutId,
) -> Result<Option<u32>, StoreError> {
    let out: HashSet<_> = standing::disqualified(tx).await?.into_iter().collect();
    if out.is_empty() {
        return Ok(None);
    }
    let items = payouts::items(tx, id).await?;
    let found = items.iter().find(|item| out.contains(&item.user_id));
    Ok(found.map(|item| item.rank))
}

fn state_row(row: &PayoutRow, next: &Batch, note: &Note<'_>, now_us: i64) -> StateRow {
    let (by_hand_hash, by_hand_by, by_hand_with) = match next.state {
        State::ByHand(claim) => (Some(claim.hash), Some(claim.by), None),
        State::Confirmed {
            by_hand: Some(hash),
        } => (Some(hash), row.by_hand_by.0, note.by),
        State::Drafted
        | State::Approved
        | State::Signed
        | State::Submitted
        | State::Confirmed { by_hand: None }
        | State::Failed
        | State::Withdrawn => (None, None, None),
    };
    StateRow {
        status: next.state.status(),
        by_hand_hash,
        by_hand_by,
        by_hand_with,
        trouble: note.trouble.clone(),
        now_us,
    }
}

/// The batch as it is stored.
pub(in crate::campaign::payouts) async fn load(
    tx: &mut Tx,
    id: PayoutId,
) -> Result<(PayoutRow, Batch), PayoutError> {
    let row = payouts::find(tx, id).await?.ok_or(PayoutError::NotFound)?;
    let transactions = payout_transactions::of_payout(tx, id).await?;
    let batch = Batch {
        state: state(&row),
        approved_by: payouts::approved_by(tx, id).await?,
        attempts: transactions.last().map_or(0, |last| last.attempt),
    };
    Ok((row, batch))
}

fn state(row: &PayoutRow) -> State {
    let claim = row.by_hand_hash.0.zip(row.by_hand_by.0);
    match (row.status, claim) {
        (BatchStatus::ByHand, Some((hash, by))) => State::ByHand(Claim { by, hash }),
        // The database has no such row; and whatever it were, it is not to be sent.
        (BatchStatus::Withdrawn | BatchStatus::ByHand, _) => State::Withdrawn,
        (BatchStatus::Drafted, _) => State::Drafted,
        (BatchStatus::Approved, _) => State::Approved,
        (BatchStatus::Signed, _) => State::Signed,
        (BatchStatus::Submitted, _) => State::Submitted,
        (BatchStatus::Confirmed, _) => State::Confirmed {
            by_hand: row.by_hand_hash.0,
        },
        (BatchStatus::Failed, _) => State::Failed,
    }
}
