//! Takes a zip apart into a folder, believing nothing it says about itself.
//!
//! All names are checked before the first byte is written, and sizes are those of the bytes that
//! come out, not those that the zip declares. A zip inside the zip is a file like any other.

mod main_file;
mod name;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use zip::{CompressionMethod, ZipArchive};

pub use self::name::BadName;

/// What a zip may hold.
#[derive(Debug, Clone, Copy)]
pub struct ZipLimits {
    pub entries: usize,
    /// Of all files together, unpacked.
    pub total_bytes: u64,
    pub file_bytes: u64,
    /// How many bytes may come out of each byte that a file has in the zip. Small files may exceed it.
    pub ratio: u64,
    /// The same of all files together and the whole zip: many small files are a bomb too, and so are many names for
    /// the same bytes.
    pub total_ratio: u64,
    /// A zip that unpacks to less is no bomb, however well it compresses.
    pub bomb_bytes: u64,
    pub path_bytes: usize,
    /// Folders above a file, plus the file.
    pub depth: usize,
}

impl Default for ZipLimits {
    fn default() -> Self {
        ZipLimits {
            entries: 50_000,
            total_bytes: 64 << 30,
            file_bytes: 32 << 30,
            // Deflate ends at 1032; empty grids of volume caches have been seen at several hundred.
            ratio: 800,
            total_ratio: 200,
            bomb_bytes: 1 << 30,
            path_bytes: 1024,
            depth: 32,
        }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    pub files: Vec<UnpackedFile>,
    /// The path of the .blend to render, one of `files`.
    pub main: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackedFile {
    /// Relative to the folder, with `/`.
    pub path: String,
    pub bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    #[error("this is not a zip file, or it is cut short")]
    NotAZip,
    #[error("the zip could not be read")]
    Read {
        #[source]
        source: io::Error,
    },
    #[error("`{path}` could not be written")]
    Write {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the zip has more than {allowed} entries")]
    TooManyEntries { allowed: usize },
    #[error("the zip unpacks to more than {allowed} bytes")]
    TooLarge { allowed: u64 },
    #[error("`{path}` unpacks to more than {allowed} bytes")]
    FileTooLarge { path: String, allowed: u64 },
    #[error("`{path}` unpacks to more than {ratio} times its size in the zip")]
    Bomb { path: String, ratio: u64 },
    #[error("the zip unpacks to more than {ratio} times its size")]
    TotalBomb { ratio: u64 },
    #[error("the name `{name}` cannot be used: {why}")]
    Name { name: String, why: BadName },
    #[error("`{path}` is a link or device; only files and folders can be rendered from")]
    NotAFile { path: String },
    #[error("`{first}` and `{second}` would be the same file on some machines")]
    Collision { first: String, second: String },
    #[error("the zip names one file twice")]
    Duplicates,
    #[error("`{path}` is encrypted; make the zip without a password")]
    Encrypted { path: String },
    #[error("`{path}` is compressed in an unusual way; make the zip with plain Deflate")]
    Method { path: String },
    #[error("`{path}` is damaged")]
    Damaged { path: String },
    #[error("the zip has no .blend file")]
    NoScene,
    #[error("the zip has several .blend files where one is expected: {}", candidates.join(", "))]
    SeveralScenes { candidates: Vec<String> },
}

/// A file smaller than this is no bomb, however well it compresses.
const RATIO_FLOOR_BYTES: u64 = 16 << 20;
/// The directory of a zip takes about this much for each entry; reading stops at the limit's worth.
const DIRECTORY_BYTES_PER_ENTRY: u64 = 512;
const DIRECTORY_SLACK_BYTES: u64 = 1 << 20;

/// Unpacks all files of the zip in `source` into the folder `into`, which must be empty.
///
/// After an error the folder may hold some of the files; the caller throws it away.
pub fn unpack(
    mut source: impl Read + Seek,
    into: &Path,
    limits: &ZipLimits,
) -> Result<Unpacked, ZipError> {
    let length = source.seek(SeekFrom::End(0));
    let length = length.map_err(|source| ZipError::Read { source })?;
    let mut archive = open(source, limits)?;
    let plan = plan(&mut archive, limits)?;
    let main = main_file::find(plan.iter().map(|entry| entry.path.as_str()))?;
    let mut total = Total::of(length, limits);
    let mut files = Vec::with_capacity(plan.len());
    for entry in plan {
        let bytes = write(&mut archive, &entry, into, &total, limits)?;
        total.bytes += bytes;
        files.push(UnpackedFile {
            path: entry.path,
            bytes,
        });
    }
    Ok(Unpacked { files, main })
}

/// What has come out of the zip, and how much may.
struct Total {
    bytes: u64,
    most: u64,
    /// More would be a bomb.
    by_ratio: u64,
}

impl Total {
    fn of(length: u64, limits: &ZipLimits) -> Self {
        let by_ratio = length.saturating_mul(limits.total_ratio);
        Total {
            bytes: 0,
            most: limits.total_bytes,
            by_ratio: by_ratio.max(limits.bomb_bytes),
        }
    }

    /// Whether so many bytes more may come out.
    fn allow(&self, more: u64, limits: &ZipLimits) -> Result<(), ZipError> {
        let bytes = self.bytes.saturating_add(more);
        if bytes > self.most {
            let allowed = self.most;
            return Err(ZipError::TooLarge { allowed });
        }
        if bytes > self.by_ratio {
            let ratio = limits.total_ratio;
            return Err(ZipError::TotalBomb { ratio });
        }
        Ok(())
    }
}

/// One file to unpack.
struct Entry {
    index: usize,
    path: String,
    packed_bytes: u64,
    declared_bytes: u64,
}

fn open<R: Read + Seek>(source: R, limits: &ZipLimits) -> Result<ZipArchive<Metered<R>>, ZipError> {
    let entries = limits.entries as u64;
    let budget = entries.saturating_mul(DIRECTORY_BYTES_PER_ENTRY);
    let left = Rc::new(Cell::new(budget.saturating_add(DIRECTORY_SLACK_BYTES)));
    let source = Metered {
        source,
        left: Rc::clone(&left),
    };
    let too_many = ZipError::TooManyEntries {
        allowed: limits.entries,
    };
    let archive = match ZipArchive::new(source) {
        Err(_) if left.get() == 0 => return Err(too_many),
        Err(zip::result::ZipError::Io(source)) if source.raw_os_error().is_some() => {
            return Err(ZipError::Read { source });
        }
        Err(_) => return Err(ZipError::NotAZip),
        Ok(archive) => archive,
    };
    if archive.len() > limits.entries {
        return Err(too_many);
    }
    left.set(u64::MAX);
    Ok(archive)
}

/// Checks every entry and lists the files that will be written.
fn plan<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    limits: &ZipLimits,
) -> Result<Vec<Entry>, ZipError> {
    if archive.has_duplicate_names() {
        return Err(ZipError::Duplicates);
    }
    let mut plan = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| ZipError::NotAZip)?;
        let stored = entry.name().map_err(|_| ZipError::NotAZip)?;
        let path = name::tidy(&stored, limits).map_err(|why| ZipError::Name {
            name: name::shown(&stored),
            why,
        })?;
        if !is_plain(entry.unix_mode()) {
            return Err(ZipError::NotAFile { path });
        }
        if entry.is_dir() || stored.ends_with('\\') || main_file::is_litter(&path) {
            continue;
        }
        if entry.encrypted() {
            return Err(ZipError::Encrypted { path });
        }
        if !matches!(
            entry.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            return Err(ZipError::Method { path });
        }
        plan.push(Entry {
            index,
            packed_bytes: entry.compressed_size(),
            declared_bytes: entry.size(),
            path,
        });
    }
    no_collisions(&plan)?;
    Ok(plan)
}

