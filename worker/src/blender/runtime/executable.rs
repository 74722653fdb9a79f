//! Blender as a program: an official tarball, or one that is on the machine already.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::install::{InstallError, remove, run};
use super::{Kind, Note};

/// Unpacks an official tarball into `into`, which is made new, and finds the program in it.
pub fn unpack(
    tarball: &Path,
    into: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, InstallError> {
    remove(into)?;
    std::fs::create_dir_all(into).map_err(|source| InstallError::Write {
        path: into.into(),
        source,
    })?;
    say(&format!("unpacking {}", tarball.display()));
    run(Command::new("tar")
        .arg("-xf")
        .arg(tarball)
        .arg("-C")
        .arg(into)
        .arg("--no-same-owner"))?;
    let entries = std::fs::read_dir(into).map_err(|source| InstallError::Write {
        path: into.into(),
        source,
    })?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|dir| dir.join("blender").is_file())
        .ok_or_else(|| InstallError::NoProgramInside {
            tarball: tarball.into(),
        })
}

/// Compares a file with the digest that its publisher gives.
pub fn verify(file: &Path, sha256: &str) -> Result<(), InstallError> {
    let printed = run(Command::new("sha256sum").arg("--").arg(file))?;
    // A name with a backslash or a newline makes the line begin with a backslash.
    let found = printed
        .trim_start_matches('\\')
        .split_whitespace()
        .next()
        .unwrap_or_default();
    if found.eq_ignore_ascii_case(sha256.trim()) {
        Ok(())
    } else {
        Err(InstallError::WrongHash {
            path: file.into(),
            found: found.into(),
            expected: sha256.trim().into(),
        })
    }
}

/// What a `blender` program says of itself.
pub fn note(program: &Path, recorded_as: &Path) -> Result<Note, InstallError> {
    let printed = run(Command::new(program).arg("--version"))?;
    let version = printed
        .lines()
        .find_map(|line| line.strip_prefix("Blender "))
        .map(str::trim)
        .filter(|version| version.parse::<super::Series>().is_ok())
        .ok_or_else(|| InstallError::NotBlender {
            program: program.into(),
        })?;
    Ok(Note {
        version: version.into(),
        kind: Kind::Executable,
        program: recorded_as.into(),
    })
}
