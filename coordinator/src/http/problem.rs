//! The only place where a status code is chosen, and where an error of ours is logged.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pictor_protocol::blob::UPLOAD_OFFSET;
use pictor_protocol::people::Role;
use pictor_protocol::problem::{MEDIA_TYPE, Problem, ProblemKind};
use pictor_protocol::settings::Fault;

use crate::accounts::AccountError;
use crate::accounts::aptos::KeyError;
use crate::accounts::aptos::keyless::KeylessError;
use crate::accounts::delete::DeleteError;
use crate::accounts::identities::IdentityError;
use crate::accounts::limits::TooMany;
use crate::accounts::oidc::OidcError;
use crate::accounts::rights::Denied;
use crate::accounts::roles::RoleError;
use crate::accounts::sessions::SessionError;
use crate::accounts::wallet::WalletError;
use crate::blobs::BlobError;
use crate::campaign::CurrentError;
use crate::campaign::change::CampaignError;
use crate::campaign::earn::EarnError;
use crate::dispatch::report::ReportError;
use crate::fair_play::appeal::AppealError;
use crate::fair_play::decide::DecideError;
use crate::jobs::JobError;
use crate::jobs::charge::ChargeError;
use crate::ledger::PostError;
use crate::store::StoreError;
use crate::workers::WorkerError;
use crate::workers::hello::HelloError;

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
            offset: None,
            retry_after_s: None,
        }
    }

    pub fn status(&self) -> StatusCode {
        status_and_title(self.kind).0
    }

    /// For a page: the kind's title, and what happened this time.
    pub fn words(&self) -> (&'static str, &str) {
        let (_, title) = status_and_title(self.kind);
        (title, self.detail.as_deref().unwrap_or_default())
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

    /// What programs need to know before they ask again.
    pub fn add_headers(&self, headers: &mut HeaderMap) {
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
        ProblemKind::CounterpartUnavailable => (
            StatusCode::BAD_GATEWAY,
            "A counterpart of the sign-in does not answer",
        ),
        ProblemKind::ChangeInThePast => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "What has happened cannot be changed",
        ),
        ProblemKind::NotEnoughCredits => (StatusCode::PAYMENT_REQUIRED, "Not enough credits"),
        ProblemKind::CampaignOver => (StatusCode::CONFLICT, "The campaign is over"),
        ProblemKind::AcceptTheRules => (StatusCode::FORBIDDEN, "Accept the rules first"),
        ProblemKind::Banned => (StatusCode::FORBIDDEN, "Banned"),
        ProblemKind::Internal | ProblemKind::Unknown => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "A fault of the coordinator",
        ),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, title) = status_and_title(self.kind);
        let mut more = HeaderMap::new();
        self.add_headers(&mut more);
        let problem = Problem {
            kind: self.kind,
            title: title.into(),
            status: status.as_u16(),
            detail: self.detail,
            faults: self.faults,
            role: self.role,
            rules_version: self.rules_version,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.extend(more);
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

impl From<PostError> for Refused {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Overdrawn { .. } => {
                Self::new(ProblemKind::NotEnoughCredits, error.to_string())
            }
            PostError::NotPositive(_) | PostError::TooLarge => Self::internal(&error),
            PostError::Store(error) => error.into(),
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

impl From<AccountError> for Refused {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NoSuchUser(_) => Self::not_found("user"),
            AccountError::NotAnOperator => Self::new(ProblemKind::Forbidden, error.to_string()),
            AccountError::NoScope | AccountError::BadExpiry => {
                Self::new(ProblemKind::Invalid, error.to_string())
            }
            AccountError::Banned => Self::new(ProblemKind::Banned, error.to_string()),
            AccountError::NoRandomness(error) => Self::internal(&error),
            AccountError::Session(error) => error.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        let why = denied.to_string();
        match denied {
            Denied::NeedsRole(role) => Self {
                role: Some(role),
                ..Self::new(ProblemKind::ChooseARole, why)
            },
            Denied::NeedsScope(_) | Denied::NeedsSession | Denied::NotAnOperator => {
                Self::new(ProblemKind::Forbidden, why)
            }
        }
    }
}

impl From<RoleError> for Refused {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotARole => Self::invalid(vec![Fault {
                field: "roles".into(),
                message: error.to_string(),
            }]),
            RoleError::AcceptFirst(first) => Self {
                rules_version: Some(first.version),
                ..Self::new(ProblemKind::AcceptTheRules, first.to_string())
            },
            RoleError::Current(error) => error.into(),
            RoleError::Store(error) => error.into(),
        }
    }
}

