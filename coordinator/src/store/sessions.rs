//! Browsers that are signed in. Secrets come here as hashes.

use pictor_protocol::{IdentityId, SessionId, UserId};
use sqlx::FromRow;

use super::column::Maybe;
use super::people::User;
use super::roles::{RolesRow, roles_of_users};
use super::{Result, Tx};

#[derive(Debug, Clone, FromRow)]
pub struct SessionRow {
    #[sqlx(try_from = "String")]
    pub id: SessionId,
    pub hash: String,
    pub created_us: i64,
    pub last_used_us: i64,
    pub expires_us: i64,
    pub user_agent: Option<String>,
    #[sqlx(try_from = "Option<String>")]
    pub identity_id: Maybe<IdentityId>,
}

/// A session and whose it is.
#[derive(Debug, Clone, FromRow)]
pub struct SessionOf {
    #[sqlx(flatten)]
    pub session: SessionRow,
    #[sqlx(try_from = "String")]
    pub user_id: UserId,
    pub name: String,
    pub operator: i64,
    #[sqlx(flatten)]
    pub roles: RolesRow,
}

impl SessionOf {
    pub fn user(&self) -> User {
        User {
            id: self.user_id,
            name: self.name.clone(),
            operator: self.operator,
        }
    }
}

/// A session that is about to be stored.
pub struct NewSessionRow<'a> {
    pub hash: &'a str,
    pub id: SessionId,
    pub user: UserId,
    pub identity: Option<IdentityId>,
    pub user_agent: Option<&'a str>,
    pub created_us: i64,
    pub expires_us: i64,
}

pub async fn insert(tx: &mut Tx, session: &NewSessionRow<'_>) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO sessions \
         (hash, id, user_id, identity_id, user_agent, created_us, last_used_us, expires_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        session.hash,
        session.id.to_string(),
        session.user.to_string(),
        session.identity.map(|id| id.to_string()),
        session.user_agent,
        session.created_us,
        session.expires_us
    )?;
    Ok(())
}

/// The session of that secret, if it has not expired.
pub async fn find(tx: &mut Tx, hash: &str, now_us: i64) -> Result<Option<SessionOf>> {
    fetch_optional!(
        tx,
        SessionOf,
        concat!(
            "SELECT sessions.id, hash, sessions.created_us, last_used_us, expires_us, user_agent, \
                 identity_id, user_id, name, operator, ",
            roles_of_users!(),
            " FROM sessions JOIN users ON users.id = user_id WHERE hash = $1 AND expires_us > $2"
        ),
        hash,
        now_us
    )
}

/// The sessions of a person, the latest first.
pub async fn of_user(tx: &mut Tx, user: UserId, now_us: i64) -> Result<Vec<SessionRow>> {
    fetch_all!(
        tx,
        SessionRow,
        "SELECT id, hash, created_us, last_used_us, expires_us, user_agent, identity_id \
         FROM sessions WHERE user_id = $1 AND expires_us > $2 ORDER BY created_us DESC, id",
        user.to_string(),
        now_us
    )
}

pub async fn used(tx: &mut Tx, hash: &str, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE sessions SET last_used_us = $2 WHERE hash = $1",
        hash,
        now_us
    )?;
    Ok(())
}

/// Ends one session of a person; false if there is none of that id.
pub async fn delete(tx: &mut Tx, user: UserId, id: SessionId) -> Result<bool> {
    let ended = execute!(
        tx,
        "DELETE FROM sessions WHERE user_id = $1 AND id = $2",
        user.to_string(),
        id.to_string()
    )?;
    Ok(ended > 0)
}

/// Ends the session of that secret.
pub async fn delete_by_hash(tx: &mut Tx, hash: &str) -> Result<()> {
    execute!(tx, "DELETE FROM sessions WHERE hash = $1", hash)?;
    Ok(())
}

pub async fn delete_all(tx: &mut Tx, user: UserId) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM sessions WHERE user_id = $1",
        user.to_string()
    )?;
    Ok(())
}

pub async fn delete_expired(tx: &mut Tx, now_us: i64) -> Result<()> {
    execute!(tx, "DELETE FROM sessions WHERE expires_us <= $1", now_us)?;
    Ok(())
}
