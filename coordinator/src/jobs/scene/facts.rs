//! What is known about a scene without opening it in Blender. Plain data, stored as JSON.
//!
//! Every number is as the file has it: a broken file may hold a frame step of zero or a negative
//! resolution, and whoever makes a job of it decides what that means.

use serde::{Deserialize, Serialize};

/// Everything the reader found in one .blend file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SceneFacts {
    /// The Blender that saved the file.
    pub version: BlenderVersion,
    pub compression: Compression,
    /// The scene that was open when the file was saved; asset libraries may have none.
    pub active_scene: Option<String>,
    pub scenes: Vec<BlenderScene>,
    /// Files outside this one that Blender may open while it renders, each once.
    pub dependencies: Vec<Dependency>,
    pub warnings: Vec<Warning>,
}

/// `4.5`, and the subversion that Blender bumps inside a release whenever the format changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlenderVersion {
    pub major: u16,
    pub minor: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subversion: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    None,
    /// Blender before 3.0.
    Gzip,
    /// Blender from 3.0.
    Zstd,
}

/// One scene inside the file, with the settings a render needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlenderScene {
    pub name: String,
    pub frame_start: i32,
    pub frame_end: i32,
    pub frame_step: i32,
    /// Blender's identifier: `CYCLES`, `BLENDER_EEVEE_NEXT`, …
    pub engine: String,
    /// Pixels, before `resolution_percentage`.
    pub resolution_x: i32,
    pub resolution_y: i32,
    pub resolution_percentage: i32,
    /// Frames per second; absent where the file's base is zero or not a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// Blender's identifier: `PNG`, `OPEN_EXR`, `OPEN_EXR_MULTILAYER`, `FFMPEG`, …
    pub format: String,
    /// The format makes one video instead of one picture for each frame.
    pub is_video: bool,
    pub has_camera: bool,
    /// Its sequencer or its compositor makes the picture, and neither asks for a camera of this scene.
    #[serde(default)]
    pub renders_without_camera: bool,
    /// The part of the picture that is written, where that is not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub border: Option<Border>,
    #[serde(default)]
    pub views: Views,
}

/// A part of a picture, in shares of its width and height (0 to 1) from its lower left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Border {
    pub min_x: f32,
    pub max_x: f32,
    pub min_y: f32,
    pub max_y: f32,
}

/// What becomes of the views (in stereo: the eyes) of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Views {
    /// There is one.
    #[default]
    One,
    /// All in one picture of the usual size: anaglyph, interlaced or squeezed.
    Merged,
    /// In one picture of twice the width.
    SideBySide,
    /// In one picture of twice the height.
    TopBottom,
    /// In one OpenEXR file, each as large as a single view.
    OpenExr,
    /// Each in a file of its own.
    FileEach,
    /// Side by side or above each other, but only one view is enabled: the picture is twice as large
    /// in Blender 5.0 and is not in 4.5.
    HalfStereo,
}

/// A file, or family of files, that the scene refers to and does not contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub kind: DependencyKind,
    pub extent: Extent,
    /// As stored, `//` for the folder of the .blend included.
    pub path: String,
    pub location: Location,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyKind {
    Image,
    /// Another .blend file.
    Library,
    Sound,
    Font,
    MovieClip,
    /// A film in the video sequencer.
    Movie,
    /// OpenVDB.
    Volume,
    /// Alembic or USD.
    CacheFile,
    /// MDD or PC2.
    MeshCache,
    /// Displacements of a multires mesh that were moved out of the .blend.
    Multires,
    /// Baked physics, fluid, ocean or simulation nodes.
    Simulation,
    /// An Open Shading Language source.
    Script,
    /// The light distribution of a lamp.
    Ies,
}

/// How many files one stored path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    File,
    /// One file for each frame; the path names one of them.
    Sequence,
    /// One file for each UDIM tile; the path holds the mark `<UDIM>` or `<UVTILE>`.
    Tiles,
    Folder,
}

/// Where the path leads on another machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// Relative to the folder of the .blend, with `/`, without `.`; may start with `..`.
    Beside(String),
    /// An absolute path, a drive or a share: it exists on the creator's machine only.
    Elsewhere,
}

/// Something a creator should hear of before the job fails on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Warning {
    /// The path names a place on the creator's machine.
    AbsolutePath { path: String },
    /// The path is no UTF-8; what is shown has marks in place of the unreadable bytes.
    UnreadablePath { path: String },
    /// Physics is cached in `blendcache_<name of the .blend>`: the folder must travel with the
    /// file, and the file must keep its name.
    DiskCache,
}
