//! Files that hold a secret: whole or not there, and readable by their owner alone at every moment.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    #[error("could not read {path}, which is there already")]
    Read { path: PathBuf, source: io::Error },
    #[error("could not write {path}")]
    Write { path: PathBuf, source: io::Error },
}

/// A file that is about to be written. It is prepared before the secret is made, so that a folder which
/// is missing or closed is noticed while nothing has happened yet.
pub struct SecretFile {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl SecretFile {
    pub fn prepare(path: &Path) -> Result<Self, SecretFileError> {
        let dir = path
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        // Mode 0600 from its first moment.
        let temporary = NamedTempFile::new_in(dir).map_err(|source| write_error(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
        })
    }

    /// Puts the file in its place, and over what was there.
    pub fn write(mut self, content: &[u8]) -> Result<(), SecretFileError> {
        let written = self
            .temporary
            .write_all(content)
            .and_then(|()| self.temporary.as_file().sync_all());
        written
            .and_then(|()| Ok(self.temporary.persist(&self.path)?))
            .map(|_file| ())
            .map_err(|source| write_error(&self.path, source))
    }
}

/// Whether there is a file that can be read and says something. One that cannot be read is an error: what
/// it holds may be somebody's secret.
pub fn is_there(path: &Path) -> Result<bool, SecretFileError> {
    let first_byte = std::fs::File::open(path).and_then(|mut file| file.read(&mut [0]));
    match first_byte {
        Ok(bytes) => Ok(bytes > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(SecretFileError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn write_error(path: &Path, source: io::Error) -> SecretFileError {
    SecretFileError::Write {
        path: path.to_owned(),
        source,
    }
}
