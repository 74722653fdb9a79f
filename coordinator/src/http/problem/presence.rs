//! Refusals to workers that answer challenges.

use pictor_protocol::problem::ProblemKind;

use super::Refused;
use crate::presence::answer::AnswerError;

impl From<AnswerError> for Refused {
    fn from(error: AnswerError) -> Self {
        let kind = match error {
            AnswerError::NotFound => ProblemKind::NotFound,
            AnswerError::Late => ProblemKind::ChallengeLate,
            AnswerError::AnsweredBefore => ProblemKind::ChallengeAnswered,
            AnswerError::TooLarge => ProblemKind::TooLarge,
            AnswerError::NotThePicture { .. } => ProblemKind::Invalid,
            // Asked again it is held again, by the one that comes after this one.
            AnswerError::Stopping => ProblemKind::Internal,
            AnswerError::Store(error) => return error.into(),
        };
        Self::new(kind, error.to_string())
    }
}
