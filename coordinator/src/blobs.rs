//! Content-addressed bytes: a file per blob, named by its BLAKE3 hash, and uploads in progress.
//!
//! ```text
//! blobs/ab/ab12…      complete, verified, synced to disk, never changed
//! uploads/HOLDER-HASH what HOLDER has sent so far of HASH
//! uploads/.tmp…       what somebody sends whose hash is not known yet; nobody can go on with it
//! ```
//!
//! Who may read a blob and which ones are still needed is the business of [`crate::store::blobs`].

use std::collections::{BTreeSet, HashSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use pictor_protocol::BlobHash;
use tempfile::{NamedTempFile, TempPath};
use tokio::fs::{self, File};
use tokio::io::{AsyncWriteExt, BufWriter};

/// A sender that says nothing for so long is gone, and another request may go on with the upload. A browser that
/// lost its network cannot close the connection that it forgets.
pub const SILENCE: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("the storage is full")]
    Full,
    #[error("the upload goes on at byte {have}")]
    WrongOffset { have: u64 },
    #[error("the upload is longer than announced")]
    TooLong,
    #[error("the bytes have another hash")]
    HashMismatch,
    #[error("the sender broke off")]
    BrokenOff,
    #[error("could not {doing} {path}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

/// So much is written at once.
const WRITE_BYTES: usize = 1 << 20;

/// How far an upload is.
#[derive(Debug)]
pub enum Upload<'a> {
    Partial { have: u64 },
    Whole(Whole<'a>),
}

/// An upload that is all there, proven to be what was announced and synced to disk; [`Blobs::keep`] makes a blob
/// of it. Nobody else writes to it meanwhile.
#[derive(Debug)]
pub struct Whole<'a> {
    hash: BlobHash,
    alone: Alone<'a>,
}

/// Part of an upload: which blob, by whom, and where the bytes go.
#[derive(Debug, Clone)]
pub struct Part {
    pub hash: BlobHash,
    /// Who sends; two senders of one blob do not meet.
    pub holder: String,
    /// Index of the first byte.
    pub offset: u64,
    /// Length of the whole blob in bytes.
    pub length: u64,
}

/// Bytes without a name, synced to disk: their hash was not known before they had arrived. They are gone with this value, unless they
/// are kept.
#[derive(Debug)]
pub struct Arrived {
    path: TempPath,
    hash: BlobHash,
    length: u64,
}

/// Blobs in a directory.
#[derive(Debug)]
pub struct Blobs {
    blobs: PathBuf,
    uploads: PathBuf,
    /// Uploads that are being written to, so that a repeated request cannot mix its bytes in.
    writing: Mutex<HashSet<PathBuf>>,
    /// Whoever says nothing for so long is gone.
    silence: Duration,
}

