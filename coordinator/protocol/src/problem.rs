//! Refusals as RFC 9457 problem documents (`application/problem+json`).
//!
//! Programs branch on [`Problem::kind`], never on text: titles and details may change any day.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fair_play::Hearing;
use crate::people::Role;
use crate::settings::Fault;

/// Media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The stable name of a problem; on the wire a URI, `urn:pictor:problem:` and the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ProblemKind {
    /// No token, or one that is unknown, expired or revoked.
    #[serde(rename = "urn:pictor:problem:unauthorized")]
    Unauthorized,
    /// The token is good, but not for this.
    #[serde(rename = "urn:pictor:problem:forbidden")]
    Forbidden,
    /// This is for people of another role; `role` says which one to choose.
    #[serde(rename = "urn:pictor:problem:choose-a-role")]
    ChooseARole,
    /// Nothing there, or nothing of yours.
    #[serde(rename = "urn:pictor:problem:not-found")]
    NotFound,
    /// The request cannot be understood; `faults` names each place.
    #[serde(rename = "urn:pictor:problem:invalid")]
    Invalid,
    /// The state of the thing does not allow this, such as pausing a finished job.
    #[serde(rename = "urn:pictor:problem:conflict")]
    Conflict,
    /// The body is longer than allowed.
    #[serde(rename = "urn:pictor:problem:too-large")]
    TooLarge,
    /// The uploaded file is not a scene that can be rendered.
    #[serde(rename = "urn:pictor:problem:bad-scene")]
    BadScene,
    /// The scene was written by a Blender newer than every runtime of this network.
    #[serde(rename = "urn:pictor:problem:newer-than-every-runtime")]
    NewerThanEveryRuntime,
    /// The bytes received are not those that were announced; start the upload anew.
    #[serde(rename = "urn:pictor:problem:hash-mismatch")]
    HashMismatch,
    /// The upload goes on at another offset; ask for it again.
    #[serde(rename = "urn:pictor:problem:wrong-offset")]
    WrongOffset,
    /// The coordinator's storage is full.
    #[serde(rename = "urn:pictor:problem:storage-full")]
    StorageFull,
    /// The worker is too old for this coordinator.
    #[serde(rename = "urn:pictor:problem:worker-too-old")]
    WorkerTooOld,
    /// The worker has to say hello first: it is unknown here or was started anew elsewhere.
    #[serde(rename = "urn:pictor:problem:hello-first")]
    HelloFirst,
    /// The change was asked for by a page of another site.
    #[serde(rename = "urn:pictor:problem:foreign-origin")]
    ForeignOrigin,
    /// Too many tries; `Retry-After` says when the next one is taken.
    #[serde(rename = "urn:pictor:problem:too-many-tries")]
    TooManyTries,
    /// The sign-in was begun too long ago, in another browser, or was completed before: begin anew.
    #[serde(rename = "urn:pictor:problem:sign-in-expired")]
    SignInExpired,
    /// What the wallet or the provider handed over proves nothing.
    #[serde(rename = "urn:pictor:problem:not-proven")]
    NotProven,
    /// The wallet's key is of a kind that cannot be verified here.
    #[serde(rename = "urn:pictor:problem:unsupported-key")]
    UnsupportedKey,
    /// The key does not sign for that Aptos account, or does not any more.
    #[serde(rename = "urn:pictor:problem:not-the-accounts-key")]
    NotTheAccountsKey,
    /// The identity belongs to another person here.
    #[serde(rename = "urn:pictor:problem:identity-taken")]
    IdentityTaken,
    /// This needs a sign-in of the last minutes.
    #[serde(rename = "urn:pictor:problem:sign-in-again")]
    SignInAgain,
    /// The chain would not carry the payout out: too little money, another chain, another key.
    #[serde(rename = "urn:pictor:problem:payout-not-possible")]
    PayoutNotPossible,
    /// The identity provider or the Aptos node does not answer as it should; try again later.
    #[serde(rename = "urn:pictor:problem:counterpart-unavailable")]
    CounterpartUnavailable,
    /// What has already happened would be judged anew: the moment lies in the past, or before a change
    /// that is already announced.
    #[serde(rename = "urn:pictor:problem:change-in-the-past")]
    ChangeInThePast,
    /// The campaign is over.
    #[serde(rename = "urn:pictor:problem:campaign-over")]
    CampaignOver,
    /// It costs more credits than are available.
    #[serde(rename = "urn:pictor:problem:not-enough-credits")]
    NotEnoughCredits,
    /// The rules of the campaign have to be accepted first; `rules_version` says which version.
    #[serde(rename = "urn:pictor:problem:accept-the-rules")]
    AcceptTheRules,
    /// The person is banned here; `detail` says why, and `hearing`, at sign-in, how to be heard.
    #[serde(rename = "urn:pictor:problem:banned")]
    Banned,
    /// No campaign runs yet, so nothing can be earned.
    #[serde(rename = "urn:pictor:problem:campaign-not-running")]
    CampaignNotRunning,
    /// There was a check-in on this day; `Retry-After` says when the next one is possible.
    #[serde(rename = "urn:pictor:problem:already-checked-in")]
    AlreadyCheckedIn,
    /// The quest cannot be done now: its time has not come, is over, or it was taken out.
    #[serde(rename = "urn:pictor:problem:quest-not-open")]
    QuestNotOpen,
    /// The quest counts already.
    #[serde(rename = "urn:pictor:problem:quest-done")]
    QuestDone,
    /// A link's claim without the visit, or right after it; with `Retry-After` where waiting helps.
    #[serde(rename = "urn:pictor:problem:quest-not-visited")]
    QuestNotVisited,
    /// Nobody can be entered as one's referrer any more, or not this person.
    #[serde(rename = "urn:pictor:problem:referral-refused")]
    ReferralRefused,
    /// Nobody new can sign up here; who has an account still signs in.
    #[serde(rename = "urn:pictor:problem:sign-up-closed")]
    SignUpClosed,
    /// The presence challenge was answered too late, or never begun.
    #[serde(rename = "urn:pictor:problem:challenge-late")]
    ChallengeLate,
    /// The presence challenge was answered before, with another picture.
    #[serde(rename = "urn:pictor:problem:challenge-answered")]
    ChallengeAnswered,
    /// A fault of the coordinator; try again later.
    #[serde(rename = "urn:pictor:problem:internal")]
    Internal,
    /// A kind that this reader does not know yet.
    #[serde(other, rename = "urn:pictor:problem:unknown")]
    Unknown,
}

/// What a coordinator answers when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    /// The same words for every problem of this kind.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// What happened this time and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Every place that is wrong, where several can be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// The role that has to be chosen first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The version of the rules that has to be accepted first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_version: Option<i64>,
    /// With `banned`, when somebody has proven who they are: how they are heard all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hearing: Option<Hearing>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(&self.title))?;
        self.faults
            .iter()
            .try_for_each(|fault| write!(f, "\n  {}: {}", fault.field, fault.message))
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_from_the_future_is_unknown_and_still_readable() {
        let json = r#"{"type":"urn:pictor:problem:moon-phase","title":"Wrong moon","status":409,"moon":"new"}"#;
        let problem: Problem = serde_json::from_str(json).unwrap();
        assert_eq!(problem.kind, ProblemKind::Unknown);
        assert_eq!(problem.to_string(), "Wrong moon");
    }
}
