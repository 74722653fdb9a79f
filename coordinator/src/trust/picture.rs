//! Looks at a finished picture: is it whole, what is in it, and what does it look like small.
//!
//! Decoding is the cost, so one pass gives both the facts that verification wants and the thumbnail
//! that people want. Everything comes from machines of strangers: the container is walked to its
//! last byte (a picture that a worker stopped writing half-way must not pass, nor one that carries
//! something behind its end), and sizes are limited before anything is allocated.

mod canvas;
mod exr;
mod jpeg;
mod png;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use image::{ImageDecoder, ImageError};
use serde::{Deserialize, Serialize};

use self::canvas::{Canvas, Light};

/// The formats a frame may be delivered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    Png,
    Jpeg,
    /// OpenEXR with one layer or many.
    Exr,
}

/// What a picture is, as far as its own bytes tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    pub format: PictureFormat,
    /// Pixels that were stored; of an OpenEXR the data window, not the display window.
    pub width: u32,
    pub height: u32,
    /// Every pixel is the same within the noise of dithering, or none can be seen. That may be what
    /// the scene shows, so it is a reason to look, not to refuse.
    pub blank: bool,
    /// Pixels in which a colour is infinite or not a number.
    pub non_finite_pixels: u64,
    /// Red, green, blue and alpha over all other pixels: 0 to 1 as stored in PNG and JPEG, linear
    /// light in OpenEXR. A picture without alpha has 1 there.
    pub mean: [f32; 4],
}

#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    pub picture: Picture,
    /// A JPEG over a dark neutral ground.
    pub thumbnail: Vec<u8>,
}

/// What is taken from a worker at all.
#[derive(Debug, Clone, Copy)]
pub struct PictureLimits {
    /// Of PNG and JPEG files, which are held in memory.
    pub file_bytes: u64,
    /// The longer side.
    pub side: u32,
    pub pixels: u64,
    /// Of all layers together, decoded. OpenEXR is never decoded whole; there this limits time.
    pub decoded_bytes: u64,
    /// Of one block of an OpenEXR, which is what is held of it.
    pub block_bytes: u64,
}

