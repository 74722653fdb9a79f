//! Payouts as operators see them.

use pictor_protocol::PayoutId;
use pictor_protocol::payout::{
    Payout, PayoutAccount, PayoutClaim, PayoutDetails, PayoutEvent, PayoutItem, PayoutPage,
    PayoutStatus, PayoutTransaction, PayoutTransactionStatus,
};

use super::PayoutError;
use super::batch::BatchStatus;
use super::node::NodeError;
use super::send::Payer;
use crate::store::payout_transactions::{self, TransactionRow, TransactionStatus};
use crate::store::payouts::{self, ItemRow, PayoutRow};
use crate::store::{StoreError, Tx};

pub async fn page(
    tx: &mut Tx,
    before: Option<PayoutId>,
    limit: usize,
) -> Result<PayoutPage, StoreError> {
    let mut rows = payouts::page(tx, before, limit as i64 + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut payouts = Vec::with_capacity(rows.len());
    for row in rows {
        payouts.push(view(tx, row).await?);
    }
    let next = payouts.last().filter(|_| more).map(|payout| payout.id);
    Ok(PayoutPage { payouts, next })
}

pub async fn payout(tx: &mut Tx, id: PayoutId) -> Result<Payout, PayoutError> {
    let row = payouts::find(tx, id).await?.ok_or(PayoutError::NotFound)?;
    Ok(view(tx, row).await?)
}

pub async fn details(tx: &mut Tx, id: PayoutId) -> Result<PayoutDetails, PayoutError> {
    let payout = payout(tx, id).await?;
    let items = payouts::items(tx, id).await?;
    let events = payouts::events(tx, id).await?;
    let event = |row: payouts::EventRow| PayoutEvent {
        at_ms: row.at_us / 1_000,
        by: row.user_id.0,
        what: row.what,
    };
    Ok(PayoutDetails {
        payout,
        items: items.into_iter().map(item).collect(),
        history: events.into_iter().map(event).collect(),
    })
}

/// The account that payouts are sent from, as the chain has it now.
pub async fn account(payer: &Payer) -> Result<PayoutAccount, NodeError> {
    let address = payer.key.address();
    let (balance_octas, _) = payer.node.balance_octas(address).await?;
    Ok(PayoutAccount {
        address: address.to_string(),
        chain: payer.chain.as_str().into(),
        balance_octas,
    })
}

async fn view(tx: &mut Tx, row: PayoutRow) -> Result<Payout, StoreError> {
    let claim = row.by_hand_hash.0.zip(row.by_hand_by.0);
    let transactions = payout_transactions::of_payout(tx, row.id).await?;
    Ok(Payout {
        id: row.id,
        campaign: row.campaign_id,
        status: status(row.status),
        recipients: row.recipients,
        rate_usd_per_apt: row.rate.to_string(),
        total_cents: row.total_cents,
        total_octas: row.total_octas,
        left_over_octas: row.left_over_octas,
        drafted_by: row.drafted_by,
        drafted_ms: row.drafted_us / 1_000,
        changed_ms: row.changed_us / 1_000,
        approved_by: payouts::approved_by(tx, row.id).await?,
        trouble: row.trouble,
        by_hand: claim.map(|(hash, said_by)| PayoutClaim {
            hash: hash.to_string(),
            said_by,
            confirmed_by: row.by_hand_with.0,
        }),
        transactions: transactions.into_iter().map(transaction).collect(),
    })
}

fn item(row: ItemRow) -> PayoutItem {
    PayoutItem {
        rank: row.rank,
        user: row.user_id,
        name: row.name,
        address: row.address.to_string(),
        prize_cents: row.prize_cents,
        octas: row.octas,
    }
}

fn transaction(row: TransactionRow) -> PayoutTransaction {
    PayoutTransaction {
        attempt: row.attempt,
        status: match row.status {
            TransactionStatus::Signed => PayoutTransactionStatus::Signed,
            TransactionStatus::Submitted => PayoutTransactionStatus::Submitted,
            TransactionStatus::Committed => PayoutTransactionStatus::Committed,
            TransactionStatus::Undone => PayoutTransactionStatus::Undone,
            TransactionStatus::Expired => PayoutTransactionStatus::Expired,
        },
        hash: row.hash.to_string(),
        sender: row.sender.to_string(),
        chain_id: row.chain_id,
        sequence_number: row.sequence_number,
        max_gas: row.max_gas,
        gas_price: row.gas_price,
        expires_ms: row.expires_s.saturating_mul(1_000) as i64,
        signed_ms: row.signed_us / 1_000,
        outcome: row.outcome,
    }
}

fn status(status: BatchStatus) -> PayoutStatus {
    match status {
        BatchStatus::Drafted => PayoutStatus::Drafted,
        BatchStatus::Approved => PayoutStatus::Approved,
        BatchStatus::ByHand => PayoutStatus::ByHand,
        BatchStatus::Signed => PayoutStatus::Signed,
        BatchStatus::Submitted => PayoutStatus::Submitted,
        BatchStatus::Confirmed => PayoutStatus::Confirmed,
        BatchStatus::Failed => PayoutStatus::Failed,
        BatchStatus::Withdrawn => PayoutStatus::Withdrawn,
    }
}
