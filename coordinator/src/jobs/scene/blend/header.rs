//! The first bytes of a .blend file: which Blender wrote it and what its block heads look like.
//!
//! | written by | example | bytes |
//! |---|---|---|
//! | up to 4.5 | `BLENDER-v405`: pointer size, endianness, version | 12 |
//! | from 5.0 | `BLENDER17-01v0500`: header size, pointers, format, endianness, version | 17 |

use std::io::{Read, Seek};

use super::super::error::{Place, SceneError};
use super::stream::Stream;

const MAGIC: &[u8] = b"BLENDER";
const PART: &str = "the file header";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub major: u16,
    pub minor: u16,
    pub heads: HeadForm,
}

/// The three layouts of a block head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadForm {
    /// 32-bit Blender: `code len:i32 old:u32 sdna:i32 count:i32`.
    Small4,
    /// 64-bit Blender up to 4.5: `code len:i32 old:u64 sdna:i32 count:i32`.
    Small8,
    /// Blender 5.0 and newer: `code sdna:i32 old:u64 len:i64 count:i64`.
    Large8,
}

impl HeadForm {
    pub(super) fn pointer_bytes(self) -> usize {
        match self {
            HeadForm::Small4 => 4,
            HeadForm::Small8 | HeadForm::Large8 => 8,
        }
    }
}

pub(super) fn read<R: Read + Seek>(stream: &mut Stream<'_, R>) -> Result<Header, SceneError> {
    let mut magic = [0; 7];
    let found = stream.fill_some(&mut magic, PART)?;
    if found < magic.len() && found > 0 && MAGIC.starts_with(&magic[..found]) {
        let place = stream.place(PART);
        return Err(SceneError::Truncated { place });
    }
    if magic != MAGIC {
        return Err(SceneError::NotABlend);
    }
    let mut rest = [0; 5];
    stream.fill(&mut rest, PART)?;
    match rest {
        [b'_', order, digits @ ..] => small(HeadForm::Small4, order, &digits),
        [b'-', order, digits @ ..] => small(HeadForm::Small8, order, &digits),
        [tens @ b'0'..=b'9', units @ b'0'..=b'9', b'-', format @ ..] => {
            let size = number(&[tens, units]);
            let format = number(&format);
            if (size, format) != (Some(17), Some(1)) {
                let format = u32::from(format.unwrap_or(0));
                return Err(SceneError::UnknownFormat { format });
            }
            let mut rest = [0; 5];
            stream.fill(&mut rest, PART)?;
            let [order, digits @ ..] = rest;
            small(HeadForm::Large8, order, &digits)
        }
        _ => Err(SceneError::NotABlend),
    }
}

fn small(heads: HeadForm, order: u8, digits: &[u8]) -> Result<Header, SceneError> {
    match order {
        b'v' => {}
        b'V' => return Err(SceneError::BigEndian),
        _ => return Err(SceneError::NotABlend),
    }
    let version = number(digits).ok_or(SceneError::Damaged {
        place: Place {
            part: PART,
            offset: 0,
        },
        what: "the version is no number",
    })?;
    Ok(Header {
        major: version / 100,
        minor: version % 100,
        heads,
    })
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |sum, digit| {
        let value = char::from(*digit).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(u16::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn each_generation_is_told_apart() {
        assert_eq!(
            read_bytes(b"BLENDER_v249").unwrap(),
            header(2, 49, HeadForm::Small4)
        );
        assert_eq!(
            read_bytes(b"BLENDER-v405").unwrap(),
            header(4, 5, HeadForm::Small8)
        );
        assert_eq!(
            read_bytes(b"BLENDER17-01v0500").unwrap(),
            header(5, 0, HeadForm::Large8)
        );
        assert_eq!(
            read_bytes(b"BLENDER17-01v1203").unwrap(),
            header(12, 3, HeadForm::Large8)
        );
    }

    #[test]
    fn other_files_are_no_blends() {
        for bytes in [
            &b""[..],
            b"PK\x03\x04........",
            b"BLENDED-v405",
            b"BLENDER*v405",
        ] {
            assert!(matches!(read_bytes(bytes), Err(SceneError::NotABlend)));
        }
    }

    #[test]
    fn a_header_cut_short_is_truncated() {
        for cut in 1..17 {
            let result = read_bytes(&b"BLENDER17-01v0500"[..cut]);
            assert!(matches!(result, Err(SceneError::Truncated { .. })), "{cut}");
        }
    }

    #[test]
    fn big_endian_and_future_formats_are_refused_by_name() {
        assert!(matches!(
            read_bytes(b"BLENDER-V405"),
            Err(SceneError::BigEndian)
        ));
        let future = read_bytes(b"BLENDER17-02v0600");
        assert!(matches!(
            future,
            Err(SceneError::UnknownFormat { format: 2 })
        ));
    }

    fn header(major: u16, minor: u16, heads: HeadForm) -> Header {
        Header {
            major,
            minor,
            heads,
        }
    }

    fn read_bytes(bytes: &[u8]) -> Result<Header, SceneError> {
        let mut source = Cursor::new(bytes);
        read(&mut Stream::open(&mut source, 1000)?)
    }
}
