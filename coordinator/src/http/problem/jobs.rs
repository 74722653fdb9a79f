//! Refusals to creators, and to workers that report.

use pictor_protocol::problem::ProblemKind;
use pictor_protocol::settings::Fault;

use super::Refused;
use crate::campaign::earn::EarnError;
use crate::dispatch::report::ReportError;
use crate::jobs::JobError;
use crate::jobs::charge::ChargeError;
use crate::jobs::review::Why;
use crate::workers::WorkerError;
use crate::workers::hello::HelloError;

fn fault_of_frame((frame, why): (i32, Why)) -> Fault {
    Fault {
        field: format!("frames/{frame}"),
        message: why.to_string(),
    }
}

impl From<JobError> for Refused {
    fn from(error: JobError) -> Self {
        match error {
            JobError::NotFound(what) => Self::not_found(what),
            JobError::Invalid(faults) => Self::invalid(faults),
            JobError::BadScene(why) => Self::new(ProblemKind::BadScene, why),
            JobError::NewerThanEveryRuntime(why) => {
                Self::new(ProblemKind::NewerThanEveryRuntime, why)
            }
            JobError::NotNow(why) => Self::new(ProblemKind::Conflict, why.to_string()),
            JobError::Review(refused) => Self {
                faults: refused.into_iter().map(fault_of_frame).collect(),
                ..Self::new(
                    ProblemKind::Conflict,
                    "nothing was changed: this cannot be said of every frame",
                )
            },
            JobError::Charge(error) => error.into(),
            JobError::Earn(error) => error.into(),
            JobError::Rules(error) => error.into(),
            JobError::Blobs(error) => error.into(),
            JobError::Store(error) => error.into(),
        }
    }
}

impl From<ChargeError> for Refused {
    fn from(error: ChargeError) -> Self {
        match error {
            ChargeError::NotEnough { .. } | ChargeError::Short(_) => {
                Self::new(ProblemKind::NotEnoughCredits, error.to_string())
            }
            ChargeError::Books(error) => error.into(),
            ChargeError::Store(error) => error.into(),
        }
    }
}

impl From<EarnError> for Refused {
    fn from(error: EarnError) -> Self {
        match error {
            EarnError::Rules(error) => error.into(),
            EarnError::Books(error) => error.into(),
            EarnError::Store(error) => error.into(),
        }
    }
}

impl From<ReportError> for Refused {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Charge(_) | ReportError::Earn(_) => Self::internal(&error),
            ReportError::Store(error) => error.into(),
        }
    }
}

impl From<HelloError> for Refused {
    fn from(error: HelloError) -> Self {
        match error {
            HelloError::TooMuch => Self::new(ProblemKind::Invalid, error.to_string()),
            HelloError::Store(error) => error.into(),
        }
    }
}

impl From<WorkerError> for Refused {
    fn from(error: WorkerError) -> Self {
        let at = |field: &str, error: &WorkerError| {
            Self::invalid(vec![Fault {
                field: field.into(),
                message: error.to_string(),
            }])
        };
        match error {
            WorkerError::BadName => at("name", &error),
            WorkerError::BadSearch => at("search", &error),
            WorkerError::BadReason => at("reason", &error),
            WorkerError::BadSchedule(faults) => Self::invalid(faults),
            WorkerError::NotFound => Self::not_found("worker"),
            WorkerError::Suspended => Self::new(ProblemKind::Conflict, error.to_string()),
            WorkerError::NoRandomness(error) => Self::internal(&error),
            WorkerError::Store(error) => error.into(),
        }
    }
}
