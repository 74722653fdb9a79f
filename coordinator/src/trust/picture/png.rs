//! PNG: every chunk is whole and checks, from `IHDR` to `IEND` and not one byte further.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder, Limits};

use super::canvas::Canvas;
use super::{PictureError, PictureLimits, image_failed, paint};

pub(super) const MAGIC: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

pub(super) fn decode(
    bytes: &[u8],
    max_side: u32,
    limits: &PictureLimits,
) -> Result<Canvas, PictureError> {
    walk(bytes)?;
    let mut decoder_limits = Limits::no_limits();
    // For what is not pixels: colour profiles and texts, which are compressed too.
    decoder_limits.max_alloc = Some(64 << 20);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), decoder_limits);
    paint(
        decoder.map_err(|error| image_failed(&error))?,
        max_side,
        limits,
    )
}

/// The pixels of a small picture of 8 bits; whatever it has of alpha is left out.
pub(super) fn pixels(bytes: &[u8], width: u32, height: u32) -> Result<Vec<[u8; 3]>, PictureError> {
    walk(bytes)?;
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(width);
    limits.max_image_height = Some(height);
    limits.max_alloc = Some(1 << 20);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits);
    let decoder = decoder.map_err(|error| image_failed(&error))?;
    if decoder.dimensions() != (width, height) {
        return Err(PictureError::Damaged {
            what: "it is of another size",
        });
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| image_failed(&error))?;
    let pixels = picture.into_rgb8().into_raw();
    Ok(pixels.as_chunks().0.to_vec())
}

/// The decoder stops after the last pixel, so the container is checked apart.
fn walk(bytes: &[u8]) -> Result<(), PictureError> {
    let mut rest = bytes.get(MAGIC.len()..).ok_or(PictureError::Truncated)?;
    let mut is_first = true;
    loop {
        let (kind, after) = chunk(rest)?;
        if is_first != (kind == *b"IHDR") {
            return Err(PictureError::Damaged {
                what: "its chunks are out of order",
            });
        }
        if kind == *b"IEND" {
            return if after.is_empty() {
                Ok(())
            } else {
                Err(PictureError::Trailing)
            };
        }
        is_first = false;
        rest = after;
    }
}

/// The kind of the first chunk and what follows it.
fn chunk(bytes: &[u8]) -> Result<([u8; 4], &[u8]), PictureError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(PictureError::Truncated)?;
    let length =
        usize::try_from(u32::from_be_bytes(*length)).map_err(|_| PictureError::Truncated)?;
    let (kind, _) = rest.split_first_chunk().ok_or(PictureError::Truncated)?;
    let checked = length
        .checked_add(4)
        .and_then(|end| rest.split_at_checked(end));
    let (checked, rest) = checked.ok_or(PictureError::Truncated)?;
    let (sum, rest) = rest.split_first_chunk().ok_or(PictureError::Truncated)?;
    let mut crc = flate2::Crc::new();
    crc.update(checked);
    if crc.sum() != u32::from_be_bytes(*sum) {
        return Err(PictureError::Damaged {
            what: "a checksum is wrong",
        });
    }
    Ok((*kind, rest))
}