/// Regular files, folders, and entries from systems that have no file types.
fn is_plain(mode: Option<u32>) -> bool {
    const KIND: u32 = 0o170_000;
    matches!(mode.unwrap_or(0) & KIND, 0 | 0o040_000 | 0o100_000)
}

/// No two paths may differ in case alone (they are one file on Windows and macOS), and none may be
/// the folder of another.
fn no_collisions(plan: &[Entry]) -> Result<(), ZipError> {
    let mut taken: HashMap<String, &str> = HashMap::with_capacity(plan.len());
    for entry in plan {
        if let Some(first) = taken.insert(entry.path.to_lowercase(), &entry.path) {
            return Err(collision(first, &entry.path));
        }
    }
    for entry in plan {
        let folded = entry.path.to_lowercase();
        for (end, _) in folded.match_indices('/') {
            if let Some(file) = taken.get(&folded[..end]) {
                return Err(collision(file, &entry.path));
            }
        }
    }
    Ok(())
}

fn collision(first: &str, second: &str) -> ZipError {
    ZipError::Collision {
        first: first.to_owned(),
        second: second.to_owned(),
    }
}

/// Inflates one file and answers its size.
fn write<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    entry: &Entry,
    into: &Path,
    total: &Total,
    limits: &ZipLimits,
) -> Result<u64, ZipError> {
    let path = || entry.path.clone();
    let write_failed = |source| ZipError::Write {
        path: path(),
        source,
    };
    let packed = archive.by_index(entry.index);
    let mut packed = packed.map_err(|_| ZipError::Damaged { path: path() })?;
    let mut file = create(&into.join(&entry.path)).map_err(write_failed)?;
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0u64;
    loop {
        let count = match packed.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) if source.raw_os_error().is_some() => {
                return Err(ZipError::Read { source });
            }
            Err(_) => return Err(ZipError::Damaged { path: path() }),
        };
        bytes += count as u64;
        entry.allow(bytes, limits)?;
        total.allow(bytes, limits)?;
        file.write_all(&buffer[..count]).map_err(write_failed)?;
    }
    if bytes != entry.declared_bytes {
        return Err(ZipError::Damaged { path: path() });
    }
    Ok(bytes)
}

impl Entry {
    /// Whether `bytes` may have come out of this file.
    fn allow(&self, bytes: u64, limits: &ZipLimits) -> Result<(), ZipError> {
        let path = || self.path.clone();
        let by_ratio = self.packed_bytes.saturating_mul(limits.ratio);
        if bytes > limits.file_bytes {
            let allowed = limits.file_bytes;
            return Err(ZipError::FileTooLarge {
                path: path(),
                allowed,
            });
        }
        if bytes > by_ratio.max(RATIO_FLOOR_BYTES) {
            let ratio = limits.ratio;
            return Err(ZipError::Bomb {
                path: path(),
                ratio,
            });
        }
        Ok(())
    }
}

fn create(path: &PathBuf) -> io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Reads until a budget is used up, so that a directory of a billion entries is not read into
/// memory before anyone has counted them.
struct Metered<R> {
    source: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("the directory of the zip is too long"));
        }
        let count = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.source.read(&mut buffer[..count])?;
        self.left.set(left - count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}
