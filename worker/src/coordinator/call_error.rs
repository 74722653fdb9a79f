//! Why a request brought no answer, sorted by what is to be done about it.

use std::io;
use std::time::Duration;

use http::StatusCode;
use pictor_protocol::problem::{Problem, ProblemKind};

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("cannot prepare encrypted connections")]
    Tls(#[source] io::Error),
    #[error("cannot reach the coordinator")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    #[error("the coordinator did not answer within {} s", after.as_secs())]
    Silent { after: Duration },
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("the answer broke off")]
    Cut(#[source] Source),
    /// Whatever answered, such as a proxy, did not say why in a way that we know.
    #[error("the coordinator's address answered {0}")]
    Status(StatusCode),
    #[error("{0}")]
    Refused(Box<Problem>),
    #[error("the coordinator was not understood: {0}")]
    Malformed(String),
    #[error("cannot read the file to upload")]
    File(#[source] io::Error),
}

/// What a failed request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The same again, later.
    Retry,
    HelloFirst,
    /// No retry helps: the owner has to do something.
    GiveUp(Fatal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fatal {
    Unauthorized,
    TooOld,
}

impl CallError {
    pub(super) fn from_status(status: StatusCode) -> Self {
        let kind = match status {
            StatusCode::UNAUTHORIZED => ProblemKind::Unauthorized,
            _ => return Self::Status(status),
        };
        let title = "the token is not accepted".to_owned();
        let status = status.as_u16();
        Self::Refused(Box::new(Problem {
            kind,
            title,
            status,
            detail: None,
            faults: Vec::new(),
            role: None,
            rules_version: None,
            hearing: None,
        }))
    }

    pub fn remedy(&self) -> Remedy {
        match self.problem() {
            Some(ProblemKind::HelloFirst) => Remedy::HelloFirst,
            Some(ProblemKind::Unauthorized) => Remedy::GiveUp(Fatal::Unauthorized),
            Some(ProblemKind::WorkerTooOld) => Remedy::GiveUp(Fatal::TooOld),
            Some(_) | None => Remedy::Retry,
        }
    }

    /// The coordinator itself did not answer.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent { .. } | Self::Broken(_) | Self::Cut(_) => true,
            Self::Status(status) => status.is_server_error(),
            Self::Tls(_) | Self::Refused(_) | Self::Malformed(_) | Self::File(_) => false,
        }
    }

    /// The kind of the refusal, when the coordinator itself refused.
    pub fn problem(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused(problem) => Some(problem.kind),
            Self::Tls(_)
            | Self::Unreachable(_)
            | Self::Silent { .. }
            | Self::Broken(_)
            | Self::Cut(_)
            | Self::Status(_)
            | Self::Malformed(_)
            | Self::File(_) => None,
        }
    }
}
