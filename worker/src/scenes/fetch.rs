//! Bringing a scene into the cache: what is missing is fetched from where it stopped, hashed on its
//! way to the disk, and only then linked into the scene's directory.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::stream::{FuturesUnordered, TryStreamExt};
use pictor_protocol::BlobHash;
use pictor_protocol::agent::{SceneFile, SceneManifest};
use pictor_protocol::problem::ProblemKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Scenes, disk, paths};
use crate::coordinator::{CallError, Coordinator};
use crate::errors::is_disk_full;

/// Downloads at a time: many small textures would otherwise wait for each other's round trips.
const AT_ONCE: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    BadManifest(#[from] paths::BadManifest),
    #[error("the scene needs {needed} bytes, and the cache of {limit} bytes has no room for it")]
    CacheFull { needed: u64, limit: u64 },
    #[error("the disk of the scene cache is full")]
    DiskFull,
    #[error("the scene cache cannot be written: {0}")]
    Disk(#[source] io::Error),
    /// Worth another try, later.
    #[error("the scene cannot be fetched: {0}")]
    Call(#[source] CallError),
    #[error("the coordinator does not have {path:?} of the scene")]
    Gone { path: String },
    #[error("{path:?} of the scene is damaged: its bytes are not those of its name")]
    Damaged { path: String },
}

impl FetchError {
    fn disk(error: io::Error) -> Self {
        if is_disk_full(&error) {
            Self::DiskFull
        } else {
            Self::Disk(error)
        }
    }
}

impl Scenes {
    /// Makes the scene whole. The caller has pinned it. Dropping the future leaves nothing but what
    /// the next fetch can go on with.
    pub async fn fetch(
        self: &Arc<Self>,
        scene: &Arc<SceneManifest>,
        from: &Coordinator,
    ) -> Result<(), FetchError> {
        paths::check(scene)?;
        if !self.is_whole(scene) {
            let claims: HashMap<_, _> = scene
                .files
                .iter()
                .map(|file| (file.blob, self.claim(file.blob)))
                .collect();
            let missing = self.blocking(scene, Self::prepare).await?;
            let mut downloads = FuturesUnordered::new();
            for file in &missing {
                if downloads.len() == AT_ONCE {
                    downloads.try_next().await?;
                }
                downloads.push(self.fetch_blob(file, &claims[&file.blob], from));
            }
            while downloads.try_next().await?.is_some() {}
            self.blocking(scene, Self::assemble).await?;
        }
        self.used(scene.content, SystemTime::now());
        Ok(())
    }

    /// Thousands of files are looked at or linked: the rest of the worker must not wait for that.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        scene: &Arc<SceneManifest>,
        work: fn(&Self, &SceneManifest) -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        let (this, scene) = (Arc::clone(self), Arc::clone(scene));
        tokio::task::spawn_blocking(move || work(&this, &scene))
            .await
            .map_err(|stopped| FetchError::Disk(io::Error::other(stopped)))?
    }

    fn prepare(&self, scene: &SceneManifest) -> Result<Vec<SceneFile>, FetchError> {
        let missing = self.missing(scene);
        let needed = missing.iter().map(|file| self.still_to_come(file)).sum();
        self.make_room(needed)?;
        Ok(missing)
    }

    fn assemble(&self, scene: &SceneManifest) -> Result<(), FetchError> {
        let dir = self.scene_dir(scene.content);
        disk::assemble(scene, &dir, |hash| self.blob_path(hash)).map_err(FetchError::disk)
    }

    /// One file for every blob that is not here.
    fn missing(&self, scene: &SceneManifest) -> Vec<SceneFile> {
        let mut files = scene.files.clone();
        files.sort_by_key(|file| file.blob);
        files.dedup_by_key(|file| file.blob);
        files.retain(|file| !self.blob_path(file.blob).exists());
        files
    }

    fn still_to_come(&self, file: &SceneFile) -> u64 {
        let part = part_path(&self.blob_path(file.blob));
        let here = fs::metadata(part).map_or(0, |metadata| metadata.len());
        file.size_bytes.saturating_sub(here)
    }

    async fn fetch_blob(
        &self,
        file: &SceneFile,
        claim: &tokio::sync::Mutex<()>,
        from: &Coordinator,
    ) -> Result<(), FetchError> {
        let _alone = claim.lock().await;
        let blob = self.blob_path(file.blob);
        if blob.exists() {
            return Ok(());
        }
        let part = part_path(&blob);
        // A part that an earlier start left may be damaged; from the start it cannot be.
        let is_resumed = part.exists();
        let mut result = receive(file, &part, from).await;
        if is_resumed && matches!(result, Err(FetchError::Damaged { .. })) {
            result = receive(file, &part, from).await;
        }
        if matches!(result, Err(FetchError::DiskFull)) {
            // It would keep a full disk full, and cannot go on before there is room again.
            tokio::fs::remove_file(&part).await.ok();
        }
        result?;
        disk::seal(&part, &blob).map_err(FetchError::disk)
    }
}

fn part_path(blob: &Path) -> PathBuf {
    blob.with_extension("part")
}

/// Completes the part and checks it. What turns out damaged is removed.
async fn receive(file: &SceneFile, part: &Path, from: &Coordinator) -> Result<(), FetchError> {
    let mut hasher = blake3::Hasher::new();
    let mut options = tokio::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut to = options.open(part).await.map_err(FetchError::disk)?;
    let mut here = hash_start(&mut to, &mut hasher)
        .await
        .map_err(FetchError::disk)?;
    if here < file.size_bytes {
        let mut download = from
            .blob_get(file.blob, here)
            .await
            .map_err(|error| call(file, error))?;
        if download.offset != here {
            to = options
                .truncate(true)
                .open(part)
                .await
                .map_err(FetchError::disk)?;
            hasher.reset();
            here = 0;
        }
        while let Some(bytes) = download.chunk().await.map_err(FetchError::Call)? {
            here += bytes.len() as u64;
            if here > file.size_bytes {
                break;
            }
            hasher.update(&bytes);
            to.write_all(&bytes).await.map_err(FetchError::disk)?;
        }
    }
    to.flush().await.map_err(FetchError::disk)?;
    let hash = BlobHash::from_bytes(*hasher.finalize().as_bytes());
    if here == file.size_bytes && hash == file.blob {
        return Ok(());
    }
    tokio::fs::remove_file(part)
        .await
        .map_err(FetchError::disk)?;
    Err(FetchError::Damaged {
        path: file.path.clone(),
    })
}

/// Hashes what is already there and stands at its end.
async fn hash_start(file: &mut tokio::fs::File, hasher: &mut blake3::Hasher) -> io::Result<u64> {
    let mut buffer = vec![0; 256 * 1024];
    let mut length = 0;
    loop {
        let count = file.read(&mut buffer).await?;
        if count == 0 {
            return Ok(length);
        }
        hasher.update(&buffer[..count]);
        length += count as u64;
    }
}

fn call(file: &SceneFile, error: CallError) -> FetchError {
    match error.problem() {
        Some(ProblemKind::NotFound) => FetchError::Gone {
            path: file.path.clone(),
        },
        _ => FetchError::Call(error),
    }
}
