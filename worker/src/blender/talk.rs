//! The conversation with `session.py`: JSON objects, one a line. Both halves ship in one binary, so
//! nothing here has to be compatible with another version.

use std::path::PathBuf;

use pictor_protocol::challenge::Stage;
use serde::{Deserialize, Serialize};

use super::progress::Progress;

/// A request that is answered by one closing event: `Opened`, `Rendered` or `Failed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    Open(Open),
    /// The scene that needs no file. Asked for again it stays as it is but for the settings.
    OpenBuiltin {
        settings: Settings,
        /// With the numbers of a presence challenge laid over it.
        #[serde(skip_serializing_if = "Option::is_none")]
        stage: Option<Stage>,
    },
    Render(Render),
}

/// A scene to load, in the place of the one that is loaded now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Open {
    pub path: PathBuf,
    /// Keep geometry, textures and kernels between frames. Blender still goes without where keeping
    /// them would change pixels, and says so in the warnings.
    pub persistent: bool,
    pub settings: Settings,
    /// Filled in by the session: where memory gets short, data is no longer kept between frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
}

impl Open {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            persistent: true,
            settings: Settings::default(),
            memory_limit_bytes: None,
        }
    }
}

/// What is to differ from the file; `None` is the file's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Settings {
    /// Name of the scene inside the file.
    pub scene: Option<String>,
    /// Name of the camera object; cameras bound to markers then have no say.
    pub camera: Option<String>,
    pub engine: Option<Engine>,
    /// A video format in the file becomes PNG.
    pub format: Option<Format>,
    /// Pixels before `percentage` is applied.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub percentage: Option<u32>,
    /// Of Cycles or of EEVEE.
    pub samples: Option<u32>,
    pub denoise: Option<bool>,
    pub seed: Option<u32>,
    pub device: Option<Device>,
    /// CPU threads; unset means all.
    pub threads: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Engine {
    Cycles,
    Eevee,
    Workbench,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Format {
    Png,
    Jpeg,
    OpenExr,
    OpenExrMultilayer,
}

/// What Cycles renders on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Device {
    Cpu,
    Cuda,
    Hip,
    Optix,
}

/// A frame to render. Several can be asked for ahead: Blender takes them in order without waiting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Render {
    /// Comes back in every event about this frame.
    pub id: u64,
    pub frame: i32,
    /// Where the picture goes, whole or not at all. Its directory exists; nothing is appended to the
    /// name, whatever the format.
    pub path: PathBuf,
}

/// What a session says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first word, before any scene.
    Ready(Ready),
    /// Something a creator should know.
    Notice {
        message: String,
    },
    Opened {
        scene: Box<SceneFacts>,
    },
    Progress(Progress),
    Rendered(Rendered),
    /// The request is answered, the session goes on.
    Failed(Failure),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Ready {
    /// Major, minor, patch.
    pub version: [u16; 3],
    pub version_string: String,
    /// GPUs that Cycles can use, once per type.
    pub devices: Vec<GpuDevice>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GpuDevice {
    #[serde(rename = "type")]
    pub kind: Device,
    pub name: String,
    pub id: String,
}

/// What Blender found in the file, after the settings were applied.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SceneFacts {
    /// Major and minor version of the Blender that saved the file.
    pub saved_by: [u16; 2],
    pub name: String,
    /// The camera that is active now; markers may switch to others.
    pub camera: Option<String>,
    /// `CYCLES`, `EEVEE`, `WORKBENCH`, or the id of an add-on's engine.
    pub engine: String,
    /// Blender's name of the file format.
    pub format: String,
    /// Of the picture that will be written: after the percentage, and of the crop where there is one.
    pub width: u32,
    pub height: u32,
    pub frame_start: i32,
    pub frame_end: i32,
    pub frame_step: i32,
    pub fps: f64,
    pub samples: Option<u32>,
    /// `CPU`, `OpenGL`, or the type and names of the GPUs.
    pub device: String,
    pub persistent: bool,
    pub missing_files: Vec<MissingFile>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MissingFile {
    /// `image`, `library`, `font` …
    pub kind: String,
    pub name: String,
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rendered {
    pub id: u64,
    /// The path asked for, or one per eye of a stereo scene.
    pub paths: Vec<PathBuf>,
    /// From the request to the picture on disk.
    pub render_ms: u64,
    pub memory_bytes: u64,
    /// Highest since the process started.
    pub peak_memory_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// The frame's; `None` when a scene could not be opened.
    pub id: Option<u64>,
    pub kind: FailureKind,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    NoCamera,
    OutOfMemory,
    OutOfGpuMemory,
    SceneUnreadable,
    /// The file was saved by a later version; Blender would drop what it does not know.
    NewerThanRuntime,
    SceneMissing,
    CameraMissing,
    EngineUnknown,
    DenoiserMissing,
    DeviceMissing,
    NothingWritten,
    ScriptError,
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_as_session_py_reads_them() {
        let open = Request::Open(Open {
            settings: Settings {
                engine: Some(Engine::Eevee),
                format: Some(Format::OpenExrMultilayer),
                ..Settings::default()
            },
            ..Open::new("/scene.blend")
        });
        let json = serde_json::to_value(open).unwrap();
        assert_eq!(json["do"], "open");
        assert_eq!(json["settings"]["engine"], "EEVEE");
        assert_eq!(json["settings"]["format"], "OPEN_EXR_MULTILAYER");

        let settings = Settings::default();
        let builtin = Request::OpenBuiltin {
            settings,
            stage: None,
        };
        let builtin = serde_json::to_value(builtin).unwrap();
        assert_eq!(builtin["do"], "open_builtin");
        assert!(builtin["settings"].is_object());
    }

    #[test]
    fn failures_are_read_as_session_py_writes_them() {
        let line =
            r#"{"event": "failed", "id": null, "kind": "newer_than_runtime", "message": "x"}"#;
        let Ok(Event::Failed(failure)) = serde_json::from_str(line) else {
            panic!("not a failure");
        };
        assert_eq!(failure.kind, FailureKind::NewerThanRuntime);
    }
}
