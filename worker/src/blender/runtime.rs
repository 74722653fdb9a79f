//! The Blender versions of this machine.
//!
//! ```text
//! <runtimes>/4.5/             a Python environment with Blender as a module (PyPI `bpy`)
//! <runtimes>/blender-4.5.3/   an unpacked official tarball
//! <runtimes>/adopted-3.4.1/   a note about an executable that is somewhere else
//! ```
//!
//! Each holds `runtime.json`, written last: a directory without it is an installation that did not
//! finish, and does not count. Must not know what is rendered with them.

mod executable;
mod install;
mod module;

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use install::{InstallError, Installed};
pub use pictor_protocol::blender::Series;

/// The series that can be installed from the package index, oldest first.
pub const INSTALLABLE: [Series; 3] = module::INSTALLABLE;

const NOTE: &str = "runtime.json";

/// How a Blender is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A Python in whose environment `import bpy` is Blender.
    Module,
    /// A `blender` program.
    Executable,
}

/// An installed Blender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    pub series: Series,
    /// As Blender says it: `4.5.15 LTS`.
    pub version: String,
    pub kind: Kind,
    program: PathBuf,
}

impl Runtime {
    /// The Python or the `blender` to run.
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// What is written into a runtime's directory.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    version: String,
    kind: Kind,
    /// Relative to the directory where it lies inside, so that all runtimes can be moved together.
    program: PathBuf,
}

/// Where runtimes are.
#[derive(Debug, Clone)]
pub struct Runtimes {
    /// Where new ones go.
    dir: PathBuf,
    /// Others that are used but never written to, such as those of a container's image.
    provided: Vec<PathBuf>,
}

impl Runtimes {
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            provided: Vec::new(),
        }
    }

    /// `PICTOR_RUNTIMES`, else `$XDG_DATA_HOME/pictor/runtimes`, else `~/.local/share/pictor/runtimes`.
    /// `PICTOR_RUNTIMES` may name several directories with colons between them; new ones go to the first.
    pub fn of_this_user() -> Self {
        let set = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let data = || {
            set("XDG_DATA_HOME").unwrap_or_else(|| {
                set("HOME")
                    .unwrap_or_else(|| "/".into())
                    .join(".local/share")
            })
        };
        let dirs = env::var_os("PICTOR_RUNTIMES").unwrap_or_default();
        let mut dirs = env::split_paths(&dirs).filter(|dir| !dir.as_os_str().is_empty());
        Self {
            dir: dirs
                .next()
                .unwrap_or_else(|| data().join("pictor/runtimes")),
            provided: dirs.collect(),
        }
    }

    /// Those of a worker whose config may name a directory of its own.
    pub fn of_config(dir: Option<&Path>) -> Self {
        dir.map_or_else(Self::of_this_user, Self::at)
    }

    /// As `PICTOR_RUNTIMES` names them.
    pub fn search_path(&self) -> OsString {
        env::join_paths(self.dirs()).unwrap_or_else(|_| self.dir.clone().into())
    }

    /// The series that can be installed and are not, oldest first; none without the Python that they need.
    pub fn installable(&self) -> Vec<Series> {
        let there = self.list().unwrap_or_default();
        let is_missing = |series: &Series| !there.iter().any(|it| it.series == *series);
        let missing: Vec<_> = INSTALLABLE.into_iter().filter(is_missing).collect();
        if missing.is_empty() || !module::is_possible() {
            return Vec::new();
        }
        missing
    }

    fn dirs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.dir).chain(&self.provided)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is installed and whole, oldest first. A runtime whose program is gone is left out.
    pub fn list(&self) -> io::Result<Vec<Runtime>> {
        let mut runtimes = Vec::new();
        for dir in self.dirs() {
            match std::fs::read_dir(dir) {
                Ok(entries) => runtimes.extend(
                    entries
                        .flatten()
                        .filter_map(|entry| read_note(&entry.path())),
                ),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        runtimes
            .sort_by(|one, other| (one.series, &one.version).cmp(&(other.series, &other.version)));
        Ok(runtimes)
    }

    fn write_note(&self, dir: &Path, note: &Note) -> io::Result<Runtime> {
        let text = serde_json::to_vec_pretty(note)?;
        let whole = dir.join(NOTE);
        let partial = dir.join("runtime.json.partial");
        std::fs::write(&partial, text)?;
        std::fs::rename(partial, whole)?;
        read_note(dir).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn read_note(dir: &Path) -> Option<Runtime> {
    let text = std::fs::read(dir.join(NOTE)).ok()?;
    let note: Note = serde_json::from_slice(&text).ok()?;
    let program = dir.join(&note.program);
    program.exists().then_some(Runtime {
        series: note.version.parse().ok()?,
        version: note.version,
        kind: note.kind,
        program,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_read_from_any_form_of_a_version() {
        let series = Series { major: 4, minor: 5 };
        for text in ["4.5", "4.5.15", "4.5.15 LTS"] {
            assert_eq!(text.parse(), Ok(series), "{text}");
        }
        for text in ["", "4", "four.5", "latest"] {
            assert!(text.parse::<Series>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_whole_runtimes_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let runtimes = Runtimes::at(dir.path());
        for (name, version) in [("b", "5.0.1"), ("a", "4.10.0"), ("c", "4.5.15 LTS")] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            let note = Note {
                version: version.into(),
                kind: Kind::Executable,
                program: "/bin/sh".into(),
            };
            runtimes.write_note(&dir.path().join(name), &note).unwrap();
        }
        std::fs::create_dir(dir.path().join("unfinished")).unwrap();
        let versions: Vec<_> = runtimes
            .list()
            .unwrap()
            .into_iter()
            .map(|it| it.version)
            .collect();
        assert_eq!(versions, ["4.5.15 LTS", "4.10.0", "5.0.1"]);
    }

    #[test]
    fn what_an_image_provides_counts_and_is_not_installed_again() {
        let (own, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(image.path().join("4.5")).unwrap();
        let note = Note {
            version: "4.5.15 LTS".into(),
            kind: Kind::Module,
            program: "/bin/sh".into(),
        };
        Runtimes::at(image.path())
            .write_note(&image.path().join("4.5"), &note)
            .unwrap();
        let runtimes = Runtimes {
            dir: own.path().join("none yet"),
            provided: vec![image.path().into()],
        };
        assert_eq!(runtimes.list().unwrap().len(), 1);
        let again = runtimes.install(Series::new(4, 5), &mut |step| panic!("{step}"));
        assert!(matches!(again, Ok(Installed::Already(_))), "{again:?}");
        assert!(!own.path().join("none yet/4.5").exists());
    }

    #[test]
    fn no_directory_is_no_runtime() {
        assert_eq!(Runtimes::at("/does/not/exist").list().unwrap(), []);
    }
}
