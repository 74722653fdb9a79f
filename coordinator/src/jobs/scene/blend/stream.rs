//! The decompressed bytes of a .blend file, counted and limited.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;

use super::super::error::{Bound, Place, SceneError};
use super::super::facts::Compression;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A forward-only reader that knows where it is and how far it may go.
pub(super) struct Stream<'a, R: Read + Seek> {
    source: Source<'a, R>,
    offset: u64,
    allowed: u64,
}

enum Source<'a, R: Read + Seek> {
    Plain {
        reader: BufReader<&'a mut R>,
        length: u64,
    },
    Gzip(Box<MultiGzDecoder<BufReader<&'a mut R>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<&'a mut R>>>),
}

impl<'a, R: Read + Seek> Stream<'a, R> {
    /// Starts at the beginning of `raw` and decompresses if its first bytes say so.
    pub(super) fn open(raw: &'a mut R, allowed: u64) -> Result<Self, SceneError> {
        let length = raw.seek(SeekFrom::End(0)).map_err(read_failed)?;
        raw.seek(SeekFrom::Start(0)).map_err(read_failed)?;
        let mut reader = BufReader::with_capacity(64 << 10, raw);
        let start = reader.fill_buf().map_err(read_failed)?;
        let source = if start.starts_with(&ZSTD) {
            let decoder = zstd::Decoder::with_buffer(reader).map_err(read_failed)?;
            Source::Zstd(Box::new(decoder))
        } else if start.starts_with(&GZIP) {
            Source::Gzip(Box::new(MultiGzDecoder::new(reader)))
        } else {
            Source::Plain { reader, length }
        };
        Ok(Stream {
            source,
            offset: 0,
            allowed,
        })
    }

    pub(super) fn compression(&self) -> Compression {
        match self.source {
            Source::Plain { .. } => Compression::None,
            Source::Gzip(_) => Compression::Gzip,
            Source::Zstd(_) => Compression::Zstd,
        }
    }

    pub(super) fn place(&self, part: &'static str) -> Place {
        Place {
            part,
            offset: self.offset,
        }
    }

    /// Fills `buffer`, or tells that the file ends in `part`.
    pub(super) fn fill(&mut self, buffer: &mut [u8], part: &'static str) -> Result<(), SceneError> {
        self.allow(buffer.len() as u64, part)?;
        let place = self.place(part);
        let read = match &mut self.source {
            Source::Plain { reader, .. } => reader.read_exact(buffer),
            Source::Gzip(decoder) => decoder.read_exact(buffer),
            Source::Zstd(decoder) => decoder.read_exact(buffer),
        };
        read.map_err(|error| classify(error, place))?;
        self.offset += buffer.len() as u64;
        Ok(())
    }

    /// Fills as much of `buffer` as the file has and answers how much that was.
    pub(super) fn fill_some(
        &mut self,
        buffer: &mut [u8],
        part: &'static str,
    ) -> Result<usize, SceneError> {
        self.allow(buffer.len() as u64, part)?;
        let mut filled = 0;
        while filled < buffer.len() {
            let place = self.place(part);
            let rest = &mut buffer[filled..];
            let read = match &mut self.source {
                Source::Plain { reader, .. } => reader.read(rest),
                Source::Gzip(decoder) => decoder.read(rest),
                Source::Zstd(decoder) => decoder.read(rest),
            };
            match read {
                Ok(0) => break,
                Ok(count) => {
                    filled += count;
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(classify(error, place)),
            }
        }
        Ok(filled)
    }

    /// Reads `count` bytes into a new buffer. `count` must already be limited by the caller.
    pub(super) fn take(&mut self, count: usize, part: &'static str) -> Result<Vec<u8>, SceneError> {
        self.allow(count as u64, part)?;
        let place = self.place(part);
        let mut bytes = Vec::new();
        let read = match &mut self.source {
            Source::Plain { reader, .. } => reader.take(count as u64).read_to_end(&mut bytes),
            Source::Gzip(decoder) => decoder.take(count as u64).read_to_end(&mut bytes),
            Source::Zstd(decoder) => decoder.take(count as u64).read_to_end(&mut bytes),
        };
        read.map_err(|error| classify(error, place))?;
        if bytes.len() < count {
            return Err(SceneError::Truncated { place });
        }
        self.offset += count as u64;
        Ok(bytes)
    }

    /// Passes over `count` bytes: by seeking where the file is not compressed.
    pub(super) fn skip(&mut self, count: u64, part: &'static str) -> Result<(), SceneError> {
        self.allow(count, part)?;
        let place = self.place(part);
        let skipped = match &mut self.source {
            Source::Plain { reader, length } => {
                let fits = self
                    .offset
                    .checked_add(count)
                    .is_some_and(|end| end <= *length);
                let distance = i64::try_from(count).ok().filter(|_| fits);
                let distance = distance.ok_or(SceneError::Truncated { place })?;
                reader.seek_relative(distance).map_err(read_failed)?;
                count
            }
            Source::Gzip(decoder) => {
                discard(decoder, count).map_err(|error| classify(error, place))?
            }
            Source::Zstd(decoder) => {
                discard(decoder, count).map_err(|error| classify(error, place))?
            }
        };
        self.offset += skipped;
        if skipped < count {
            return Err(SceneError::Truncated { place });
        }
        Ok(())
    }

    fn allow(&self, more: u64, part: &'static str) -> Result<(), SceneError> {
        match self.offset.checked_add(more) {
            Some(end) if end <= self.allowed => Ok(()),
            Some(_) | None => Err(SceneError::TooMuch {
                bound: Bound::DecompressedBytes,
                allowed: self.allowed,
                place: self.place(part),
            }),
        }
    }
}

fn discard(reader: &mut impl Read, count: u64) -> io::Result<u64> {
    io::copy(&mut reader.take(count), &mut io::sink())
}

fn read_failed(source: io::Error) -> SceneError {
    SceneError::Read { source }
}

/// Decoders report broken data as `io::Error` too; only the operating system's errors carry a code.
fn classify(source: io::Error, place: Place) -> SceneError {
    if source.raw_os_error().is_some() {
        SceneError::Read { source }
    } else if source.kind() == io::ErrorKind::UnexpectedEof {
        SceneError::Truncated { place }
    } else {
        SceneError::Damaged {
            place,
            what: "the compressed data does not decode",
        }
    }
}