impl Blobs {
    /// Opens the store below `root` and makes its directories.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        let (blobs, uploads) = (root.join("blobs"), root.join("uploads"));
        for dir in [&blobs, &uploads] {
            std::fs::create_dir_all(dir).map_err(failed("make", dir))?;
        }
        Ok(Self {
            blobs,
            uploads,
            writing: Mutex::default(),
            silence: SILENCE,
        })
    }

    /// Where the bytes of a blob lie, whether they are there or not.
    pub fn path(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.blobs.join(&name[..2]).join(name)
    }

    /// A directory on the same file system, for files that will become blobs.
    pub fn scratch(&self) -> &Path {
        &self.uploads
    }

    /// Opens a blob for reading; answers its length too.
    pub async fn read(&self, hash: BlobHash) -> Result<(File, u64), BlobError> {
        let path = self.path(hash);
        let file = File::open(&path).await.map_err(failed("open", &path))?;
        let length = file.metadata().await.map_err(failed("open", &path))?.len();
        Ok((file, length))
    }

    /// Bytes that `holder` has sent so far of a blob.
    pub async fn uploaded(&self, holder: &str, hash: BlobHash) -> u64 {
        fs::metadata(self.upload_path(holder, hash))
            .await
            .map_or(0, |file| file.len())
    }

    /// Takes the next bytes of an upload. A sender that breaks off can go on where it was.
    pub async fn append<E>(
        &self,
        part: &Part,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Upload<'_>, BlobError> {
        let path = self.upload_path(&part.holder, part.hash);
        let alone = Alone::on(&self.writing, &path, part.offset)?;
        let (hasher, have) = receive(&path, part, self.silence, body).await?;
        if have < part.length {
            return Ok(Upload::Partial { have });
        }
        let hash = match hasher {
            Some(hasher) => BlobHash::from_bytes(hasher.finalize().into()),
            None => blocking(path.clone(), |path| hash_file(&path)).await?.0,
        };
        if hash != part.hash {
            fs::remove_file(&path)
                .await
                .map_err(failed("remove", &path))?;
            return Err(BlobError::HashMismatch);
        }
        blocking(path, |path| sync(&path)).await?;
        Ok(Upload::Whole(Whole { hash, alone }))
    }

    /// Makes a blob of a whole upload. Takes a moment, however large it is.
    pub async fn keep(&self, whole: Whole<'_>) -> Result<(), BlobError> {
        let places = (whole.alone.path.clone(), self.path(whole.hash));
        blocking(places, |(from, to)| settle(&from, &to)).await
    }

    /// Takes bytes that nobody has named, at most so many. A sender that breaks off has sent nothing.
    pub async fn receive<E>(
        &self,
        bytes_max: u64,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Arrived, BlobError> {
        let made = blocking(self.uploads.clone(), |dir| {
            NamedTempFile::new_in(&dir).map_err(failed("make", &dir))
        });
        let (file, path) = made.await?.into_parts();
        let mut hasher = Some(blake3::Hasher::new());
        let mut sink = Sink {
            path: &path,
            file: BufWriter::with_capacity(WRITE_BYTES, File::from_std(file)),
            have: 0,
            most: bytes_max,
        };
        sink.pour(&mut hasher, self.silence, body).await?;
        let length = sink.have;
        let hash = hasher.unwrap_or_default().finalize();
        let path = blocking(path, |path| sync(&path).map(|()| path)).await?;
        Ok(Arrived {
            path,
            hash: BlobHash::from_bytes(hash.into()),
            length,
        })
    }

    /// Makes a blob of what has arrived; answers its length too. Takes a moment, however large it is.
    pub async fn keep_arrived(&self, arrived: Arrived) -> Result<(BlobHash, u64), BlobError> {
        let Arrived { path, hash, length } = arrived;
        let target = self.path(hash);
        blocking((path, target), |(path, target)| {
            settle(&path, &target)?;
            // Its name is gone; removing it again would only fail.
            let _ = path.keep();
            Ok(())
        })
        .await?;
        Ok((hash, length))
    }

    /// Makes a blob of bytes in memory. Blocks.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<BlobHash, BlobError> {
        let hash = BlobHash::from_bytes(blake3::hash(bytes).into());
        let file = tempfile::NamedTempFile::new_in(&self.uploads)
            .map_err(failed("make", &self.uploads))?;
        std::fs::write(file.path(), bytes).map_err(failed("write", file.path()))?;
        sync(file.path())?;
        settle(file.path(), &self.path(hash))?;
        // Its name is gone; removing it again would only fail.
        let _ = file.into_temp_path().keep();
        Ok(hash)
    }

    /// Reads a file below [`Blobs::scratch`] and syncs it to disk, so that [`Blobs::put_files`] takes a moment.
    /// Blocks.
    pub fn prepare_file(&self, path: &Path) -> Result<(BlobHash, u64), BlobError> {
        sync(path)?;
        hash_file(path)
    }

    /// Makes blobs of files below [`Blobs::scratch`] that are prepared, and which are moved. Blocks.
    pub fn put_files(
        &self,
        files: impl Iterator<Item = (PathBuf, BlobHash)>,
    ) -> Result<(), BlobError> {
        let mut dirs = BTreeSet::new();
        for (path, hash) in files {
            let to = self.path(hash);
            dirs.insert(name(&path, &to)?);
        }
        // Once for each, and not for each file: a scene can have fifty thousand.
        dirs.iter().try_for_each(|dir| sync(dir))
    }

    /// Removes a blob; one that is not there is fine.
    pub async fn remove(&self, hash: BlobHash) -> Result<(), BlobError> {
        let path = self.path(hash);
        match fs::remove_file(&path).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes uploads that nobody has gone on with for longer than `age`, and folders in which a coordinator was
    /// unpacking a scene when it was killed. Blocks.
    pub fn remove_stale_uploads(&self, age: Duration) {
        let Ok(entries) = std::fs::read_dir(&self.uploads) else {
            return;
        };
        for entry in entries.flatten() {
            let idle = entry
                .metadata()
                .and_then(|file| file.modified())
                .ok()
                .and_then(|at| at.elapsed().ok());
            if idle.is_some_and(|idle| idle > age) {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let remove = |path: &Path| match is_folder {
                    true => std::fs::remove_dir_all(path),
                    false => std::fs::remove_file(path),
                };
                let _ = remove(&entry.path());
            }
        }
    }

    /// Proves that the store can be written to.
    pub async fn probe(&self) -> Result<(), BlobError> {
        let path = self.uploads.join(".probe");
        fs::write(&path, b"ready")
            .await
            .map_err(failed("write", &path))
    }

    fn upload_path(&self, holder: &str, hash: BlobHash) -> PathBuf {
        self.uploads
            .join(format!("{}-{hash}", holder.replace(':', "-")))
    }
}

