//! The service's pepper secret: with it and an identity goes a keyless address. It lies in a file of its own,
//! because it has to be backed up apart and must never change: see [`super::aptos::keyless`].

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::aptos::Address;
use super::aptos::keyless::{self, KeylessError, Pepper, Subject};
use crate::store::identities::IdentityRow;

/// How many addresses are made again at every start: the secret is one, so a few tell.
pub const CHECKED: i64 = 64;

/// `Debug` does not show it.
#[derive(Clone)]
pub struct PepperSecret([u8; 32]);

#[derive(Debug, thiserror::Error)]
pub enum PepperError {
    #[error("could not read the pepper secret {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("could not write a pepper secret to {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} is no pepper secret: it has to be 64 hexadecimal digits")]
    Unreadable { path: PathBuf },
    #[error(
        "the pepper secret {path} is gone, and people have addresses that were made with it; \
         restore it from your backup, since every other secret would give them other addresses"
    )]
    Lost { path: PathBuf },
    #[error(
        "with this pepper secret and this OpenID client id, {iss} subject {sub:?} would have the Aptos address \
         {made} and no longer {kept}; restore the secret, or the client id, that addresses were made with"
    )]
    OtherAddress {
        iss: String,
        sub: String,
        made: Address,
        kept: String,
    },
    #[error("an identity has no address")]
    Keyless(#[from] KeylessError),
}

impl PepperSecret {
    /// The secret in that file, if there is one.
    pub fn read(path: &Path) -> Result<Option<Self>, PepperError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let path = path.to_owned();
                return Err(PepperError::Read { path, source });
            }
        };
        let unreadable = || PepperError::Unreadable { path: path.into() };
        let digits = text.trim();
        let plain = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !plain {
            return Err(unreadable());
        }
        let mut secret = [0; 32];
        for (at, byte) in secret.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| unreadable())?;
        }
        Ok(Some(Self(secret)))
    }

    /// Writes a secret that nobody else can read, at no moment, and that replaces no other.
    pub fn write(secret: [u8; 32], path: &Path) -> Result<Self, PepperError> {
        let write = || {
            let dir = path.parent().unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            for byte in secret {
                write!(file, "{byte:02x}")?;
            }
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist_noclobber(path)?;
            // The name has to survive a power cut as well: addresses are about to depend on it.
            std::fs::File::open(dir)?.sync_all()
        };
        write().map_err(|source| PepperError::Write {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(secret))
    }

    pub fn pepper(&self, subject: Subject<'_>) -> Result<Pepper, KeylessError> {
        Pepper::of(&self.0, subject)
    }

    /// The keyless address of an identity.
    pub fn address(&self, subject: Subject<'_>) -> Result<Address, KeylessError> {
        keyless::address(subject, self.pepper(subject)?)
    }

    /// Whether this secret still gives the addresses that people have. `client` is the issuer and the client
    /// id that people sign in with from now on.
    pub fn check(
        &self,
        identities: &[IdentityRow],
        client: Option<(&str, &str)>,
    ) -> Result<(), PepperError> {
        for identity in identities {
            let Some(kept) = subject(identity) else {
                continue;
            };
            let aud = client.filter(|(iss, _)| *iss == kept.iss);
            let aud = aud.map_or(kept.aud, |(_, aud)| aud);
            let made = self.address(Subject { aud, ..kept })?;
            if made.to_string() != identity.address {
                return Err(PepperError::OtherAddress {
                    iss: kept.iss.into(),
                    sub: kept.sub.into(),
                    made,
                    kept: identity.address.clone(),
                });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PepperSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PepperSecret(…)")
    }
}

/// Who an identity is at its OpenID provider; nothing for a wallet.
pub fn subject(identity: &IdentityRow) -> Option<Subject<'_>> {
    Some(Subject {
        iss: identity.iss.as_deref()?,
        aud: identity.aud.as_deref()?,
        sub: identity.sub.as_deref()?,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pepper.secret");
        assert!(PepperSecret::read(&path).unwrap().is_none());
        PepperSecret::write([7; 32], &path).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(PepperSecret::write([8; 32], &path).is_err());
        let read = PepperSecret::read(&path).unwrap().unwrap();
        assert_eq!(read.0, [7; 32]);
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pepper.secret");
        for text in ["", "7", &"g".repeat(64), &"é".repeat(32)] {
            std::fs::write(&path, text).unwrap();
            let refused = PepperSecret::read(&path);
            assert!(matches!(refused, Err(PepperError::Unreadable { .. })));
        }
    }
}
