//! The scene reader against Blender itself, on the files every runtime ships and on files that
//! `judge.py` makes. `$PICTOR_MORE_SCENES` may name a folder of further files for the newest runtime
//! to judge.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use pictor_coordinator::jobs::scene::{self, BlenderScene, Border, SceneFacts, Views, Warning};
use serde::Deserialize;

use crate::runtimes;

#[test]
fn blender_sees_the_same_version_and_scenes() {
    for (file, judged, facts) in verdicts() {
        let version = facts.version;
        let version = [version.major, version.minor, version.subversion.unwrap()];
        assert_eq!(version, judged.version, "{file}");
        assert_eq!(
            facts.active_scene.as_ref(),
            Some(&judged.active_scene),
            "{file}"
        );
        let scenes: BTreeMap<_, _> = facts.scenes.into_iter().map(named).collect();
        let expected: BTreeMap<_, _> = judged
            .scenes
            .clone()
            .into_iter()
            .map(|(name, scene)| (name, upgraded(scene)))
            .collect();
        assert_eq!(scenes, expected, "{file}");
    }
}

#[test]
fn blender_needs_the_same_files() {
    for (file, judged, facts) in verdicts() {
        let found: BTreeSet<Needed> = facts.dependencies.iter().map(needed).collect();
        assert_eq!(found, judged.dependencies, "{file}");
    }
}

#[test]
fn no_path_that_blender_lists_is_overlooked() {
    // Blender's list has the folder of an ocean that was never baked, and every frame of a strip.
    let unneeded = ["//caches/ocean", "//edit/seq/picture_0002.png"];
    for (file, judged, facts) in verdicts() {
        let found: BTreeSet<String> = facts
            .dependencies
            .iter()
            .map(|of| slashes(&of.path))
            .collect();
        let missed = judged.paths.difference(&found);
        let missed: Vec<_> = missed
            .filter(|path| !unneeded.contains(&path.as_str()))
            .collect();
        assert!(missed.is_empty(), "{file}: {missed:?}");
    }
}

#[test]
fn what_was_set_is_what_is_read() {
    for runtime in RUNTIMES.iter() {
        let facts = scene::read(&runtime.work.join("many-scenes.blend")).unwrap();
        assert_eq!(facts.active_scene.as_deref(), Some("Layers"));
        assert_eq!(facts.compression, scene::Compression::None);
        let still = facts
            .scenes
            .iter()
            .find(|scene| scene.name == "Still été")
            .unwrap();
        assert_eq!(
            (still.frame_start, still.frame_end, still.frame_step),
            (7, 7, 1)
        );
        assert_eq!(
            (still.engine.as_str(), still.format.as_str()),
            ("CYCLES", "OPEN_EXR")
        );
        let film = facts
            .scenes
            .iter()
            .find(|scene| scene.name == "Film")
            .unwrap();
        assert_eq!((film.frame_end, film.frame_step), (1_000_000, 5));
        assert!(film.is_video && film.has_camera);
        let layers = facts
            .scenes
            .iter()
            .find(|scene| scene.name == "Layers")
            .unwrap();
        assert_eq!((layers.resolution_x, layers.resolution_y), (64, 65));
        assert!(
            !layers.has_camera,
            "{}: the stray camera was not saved",
            runtime.version
        );
    }
}

#[test]
fn paths_of_the_creators_machine_are_warned_of() {
    for runtime in RUNTIMES.iter() {
        let facts = scene::read(&runtime.work.join("every-dependency.blend")).unwrap();
        assert_eq!(facts.compression, scene::Compression::Zstd);
        let path = "/home/artist/absolute.png".to_owned();
        assert!(facts.warnings.contains(&Warning::AbsolutePath { path }));
        assert!(!facts.warnings.contains(&Warning::DiskCache));
    }
}

static RUNTIMES: LazyLock<Vec<Runtime>> = LazyLock::new(judge_all);

/// What one installed Blender said.
struct Runtime {
    version: String,
    /// Holds the scenes it made.
    work: PathBuf,
    judged: Vec<Judged>,
}

#[derive(Debug, Deserialize)]
struct Judged {
    file: PathBuf,
    version: [u16; 3],
    active_scene: String,
    scenes: BTreeMap<String, Settings>,
    dependencies: BTreeSet<Needed>,
    paths: BTreeSet<String>,
}

