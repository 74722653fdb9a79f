//! The real programs as processes, for what only a process can show: being killed, a full disk.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::client::Client;
use super::{Stopped, eventually};

/// A program of this workspace, built by whoever runs the tests.
pub fn program(name: &str) -> PathBuf {
    let own = PathBuf::from(env!("CARGO_BIN_EXE_pictor-coordinator"));
    let program = own.with_file_name(name);
    assert!(
        program.exists(),
        "{} is missing: test the whole workspace (`make test`), or build it first",
        program.display()
    );
    program
}

/// A process that is killed, with everything it started, when the test ends.
pub struct Process {
    child: Child,
    what: &'static str,
}

impl Process {
    pub fn start(what: &'static str, command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt;
        let child = command.process_group(0).stdin(Stdio::null()).spawn();
        Self {
            child: child.unwrap_or_else(|error| panic!("{what} does not start: {error}")),
            what,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`: no goodbye.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then waits for the exit code.
    pub async fn terminate(&mut self) -> Option<i32> {
        let term = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(term.success());
        self.exited().await
    }

    pub async fn exited(&mut self) -> Option<i32> {
        let what = format!("an end of {}", self.what);
        eventually(&what, async || {
            self.child.try_wait().unwrap().ok_or("it runs")
        })
        .await
        .code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill")
            .args(["-9", "--", &group])
            .stderr(Stdio::null())
            .status();
        let _ = self.child.wait();
    }
}

/// Reads a file that a process is about to write.
pub async fn written(path: &Path) -> String {
    eventually(&format!("text in {}", path.display()), async || {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        if text.is_empty() {
            Err("nothing".to_owned())
        } else {
            Ok(text)
        }
    })
    .await
}

/// A coordinator as a process of its own, for what only `/proc` tells.
pub struct RealCoordinator {
    process: Process,
    pub url: String,
    _stopped: Stopped,
}

impl RealCoordinator {
    /// On the data of one that ran inside the test: its tokens, its sessions, its jobs.
    pub async fn start_on(stopped: Stopped) -> Self {
        let ready = stopped.data().join("ready");
        let mut command = Command::new(program("pictor-coordinator"));
        command.arg("serve").arg("--data").arg(stopped.data());
        command.args(["--bind", "127.0.0.1:0", "--log", "warn", "--ready-file"]);
        let process = Process::start("a coordinator", command.arg(&ready));
        Self {
            process,
            url: written(&ready).await,
            _stopped: stopped,
        }
    }

    pub fn resident_bytes(&self) -> u64 {
        let status = self.proc("status");
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes = line.trim().strip_suffix(" kB").unwrap();
        kilobytes.parse::<u64>().unwrap() * 1_024
    }

    /// How long it had a core, since its start.
    pub fn busy(&self) -> Duration {
        let stat = self.proc("stat");
        let (_, after_name) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // In hundredths of a second, on every Linux; fields 14 and 15 of proc_pid_stat(5).
        let ticks: u64 = fields[11..=12]
            .iter()
            .map(|it| it.parse::<u64>().unwrap())
            .sum();
        Duration::from_millis(ticks * 10)
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.pid())).unwrap()
    }
}

/// A coordinator process whose data lies on a file system of 16 MiB.
pub struct CrampedCoordinator {
    _process: Process,
    _dir: tempfile::TempDir,
    url: String,
    token: String,
}

impl CrampedCoordinator {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (ready, token) = (dir.path().join("ready"), dir.path().join("token"));
        // A mount namespace of its own, so that nothing is left behind and no root is needed.
        let script = "set -e; mkdir \"$0/data\"; mount -t tmpfs -o size=16m none \"$0/data\"; \
                      \"$1\" token create --data \"$0/data\" --scope jobs > \"$0/token\"; \
                      exec \"$1\" serve --data \"$0/data\" --bind 127.0.0.1:0 --ready-file \"$0/ready\"";
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.arg(dir.path()).arg(program("pictor-coordinator"));
        let process = Process::start("the cramped coordinator", command.stdout(Stdio::null()));
        let url = written(&ready).await;
        let token = written(&token).await.trim().to_owned();
        Self {
            _process: process,
            _dir: dir,
            url,
            token,
        }
    }

    pub fn creator(&self) -> Client {
        Client::new(&self.url, &self.token)
    }
}
