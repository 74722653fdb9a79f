//! The Blender runtimes of this machine: Python environments with `bpy`, one folder for each version,
//! in `$PICTOR_RUNTIMES`. Tests that need one fail without: agreement with Blender is what they are for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::{Path, PathBuf};

/// The folders of all runtimes, oldest first; never none.
pub fn installed() -> Vec<PathBuf> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    // `runtime.json` is written when the installation is complete; an adopted `blender` has no Python.
    let mut versions: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|runtime| runtime.join("runtime.json").exists() && python(runtime).exists())
        .collect();
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

/// An empty folder for one test and runtime, of this process alone; those of processes that are gone
/// are removed.
pub fn work_folder(test: &str, runtime: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&all).unwrap();
    for entry in std::fs::read_dir(&all).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.rsplit_once('-').map_or("", |(_, pid)| pid);
        if !Path::new("/proc").join(owner).exists() {
            // Another process may be at it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let work = all.join(format!("{runtime}-{}", std::process::id()));
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
