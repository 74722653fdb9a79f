//! The key of the account that pays: out of a file that nobody else can read, never in the database.

use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer, SigningKey};

use crate::accounts::aptos::{Address, KeyError, PublicKey};

/// How wallets and the Aptos tools write an Ed25519 key (AIP-80); the digits alone are read too.
const PREFIX: &str = "ed25519-priv-";
/// Anybody but the owner.
const OTHERS: u32 = 0o077;

/// An Ed25519 key and the account that it signs for. `Debug` does not show the key.
#[derive(Clone)]
pub struct PayoutKey {
    signing: SigningKey,
    address: Address,
}

#[derive(Debug, thiserror::Error)]
pub enum PayoutKeyError {
    #[error("could not read the payout key {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "the payout key {path} can be read by others (mode {mode:o}): chmod 600 it, and if others could \
         have read it, move the money to another account"
    )]
    Open { path: PathBuf, mode: u32 },
    #[error(
        "{path} is no payout key: it has to be the Ed25519 key of an Aptos account, ed25519-priv-0x and 64 \
         hexadecimal digits"
    )]
    Unreadable { path: PathBuf },
    #[error("the payout key has no account")]
    Key(#[from] KeyError),
}

impl PayoutKey {
    pub fn new(secret: [u8; 32]) -> Result<Self, KeyError> {
        let signing = SigningKey::from_bytes(&secret);
        let public = signing.verifying_key().to_bytes();
        let key = PublicKey::parse(&[&[32], public.as_slice()].concat())?;
        Ok(Self {
            signing,
            address: key.authentication_key(),
        })
    }

    /// Reads the key from its file, which has to be its owner's alone.
    pub fn read(path: &Path) -> Result<Self, PayoutKeyError> {
        let read = |source| PayoutKeyError::Read {
            path: path.to_owned(),
            source,
        };
        // Asked of the open file: the name may stand for another one a moment later.
        let mut file = std::fs::File::open(path).map_err(read)?;
        let mode = file.metadata().map_err(read)?.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            let path = path.to_owned();
            return Err(PayoutKeyError::Open { path, mode });
        }
        let text = io::read_to_string(&mut file).map_err(read)?;
        let secret = parse(text.trim()).ok_or_else(|| PayoutKeyError::Unreadable {
            path: path.to_owned(),
        })?;
        Ok(Self::new(secret)?)
    }

    /// The account that pays.
    pub fn address(&self) -> Address {
        self.address
    }

    pub fn public_key(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(PREFIX).unwrap_or(text);
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let is_plain = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_plain {
        return None;
    }
    let mut secret = [0; 32];
    for (at, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(secret)
}

impl fmt::Debug for PayoutKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayoutKey(of {})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the SDK's vectors.
    const ADDRESS: &str = "0x147e4d3a5b10eaed2a93536e284c23096dfcea9ac61f0a8420e5d01fbd8f0ea8";

    #[test]
    fn a_key_is_read_as_wallets_write_it_and_has_its_account() {
        let digits = "11".repeat(32);
        for text in [
            format!("ed25519-priv-0x{digits}\n"),
            format!("0x{digits}"),
            digits,
        ] {
            let key = read(&text, 0o600).unwrap();
            assert_eq!(key.address().to_string(), ADDRESS);
            assert!(!format!("{key:?}").contains("1111"));
        }
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
            let refused = read(&"11".repeat(32), mode);
            assert!(
                matches!(refused, Err(PayoutKeyError::Open { .. })),
                "{mode:o}"
            );
        }
        assert!(read(&"11".repeat(32), 0o400).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for text in [
            "",
            "0x11",
            &"g".repeat(64),
            &"é".repeat(32),
            "secp256k1-priv-0x",
        ] {
            let refused = read(text, 0o600).unwrap_err();
            assert!(matches!(refused, PayoutKeyError::Unreadable { .. }));
        }
        let almost = read(&"a1".repeat(33), 0o600).unwrap_err().to_string();
        assert!(!almost.contains("a1a1"), "{almost}");
    }

    fn read(text: &str, mode: u32) -> Result<PayoutKey, PayoutKeyError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("payout.key");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        PayoutKey::read(&path)
    }
}
