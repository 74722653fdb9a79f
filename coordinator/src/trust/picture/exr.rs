//! OpenEXR: one block at a time, so that a frame of a hundred passes costs time and no memory.
//!
//! All blocks of all parts are read and decompressed. Measured and shown are the channels that
//! Blender calls *Combined*, or the nearest thing to colour there is.

mod dwa;

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use exr::block::UncompressedBlock;
use exr::block::reader::ChunksReader;
use exr::error::Error;
use exr::meta::MetaData;
use exr::meta::attribute::{ChannelList, SampleType};
use exr::meta::header::Header;
use exr::prelude::{Vec2, f16};

use super::canvas::{Canvas, Light};
use super::{PictureError, PictureLimits};

pub(super) const MAGIC: [u8; 4] = [0x76, 0x2f, 0x31, 0x01];

/// Decodes the picture in `source`, which has `length` bytes.
pub(super) fn decode(
    mut source: impl Read + Seek,
    length: u64,
    max_side: u32,
    limits: &PictureLimits,
) -> Result<Canvas, PictureError> {
    look_ahead(&mut source, limits)?;
    let reader = exr::block::read(&mut source, false).map_err(failed)?;
    let shown = Shown::choose(reader.headers()).ok_or(PictureError::NoColour)?;
    let (width, height) = sides(&reader.headers()[shown.part])?;
    let mut canvas = Canvas::new(width, height, Light::Linear, max_side);
    let mut chunks = reader.all_chunks(true).map_err(failed)?;
    let mut row = Vec::new();
    let mut seen = HashSet::new();
    for _ in 0..chunks.expected_chunk_count() {
        let chunk = chunks
            .next()
            .ok_or(PictureError::Truncated)?
            .map_err(failed)?;
        dwa::check(&chunk, chunks.meta_data())?;
        let block = UncompressedBlock::decompress_chunk(chunk, chunks.meta_data(), false)
            .map_err(failed)?;
        let index = block.index;
        if !seen.insert((index.layer, index.level, index.pixel_position)) {
            return Err(PictureError::Damaged {
                what: "a block is there twice",
            });
        }
        if index.layer == shown.part && index.level == Vec2(0, 0) {
            let channels = &chunks.meta_data().headers[shown.part].channels;
            shown.paint(&block, channels, &mut row, &mut canvas)?;
        }
    }
    drop(chunks);
    let end = source.stream_position().map_err(super::read_failed)?;
    if end < length {
        return Err(PictureError::Trailing);
    }
    Ok(canvas)
}

/// Cryptomatte writes the name of every object into the header; nothing else comes near this.
const HEADER_BYTES: u64 = 16 << 20;
const CHANNELS: u64 = 4096;
/// A picture of the largest size in tiles of 32 pixels has a quarter of that.
const BLOCKS: u64 = 1 << 20;

/// Reads the headers alone, from no more bytes than headers have, and checks what they announce.
fn look_ahead(source: &mut (impl Read + Seek), limits: &PictureLimits) -> Result<(), PictureError> {
    let mut start = Vec::new();
    let taken = source.by_ref().take(HEADER_BYTES).read_to_end(&mut start);
    taken.map_err(super::read_failed)?;
    source
        .seek(SeekFrom::Start(0))
        .map_err(super::read_failed)?;
    let meta = MetaData::read_from_buffered(start.as_slice(), false).map_err(failed)?;
    let mut announced = Announced::default();
    for header in &meta.headers {
        announced.add(header, limits)?;
    }
    Ok(())
}

/// What all parts of a file together announce.
#[derive(Default)]
struct Announced {
    decoded_bytes: u64,
    channels: u64,
    blocks: u64,
}

impl Announced {
    fn add(&mut self, header: &Header, limits: &PictureLimits) -> Result<(), PictureError> {
        if header.deep {
            return Err(PictureError::Unsupported { what: "deep data" });
        }
        let list = &header.channels.list;
        if list.iter().any(|channel| channel.sampling != Vec2(1, 1)) {
            let what = "subsampled channels";
            return Err(PictureError::Unsupported { what });
        }
        let (width, height) = sides(header)?;
        let pixels = u64::from(width) * u64::from(height);
        let pixel_bytes = header.channels.bytes_per_pixel as u64;
        let bytes = pixels.saturating_mul(pixel_bytes);
        self.decoded_bytes = self.decoded_bytes.saturating_add(bytes);
        self.channels = self.channels.saturating_add(list.len() as u64);
        self.blocks = self.blocks.saturating_add(header.chunk_count as u64);
        limits.allow(width, height, self.decoded_bytes)?;
        // One block is held at a time, and a block can be as large as the picture.
        let Vec2(block_width, block_height) = header.max_block_pixel_size();
        let block_pixels = (block_width as u64).saturating_mul(block_height as u64);
        let block_bytes = block_pixels.min(pixels).saturating_mul(pixel_bytes);
        let amounts = [
            ("channels", self.channels, CHANNELS),
            ("blocks", self.blocks, BLOCKS),
            ("bytes in one block", block_bytes, limits.block_bytes),
        ];
        for (what, found, allowed) in amounts {
            if found > allowed {
                return Err(PictureError::TooLarge { what, allowed });
            }
        }
        Ok(())
    }
}

