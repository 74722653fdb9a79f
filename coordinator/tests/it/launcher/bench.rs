//! A coordinator, a Docker engine, an image, and launchers as processes. Everything that it makes is named
//! after the test, and removed with it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pictor_protocol::WorkerId;
use pictor_protocol::agent::{Device, Hello, PROTOCOL, SlotInfo};
use pictor_protocol::worker::{Worker, WorkerList};
use pictor_protocol::worker_config::WorkerConfig;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::client::Client;
use crate::harness::process::{Process, program};
use crate::harness::{PATIENCE, World};

/// Of the images, which lose their name to the next one.
const LABEL: &str = "network.pictor.test";
/// Follows the line that says what it does on SIGTERM.
const SCRIPT: &str = "
while :; do
    [ -f /tmp/exit ] && exit $(cat /tmp/exit)
    sleep 0.1
done
";

pub struct Bench {
    pub world: World,
    pub prefix: String,
    dir: tempfile::TempDir,
}

pub struct Launcher {
    pub process: Process,
    log: std::path::PathBuf,
}

/// `pictor-coordinator launch`, without whatever the environment of the tests says.
pub fn launch_command() -> Command {
    let mut command = Command::new(program("pictor-coordinator"));
    command.arg("launch");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PICTOR_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs docker, which must succeed; answers what it printed.
pub fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output();
    let output = output.unwrap_or_else(|error| panic!("docker is missing: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Bench {
    pub async fn start(name: &str) -> Self {
        let bench = Self {
            world: World::start().await,
            prefix: format!("pictor-test-launcher-{name}"),
            dir: tempfile::tempdir().unwrap(),
        };
        bench.remove_everything();
        bench.build_image("first");
        std::fs::write(bench.dir.path().join("token"), bench.world.creator.token()).unwrap();
        bench
    }

    /// Makes the image anew, so that its name stands for another one. The worker of the version `deaf` does
    /// not end when it is told to.
    pub fn build_image(&self, version: &str) {
        let root = self.dir.path().join(version);
        for dir in ["bin", "etc", "proc", "run/pictor", "tmp", "var/lib/pictor"] {
            std::fs::create_dir_all(root.join(dir)).unwrap();
        }
        std::fs::copy("/bin/busybox", root.join("bin/busybox"))
            .expect("a static busybox: apt-get install busybox-static");
        for tool in ["cat", "echo", "grep", "sh", "sleep", "stat", "touch", "tr"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(tool)).unwrap();
        }
        std::fs::write(root.join("etc/version"), version).unwrap();
        let worker = root.join("bin/pictor-worker");
        let on_term = if version == "deaf" { "" } else { "exit 0" };
        let script = format!("#!/bin/sh\ntrap '{on_term}' TERM{SCRIPT}");
        std::fs::write(&worker, script).unwrap();
        let mode = |path: &str, mode| {
            std::fs::set_permissions(root.join(path), Permissions::from_mode(mode)).unwrap();
        };
        mode("tmp", 0o1777);
        mode("bin/pictor-worker", 0o755);
        let mut tar = Command::new("tar");
        tar.arg("-C")
            .arg(&root)
            .args(["--owner=10001", "--group=10001", "-c", "."]);
        let mut tar = tar.stdout(Stdio::piped()).spawn().unwrap();
        let import = Command::new("docker")
            .args([
                "import",
                "-c",
                "ENTRYPOINT [\"/bin/pictor-worker\"]",
                "-c",
                "CMD [\"run\"]",
                "-c",
                &format!("LABEL {LABEL}={}", self.prefix),
            ])
            .args(["-", &self.tag()])
            .stdin(tar.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(tar.wait().unwrap().success());
        assert!(
            import.status.success(),
            "{}",
            String::from_utf8_lossy(&import.stderr)
        );
    }

    fn tag(&self) -> String {
        // No registry has it, and none is asked: nothing listens there.
        format!("localhost:9/{}:test", self.prefix)
    }

    pub fn image(&self) -> String {
        docker(&["image", "inspect", "-f", "{{.Id}}", &self.tag()])
    }

    pub async fn launch(&self, args: &[&str]) -> Launcher {
        let log = self.dir.path().join(format!("{}.log", Uuid::now_v7()));
        let mut command = launch_command();
        command.args(["--coordinator", &self.world.url, "--image", &self.tag()]);
        command.args(["--name-prefix", &self.prefix, "--token-file"]);
        command.arg(self.dir.path().join("token"));
        command
            .args(["--log", "pictor_coordinator=debug"])
            .args(args);
        command.stderr(std::fs::File::create(&log).unwrap());
        Launcher {
            process: Process::start("the launcher", &mut command),
            log,
        }
    }

    /// Waits until so many containers run; their names.
    pub async fn running(&self, count: usize) -> Vec<String> {
        eventually(&format!("{count} containers run"), || {
            self.names_running().len() == count
        })
        .await;
        self.names_running()
    }

    pub fn names_running(&self) -> Vec<String> {
        self.names(&["ps"])
    }

    pub fn all_names(&self) -> Vec<String> {
        self.names(&["ps", "-a"])
    }

    fn names(&self, list: &[&str]) -> Vec<String> {
        let filter = format!("label=network.pictor.launcher={}", self.prefix);
        let args = [list, &["--filter", &filter, "--format", "{{.Names}}"]].concat();
        let mut names: Vec<_> = docker(&args).lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    pub fn volumes(&self) -> Vec<String> {
        let filter = format!("label=network.pictor.launcher={}", self.prefix);
        let volumes = docker(&["volume", "ls", "-q", "--filter", &filter]);
        volumes.lines().map(str::to_owned).collect()
    }

    pub fn inspect(&self, name: &str) -> Value {
        let found: Value = serde_json::from_str(&docker(&["inspect", name])).unwrap();
        found[0].clone()
    }

    pub fn id(&self, name: &str) -> String {
        docker(&["inspect", "-f", "{{.Id}}", name])
    }

    pub fn image_of(&self, name: &str) -> String {
        docker(&["inspect", "-f", "{{.Image}}", name])
    }

    pub fn id_if_running(&self, name: &str) -> Option<String> {
        self.if_running(name, "{{.Id}}")
    }

    pub fn image_if_running(&self, name: &str) -> Option<String> {
        self.if_running(name, "{{.Image}}")
    }

    fn if_running(&self, name: &str, what: &str) -> Option<String> {
        let format = format!("{{{{.State.Running}}}} {what}");
        let output = Command::new("docker")
            .args(["inspect", "-f", &format, name])
            .output();
        let said = String::from_utf8(output.unwrap().stdout).unwrap();
        said.trim().strip_prefix("true ").map(str::to_owned)
    }

    /// Runs a shell command in a container.
    pub fn exec(&self, name: &str, command: &str) -> String {
        docker(&["exec", name, "sh", "-c", command])
    }

    pub fn config_in(&self, name: &str) -> WorkerConfig {
        super::read_config(&self.exec(name, "cat /run/pictor/worker-config.json"))
    }

    /// Says hello for the workers in these containers, as far as they are still there.
    pub async fn say_hello_for(&self, names: &[String]) {
        for name in names {
            let command = ["exec", name, "cat", "/run/pictor/worker-config.json"];
            let output = Command::new("docker").args(command).output().unwrap();
            let Ok(config) = serde_json::from_slice::<WorkerConfig>(&output.stdout) else {
                continue;
            };
            let hello = Hello {
                protocol: PROTOCOL,
                version: "0.0.0".into(),
                instance: Uuid::now_v7(),
                slots: vec![SlotInfo::new(0, Device::Cpu, "test")],
                runtimes: Vec::new(),
                driver: None,
                sandbox: Vec::new(),
                doctor: Vec::new(),
                journal: Vec::new(),
                installable: Vec::new(),
                answers_challenges: false,
                installs: Vec::new(),
            };
            let client = Client::new(&self.world.url, &config.token);
            client.post("/agent/v1/hello", &hello).await;
        }
    }

    pub async fn workers(&self) -> Vec<Worker> {
        let list: WorkerList = self.world.creator.get("/api/v1/workers").await.json();
        list.workers
    }

    /// Waits until these workers, and no others, are registered.
    pub async fn workers_are(&self, expected: &[WorkerId]) {
        let began = Instant::now();
        loop {
            let ids: Vec<_> = self
                .workers()
                .await
                .iter()
                .map(|worker| worker.id)
                .collect();
            if ids == expected {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{ids:?} are not {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn remove_everything(&self) {
        for name in self.all_names() {
            let _ = Command::new("docker").args(["rm", "-fv", &name]).output();
        }
        for volume in self.volumes() {
            let _ = Command::new("docker")
                .args(["volume", "rm", "-f", &volume])
                .output();
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.remove_everything();
        let label = format!("label={LABEL}={}", self.prefix);
        let images = Command::new("docker")
            .args(["images", "-q", "--filter", &label])
            .output();
        if let Ok(images) = images {
            for id in String::from_utf8_lossy(&images.stdout).lines() {
                let _ = Command::new("docker").args(["rmi", "-f", id]).output();
            }
        }
    }
}

impl Launcher {
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits for a line of the log.
    pub async fn says(&self, what: &str) {
        let began = Instant::now();
        while !self.log().contains(what) {
            assert!(
                began.elapsed() < PATIENCE,
                "never said: {what}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
