//! What people chose to be.

use pictor_protocol::UserId;
use pictor_protocol::people::Role;
use sqlx::FromRow;

use super::{Result, Tx};

/// The columns of [`RolesRow`], for a statement that has `users` in it: whoever asks who holds a token wants
/// to know this too, and need not ask twice.
macro_rules! roles_of_users {
    () => {
        "(SELECT COUNT(*) FROM roles WHERE user_id = users.id AND role = 'creator') AS creator, \
         (SELECT COUNT(*) FROM roles WHERE user_id = users.id AND role = 'worker-owner') AS worker_owner, \
         (SELECT COUNT(*) FROM roles WHERE user_id = users.id AND role = 'community-member') \
             AS community_member"
    };
}
pub(super) use roles_of_users;

/// One's roles, each 0 or 1.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct RolesRow {
    creator: i64,
    worker_owner: i64,
    community_member: i64,
}

impl RolesRow {
    pub fn roles(self) -> Vec<Role> {
        let held = [
            (self.creator, Role::Creator),
            (self.worker_owner, Role::WorkerOwner),
            (self.community_member, Role::CommunityMember),
        ];
        let held = held.into_iter().filter(|(count, _)| *count > 0);
        held.map(|(_, role)| role).collect()
    }
}

pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Role>> {
    let row = fetch_one!(
        tx,
        RolesRow,
        concat!("SELECT ", roles_of_users!(), " FROM users WHERE id = $1"),
        user.to_string()
    )?;
    Ok(row.roles())
}

/// A person who has the role already keeps it, and since when.
pub async fn add(tx: &mut Tx, user: UserId, role: Role, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO roles (user_id, role, since_us) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id, role) DO NOTHING",
        user.to_string(),
        role.as_str(),
        now_us
    )?;
    Ok(())
}

pub async fn remove(tx: &mut Tx, user: UserId, role: Role) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM roles WHERE user_id = $1 AND role = $2",
        user.to_string(),
        role.as_str()
    )?;
    Ok(())
}