/// Writes the body behind what is there. The hasher is `None` if it has not seen the beginning.
async fn receive<E>(
    path: &Path,
    part: &Part,
    silence: Duration,
    body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<(Option<blake3::Hasher>, u64), BlobError> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    let file = options.open(path).await.map_err(failed("open", path))?;
    if part.offset == 0 {
        file.set_len(0).await.map_err(failed("truncate", path))?;
    }
    let have = file.metadata().await.map_err(failed("open", path))?.len();
    if have != part.offset {
        return Err(BlobError::WrongOffset { have });
    }
    let mut hasher = (part.offset == 0).then(blake3::Hasher::new);
    let mut sink = Sink {
        path,
        file: BufWriter::with_capacity(WRITE_BYTES, file),
        have,
        most: part.length,
    };
    sink.pour(&mut hasher, silence, body).await?;
    Ok((hasher, sink.have))
}

/// A file that is written while its bytes come.
struct Sink<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    have: u64,
    /// It may have so many bytes.
    most: u64,
}

impl Sink<'_> {
    /// Writes the body to its end. What came before it broke off is in the file.
    async fn pour<E>(
        &mut self,
        hasher: &mut Option<blake3::Hasher>,
        silence: Duration,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<(), BlobError> {
        let mut broken = false;
        loop {
            let chunk = match tokio::time::timeout(silence, body.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => {
                    broken = true;
                    break;
                }
            };
            self.have += chunk.len() as u64;
            if self.have > self.most {
                return Err(BlobError::TooLong);
            }
            if let Some(hasher) = hasher {
                hasher.update(&chunk);
            }
            let written = self.file.write_all(&chunk).await;
            written.map_err(failed("write", self.path))?;
        }
        let flushed = self.file.flush().await;
        flushed.map_err(failed("write", self.path))?;
        if broken {
            Err(BlobError::BrokenOff)
        } else {
            Ok(())
        }
    }
}

fn sync(path: &Path) -> Result<(), BlobError> {
    let file = std::fs::File::open(path).map_err(failed("open", path))?;
    file.sync_all().map_err(failed("sync", path))
}

/// Gives a synced file its final place, for good: its name is synced too.
fn settle(from: &Path, to: &Path) -> Result<(), BlobError> {
    sync(&name(from, to)?)
}

