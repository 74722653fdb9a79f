//! People, their sign-in links and access tokens. Secrets come here as hashes.

use pictor_protocol::people::Scope;
use pictor_protocol::{TokenId, UserId};
use sqlx::FromRow;

use super::column::{Json, json};
use super::roles::{RolesRow, roles_of_users};
use super::{Result, Tx, escape_like};

#[derive(Debug, Clone, FromRow)]
pub struct User {
    #[sqlx(try_from = "String")]
    pub id: UserId,
    pub name: String,
    pub operator: i64,
}

#[derive(Debug, FromRow)]
pub struct TokenRow {
    #[sqlx(flatten)]
    pub user: User,
    #[sqlx(flatten)]
    pub roles: RolesRow,
    #[sqlx(try_from = "String")]
    pub scopes: Json<Vec<Scope>>,
}

pub async fn insert_user(
    tx: &mut Tx,
    id: UserId,
    name: &str,
    operator: bool,
    now_us: i64,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO users (id, name, operator, created_us) VALUES ($1, $2, $3, $4)",
        id.to_string(),
        name,
        i64::from(operator),
        now_us
    )?;
    Ok(())
}

pub async fn exists(tx: &mut Tx, id: UserId) -> Result<bool> {
    let (found,) = fetch_one!(
        tx,
        (i64,),
        "SELECT COUNT(*) FROM users WHERE id = $1",
        id.to_string()
    )?;
    Ok(found > 0)
}

pub async fn user_by_name(tx: &mut Tx, name: &str) -> Result<Option<User>> {
    fetch_optional!(
        tx,
        User,
        "SELECT id, name, operator FROM users WHERE name = $1",
        name
    )
}

pub async fn user(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    fetch_optional!(
        tx,
        User,
        "SELECT id, name, operator FROM users WHERE id = $1",
        id.to_string()
    )
}

pub async fn any_operator(tx: &mut Tx) -> Result<Option<User>> {
    fetch_optional!(
        tx,
        User,
        "SELECT id, name, operator FROM users WHERE operator = 1 ORDER BY created_us LIMIT 1"
    )
}

pub async fn insert_link(tx: &mut Tx, hash: &str, user: UserId, expires_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO sign_in_links (hash, user_id, expires_us) VALUES ($1, $2, $3)",
        hash,
        user.to_string(),
        expires_us
    )?;
    Ok(())
}

/// Uses a link up and answers whose it was; `None` if it is unknown, used or expired.
pub async fn use_link(tx: &mut Tx, hash: &str, now_us: i64) -> Result<Option<User>> {
    fetch_optional!(
        tx,
        User,
        "UPDATE sign_in_links SET used_us = $2 \
         WHERE hash = $1 AND used_us IS NULL AND expires_us > $2 \
         RETURNING user_id AS id, \
                   (SELECT name FROM users WHERE users.id = user_id) AS name, \
                   (SELECT operator FROM users WHERE users.id = user_id) AS operator",
        hash,
        now_us
    )
}

/// A token that is about to be stored.
pub struct NewTokenRow<'a> {
    pub hash: &'a str,
    pub id: TokenId,
    pub user: UserId,
    pub name: &'a str,
    pub scopes: &'a [Scope],
    pub created_us: i64,
    pub expires_us: Option<i64>,
}

pub async fn insert_token(tx: &mut Tx, token: &NewTokenRow<'_>) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO access_tokens (hash, id, user_id, name, scopes, created_us, expires_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        token.hash,
        token.id.to_string(),
        token.user.to_string(),
        token.name,
        json(&token.scopes),
        token.created_us,
        token.expires_us
    )?;
    Ok(())
}

/// Whose token this is and what it may do, if it is neither expired nor revoked.
pub async fn token(tx: &mut Tx, hash: &str, now_us: i64) -> Result<Option<TokenRow>> {
    fetch_optional!(
        tx,
        TokenRow,
        concat!(
            "SELECT users.id, users.name, users.operator, scopes, ",
            roles_of_users!(),
            " FROM access_tokens JOIN users ON users.id = user_id \
             WHERE hash = $1 AND revoked_us IS NULL AND (expires_us IS NULL OR expires_us > $2)"
        ),
        hash,
        now_us
    )
}

/// A token as its owner sees it.
#[derive(Debug, FromRow)]
pub struct ListedToken {
    #[sqlx(try_from = "String")]
    pub id: TokenId,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub scopes: Json<Vec<Scope>>,
    pub created_us: i64,
    pub expires_us: Option<i64>,
}