/// A scene without its name, so that both sides can be compared whole.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Settings {
    frame_start: i32,
    frame_end: i32,
    frame_step: i32,
    engine: String,
    resolution_x: i32,
    resolution_y: i32,
    resolution_percentage: i32,
    fps: f64,
    format: String,
    is_video: bool,
    has_camera: bool,
    renders_without_camera: bool,
    border: Option<Border>,
    views: Views,
}

/// Kind, extent and path.
type Needed = (String, String, String);

fn verdicts() -> impl Iterator<Item = (String, &'static Judged, SceneFacts)> {
    RUNTIMES.iter().flat_map(|runtime| {
        runtime.judged.iter().map(|judged| {
            let file = format!("{} in Blender {}", judged.file.display(), runtime.version);
            let facts = scene::read(&judged.file);
            let facts = facts.unwrap_or_else(|error| panic!("{file}: {error}"));
            (file, judged, facts)
        })
    })
}

fn judge_all() -> Vec<Runtime> {
    let versions = runtimes::installed();
    let newest = versions.len() - 1;
    let each = versions.iter().enumerate();
    each.map(|(index, version)| judge(version, index == newest))
        .collect()
}

fn judge(version: &Path, is_newest: bool) -> Runtime {
    let mut files = Vec::new();
    find_scenes(version, &mut files);
    if let Some(more) = std::env::var_os("PICTOR_MORE_SCENES").filter(|_| is_newest) {
        find_scenes(Path::new(&more), &mut files);
    }
    assert!(
        !files.is_empty(),
        "{} holds no .blend file",
        version.display()
    );
    let name = runtimes::name(version);
    let work = runtimes::work_folder("real-scenes", &name);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/judge.py");
    let output = Command::new(runtimes::python(version))
        .arg(script)
        .arg(&work)
        .args(&files)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("judged "));
    let judged: Vec<Judged> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        output.status.success() && judged.len() > files.len(),
        "{} judged {} files: {}",
        version.display(),
        judged.len(),
        String::from_utf8_lossy(&output.stderr)
    );
    Runtime {
        version: name,
        work,
        judged,
    }
}

/// All .blend files below `folder`. Does not follow links, which Python environments are full of,
/// except for `folder` itself.
fn find_scenes(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            find_scenes(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "blend")
        {
            found.push(path);
        }
    }
}

fn named(scene: BlenderScene) -> (String, Settings) {
    let settings = Settings {
        frame_start: scene.frame_start,
        frame_end: scene.frame_end,
        frame_step: scene.frame_step,
        engine: scene.engine,
        resolution_x: scene.resolution_x,
        resolution_y: scene.resolution_y,
        resolution_percentage: scene.resolution_percentage,
        fps: scene.fps.unwrap(),
        format: scene.format,
        is_video: scene.is_video,
        has_camera: scene.has_camera,
        renders_without_camera: scene.renders_without_camera,
        border: scene.border,
        views: scene.views,
    };
    (scene.name, upgraded(settings))
}

/// Blender renames engines of older versions as it opens their files: EEVEE was `BLENDER_EEVEE` up
/// to 4.1 and is again from 5.0, and the old internal renderer becomes EEVEE.
fn upgraded(settings: Settings) -> Settings {
    let is_eevee = ["BLENDER_EEVEE_NEXT", "BLENDER_RENDER", "BLENDER_GAME"]
        .contains(&settings.engine.as_str());
    let engine = if is_eevee {
        "BLENDER_EEVEE".to_owned()
    } else {
        settings.engine
    };
    // Python's floats come from the same two numbers by one more rounding.
    let fps = (settings.fps * 1e5).round() / 1e5;
    Settings {
        engine,
        fps,
        ..settings
    }
}

fn needed(dependency: &scene::Dependency) -> Needed {
    let text = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    (
        text(serde_json::to_value(dependency.kind).unwrap()),
        text(serde_json::to_value(dependency.extent).unwrap()),
        slashes(&dependency.path),
    )
}

/// Blender turns the separators of Windows as it opens a file; the facts keep what is stored.
fn slashes(path: &str) -> String {
    if path.starts_with("//") {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    }
}
