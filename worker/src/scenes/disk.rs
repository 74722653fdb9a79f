//! The cache's files: what is there, how much it takes, how it is put together and taken away.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::SceneManifest;

/// Extension of a directory that is still being put together.
const UNFINISHED: &str = "new";

/// Makes the directories, removes what is unfinished, and answers the scenes with their last use.
pub(super) fn prepare(cache: &Path) -> io::Result<HashMap<BlobHash, SystemTime>> {
    fs::create_dir_all(cache.join("blobs"))?;
    fs::create_dir_all(cache.join("scenes"))?;
    let mut whole = HashMap::new();
    for entry in fs::read_dir(cache.join("scenes"))? {
        let entry = entry?;
        match entry.file_name().to_string_lossy().parse() {
            Ok(content) => {
                let used = entry.metadata()?.modified()?;
                whole.insert(content, used);
            }
            Err(_) => fs::remove_dir_all(entry.path())?,
        }
    }
    Ok(whole)
}

/// Bytes on disk; a blob counts once, however many scenes link to it.
pub(super) fn used_bytes(cache: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(cache.join("blobs"))? {
        sum += entry?.metadata()?.len();
    }
    Ok(sum)
}

/// Puts a scene's directory together from blobs that are all here. It appears at once or not at all.
pub(super) fn assemble(
    scene: &SceneManifest,
    to: &Path,
    blob: impl Fn(BlobHash) -> PathBuf,
) -> io::Result<()> {
    let unfinished = to.with_extension(UNFINISHED);
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(&unfinished)?;
    for file in &scene.files {
        let path = unfinished.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::hard_link(blob(file.blob), &path)?;
    }
    fs::rename(&unfinished, to)
}

/// Makes a finished download a blob.
pub(super) fn seal(part: &Path, blob: &Path) -> io::Result<()> {
    fs::set_permissions(part, Permissions::from_mode(0o444))?;
    fs::rename(part, blob)
}

/// Removes every blob and part that no scene links to and nobody claims; answers how many.
pub(super) fn remove_unlinked(
    cache: &Path,
    is_claimed: impl Fn(BlobHash) -> bool,
) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(cache.join("blobs"))? {
        let entry = entry?;
        let path = entry.path();
        let hash = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        if entry.metadata()?.nlink() == 1 && !hash.is_some_and(&is_claimed) {
            fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Notes a use for the next start; in this one memory knows better.
pub(super) fn touch(scene: &Path, now: SystemTime) {
    if let Err(error) = File::open(scene).and_then(|dir| dir.set_modified(now)) {
        tracing::debug!(%error, "cannot note the use of a scene");
    }
}
