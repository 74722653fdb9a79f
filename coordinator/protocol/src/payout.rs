//! Payouts: rewards on their way to their winners' Aptos accounts, as operators see them.
//!
//! Amounts are US cents and octas (1 APT = 100,000,000 octas), as whole numbers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CampaignId, Cents, PayoutId, UserId};

/// `GET /api/v1/operator/payouts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutPage {
    pub payouts: Vec<Payout>,
    /// Ask for those before this one; nothing on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<PayoutId>,
}

/// `POST /api/v1/operator/payouts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewPayout {
    /// Its final snapshot says who gets what.
    pub campaign: CampaignId,
    /// US dollars for one APT, as an exact decimal such as `4.3712`; recorded with the payout.
    pub rate_usd_per_apt: String,
}

/// A payout that was drafted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftedPayout {
    pub payout: PayoutDetails,
    /// Winners without an Aptos account here: a later payout is for them, once they have linked one.
    pub without_account: Vec<UnpaidWinner>,
}

/// A winner who is in no payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnpaidWinner {
    pub user: UserId,
    pub rank: u32,
    pub prize_cents: Cents,
}

/// `GET /api/v1/operator/payouts/{id}/state`: a batch of rewards that is paid as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Payout {
    pub id: PayoutId,
    pub campaign: CampaignId,
    pub status: PayoutStatus,
    pub recipients: u32,
    /// US dollars for one APT, the exact decimal that was recorded.
    pub rate_usd_per_apt: String,
    pub total_cents: u64,
    /// What all recipients get together.
    pub total_octas: u64,
    /// What is left of the exact total because every share is rounded down; nobody gets it.
    pub left_over_octas: u64,
    pub drafted_by: UserId,
    pub drafted_ms: i64,
    pub changed_ms: i64,
    /// Two different operators have to approve.
    #[serde(default)]
    pub approved_by: Vec<UserId>,
    /// Why it does not go on, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<PayoutClaim>,
    /// Every transaction that was made for it, the first one first; at most one of them has paid.
    #[serde(default)]
    pub transactions: Vec<PayoutTransaction>,
}

/// How far a payout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PayoutStatus {
    Drafted,
    /// By two operators; it can be sent, or paid by hand.
    Approved,
    /// One operator says that it was paid by hand.
    ByHand,
    /// Its transaction is signed and kept, and being handed to the node.
    Signed,
    /// The node has its transaction.
    Submitted,
    /// Everybody is paid.
    Confirmed,
    /// Nobody was paid; it can be sent again.
    Failed,
    Withdrawn,
    /// A status that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// That a payout was paid outside, in the words of the operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutClaim {
    /// Of the transaction that paid.
    pub hash: String,
    pub said_by: UserId,
    /// The second operator who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<UserId>,
}

/// A transaction of the chain that was made for a payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutTransaction {
    pub attempt: u32,
    pub status: PayoutTransactionStatus,
    pub hash: String,
    pub sender: String,
    pub chain_id: u8,
    pub sequence_number: u64,
    pub max_gas: u64,
    /// Octas for a unit of gas.
    pub gas_price: u64,
    /// By the chain's clock.
    pub expires_ms: i64,
    pub signed_ms: i64,
    /// Whether the chain carried it out, in the chain's words, or why it never can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PayoutTransactionStatus {
    Signed,
    Submitted,
    /// It has paid.
    Committed,
    /// The chain refused it as a whole.
    Undone,
    /// It did not happen and never can.
    Expired,
    /// A status that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `GET /api/v1/operator/payouts/{id}`: a payout with who gets what, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutDetails {
    pub payout: Payout,
    pub items: Vec<PayoutItem>,
    pub history: Vec<PayoutEvent>,
}

/// What one winner gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutItem {
    pub rank: u32,
    pub user: UserId,
    pub name: String,
    /// The Aptos account.
    pub address: String,
    pub prize_cents: u64,
    pub octas: u64,
}

/// Something that was done to a payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutEvent {
    pub at_ms: i64,
    /// The operator who did it; nobody if the coordinator did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    pub what: String,
}

/// `POST /api/v1/operator/payouts/{id}/paid-by-hand`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaidByHand {
    /// Of the transaction that paid, `0x` and 64 digits.
    pub hash: String,
}

/// `GET /api/v1/operator/payout-account`: the account that payouts are sent from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutAccount {
    pub address: String,
    /// `mainnet`, `testnet` or `local`.
    pub chain: String,
    pub balance_octas: u64,
}
