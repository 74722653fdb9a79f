//! Which structures name files outside the .blend, and how each says so.

use std::collections::HashSet;

use super::super::error::{Bound, Place, SceneError};
use super::super::facts::{Dependency, DependencyKind, Extent, Location, Warning};
use super::super::location::locate;
use super::record::Record;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Image,
    Sound,
    Font,
    MovieClip,
    Volume,
    CacheFile,
    CacheLayer,
    MeshCache,
    Ocean,
    Fluid,
    PointCache,
    Multires,
    Script,
    Ies,
}

/// The structures that hold a path, by their name on disk.
pub(super) const READERS: [(&str, Reader); 14] = [
    ("Image", Reader::Image),
    ("bSound", Reader::Sound),
    ("VFont", Reader::Font),
    ("MovieClip", Reader::MovieClip),
    ("Volume", Reader::Volume),
    ("CacheFile", Reader::CacheFile),
    ("CacheFileLayer", Reader::CacheLayer),
    ("MeshCacheModifierData", Reader::MeshCache),
    ("OceanModifierData", Reader::Ocean),
    ("FluidDomainSettings", Reader::Fluid),
    ("PointCache", Reader::PointCache),
    ("CustomDataExternal", Reader::Multires),
    ("NodeShaderScript", Reader::Script),
    ("NodeShaderTexIES", Reader::Ies),
];

/// A path as the file has it, before it is known where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Reference {
    pub kind: DependencyKind,
    pub extent: Extent,
    pub path: Vec<u8>,
}

/// `PointCache.flag`: baked; in files beside the .blend; in files where the artist chose.
const BAKED: i64 = 1;
const ON_DISK: i64 = 1 << 6;
const EXTERNAL: i64 = 1 << 9;

impl Reader {
    fn reference(self, record: &Record<'_>) -> Option<Reference> {
        use DependencyKind as Kind;
        let sequence = |field| extent(record.int(field) == Some(1));
        match self {
            Reader::Image => image(record),
            Reader::Sound => unpacked(record, Kind::Sound, "name"),
            Reader::Font => {
                let font = unpacked(record, Kind::Font, "name")?;
                (font.path != b"<builtin>").then_some(font)
            }
            // `MCLIP_SRC_SEQUENCE` is 1.
            Reader::MovieClip => reference(record, Kind::MovieClip, sequence("source"), "name"),
            Reader::Volume => {
                let volume = unpacked(record, Kind::Volume, "filepath")?;
                Some(Reference {
                    extent: sequence("is_sequence"),
                    ..volume
                })
            }
            Reader::CacheFile => {
                reference(record, Kind::CacheFile, sequence("is_sequence"), "filepath")
            }
            Reader::CacheLayer => reference(record, Kind::CacheFile, Extent::File, "filepath"),
            Reader::MeshCache => reference(record, Kind::MeshCache, Extent::File, "filepath"),
            Reader::Ocean => {
                // Without a bake Blender computes the waves and opens nothing.
                let is_baked = record.int("cached") == Some(1);
                let ocean = reference(record, Kind::Simulation, Extent::Folder, "cachepath");
                ocean.filter(|_| is_baked)
            }
            Reader::Fluid => reference(record, Kind::Simulation, Extent::Folder, "cache_directory"),
            Reader::PointCache => {
                let is_external = record.int("flag")? & EXTERNAL != 0;
                let cache = reference(record, Kind::Simulation, Extent::Folder, "path");
                cache.filter(|_| is_external)
            }
            Reader::Multires => reference(record, Kind::Multires, Extent::File, "filename"),
            Reader::Script => node(record, Kind::Script),
            Reader::Ies => node(record, Kind::Ies),
        }
    }
}

/// The .blend a `Library` stands for. It counts only once something is linked from it.
pub(super) fn library(record: &Record<'_>) -> Option<Reference> {
    unpacked(record, DependencyKind::Library, "name")
}

