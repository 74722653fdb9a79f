//! Reads .blend files of every generation: three block head layouts, plain, gzip and zstd.
//!
//! Two passes, neither of which holds the file in memory: the first looks for the structure
//! definitions, which stand near the end; the second visits the blocks and keeps the few that
//! [`survey`] knows how to read.

mod blocks;
mod dependencies;
mod dna;
mod format;
mod header;
mod parts;
mod record;
mod scenes;
mod simulations;
mod stream;
mod strips;
mod survey;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::io::{Read, Seek};

use self::blocks::Blocks;
use self::dna::Dna;
use self::header::Header;
use self::stream::Stream;
use self::survey::Survey;
use super::Limits;
use super::error::{Bound, SceneError};
use super::facts::{Compression, SceneFacts};

pub(super) fn read<R: Read + Seek>(raw: &mut R, limits: &Limits) -> Result<SceneFacts, SceneError> {
    let dna = find_dna(raw, limits)?;
    let (header, compression, mut blocks) = open(raw, limits)?;
    let mut survey = Survey::new(&dna, limits);
    while let Some(head) = blocks.next()? {
        if let Some(count) = survey.enter(&head)? {
            let body = blocks.body(count)?;
            survey.visit(&head, &body)?;
        }
    }
    survey.finish(header, compression)
}

fn find_dna<R: Read + Seek>(raw: &mut R, limits: &Limits) -> Result<Dna, SceneError> {
    let (header, _, mut blocks) = open(raw, limits)?;
    let mut end = None;
    while let Some(head) = blocks.next()? {
        end = Some(head.place);
        if head.code != *b"DNA1" {
            continue;
        }
        if head.bytes > limits.dna_bytes {
            return Err(SceneError::TooMuch {
                bound: Bound::DnaBytes,
                allowed: limits.dna_bytes,
                place: head.place,
            });
        }
        let count = usize::try_from(head.bytes).unwrap_or(usize::MAX);
        let body = blocks.body(count)?;
        return Dna::parse(&body, head.place, header.heads.pointer_bytes());
    }
    match end {
        Some(place) => Err(SceneError::Damaged {
            place,
            what: "the file has no structure definitions",
        }),
        None => Err(SceneError::NotABlend),
    }
}

type Opened<'a, R> = (Header, Compression, Blocks<'a, R>);

fn open<'a, R: Read + Seek>(raw: &'a mut R, limits: &Limits) -> Result<Opened<'a, R>, SceneError> {
    let mut stream = Stream::open(raw, limits.decompressed_bytes)?;
    let compression = stream.compression();
    let header = header::read(&mut stream)?;
    let blocks = Blocks::new(stream, header.heads, limits);
    Ok((header, compression, blocks))
}
