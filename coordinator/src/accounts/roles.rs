//! What people chose to be.

use pictor_protocol::UserId;
use pictor_protocol::people::{Role, Scope};

use super::acceptance::AcceptFirst;
use super::rights::Right;
use crate::campaign::CurrentError;
use crate::store::roles;
use crate::store::{Store, StoreError, Tx};

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error(
        "a role that one can choose is creator, worker-owner or community-member; operators are appointed"
    )]
    NotARole,
    #[error(transparent)]
    AcceptFirst(#[from] AcceptFirst),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives a person these roles instead of those before. What they own stays theirs: somebody who is no worker
/// owner any more has workers that go on rendering, and manages them as one again. Nobody is asked for the rules
/// here: [`super::acceptance`] does.
pub async fn choose(
    store: &Store,
    user: UserId,
    chosen: &[Role],
    now_us: i64,
) -> Result<Vec<Role>, RoleError> {
    let mut tx = store.write().await?;
    let now = set(&mut tx, user, chosen, now_us).await?;
    tx.commit().await?;
    Ok(now)
}

pub(super) async fn set(
    tx: &mut Tx,
    user: UserId,
    chosen: &[Role],
    now_us: i64,
) -> Result<Vec<Role>, RoleError> {
    if chosen.contains(&Role::Unknown) {
        return Err(RoleError::NotARole);
    }
    for role in Role::ALL {
        if chosen.contains(&role) {
            roles::add(tx, user, role, now_us).await?;
        } else {
            roles::remove(tx, user, role).await?;
        }
    }
    Ok(roles::of_user(tx, user).await?)
}

/// Gives a person the roles without which tokens of these scopes would be worth nothing: whoever runs the
/// coordinator's own commands has decided that the person is that.
pub async fn give_for_scopes(
    store: &Store,
    user: UserId,
    scopes: &[Scope],
    now_us: i64,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    for role in scopes
        .iter()
        .filter_map(|scope| Right::of_scope(*scope).role())
    {
        roles::add(&mut tx, user, role, now_us).await?;
    }
    tx.commit().await
}
