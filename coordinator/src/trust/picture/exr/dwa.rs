//! Believes the counters of a DWA block only as far as its pixels allow.
//!
//! The decoder reserves memory for as many values as a block announces, before it reads one. A
//! counter of a few bytes then asks for exabytes, and a failed reservation ends the whole process;
//! nothing can catch it.

use exr::block::chunk::{Chunk, CompressedBlock};
use exr::compression::Compression;
use exr::meta::MetaData;
use exr::prelude::{IntegerBounds, Vec2};

use super::super::PictureError;

/// Where the counters of values stand among the eleven at the start of a block: bytes of channels
/// that are not transformed; bytes and unpacked bytes of run lengths; transformed values (AC, DC).
const COUNTERS: [usize; 5] = [1, 6, 7, 8, 9];

pub(super) fn check(chunk: &Chunk, meta: &MetaData) -> Result<(), PictureError> {
    let damaged = PictureError::Damaged {
        what: "a block announces more than it can hold",
    };
    let Some(header) = meta.headers.get(chunk.layer_index) else {
        return Err(damaged);
    };
    if !matches!(
        header.compression,
        Compression::DWAA(_) | Compression::DWAB(_)
    ) {
        return Ok(());
    }
    let packed = match &chunk.compressed_block {
        CompressedBlock::ScanLine(block) => &block.compressed_pixels_le,
        CompressedBlock::Tile(block) => &block.compressed_pixels_le,
        CompressedBlock::DeepScanLine(_) | CompressedBlock::DeepTile(_) => return Err(damaged),
    };
    let place = header.get_block_data_indices(&chunk.compressed_block);
    let place = place.and_then(|place| header.get_absolute_block_pixel_coordinates(place));
    let Ok(IntegerBounds {
        size: Vec2(width, height),
        ..
    }) = place
    else {
        return Err(damaged);
    };
    let (width, height) = (width as u64, height as u64);
    let plain_bytes = width
        .saturating_mul(height)
        .saturating_mul(header.channels.bytes_per_pixel as u64);
    if packed.len() as u64 == plain_bytes {
        // Stored as it is, for want of anything to gain.
        return Ok(());
    }
    // Values come in squares of eight pixels, of which the last stick out of the block, and are at
    // most four bytes; run lengths can be up to twice as long as what they stand for.
    let values = width
        .saturating_add(8)
        .saturating_mul(height.saturating_add(8));
    let allowed = values
        .saturating_mul(8)
        .saturating_mul(header.channels.list.len() as u64);
    let (counters, _) = packed.as_chunks();
    let announced = COUNTERS.iter().filter_map(|index| counters.get(*index));
    if announced
        .map(|counter| u64::from_le_bytes(*counter))
        .any(|count| count > allowed)
    {
        return Err(damaged);
    }
    Ok(())
}
