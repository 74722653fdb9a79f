//! One structure read from a block, with its fields by name.

use super::dna::{Dna, Field, Form};

/// The bytes of one structure and what they mean.
///
/// Each getter answers `None` where this Blender version has no such field, so callers can try the
/// names a field had over the years.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    dna: &'a Dna,
    structure: usize,
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn new(dna: &'a Dna, structure: usize, bytes: &'a [u8]) -> Self {
        Record {
            dna,
            structure,
            bytes,
        }
    }

    /// An integer of any width; of an array, the first element.
    pub(super) fn int(&self, path: &str) -> Option<i64> {
        let (field, bytes) = self.find(path)?;
        match (field.form, bytes) {
            (Form::Signed, [a]) => Some(i64::from(i8::from_le_bytes([*a]))),
            (Form::Signed, [a, b]) => Some(i64::from(i16::from_le_bytes([*a, *b]))),
            (Form::Signed, [a, b, c, d]) => Some(i64::from(i32::from_le_bytes([*a, *b, *c, *d]))),
            (Form::Unsigned, [a]) => Some(i64::from(*a)),
            (Form::Unsigned, [a, b]) => Some(i64::from(u16::from_le_bytes([*a, *b]))),
            (Form::Unsigned, [a, b, c, d]) => Some(i64::from(u32::from_le_bytes([*a, *b, *c, *d]))),
            (Form::Signed, eight) => Some(i64::from_le_bytes(eight.try_into().ok()?)),
            (Form::Unsigned, eight) => u64::from_le_bytes(eight.try_into().ok()?).try_into().ok(),
            (Form::Pointer | Form::Float | Form::Struct(_) | Form::Opaque, _) => None,
        }
    }

    /// [`Record::int`] for the settings that Blender keeps in an `int` or less.
    pub(super) fn int32(&self, path: &str) -> Option<i32> {
        self.int(path)?.try_into().ok()
    }

    pub(super) fn float(&self, path: &str) -> Option<f64> {
        let (field, bytes) = self.find(path)?;
        match (field.form, bytes.len()) {
            (Form::Float, 4) => Some(f64::from(f32::from_le_bytes(bytes.try_into().ok()?))),
            (Form::Float, 8) => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
            (_, _) => None,
        }
    }

    /// The address in a pointer; zero for none.
    pub(super) fn pointer(&self, path: &str) -> Option<u64> {
        let (field, bytes) = self.find(path)?;
        if field.form != Form::Pointer {
            return None;
        }
        let width = self.dna.pointer_bytes;
        let mut wide = [0; 8];
        wide.get_mut(..width)?.copy_from_slice(bytes.get(..width)?);
        Some(u64::from_le_bytes(wide))
    }

    /// Whether a pointer leads somewhere. A field this version lacks leads nowhere.
    pub(super) fn points(&self, path: &str) -> bool {
        self.pointer(path).is_some_and(|address| address != 0)
    }

    /// The text in a `char` array, up to its end mark.
    pub(super) fn text(&self, path: &str) -> Option<&'a [u8]> {
        let (field, bytes) = self.find(path)?;
        (field.form == Form::Unsigned).then(|| until_nul(bytes))
    }

    fn find(&self, path: &str) -> Option<(Field, &'a [u8])> {
        let field = self.dna.field(self.structure, path)?;
        let end = field.offset.checked_add(field.bytes)?;
        Some((field, self.bytes.get(field.offset..end)?))
    }
}

pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0);
    end.map_or(bytes, |end| &bytes[..end])
}