impl From<DecideError> for Refused {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::NotFound => Self::not_found("person"),
            DecideError::BadReason => Self::fault("reason", &error),
            DecideError::TooMuchEvidence => Self::fault("evidence", &error),
            DecideError::Refused(_) => Self::new(ProblemKind::Conflict, error.to_string()),
            DecideError::Current(error) => error.into(),
            DecideError::Books(error) => Self::internal(&error),
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
            DeleteError::JobsRun(_) | DeleteError::LastOperator | DeleteError::WouldForfeit(_) => {
                Self::new(ProblemKind::Conflict, error.to_string())
            }
            DeleteError::Job(error) => error.into(),
            DeleteError::Books(error) => Self::internal(&error),
            DeleteError::Store(error) => error.into(),
        }
    }
}

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

impl From<HelloError> for Refused {
    fn from(error: HelloError) -> Self {
        match error {
            HelloError::TooMuch => Self::new(ProblemKind::Invalid, error.to_string()),
            HelloError::Store(error) => error.into(),
        }
    }
}

impl From<SessionError> for Refused {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Banned { .. } => Self::new(ProblemKind::Banned, error.to_string()),
            SessionError::NoRandomness(error) => Self::internal(&error),
            SessionError::Store(error) => error.into(),
        }
    }
}

impl From<TooMany> for Refused {
    fn from(error: TooMany) -> Self {
        Self {
            retry_after_s: Some(error.retry_after_s),
            ..Self::new(ProblemKind::TooManyTries, error.to_string())
        }
    }
}

impl From<IdentityError> for Refused {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Taken => Self::new(ProblemKind::IdentityTaken, error.to_string()),
            IdentityError::Banned { .. } => Self::new(ProblemKind::Banned, error.to_string()),
            IdentityError::NoRandomness(error) => Self::internal(&error),
            IdentityError::Store(error) => error.into(),
        }
    }
}

impl From<WalletError> for Refused {
    fn from(error: WalletError) -> Self {
        let kind = match error {
            WalletError::Address(_)
            | WalletError::NotHexadecimal(_)
            | WalletError::Key(
                KeyError::Unreadable | KeyError::NotOnCurve | KeyError::Threshold { .. },
            ) => ProblemKind::Invalid,
            WalletError::Key(KeyError::Keyless | KeyError::Passkey) => ProblemKind::UnsupportedKey,
            WalletError::Expired => ProblemKind::SignInExpired,
            WalletError::OtherAddress
            | WalletError::OtherText { .. }
            | WalletError::Signature(_) => ProblemKind::NotProven,
            WalletError::OtherKey(_) | WalletError::NotTheAccountsKey(_) => {
                ProblemKind::NotTheAccountsKey
            }
            WalletError::Node(ref cause) => {
                tracing::warn!(
                    error = cause as &(dyn std::error::Error + 'static),
                    "the Aptos node cannot be asked"
                );
                ProblemKind::CounterpartUnavailable
            }
            WalletError::Identity(error) => return error.into(),
            WalletError::NoRandomness(error) => return Self::internal(&error),
            WalletError::Store(error) => return error.into(),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<OidcError> for Refused {
    fn from(error: OidcError) -> Self {
        let kind = match error {
            OidcError::Expired => ProblemKind::SignInExpired,
            OidcError::Refused(_)
            | OidcError::BadCode(_)
            | OidcError::NoIdToken
            | OidcError::BadIdToken(_)
            | OidcError::OtherIssuer => ProblemKind::NotProven,
            OidcError::Unavailable(_) => ProblemKind::CounterpartUnavailable,
            OidcError::Keyless(_) => ProblemKind::Invalid,
            OidcError::Identity(error) => return error.into(),
            OidcError::NoRandomness(error) => return Self::internal(&error),
            OidcError::Store(error) => return error.into(),
        };
        tracing::info!(
            error = &error as &(dyn std::error::Error + 'static),
            "a sign-in failed"
        );
        Self::new(kind, error.to_string())
    }
}

impl From<KeylessError> for Refused {
    fn from(error: KeylessError) -> Self {
        Self::internal(&error)
    }
}

impl From<WorkerError> for Refused {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::BadName => Self::invalid(vec![Fault {
                field: "name".into(),
                message: error.to_string(),
            }]),
            WorkerError::BadReason => Self::invalid(vec![Fault {
                field: "reason".into(),
                message: error.to_string(),
            }]),
            WorkerError::NotFound => Self::not_found("worker"),
            WorkerError::Suspended => Self::new(ProblemKind::Conflict, error.to_string()),
            WorkerError::NoRandomness(error) => Self::internal(&error),
            WorkerError::Store(error) => error.into(),
        }
    }
}
