//! An uploaded blob becomes a scene: unpacked if it is a zip, read without Blender, stored as a manifest
//! of blobs.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use pictor_protocol::agent::{SceneFile, SceneManifest};
use pictor_protocol::blender::Series;
use pictor_protocol::scene::{Dependency, NewScene, Scene, SceneInFile};
use pictor_protocol::{BlobHash, SceneId, UserId};
use uuid::Uuid;

use super::JobError;
use super::scene::zip::{self, ZipError, ZipLimits};
use super::scene::{
    self, BlenderScene, Compression, Extent, Location, SceneError, SceneFacts, Warning,
};
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

    let _promised = app.blob_gate.read().await;
    let taken = read_in_background(app, new.blob, size).await?;
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

/// A scene that was read and whose files are blobs.
struct Taken {
    manifest: SceneManifest,
    facts: pictor_protocol::scene::SceneFacts,
}

async fn read_in_background(app: &App, blob: BlobHash, size: u64) -> Result<Taken, JobError> {
    let blobs = Arc::clone(&app.blobs);
    // A scene may be larger unpacked than on its way, but not without end.
    let total_bytes = app.config.scene_bytes_max.saturating_mul(4);
    let limits = ZipLimits {
        total_bytes,
        ..ZipLimits::default()
    };
    match tokio::task::spawn_blocking(move || read(&blobs, blob, size, &limits)).await {
        Ok(taken) => taken,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn read(blobs: &Blobs, blob: BlobHash, size: u64, limits: &ZipLimits) -> Result<Taken, JobError> {
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
        return Ok(taken(facts, main, files));
    }
    let scratch = tempfile::tempdir_in(blobs.scratch()).map_err(unreadable)?;
    let unpacked = zip::unpack(upload, scratch.path(), limits).map_err(bad_zip)?;
    let facts = scene::read(&scratch.path().join(&unpacked.main)).map_err(bad_scene)?;
    let mut files = Vec::with_capacity(unpacked.files.len());
    for file in unpacked.files {
        let (blob, size_bytes) = blobs.put_file(&scratch.path().join(&file.path))?;
        files.push(SceneFile {
            path: file.path,
            blob,
            size_bytes,
        });
    }
    Ok(taken(facts, unpacked.main, files))
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

/// The facts as creators see them, with what the scene brings along marked as found.
fn to_wire(
    facts: SceneFacts,
    main: &str,
    files: &[SceneFile],
) -> pictor_protocol::scene::SceneFacts {
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let dependencies: Vec<_> = facts
        .dependencies
        .iter()
        .map(|found| dependency(found, folder, files))
        .collect();
    let mut warnings: Vec<String> = facts.warnings.iter().map(warning).collect();
    let missing = dependencies
        .iter()
        .filter(|dependency| !dependency.found)
        .count();
    if missing > 0 {
        warnings.push(format!(
            "{missing} files that the scene refers to are not part of the upload: pack them into the .blend, \
             or send a .zip with them"
        ));
    }
    let scenes: Vec<_> = facts.scenes.iter().map(scene_in_file).collect();
    for scene in facts.scenes.iter().filter(|scene| scene.is_video) {
        warnings.push(format!(
            "scene {:?} is set to a video format: its frames come as PNG",
            scene.name
        ));
    }
    pictor_protocol::scene::SceneFacts {
        blender: Series::new(facts.version.major, facts.version.minor),
        compressed: facts.compression != Compression::None,
        active_scene: facts
            .active_scene
            .or_else(|| scenes.first().map(|scene| scene.name.clone()))
            .unwrap_or_default(),
        scenes,
        dependencies,
        warnings,
    }
}

fn scene_in_file(scene: &BlenderScene) -> SceneInFile {
    let pixels = |number: i32| u32::try_from(number).unwrap_or(0);
    SceneInFile {
        name: scene.name.clone(),
        frame_start: scene.frame_start,
        frame_end: scene.frame_end,
        frame_step: scene.frame_step,
        engine: scene.engine.clone(),
        width: pixels(scene.resolution_x),
        height: pixels(scene.resolution_y),
        percentage: pixels(scene.resolution_percentage),
        format: scene.format.clone(),
        has_camera: scene.has_camera,
    }
}

fn dependency(found: &scene::Dependency, folder: &str, files: &[SceneFile]) -> Dependency {
    let kind = serde_json::to_value(found.kind)
        .ok()
        .and_then(|kind| kind.as_str().map(str::to_owned));
    Dependency {
        path: found.path.clone(),
        kind: kind.unwrap_or_default(),
        found: match &found.location {
            Location::Beside(path) => is_there(path, folder, found.extent, files),
            Location::Elsewhere => false,
        },
    }
}

/// Whether a path beside the main .blend is among the files. A sequence, a set of tiles and a folder are
/// there if anything of theirs is.
fn is_there(path: &str, folder: &str, extent: Extent, files: &[SceneFile]) -> bool {
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in path.split('/') {
        match step {
            ".." => {
                if steps.pop().is_none() {
                    return false;
                }
            }
            step => steps.push(step),
        }
    }
    let path = steps.join("/");
    match extent {
        Extent::File => files.iter().any(|file| file.path == path),
        Extent::Folder => files
            .iter()
            .any(|file| file.path.starts_with(&format!("{path}/"))),
        Extent::Sequence | Extent::Tiles => {
            let stem = path
                .trim_end_matches(|c| c != '/' && c != '.')
                .trim_end_matches('.');
            let stem = stem
                .split("<UD")
                .next()
                .unwrap_or(stem)
                .trim_end_matches(|c: char| c.is_ascii_digit());
            files.iter().any(|file| file.path.starts_with(stem))
        }
    }
}

fn warning(warning: &Warning) -> String {
    match warning {
        Warning::AbsolutePath { path } => {
            format!(
                "{path:?} is a path on the creator's machine: pack the file, or make the path relative"
            )
        }
        Warning::UnreadablePath { path } => format!("{path:?} is a path in an unknown encoding"),
        Warning::DiskCache => {
            "physics is cached on disk: send a .zip with the blendcache folder beside the .blend"
                .into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_from_the_folder_of_the_main_file() {
        let files = files(&[
            "shots/a.blend",
            "tex/wood.png",
            "shots/seq/f_0007.exr",
            "shots/sim/x/y.vdb",
        ]);
        let there = |path: &str, extent| is_there(path, "shots", extent, &files);
        assert!(there("../tex/wood.png", Extent::File));
        assert!(!there("tex/wood.png", Extent::File));
        assert!(
            !there("../../tex/wood.png", Extent::File),
            "outside of the scene"
        );
        assert!(there("seq/f_0001.exr", Extent::Sequence));
        assert!(there("sim", Extent::Folder));
        assert!(!there("si", Extent::Folder));
    }

    #[test]
    fn the_content_of_a_scene_does_not_depend_on_the_order_of_its_files() {
        let facts = || SceneFacts {
            version: scene::BlenderVersion {
                major: 4,
                minor: 5,
                subversion: None,
            },
            compression: Compression::None,
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

    fn files(paths: &[&str]) -> Vec<SceneFile> {
        let blob = BlobHash::from_bytes([0; 32]);
        paths
            .iter()
            .map(|path| SceneFile {
                path: (*path).into(),
                blob,
                size_bytes: 1,
            })
            .collect()
    }
}
