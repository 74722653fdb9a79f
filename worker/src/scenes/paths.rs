//! Which paths a manifest may name: relative, plain, and inside the scene's own directory.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use pictor_protocol::agent::SceneManifest;

/// Most file systems refuse longer names.
const NAME_BYTES_MAX: usize = 255;
const FILES_MAX: usize = 100_000;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadManifest {
    #[error("the scene has no file {0:?} to open")]
    NoMain(String),
    #[error("the scene names a file outside its directory: {0:?}")]
    Outside(String),
    #[error("the scene names the file {0:?} twice")]
    Twice(String),
    #[error("the scene has more than {FILES_MAX} files")]
    TooMany,
}

pub(super) fn check(scene: &SceneManifest) -> Result<(), BadManifest> {
    if scene.files.len() > FILES_MAX {
        return Err(BadManifest::TooMany);
    }
    let mut seen = BTreeSet::new();
    for file in &scene.files {
        if !is_inside(&file.path) {
            return Err(BadManifest::Outside(file.path.clone()));
        }
        if !seen.insert(file.path.as_str()) {
            return Err(BadManifest::Twice(file.path.clone()));
        }
    }
    if seen.contains(scene.main.as_str()) {
        Ok(())
    } else {
        Err(BadManifest::NoMain(scene.main.clone()))
    }
}

fn is_inside(path: &str) -> bool {
    let is_plain = |part: &str| {
        let mut components = Path::new(part).components();
        let is_name = matches!(components.next(), Some(Component::Normal(_)));
        is_name && components.next().is_none() && part.len() <= NAME_BYTES_MAX
    };
    // Split by hand: `components` would forgive `a//b` and `a/./b`, which nobody writes by accident.
    !path.contains('\0') && path.split('/').all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_inside() {
        for path in [
            "a.blend",
            "textures/wood.png",
            "a b/ü.png",
            "..a/b..",
            "back\\slash",
        ] {
            assert!(is_inside(path), "{path}");
        }
        let long = "x".repeat(256);
        for path in [
            "",
            "/etc/passwd",
            "..",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "a\0b",
            &long,
        ] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
