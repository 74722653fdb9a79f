//! The transactions that were made for payouts. What is signed is never changed, only what became of it.

use pictor_protocol::PayoutId;
use sqlx::FromRow;

use super::column::words;
use super::{Result, Tx};
use crate::accounts::aptos::Address;
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

/// Keeps a signed transaction; false if another one of the account, or of the payout, may still happen.
pub async fn insert(tx: &mut Tx, new: &NewTransactionRow<'_>) -> Result<bool> {
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
pub async fn of_payout(tx: &mut Tx, id: PayoutId) -> Result<Vec<TransactionRow>> {
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
pub async fn live(tx: &mut Tx) -> Result<Vec<TransactionRow>> {
    fetch_all!(
        tx,
        TransactionRow,
        "SELECT payout_id, attempt, renewals, status, chain_id, sender, sequence_number, max_gas, \
                gas_price, expires_s, hash, bytes, signed_us, outcome \
         FROM payout_transactions WHERE status IN ('signed', 'submitted') ORDER BY signed_us"
    )
}

/// Writes down what became of a transaction; false if that was known.
pub async fn set_status(
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
