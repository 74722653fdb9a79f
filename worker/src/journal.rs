//! Pictures on their way: every rendered output lies here, with a note of what it is, until the
//! coordinator has given its word on it. A worker that is killed finds them again at its next start.
//!
//! ```text
//! <cache>/journal/<worker>/<task>-<attempt>.json     what it is; written last, so its picture is whole
//! <cache>/journal/<worker>/<task>-<attempt>.<ext>    the picture
//! <cache>/journal/<worker>/lock                      held by the one running worker of this config
//! ```
//!
//! Owns that directory. Blocking: called from a thread that may wait for the disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use pictor_protocol::agent::{AttemptRef, Finished, RenderFault};
use pictor_protocol::settings::Format;
use pictor_protocol::{BlobHash, WorkerId};
use serde::{Deserialize, Serialize};

use crate::agent::{Leftover, Picture};
use crate::errors::is_disk_full;

#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    /// Released by the kernel when the worker ends, however it ends.
    _lock: File,
}

/// What stands in a note.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    frame: i32,
    format: Format,
    finished: Finished,
}

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("another worker already runs with this config and this cache")]
    InUse,
    #[error("the journal in {} cannot be used", dir.display())]
    Unusable { dir: PathBuf, source: io::Error },
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("Blender said that it wrote a picture, but there is none")]
    NothingWritten,
    #[error("the disk is full")]
    DiskFull,
    #[error("the picture cannot be stored: {0}")]
    Io(#[source] io::Error),
}

impl StoreError {
    pub fn fault(&self) -> RenderFault {
        match self {
            Self::NothingWritten => RenderFault::NothingWritten,
            Self::DiskFull | Self::Io(_) => RenderFault::Other,
        }
    }

    fn from_io(error: io::Error) -> Self {
        if is_disk_full(&error) {
            Self::DiskFull
        } else {
            Self::Io(error)
        }
    }
}

impl Journal {
    pub fn open(cache: &Path, worker: WorkerId) -> Result<Self, JournalError> {
        let dir = cache.join("journal").join(worker.to_string());
        let unusable = |source| JournalError::Unusable {
            dir: dir.clone(),
            source,
        };
        fs::create_dir_all(&dir).map_err(unusable)?;
        let lock = File::create(dir.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Outputs of an earlier start; everything else that lies about is removed.
    pub fn leftovers(&self) -> io::Result<Vec<Leftover>> {
        let mut leftovers = Vec::new();
        let mut kept = vec!["lock".to_owned()];
        for name in self.names()? {
            if let Some(note) = self.read_note(&name) {
                let attempt = note.finished.attempt;
                kept.extend([note_name(attempt), picture_name(attempt, note.format)]);
                leftovers.push(Leftover {
                    frame: note.frame,
                    finished: note.finished,
                });
            }
        }
        for name in self.names()? {
            if !kept.contains(&name) {
                fs::remove_file(self.dir.join(name))?;
            }
        }
        Ok(leftovers)
    }

    /// Moves a picture here, hashes it, and notes it, all of it safe from a power cut.
    pub fn store(&self, rendered: &Path, picture: &Picture) -> Result<Finished, StoreError> {
        let attempt = picture.grant.attempt;
        let path = self.dir.join(picture_name(attempt, picture.format));
        match fs::rename(rendered, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NothingWritten);
            }
            result => result.map_err(StoreError::from_io)?,
        }
        let (output, size_bytes) = hash_and_sync(&path).map_err(StoreError::from_io)?;
        if size_bytes == 0 {
            return Err(StoreError::NothingWritten);
        }
        let finished = Finished {
            attempt,
            output,
            size_bytes,
            render_ms: picture.render_ms,
            memory_bytes: picture.memory_bytes,
            energy_millijoules: picture.energy_millijoules,
        };
        let note = Note {
            frame: picture.grant.frame,
            format: picture.format,
            finished,
        };
        self.write_note(&note).map_err(StoreError::from_io)?;
        Ok(note.finished)
    }

    /// The picture of a stored attempt.
    pub fn picture(&self, attempt: AttemptRef) -> Option<PathBuf> {
        let note = self.read_note(&note_name(attempt))?;
        Some(self.dir.join(picture_name(attempt, note.format)))
    }

    /// Removes the note first: a picture without one is cleared away at the next start.
    pub fn discard(&self, attempt: AttemptRef) -> io::Result<()> {
        let formats = [Format::Png, Format::Jpeg, Format::OpenExr];
        let pictures = formats.map(|format| picture_name(attempt, format));
        for name in [note_name(attempt)].iter().chain(&pictures) {
            match fs::remove_file(self.dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.dir)?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    /// `None` for what is no note, or one whose picture is not there.
    fn read_note(&self, name: &str) -> Option<Note> {
        let path = self.dir.join(name);
        if path.extension()? != "json" {
            return None;
        }
        let note: Note = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let attempt = note.finished.attempt;
        let picture = self.dir.join(picture_name(attempt, note.format));
        let size = fs::metadata(picture).ok()?.len();
        (name == note_name(attempt) && size == note.finished.size_bytes).then_some(note)
    }

    fn write_note(&self, note: &Note) -> io::Result<()> {
        let path = self.dir.join(note_name(note.finished.attempt));
        let unfinished = path.with_extension("new");
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        file.sync_data()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.dir)?.sync_all()
    }
}

fn note_name(attempt: AttemptRef) -> String {
    format!("{}-{}.json", attempt.task, attempt.attempt)
}

fn picture_name(attempt: AttemptRef, format: Format) -> String {
    format!(
        "{}-{}.{}",
        attempt.task,
        attempt.attempt,
        format.extension()
    )
}

fn hash_and_sync(path: &Path) -> io::Result<(BlobHash, u64)> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut length = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
    }
    file.sync_data()?;
    Ok((BlobHash::from_bytes(*hasher.finalize().as_bytes()), length))
}

#[cfg(test)]
mod tests;