/// Gives a file its final place; answers the directory that has to be synced.
fn name(from: &Path, to: &Path) -> Result<PathBuf, BlobError> {
    let dir = to.parent().unwrap_or(to);
    std::fs::create_dir_all(dir).map_err(failed("make", dir))?;
    std::fs::rename(from, to).map_err(failed("name", to))?;
    Ok(dir.to_owned())
}

fn hash_file(path: &Path) -> Result<(BlobHash, u64), BlobError> {
    let mut file = std::fs::File::open(path).map_err(failed("open", path))?;
    let mut hasher = blake3::Hasher::new();
    let length = io::copy(&mut file, &mut hasher).map_err(failed("read", path))?;
    Ok((BlobHash::from_bytes(hasher.finalize().into()), length))
}

/// Runs something that waits for the disk away from the threads that answer requests.
async fn blocking<A: Send + 'static, T: Send + 'static>(
    arg: A,
    work: impl FnOnce(A) -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(move || work(arg)).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    move |source| {
        if matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        ) {
            return BlobError::Full;
        }
        BlobError::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// The only writer of an upload, until it is dropped.
#[derive(Debug)]
struct Alone<'a> {
    writing: &'a Mutex<HashSet<PathBuf>>,
    path: PathBuf,
}

impl<'a> Alone<'a> {
    fn on(writing: &'a Mutex<HashSet<PathBuf>>, path: &Path, have: u64) -> Result<Self, BlobError> {
        let first = writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned());
        if first {
            Ok(Self {
                writing,
                path: path.to_owned(),
            })
        } else {
            Err(BlobError::WrongOffset { have })
        }
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn an_upload_that_breaks_off_goes_on_where_it_was() {
        let (_dir, blobs) = store();
        let part = part(b"hello world", 0);
        let half = stream::iter([Ok(Bytes::from_static(b"hello ")), Err("cable")]);
        assert!(matches!(
            blobs.append(&part, half).await,
            Err(BlobError::BrokenOff)
        ));
        assert_eq!(blobs.uploaded("user:1", part.hash).await, 6);

        let part = Part { offset: 6, ..part };
        complete(&blobs, &part, b"world").await;
        assert_eq!(
            std::fs::read(blobs.path(part.hash)).unwrap(),
            b"hello world"
        );
        assert_eq!(blobs.uploaded("user:1", part.hash).await, 0);
    }

