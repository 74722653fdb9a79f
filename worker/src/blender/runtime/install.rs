//! Installing and adopting: one at a time per directory, whole or not at all, again without effect.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Note, Runtime, Runtimes, Series, executable, module, read_note};

/// System libraries that Blender loads, by their Debian and Ubuntu packages; the images install the same.
const LIBRARIES: &str = include_str!("../../../../install/blender-libraries.txt");

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(
        "Blender {series} is not among those that can be installed ({}); give an official tarball, or adopt a blender that is on this machine",
        super::INSTALLABLE.map(|series| series.to_string()).join(", ")
    )]
    NotInstallable { series: Series },
    #[error(
        "Blender as a module needs Python 3.11 with venv: apt-get install python3.11 python3.11-venv"
    )]
    NoPython,
    #[error(
        "{library} is missing; on Debian and Ubuntu: apt-get install {}",
        packages()
    )]
    LibraryMissing { library: String },
    #[error("{program} is missing")]
    ProgramMissing { program: String },
    #[error("{program} failed with {status}:\n{printed}")]
    Failed {
        program: String,
        status: std::process::ExitStatus,
        printed: String,
    },
    #[error("{} is not Blender", program.display())]
    NotBlender { program: PathBuf },
    #[error("there is no blender in {}", tarball.display())]
    NoProgramInside { tarball: PathBuf },
    #[error("{} has the SHA-256 {found}, expected was {expected}", path.display())]
    WrongHash {
        path: PathBuf,
        found: String,
        expected: String,
    },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// A runtime, and whether anything had to be done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    New(Runtime),
    Already(Runtime),
}

impl Installed {
    pub fn runtime(&self) -> &Runtime {
        match self {
            Self::New(runtime) | Self::Already(runtime) => runtime,
        }
    }
}

impl Runtimes {
    /// Installs a series as a Python module. `say` hears of each step: it takes about half a minute.
    pub fn install(
        &self,
        series: Series,
        say: &mut dyn FnMut(&str),
    ) -> Result<Installed, InstallError> {
        let name = series.to_string();
        let there = || self.dirs().find_map(|dir| read_note(&dir.join(&name)));
        if let Some(runtime) = there() {
            return Ok(Installed::Already(runtime));
        }
        let _lock = self.lock(say)?;
        // Whoever had the lock may have installed it.
        if let Some(runtime) = there() {
            return Ok(Installed::Already(runtime));
        }
        let dir = self.dir.join(&name);
        let note = module::install(series, &dir, say)?;
        self.record(&dir, &note)
    }

    /// Installs an official `blender-X.Y.Z-linux-x64.tar.xz`.
    pub fn install_tarball(
        &self,
        tarball: &Path,
        sha256: Option<&str>,
        say: &mut dyn FnMut(&str),
    ) -> Result<Installed, InstallError> {
        let _lock = self.lock(say)?;
        if let Some(sha256) = sha256 {
            say(&format!("checking {}", tarball.display()));
            executable::verify(tarball, sha256)?;
        }
        let unpacked = self.dir.join(".unpacking");
        let inside = executable::unpack(tarball, &unpacked, say)?;
        let program = Path::new("blender");
        let note = executable::note(&inside.join(program), program)?;
        let dir = self.dir.join(format!("blender-{}", number(&note.version)));
        let result = match read_note(&dir) {
            Some(runtime) => Ok(Installed::Already(runtime)),
            None => {
                remove(&dir)?;
                fs::rename(inside, &dir).map_err(|source| InstallError::Write {
                    path: dir.clone(),
                    source,
                })?;
                self.record(&dir, &note)
            }
        };
        remove(&unpacked)?;
        result
    }

    /// Takes in a `blender` that is on this machine; it stays where it is.
    pub fn adopt(
        &self,
        program: &Path,
        say: &mut dyn FnMut(&str),
    ) -> Result<Installed, InstallError> {
        let _lock = self.lock(say)?;
        let program = find_program(program)?;
        let note = executable::note(&program, &program)?;
        let dir = self.dir.join(format!("adopted-{}", number(&note.version)));
        match read_note(&dir) {
            Some(runtime) if runtime.program() == program => Ok(Installed::Already(runtime)),
            Some(_) | None => {
                fs::create_dir_all(&dir).map_err(|source| InstallError::Write {
                    path: dir.clone(),
                    source,
                })?;
                self.record(&dir, &note)
            }
        }
    }

    fn record(&self, dir: &Path, note: &Note) -> Result<Installed, InstallError> {
        let written = self.write_note(dir, note);
        written
            .map(Installed::New)
            .map_err(|source| InstallError::Write {
                path: dir.into(),
                source,
            })
    }

    /// Held until dropped, by one process at a time; the kernel lets go of it when the process dies.
    fn lock(&self, say: &mut dyn FnMut(&str)) -> Result<File, InstallError> {
        let path = self.dir.join(".lock");
        let mut lock = || {
            fs::create_dir_all(&self.dir)?;
            let file = File::options().create(true).append(true).open(&path)?;
            if file.try_lock().is_err() {
                say("waiting for another installation");
                file.lock()?;
            }
            Ok(file)
        };
        lock().map_err(|source| InstallError::Write {
            path: path.clone(),
            source,
        })
    }
}

