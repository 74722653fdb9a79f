//! Browsers that are signed in.

use pictor_protocol::people::Session;
use pictor_protocol::{IdentityId, SessionId, UserId};
use uuid::Uuid;

use super::{DAY_US, MINUTE_US, NoRandomness, Secret, SecretKind};
use crate::fair_play::standing::Standing;
use crate::store::sessions::{self, NewSessionRow, SessionOf, SessionRow};
use crate::store::{Store, StoreError, Tx, standing};

/// How long a browser stays signed in.
pub const SESSION_US: i64 = 30 * DAY_US;
/// How long after signing in a person may do what a forgotten, open browser must not allow.
const FRESH_US: i64 = 10 * MINUTE_US;
/// A session's last use is written down this often at most.
const USED_EVERY_US: i64 = 5 * MINUTE_US;
/// Longer names of browsers are cut.
const USER_AGENT_CHARS: usize = 200;

/// Who signs in, and with what.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    pub user: UserId,
    pub identity: Option<IdentityId>,
    pub user_agent: Option<&'a str>,
}

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("this account is banned here: {reason}")]
    Banned { reason: String },
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs a browser in, unless its person is banned: every way to sign in ends here.
pub async fn begin(tx: &mut Tx, new: NewSession<'_>, now_us: i64) -> Result<Secret, SessionError> {
    if let Some(decision) = standing::in_force(tx, new.user).await?
        && decision.standing == Standing::Banned
    {
        return Err(SessionError::Banned {
            reason: decision.reason,
        });
    }
    let secret = Secret::new(SecretKind::Session)?;
    let user_agent: Option<String> = new
        .user_agent
        .map(|text| text.chars().take(USER_AGENT_CHARS).collect());
    sessions::delete_expired(tx, now_us).await?;
    let row = NewSessionRow {
        hash: &Secret::hash(secret.reveal()),
        id: SessionId::new(Uuid::now_v7()),
        user: new.user,
        identity: new.identity,
        user_agent: user_agent.as_deref(),
        created_us: now_us,
        expires_us: now_us + SESSION_US,
    };
    sessions::insert(tx, &row).await?;
    Ok(secret)
}

/// The session of that secret, if it has not expired; this is a use of it.
pub async fn find(
    store: &Store,
    secret: &str,
    now_us: i64,
) -> Result<Option<SessionOf>, StoreError> {
    let hash = Secret::hash(secret);
    let found = sessions::find(&mut store.read().await?, &hash, now_us).await?;
    let stale = |of: &SessionOf| now_us - of.session.last_used_us > USED_EVERY_US;
    if found.as_ref().is_some_and(stale) {
        let mut tx = store.write().await?;
        sessions::used(&mut tx, &hash, now_us).await?;
        tx.commit().await?;
    }
    Ok(found)
}

/// Whether the person signed in just now.
pub fn is_fresh(session: &SessionRow, now_us: i64) -> bool {
    now_us - session.created_us <= FRESH_US
}

/// A session as its owner sees it, who asks with the session `asking` if with any.
pub fn view(row: SessionRow, asking: Option<&SessionRow>) -> Session {
    Session {
        id: row.id,
        created_ms: row.created_us / 1_000,
        last_used_ms: row.last_used_us / 1_000,
        expires_ms: row.expires_us / 1_000,
        user_agent: row.user_agent,
        identity: row.identity_id.0,
        current: asking.is_some_and(|asking| row.id == asking.id),
    }
}
