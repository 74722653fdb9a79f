//! Reads an uploaded scene without Blender and tells what is in it.
//!
//! Owns the bounded .blend reader, the intake of zip files and the facts both produce. The
//! coordinator never opens a scene with Blender, so everything here treats its input as hostile:
//! each length is checked, each amount has a limit, and no input makes it panic. It must not know
//! of HTTP, the database or the blob store; it reads from whatever can be read and sought, and it
//! blocks, so callers run it where blocking is allowed.

mod blend;
mod error;
mod facts;
mod location;
pub mod zip;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

pub use error::{Bound, Place, SceneError};
pub use facts::{
    BlenderScene, BlenderVersion, Border, Compression, Dependency, DependencyKind, Extent,
    Location, SceneFacts, Views, Warning,
};

/// How much of a file the reader is willing to look at.
///
/// The defaults are far above what artists make (a production file of the Blender Studio has some
/// hundred thousand blocks) and bound the time for the worst file to that of decompressing it
/// twice.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub decompressed_bytes: u64,
    pub blocks: u64,
    pub dna_bytes: u64,
    pub scenes: u64,
    pub objects: u64,
    pub dependencies: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            decompressed_bytes: 32 << 30,
            blocks: 20_000_000,
            dna_bytes: 4 << 20,
            scenes: 10_000,
            objects: 5_000_000,
            dependencies: 100_000,
        }
    }
}

/// The facts of the .blend file at `path`, with the default [`Limits`].
pub fn read(path: &Path) -> Result<SceneFacts, SceneError> {
    let file = File::open(path).map_err(|source| SceneError::Read { source })?;
    read_from(file, &Limits::default())
}

/// The facts of a .blend file in any source that starts at position zero.
pub fn read_from(mut source: impl Read + Seek, limits: &Limits) -> Result<SceneFacts, SceneError> {
    blend::read(&mut source, limits)
}
