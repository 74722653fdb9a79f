//! Real Blender for tests: runtimes, scenes made once, sessions, pictures.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use pictor_worker::blender::runtime::{Runtime, Runtimes, Series};
use pictor_worker::blender::talk::*;
use pictor_worker::blender::{Launch, Session, SessionError};
use tokio::time::timeout;

/// For everything that has to happen; generous, for machines that do other things too.
pub const SOON: Duration = Duration::from_secs(120);

/// The Blender that the ordinary tests use.
pub const SERIES: &str = "4.5";

/// An installed Blender, as a module. Tests fail without it: a skipped test proves nothing.
pub fn runtime(series: &str) -> Runtime {
    let runtimes = Runtimes::of_this_user();
    let installed = runtimes.list().unwrap();
    let wanted: Series = series.parse().unwrap();
    let found = installed
        .into_iter()
        .rfind(|runtime| runtime.series == wanted);
    found.unwrap_or_else(|| {
        panic!(
            "these tests need Blender {series}, and {} has none: run `pictor-worker runtime install {series}`",
            runtimes.dir().display()
        )
    })
}

/// Where the scenes of `blender_scenes.py` are, made by this Blender. They stay from one test run to the
/// next, until the script changes.
pub fn scenes(runtime: &Runtime) -> PathBuf {
    const SCRIPT: &str = include_str!("blender_scenes.py");
    let version = runtime.version.replace(' ', "-");
    let name = format!(
        "scenes-{version}-{}",
        &blake3::hash(SCRIPT.as_bytes()).to_hex()[..12]
    );
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !dir.exists() {
        let partial = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        run_script(runtime, "blender_scenes.py", &[partial.path()]);
        // Another test process may have been quicker; its scenes are as good.
        std::fs::rename(partial.keep(), &dir).ok();
    }
    dir
}

/// The scenes of the ordinary tests.
pub fn scene(name: &str) -> PathBuf {
    static SCENES: OnceLock<PathBuf> = OnceLock::new();
    let dir = SCENES.get_or_init(|| scenes(&runtime(SERIES)));
    dir.join(name).with_extension("blend")
}

/// What plain Blender renders of a whole scene, in a process of its own.
pub fn plain_animation(runtime: &Runtime, scene: &Path) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    run_script(runtime, "blender_plain.py", &[scene, out.path()]);
    out
}

fn run_script(runtime: &Runtime, script: &str, arguments: &[&Path]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(script);
    let is_program = runtime
        .program()
        .file_name()
        .is_some_and(|name| name == "blender");
    let mut command = Command::new(runtime.program());
    if is_program {
        command
            .args(["-b", "--factory-startup", "-P"])
            .arg(script)
            .arg("--");
    } else {
        command.arg(script);
    }
    let output = command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A session and a directory for its pictures.
pub struct World {
    pub session: Session,
    pub out: tempfile::TempDir,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(Launch::new(runtime(SERIES))).await
    }

    pub async fn start_with(launch: Launch) -> Self {
        Self {
            session: Session::start(&launch).await.unwrap(),
            out: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
    }

    /// The answer to the last request, with what was said before it.
    pub async fn answer(&mut self) -> Result<(Event, Vec<Event>), SessionError> {
        let mut before = Vec::new();
        loop {
            let event = timeout(SOON, self.session.next())
                .await
                .expect("Blender answers in time")?;
            match event {
                Event::Progress(_) | Event::Notice { .. } | Event::Ready(_) => before.push(event),
                answer => return Ok((answer, before)),
            }
        }
    }

    pub async fn open(&mut self, path: impl Into<PathBuf>) -> SceneFacts {
        self.open_with(path, Settings::default()).await
    }

    pub async fn open_with(&mut self, path: impl Into<PathBuf>, settings: Settings) -> SceneFacts {
        match self.try_open(path, settings).await {
            Event::Opened { scene } => *scene,
            other => panic!("not opened: {other:?}"),
        }
    }

    pub async fn try_open(&mut self, path: impl Into<PathBuf>, settings: Settings) -> Event {
        let open = Open {
            settings,
            ..Open::new(path)
        };
        self.session.send(Request::Open(open)).await.unwrap();
        self.answer().await.unwrap().0
    }

    pub async fn open_builtin(&mut self, settings: Settings) -> SceneFacts {
        let open = Request::OpenBuiltin {
            settings,
            stage: None,
        };
        self.session.send(open).await.unwrap();
        match self.answer().await.unwrap().0 {
            Event::Opened { scene } => *scene,
            other => panic!("not opened: {other:?}"),
        }
    }

    pub async fn ask(&mut self, frame: i32, path: &Path) {
        let render = Render {
            id: frame.unsigned_abs().into(),
            frame,
            path: path.into(),
        };
        self.session.send(Request::Render(render)).await.unwrap();
    }

    /// Renders a frame; it has to be exactly where it was wanted, and nothing beside it.
    pub async fn render(&mut self, frame: i32, name: &str) -> PathBuf {
        let path = self.path(name);
        self.ask(frame, &path).await;
        match self.answer().await.unwrap().0 {
            Event::Rendered(rendered) => assert!(rendered.paths.iter().eq([&path]), "{rendered:?}"),
            other => panic!("frame {frame} of {name}: {other:?}"),
        }
        path
    }

    pub async fn failure(&mut self, frame: i32) -> Failure {
        let path = self.path("no-picture.png");
        self.ask(frame, &path).await;
        match self.answer().await.unwrap().0 {
            Event::Failed(failure) => failure,
            other => panic!("did not fail: {other:?}"),
        }
    }

    pub fn files(&self) -> Vec<String> {
        let mut files: Vec<_> = std::fs::read_dir(self.out.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }
}

/// The pixels of a PNG or JPEG, as they are stored.
pub fn pixels(path: &Path) -> image::DynamicImage {
    let reader = image::ImageReader::open(path)
        .unwrap()
        .with_guessed_format()
        .unwrap();
    reader
        .decode()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether a process still runs; one that ended but was not waited for does not.
pub fn is_running(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .ok()
        .and_then(|stat| {
            stat.rsplit_once(')')
                .map(|(_, rest)| !rest.trim_start().starts_with('Z'))
        })
        .unwrap_or(false)
}
