//! Payouts: what they pay, who approved them, the transactions that were made for them.

use pictor_protocol::{CampaignId, PayoutId, UserId};
use sqlx::FromRow;

use super::column::{Maybe, words};
use super::{Result, Tx};
use crate::accounts::aptos::Address;
use crate::campaign::payouts::amounts::Rate;
use crate::campaign::payouts::batch::BatchStatus;
use crate::campaign::payouts::transaction::TransactionHash;

words! {
    /// What became of a transaction.
    pub enum TransactionStatus {
        Signed = "signed",
        Submitted = "submitted",
        /// It has paid.
        Committed = "committed",
        /// The chain refused it as a whole.
        Undone = "undone",
        /// It did not happen and never can.
        Expired = "expired",
    }
}

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
pub struct TransactionRow {
    #[sqlx(try_from = "String")]
    pub payout_id: PayoutId,
    #[sqlx(try_from = "i64")]
    pub attempt: u32,
    #[sqlx(try_from = "i64")]
    pub renewals: u32,
    #[sqlx(try_from = "String")]
    pub status: TransactionStatus,
    #[sqlx(try_from = "i64")]
    pub chain_id: u8,
    #[sqlx(try_from = "String")]
    pub sender: Address,
    #[sqlx(try_from = "i64")]
    pub sequence_number: u64,
    #[sqlx(try_from = "i64")]
    pub max_gas: u64,
    #[sqlx(try_from = "i64")]
    pub gas_price: u64,
    #[sqlx(try_from = "i64")]
    pub expires_s: u64,
    #[sqlx(try_from = "String")]
    pub hash: TransactionHash,
    #[sqlx(try_from = "String")]
    pub bytes: Hex,
    pub signed_us: i64,
    pub outcome: Option<String>,
}

/// Bytes that lie in a column as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

/// A column that should hold hexadecimal digits and does not.
#[derive(Debug, thiserror::Error)]
#[error("these are no hexadecimal digits")]
pub struct BadHex;

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

/// A transaction that is about to be stored.
pub struct NewTransactionRow<'a> {
    pub payout: PayoutId,
    pub attempt: u32,
    pub renewals: u32,
    pub chain_id: u8,
    pub sender: Address,
    pub sequence_number: i64,
    pub max_gas: i64,
    pub gas_price: i64,
    pub expires_s: i64,
    pub hash: TransactionHash,
    pub bytes: &'a Hex,
    pub now_us: i64,
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

impl std::fmt::Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for Hex {
    type Error = BadHex;

    fn try_from(text: String) -> std::result::Result<Self, BadHex> {
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(BadHex);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return Err(BadHex);
        }
        let byte = |[high, low]: &[u8; 2]| Ok((digit(*high)? * 16 + digit(*low)?) as u8);
        pairs
            .iter()
            .map(byte)
            .collect::<std::result::Result<_, _>>()
            .map(Self)
    }
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

/// Keeps a signed transaction; false if another one of the account, or of the payout, may still happen.
pub async fn insert_transaction(tx: &mut Tx, new: &NewTransactionRow<'_>) -> Result<bool> {
    let inserted = execute!(
        tx,
        "INSERT INTO payout_transactions \
         (payout_id, attempt, renewals, status, chain_id, sender, sequence_number, max_gas, gas_price, \
          expires_s, hash, bytes, signed_us) \
         VALUES ($1, $2, $3, 'signed', $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        new.payout.to_string(),
        i64::from(new.attempt),
        i64::from(new.renewals),
        i64::from(new.chain_id),
        new.sender.to_string(),
        new.sequence_number,
        new.max_gas,
        new.gas_price,
        new.expires_s,
        new.hash.to_string(),
        new.bytes.to_string(),
        new.now_us
    )?;
    Ok(inserted > 0)
}

/// Every transaction of a payout, the first one first.
pub async fn transactions(tx: &mut Tx, id: PayoutId) -> Result<Vec<TransactionRow>> {
    fetch_all!(
        tx,
        TransactionRow,
        "SELECT payout_id, attempt, renewals, status, chain_id, sender, sequence_number, max_gas, \
                gas_price, expires_s, hash, bytes, signed_us, outcome \
         FROM payout_transactions WHERE payout_id = $1 ORDER BY attempt",
        id.to_string()
    )
}

/// The transactions that may still happen.
pub async fn live_transactions(tx: &mut Tx) -> Result<Vec<TransactionRow>> {
    fetch_all!(
        tx,
        TransactionRow,
        "SELECT payout_id, attempt, renewals, status, chain_id, sender, sequence_number, max_gas, \
                gas_price, expires_s, hash, bytes, signed_us, outcome \
         FROM payout_transactions WHERE status IN ('signed', 'submitted') ORDER BY signed_us"
    )
}

/// Writes down what became of a transaction; false if that was known.
pub async fn set_transaction(
    tx: &mut Tx,
    id: PayoutId,
    attempt: u32,
    status: TransactionStatus,
    outcome: Option<&str>,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE payout_transactions SET status = $3, outcome = $4 \
         WHERE payout_id = $1 AND attempt = $2 AND status IN ('signed', 'submitted')",
        id.to_string(),
        i64::from(attempt),
        status.as_str(),
        outcome
    )?;
    Ok(changed > 0)
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
