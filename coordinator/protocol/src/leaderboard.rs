//! Who has how many points of a campaign.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CampaignId, Cents, Micros};

/// `GET /api/v1/leaderboard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaderboardPage {
    /// Whose points these are; none on a coordinator without campaigns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// How many people have a rank.
    pub people: u64,
    /// Of the prizes, such as `USD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The final snapshot was taken: it decides about prizes, whatever moves afterwards.
    #[serde(default)]
    pub is_final: bool,
    pub ranks: Vec<Rank>,
}

/// Somebody's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rank {
    /// 1 and up. Of equal points, those that were reached first rank first.
    pub rank: u64,
    /// The public name that the person chose, or one that says nothing about them.
    pub name: String,
    /// What counts.
    pub points_micros: Micros,
    /// What is earned and not settled yet; it does not count.
    pub waiting_micros: Micros,
    /// What this rank gets by the campaign's rules; none beyond the last rank that gets something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prize_cents: Option<Cents>,
    /// Whoever asks; said among one's neighbours only.
    #[serde(default)]
    pub is_me: bool,
}

/// `GET /api/v1/leaderboard/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MyRank {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// How others see one.
    pub name: String,
    /// Names one in the campaign's snapshot and in its ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// None without points, and of whoever is out of the ranking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    pub points_micros: Micros,
    pub waiting_micros: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prize_cents: Option<Cents>,
    /// What it takes to stand above the one who is one rank better; without points, to have a rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_next_rank: Option<Step>,
    /// What it takes to get a higher prize.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_next_prize: Option<Step>,
    /// One's own place with those around it.
    #[serde(default)]
    pub neighbours: Vec<Rank>,
    pub people: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    #[serde(default)]
    pub is_final: bool,
}

/// How far a better rank is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub rank: u64,
    /// To be earned on top, if nobody else moves.
    pub missing_micros: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prize_cents: Option<Cents>,
}

/// `PUT /api/v1/leaderboard/name`: the name that everybody sees. Unset: one that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChooseName {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The answer to [`ChooseName`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicName {
    pub name: String,
    /// Chosen by the person.
    pub is_chosen: bool,
}
