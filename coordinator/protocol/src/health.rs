//! How a worker's machine is: what its doctor found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that the doctor of a worker looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorCheck {
    /// Such as `disk`.
    pub name: String,
    pub outcome: CheckOutcome,
    /// What was found; of what is not good, the cause.
    pub text: String,
    /// What to do about it, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Ok,
    /// The worker works, but not as well as it could.
    Warn,
    Fail,
    NotApplicable,
    /// An outcome that this reader does not know yet.
    #[serde(other)]
    Unknown,
}
