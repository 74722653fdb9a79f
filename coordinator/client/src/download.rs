//! Finished frames, from the coordinator into a directory.
//!
//! A frame appears under its name only when it is complete and its hash is right: it is written
//! beside it first and renamed. Frames that are there already are recognised by their hash.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use pictor_protocol::job::Output;
use pictor_protocol::{BlobHash, JobId};
use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::api::backoff::{Backoff, Patience};
use crate::api::{Api, ApiError, Chunks};

/// Enough to hide the round trips; more would only share the same line.
const AT_ONCE: usize = 4;
const READ_BYTES: usize = 1 << 20;
/// Pictures whose bytes do not match are fetched again this often.
const MISMATCHES_MAX: u32 = 3;

#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    #[error("the coordinator names a file {0:?}, which is not a plain file name")]
    BadFileName(String),
    #[error("{path} cannot be written", path = .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} cannot be read", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("frame {frame} arrived damaged {MISMATCHES_MAX} times")]
    Damaged { frame: i32 },
    #[error("frame {frame} is no longer there")]
    Gone { frame: i32 },
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// A frame that is now in the directory.
#[derive(Debug)]
pub struct Downloaded {
    pub frame: i32,
    pub path: PathBuf,
    /// 0 when it was there before.
    pub fetched_bytes: u64,
}

/// Fetches frames into a directory, a few at a time, in the order in which they were added.
pub struct Downloads {
    api: Api,
    job: JobId,
    directory: PathBuf,
    patience: Patience,
    waiting: VecDeque<(i32, Output)>,
    running: FuturesUnordered<BoxFuture<'static, Result<Downloaded, DownloadError>>>,
}

impl Downloads {
    pub fn into_directory(
        api: Api,
        job: JobId,
        directory: &Path,
        patience: Patience,
    ) -> Result<Self, DownloadError> {
        std::fs::create_dir_all(directory).map_err(|source| DownloadError::Write {
            path: directory.into(),
            source,
        })?;
        Ok(Self {
            api,
            job,
            directory: directory.into(),
            patience,
            waiting: VecDeque::new(),
            running: FuturesUnordered::new(),
        })
    }

    pub fn add(&mut self, frame: i32, output: Output) {
        self.waiting.push_back((frame, output));
        self.start_some();
    }

    /// Frames that were added and are not there yet.
    pub fn pending(&self) -> usize {
        self.running.len() + self.waiting.len()
    }

    pub const fn patience(&self) -> Patience {
        self.patience
    }

    /// The next frame that is there; waits for ever while there is nothing to fetch. Nothing is lost
    /// when the future is dropped.
    pub async fn next(&mut self) -> Result<Downloaded, DownloadError> {
        let Some(result) = self.running.next().await else {
            return std::future::pending().await;
        };
        self.start_some();
        result
    }

    fn start_some(&mut self) {
        while self.running.len() < AT_ONCE {
            let Some((frame, output)) = self.waiting.pop_front() else {
                return;
            };
            let fetch = Fetch {
                api: self.api.clone(),
                job: self.job,
                frame,
                directory: self.directory.clone(),
                patience: self.patience,
            };
            self.running.push(Box::pin(fetch.run(output)));
        }
    }
}

/// Writes a job's archive of all finished frames; answers its size. `progress` is told of every piece.
pub async fn archive(
    api: &Api,
    job: JobId,
    path: &Path,
    progress: impl FnMut(u64),
) -> Result<u64, DownloadError> {
    let chunks = api.archive(job).await?;
    let (file, received) = receive(chunks, path, progress).await?;
    persist(file, path)?;
    Ok(received.bytes)
}

struct Fetch {
    api: Api,
    job: JobId,
    frame: i32,
    directory: PathBuf,
    patience: Patience,
}

impl Fetch {
    async fn run(self, mut output: Output) -> Result<Downloaded, DownloadError> {
        let mut backoff = Backoff::default();
        let mut mismatches = 0;
        loop {
            match self.attempt(&mut output, mismatches > 0).await {
                Ok(Some(downloaded)) => return Ok(downloaded),
                Ok(None) => mismatches += 1,
                Err(DownloadError::Api(error)) if self.patience.bears(&error, &backoff) => {
                    backoff.wait().await;
                }
                Err(error) => return Err(error),
            }
            if mismatches == MISMATCHES_MAX {
                return Err(DownloadError::Damaged { frame: self.frame });
            }
        }
    }

