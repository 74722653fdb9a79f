//! Campaigns: a time in which points are earned, the rules by which, and what the ranks get.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CampaignId, Cents, Micros};

/// What can be seen of a campaign's life at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignState {
    /// Announced.
    Upcoming,
    /// People sign up and read the rules; no points are earned yet.
    Open,
    /// Points are earned.
    Running,
    /// Over, by its date or by an operator: no points are earned any more.
    Closed,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `GET /api/v1/campaign`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignNow {
    /// The one whose rules hold: the last one that opened, also after it closed. None on a coordinator
    /// without campaigns, where rendering costs nothing and earns nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Campaign>,
    /// The one that opens next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Campaign>,
}

/// `GET /api/v1/operator/campaigns`: all there are, the latest to open first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignList {
    pub campaigns: Vec<Campaign>,
}

/// A campaign with the rules that hold now; those of its opening before, those of its end afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Campaign {
    pub id: CampaignId,
    pub slug: String,
    pub name: String,
    pub state: CampaignState,
    pub opens_ms: i64,
    /// From when points are earned.
    pub starts_ms: i64,
    /// When it ends by its date.
    pub closes_ms: i64,
    /// When an operator ended it before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_early_ms: Option<i64>,
    /// What its participants are told once it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thank_you: Option<String>,
    pub terms: String,
    /// Which version of the rules all of this comes from.
    pub rules_version: u32,
    pub points: PointsTable,
    pub credits: CreditsTable,
    #[serde(default)]
    pub quests: Vec<Quest>,
    /// None when ranks get nothing but honour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prizes: Option<PrizeTable>,
}

/// What earns how many points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PointsTable {
    /// For a minute of verified work of the reference machine.
    pub render_per_reference_minute_micros: Micros,
    /// For an hour of proven presence, times the slot's score.
    pub online_per_hour_micros: Micros,
    /// Scores count up to this.
    pub online_score_cap_micros: Micros,
    /// For each credit that a job cost which was rendered successfully.
    pub job_per_credit_micros: Micros,
    /// For such a job at least.
    pub job_least_micros: Micros,
    /// For the check-ins of a streak's days, and then anew from the first.
    pub check_in_micros: Vec<Micros>,
    /// Of the settled points of whom one has brought, to whoever brought them.
    pub referral_percent: u32,
    /// The most that referrals bring one person in a week.
    pub referral_cap_per_week_micros: Micros,
    /// How long points of rendering wait before they settle.
    pub hold_hours: u32,
}

/// What earns credits, and what costs them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreditsTable {
    pub sign_up_micros: Micros,
    /// For each first completed quest.
    pub quest_micros: Micros,
    /// For each whole week of daily check-ins.
    pub streak_week_micros: Micros,
    /// What a minute of the reference machine costs.
    pub per_reference_minute_micros: Micros,
}

/// Something that members of the community do once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quest {
    /// Unique in its campaign.
    pub id: String,
    pub title: String,
    /// Where it is done.
    pub url: String,
    pub kind: QuestKind,
    pub points_micros: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_ms: Option<i64>,
    pub active: bool,
}

/// Who says that a quest is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QuestKind {
    /// The person, after a visit to its address.
    Link,
    /// An operator.
    Operator,
    /// Another service, by a call.
    Webhook,
    /// A kind that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// What the ranks get of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrizeTable {
    pub pool_cents: Cents,
    /// Of the amounts here, such as `USD`.
    pub currency: String,
    /// What the winners receive, such as `APT`.
    pub paid_in: String,
    /// What nobody gets.
    pub remainder_cents: Cents,
    /// Without gaps, from rank 1 on.
    pub bands: Vec<PrizeBand>,
}

/// Ranks that get the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrizeBand {
    pub from: u32,
    /// The last rank, included.
    pub to: u32,
    pub each_cents: Cents,
}

/// `GET /api/v1/campaign/rules`: every version that ever was, the first one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulesHistory {
    pub campaign: CampaignId,
    pub versions: Vec<RulesVersion>,
}

/// A version of a campaign's rules. It is never changed; what happens is judged by the version that holds at
/// its moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulesVersion {
    /// 1 and up.
    pub version: u32,
    /// From when it holds, until a later one does.
    pub effective_ms: i64,
    pub made_ms: i64,
    /// BLAKE3 of the document, in hexadecimal digits.
    pub hash: String,
    /// The rules as they were entered: TOML.
    pub document: String,
}

/// `POST /api/v1/operator/campaigns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewCampaign {
    /// Names it for programs: 1 to 40 small letters, digits and hyphens, not one of an earlier campaign.
    pub slug: String,
    /// Now when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_ms: Option<i64>,
    /// From when points are earned; as soon as it opens when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_ms: Option<i64>,
    pub closes_ms: i64,
    /// Its first rules: TOML.
    pub document: String,
    /// Only say whether it could be made.
    #[serde(default)]
    pub dry_run: bool,
}

/// `PUT /api/v1/operator/campaigns/{id}/dates`: all of them, also those that stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignDates {
    pub opens_ms: i64,
    pub starts_ms: i64,
    pub closes_ms: i64,
}

/// `POST /api/v1/operator/campaigns/{id}/rules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewRules {
    /// TOML.
    pub document: String,
    /// From when it holds; from now on when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_ms: Option<i64>,
    /// Only say what would become of it.
    #[serde(default)]
    pub dry_run: bool,
}
