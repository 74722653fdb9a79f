//! Runs `pictor` as a user does, with a home directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::fake::TOKEN;
use crate::server::Server;

/// Longer than anything here takes; a hanging test should fail, not hang.
const DEADLINE: Duration = Duration::from_secs(30);

/// A user's machine.
pub struct Desk {
    dir: TempDir,
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn scene(&self) -> PathBuf {
        self.write("stage.blend", b"BLENDER-v405 and the rest");
        self.path("stage.blend")
    }

    /// The command, signed in nowhere.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pictor"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("XDG_CONFIG_HOME", self.path("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn signed_in(&self, server: &Server, args: &[&str]) -> Command {
        let mut command = self.command(args);
        command
            .env("PICTOR_COORDINATOR", server.url())
            .env("PICTOR_TOKEN", TOKEN);
        command
    }

    pub fn run(&self, server: &Server, args: &[&str]) -> Ended {
        Ended::of(self.signed_in(server, args))
    }
}

impl Ended {
    pub fn of(mut command: Command) -> Self {
        Self::wait_for(command.spawn().unwrap())
    }

    pub fn wait_for(mut child: Child) -> Self {
        let end = Instant::now() + DEADLINE;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > end {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.wait_with_output().unwrap().into()
    }

    /// Fails with what the command said unless it ended with this code.
    #[track_caller]
    pub fn with(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "{words:?} in\n{}", self.stderr);
        self
    }

    /// Every line of stdout as JSON.
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Names of everything in a directory, sorted.
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
