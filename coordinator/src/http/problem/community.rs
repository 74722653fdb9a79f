//! Refusals to members of the community.

use pictor_protocol::problem::ProblemKind;

use super::Refused;
use crate::campaign::check_in::CheckInError;
use crate::campaign::quests::QuestError;
use crate::campaign::referral::ReferralError;
use crate::campaign::running::NotRunning;
use crate::campaign::welcome::WelcomeError;
use crate::ledger::PostError;

impl From<NotRunning> for Refused {
    fn from(error: NotRunning) -> Self {
        let kind = match error {
            NotRunning::Over => ProblemKind::CampaignOver,
            NotRunning::NoCampaign | NotRunning::NotYet { .. } => ProblemKind::CampaignNotRunning,
        };
        let retry_after_s = match error {
            NotRunning::NotYet { wait_s } => Some(wait_s),
            NotRunning::NoCampaign | NotRunning::Over => None,
        };
        Self {
            retry_after_s,
            ..Self::new(kind, error.to_string())
        }
    }
}

impl From<CheckInError> for Refused {
    fn from(error: CheckInError) -> Self {
        match error {
            CheckInError::AlreadyDone { wait_s, .. } => Self {
                retry_after_s: Some(wait_s),
                ..Self::new(ProblemKind::AlreadyCheckedIn, error.to_string())
            },
            CheckInError::NoMonth(_) => Self::invalid(vec![error.fault()]),
            CheckInError::NotRunning(error) => error.into(),
            CheckInError::Post(error) => error.into(),
            CheckInError::Current(error) => error.into(),
            CheckInError::Store(error) => error.into(),
        }
    }
}

impl From<QuestError> for Refused {
    fn from(error: QuestError) -> Self {
        let kind = match error {
            QuestError::NoSuchQuest => return Self::not_found("quest"),
            QuestError::NoSuchClaim => return Self::not_found("claim"),
            QuestError::NoSuchUser => return Self::not_found("user"),
            QuestError::NotOpen => ProblemKind::QuestNotOpen,
            QuestError::Done => ProblemKind::QuestDone,
            QuestError::OtherWay(_) | QuestError::Decided | QuestError::OtherEvent => {
                ProblemKind::Conflict
            }
            QuestError::OwnClaim => ProblemKind::Forbidden,
            QuestError::NotVisited => ProblemKind::QuestNotVisited,
            QuestError::TooQuick { wait_s } => {
                return Self {
                    retry_after_s: Some(wait_s),
                    ..Self::new(ProblemKind::QuestNotVisited, error.to_string())
                };
            }
            QuestError::Invalid(fault) => return Self::invalid(vec![fault]),
            QuestError::NoSecret | QuestError::NotProven(_) => ProblemKind::NotProven,
            QuestError::NotRunning(error) => return error.into(),
            QuestError::NoRandomness(error) => return Self::internal(&error),
            QuestError::Post(error) => return error.into(),
            QuestError::Current(error) => return error.into(),
            QuestError::Store(error) => return error.into(),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ReferralError> for Refused {
    fn from(error: ReferralError) -> Self {
        match error {
            ReferralError::NoSuchCode => Self::not_found("code"),
            ReferralError::Refused(_) => Self::new(ProblemKind::ReferralRefused, error.to_string()),
            ReferralError::NoCode => Self::internal(&error),
            ReferralError::NoRandomness(error) => Self::internal(&error),
            ReferralError::Current(error) => error.into(),
            ReferralError::Store(error) => error.into(),
        }
    }
}

impl From<WelcomeError> for Refused {
    fn from(error: WelcomeError) -> Self {
        match error {
            WelcomeError::Post(error) => error.into(),
            WelcomeError::Current(error) => error.into(),
            WelcomeError::Store(error) => error.into(),
        }
    }
}

impl From<PostError> for Refused {
    fn from(error: PostError) -> Self {
        match error {
            // Whoever may ask for more than there is says so before it is entered.
            PostError::Overdrawn { .. } | PostError::NotPositive(_) | PostError::TooLarge => {
                Self::internal(&error)
            }
            PostError::Store(error) => error.into(),
        }
    }
}
