//! Who is asking: the person behind a token or a session, and what a person has of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fair_play::{Decision, LogLine, Standing};
use crate::job::Job;
use crate::worker::Worker;
use crate::{CampaignId, IdentityId, Micros, SessionId, TokenId, UserId};

/// What an access token may be used for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Submit, see and change one's own jobs.
    Jobs,
    /// Create, see and change one's own workers.
    Workers,
    /// Everything an operator may do; only operators can mint it.
    Operator,
}

/// A text that is not a scope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a scope (jobs, workers, operator)")]
pub struct BadScope(String);

impl Scope {
    pub const ALL: [Self; 3] = [Self::Jobs, Self::Workers, Self::Operator];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Workers => "workers",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| BadScope(text.chars().take(40).collect()))
    }
}

/// What a person is here, by their own choice: any number of these at once. Operators are appointed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Submits jobs.
    Creator,
    /// Has workers that render.
    WorkerOwner,
    /// Checks in, does social tasks, invites others.
    CommunityMember,
    /// A role that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

impl Role {
    /// Those that can be chosen.
    pub const ALL: [Self; 3] = [Self::Creator, Self::WorkerOwner, Self::CommunityMember];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::WorkerOwner => "worker-owner",
            Self::CommunityMember => "community-member",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `PUT /api/v1/me/roles`: the roles from now on, instead of those before. The answer is [`Me`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChooseRoles {
    pub roles: Vec<Role>,
    /// The version of the campaign's rules that the person has read and accepts. Needed with the first choice
    /// while there is a campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_rules: Option<i64>,
}

/// `GET /api/v1/me`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    pub id: UserId,
    pub name: String,
    pub operator: bool,
    /// Scopes of the token that was used; in a browser's session those that the person's roles allow.
    pub scopes: Vec<Scope>,
    /// What the person chose to be. Operators may do everything without choosing.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// The rules that the person accepted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_rules: Option<AcceptedRules>,
    /// How the person stands; unset while that is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// A version of a campaign's rules that somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptedRules {
    pub campaign: CampaignId,
    pub version: i64,
    /// BLAKE3 of the document.
    pub hash: String,
    pub at_ms: i64,
}

/// `DELETE /api/v1/me`: the account goes, and what lies in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeleteAccount {
    /// The account's name, typed by its owner: this cannot be undone.
    pub name: String,
    /// Points and credits that are left are lost. Without this, an account that has some stays.
    #[serde(default)]
    pub forfeit: bool,
}

/// What became of a deleted account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletedAccount {
    /// All that is left: what the books and the log call it.
    pub id: UserId,
    pub jobs: u64,
    pub workers: u64,
    /// Of every book, what was forfeited.
    pub forfeited: Vec<ForfeitedAmount>,
}

/// What was forfeited in a book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForfeitedAmount {
    /// `credits`, or `points/` and the campaign's id.
    pub book: String,
    pub amount_micros: Micros,
}

/// `GET /api/v1/me/export`: everything that is kept about a person, but for secrets and pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountExport {
    pub exported_ms: i64,
    pub id: UserId,
    pub name: String,
    pub created_ms: i64,
    pub operator: bool,
    pub roles: Vec<Role>,
    pub standing: Standing,
    pub accepted_rules: Vec<AcceptedRules>,
    pub identities: Vec<Identity>,
    pub sessions: Vec<Session>,
    pub tokens: Vec<Token>,
    pub workers: Vec<Worker>,
    pub jobs: Vec<Job>,
    pub ledger: Vec<ExportedLine>,
    pub decisions: Vec<Decision>,
    pub log: Vec<LogLine>,
}

/// A posting of one of the person's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExportedLine {
    pub entry: i64,
    pub key: String,
    pub book: String,
    pub kind: String,
    pub account: String,
    pub amount_micros: Micros,
    pub at_ms: i64,
    /// What the amount was computed from.
    #[schema(value_type = Object)]
    pub inputs: serde_json::Value,
}

/// `POST /api/v1/tokens`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// What it is for, in the words of its owner.
    pub name: String,
    pub scopes: Vec<Scope>,
    /// How long it lasts; for ever when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

/// An access token that was just minted. It is shown this once: the coordinator keeps its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MintedToken {
    pub token: String,
    pub scopes: Vec<Scope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// What to revoke it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TokenId>,
}

/// `GET /api/v1/tokens`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    pub tokens: Vec<Token>,
}

/// An access token that works, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
}

/// `GET /api/v1/sessions`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    pub sessions: Vec<Session>,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    pub id: SessionId,
    pub created_ms: i64,
    /// To within some minutes.
    pub last_used_ms: i64,
    pub expires_ms: i64,
    /// What the browser says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// What was signed in with; nothing for the operator's link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityId>,
    /// The session of this request.
    #[serde(default)]
    pub current: bool,
}

/// `GET /api/v1/identities`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityList {
    pub identities: Vec<Identity>,
}

/// One way in which a person signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    pub id: IdentityId,
    pub kind: IdentityKind,
    /// The Aptos account: the wallet's, or the keyless one that belongs to the identity.
    pub address: String,
    /// The OpenID provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What its owner knows it by, such as a mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub created_ms: i64,
    pub last_used_ms: i64,
}

/// What an identity is proven by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// The signature of an Aptos wallet.
    Wallet,
    /// An OpenID provider such as Google.
    Oidc,
    /// A kind that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `POST /api/v1/identities/{id}/pepper`: what spending from a keyless account needs beside a fresh
/// sign-in at the provider. Whoever has both has the account's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PepperExport {
    pub address: String,
    pub iss: String,
    pub aud: String,
    pub uid_key: String,
    pub uid_val: String,
    /// 31 bytes in hexadecimal digits, as the Aptos SDKs take them.
    pub pepper: String,
    /// To be shown to the person.
    #[serde(default)]
    pub warnings: Vec<String>,
}
