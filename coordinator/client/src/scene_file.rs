//! A scene on this machine's disk: is it one, what is its hash, what are its bytes.
//!
//! The coordinator judges scenes; what is checked here spares somebody the upload of a wrong file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pictor_protocol::BlobHash;

/// Files up to this size are read once and kept; larger ones are read again while they are sent.
const SMALL_BYTES: u64 = 8 << 20;
/// Large reads keep a disk busy and BLAKE3 in its widest instructions.
const READ_BYTES: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum SceneFileError {
    #[error("{path} does not exist", path = .0.display())]
    Missing(PathBuf),
    #[error("{path} is a directory; pack it as a .zip with one main .blend and its assets", path = .0.display())]
    Directory(PathBuf),
    #[error("{path} is empty", path = .0.display())]
    Empty(PathBuf),
    #[error("{path} is neither a .blend nor a .zip", path = .0.display())]
    NotAScene(PathBuf),
    #[error("{path} cannot be read", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// A file that looks like a scene, completely read once.
#[derive(Debug, Clone)]
pub struct SceneFile {
    pub path: PathBuf,
    /// As its owner knows it.
    pub name: String,
    pub size_bytes: u64,
    pub hash: BlobHash,
    /// All of it, when it is small.
    pub bytes: Option<Bytes>,
}

impl SceneFile {
    /// Checks and reads a file. Takes as long as the disk and the hash need; `read` is told of every
    /// piece.
    pub fn read(path: &Path, mut read: impl FnMut(usize)) -> Result<Self, SceneFileError> {
        let failed = |source| SceneFileError::Read {
            path: path.into(),
            source,
        };
        let (mut file, size_bytes) = open(path)?;
        let mut magic = [0; 8];
        let magic_len = read_up_to(&mut file, &mut magic).map_err(failed)?;
        if !is_scene(&magic[..magic_len]) {
            return Err(SceneFileError::NotAScene(path.into()));
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;

        let mut kept = (size_bytes <= SMALL_BYTES).then(Vec::new);
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut total = 0;
        loop {
            let count = read_up_to(&mut file, &mut buffer).map_err(failed)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&buffer[..count]);
            }
            total += count as u64;
            read(count);
        }
        Ok(Self {
            path: path.into(),
            name: file_name(path),
            size_bytes: total,
            hash: BlobHash::from_bytes(hasher.finalize().into()),
            bytes: kept.map(Bytes::from),
        })
    }
}

fn open(path: &Path) -> Result<(File, u64), SceneFileError> {
    let failed = |source: io::Error| {
        let path = path.into();
        if source.kind() == io::ErrorKind::NotFound {
            SceneFileError::Missing(path)
        } else {
            SceneFileError::Read { path, source }
        }
    };
    let facts = std::fs::metadata(path).map_err(failed)?;
    if facts.is_dir() {
        return Err(SceneFileError::Directory(path.into()));
    }
    if facts.is_file() && facts.len() == 0 {
        return Err(SceneFileError::Empty(path.into()));
    }
    Ok((File::open(path).map_err(failed)?, facts.len()))
}

/// Fills the buffer as far as the file goes.
fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A .blend starts with its name, or with gzip's (before 3.0) or Zstandard's mark when compressed.
fn is_scene(start: &[u8]) -> bool {
    const MARKS: [&[u8]; 4] = [b"BLENDER", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"];
    MARKS.iter().any(|mark| start.starts_with(mark))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, content: &[u8]) -> Result<SceneFile, SceneFileError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        SceneFile::read(&path, |_| ())
    }

    #[test]
    fn every_kind_of_scene_is_taken_whatever_its_name() {
        let kinds: [&[u8]; 4] = [
            b"BLENDER-v405",
            b"\x1f\x8b\x08",
            b"\x28\xb5\x2f\xfd\x00",
            b"PK\x03\x04",
        ];
        for content in kinds {
            let file = read("a scene", content).unwrap();
            assert_eq!(file.hash.to_string(), blake3::hash(content).to_string());
            assert_eq!(file.size_bytes, content.len() as u64);
            assert_eq!(file.bytes.unwrap(), content);
        }
    }

    #[test]
    fn what_is_no_scene_is_refused_before_any_upload() {
        use SceneFileError as E;
        assert!(matches!(
            read("a.blend", b"\x89PNG\r\n"),
            Err(E::NotAScene(_))
        ));
        assert!(matches!(read("a.blend", b"BL"), Err(E::NotAScene(_))));
        assert!(matches!(read("a.blend", b""), Err(E::Empty(_))));
        let dir = tempfile::tempdir().unwrap();
        let directory = SceneFile::read(dir.path(), |_| ());
        assert!(matches!(directory, Err(E::Directory(_))));
        let missing = SceneFile::read(&dir.path().join("no.blend"), |_| ());
        assert!(matches!(missing, Err(E::Missing(_))));
    }

    #[test]
    fn a_large_file_is_not_kept_in_memory() {
        let mut content = vec![7; SMALL_BYTES as usize + 1];
        content[..7].copy_from_slice(b"BLENDER");
        let file = read("a.blend", &content).unwrap();
        assert!(file.bytes.is_none());
        assert_eq!(file.hash.to_string(), blake3::hash(&content).to_string());
    }
}