impl Default for PictureLimits {
    fn default() -> Self {
        PictureLimits {
            file_bytes: 1 << 30,
            side: 32_768,
            // 16384 x 16384.
            pixels: 1 << 28,
            decoded_bytes: 16 << 30,
            block_bytes: 512 << 20,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("the picture could not be read")]
    Read {
        #[source]
        source: io::Error,
    },
    #[error("this is no PNG, JPEG or OpenEXR picture")]
    NotAPicture,
    #[error("the picture ends too early")]
    Truncated,
    #[error("the picture carries something behind its end")]
    Trailing,
    #[error("the picture is damaged: {what}")]
    Damaged { what: &'static str },
    #[error("the picture has more than {allowed} {what}")]
    TooLarge { what: &'static str, allowed: u64 },
    #[error("the picture uses {what}, which cannot be looked at")]
    Unsupported { what: &'static str },
    #[error("the picture has no colour channels to look at")]
    NoColour,
}

/// What a task's output has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub format: PictureFormat,
    pub width: u32,
    pub height: u32,
}

/// Why a whole picture is still not the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the picture is {found:?} where {expected:?} was asked for")]
    Format {
        expected: PictureFormat,
        found: PictureFormat,
    },
    #[error("the picture has {found_width} x {found_height} pixels instead of {width} x {height}")]
    Size {
        width: u32,
        height: u32,
        found_width: u32,
        found_height: u32,
    },
}

/// Whether `picture` is of the kind and size that was asked for.
pub fn check(picture: &Picture, expected: &Expected) -> Result<(), Refusal> {
    if picture.format != expected.format {
        return Err(Refusal::Format {
            expected: expected.format,
            found: picture.format,
        });
    }
    if (picture.width, picture.height) != (expected.width, expected.height) {
        return Err(Refusal::Size {
            width: expected.width,
            height: expected.height,
            found_width: picture.width,
            found_height: picture.height,
        });
    }
    Ok(())
}

/// Decodes the picture at `path`; the thumbnail's longer side is at most `max_side`.
pub fn inspect(
    path: &Path,
    max_side: u32,
    limits: &PictureLimits,
) -> Result<Inspected, PictureError> {
    let file = File::open(path).map_err(|source| PictureError::Read { source })?;
    inspect_from(file, max_side, limits)
}

/// [`inspect`] for any source that starts at position zero.
pub fn inspect_from(
    source: impl Read + Seek,
    max_side: u32,
    limits: &PictureLimits,
) -> Result<Inspected, PictureError> {
    // A picture must not end the thread that looks at it, and one of the decoders computes with
    // what it reads: damaged B44 blocks of OpenEXR make it overflow.
    let attempt = AssertUnwindSafe(|| decode(source, max_side, limits));
    panic::catch_unwind(attempt).unwrap_or(Err(PictureError::Damaged {
        what: "it makes the decoder stumble",
    }))
}

/// The pixels of a PNG of exactly this size, which has to be small: all of them are held in memory.
pub fn small_png(bytes: &[u8], width: u32, height: u32) -> Result<Vec<[u8; 3]>, PictureError> {
    let attempt = AssertUnwindSafe(|| png::pixels(bytes, width, height));
    panic::catch_unwind(attempt).unwrap_or(Err(PictureError::Damaged {
        what: "it makes the decoder stumble",
    }))
}

fn decode(
    source: impl Read + Seek,
    max_side: u32,
    limits: &PictureLimits,
) -> Result<Inspected, PictureError> {
    let mut source = BufReader::with_capacity(64 << 10, source);
    let length = source.seek(SeekFrom::End(0)).map_err(read_failed)?;
    source.seek(SeekFrom::Start(0)).map_err(read_failed)?;
    let mut magic = Vec::new();
    source
        .by_ref()
        .take(8)
        .read_to_end(&mut magic)
        .map_err(read_failed)?;
    source.seek(SeekFrom::Start(0)).map_err(read_failed)?;
    if magic.starts_with(&exr::MAGIC) {
        let canvas = exr::decode(source, length, max_side, limits)?;
        return canvas.finish(PictureFormat::Exr);
    }
    let format = if magic.starts_with(&png::MAGIC) {
        PictureFormat::Png
    } else if magic.starts_with(&jpeg::MAGIC) {
        PictureFormat::Jpeg
    } else {
        return Err(PictureError::NotAPicture);
    };
    if length > limits.file_bytes {
        let allowed = limits.file_bytes;
        return Err(PictureError::TooLarge {
            what: "bytes",
            allowed,
        });
    }
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).map_err(read_failed)?;
    let canvas = match format {
        PictureFormat::Png => png::decode(&bytes, max_side, limits)?,
        PictureFormat::Jpeg | PictureFormat::Exr => jpeg::decode(&bytes, max_side, limits)?,
    };
    canvas.finish(format)
}

/// Paints what one of the `image` crate's decoders gives: 8 or 16 bits, one to four channels.
fn paint(
    decoder: impl ImageDecoder,
    max_side: u32,
    limits: &PictureLimits,
) -> Result<Canvas, PictureError> {
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    limits.allow(width, height, decoder.total_bytes())?;
    let mut bytes = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
    decoder
        .read_image(&mut bytes)
        .map_err(|error| image_failed(&error))?;
    let channels = usize::from(color.channel_count());
    let is_wide = usize::from(color.bytes_per_pixel()) == 2 * channels;
    let pixel_bytes = usize::from(color.bytes_per_pixel());
    let row_bytes = pixel_bytes * width as usize;
    let mut canvas = Canvas::new(width, height, Light::Display, max_side);
    let mut row = Vec::with_capacity(width as usize);
    for (y, line) in bytes.chunks_exact(row_bytes.max(1)).enumerate() {
        row.clear();
        row.extend(line.chunks_exact(pixel_bytes.max(1)).map(|pixel| {
            let mut samples = [0.0; 4];
            if is_wide {
                for (sample, bytes) in samples.iter_mut().zip(pixel.as_chunks().0) {
                    *sample = f32::from(u16::from_ne_bytes(*bytes)) / 65_535.0;
                }
            } else {
                for (sample, byte) in samples.iter_mut().zip(pixel) {
                    *sample = f32::from(*byte) / 255.0;
                }
            }
            spread(samples, channels)
        }));
        canvas.row(0, y, &row);
    }
    Ok(canvas)
}

/// Grey, grey with alpha, colour or colour with alpha, as red, green, blue and alpha.
fn spread([a, b, c, d]: [f32; 4], channels: usize) -> [f32; 4] {
    match channels {
        1 => [a, a, a, 1.0],
        2 => [a, a, a, b],
        3 => [a, b, c, 1.0],
        _ => [a, b, c, d],
    }
}

impl PictureLimits {
    /// Enough for the picture that was asked for and no more, so that what a stranger sends instead
    /// is refused before it takes memory.
    pub fn expecting(expected: &Expected) -> Self {
        PictureLimits {
            side: expected.width.max(expected.height),
            pixels: u64::from(expected.width) * u64::from(expected.height),
            ..PictureLimits::default()
        }
    }

    fn allow(&self, width: u32, height: u32, decoded_bytes: u64) -> Result<(), PictureError> {
        let side = u64::from(width.max(height));
        let pixels = u64::from(width) * u64::from(height);
        let amounts = [
            ("pixels on one side", side, u64::from(self.side)),
            ("pixels", pixels, self.pixels),
            ("decoded bytes", decoded_bytes, self.decoded_bytes),
        ];
        for (what, found, allowed) in amounts {
            if found > allowed {
                return Err(PictureError::TooLarge { what, allowed });
            }
        }
        if pixels == 0 {
            return Err(PictureError::Damaged {
                what: "it has no pixels",
            });
        }
        Ok(())
    }
}

fn read_failed(source: io::Error) -> PictureError {
    PictureError::Read { source }
}

fn image_failed(error: &ImageError) -> PictureError {
    match error {
        ImageError::IoError(_) => PictureError::Truncated,
        ImageError::Unsupported(_) => PictureError::Unsupported {
            what: "an unusual encoding",
        },
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Limits(_) => PictureError::Damaged {
            what: "its pixels do not decode",
        },
    }
}
