//! `pictor-worker runtime …`: which Blender versions this machine has.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::print;
use crate::blender::runtime::{
    INSTALLABLE, InstallError, Installed, Kind, Runtime, Runtimes, Series,
};

#[derive(Debug, Subcommand)]
pub enum RuntimeCommand {
    /// Install a Blender version
    Install(Install),
    /// Show the installed Blender versions
    List {
        /// As JSON, for scripts
        #[arg(long)]
        json: bool,
    },
    /// Use a Blender that is on this machine already
    Adopt {
        /// The program
        #[arg(default_value = "blender")]
        program: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Install {
    /// A version such as 4.5, or an official blender-X.Y.Z-linux-x64.tar.xz
    #[arg(value_name = "VERSION|TARBALL")]
    what: String,
    /// What the tarball's SHA-256 has to be
    #[arg(long)]
    sha256: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error("cannot read {}", dir.display())]
    List {
        dir: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot print")]
    Print(#[from] std::io::Error),
}

impl RuntimeError {
    /// As documented in `--help`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Install(
                InstallError::NotInstallable { .. }
                | InstallError::NotBlender { .. }
                | InstallError::NoProgramInside { .. }
                | InstallError::WrongHash { .. },
            ) => 2,
            Self::Install(
                InstallError::NoPython
                | InstallError::LibraryMissing { .. }
                | InstallError::ProgramMissing { .. },
            ) => 7,
            Self::Install(InstallError::Failed { .. } | InstallError::Write { .. })
            | Self::List { .. }
            | Self::Print(_) => 1,
        }
    }
}

pub fn run(command: RuntimeCommand) -> Result<(), RuntimeError> {
    let runtimes = Runtimes::of_this_user();
    // Progress goes where logs go: what a script reads on stdout is the result alone.
    let mut say = |step: &str| eprint(step);
    let installed = match command {
        RuntimeCommand::List { json } => return list(&runtimes, json),
        RuntimeCommand::Adopt { program } => runtimes.adopt(&program, &mut say)?,
        RuntimeCommand::Install(Install { what, sha256 }) => match what.parse::<Series>() {
            Ok(series) if !what.contains('/') && !what.contains(".tar") => {
                runtimes.install(series, &mut say)?
            }
            Ok(_) | Err(_) => {
                runtimes.install_tarball(what.as_ref(), sha256.as_deref(), &mut say)?
            }
        },
    };
    let already = match installed {
        Installed::New(_) => "",
        Installed::Already(_) => " (was there already)",
    };
    Ok(print(&format!("{}{already}", line(installed.runtime())))?)
}

fn list(runtimes: &Runtimes, json: bool) -> Result<(), RuntimeError> {
    let installed = runtimes.list().map_err(|source| RuntimeError::List {
        dir: runtimes.dir().into(),
        source,
    })?;
    let text = if json {
        serde_json::Value::from_iter(installed.iter().map(as_json)).to_string()
    } else if installed.is_empty() {
        let known = INSTALLABLE.map(|series| series.to_string()).join(", ");
        format!("no Blender yet; `pictor-worker runtime install` takes {known}")
    } else {
        installed.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    Ok(print(&text)?)
}

fn line(runtime: &Runtime) -> String {
    format!(
        "Blender {:<12} {}",
        runtime.version,
        runtime.program().display()
    )
}

fn as_json(runtime: &Runtime) -> serde_json::Value {
    serde_json::json!({
        "series": runtime.series.to_string(),
        "version": runtime.version,
        "kind": match runtime.kind { Kind::Module => "module", Kind::Executable => "executable" },
        "program": runtime.program(),
    })
}

fn eprint(step: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{step} …").ok();
}
