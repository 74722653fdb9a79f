//! The only place where a status code is chosen, and where an error of ours is logged.

mod accounts;
mod campaign;
mod community;
mod fair_play;
mod jobs;
mod presence;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pictor_protocol::blob::UPLOAD_OFFSET;
use pictor_protocol::fair_play::Hearing;
use pictor_protocol::people::Role;
use pictor_protocol::problem::{MEDIA_TYPE, Problem, ProblemKind};
use pictor_protocol::settings::Fault;

use crate::blobs::BlobError;
use crate::store::StoreError;

/// A refusal on its way out.
#[derive(Debug)]
pub struct Refused {
    kind: ProblemKind,
    detail: Option<String>,
    faults: Vec<Fault>,
    /// The role that has to be chosen first.
    role: Option<Role>,
    /// The version of the rules that has to be accepted first.
    rules_version: Option<i64>,
    /// How somebody who is banned is heard.
    hearing: Option<Box<Hearing>>,
    /// Where an upload goes on.
    offset: Option<u64>,
    retry_after_s: Option<u64>,
}

pub type Result<T> = std::result::Result<T, Refused>;

impl Refused {
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: Some(detail.into()),
            faults: Vec::new(),
            role: None,
            rules_version: None,
            hearing: None,
            offset: None,
            retry_after_s: None,
        }
    }

    pub fn status(&self) -> StatusCode {
        status_and_title(self.kind).0
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(
            ProblemKind::NotFound,
            format!("there is no such {what}, or it is not yours"),
        )
    }

    pub fn invalid(faults: Vec<Fault>) -> Self {
        Self {
            faults,
            ..Self::new(ProblemKind::Invalid, "the request cannot be carried out")
        }
    }

    /// A word that this program does not know.
    pub fn unknown_word(field: &str) -> Self {
        Self::invalid(vec![Fault {
            field: field.into(),
            message: "this is not known here".into(),
        }])
    }

    /// One field that is wrong.
    fn fault(field: &str, error: &dyn std::error::Error) -> Self {
        Self::invalid(vec![Fault {
            field: field.into(),
            message: error.to_string(),
        }])
    }

    /// What is said of it: to programs as it is, to people by a page, or beside the fields of a form.
    pub fn problem(&self) -> Problem {
        let (status, title) = status_and_title(self.kind);
        Problem {
            kind: self.kind,
            title: title.into(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            faults: self.faults.clone(),
            role: self.role,
            rules_version: self.rules_version,
            hearing: self.hearing.as_deref().cloned(),
        }
    }

    /// What programs need to know before they ask again.
    fn add_headers(&self, headers: &mut HeaderMap) {
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(offset) = self.offset {
            headers.insert(UPLOAD_OFFSET, offset.into());
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
    }

    /// An error that nobody outside can do anything about.
    fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "request failed");
        Self::new(
            ProblemKind::Internal,
            "the coordinator has a fault; its log says more",
        )
    }
}

fn status_and_title(kind: ProblemKind) -> (StatusCode, &'static str) {
    match kind {
        ProblemKind::Unauthorized => (StatusCode::UNAUTHORIZED, "Not signed in"),
        ProblemKind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        ProblemKind::ChooseARole => (StatusCode::FORBIDDEN, "Choose a role first"),
        ProblemKind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        ProblemKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid request"),
        ProblemKind::Conflict => (StatusCode::CONFLICT, "Not possible now"),
        ProblemKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        ProblemKind::BadScene => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Not a scene that can be rendered",
        ),
        ProblemKind::NewerThanEveryRuntime => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Newer than every Blender of this network",
        ),
        ProblemKind::HashMismatch => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Other bytes than announced",
        ),
        ProblemKind::WrongOffset => (StatusCode::CONFLICT, "The upload goes on elsewhere"),
        ProblemKind::StorageFull => (StatusCode::INSUFFICIENT_STORAGE, "Storage full"),
        ProblemKind::WorkerTooOld => (StatusCode::UPGRADE_REQUIRED, "Worker too old"),
        ProblemKind::HelloFirst => (StatusCode::CONFLICT, "Say hello first"),
        ProblemKind::ForeignOrigin => (StatusCode::FORBIDDEN, "Asked for by another site"),
        ProblemKind::TooManyTries => (StatusCode::TOO_MANY_REQUESTS, "Too many tries"),
        ProblemKind::SignInExpired => (StatusCode::CONFLICT, "Begin the sign-in anew"),
        ProblemKind::NotProven => (StatusCode::FORBIDDEN, "Not proven"),
        ProblemKind::UnsupportedKey => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "A key that cannot be verified here",
        ),
        ProblemKind::NotTheAccountsKey => (StatusCode::FORBIDDEN, "Not the account's key"),
        ProblemKind::IdentityTaken => (StatusCode::CONFLICT, "Belongs to somebody else"),
        ProblemKind::SignInAgain => (StatusCode::FORBIDDEN, "Sign in again first"),
        ProblemKind::PayoutNotPossible => (StatusCode::CONFLICT, "Cannot be paid now"),
        ProblemKind::CounterpartUnavailable => (
            StatusCode::BAD_GATEWAY,
            "A counterpart does not answer as it should",
        ),
        ProblemKind::ChangeInThePast => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "What has happened cannot be changed",
        ),
        ProblemKind::NotEnoughCredits => (StatusCode::PAYMENT_REQUIRED, "Not enough credits"),
        ProblemKind::CampaignOver => (StatusCode::CONFLICT, "The campaign is over"),
        ProblemKind::AcceptTheRules => (StatusCode::FORBIDDEN, "Accept the rules first"),
        ProblemKind::Banned => (StatusCode::FORBIDDEN, "Banned"),
        ProblemKind::CampaignNotRunning => (StatusCode::CONFLICT, "No campaign runs"),
        ProblemKind::AlreadyCheckedIn => (StatusCode::CONFLICT, "Checked in already"),
        ProblemKind::QuestNotOpen => (StatusCode::CONFLICT, "Not a quest of now"),
        ProblemKind::QuestDone => (StatusCode::CONFLICT, "The quest is done"),
        ProblemKind::QuestNotVisited => (StatusCode::CONFLICT, "Visit the quest's link first"),
        ProblemKind::ReferralRefused => (StatusCode::CONFLICT, "No referral"),
        ProblemKind::SignUpClosed => (StatusCode::FORBIDDEN, "Nobody new can sign up here"),
        ProblemKind::ChallengeLate => (StatusCode::CONFLICT, "The challenge is over"),
        ProblemKind::ChallengeAnswered => (StatusCode::CONFLICT, "Answered before"),
        ProblemKind::Internal | ProblemKind::Unknown => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "A fault of the coordinator",
        ),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let mut response = (self.status(), Json(&problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        self.add_headers(headers);
        // For pages, which say the same to people.
        response.extensions_mut().insert(problem);
        response
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => {
                Self::new(ProblemKind::StorageFull, "the coordinator's disk is full")
            }
            StoreError::Database(_) | StoreError::NotDurable(_) | StoreError::Migrate(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<BlobError> for Refused {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => {
                Self::new(ProblemKind::StorageFull, "the coordinator's disk is full")
            }
            BlobError::WrongOffset { have } => Self {
                offset: Some(have),
                ..Self::new(ProblemKind::WrongOffset, error.to_string())
            },
            BlobError::HashMismatch => Self::new(ProblemKind::HashMismatch, error.to_string()),
            BlobError::TooLong | BlobError::BrokenOff => {
                Self::new(ProblemKind::Invalid, error.to_string())
            }
            BlobError::Io { .. } => Self::internal(&error),
        }
    }
}
