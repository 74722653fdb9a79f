//! Scenes: what a creator uploads, and what the coordinator could read of it without Blender.
//!
//! Upload: put the file as a blob (see [`crate::blob`]) under `/api/v1/blobs`, then
//! `POST /api/v1/scenes` with [`NewScene`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::blender::Series;
use crate::{BlobHash, SceneId};

/// `POST /api/v1/scenes`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewScene {
    /// File name as the creator knows it; shown to people, never used as a path.
    pub name: String,
    /// The uploaded .blend or .zip.
    pub blob: BlobHash,
}

/// A scene as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scene {
    pub id: SceneId,
    pub name: String,
    pub created_ms: i64,
    /// All files together.
    pub size_bytes: u64,
    /// Path of the main .blend inside the scene.
    pub main: String,
    /// Number of files, 1 for a plain .blend.
    pub files: u32,
    pub facts: SceneFacts,
}

/// What a .blend says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SceneFacts {
    /// The Blender that wrote the file.
    #[schema(value_type = String)]
    pub blender: Series,
    pub compressed: bool,
    /// Name of the scene that is rendered unless another is asked for.
    pub active_scene: String,
    pub scenes: Vec<SceneInFile>,
    /// Files outside the .blend that it refers to.
    pub dependencies: Vec<Dependency>,
    /// What a creator should know before anything is spent, in plain sentences.
    pub warnings: Vec<String>,
}

impl SceneFacts {
    /// The scene of that name, or the active one.
    pub fn scene(&self, name: Option<&str>) -> Option<&SceneInFile> {
        let name = name.unwrap_or(&self.active_scene);
        self.scenes.iter().find(|scene| scene.name == name)
    }
}

/// One scene inside a .blend, with its own render settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SceneInFile {
    pub name: String,
    pub frame_start: i32,
    pub frame_end: i32,
    pub frame_step: i32,
    /// Blender's own id, such as `CYCLES` or `BLENDER_EEVEE_NEXT`.
    pub engine: String,
    /// Pixels before the percentage.
    pub width: u32,
    /// Pixels before the percentage.
    pub height: u32,
    pub percentage: u32,
    /// Blender's own name of the output format, such as `PNG` or `FFMPEG`.
    pub format: String,
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Border {
    pub min_x: f32,
    pub max_x: f32,
    pub min_y: f32,
    pub max_y: f32,
}

/// What becomes of the views (in stereo: the eyes) of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
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
    /// Each in a file of its own: cannot be rendered here.
    FileEach,
    /// Side by side or above each other, but only one view is enabled: cannot be rendered here, as
    /// Blender's versions disagree about the size.
    HalfStereo,
    /// Something that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// A file that a .blend refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// As stored; `//` at the start means beside the .blend.
    pub path: String,
    /// `image`, `library`, `sound`, `font`, `movie_clip`, `volume`, `cache`, …
    pub kind: String,
    /// Found among the files of the scene.
    #[serde(default)]
    pub found: bool,
}
