//! People: how they sign in, the operator of a fresh coordinator, sessions, access tokens.
//!
//! | room | what it owns |
//! |---|---|
//! | [`aptos`] | what a wallet proves, and keyless addresses; pure |
//! | [`wallet`], [`oidc`] | the two ways to sign in, from challenge to identity |
//! | [`identities`] | whose a proven identity is |
//! | [`rights`] | who may do what; pure |
//! | [`roles`] | what people chose to be |
//! | [`sessions`] | browsers that are signed in |
//! | [`pepper`] | the secret that keyless addresses hang on |
//! | [`export`], [`delete`] | all that is kept about a person, and its end |
//! | [`limits`] | how often credentials may be tried |
//! | [`sign_in`] | all of that, as configured |
//!
//! Secrets are 256 random bits behind a prefix that says what they are (`pct_` an access token, `pcw_` a
//! worker's, `pcs_` a session, `pcl_` a sign-in link, `pco_` a sign-in at an OpenID provider,
//! `pcq_` a visit to a quest's link, `pch_` a hearing), so that one found in a log can be told and
//! revoked. Only their BLAKE3 hashes are stored.

pub mod acceptance;
pub mod aptos;
pub mod delete;
pub mod export;
pub mod full_node;
pub mod identities;
pub mod limits;
pub mod oidc;
pub mod outbound;
pub mod pepper;
pub mod rights;
pub mod roles;
pub mod sessions;
pub mod sign_in;
pub mod wallet;
pub mod warnings;

pub use sign_in::{SignIn, Site};

use std::fmt;

use pictor_protocol::people::Scope;
use pictor_protocol::{TokenId, UserId};
use uuid::Uuid;

use crate::fair_play::standing::Standing;
use crate::store::people::{self, NewTokenRow, User};
use crate::store::{Store, StoreError, standing};

/// Name of the person who runs a fresh coordinator.
pub const OPERATOR: &str = "operator";

const MINUTE_US: i64 = 60 * 1_000_000;
const DAY_US: i64 = 24 * 60 * MINUTE_US;
/// How long a sign-in link can be used: as long as somebody sets a machine up.
const LINK_US: i64 = 60 * MINUTE_US;

/// How many days a token may be made to last.
const TOKEN_DAYS: std::ops::RangeInclusive<u32> = 1..=36_500;

/// A secret that proves who somebody is. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What a secret is for.
#[derive(Debug, Clone, Copy)]
pub enum SecretKind {
    AccessToken,
    WorkerToken,
    Session,
    SignInLink,
    OidcSignIn,
    QuestNonce,
    Hearing,
}

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness(#[from] getrandom::Error);

impl Secret {
    pub fn new(kind: SecretKind) -> Result<Self, NoRandomness> {
        let prefix = match kind {
            SecretKind::AccessToken => "pct_",
            SecretKind::WorkerToken => "pcw_",
            SecretKind::Session => "pcs_",
            SecretKind::SignInLink => "pcl_",
            SecretKind::OidcSignIn => "pco_",
            SecretKind::QuestNonce => "pcq_",
            SecretKind::Hearing => "pch_",
        };
        Ok(Self(format!("{prefix}{}", random_digits()?)))
    }

    /// What is stored of a secret.
    pub fn hash(text: &str) -> String {
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn random_bytes() -> Result<[u8; 32], NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// 256 random bits in hexadecimal digits.
pub(crate) fn random_digits() -> Result<String, NoRandomness> {
    Ok(blake3::Hash::from_bytes(random_bytes()?)
        .to_hex()
        .to_string())
}

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("there is no user named {0:?}")]
    NoSuchUser(String),
    #[error("only an operator's token can have the scope operator")]
    NotAnOperator,
    #[error("a token needs a scope")]
    NoScope,
    #[error("a token lasts 1 to 36500 days, or for ever")]
    BadExpiry,
    #[error("the person is banned")]
    Banned,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Session(#[from] sessions::SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the operator if nobody is there yet, and answers who it is and whether it is new.
pub async fn ensure_operator(store: &Store, now_us: i64) -> Result<(User, bool), AccountError> {
    let mut tx = store.write().await?;
    if let Some(user) = people::any_operator(&mut tx).await? {
        return Ok((user, false));
    }
    let id = UserId::new(Uuid::now_v7());
    people::insert_user(&mut tx, id, OPERATOR, true, now_us).await?;
    tx.commit().await?;
    Ok((
        User {
            id,
            name: OPERATOR.into(),
            operator: 1,
        },
        true,
    ))
}

/// Makes a link that signs `user` in once.
pub async fn make_sign_in_link(
    store: &Store,
    user: UserId,
    now_us: i64,
) -> Result<Secret, AccountError> {
    let secret = Secret::new(SecretKind::SignInLink)?;
    let mut tx = store.write().await?;
    people::insert_link(
        &mut tx,
        &Secret::hash(secret.reveal()),
        user,
        now_us + LINK_US,
    )
    .await?;
    tx.commit().await?;
    Ok(secret)
}

/// Uses a sign-in link up and begins a session; `None` if the link is unknown, used or too old.
pub async fn sign_in(
    store: &Store,
    link: &str,
    user_agent: Option<&str>,
    now_us: i64,
) -> Result<Option<(User, Secret)>, AccountError> {
    let mut tx = store.write().await?;
    let Some(user) = people::use_link(&mut tx, &Secret::hash(link), now_us).await? else {
        return Ok(None);
    };
    let new = sessions::NewSession {
        user: user.id,
        identity: None,
        user_agent,
    };
    let session = sessions::begin(&mut tx, new, now_us).await?;
    tx.commit().await?;
    Ok(Some((user, session)))
}

/// What a token is to be.
#[derive(Debug, Clone)]
pub struct TokenSpec<'a> {
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub expires_in_days: Option<u32>,
}

/// A token that was just made.
#[derive(Debug)]
pub struct Minted {
    pub id: TokenId,
    pub secret: Secret,
    pub expires_us: Option<i64>,
}

/// Mints an access token.
pub async fn mint_token(
    store: &Store,
    user: &User,
    spec: &TokenSpec<'_>,
    now_us: i64,
) -> Result<Minted, AccountError> {
    if spec.scopes.is_empty() {
        return Err(AccountError::NoScope);
    }
    if user.operator == 0 && spec.scopes.contains(&Scope::Operator) {
        return Err(AccountError::NotAnOperator);
    }
    let secret = Secret::new(SecretKind::AccessToken)?;
    if spec
        .expires_in_days
        .is_some_and(|days| !TOKEN_DAYS.contains(&days))
    {
        return Err(AccountError::BadExpiry);
    }
    let expires_us = spec
        .expires_in_days
        .map(|days| now_us + i64::from(days) * DAY_US);
    let id = TokenId::new(Uuid::now_v7());
    let mut tx = store.write().await?;
    if standing::of(&mut tx, user.id).await? == Standing::Banned {
        return Err(AccountError::Banned);
    }
    let token = NewTokenRow {
        hash: &Secret::hash(secret.reveal()),
        id,
        user: user.id,
        name: spec.name,
        scopes: spec.scopes,
        created_us: now_us,
        expires_us,
    };
    people::insert_token(&mut tx, &token).await?;
    tx.commit().await?;
    Ok(Minted {
        id,
        secret,
        expires_us,
    })
}

/// The person of that name.
pub async fn by_name(store: &Store, name: &str) -> Result<User, AccountError> {
    let mut tx = store.read().await?;
    people::user_by_name(&mut tx, name)
        .await?
        .ok_or_else(|| AccountError::NoSuchUser(name.into()))
}
