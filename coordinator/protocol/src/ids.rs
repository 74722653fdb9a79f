//! Identifiers. Each kind is a type of its own, so that a job's id cannot be passed for a worker's.
//!
//! All are UUIDs of version 7: unique without asking anybody, and sorted by the time of making.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A text that is not an identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not {what} id")]
pub struct BadId {
    what: &'static str,
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| BadId { what: $what, text: text.chars().take(80).collect() })
            }
        }
    };
}

id!(
    /// A person.
    UserId, "a user"
);
id!(
    /// What a creator uploaded.
    SceneId, "a scene"
);
id!(
    /// Scene + settings + frames.
    JobId, "a job"
);
id!(
    /// The smallest unit handed out.
    TaskId, "a task"
);
id!(
    /// A registered render machine.
    WorkerId, "a worker"
);
id!(
    /// One worker's right to run some tasks of one job until a deadline.
    LeaseId, "a lease"
);
id!(
    /// One way in which a person signs in.
    IdentityId, "an identity"
);
id!(
    /// A browser that is signed in.
    SessionId, "a session"
);
id!(
    /// An access token; not the secret.
    TokenId, "a token"
);
id!(
    /// A time in which points are earned by rules.
    CampaignId, "a campaign"
);
id!(
    /// A slot's presence challenge.
    ChallengeId, "a challenge"
);
id!(
    /// What an operator decided on a person.
    DecisionId, "a decision"
);
id!(
    /// A person's word against a decision.
    AppealId, "an appeal"
);
id!(
    /// A batch of rewards that is paid as a whole.
    PayoutId, "a payout"
);
id!(
    /// A claim that a quest was done.
    ClaimId, "a claim"
);
