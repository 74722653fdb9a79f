//! Fair play: how people stand, what was decided on them and why, what looks like cheating.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::{AcceptedRules, ForfeitedAmount, Identity, Role};
use crate::{AppealId, CampaignId, DecisionId, UserId};

/// How a person stands, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Good,
    /// Was told to stop, and loses nothing.
    Warned,
    /// Earns nothing, and what waits goes on waiting.
    Suspended,
    /// Lost the campaign's points, its rank and its reward.
    Disqualified,
    /// And cannot sign in.
    Banned,
    /// A standing that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// What an operator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Warn,
    /// To earn nothing until it is lifted.
    Suspend,
    Disqualify,
    Ban,
    /// Good standing again; what was forfeited comes back.
    Lift,
    /// A decision that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `POST /api/v1/operator/people/{id}/standing`. The same once more changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecideStanding {
    pub decision: Verdict,
    /// In words; the person reads them.
    pub reason: String,
    /// What shows it, such as a signal's evidence; the person sees it too.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
}

/// What was decided on a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    pub id: DecisionId,
    pub decision: Verdict,
    /// How the person stood from then on.
    pub standing: Standing,
    pub reason: String,
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
    pub at_ms: i64,
    /// Which operator; not told to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// The campaign whose points were forfeited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forfeited: Vec<ForfeitedAmount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<Appeal>,
}

/// `POST /api/v1/me/appeal`: against the decision that one's standing follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewAppeal {
    pub words: String,
}

/// What lets somebody be heard who may not sign in. As a bearer token its secret opens these and nothing else:
/// `GET /api/v1/hearing` (one's decisions, [`MyDecisions`]), `GET /api/v1/hearing/export` (all that is kept about
/// one) and `POST /api/v1/hearing/appeal` ([`NewAppeal`]). It is told once; the next sign-in gives another one and
/// makes it worthless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hearing {
    pub secret: String,
    pub expires_ms: i64,
    /// The decision that bars from signing in.
    pub decision: DecisionId,
    /// In the words of whoever decided.
    pub reason: String,
}

/// A person's word against a decision, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appeal {
    pub id: AppealId,
    pub decision: DecisionId,
    pub words: String,
    pub made_ms: i64,
    pub status: AppealStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_ms: Option<i64>,
}

/// What came of an appeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppealStatus {
    /// Nobody has answered.
    Open,
    /// The decision stays.
    Upheld,
    /// The decision was taken back.
    Lifted,
    /// Another decision was made before it was answered; one may appeal against that one.
    Superseded,
    /// A status that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `POST /api/v1/operator/appeals/{id}`. The same once more changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnswerAppeal {
    /// `upheld` or `lifted`: of the decision.
    pub answer: AppealStatus,
    /// In words; the person reads them.
    pub reason: String,
}

/// `GET /api/v1/operator/appeals`: those that nobody has answered, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppealList {
    pub appeals: Vec<OpenAppeal>,
}

/// An appeal that waits for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpenAppeal {
    pub person: UserId,
    pub appeal: Appeal,
}

/// `GET /api/v1/me/decisions`: what was decided on oneself, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MyDecisions {
    pub standing: Standing,
    /// Whether there is a decision to appeal against.
    pub may_appeal: bool,
    /// The latest first.
    pub decisions: Vec<Decision>,
    /// What the audit log says of oneself, the latest first.
    pub log: Vec<LogLine>,
}

/// `GET /api/v1/operator/audit-log`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// The latest first.
    pub rows: Vec<LogLine>,
    /// `before` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    pub number: i64,
    pub at_ms: i64,
    /// `operator/` or `person/` and an id, or `command-line`; the person that it is about is not told which
    /// operator.
    pub by: String,
    pub act: String,
    /// What it is about: `person/`, `campaign/` or `worker/` and an id.
    pub subject: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
    /// Over this row and the hash of the one before.
    pub hash: String,
}

/// `GET /api/v1/operator/people`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonPage {
    /// The latest to sign up first.
    pub people: Vec<PersonSummary>,
    /// `before` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<UserId>,
}

/// A person as operators see them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonSummary {
    pub id: UserId,
    pub name: String,
    pub operator: bool,
    pub created_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_ms: Option<i64>,
    pub standing: Standing,
}

/// `GET /api/v1/operator/people/{id}`: what a decision is made by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonFile {
    pub person: PersonSummary,
    pub roles: Vec<Role>,
    pub identities: Vec<Identity>,
    pub accepted_rules: Vec<AcceptedRules>,
    /// The latest first.
    pub decisions: Vec<Decision>,
    /// The same person by all that is known: a device or an identity in common.
    pub linked: Vec<UserId>,
}

/// `GET /api/v1/operator/signals`: what looks like cheating. Nothing follows from it by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignalList {
    pub signals: Vec<Signal>,
}

/// Something that looks like cheating, with what shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Signal {
    pub kind: SignalKind,
    pub people: Vec<UserId>,
    /// In words.
    pub summary: String,
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
    /// When it was noted first, by the nightly look; unset when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ms: Option<i64>,
    /// Whether it is so now; otherwise it was, when it was noted last.
    pub now: bool,
}

/// What a signal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignalKind {
    /// Workers of several people say that they have the same device.
    SharedDevice,
    /// Somebody brought many who do nothing but check in, or who share devices.
    ReferralRing,
    /// Check-ins at the same time of the day, to within seconds.
    Clockwork,
    /// Workers that are online for days and render nothing.
    IdleUptime,
    /// Somebody sends back most of the frames that they are delivered.
    Refunds,
    /// A kind that this reader does not know yet.
    #[serde(other)]
    Unknown,
}