fn image(record: &Record<'_>) -> Option<Reference> {
    if record.points("packedfiles.first") {
        return None;
    }
    // `IMA_SRC_*`; 4 is generated and 5 is a render result, which have no file.
    let extent = match record.int("source") {
        None | Some(1 | 3) => Extent::File,
        Some(2) => Extent::Sequence,
        Some(6) => Extent::Tiles,
        Some(_) => return None,
    };
    let image = unpacked(record, DependencyKind::Image, "name")?;
    Some(Reference { extent, ..image })
}

/// Caches that were never baked are computed anew, and every fluid domain carries an unused one that
/// says it is on disk.
fn is_beside(cache: &Record<'_>) -> bool {
    let flag = cache.int("flag").unwrap_or(0);
    flag & (BAKED | ON_DISK | EXTERNAL) == BAKED | ON_DISK
}

/// Shader nodes either use a text inside the .blend (0) or a file (1).
fn node(record: &Record<'_>, kind: DependencyKind) -> Option<Reference> {
    let is_file = record.int("mode") == Some(1);
    reference(record, kind, Extent::File, "filepath").filter(|_| is_file)
}

fn unpacked(record: &Record<'_>, kind: DependencyKind, field: &str) -> Option<Reference> {
    if record.points("packedfile") {
        return None;
    }
    reference(record, kind, Extent::File, field)
}

/// `field` is `name` or `filepath`: one structure has had either over the years.
fn reference(
    record: &Record<'_>,
    kind: DependencyKind,
    extent: Extent,
    field: &str,
) -> Option<Reference> {
    let path = record.text(field).or_else(|| record.text("filepath"))?;
    (!path.is_empty()).then(|| Reference {
        kind,
        extent,
        path: path.to_vec(),
    })
}

fn extent(is_sequence: bool) -> Extent {
    if is_sequence {
        Extent::Sequence
    } else {
        Extent::File
    }
}

/// What has been found so far, each reference once.
#[derive(Debug)]
pub(super) struct Found {
    allowed: u64,
    seen: HashSet<Reference>,
    dependencies: Vec<Dependency>,
    warnings: Vec<Warning>,
    /// Whether a cache is in the folder beside the .blend.
    on_disk: bool,
}

impl Found {
    pub(super) fn new(allowed: u64) -> Self {
        Found {
            allowed,
            seen: HashSet::new(),
            dependencies: Vec::new(),
            warnings: Vec::new(),
            on_disk: false,
        }
    }

    /// Takes what `record` refers to, if anything.
    pub(super) fn read(
        &mut self,
        reader: Reader,
        record: &Record<'_>,
        place: Place,
    ) -> Result<(), SceneError> {
        self.on_disk |= reader == Reader::PointCache && is_beside(record);
        match reader.reference(record) {
            Some(reference) => self.add(reference, place),
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, reference: Reference, place: Place) -> Result<(), SceneError> {
        if self.seen.contains(&reference) {
            return Ok(());
        }
        if self.seen.len() as u64 >= self.allowed {
            return Err(SceneError::TooMuch {
                bound: Bound::Dependencies,
                allowed: self.allowed,
                place,
            });
        }
        let path = String::from_utf8_lossy(&reference.path).into_owned();
        let location = locate(&path);
        if path.as_bytes() != reference.path {
            self.warnings
                .push(Warning::UnreadablePath { path: path.clone() });
        }
        if location == Location::Elsewhere {
            self.warnings
                .push(Warning::AbsolutePath { path: path.clone() });
        }
        self.dependencies.push(Dependency {
            kind: reference.kind,
            extent: reference.extent,
            path,
            location,
        });
        self.seen.insert(reference);
        Ok(())
    }

    pub(super) fn into_parts(mut self) -> (Vec<Dependency>, Vec<Warning>) {
        if self.on_disk {
            self.warnings.push(Warning::DiskCache);
        }
        (self.dependencies, self.warnings)
    }
}
