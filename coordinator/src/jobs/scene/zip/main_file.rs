//! Finds the .blend that is to be rendered among the files of a zip.

use super::ZipError;

/// The only .blend at the shallowest level that has one. Deeper ones are libraries.
pub(super) fn find<'a>(paths: impl Iterator<Item = &'a str>) -> Result<String, ZipError> {
    let scenes = paths.filter(|path| has_extension(path, "blend"));
    let mut candidates: Vec<&str> = Vec::new();
    for path in scenes {
        let shallowest = candidates.first().map_or(usize::MAX, |first| depth(first));
        if depth(path) < shallowest {
            candidates.clear();
        }
        if depth(path) <= shallowest {
            candidates.push(path);
        }
    }
    match candidates.as_slice() {
        [] => Err(ZipError::NoScene),
        [only] => Ok((*only).to_owned()),
        [..] => {
            // A message, not a listing.
            let shown = candidates.iter().take(10);
            let candidates = shown.map(|path| (*path).to_owned()).collect();
            Err(ZipError::SeveralScenes { candidates })
        }
    }
}

/// Files that systems and Blender leave behind and no render needs.
pub(super) fn is_litter(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|part| part == "__MACOSX")
        || matches!(name, ".DS_Store" | "Thumbs.db" | "desktop.ini")
        || is_backup(name)
}

/// `scene.blend1`, `scene.blend2` …: what Blender keeps of earlier saves.
fn is_backup(name: &str) -> bool {
    let number = name.rsplit_once(".blend").map(|(_, number)| number);
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn has_extension(path: &str, extension: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let found = name.rsplit_once('.').map(|(_, found)| found);
    found.is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn depth(path: &str) -> usize {
    path.matches('/').count()
}
