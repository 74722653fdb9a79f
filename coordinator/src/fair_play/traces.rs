//! Identities as keyed hashes: by them a ban outlives an account, and an identity that was moved from one account to
//! another links the two.
//!
//! The key is made at random and lies beside the hashes. It keeps the hashes of two coordinators from being compared,
//! and those in an export or a log from being tried against lists of addresses; whoever has the whole database can
//! still try an identity that they know of.

use pictor_protocol::UserId;

use crate::accounts::{NoRandomness, random_digits};
use crate::store::standing::{self, DecisionRow};
use crate::store::{StoreError, Tx, identities};

/// What somebody signs in with, as far as it lasts.
#[derive(Debug, Clone, Copy)]
pub enum Lasting<'a> {
    /// The address of an Aptos wallet.
    Wallet(&'a str),
    /// At an OpenID provider.
    Subject { iss: &'a str, sub: &'a str },
}

#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The keyed hash of an identity. Needs a transaction that writes: the first one makes the key.
pub async fn hash(tx: &mut Tx, identity: Lasting<'_>) -> Result<String, TraceError> {
    let key = standing::trace_key(tx, &random_digits()?).await?;
    Ok(keyed(&key, identity))
}

fn keyed(key: &str, identity: Lasting<'_>) -> String {
    // The key is text: hashed, it has the length of a key of BLAKE3.
    let key = blake3::hash(key.as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(key.as_bytes());
    let parts = match identity {
        Lasting::Wallet(address) => ["wallet", address, ""],
        Lasting::Subject { iss, sub } => ["oidc", iss, sub],
    };
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The ban that an identity is under, if there is one.
pub async fn ban(tx: &mut Tx, hash: &str) -> Result<Option<DecisionRow>, StoreError> {
    standing::ban_of_trace(tx, hash).await
}

/// Notes that somebody signs in with an identity.
pub async fn note(tx: &mut Tx, hash: &str, user: UserId) -> Result<(), StoreError> {
    standing::add_trace(tx, hash, user).await
}

/// The same of everything that somebody signs in with: accounts from before traces were kept have some once they
/// signed in again.
pub async fn note_all(tx: &mut Tx, user: UserId) -> Result<(), TraceError> {
    for identity in identities::of_user(tx, user).await? {
        let lasting = match (&identity.iss, &identity.sub) {
            (Some(iss), Some(sub)) => Lasting::Subject { iss, sub },
            (Some(_), None) | (None, _) => Lasting::Wallet(&identity.address),
        };
        let hash = hash(tx, lasting).await?;
        note(tx, &hash, user).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_identity_and_one_key() {
        let wallet = Lasting::Wallet("0x1");
        let subject = |iss, sub| Lasting::Subject { iss, sub };
        let hashes = [
            keyed("a", wallet),
            keyed("b", wallet),
            keyed("a", subject("0x1", "")),
            keyed("a", subject("https://a", "bc")),
            keyed("a", subject("https://ab", "c")),
        ];
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..at].contains(hash), "{at}");
        }
        assert_eq!(keyed("a", wallet), hashes[0]);
    }
}
