//! Refusals of decisions, appeals and deletions.

use pictor_protocol::problem::ProblemKind;

use super::Refused;
use crate::accounts::delete::DeleteError;
use crate::fair_play::appeal::AppealError;
use crate::fair_play::decide::DecideError;

impl From<DecideError> for Refused {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::NotFound => Self::not_found("person"),
            DecideError::BadReason => Self::fault("reason", &error),
            DecideError::TooMuchEvidence => Self::fault("evidence", &error),
            DecideError::Refused(_) => Self::new(ProblemKind::Conflict, error.to_string()),
            DecideError::Current(error) => error.into(),
            DecideError::Books(error) => Self::internal(&error),
            DecideError::Traces(error) => Self::internal(&error),
            DecideError::Store(error) => error.into(),
        }
    }
}

impl From<AppealError> for Refused {
    fn from(error: AppealError) -> Self {
        match error {
            AppealError::NotFound => Self::not_found("appeal"),
            AppealError::BadWords => Self::fault("words", &error),
            AppealError::BadAnswer => Self::fault("answer", &error),
            AppealError::NothingToAppealAgainst
            | AppealError::AppealedBefore
            | AppealError::Oneself
            | AppealError::Over(_) => Self::new(ProblemKind::Conflict, error.to_string()),
            AppealError::Decide(error) => error.into(),
            AppealError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteError> for Refused {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::NotFound => Self::not_found("account"),
            DeleteError::OtherName(_) => Self::fault("name", &error),
            DeleteError::JobsRun(_)
            | DeleteError::RewardDue
            | DeleteError::LastOperator
            | DeleteError::WouldForfeit(_) => Self::new(ProblemKind::Conflict, error.to_string()),
            DeleteError::Job(error) => error.into(),
            DeleteError::Books(error) => Self::internal(&error),
            DeleteError::Store(error) => error.into(),
        }
    }
}
