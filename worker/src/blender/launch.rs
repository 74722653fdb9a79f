//! How a Blender process is started: its command line, its environment, its private directory.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::runtime::{Kind, Runtime};
use super::watch::Patience;

const SCRIPT: &str = "session.py";
const SCRIPTS: [(&str, &str); 5] = [
    (SCRIPT, include_str!("session.py")),
    ("session_builtin.py", include_str!("session_builtin.py")),
    ("session_challenge.py", include_str!("session_challenge.py")),
    ("session_scene.py", include_str!("session_scene.py")),
    ("session_facts.py", include_str!("session_facts.py")),
];

/// What is let through of the worker's environment; tokens and passwords in it are none of Blender's
/// business. The prefixes are those of GPU drivers and of Cycles.
const KEPT: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "TZ"];
const KEPT_PREFIXES: [&str; 13] = [
    "CUDA_", "NVIDIA_", "OPTIX_", "HIP_", "ROCR_", "HSA_", "GPU_", "CYCLES_", "MESA_", "LIBGL_",
    "EGL_", "__GL", "__EGL",
];

/// A Blender to start.
#[derive(Debug, Clone)]
pub struct Launch {
    pub runtime: Runtime,
    /// On top of what is let through of the worker's own, such as `CUDA_VISIBLE_DEVICES`.
    pub environment: Vec<(OsString, OsString)>,
    /// For the whole process group; it is killed when it uses more.
    pub memory_limit_bytes: Option<u64>,
    pub patience: Patience,
    /// Where the process gets a directory of its own, for its script and its temporary files; unset is
    /// the system's. Whoever kills this program with the session finds it there.
    pub work_dir: Option<PathBuf>,
}

impl Launch {
    pub fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            environment: Vec::new(),
            memory_limit_bytes: None,
            patience: Patience::default(),
            work_dir: None,
        }
    }

    /// The whole command. Blender leads a process group of its own, its end of the conversation is
    /// descriptor 0 (`session.py` moves it away at once), and what it prints goes to `output`.
    pub(super) fn command(
        &self,
        home: &Home,
        conversation: UnixStream,
        output: io::PipeWriter,
    ) -> io::Result<Command> {
        let mut command = self.program(home);
        command
            .env_clear()
            .envs(env::vars_os().filter(|(name, _)| is_kept(name)))
            .envs(home.environment())
            .envs(self.environment.iter().cloned())
            .stdin(OwnedFd::from(conversation))
            .stdout(output.try_clone()?)
            .stderr(output);
        command.process_group(0);
        Ok(command)
    }

    fn program(&self, home: &Home) -> Command {
        let mut command = Command::new(self.runtime.program());
        match self.runtime.kind {
            // -I: nothing of the user's own Python is found; -u: what is printed is in the log at once.
            Kind::Module => command.args(["-I", "-u"]),
            Kind::Executable => {
                command.args(["--background", "--factory-startup", "--disable-autoexec"]);
                if (self.runtime.series.major, self.runtime.series.minor) >= (4, 2) {
                    command.arg("--offline-mode");
                }
                command.args(["--python-exit-code", "42", "--python"])
            }
        };
        command.arg(home.script());
        command
    }
}

fn is_kept(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    KEPT.contains(&name.as_ref()) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The private directory of one Blender process: its script, its temporary files, its user's settings
/// (none). Removed with it.
#[derive(Debug)]
pub(super) struct Home(TempDir);

impl Home {
    pub fn new(work_dir: Option<&Path>) -> io::Result<Self> {
        let work_dir = work_dir.map_or_else(env::temp_dir, Path::to_owned);
        let home = Self(
            tempfile::Builder::new()
                .prefix("pictor-blender-")
                .tempdir_in(work_dir)?,
        );
        std::fs::create_dir(home.temporary())?;
        std::fs::create_dir(home.user())?;
        for (name, text) in SCRIPTS {
            std::fs::write(home.0.path().join(name), text)?;
        }
        Ok(home)
    }

    fn script(&self) -> PathBuf {
        self.0.path().join(SCRIPT)
    }

    fn temporary(&self) -> PathBuf {
        self.0.path().join("tmp")
    }

    fn user(&self) -> PathBuf {
        self.0.path().join("user")
    }

    fn environment(&self) -> [(&'static str, OsString); 5] {
        [
            ("HOME", self.user().into()),
            ("TMPDIR", self.temporary().into()),
            ("BLENDER_USER_RESOURCES", self.user().into()),
            // Compiled kernels take minutes; they outlive the process.
            ("XDG_CACHE_HOME", cache_dir().into()),
            ("LANG", "C.UTF-8".into()),
        ]
    }
}

fn cache_dir() -> PathBuf {
    let of_user = || Path::new(&env::var_os("HOME").unwrap_or("/tmp".into())).join(".cache");
    env::var_os("XDG_CACHE_HOME").map_or_else(of_user, PathBuf::from)
}
