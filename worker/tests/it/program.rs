//! `pictor-worker` as a process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::fake_coordinator::WORKER;

/// Blender starts cold here, and other tests use the machine too.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A running `pictor-worker`; killed when the test is over.
pub struct Program {
    child: Child,
    files: tempfile::TempDir,
}

/// What the program printed, how it ended, and what it left on the disk.
pub struct Ended {
    pub code: i32,
    pub printed: String,
    pub log: String,
    pub files: tempfile::TempDir,
}

impl Program {
    pub fn start(url: &str, token: &str, runtimes_dir: Option<&Path>) -> Self {
        let options = json!({ "allow_cpu": true, "runtimes_dir": runtimes_dir });
        Self::start_with(url, token, &options, &[])
    }

    /// With these options in its config and these variables in its environment.
    pub fn start_with(
        url: &str,
        token: &str,
        options: &Value,
        environment: &[(&str, &Path)],
    ) -> Self {
        Self::start_in(
            tempfile::tempdir().unwrap(),
            url,
            token,
            options,
            environment,
        )
    }

    /// With the cache that another start has left.
    pub fn start_in(
        files: tempfile::TempDir,
        url: &str,
        token: &str,
        options: &Value,
        environment: &[(&str, &Path)],
    ) -> Self {
        let config = write_config(files.path(), url, token, options);
        let config = config.to_str().unwrap();
        Self::spawn(&["run", "--config", config], environment, files)
    }

    pub fn run(arguments: &[&str]) -> Self {
        Self::run_with(arguments, &[])
    }

    pub fn run_with(arguments: &[&str], environment: &[(&str, &Path)]) -> Self {
        Self::spawn(arguments, environment, tempfile::tempdir().unwrap())
    }

    fn spawn(arguments: &[&str], environment: &[(&str, &Path)], files: tempfile::TempDir) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_pictor-worker"))
            .args(arguments)
            .env_remove("PICTOR_LOG")
            .env_remove("PICTOR_LOG_FORMAT")
            .env_remove("PICTOR_WORKER_CONFIG")
            .env_remove("PICTOR_NVML")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, files }
    }

    pub fn signal(&self, signal: Signal) {
        let id = self.child.id().unwrap().cast_signed();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    pub async fn ended(mut self) -> Ended {
        let (mut printed, mut log) = (String::new(), String::new());
        let mut stdout = self.child.stdout.take().unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        let end = async {
            let read = tokio::join!(
                stdout.read_to_string(&mut printed),
                stderr.read_to_string(&mut log)
            );
            read.0.and(read.1).unwrap();
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(PATIENCE, end).await;
        let status = status.unwrap_or_else(|_| panic!("the program did not end"));
        Ended {
            code: status.code().unwrap(),
            printed,
            log,
            files: self.files,
        }
    }
}

/// A worker's config in this directory, which holds its cache too.
pub fn write_config(dir: &Path, url: &str, token: &str, options: &Value) -> PathBuf {
    let mut config = json!({
        "version": 1,
        "coordinator": url,
        "worker_id": WORKER,
        "token": token,
        "name": "tester",
        "options": { "cache_dir": dir.join("cache") },
    });
    let options = options.as_object().unwrap().clone();
    config["options"].as_object_mut().unwrap().extend(options);
    let path = dir.join("worker-config.json");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}
