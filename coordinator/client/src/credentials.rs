//! Coordinators that this user is signed in to, and which of them is meant.
//!
//! One file, `pictor/credentials.json` in the user's configuration directory. It holds tokens, so it
//! is made readable by its owner alone, and replaced as a whole: a reader never sees half of it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use http::Uri;
use serde::{Deserialize, Serialize};

/// A coordinator and the right to talk to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordinator {
    /// Without a slash at the end.
    pub url: String,
    pub token: String,
}

impl Coordinator {
    pub fn new(url: String, token: String) -> Result<Self, CredentialsError> {
        let token = token.trim().to_owned();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::BadToken);
        }
        Ok(Self { url, token })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("not signed in{}; run `pictor login URL`", at(.url.as_deref()))]
    NotSignedIn { url: Option<String> },
    #[error("{text:?} is not the address of a coordinator, such as https://render.example.org")]
    BadAddress { text: String },
    #[error("that is not an access token: it has spaces or characters that no token has")]
    BadToken,
    #[error("there is no configuration directory: set XDG_CONFIG_HOME or HOME")]
    NoHome,
    #[error("{path} cannot be read", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is damaged; remove it and sign in again", path = .path.display())]
    Malformed {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path} cannot be written", path = .path.display())]
    Write { path: PathBuf, source: io::Error },
}

fn at(url: Option<&str>) -> String {
    url.map(|url| format!(" to {url}")).unwrap_or_default()
}

/// The file's content.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Address of the last login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default)]
    coordinators: BTreeMap<String, StoredCoordinator>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredCoordinator {
    token: String,
}

impl Stored {
    pub fn load(path: &Path) -> Result<Self, CredentialsError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                let path = path.into();
                return Err(CredentialsError::Read { path, source });
            }
        };
        serde_json::from_slice(&text).map_err(|source| CredentialsError::Malformed {
            path: path.into(),
            source,
        })
    }

    pub fn save(&self, path: &Path) -> Result<(), CredentialsError> {
        write_private(path, self).map_err(|source| CredentialsError::Write {
            path: path.into(),
            source,
        })
    }

    pub fn sign_in(&mut self, coordinator: Coordinator) {
        let Coordinator { url, token } = coordinator;
        self.default = Some(url.clone());
        self.coordinators.insert(url, StoredCoordinator { token });
    }

    /// Forgets a coordinator, the default one when none is named; answers which.
    pub fn sign_out(&mut self, url: Option<String>) -> Result<String, CredentialsError> {
        let url = url.or_else(|| self.default.clone());
        let Some(url) = url.filter(|url| self.coordinators.remove(url).is_some()) else {
            return Err(CredentialsError::NotSignedIn { url: None });
        };
        if self.default.as_ref() == Some(&url) {
            self.default = self.coordinators.keys().next().cloned();
        }
        Ok(url)
    }

    /// The address that is meant: the one that was asked for, else the last login's.
    pub fn address(&self, asked: Option<String>) -> Option<String> {
        asked.or_else(|| self.default.clone())
    }

    /// The coordinator that is meant; `token` is preferred to the stored one.
    pub fn choose(
        &self,
        asked: Option<String>,
        token: Option<String>,
    ) -> Result<Coordinator, CredentialsError> {
        let Some(url) = self.address(asked) else {
            return Err(CredentialsError::NotSignedIn { url: None });
        };
        let stored = || self.coordinators.get(&url).map(|known| known.token.clone());
        match token.or_else(stored) {
            Some(token) => Coordinator::new(url, token),
            None => Err(CredentialsError::NotSignedIn { url: Some(url) }),
        }
    }
}

/// Where the credentials are kept.
pub fn path() -> Result<PathBuf, CredentialsError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = set("XDG_CONFIG_HOME")
        .or_else(|| set("APPDATA"))
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .ok_or(CredentialsError::NoHome)?;
    Ok(base.join("pictor").join("credentials.json"))
}

