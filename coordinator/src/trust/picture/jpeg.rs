//! JPEG: the segments lead from the start mark to the end mark, and the end mark is the end.
//!
//! JPEG has no checksums, and the decoder paints missing parts grey, so a picture that lost bytes in
//! its middle and kept its end mark passes here. Comparing with a second rendering finds it.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;

use super::canvas::Canvas;
use super::{PictureError, PictureLimits, image_failed, paint};

pub(super) const MAGIC: [u8; 3] = [0xff, 0xd8, 0xff];

const RESTARTS: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

pub(super) fn decode(
    bytes: &[u8],
    max_side: u32,
    limits: &PictureLimits,
) -> Result<Canvas, PictureError> {
    walk(bytes)?;
    let decoder = JpegDecoder::new(Cursor::new(bytes));
    paint(
        decoder.map_err(|error| image_failed(&error))?,
        max_side,
        limits,
    )
}

fn walk(bytes: &[u8]) -> Result<(), PictureError> {
    let mut rest = bytes.get(2..).ok_or(PictureError::Truncated)?;
    loop {
        let (kind, after) = marker(rest)?;
        rest = match kind {
            END if after.is_empty() => return Ok(()),
            END => return Err(PictureError::Trailing),
            SCAN => scan_data(segment(after)?),
            _ => segment(after)?,
        };
    }
}

/// The kind of the marker that must stand here and what follows it.
fn marker(bytes: &[u8]) -> Result<(u8, &[u8]), PictureError> {
    let (first, rest) = bytes.split_first().ok_or(PictureError::Truncated)?;
    if *first != 0xff {
        return Err(PictureError::Damaged {
            what: "a marker is missing",
        });
    }
    // Any number of fill bytes may precede the kind.
    let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
    let (kind, rest) = rest[fill..].split_first().ok_or(PictureError::Truncated)?;
    Ok((*kind, rest))
}

/// Passes over a segment, which starts with its own length.
fn segment(bytes: &[u8]) -> Result<&[u8], PictureError> {
    let length = bytes.first_chunk().ok_or(PictureError::Truncated)?;
    let length = usize::from(u16::from_be_bytes(*length));
    bytes.get(length.max(2)..).ok_or(PictureError::Truncated)
}

/// Passes over coded pixels, in which a marker is any `ff` that is not escaped and no restart.
fn scan_data(bytes: &[u8]) -> &[u8] {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && pair[1] != 0 && !RESTARTS.contains(&pair[1]);
    let end = bytes.windows(2).position(is_marker);
    &bytes[end.unwrap_or(bytes.len())..]
}
