//! Public keys as wallets hand them over: in BCS, as their SDK writes them.
//!
//! The bytes alone tell the four kinds apart, so nobody has to be believed about it: an Ed25519 key is 33
//! bytes that begin with `20`; several of them begin with their common length, which is one more than a
//! multiple of 32; a single key begins with its variant (at most 4) and a length of 20 or 41; several keys
//! begin with their number and a variant. Each reader takes the whole of the bytes or nothing.

use ed25519_dalek::VerifyingKey as Ed25519Key;
use k256::ecdsa::VerifyingKey as Secp256k1Key;
use serde::Deserialize;
use sha3::{Digest, Sha3_256};

use super::Address;

/// An account has at most that many keys.
pub(super) const KEYS_MAX: usize = 32;

/// The keys of an account, and how many of them have to sign.
#[derive(Debug, Clone)]
pub struct PublicKey {
    pub(super) kind: Kind,
    pub(super) keys: Vec<AnyKey>,
    pub(super) required: usize,
    authentication_key: [u8; 32],
}

/// How key and signatures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ed25519,
    MultiEd25519,
    Single,
    Multi,
}

#[derive(Debug, Clone)]
pub(super) enum AnyKey {
    Ed25519(Ed25519Key),
    Secp256k1(Secp256k1Key),
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    #[error("these bytes are no public key of an Aptos account")]
    Unreadable,
    #[error("a point of the key is not on its curve")]
    NotOnCurve,
    #[error("of {keys} keys {required} cannot be required")]
    Threshold { keys: usize, required: usize },
    /// A wallet that was opened with Google or Apple.
    #[error(
        "this wallet was opened with Google or the like and has no key of its own, so its signature cannot be \
         verified here; sign in here with Google itself (another Aptos account then belongs to it), or use a \
         wallet with a key of its own"
    )]
    Keyless,
    #[error(
        "this wallet signs with a passkey, which cannot be verified here; use a wallet with a key of its own"
    )]
    Passkey,
}

/// `AnyPublicKey` of the Aptos framework.
#[derive(Deserialize)]
enum WrittenKey {
    Ed25519(Vec<u8>),
    Secp256k1(Vec<u8>),
    Secp256r1(#[expect(dead_code, reason = "read past")] Vec<u8>),
    Keyless(#[expect(dead_code, reason = "read past")] Keyless),
    FederatedKeyless(#[expect(dead_code, reason = "read past")] ([u8; 32], Keyless)),
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read past")]
struct Keyless {
    iss: String,
    commitment: Vec<u8>,
}

#[derive(Deserialize)]
struct WrittenKeys {
    keys: Vec<WrittenKey>,
    required: u8,
}

impl PublicKey {
    /// Reads a key from its BCS.
    pub fn parse(bcs: &[u8]) -> Result<Self, KeyError> {
        if let Ok(inner) = bcs::from_bytes::<Vec<u8>>(bcs) {
            return match inner.len() {
                32 => Self::ed25519(&inner),
                _ => Self::multi_ed25519(&inner),
            };
        }
        if let Ok(key) = bcs::from_bytes::<WrittenKey>(bcs) {
            let keys = vec![AnyKey::read(key)?];
            return Self::new(Kind::Single, keys, 1, bcs, 2);
        }
        let written: WrittenKeys = bcs::from_bytes(bcs).map_err(|_| KeyError::Unreadable)?;
        let keys = written.keys.into_iter().map(AnyKey::read);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Self::new(Kind::Multi, keys, written.required.into(), bcs, 3)
    }

    fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let keys = vec![AnyKey::ed25519(bytes)?];
        Self::new(Kind::Ed25519, keys, 1, bytes, 0)
    }

    /// The keys one after the other, then a byte that says how many have to sign.
    fn multi_ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let (required, keys) = bytes.split_last().ok_or(KeyError::Unreadable)?;
        if keys.len() % 32 != 0 {
            return Err(KeyError::Unreadable);
        }
        let keys = keys.chunks_exact(32).map(AnyKey::ed25519);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        Self::new(Kind::MultiEd25519, keys, usize::from(*required), bytes, 1)
    }

    fn new(
        kind: Kind,
        keys: Vec<AnyKey>,
        required: usize,
        hashed: &[u8],
        scheme: u8,
    ) -> Result<Self, KeyError> {
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(KeyError::Unreadable);
        }
        if required == 0 || required > keys.len() {
            return Err(KeyError::Threshold {
                keys: keys.len(),
                required,
            });
        }
        Ok(Self {
            kind,
            keys,
            required,
            authentication_key: authentication_key(hashed, scheme),
        })
    }

    /// What the chain keeps of an account's key; the address too, until the owner changes the key.
    pub fn authentication_key(&self) -> Address {
        Address::new(self.authentication_key)
    }
}

/// `sha3_256(key ‖ scheme)`, of the framework's `authenticator.rs`.
pub(super) fn authentication_key(key: &[u8], scheme: u8) -> [u8; 32] {
    Sha3_256::new()
        .chain_update(key)
        .chain_update([scheme])
        .finalize()
        .into()
}

impl AnyKey {
    fn read(written: WrittenKey) -> Result<Self, KeyError> {
        match written {
            WrittenKey::Ed25519(bytes) => Self::ed25519(&bytes),
            WrittenKey::Secp256k1(bytes) => Self::secp256k1(&bytes),
            WrittenKey::Secp256r1(_) => Err(KeyError::Passkey),
            WrittenKey::Keyless(_) | WrittenKey::FederatedKeyless(_) => Err(KeyError::Keyless),
        }
    }

    fn ed25519(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.try_into().map_err(|_| KeyError::Unreadable)?;
        let key = Ed25519Key::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self::Ed25519(key))
    }

    fn secp256k1(bytes: &[u8]) -> Result<Self, KeyError> {
        // The chain hashes and knows the long form only; a short one would have another address.
        if bytes.len() != 65 || bytes.first() != Some(&4) {
            return Err(KeyError::Unreadable);
        }
        let key = Secp256k1Key::from_sec1_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self::Secp256k1(key))
    }
}
