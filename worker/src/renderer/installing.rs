//! An installation beside the rendering: this program itself, as `runtime install`, in a process group of its
//! own, so that an end of the worker leaves neither pip nor a Python behind.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::PoisonError;

use pictor_protocol::agent::RuntimeInfo;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{Blender, runtime_info};
use crate::blender::runtime::{Runtimes, Series};

/// Of what an installation prints when it fails; the end says why.
const LINES_KEPT: usize = 12;

/// What installs.
#[derive(Debug, Clone)]
pub struct Installer {
    /// `pictor-worker`
    pub program: PathBuf,
    pub runtimes: Runtimes,
}

/// Why a Blender was not installed.
#[derive(Debug, thiserror::Error)]
pub(super) enum InstallFailed {
    #[error("this worker installs nothing")]
    NotWanted,
    #[error("{} cannot be started: {source}", program.display())]
    Start {
        program: PathBuf,
        source: std::io::Error,
    },
    #[error("{0}")]
    Said(String),
    #[error("it ended well, and Blender {0} is not there")]
    NotThere(Series),
}

impl Blender {
    /// Installs beside its work what the coordinator asks for.
    pub fn installing(self, installer: Option<Installer>) -> Self {
        Self { installer, ..self }
    }

    pub(super) async fn install_now(&self, series: Series) -> Result<RuntimeInfo, InstallFailed> {
        let installer = self.installer.as_ref().ok_or(InstallFailed::NotWanted)?;
        installer.run(series).await?;
        let installed = installer.runtimes.list().unwrap_or_default();
        let found = installed.into_iter().rfind(|it| it.series == series);
        let runtime = found.ok_or(InstallFailed::NotThere(series))?;
        let info = runtime_info(&runtime);
        let mut runtimes = self
            .runtimes
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        runtimes.retain(|it| it.series != series);
        runtimes.push(runtime);
        Ok(info)
    }
}

impl Installer {
    async fn run(&self, series: Series) -> Result<(), InstallFailed> {
        let start = |source| InstallFailed::Start {
            program: self.program.clone(),
            source,
        };
        let child = Command::new(&self.program)
            .args(["runtime", "install", &series.to_string()])
            .env("PICTOR_RUNTIMES", self.runtimes.search_path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(start)?;
        let mut group = Group(child);
        let mut said = Vec::new();
        if let Some(printed) = group.0.stderr.take() {
            let mut lines = BufReader::new(printed).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::info!(%series, "{line}");
                said.push(line);
            }
        }
        let status = group.0.wait().await.map_err(start)?;
        if status.success() {
            return Ok(());
        }
        let from = said.iter().rposition(|line| line.starts_with("error: "));
        let from = from.unwrap_or_else(|| said.len().saturating_sub(LINES_KEPT));
        let why = said[from..].join("\n");
        Err(InstallFailed::Said(
            why.trim_start_matches("error: ").to_owned(),
        ))
    }
}

/// A process with all that it started, killed when nobody waits for it any more.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Gone already where it was waited for.
        let id = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(id) = id {
            kill_process_group(id, Signal::KILL).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::driver::Renderer;
    use tokio_util::sync::CancellationToken;

    const SERIES: Series = Series::new(4, 2);

    #[tokio::test]
    async fn what_was_installed_can_be_rendered_with_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let note = r#"{"version": "4.2.1", "kind": "executable", "program": "/bin/sh"}"#;
        let script = format!(
            "mkdir -p \"$PICTOR_RUNTIMES/$3\"; echo '{note}' > \"$PICTOR_RUNTIMES/$3/runtime.json\""
        );
        let blender = blender(dir.path(), &script);
        let info = blender.install(SERIES, CancellationToken::new()).await;
        assert_eq!(info.unwrap().unwrap().version, "4.2.1");
        assert_eq!(blender.runtime(SERIES).unwrap().version, "4.2.1");
    }

    #[tokio::test]
    async fn a_failure_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let script = "echo 'downloading …' >&2; echo 'error: the disk is full' >&2; exit 1";
        let blender = blender(dir.path(), script);
        let failed = blender.install(SERIES, CancellationToken::new()).await;
        assert_eq!(failed, Some(Err("the disk is full".into())));
    }

    #[tokio::test]
    async fn an_end_of_the_worker_ends_everything_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!(
            "sh -c 'echo $$ > {0}.new; mv {0}.new {0}; sleep 600'",
            pid.display()
        );
        let blender = blender(dir.path(), &script);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let ended = async {
            while !pid.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stopped.cancel();
        };
        let (result, ()) = tokio::join!(blender.install(SERIES, stop), ended);
        assert_eq!(result, None);
        let id = std::fs::read_to_string(&pid).unwrap();
        let process = Path::new("/proc").join(id.trim());
        let is_gone = || {
            let status = std::fs::read_to_string(process.join("stat"));
            status.is_err() || status.is_ok_and(|it| it.contains(") Z "))
        };
        let wait = async {
            while !is_gone() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .unwrap();
    }

    fn blender(dir: &Path, script: &str) -> Blender {
        let program = dir.join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let installer = Installer {
            program,
            runtimes: Runtimes::at(dir.join("runtimes")),
        };
        Blender::new(Vec::new(), Vec::new(), None, dir.join("kernels")).installing(Some(installer))
    }
}