/// The tokens of a person that work, the latest first.
pub async fn tokens_of(tx: &mut Tx, user: UserId, now_us: i64) -> Result<Vec<ListedToken>> {
    fetch_all!(
        tx,
        ListedToken,
        "SELECT id, name, scopes, created_us, expires_us FROM access_tokens \
         WHERE user_id = $1 AND revoked_us IS NULL AND (expires_us IS NULL OR expires_us > $2) \
         ORDER BY created_us DESC, id",
        user.to_string(),
        now_us
    )
}

/// Revokes one token of a person; false if there is none of that id, or it was revoked before.
pub async fn revoke_token_of(tx: &mut Tx, user: UserId, id: TokenId, now_us: i64) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE access_tokens SET revoked_us = $3 \
         WHERE user_id = $1 AND id = $2 AND revoked_us IS NULL",
        user.to_string(),
        id.to_string(),
        now_us
    )?;
    Ok(changed > 0)
}

/// Revokes every token of a person, and their sign-in links.
pub async fn revoke_all(tx: &mut Tx, user: UserId, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "UPDATE access_tokens SET revoked_us = $2 WHERE user_id = $1 AND revoked_us IS NULL",
        user.to_string(),
        now_us
    )?;
    execute!(
        tx,
        "DELETE FROM sign_in_links WHERE user_id = $1",
        user.to_string()
    )?;
    Ok(())
}

/// A person as operators look for them.
#[derive(Debug, Clone, FromRow)]
pub struct PersonRow {
    #[sqlx(try_from = "String")]
    pub id: UserId,
    pub name: String,
    pub operator: i64,
    pub created_us: i64,
    pub deleted_us: Option<i64>,
}

pub async fn person(tx: &mut Tx, id: UserId) -> Result<Option<PersonRow>> {
    fetch_optional!(
        tx,
        PersonRow,
        "SELECT id, name, operator, created_us, deleted_us FROM users WHERE id = $1",
        id.to_string()
    )
}

/// People with a text in their name, the address or the label of an identity, or with it as their id; the
/// latest first, older than `before`.
pub async fn search(
    tx: &mut Tx,
    text: &str,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<PersonRow>> {
    // Ids sort by time; "g" sorts after every hexadecimal digit.
    let before = before.map_or_else(|| "g".into(), |id| id.to_string());
    fetch_all!(
        tx,
        PersonRow,
        "SELECT id, name, operator, created_us, deleted_us FROM users \
         WHERE id < $2 AND (id = $1 OR LOWER(name) LIKE $3 ESCAPE '!' OR EXISTS ( \
             SELECT 1 FROM identities WHERE user_id = users.id \
             AND (address = $1 OR LOWER(label) LIKE $3 ESCAPE '!'))) \
         ORDER BY id DESC LIMIT $4",
        text,
        before,
        format!("%{}%", escape_like(&text.to_lowercase())),
        limit
    )
}

/// How many operators there are.
pub async fn operators(tx: &mut Tx) -> Result<i64> {
    #[derive(FromRow)]
    struct Count {
        count: i64,
    }
    let row = fetch_one!(
        tx,
        Count,
        "SELECT COUNT(*) AS count FROM users WHERE operator = 1 AND deleted_us IS NULL"
    )?;
    Ok(row.count)
}

/// Leaves of an account its id: the names, the ways to sign in, what was signed in to and what was done in the
/// community are gone.
pub async fn forget(tx: &mut Tx, user: UserId, now_us: i64) -> Result<()> {
    let id = user.to_string();
    execute!(
        tx,
        "UPDATE users SET name = $2, operator = 0, deleted_us = $3, \
             public_name = NULL, public_name_key = NULL WHERE id = $1",
        &id,
        format!("deleted-{user}"),
        now_us
    )?;
    execute!(tx, "DELETE FROM sessions WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM access_tokens WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM sign_in_links WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM wallet_challenges WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM identities WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM roles WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM check_ins WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM quest_claims WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM quest_events WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM referral_codes WHERE user_id = $1", &id)?;
    execute!(
        tx,
        "DELETE FROM referrals WHERE user_id = $1 OR referrer_id = $1",
        &id
    )?;
    execute!(tx, "DELETE FROM referral_weeks WHERE user_id = $1", &id)?;
    execute!(tx, "DELETE FROM rules_acceptances WHERE user_id = $1", &id)?;
    Ok(())
}

/// Revokes a token; false if it is unknown or was revoked before.
pub async fn revoke_token(tx: &mut Tx, hash: &str, now_us: i64) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE access_tokens SET revoked_us = $2 WHERE hash = $1 AND revoked_us IS NULL",
        hash,
        now_us
    )?;
    Ok(changed > 0)
}
