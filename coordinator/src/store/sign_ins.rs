//! Sign-ins that were begun. Each is used up by the statement that reads it.

use pictor_protocol::UserId;
use sqlx::FromRow;

use super::column::Maybe;
use super::{Result, Tx};
use crate::accounts::aptos::{Address, Chain};

#[derive(Debug, Clone, FromRow)]
pub struct ChallengeRow {
    #[sqlx(try_from = "Option<String>")]
    pub user_id: Maybe<UserId>,
    #[sqlx(try_from = "Option<String>")]
    pub address: Maybe<Address>,
    pub domain: String,
    pub uri: String,
    pub statement: String,
    #[sqlx(try_from = "String")]
    pub chain: Chain,
    pub issued_us: i64,
    pub expires_us: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct OidcSignInRow {
    pub browser_hash: String,
    pub session_hash: Option<String>,
    pub expires_us: i64,
}

pub async fn insert_challenge(
    tx: &mut Tx,
    nonce_hash: &str,
    challenge: &ChallengeRow,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO wallet_challenges \
         (nonce_hash, user_id, address, domain, uri, statement, chain, issued_us, expires_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        nonce_hash,
        challenge.user_id.0.map(|id| id.to_string()),
        challenge.address.0.map(|address| address.to_string()),
        &challenge.domain,
        &challenge.uri,
        &challenge.statement,
        challenge.chain.as_str(),
        challenge.issued_us,
        challenge.expires_us
    )?;
    Ok(())
}

pub async fn use_challenge(tx: &mut Tx, nonce_hash: &str) -> Result<Option<ChallengeRow>> {
    fetch_optional!(
        tx,
        ChallengeRow,
        "DELETE FROM wallet_challenges WHERE nonce_hash = $1 \
         RETURNING user_id, address, domain, uri, statement, chain, issued_us, expires_us",
        nonce_hash
    )
}

pub async fn insert_oidc(tx: &mut Tx, state_hash: &str, begun: &OidcSignInRow) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO oidc_sign_ins (state_hash, browser_hash, session_hash, expires_us) \
         VALUES ($1, $2, $3, $4)",
        state_hash,
        &begun.browser_hash,
        begun.session_hash.as_deref(),
        begun.expires_us
    )?;
    Ok(())
}

pub async fn use_oidc(tx: &mut Tx, state_hash: &str) -> Result<Option<OidcSignInRow>> {
    fetch_optional!(
        tx,
        OidcSignInRow,
        "DELETE FROM oidc_sign_ins WHERE state_hash = $1 \
         RETURNING browser_hash, session_hash, expires_us",
        state_hash
    )
}

pub async fn delete_expired(tx: &mut Tx, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM wallet_challenges WHERE expires_us <= $1",
        now_us
    )?;
    execute!(
        tx,
        "DELETE FROM oidc_sign_ins WHERE expires_us <= $1",
        now_us
    )?;
    Ok(())
}