/// A path as it is; a bare name as the shell would find it.
fn find_program(program: &Path) -> Result<PathBuf, InstallError> {
    let missing = || InstallError::ProgramMissing {
        program: program.display().to_string(),
    };
    let found = if program.components().count() > 1 {
        Some(program.to_owned())
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|dir| dir.join(program))
            .find(|file| file.is_file())
    };
    fs::canonicalize(found.ok_or_else(missing)?).map_err(|_| missing())
}

/// `4.5.15 LTS` without what follows the number.
fn number(version: &str) -> &str {
    version.split_whitespace().next().unwrap_or(version)
}

pub(super) fn remove(dir: &Path) -> Result<(), InstallError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(InstallError::Write {
            path: dir.into(),
            source: error,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Runs a program to its end. Answers with what it printed.
pub(super) fn run(command: &mut Command) -> Result<String, InstallError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|_| InstallError::ProgramMissing {
        program: program.clone(),
    })?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(
        missing_library(&complaint).unwrap_or_else(|| InstallError::Failed {
            program,
            status: output.status,
            printed: last_lines(&complaint, 12),
        }),
    )
}

/// `libXi.so.6: cannot open shared object file: No such file or directory`.
fn missing_library(complaint: &str) -> Option<InstallError> {
    let before = complaint.split(": cannot open shared object file").next()?;
    (before.len() < complaint.len()).then(|| InstallError::LibraryMissing {
        library: before.rsplit([' ', '\n']).next().unwrap_or_default().into(),
    })
}

/// As apt takes them.
fn packages() -> String {
    let lines = LIBRARIES.lines().map(str::trim);
    let packages: Vec<_> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    packages.join(" ")
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_with_what_to_install() {
        let complaint = "Traceback:\nImportError: libXi.so.6: cannot open shared object file: No such file or directory\n";
        let message = missing_library(complaint).unwrap().to_string();
        assert!(
            message.starts_with(
                "libXi.so.6 is missing; on Debian and Ubuntu: apt-get install libegl1 "
            ),
            "{message}"
        );
        assert!(message.ends_with(" libxxf86vm1"), "{message}");
        assert!(missing_library("another fault").is_none());
    }

    #[test]
    fn a_blender_on_the_machine_is_adopted_once() {
        let dir = tempfile::tempdir().unwrap();
        let runtimes = Runtimes::at(dir.path().join("runtimes"));
        let blender = fake_blender(dir.path());
        let first = runtimes.adopt(&blender, &mut |_| ()).unwrap();
        assert!(matches!(&first, Installed::New(runtime) if runtime.version == "4.5.3 LTS"));
        assert!(matches!(
            runtimes.adopt(&blender, &mut |_| ()),
            Ok(Installed::Already(_))
        ));
        assert_eq!(runtimes.list().unwrap(), [first.runtime().clone()]);
    }

    #[test]
    fn what_is_not_blender_is_not_adopted() {
        let dir = tempfile::tempdir().unwrap();
        let runtimes = Runtimes::at(dir.path());
        let adopt = |program: &str| runtimes.adopt(Path::new(program), &mut |_| ());
        assert!(matches!(
            adopt("echo"),
            Err(InstallError::NotBlender { .. })
        ));
        assert!(matches!(
            adopt("/no/blender"),
            Err(InstallError::ProgramMissing { .. })
        ));
        assert_eq!(runtimes.list().unwrap(), []);
    }

    #[test]
    fn a_tarball_is_unpacked_only_with_the_right_hash() {
        let dir = tempfile::tempdir().unwrap();
        let runtimes = Runtimes::at(dir.path().join("runtimes"));
        let top = dir.path().join("blender-4.5.3-linux-x64");
        fs::create_dir(&top).unwrap();
        fake_blender(&top);
        let tarball = dir.path().join("blender.tar.xz");
        run(Command::new("tar")
            .arg("-cJf")
            .arg(&tarball)
            .arg("-C")
            .arg(dir.path())
            .arg("blender-4.5.3-linux-x64"))
        .unwrap();
        let sum = run(Command::new("sha256sum").arg(&tarball)).unwrap();
        let sum = sum.split_whitespace().next().unwrap();

        let wrong = runtimes.install_tarball(&tarball, Some("00"), &mut |_| ());
        assert!(matches!(wrong, Err(InstallError::WrongHash { .. })));
        let installed = runtimes
            .install_tarball(&tarball, Some(sum), &mut |_| ())
            .unwrap();
        let program = runtimes.dir().join("blender-4.5.3/blender");
        assert_eq!(installed.runtime().program(), program);
        let again = runtimes.install_tarball(&tarball, None, &mut |_| ());
        assert!(matches!(again, Ok(Installed::Already(_))));
    }

    #[test]
    fn an_unknown_series_says_which_there_are() {
        let dir = tempfile::tempdir().unwrap();
        let error = Runtimes::at(dir.path())
            .install("2.79".parse().unwrap(), &mut |_| ())
            .unwrap_err();
        assert!(error.to_string().contains("4.2, 4.5, 5.0"), "{error}");
    }

    fn fake_blender(dir: &Path) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = dir.join("blender");
        fs::write(&path, "#!/bin/sh\necho 'Blender 4.5.3 LTS'\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}
