//! An uploaded blob becomes a scene: unpacked if it is a zip, read without Blender, stored as a manifest
//! of blobs.

pub mod whole;
mod wire;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use pictor_protocol::agent::{SceneFile, SceneManifest};
use pictor_protocol::scene::{NewScene, Scene};
use pictor_protocol::{BlobHash, SceneId, UserId};
use tempfile::TempDir;
use uuid::Uuid;

pub use self::wire::to_wire;
use super::JobError;
use super::scene::zip::{self, ZipError, ZipLimits};
use super::scene::{self, SceneError, SceneFacts};
use crate::app::App;
use crate::blobs::{BlobError, Blobs};
use crate::store::blobs::{self, Holder};
use crate::store::column::Json;
use crate::store::scenes::{self, SceneRow};

/// Longest name that is kept of a scene, in characters.
const NAME_CHARS_MAX: usize = 200;

/// Makes a scene of a blob that its creator has uploaded.
pub async fn take_in(app: &App, owner: UserId, new: &NewScene) -> Result<Scene, JobError> {
    let mut tx = app.store.read().await?;
    let size = blobs::held(&mut tx, Holder::User(owner), new.blob).await?;
    drop(tx);
    let size = size.ok_or(JobError::NotFound("uploaded blob"))?;

    let unpacked = in_background(app, new.blob, size).await?;
    // Not before all of it is unpacked: that may take minutes, and whoever removes unneeded blobs would wait for it,
    // and everybody else behind them.
    let _promised = app.blob_gate.read().await;
    let mut tx = app.store.read().await?;
    if blobs::held(&mut tx, Holder::User(owner), new.blob)
        .await?
        .is_none()
    {
        return Err(JobError::NotFound("uploaded blob"));
    }
    drop(tx);
    let taken = keep(app, unpacked).await?;
    let now_us = app.now_us();
    let name: String = new
        .name
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARS_MAX)
        .collect();
    let row = SceneRow {
        id: SceneId::new(Uuid::now_v7()),
        name: if name.trim().is_empty() {
            taken.manifest.main.clone()
        } else {
            name
        },
        size_bytes: taken
            .manifest
            .files
            .iter()
            .map(|file| file.size_bytes as i64)
            .sum(),
        manifest: Json(taken.manifest),
        facts: Json(taken.facts),
        created_us: now_us,
    };
    let mut tx = app.store.write().await?;
    for file in &row.manifest.0.files {
        blobs::insert(&mut tx, file.blob, file.size_bytes, now_us).await?;
        blobs::hold(&mut tx, Holder::Scene(row.id), file.blob, None).await?;
    }
    scenes::insert(&mut tx, owner, &row).await?;
    tx.commit().await?;
    tracing::info!(scene.id = %row.id, files = row.manifest.0.files.len(), "scene taken in");
    Ok(row.into())
}

/// A scene that was read.
struct Taken {
    manifest: SceneManifest,
    facts: pictor_protocol::scene::SceneFacts,
}

/// A scene whose files still lie in a folder, or are the upload itself.
struct InFolder {
    taken: Taken,
    folder: Option<TempDir>,
}

async fn in_background(app: &App, blob: BlobHash, size: u64) -> Result<InFolder, JobError> {
    // Each may take a core for minutes, and the disk four times over.
    let _place = app.unpacking.acquire().await;
    let blobs = Arc::clone(&app.blobs);
    // A scene may be larger unpacked than on its way, but not without end.
    let total_bytes = app.config.scene_bytes_max.saturating_mul(4);
    let limits = ZipLimits {
        total_bytes,
        ..ZipLimits::default()
    };
    blocking(move || read(&blobs, blob, size, &limits)).await
}

/// Makes blobs of the files of a scene.
async fn keep(app: &App, scene: InFolder) -> Result<Taken, JobError> {
    let blobs = Arc::clone(&app.blobs);
    blocking(move || {
        let InFolder { taken, folder } = scene;
        if let Some(folder) = folder {
            let files = taken.manifest.files.iter();
            blobs.put_files(files.map(|file| (folder.path().join(&file.path), file.blob)))?;
        }
        Ok(taken)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JobError> + Send + 'static,
) -> Result<T, JobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn read(
    blobs: &Blobs,
    blob: BlobHash,
    size: u64,
    limits: &ZipLimits,
) -> Result<InFolder, JobError> {
    let path = blobs.path(blob);
    let unreadable =
        |error: io::Error| JobError::BadScene(format!("it could not be read: {error}"));
    let mut upload = File::open(&path).map_err(unreadable)?;
    if !is_zip(&mut upload).map_err(unreadable)? {
        let facts = scene::read(&path).map_err(bad_scene)?;
        let main = "scene.blend".to_owned();
        let files = vec![SceneFile {
            path: main.clone(),
            blob,
            size_bytes: size,
        }];
        return Ok(InFolder {
            taken: taken(facts, main, files),
            folder: None,
        });
    }
    let folder = tempfile::tempdir_in(blobs.scratch()).map_err(unreadable)?;
    let unpacked = zip::unpack(upload, folder.path(), limits).map_err(bad_zip)?;
    let facts = scene::read(&folder.path().join(&unpacked.main)).map_err(bad_scene)?;
    let mut files = Vec::with_capacity(unpacked.files.len());
    for file in unpacked.files {
        let (blob, size_bytes) = blobs.prepare_file(&folder.path().join(&file.path))?;
        files.push(SceneFile {
            path: file.path,
            blob,
            size_bytes,
        });
    }
    Ok(InFolder {
        taken: taken(facts, unpacked.main, files),
        folder: Some(folder),
    })
}

fn is_zip(upload: &mut File) -> io::Result<bool> {
    let mut magic = Vec::with_capacity(4);
    upload.by_ref().take(4).read_to_end(&mut magic)?;
    upload.rewind()?;
    Ok(magic == b"PK\x03\x04" || magic == b"PK\x05\x06")
}

fn taken(facts: SceneFacts, main: String, mut files: Vec<SceneFile>) -> Taken {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut content = blake3::Hasher::new();
    for file in &files {
        content
            .update(file.blob.to_string().as_bytes())
            .update(file.path.as_bytes())
            .update(b"\0");
    }
    content.update(main.as_bytes());
    let content = BlobHash::from_bytes(content.finalize().into());
    let facts = to_wire(facts, &main, &files);
    Taken {
        manifest: SceneManifest {
            content,
            main,
            files,
        },
        facts,
    }
}

fn bad_zip(error: ZipError) -> JobError {
    if let ZipError::Write { source, .. } = &error
        && source.kind() == io::ErrorKind::StorageFull
    {
        return JobError::Blobs(BlobError::Full);
    }
    JobError::BadScene(error.to_string())
}

fn bad_scene(error: SceneError) -> JobError {
    JobError::BadScene(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::wire::tests::files;
    use super::*;

    #[test]
    fn the_content_of_a_scene_does_not_depend_on_the_order_of_its_files() {
        let facts = || SceneFacts {
            version: scene::BlenderVersion {
                major: 4,
                minor: 5,
                subversion: None,
            },
            compression: scene::Compression::None,
            active_scene: None,
            scenes: Vec::new(),
            dependencies: Vec::new(),
            warnings: Vec::new(),
        };
        let one = taken(facts(), "a".into(), files(&["a", "b"]));
        let other = taken(facts(), "a".into(), files(&["b", "a"]));
        let third = taken(facts(), "b".into(), files(&["b", "a"]));
        assert_eq!(one.manifest.content, other.manifest.content);
        assert_ne!(one.manifest.content, third.manifest.content);
    }
}
