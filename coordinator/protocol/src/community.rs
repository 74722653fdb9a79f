//! What members of the community do: check in, do quests, bring others along.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::campaign::Quest;
use crate::{CampaignId, ClaimId, Micros, UserId};

/// One check-in. Days are those of UTC, by the coordinator's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckIn {
    /// Such as `2026-11-22`.
    pub day: String,
    pub at_ms: i64,
    /// How many days in a row there was one, this one included.
    pub streak_days: u32,
}

/// Answer to `POST /api/v1/check-ins`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckedIn {
    pub check_in: CheckIn,
    /// What it earned.
    pub points_micros: Micros,
    /// For a whole week in a row.
    pub credits_micros: Micros,
    /// From when the next one is possible.
    pub next_ms: i64,
}

/// `GET /api/v1/check-ins`: a month's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckInMonth {
    /// Such as `2026-11`.
    pub month: String,
    /// The first one first.
    pub check_ins: Vec<CheckIn>,
    /// The streak that a check-in now would go on with, or has gone on with today; 0 if there is none.
    pub streak_days: u32,
    /// From when the next one is possible; a moment of the past if it is now.
    pub next_ms: i64,
}

/// `GET /api/v1/quests`: those of the campaign that holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuestList {
    /// None where there is no campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    pub quests: Vec<MyQuest>,
}

/// A quest, and how far one has come with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MyQuest {
    pub quest: Quest,
    /// It can be done now.
    pub open: bool,
    pub progress: QuestProgress,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuestProgress {
    pub state: QuestState,
    /// When it was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_ms: Option<i64>,
    /// When it was confirmed or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_ms: Option<i64>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QuestState {
    /// Nothing was done yet.
    Todo,
    /// The person went to its address.
    Opened,
    /// An operator has to look at the claim.
    Waiting,
    /// An operator refused the claim; it can be claimed again.
    Refused,
    /// It counts.
    Done,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// Answer to `POST /api/v1/quests/{id}/open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedQuest {
    /// Where to go.
    pub url: String,
    /// Belongs to the claim.
    pub nonce: String,
    /// From when the claim is taken.
    pub claim_from_ms: i64,
}

/// `POST /api/v1/quests/{id}/claim`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimQuest {
    /// Of a link that was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// "I have done this": a link's claim needs it.
    #[serde(default)]
    pub attested: bool,
    /// For the operator who looks at it, such as one's name over there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /api/v1/quests/{id}/webhook`: another service says that somebody did it.
///
/// The header `Pictor-Timestamp` has the Unix time in seconds, `Pictor-Signature` the HMAC-SHA-256 of
/// `<timestamp>.<quest id>.<body>` in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuestWebhook {
    /// Names the event at the service that tells of it. One that comes again changes nothing.
    pub event: String,
    pub user: UserId,
}

/// `GET /api/v1/operator/quest-claims`: claims that wait, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingClaims {
    pub claims: Vec<WaitingClaim>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingClaim {
    pub id: ClaimId,
    pub quest: String,
    pub user: UserId,
    pub user_name: String,
    pub claimed_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `POST /api/v1/operator/quest-claims/{id}/refuse`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefuseClaim {
    /// The person reads it.
    pub reason: String,
}

/// `GET /api/v1/referral`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Referral {
    /// What others enter when they sign up.
    pub code: String,
    /// Leads to the sign-in with the code.
    pub link: String,
    /// How many one has brought.
    pub referees: u64,
    /// One was brought along by somebody.
    pub referred: bool,
    /// What they have earned one in this campaign.
    pub earned_micros: Micros,
    /// Of that, in this week.
    pub earned_this_week_micros: Micros,
    /// The most in a week; zero where there is no campaign.
    pub cap_per_week_micros: Micros,
    /// Of their settled points.
    pub percent: u32,
    /// When the next week begins: Monday, UTC.
    pub next_week_ms: i64,
}

/// `POST /api/v1/referral`: who has brought one along, said at sign-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnterReferral {
    pub code: String,
}
