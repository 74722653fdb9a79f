//! Refusals to people who sign in, and of what they may do.

use pictor_protocol::problem::ProblemKind;
use pictor_protocol::settings::Fault;

use super::Refused;
use crate::accounts::AccountError;
use crate::accounts::aptos::KeyError;
use crate::accounts::aptos::keyless::KeylessError;
use crate::accounts::identities::IdentityError;
use crate::accounts::limits::TooMany;
use crate::accounts::oidc::OidcError;
use crate::accounts::rights::Denied;
use crate::accounts::roles::RoleError;
use crate::accounts::sessions::SessionError;
use crate::accounts::wallet::WalletError;

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
            IdentityError::Banned { reason, hearing } => {
                let why = IdentityError::Banned {
                    reason,
                    hearing: None,
                }
                .to_string();
                Self {
                    hearing,
                    ..Self::new(ProblemKind::Banned, why)
                }
            }
            IdentityError::SignUpClosed => Self::new(ProblemKind::SignUpClosed, error.to_string()),
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
