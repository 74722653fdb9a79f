//! Payouts: what they pay, who approved them, how far they are.

use std::collections::HashSet;

use pictor_protocol::{CampaignId, PayoutId, UserId};
use sqlx::FromRow;

use super::column::Maybe;
use super::{Result, Tx};
use crate::accounts::aptos::Address;
use crate::campaign::payouts::amounts::Rate;
use crate::campaign::payouts::batch::BatchStatus;
use crate::campaign::payouts::transaction::TransactionHash;

#[derive(Debug, Clone, FromRow)]
pub struct PayoutRow {
    #[sqlx(try_from = "String")]
    pub id: PayoutId,
    #[sqlx(try_from = "String")]
    pub campaign_id: CampaignId,
    #[sqlx(try_from = "String")]
    pub status: BatchStatus,
    #[sqlx(try_from = "String")]
    pub rate: Rate,
    #[sqlx(try_from = "i64")]
    pub recipients: u32,
    #[sqlx(try_from = "i64")]
    pub total_cents: u64,
    #[sqlx(try_from = "i64")]
    pub total_octas: u64,
    #[sqlx(try_from = "i64")]
    pub left_over_octas: u64,
    #[sqlx(try_from = "String")]
    pub drafted_by: UserId,
    pub drafted_us: i64,
    pub changed_us: i64,
    pub revision: i64,
    pub trouble: Option<String>,
    #[sqlx(try_from = "Option<String>")]
    pub by_hand_hash: Maybe<TransactionHash>,
    #[sqlx(try_from = "Option<String>")]
    pub by_hand_by: Maybe<UserId>,
    #[sqlx(try_from = "Option<String>")]
    pub by_hand_with: Maybe<UserId>,
}

/// What one winner gets.
#[derive(Debug, Clone, FromRow)]
pub struct ItemRow {
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    pub name: String,
    #[sqlx(try_from = "i64")]
    pub rank: u32,
    #[sqlx(try_from = "String")]
    pub address: Address,
    #[sqlx(try_from = "i64")]
    pub prize_cents: u64,
    #[sqlx(try_from = "i64")]
    pub octas: u64,
}

#[derive(Debug, Clone, FromRow)]
pub struct EventRow {
    pub at_us: i64,
    #[sqlx(try_from = "Option<String>")]
    pub user_id: Maybe<UserId>,
    pub what: String,
}

/// A payout that is about to be stored.
pub struct NewPayoutRow {
    pub id: PayoutId,
    pub campaign: CampaignId,
    pub rate: Rate,
    pub recipients: i64,
    pub total_cents: i64,
    pub total_octas: i64,
    pub left_over_octas: i64,
    pub drafted_by: UserId,
    pub now_us: i64,
}

/// An item that is about to be stored.
pub struct NewItemRow {
    pub user: UserId,
    pub rank: u32,
    pub address: Address,
    pub prize_cents: i64,
    pub octas: i64,
}

/// What a change of state writes beside it.
pub struct StateRow {
    pub status: BatchStatus,
    pub by_hand_hash: Option<TransactionHash>,
    pub by_hand_by: Option<UserId>,
    pub by_hand_with: Option<UserId>,
    pub trouble: Option<String>,
    pub now_us: i64,
}

pub async fn insert(tx: &mut Tx, new: &NewPayoutRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO payouts \
         (id, campaign_id, status, rate, recipients, total_cents, total_octas, left_over_octas, \
          drafted_by, drafted_us, changed_us, revision) \
         VALUES ($1, $2, 'drafted', $3, $4, $5, $6, $7, $8, $9, $9, 0)",
        new.id.to_string(),
        new.campaign.to_string(),
        new.rate.to_string(),
        new.recipients,
        new.total_cents,
        new.total_octas,
        new.left_over_octas,
        new.drafted_by.to_string(),
        new.now_us
    )?;
    Ok(())
}

/// Adds an item; false if the user is in another payout of the campaign that is not withdrawn.
pub async fn insert_item(
    tx: &mut Tx,
    payout: PayoutId,
    campaign: CampaignId,
    item: &NewItemRow,
) -> Result<bool> {
    let inserted = execute!(
        tx,
        "INSERT INTO payout_items (payout_id, campaign_id, user_id, rank, address, prize_cents, octas) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (campaign_id, user_id) WHERE live = 1 DO NOTHING",
        payout.to_string(),
        campaign.to_string(),
        item.user.to_string(),
        i64::from(item.rank),
        item.address.to_string(),
        item.prize_cents,
        item.octas
    )?;
    Ok(inserted > 0)
}

