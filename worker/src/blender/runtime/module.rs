//! Blender as a Python module: a private environment, filled from pinned requirements.

use std::path::Path;
use std::process::Command;

use super::install::{InstallError, run};
use super::{Kind, Note, Series};

/// The Python that the wheels are made for.
const PYTHON: &str = "3.11";

pub const INSTALLABLE: [Series; 3] = [
    Series { major: 4, minor: 2 },
    Series { major: 4, minor: 5 },
    Series { major: 5, minor: 0 },
];

fn requirements(series: Series) -> Option<&'static str> {
    match (series.major, series.minor) {
        (4, 2) => Some(include_str!("../../../runtimes/bpy-4.2.txt")),
        (4, 5) => Some(include_str!("../../../runtimes/bpy-4.5.txt")),
        (5, 0) => Some(include_str!("../../../runtimes/bpy-5.0.txt")),
        _ => None,
    }
}

/// Makes the environment in `dir`, which may hold the rests of an earlier try.
pub fn install(
    series: Series,
    dir: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Note, InstallError> {
    let requirements = requirements(series).ok_or(InstallError::NotInstallable { series })?;
    let python = find_python()?;
    super::install::remove(dir)?;
    say(&format!("making a Python environment in {}", dir.display()));
    run(Command::new(python).args(["-m", "venv"]).arg(dir))?;
    let file = dir.join("requirements.txt");
    std::fs::write(&file, requirements).map_err(|source| InstallError::Write {
        path: file.clone(),
        source,
    })?;
    say(&format!(
        "downloading Blender {series}, about 350 MB, 1 GB on disk"
    ));
    let program = Path::new("bin/python");
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ];
    // The cache would hold 350 MB that nothing asks for again; --no-deps: what is not pinned stays out.
    let strict = [
        "--no-cache-dir",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "-r",
    ];
    run(Command::new(dir.join(program))
        .args(pip)
        .args(strict)
        .arg(file))?;
    say("trying it");
    let version = try_import(&dir.join(program))?;
    Ok(Note {
        version,
        kind: Kind::Module,
        program: program.into(),
    })
}

/// The version that Blender itself says; fails where the system lacks a library.
fn try_import(python: &Path) -> Result<String, InstallError> {
    // Blender prints on the same channel, and has crashed on its way out.
    const SCRIPT: &str =
        "import os, bpy; print('\\npictor:' + bpy.app.version_string, flush=True); os._exit(0)";
    let printed = run(Command::new(python).args(["-I", "-c", SCRIPT]))?;
    let version = printed
        .lines()
        .find_map(|line| line.strip_prefix("pictor:"));
    version
        .map(str::to_owned)
        .ok_or_else(|| InstallError::NotBlender {
            program: python.into(),
        })
}

/// Whether this machine has what installing takes.
pub fn is_possible() -> bool {
    find_python().is_ok()
}

/// A Python of the right version that can make environments.
fn find_python() -> Result<&'static str, InstallError> {
    const SCRIPT: &str = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";
    ["python3.11", "python3"]
        .into_iter()
        .find(|name| {
            run(Command::new(name).args(["-I", "-c", SCRIPT]))
                .is_ok_and(|version| version.trim() == PYTHON)
        })
        .ok_or(InstallError::NoPython)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_by_a_hash() {
        for series in INSTALLABLE {
            let text = requirements(series).unwrap();
            let pins = text.lines().filter(|line| line.contains("==")).count();
            let hashes = text
                .lines()
                .filter(|line| line.trim_start().starts_with("--hash=sha256:"))
                .count();
            assert!(pins > 0 && pins == hashes, "{series}");
            assert!(text.contains(&format!("bpy=={series}.")), "{series}");
            assert!(!text.contains("://"), "{series}");
        }
    }
}
