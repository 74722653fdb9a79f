//! Why a file could not be read as a scene, and where in it the reader stopped.

use std::fmt;
use std::io;

/// A spot in the (decompressed) file, for a person who wants to look with a hex editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What was being read: "the header", "a block head", …
    pub part: &'static str,
    /// Bytes from the start of the decompressed file.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.part, self.offset)
    }
}

/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    DecompressedBytes,
    Blocks,
    DnaBytes,
    Scenes,
    Objects,
    Dependencies,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bound::DecompressedBytes => "decompressed bytes",
            Bound::Blocks => "blocks",
            Bound::DnaBytes => "bytes of structure definitions",
            Bound::Scenes => "scenes",
            Bound::Objects => "objects",
            Bound::Dependencies => "external files",
        })
    }
}

/// A file that is not a scene this network can render.
///
/// Only [`SceneError::Read`] is about this machine; all others are about the file and stay true
/// however often it is tried.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    #[error("the file could not be read")]
    Read {
        #[source]
        source: io::Error,
    },
    #[error("this is not a .blend file")]
    NotABlend,
    #[error("the file ends in the middle of {place}; was the upload or the save cut short?")]
    Truncated { place: Place },
    #[error("{place} is damaged: {what}")]
    Damaged { place: Place, what: &'static str },
    #[error("more than {allowed} {bound}, reached in {place}")]
    TooMuch {
        bound: Bound,
        allowed: u64,
        place: Place,
    },
    #[error("the file was saved on a big-endian machine; save it again with Blender 2.5 or newer")]
    BigEndian,
    #[error("the file has .blend format {format}, which is newer than this coordinator knows")]
    UnknownFormat { format: u32 },
}