    #[tokio::test]
    async fn a_sender_that_fell_silent_keeps_nobody_from_going_on() {
        let (_dir, mut blobs) = store();
        blobs.silence = Duration::from_millis(20);
        let part = part(b"hello world", 0);
        let silent = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"hello "))]);
        let silent = silent.chain(stream::pending());
        let sent = blobs.append(&part, silent).await;
        assert!(matches!(sent, Err(BlobError::BrokenOff)), "{sent:?}");
        let part = Part { offset: 6, ..part };
        complete(&blobs, &part, b"world").await;
    }

    #[tokio::test]
    async fn other_bytes_than_announced_leave_nothing_behind() {
        let (_dir, blobs) = store();
        let part = part(b"hello world", 0);
        let sent = blobs.append(&part, whole(b"hello w0rld")).await;
        assert!(matches!(sent, Err(BlobError::HashMismatch)));
        assert!(!blobs.path(part.hash).exists());
        let sent = blobs.append(&part, whole(b"hello world and more")).await;
        assert!(matches!(sent, Err(BlobError::TooLong)));
    }

    #[tokio::test]
    async fn bytes_without_a_name_are_kept_under_their_hash_or_leave_nothing_behind() {
        let (dir, blobs) = store();
        let left = || {
            std::fs::read_dir(dir.path().join("uploads"))
                .unwrap()
                .count()
        };
        let arrived = blobs.receive(11, whole(b"hello world")).await.unwrap();
        let kept = blobs.keep_arrived(arrived).await.unwrap();
        assert_eq!(kept, (part(b"hello world", 0).hash, 11));
        assert_eq!(std::fs::read(blobs.path(kept.0)).unwrap(), b"hello world");

        let long = blobs.receive(10, whole(b"hello world")).await;
        assert!(matches!(long, Err(BlobError::TooLong)), "{long:?}");
        let half = stream::iter([Ok(Bytes::from_static(b"hello ")), Err("cable")]);
        let broken = blobs.receive(11, half).await;
        assert!(matches!(broken, Err(BlobError::BrokenOff)), "{broken:?}");
        // Such as of somebody who closed the page: nobody goes on with the request.
        let pending = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"hello "))]);
        let pending = blobs.receive(11, pending.chain(stream::pending()));
        let gone = tokio::time::timeout(Duration::from_millis(20), pending).await;
        assert!(gone.is_err());
        assert_eq!(left(), 0);
    }

    #[tokio::test]
    async fn a_gap_is_refused_with_the_offset_to_go_on_from() {
        let (_dir, blobs) = store();
        let sent = blobs
            .append(&part(b"hello world", 4), whole(b"o world"))
            .await;
        assert!(matches!(sent, Err(BlobError::WrongOffset { have: 0 })));
    }

    #[tokio::test]
    async fn storing_the_same_bytes_twice_is_storing_them_once() {
        let (_dir, blobs) = store();
        let hash = blobs.put_bytes(b"same").unwrap();
        assert_eq!(blobs.put_bytes(b"same").unwrap(), hash);
        let (_, length) = blobs.read(hash).await.unwrap();
        assert_eq!(length, 4);
        blobs.remove(hash).await.unwrap();
        blobs.remove(hash).await.unwrap();
        assert!(blobs.read(hash).await.is_err());
    }

    #[tokio::test]
    async fn a_whole_upload_is_changed_by_nobody_before_it_is_kept() {
        let (_dir, blobs) = store();
        let part = part(b"hello world", 0);
        let sent = blobs.append(&part, whole(b"hello world")).await.unwrap();
        let again = blobs.append(&part, whole(b"jello world")).await;
        assert!(matches!(again, Err(BlobError::WrongOffset { .. })));
        let Upload::Whole(sent) = sent else {
            panic!("{sent:?}");
        };
        blobs.keep(sent).await.unwrap();
        assert_eq!(
            std::fs::read(blobs.path(part.hash)).unwrap(),
            b"hello world"
        );
    }

    #[test]
    fn what_nobody_goes_on_with_is_removed_folders_too() {
        let (_dir, blobs) = store();
        let (upload, folder) = (
            blobs.scratch().join("user-1-ab"),
            blobs.scratch().join(".tmp1"),
        );
        std::fs::write(&upload, b"half").unwrap();
        std::fs::create_dir_all(folder.join("textures")).unwrap();
        blobs.remove_stale_uploads(Duration::from_secs(60));
        assert!(upload.exists() && folder.exists());
        blobs.remove_stale_uploads(Duration::ZERO);
        assert!(!upload.exists() && !folder.exists());
    }

    /// Sends the last bytes of an upload and keeps it.
    async fn complete(blobs: &Blobs, part: &Part, bytes: &'static [u8]) {
        match blobs.append(part, whole(bytes)).await.unwrap() {
            Upload::Whole(whole) => blobs.keep(whole).await.unwrap(),
            partial @ Upload::Partial { .. } => panic!("{partial:?}"),
        }
    }

    fn store() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path()).unwrap();
        (dir, blobs)
    }

    fn part(bytes: &[u8], offset: u64) -> Part {
        let hash = BlobHash::from_bytes(blake3::hash(bytes).into());
        Part {
            hash,
            holder: "user:1".into(),
            offset,
            length: bytes.len() as u64,
        }
    }

    fn whole(bytes: &'static [u8]) -> impl Stream<Item = Result<Bytes, Infallible>> + Unpin {
        stream::iter([Ok(Bytes::from_static(bytes))])
    }
}
