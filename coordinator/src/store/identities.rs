//! The ways in which people sign in.

use pictor_protocol::{IdentityId, UserId};
use sqlx::FromRow;

use super::column::words;
use super::people::User;
use super::{Result, Tx};

words! {
    /// What an identity is proven by.
    pub enum Kind {
        Wallet = "wallet",
        Oidc = "oidc",
    }
}

#[derive(Debug, Clone, FromRow)]
pub struct IdentityRow {
    #[sqlx(try_from = "String")]
    pub id: IdentityId,
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    pub address: String,
    pub iss: Option<String>,
    pub aud: Option<String>,
    pub sub: Option<String>,
    pub label: Option<String>,
    pub created_us: i64,
    pub last_used_us: i64,
}

/// An identity that is about to be stored. `subject` is issuer, audience and subject.
pub struct NewIdentityRow<'a> {
    pub id: IdentityId,
    pub user: UserId,
    pub address: &'a str,
    pub subject: Option<(&'a str, &'a str, &'a str)>,
    pub label: Option<&'a str>,
    pub now_us: i64,
}

pub async fn insert(tx: &mut Tx, new: &NewIdentityRow<'_>) -> Result<()> {
    let kind = new.subject.map_or(Kind::Wallet, |_| Kind::Oidc);
    execute!(
        tx,
        "INSERT INTO identities \
         (id, user_id, kind, address, iss, aud, sub, label, created_us, last_used_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        new.id.to_string(),
        new.user.to_string(),
        kind.as_str(),
        new.address,
        new.subject.map(|(iss, _, _)| iss),
        new.subject.map(|(_, aud, _)| aud),
        new.subject.map(|(_, _, sub)| sub),
        new.label,
        new.now_us
    )?;
    Ok(())
}

pub async fn by_wallet(tx: &mut Tx, address: &str) -> Result<Option<IdentityRow>> {
    fetch_optional!(
        tx,
        IdentityRow,
        "SELECT id, user_id, kind, address, iss, aud, sub, label, created_us, last_used_us \
         FROM identities WHERE address = $1 AND kind = 'wallet'",
        address
    )
}

pub async fn by_subject(tx: &mut Tx, iss: &str, sub: &str) -> Result<Option<IdentityRow>> {
    fetch_optional!(
        tx,
        IdentityRow,
        "SELECT id, user_id, kind, address, iss, aud, sub, label, created_us, last_used_us \
         FROM identities WHERE iss = $1 AND sub = $2",
        iss,
        sub
    )
}

/// The identities of a person, the oldest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<IdentityRow>> {
    fetch_all!(
        tx,
        IdentityRow,
        "SELECT id, user_id, kind, address, iss, aud, sub, label, created_us, last_used_us \
         FROM identities WHERE user_id = $1 ORDER BY created_us, id",
        user.to_string()
    )
}

/// Some identities of OpenID providers.
pub async fn some_subjects(tx: &mut Tx, limit: i64) -> Result<Vec<IdentityRow>> {
    fetch_all!(
        tx,
        IdentityRow,
        "SELECT id, user_id, kind, address, iss, aud, sub, label, created_us, last_used_us \
         FROM identities WHERE kind = 'oidc' ORDER BY id DESC LIMIT $1",
        limit
    )
}

/// Notes a sign-in, and what the provider calls the person now.
pub async fn used(tx: &mut Tx, id: IdentityId, label: Option<&str>, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE identities SET last_used_us = $2, label = coalesce($3, label) WHERE id = $1",
        id.to_string(),
        now_us,
        label
    )?;
    Ok(())
}

/// Takes an identity from its account unless it is the last one; false if nothing was taken.
pub async fn delete(tx: &mut Tx, user: UserId, id: IdentityId) -> Result<bool> {
    let taken = execute!(
        tx,
        "DELETE FROM identities WHERE user_id = $1 AND id = $2 \
         AND EXISTS (SELECT 1 FROM identities other WHERE other.user_id = $1 AND other.id <> $2)",
        user.to_string(),
        id.to_string()
    )?;
    Ok(taken > 0)
}

/// The owner of an identity.
pub async fn owner(tx: &mut Tx, id: IdentityId) -> Result<User> {
    fetch_one!(
        tx,
        User,
        "SELECT users.id, users.name, users.operator FROM users \
         JOIN identities ON user_id = users.id WHERE identities.id = $1",
        id.to_string()
    )
}