fn sides(header: &Header) -> Result<(u32, u32), PictureError> {
    let Vec2(width, height) = header.layer_size;
    let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
        let what = "its size is no size";
        return Err(PictureError::Damaged { what });
    };
    Ok((width, height))
}

/// The part and the channels that people would call the picture.
struct Shown {
    part: usize,
    /// Indices of red, green and blue; one index three times for grey.
    colours: [usize; 3],
    alpha: Option<usize>,
}

impl Shown {
    fn choose(headers: &[Header]) -> Option<Shown> {
        let candidates = headers.iter().enumerate().flat_map(|(part, header)| {
            let names: Vec<String> = header
                .channels
                .list
                .iter()
                .map(|channel| channel.name.to_string())
                .collect();
            let reds: Vec<usize> = (0..names.len())
                .filter(|index| is_red(&names[*index]))
                .collect();
            let shown = reds
                .into_iter()
                .filter_map(move |red| Shown::around(part, &names, red));
            shown.collect::<Vec<_>>()
        });
        candidates
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, shown)| shown)
    }

    /// The channels that belong to a red (or grey) one, and how far they are from a finished picture.
    fn around(part: usize, names: &[String], red: usize) -> Option<(u8, Shown)> {
        let (layer, kind) = names[red].rsplit_once('.').unwrap_or(("", &names[red]));
        let sibling = |kind: &str| {
            let name = if layer.is_empty() {
                kind.to_owned()
            } else {
                format!("{layer}.{kind}")
            };
            names.iter().position(|found| *found == name)
        };
        let is_grey = kind != "R";
        let colours = if is_grey {
            [red; 3]
        } else {
            [red, sibling("G")?, sibling("B")?]
        };
        let pass = layer.rsplit('.').next().unwrap_or(layer);
        let rank = match pass {
            // Two names for what leaves the compositor.
            "Composite" => 0,
            "" => 1,
            "Combined" => 2,
            _ => 3,
        };
        let alpha = sibling("A");
        Some((
            rank + if is_grey { 4 } else { 0 },
            Shown {
                part,
                colours,
                alpha,
            },
        ))
    }

    fn paint(
        &self,
        block: &UncompressedBlock,
        channels: &ChannelList,
        row: &mut Vec<[f32; 4]>,
        canvas: &mut Canvas,
    ) -> Result<(), PictureError> {
        let last = channels.list.len().saturating_sub(1);
        for line in block.lines(channels) {
            let channel = line.location.channel;
            if channel == 0 {
                row.clear();
                row.resize(line.location.sample_count, [0.0, 0.0, 0.0, 1.0]);
            }
            let targets = self.targets(channel);
            if targets.contains(&true) {
                let kind = channels.list[channel].sample_type;
                for (pixel, sample) in row.iter_mut().zip(samples(kind, line.value)) {
                    for (slot, is_target) in pixel.iter_mut().zip(targets) {
                        if is_target {
                            *slot = sample;
                        }
                    }
                }
            }
            if channel == last {
                canvas.row(line.location.position.x(), line.location.position.y(), row);
            }
        }
        Ok(())
    }

    /// Which of red, green, blue and alpha a channel gives.
    fn targets(&self, channel: usize) -> [bool; 4] {
        let [red, green, blue] = self.colours.map(|colour| colour == channel);
        [red, green, blue, self.alpha == Some(channel)]
    }
}

/// `R`, or `Y` and `V` where the picture is grey, in any layer.
fn is_red(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("R" | "Y" | "V"))
}

/// The decoder leaves samples in the byte order of this machine.
fn samples(kind: SampleType, bytes: &[u8]) -> Box<dyn Iterator<Item = f32> + '_> {
    match kind {
        SampleType::F16 => Box::new(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|half| f16::from_ne_bytes(*half).to_f32()),
        ),
        SampleType::F32 => Box::new(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|float| f32::from_ne_bytes(*float)),
        ),
        SampleType::U32 => Box::new(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|int| u32::from_ne_bytes(*int) as f32),
        ),
    }
}

fn failed(error: Error) -> PictureError {
    match error {
        Error::Io(source) => PictureError::Read { source },
        Error::NotSupported(_) => PictureError::Unsupported {
            what: "an unusual encoding",
        },
        Error::Invalid(text) if text == MISSING_BYTES => PictureError::Truncated,
        Error::Invalid(_) | Error::Aborted => PictureError::Damaged {
            what: "its blocks do not decode",
        },
    }
}

/// How the `exr` crate says that a file ends too early; it has no other way to.
const MISSING_BYTES: &str = "reference to missing bytes";
