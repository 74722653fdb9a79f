//! Refusals of campaigns, their boards and their payouts.

use pictor_protocol::problem::ProblemKind;
use pictor_protocol::settings::Fault;

use super::Refused;
use crate::campaign::CurrentError;
use crate::campaign::change::CampaignError;
use crate::campaign::payouts::amounts::BadRate;
use crate::campaign::payouts::node::NodeError;
use crate::campaign::payouts::send::SendError;
use crate::campaign::payouts::transaction::BadTransactionHash;
use crate::campaign::payouts::winners::DrawError;
use crate::campaign::payouts::{DraftError, PayoutError};
use crate::campaign::ranks::RanksError;
use crate::campaign::snapshot::SnapshotError;
use crate::network::NetworkError;

impl From<CampaignError> for Refused {
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::NotFound => Self::not_found("campaign"),
            CampaignError::Invalid(faults) => Self::invalid(faults),
            CampaignError::InThePast(ref faults) => Self {
                faults: faults.clone(),
                ..Self::new(ProblemKind::ChangeInThePast, error.to_string())
            },
            CampaignError::TooEarly(_) => {
                Self::new(ProblemKind::ChangeInThePast, error.to_string())
            }
            CampaignError::Over => Self::new(ProblemKind::CampaignOver, error.to_string()),
            CampaignError::SlugTaken(_) | CampaignError::Overlaps(_) => {
                Self::new(ProblemKind::Conflict, error.to_string())
            }
            CampaignError::Current(error) => error.into(),
            CampaignError::Store(error) => error.into(),
        }
    }
}

impl From<CurrentError> for Refused {
    fn from(error: CurrentError) -> Self {
        match error {
            CurrentError::NoRules { .. } | CurrentError::Unreadable { .. } => {
                Self::internal(&error)
            }
            CurrentError::Store(error) => error.into(),
        }
    }
}

impl From<NetworkError> for Refused {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::Current(error) => error.into(),
            NetworkError::Store(error) => error.into(),
        }
    }
}

impl From<RanksError> for Refused {
    fn from(error: RanksError) -> Self {
        match error {
            RanksError::BadName(bad) => Self::invalid(vec![Fault {
                field: "name".into(),
                message: bad.to_string(),
            }]),
            RanksError::NameTaken | RanksError::Stopping(_) => {
                Self::new(ProblemKind::Conflict, error.to_string())
            }
            RanksError::Current(error) => error.into(),
            RanksError::Store(error) => error.into(),
        }
    }
}

impl From<SnapshotError> for Refused {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::NotFound => Self::not_found("campaign"),
            SnapshotError::NotOver | SnapshotError::Waiting | SnapshotError::Moving => {
                Self::new(ProblemKind::Conflict, error.to_string())
            }
            SnapshotError::Key(_) | SnapshotError::Compose(_) => Self::internal(&error),
            SnapshotError::Current(error) => error.into(),
            SnapshotError::Store(error) => error.into(),
        }
    }
}

impl From<DraftError> for Refused {
    fn from(error: DraftError) -> Self {
        let kind = match error {
            DraftError::Amount(_)
            | DraftError::TooMany(_)
            | DraftError::NoRank
            | DraftError::UserTwice(_)
            | DraftError::AddressTwice(_) => ProblemKind::Invalid,
            DraftError::InAnotherPayout(_) => ProblemKind::Conflict,
            DraftError::Store(error) => return error.into(),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<DrawError> for Refused {
    fn from(error: DrawError) -> Self {
        match error {
            DrawError::NoSnapshot | DrawError::NobodyLeft => {
                Self::new(ProblemKind::PayoutNotPossible, error.to_string())
            }
            DrawError::Draft(error) => error.into(),
            DrawError::Store(error) => error.into(),
        }
    }
}

impl From<BadRate> for Refused {
    fn from(error: BadRate) -> Self {
        Self::invalid(vec![Fault {
            field: "rate_usd_per_apt".into(),
            message: error.to_string(),
        }])
    }
}

impl From<PayoutError> for Refused {
    fn from(error: PayoutError) -> Self {
        match error {
            PayoutError::NotFound => Self::not_found("payout"),
            PayoutError::Refused(_) | PayoutError::Raced | PayoutError::Disqualified { .. } => {
                Self::new(ProblemKind::Conflict, error.to_string())
            }
            PayoutError::Store(error) => error.into(),
        }
    }
}

impl From<SendError> for Refused {
    fn from(error: SendError) -> Self {
        let kind = match error {
            SendError::NoPayer
            | SendError::OtherChain { .. }
            | SendError::OtherKey { .. }
            | SendError::TooLittle { .. }
            | SendError::Simulated(_)
            | SendError::FeeTooHigh(_) => ProblemKind::PayoutNotPossible,
            SendError::AnotherOnItsWay => ProblemKind::Conflict,
            SendError::Payout(error) => return error.into(),
            SendError::Node(error) => return error.into(),
            SendError::Bcs(error) => return Self::internal(&error),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<NodeError> for Refused {
    fn from(error: NodeError) -> Self {
        tracing::warn!(
            error = &error as &(dyn std::error::Error + 'static),
            "the Aptos node cannot be asked"
        );
        Self::new(ProblemKind::CounterpartUnavailable, error.to_string())
    }
}

impl From<BadTransactionHash> for Refused {
    fn from(error: BadTransactionHash) -> Self {
        Self::invalid(vec![Fault {
            field: "hash".into(),
            message: error.to_string(),
        }])
    }
}
