//! The Blender runtimes of this machine: Python environments with `bpy`, one folder for each version,
//! in `$PICTOR_RUNTIMES`. Tests that need one fail without: agreement with Blender is what they are for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};

/// The folders of all runtimes, oldest first; never none.
pub fn installed() -> Vec<PathBuf> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let versions = entries.filter(|entry| python(&entry.path()).exists());
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    versions.sort();
    assert!(
        !versions.is_empty(),
        "no Blender runtime in {}: install one there or set PICTOR_RUNTIMES",
        folder.display()
    );
    versions
}

pub fn python(runtime: &Path) -> PathBuf {
    runtime.join("bin/python")
}

/// `4.5`
pub fn name(runtime: &Path) -> String {
    runtime.file_name().unwrap().to_string_lossy().into_owned()
}

/// An empty folder for one test and runtime, which stays to be looked at until the next run.
pub fn work_folder(test: &str, runtime: &str) -> PathBuf {
    let work = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(test)
        .join(runtime);
    if work.exists() {
        std::fs::remove_dir_all(&work).unwrap();
    }
    std::fs::create_dir_all(&work).unwrap();
    work
}

pub fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("PICTOR_RUNTIMES") {
        return folder.into();
    }
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".local/share");
    data.unwrap_or_else(home).join("pictor/runtimes")
}