/// Everybody who is in a payout of a campaign that was not withdrawn.
pub async fn users_of(tx: &mut Tx, campaign: CampaignId) -> Result<HashSet<UserId>> {
    #[derive(FromRow)]
    struct Of {
        #[sqlx(try_from = "String")]
        user_id: UserId,
    }
    let rows = fetch_all!(
        tx,
        Of,
        "SELECT user_id FROM payout_items WHERE campaign_id = $1 AND live = 1",
        campaign.to_string()
    )?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

pub async fn find(tx: &mut Tx, id: PayoutId) -> Result<Option<PayoutRow>> {
    fetch_optional!(
        tx,
        PayoutRow,
        "SELECT id, campaign_id, status, rate, recipients, total_cents, total_octas, left_over_octas, \
                drafted_by, drafted_us, changed_us, revision, trouble, \
                by_hand_hash, by_hand_by, by_hand_with \
         FROM payouts WHERE id = $1",
        id.to_string()
    )
}

/// Payouts older than `before`, the newest first.
pub async fn page(tx: &mut Tx, before: Option<PayoutId>, limit: i64) -> Result<Vec<PayoutRow>> {
    fetch_all!(
        tx,
        PayoutRow,
        "SELECT id, campaign_id, status, rate, recipients, total_cents, total_octas, left_over_octas, \
                drafted_by, drafted_us, changed_us, revision, trouble, \
                by_hand_hash, by_hand_by, by_hand_with \
         FROM payouts WHERE $1 IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
        before.map(|id| id.to_string()),
        limit
    )
}

/// Who gets what, by rank.
pub async fn items(tx: &mut Tx, id: PayoutId) -> Result<Vec<ItemRow>> {
    fetch_all!(
        tx,
        ItemRow,
        "SELECT user_id, name, rank, address, prize_cents, octas \
         FROM payout_items JOIN users ON users.id = user_id \
         WHERE payout_id = $1 ORDER BY rank, user_id",
        id.to_string()
    )
}

#[derive(FromRow)]
struct UserIdRow {
    #[sqlx(try_from = "String")]
    user_id: UserId,
}

/// The operators who approved, the first one first.
pub async fn approved_by(tx: &mut Tx, id: PayoutId) -> Result<Vec<UserId>> {
    let rows = fetch_all!(
        tx,
        UserIdRow,
        "SELECT user_id FROM payout_approvals WHERE payout_id = $1 ORDER BY at_us, user_id",
        id.to_string()
    )?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

pub async fn insert_approval(tx: &mut Tx, id: PayoutId, by: UserId, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO payout_approvals (payout_id, user_id, at_us) VALUES ($1, $2, $3)",
        id.to_string(),
        by.to_string(),
        now_us
    )?;
    Ok(())
}

/// Changes the state from that revision on; false if it was changed meanwhile.
pub async fn set_state(tx: &mut Tx, id: PayoutId, revision: i64, to: &StateRow) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE payouts SET status = $3, by_hand_hash = $4, by_hand_by = $5, by_hand_with = $6, \
                trouble = $7, changed_us = $8, revision = revision + 1 \
         WHERE id = $1 AND revision = $2",
        id.to_string(),
        revision,
        to.status.as_str(),
        to.by_hand_hash.map(|hash| hash.to_string()),
        to.by_hand_by.map(|by| by.to_string()),
        to.by_hand_with.map(|by| by.to_string()),
        to.trouble.as_deref(),
        to.now_us
    )?;
    Ok(changed > 0)
}

/// Notes why a payout does not go on, or that it does.
pub async fn set_trouble(tx: &mut Tx, id: PayoutId, trouble: Option<&str>) -> Result<()> {
    execute!(
        tx,
        "UPDATE payouts SET trouble = $2 WHERE id = $1",
        id.to_string(),
        trouble
    )?;
    Ok(())
}

/// Lets the winners of a withdrawn payout be in another one.
pub async fn free_items(tx: &mut Tx, id: PayoutId) -> Result<()> {
    execute!(
        tx,
        "UPDATE payout_items SET live = 0 WHERE payout_id = $1",
        id.to_string()
    )?;
    Ok(())
}

pub async fn insert_event(
    tx: &mut Tx,
    id: PayoutId,
    by: Option<UserId>,
    what: &str,
    now_us: i64,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO payout_events (payout_id, number, at_us, user_id, what) \
         SELECT $1, count(*) + 1, $2, $3, $4 FROM payout_events WHERE payout_id = $1",
        id.to_string(),
        now_us,
        by.map(|by| by.to_string()),
        what
    )?;
    Ok(())
}

/// What happened to a payout, the first thing first.
pub async fn events(tx: &mut Tx, id: PayoutId) -> Result<Vec<EventRow>> {
    fetch_all!(
        tx,
        EventRow,
        "SELECT at_us, user_id, what FROM payout_events WHERE payout_id = $1 ORDER BY number",
        id.to_string()
    )
}
