//! The key that snapshots are signed with: ed25519, in a file of its own, never in the database, where whoever
//! can change a rank could sign it.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// `Debug` does not show it.
pub struct Key(SigningKey);

/// What everybody may know of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("could not read the campaign key {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("could not write a campaign key to {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} is no campaign key: it has to be 64 hexadecimal digits")]
    Unreadable { path: PathBuf },
    #[error("the operating system gave no randomness")]
    NoRandomness(#[source] getrandom::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    #[error("the signature is not 128 hexadecimal digits")]
    Unreadable,
    #[error("the signature was made with another key, or for another text")]
    Wrong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an ed25519 public key is 64 hexadecimal digits that name a point of its curve")]
pub struct BadPublicKey;

impl Key {
    /// The key in that file; a new one, which nobody else can read at any moment, if there is no file.
    pub fn open_or_make(path: &Path) -> Result<Self, KeyError> {
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(KeyError::NoRandomness)?;
        match write(&secret, path) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "made a campaign key; keep a copy of it");
                Ok(Self(SigningKey::from_bytes(&secret)))
            }
            // Somebody else was faster: theirs is the key.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let unreadable = || KeyError::Unreadable { path: path.into() };
                Self::read(path)?.ok_or_else(unreadable)
            }
            Err(source) => Err(KeyError::Write {
                path: path.into(),
                source,
            }),
        }
    }

    fn read(path: &Path) -> Result<Option<Self>, KeyError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let path = path.to_owned();
                return Err(KeyError::Read { path, source });
            }
        };
        let secret =
            bytes(text.trim()).ok_or_else(|| KeyError::Unreadable { path: path.into() })?;
        Ok(Some(Self(SigningKey::from_bytes(&secret))))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// In hexadecimal digits.
    pub fn sign(&self, text: &[u8]) -> String {
        digits(&self.0.sign(text).to_bytes())
    }
}

impl PublicKey {
    /// Whether the signature, in hexadecimal digits, was made with this key for this text.
    pub fn verify(&self, text: &[u8], signature: &str) -> Result<(), BadSignature> {
        let signature = bytes(signature).ok_or(BadSignature::Unreadable)?;
        let signature = Signature::from_bytes(&signature);
        let verified = self.0.verify_strict(text, &signature);
        verified.map_err(|_| BadSignature::Wrong)
    }
}

impl FromStr for PublicKey {
    type Err = BadPublicKey;

    fn from_str(text: &str) -> Result<Self, BadPublicKey> {
        let key = bytes(text).ok_or(BadPublicKey)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| BadPublicKey)?;
        Ok(Self(key))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&digits(self.0.as_bytes()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

fn write(secret: &[u8; 32], path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    // Mode 0600 from its first moment.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    writeln!(file, "{}", digits(secret))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    // The name has to survive a power cut as well: something is about to be signed.
    std::fs::File::open(dir)?.sync_all()
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let is_plain = digits.len() == 2 * N && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_plain {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("campaign.key");
        let made = Key::open_or_make(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let read = Key::open_or_make(&path).unwrap();
        assert_eq!(read.public(), made.public());
        assert_eq!(format!("{read:?}"), "Key(…)");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("campaign.key");
        for text in ["", "7", &"g".repeat(64), &"é".repeat(32)] {
            std::fs::write(&path, text).unwrap();
            let refused = Key::open_or_make(&path);
            assert!(matches!(refused, Err(KeyError::Unreadable { .. })));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_signature_is_for_one_text_by_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let [key, other] =
            ["a", "b"].map(|name| Key::open_or_make(&dir.path().join(name)).unwrap());
        let signature = key.sign(b"text");
        let public: PublicKey = key.public().to_string().parse().unwrap();
        assert_eq!(public.verify(b"text", &signature), Ok(()));
        assert_eq!(public.verify(b"texT", &signature), Err(BadSignature::Wrong));
        let by_other = other.public().verify(b"text", &signature);
        assert_eq!(by_other, Err(BadSignature::Wrong));
        assert_eq!(public.verify(b"text", "00"), Err(BadSignature::Unreadable));
    }
}