    /// `None` when the bytes are not those that were announced. A frame that was rendered again
    /// meanwhile has another picture: `ask` for the present one first.
    async fn attempt(
        &self,
        output: &mut Output,
        ask: bool,
    ) -> Result<Option<Downloaded>, DownloadError> {
        if ask {
            let frame = self.api.frame(self.job, self.frame).await?;
            let gone = DownloadError::Gone { frame: self.frame };
            *output = frame.output.ok_or(gone)?;
        }
        let name = plain_file_name(&output.file_name)?;
        let path = self.directory.join(name);
        let downloaded = |fetched_bytes| Downloaded {
            frame: self.frame,
            path: path.clone(),
            fetched_bytes,
        };
        if is_there(&path, output).await? {
            return Ok(Some(downloaded(0)));
        }
        let chunks = self.api.output(self.job, self.frame).await?;
        let (file, received) = receive(chunks, &path, |_| ()).await?;
        if received.hash != output.blob {
            return Ok(None);
        }
        persist(file, &path)?;
        Ok(Some(downloaded(received.bytes)))
    }
}

struct Received {
    hash: BlobHash,
    bytes: u64,
}

/// Takes a body into a temporary file beside `path`.
async fn receive(
    mut chunks: Chunks,
    path: &Path,
    mut progress: impl FnMut(u64),
) -> Result<(NamedTempFile, Received), DownloadError> {
    let failed = |source| DownloadError::Write {
        path: path.into(),
        source,
    };
    let temporary = temporary_beside(path).map_err(failed)?;
    let mut file = File::from_std(temporary.reopen().map_err(failed)?);
    let mut hasher = blake3::Hasher::new();
    let mut bytes = 0;
    while let Some(piece) = chunks.next().await? {
        hasher.update(&piece);
        file.write_all(&piece).await.map_err(failed)?;
        bytes += piece.len() as u64;
        progress(bytes);
    }
    // No fsync: it costs more than the frame, and after a power cut the hash tells what is whole.
    file.flush().await.map_err(failed)?;
    let hash = BlobHash::from_bytes(hasher.finalize().into());
    Ok((temporary, Received { hash, bytes }))
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pictor-").suffix(".part");
    // Temporary files are private by default, but frames are for everybody whom the umask lets.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => builder.tempfile_in(parent),
        None => builder.tempfile_in("."),
    }
}

fn persist(file: NamedTempFile, path: &Path) -> Result<(), DownloadError> {
    match file.persist(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(DownloadError::Write {
            path: path.into(),
            source: error.error,
        }),
    }
}

async fn is_there(path: &Path, output: &Output) -> Result<bool, DownloadError> {
    let failed = |source| DownloadError::Read {
        path: path.into(),
        source,
    };
    match tokio::fs::symlink_metadata(path).await {
        Ok(facts) if facts.is_file() && facts.len() == output.size_bytes => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    }
    let mut file = File::open(path).await.map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = file.read(&mut buffer).await.map_err(failed)?;
        if count == 0 {
            return Ok(BlobHash::from_bytes(hasher.finalize().into()) == output.blob);
        }
        hasher.update(&buffer[..count]);
    }
}

/// A coordinator's word is not trusted with a path: separators of any system, drive letters, hidden
/// files and control characters are refused.
fn plain_file_name(name: &str) -> Result<&str, DownloadError> {
    let plain = !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('.')
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'));
    if plain {
        Ok(name)
    } else {
        Err(DownloadError::BadFileName(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_file_names_are_written() {
        assert!(plain_file_name("frame_0001.png").is_ok());
        let long = "a".repeat(256);
        for bad in [
            "", ".", "..", "../a", "/a", "a/b", "a\\b", "C:a", ".bashrc", "a\0", "a\n", &long,
        ] {
            assert!(plain_file_name(bad).is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_frame_is_recognised_by_its_hash_not_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("frame_0001.png");
        let output = Output {
            blob: BlobHash::from_bytes(blake3::hash(b"right").into()),
            size_bytes: 5,
            file_name: "frame_0001.png".into(),
            has_thumbnail: false,
        };
        assert!(!is_there(&path, &output).await.unwrap());
        std::fs::write(&path, "wrong").unwrap();
        assert!(!is_there(&path, &output).await.unwrap());
        std::fs::write(&path, "right").unwrap();
        assert!(is_there(&path, &output).await.unwrap());
    }
}