/// An address in the one form that is stored: with its scheme, without a slash at the end.
pub fn address(text: &str) -> Result<String, CredentialsError> {
    let bad = || CredentialsError::BadAddress { text: text.into() };
    let uri: Uri = text.trim().parse().map_err(|_| bad())?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    if !known || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
        return Err(bad());
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

/// A token would cross a network readable by everybody on the way.
pub fn is_exposed(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let local = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    url.starts_with("http:") && !local
}

/// Somebody else on this machine can read the file.
#[cfg(unix)]
pub fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

/// Elsewhere the user's own directory protects the file.
#[cfg(not(unix))]
pub fn is_readable_by_others(_path: &Path) -> bool {
    false
}

fn write_private(path: &Path, content: &Stored) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    // A temporary file is made with mode 0600 and keeps it when it is renamed.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer_pretty(&mut file, content)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinator(url: &str, token: &str) -> Coordinator {
        Coordinator {
            url: url.into(),
            token: token.into(),
        }
    }

    #[test]
    fn the_last_login_is_the_default_and_others_stay() {
        let mut stored = Stored::default();
        stored.sign_in(coordinator("http://a", "1"));
        stored.sign_in(coordinator("http://b", "2"));
        assert_eq!(
            stored.choose(None, None).unwrap(),
            coordinator("http://b", "2")
        );
        let asked = stored.choose(Some("http://a".into()), None).unwrap();
        assert_eq!(asked, coordinator("http://a", "1"));
    }

    #[test]
    fn a_given_token_is_preferred_to_the_stored_one() {
        let mut stored = Stored::default();
        stored.sign_in(coordinator("http://a", "1"));
        let chosen = stored.choose(None, Some("9".into())).unwrap();
        assert_eq!(chosen, coordinator("http://a", "9"));
    }

    #[test]
    fn without_a_token_for_the_address_nobody_is_signed_in() {
        let mut stored = Stored::default();
        stored.sign_in(coordinator("http://a", "1"));
        let elsewhere = stored.choose(Some("http://c".into()), None);
        assert!(matches!(
            elsewhere,
            Err(CredentialsError::NotSignedIn { url: Some(_) })
        ));
    }

    #[test]
    fn signing_out_leaves_another_login_as_the_default() {
        let mut stored = Stored::default();
        stored.sign_in(coordinator("http://a", "1"));
        stored.sign_in(coordinator("http://b", "2"));
        assert_eq!(stored.sign_out(None).unwrap(), "http://b");
        assert_eq!(stored.address(None).as_deref(), Some("http://a"));
        assert!(stored.sign_out(Some("http://b".into())).is_err());
    }

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(address("http://a:80/x/ ").unwrap(), "http://a:80/x");
        for bad in [
            "",
            "a",
            "localhost:8080",
            "ftp://a",
            "http://",
            "http://a?b",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_exposed_on_a_plain_connection_to_elsewhere() {
        assert!(is_exposed("http://render.example.org"));
        for safe in [
            "https://render.example.org",
            "http://127.0.0.1:80",
            "http://[::1]:8080",
            "http://localhost",
        ] {
            assert!(!is_exposed(safe), "{safe}");
        }
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused() {
        for bad in ["", " ", "a b", "a\nb", "é"] {
            let coordinator = Coordinator::new("http://a".into(), bad.into());
            assert!(
                matches!(coordinator, Err(CredentialsError::BadToken)),
                "{bad:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_belongs_to_its_owner_alone_and_is_read_back() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/credentials.json");
        let mut stored = Stored::default();
        stored.sign_in(coordinator("http://a", "1"));
        stored.save(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!is_readable_by_others(&path));
        assert_eq!(Stored::load(&path).unwrap(), stored);
    }

    #[test]
    fn a_damaged_file_is_told_apart_from_a_missing_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials.json");
        assert_eq!(Stored::load(&path).unwrap(), Stored::default());
        std::fs::write(&path, "{").unwrap();
        let damaged = Stored::load(&path);
        assert!(matches!(damaged, Err(CredentialsError::Malformed { .. })));
    }
}
