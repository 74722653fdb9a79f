//! Walks the blocks of a .blend file, head by head, reading only the bodies it is asked for.

use std::io::{Read, Seek};

use super::super::Limits;
use super::super::error::{Bound, Place, SceneError};
use super::header::HeadForm;
use super::stream::Stream;

const HEAD: &str = "a block head";
const BODY: &str = "a block";

/// What stands before each block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub code: [u8; 4],
    /// The address the data had in Blender's memory; pointers in other blocks name it.
    pub address: u64,
    /// Which structure of the DNA the body holds.
    pub structure: usize,
    /// How many of them.
    pub count: u64,
    pub bytes: u64,
    /// Where the body starts.
    pub place: Place,
}

impl Head {
    /// Data that belongs to the data-block before it.
    pub(super) fn is_data(&self) -> bool {
        self.code == *b"DATA"
    }
}

pub(super) struct Blocks<'a, R: Read + Seek> {
    stream: Stream<'a, R>,
    form: HeadForm,
    allowed: u64,
    seen: u64,
    /// Bytes of the current body that nobody has read.
    unread: u64,
}

impl<'a, R: Read + Seek> Blocks<'a, R> {
    /// Walks from where `stream` stands, just after the file header.
    pub(super) fn new(stream: Stream<'a, R>, form: HeadForm, limits: &Limits) -> Self {
        Blocks {
            stream,
            form,
            allowed: limits.blocks,
            seen: 0,
            unread: 0,
        }
    }

    /// The next head, or `None` at the end mark. A file without end mark is truncated.
    pub(super) fn next(&mut self) -> Result<Option<Head>, SceneError> {
        self.stream.skip(self.unread, BODY)?;
        self.unread = 0;
        let at = self.stream.place(HEAD);
        let mut code = [0; 4];
        self.stream.fill(&mut code, HEAD)?;
        self.seen += 1;
        if self.seen > self.allowed {
            return Err(SceneError::TooMuch {
                bound: Bound::Blocks,
                allowed: self.allowed,
                place: at,
            });
        }
        let mut head = self.fields(code)?.ok_or(SceneError::Damaged {
            place: at,
            what: "a length or count is negative",
        })?;
        if code == *b"ENDB" {
            return Ok(None);
        }
        head.place = self.stream.place(BODY);
        self.unread = head.bytes;
        Ok(Some(head))
    }

    /// The first `count` bytes of the body whose head `next` gave last.
    pub(super) fn body(&mut self, count: usize) -> Result<Vec<u8>, SceneError> {
        let place = self.stream.place(BODY);
        let left = self.unread.checked_sub(count as u64);
        let left = left.ok_or(SceneError::Damaged {
            place,
            what: "the block is shorter than the structure it holds",
        })?;
        let bytes = self.stream.take(count, BODY)?;
        self.unread = left;
        Ok(bytes)
    }

    /// `None` where a number that must not be is negative.
    fn fields(&mut self, code: [u8; 4]) -> Result<Option<Head>, SceneError> {
        let (bytes, address, structure, count) = match self.form {
            HeadForm::Small4 => {
                let bytes = i64::from(self.int32()?);
                let address = u64::from(u32::from_le_bytes(self.array()?));
                let structure = self.int32()?;
                (bytes, address, structure, i64::from(self.int32()?))
            }
            HeadForm::Small8 => {
                let bytes = i64::from(self.int32()?);
                let address = u64::from_le_bytes(self.array()?);
                let structure = self.int32()?;
                (bytes, address, structure, i64::from(self.int32()?))
            }
            HeadForm::Large8 => {
                let structure = self.int32()?;
                let address = u64::from_le_bytes(self.array()?);
                let bytes = i64::from_le_bytes(self.array()?);
                (bytes, address, structure, i64::from_le_bytes(self.array()?))
            }
        };
        let (Ok(bytes), Ok(structure), Ok(count)) = (
            u64::try_from(bytes),
            usize::try_from(structure),
            u64::try_from(count),
        ) else {
            return Ok(None);
        };
        Ok(Some(Head {
            code,
            address,
            structure,
            count,
            bytes,
            place: self.stream.place(HEAD),
        }))
    }

    fn int32(&mut self) -> Result<i32, SceneError> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SceneError> {
        let mut bytes = [0; N];
        self.stream.fill(&mut bytes, HEAD)?;
        Ok(bytes)
    }
}
