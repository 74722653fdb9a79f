//! How somebody is heard who may not sign in: with a secret that the refusal of their sign-in carries.
//!
//! A ban ends sessions and tokens and refuses sign-in, and so takes away the ways to read it, to answer it, and to
//! get what is kept about oneself. Who has proven an identity of the banned account gets a secret for that and nothing
//! else: for half an hour, until the next sign-in gives another one, and only as long as the ban is in force.
//!
//! Proving an identity is not being the person: one that was taken from the banned account and is somebody else's
//! now opens nothing of that account. That of an account that was deleted does: there is nothing left of it but the
//! decisions on whoever had it.

use pictor_protocol::UserId;
use pictor_protocol::fair_play::Hearing;

use super::standing::Standing;
use crate::accounts::{NoRandomness, Secret, SecretKind};
use crate::store::people;
use crate::store::standing::{self as rows, DecisionRow};
use crate::store::{StoreError, Tx};

/// How long a secret opens what it opens: long enough to write an appeal.
const HEARING_US: i64 = 30 * 60 * 1_000_000;

#[derive(Debug, thiserror::Error)]
pub enum HearingError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Grants whoever has proven an identity a hearing on the ban that bars it; `None` if that account is another's.
/// `owner` is whose the identity is now.
pub async fn grant(
    tx: &mut Tx,
    ban: &DecisionRow,
    owner: Option<UserId>,
    now_us: i64,
) -> Result<Option<Hearing>, HearingError> {
    let is_theirs = owner == Some(ban.user_id);
    if !is_theirs && !is_deleted(tx, ban.user_id).await? {
        return Ok(None);
    }
    let secret = Secret::new(SecretKind::Hearing)?;
    let expires_us = now_us + HEARING_US;
    let hash = Secret::hash(secret.reveal());
    rows::put_hearing(tx, ban.user_id, &hash, expires_us).await?;
    Ok(Some(Hearing {
        secret: secret.reveal().to_owned(),
        expires_ms: expires_us / 1_000,
        decision: ban.id,
        reason: ban.reason.clone(),
    }))
}

/// Whether nothing is left of an account but what was decided on it.
pub async fn is_deleted(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let person = people::person(tx, user).await?;
    Ok(person.is_none_or(|person| person.deleted_us.is_some()))
}

/// Who is heard with a secret; nobody once it is over, or the ban is.
pub async fn find(tx: &mut Tx, secret: &str, now_us: i64) -> Result<Option<UserId>, StoreError> {
    let found = rows::hearing(tx, &Secret::hash(secret), now_us).await?;
    let Some(user) = found else {
        return Ok(None);
    };
    let is_banned = rows::of(tx, user).await? == Standing::Banned;
    Ok(is_banned.then_some(user))
}
