//! The final snapshots of campaigns. The snapshot itself is a text of its own form, which the
//! coordinator's `campaign/snapshot/text.rs` describes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::CampaignId;

/// `GET /api/v1/campaign-key`: what snapshots are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignKey {
    /// `ed25519`.
    pub algorithm: String,
    /// 32 bytes in hexadecimal digits. With `302a300506032b6570032100` before them they are the key as DER, for
    /// OpenSSL and others.
    pub public_key: String,
}

/// `POST /api/v1/operator/campaigns/{id}/snapshot`: that it was taken, now or before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotTaken {
    pub campaign: CampaignId,
    pub taken_ms: i64,
    /// How many people have a rank.
    pub people: u64,
    /// The last entry of the campaign's book that counts.
    pub last_entry: i64,
    /// SHA-256 of the text, in hexadecimal digits.
    pub sha256: String,
    /// What it was signed with: ed25519, 32 bytes in hexadecimal digits.
    pub public_key: String,
    /// 64 bytes in hexadecimal digits.
    pub signature: String,
}
