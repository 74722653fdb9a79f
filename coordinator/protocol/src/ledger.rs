//! The books: what somebody has, and why.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{CampaignId, Micros};

/// `GET /api/v1/ledger`: what one has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balances {
    pub credits: Balance,
    /// Of the current campaign; none on a coordinator without campaigns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<CampaignBalance>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Balance {
    /// Free to use; of points, what ranks.
    pub available_micros: Micros,
    /// Waiting: reserved for jobs, or earned and not settled yet.
    pub held_micros: Micros,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignBalance {
    pub campaign: CampaignId,
    pub available_micros: Micros,
    pub held_micros: Micros,
}

/// `GET /api/v1/ledger/entries`: what moved in one's own accounts, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerPage {
    pub entries: Vec<LedgerEntry>,
    /// The `before` of the next page, which may be empty; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Something that happened once, and what it moved in one's own accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerEntry {
    /// Grows with time.
    pub id: i64,
    /// Names the fact that the entry follows from; never twice.
    pub key: String,
    /// `credits`, or `points/` and the campaign's id.
    pub book: String,
    /// Why value moved, such as `render`, `check-in` or `charge`.
    pub kind: String,
    pub at_ms: i64,
    /// Everything that the amounts were computed from.
    pub inputs: Value,
    pub moved: Vec<Moved>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// `available` or `held`.
    pub account: String,
    /// Negative when it was taken.
    pub amount_micros: Micros,
}
