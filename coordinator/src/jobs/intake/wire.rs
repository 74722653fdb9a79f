//! What was read of a scene in the words of the wire, with sentences for its creator.

use pictor_protocol::agent::SceneFile;
use pictor_protocol::blender::Series;
use pictor_protocol::scene::{self as wire, Dependency, SceneInFile};

use super::super::scene::{
    self, BlenderScene, Compression, Extent, Location, SceneFacts, Views, Warning,
};

/// The facts as creators see them, with what the scene brings along marked as found.
pub fn to_wire(facts: SceneFacts, main: &str, files: &[SceneFile]) -> wire::SceneFacts {
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let dependencies: Vec<_> = facts
        .dependencies
        .iter()
        .map(|found| dependency(found, folder, files))
        .collect();
    let mut warnings: Vec<String> = facts.warnings.iter().map(warning).collect();
    let extents = facts.dependencies.iter().map(|of| of.extent);
    warnings.extend(missing(extents.zip(dependencies.iter().map(|of| of.found))));
    let scenes: Vec<_> = facts.scenes.iter().map(scene_in_file).collect();
    for scene in facts.scenes.iter().filter(|scene| scene.is_video) {
        warnings.push(format!(
            "scene {:?} is set to a video format: its frames come as PNG",
            scene.name
        ));
    }
    wire::SceneFacts {
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

/// What to say of dependencies that are not among the files. A folder is a cache: whether anything was
/// baked into it cannot be told from the .blend, and every fluid domain names one.
fn missing(dependencies: impl Iterator<Item = (Extent, bool)>) -> Vec<String> {
    let missing = dependencies.filter(|(_, found)| !found);
    let (folders, files): (Vec<_>, Vec<_>) =
        missing.partition(|(extent, _)| *extent == Extent::Folder);
    let mut warnings = Vec::new();
    if !files.is_empty() {
        let (what, verb, them) = counted(files.len(), "file", "files");
        warnings.push(format!(
            "{what} that the scene refers to {verb} not part of the upload: pack {them} into the .blend, \
             or send a .zip with {them}"
        ));
    }
    if !folders.is_empty() {
        let (what, verb, them) = counted(folders.len(), "cache folder", "cache folders");
        warnings.push(format!(
            "{what} that the scene names {verb} not part of the upload, which matters only if something \
             was baked: then send a .zip with {them}"
        ));
    }
    warnings
}

/// `1 file`, `is`, `it`, or `2 files`, `are`, `them`.
fn counted(count: usize, one: &str, many: &str) -> (String, &'static str, &'static str) {
    match count {
        1 => (format!("1 {one}"), "is", "it"),
        _ => (format!("{count} {many}"), "are", "them"),
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
        renders_without_camera: scene.renders_without_camera,
        border: scene.border.map(|border| wire::Border {
            min_x: border.min_x,
            max_x: border.max_x,
            min_y: border.min_y,
            max_y: border.max_y,
        }),
        views: views(scene.views),
    }
}

fn views(views: Views) -> wire::Views {
    match views {
        Views::One => wire::Views::One,
        Views::Merged => wire::Views::Merged,
        Views::SideBySide => wire::Views::SideBySide,
        Views::TopBottom => wire::Views::TopBottom,
        Views::OpenExr => wire::Views::OpenExr,
        Views::FileEach => wire::Views::FileEach,
        Views::HalfStereo => wire::Views::HalfStereo,
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
pub(super) mod tests {
    use pictor_protocol::BlobHash;

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
    fn a_missing_cache_is_said_more_softly_than_a_missing_file() {
        let say = |dependencies: &[(Extent, bool)]| missing(dependencies.iter().copied());
        assert_eq!(
            say(&[(Extent::File, true), (Extent::Folder, true)]),
            [""; 0]
        );
        let said = say(&[
            (Extent::File, false),
            (Extent::Folder, false),
            (Extent::Tiles, false),
        ]);
        let [files, folders] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert!(files.starts_with("2 files that"), "{files}");
        assert!(
            folders.starts_with("1 cache folder that") && folders.contains("only if"),
            "{folders}"
        );
    }

    pub fn files(paths: &[&str]) -> Vec<SceneFile> {
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
