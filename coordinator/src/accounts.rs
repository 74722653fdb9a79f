//! People: the operator of a fresh coordinator, sign-in links, sessions, access tokens.
//!
//! Secrets are 256 random bits behind a prefix that says what they are (`pct_` an access token, `pcw_` a
//! worker's, `pcs_` a session, `pcl_` a sign-in link), so that one found in a log can be told and
//! revoked. Only their BLAKE3 hashes are stored.

pub mod aptos;

use std::fmt;

use pictor_protocol::UserId;
use pictor_protocol::people::Scope;
use uuid::Uuid;

use crate::store::people::{self, NewTokenRow, User};
use crate::store::{Store, StoreError};

/// Name of the person who runs a fresh coordinator.
pub const OPERATOR: &str = "operator";

const MINUTE_US: i64 = 60 * 1_000_000;
const DAY_US: i64 = 24 * 60 * MINUTE_US;
/// How long a sign-in link can be used: as long as somebody sets a machine up.
const LINK_US: i64 = 60 * MINUTE_US;
/// How long a browser stays signed in.
pub const SESSION_US: i64 = 30 * DAY_US;

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
}

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness(#[from] getrandom::Error);

impl Secret {
    pub fn new(kind: SecretKind) -> Result<Self, NoRandomness> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        let prefix = match kind {
            SecretKind::AccessToken => "pct_",
            SecretKind::WorkerToken => "pcw_",
            SecretKind::Session => "pcs_",
            SecretKind::SignInLink => "pcl_",
        };
        Ok(Self(bytes.iter().fold(prefix.into(), |text, byte| {
            format!("{text}{byte:02x}")
        })))
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

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("there is no user named {0:?}")]
    NoSuchUser(String),
    #[error("only an operator's token can have the scope operator")]
    NotAnOperator,
    #[error("a token needs a scope")]
    NoScope,
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
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
    now_us: i64,
) -> Result<Option<(User, Secret)>, AccountError> {
    let session = Secret::new(SecretKind::Session)?;
    let mut tx = store.write().await?;
    let Some(user) = people::use_link(&mut tx, &Secret::hash(link), now_us).await? else {
        return Ok(None);
    };
    let hash = Secret::hash(session.reveal());
    people::insert_session(&mut tx, &hash, user.id, now_us, now_us + SESSION_US).await?;
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

/// Mints an access token; answers it and when it expires.
pub async fn mint_token(
    store: &Store,
    user: &User,
    spec: &TokenSpec<'_>,
    now_us: i64,
) -> Result<(Secret, Option<i64>), AccountError> {
    if spec.scopes.is_empty() {
        return Err(AccountError::NoScope);
    }
    if user.operator == 0 && spec.scopes.contains(&Scope::Operator) {
        return Err(AccountError::NotAnOperator);
    }
    let secret = Secret::new(SecretKind::AccessToken)?;
    let expires_us = spec
        .expires_in_days
        .map(|days| now_us + i64::from(days) * DAY_US);
    let mut tx = store.write().await?;
    let token = NewTokenRow {
        hash: &Secret::hash(secret.reveal()),
        user: user.id,
        name: spec.name,
        scopes: spec.scopes,
        created_us: now_us,
        expires_us,
    };
    people::insert_token(&mut tx, &token).await?;
    tx.commit().await?;
    Ok((secret, expires_us))
}

/// The person of that name.
pub async fn by_name(store: &Store, name: &str) -> Result<User, AccountError> {
    let mut tx = store.read().await?;
    people::user_by_name(&mut tx, name)
        .await?
        .ok_or_else(|| AccountError::NoSuchUser(name.into()))
}
