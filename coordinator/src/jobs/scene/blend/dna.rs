//! The structure definitions ("SDNA") that every .blend file carries about itself.
//!
//! With them a field is found by its name whatever Blender version or pointer size wrote the file.
//! A field's name in the file is the oldest it ever had: Blender renames in C, not on disk.
//!
//! ```text
//! SDNA  NAME count "*next\0" "name[66]\0" …   TYPE count "char\0" "ID\0" …
//!       TLEN u16…  (bytes of each type)        STRC count (type fields (type name)…)…
//! ```

use std::collections::HashMap;

use super::super::error::{Place, SceneError};

/// All structures of one file.
#[derive(Debug)]
pub(super) struct Dna {
    structs: Vec<Struct>,
    by_name: HashMap<Box<str>, usize>,
    pub pointer_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Struct {
    pub name: Box<str>,
    pub bytes: usize,
    fields: HashMap<Box<str>, Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// From the start of the structure.
    pub offset: usize,
    /// Of the whole field, all array elements together.
    pub bytes: usize,
    pub form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Pointer,
    Signed,
    Unsigned,
    Float,
    /// Index of the structure.
    Struct(usize),
    Opaque,
}

impl Dna {
    /// Reads the body of a `DNA1` block; `place` is where that body starts.
    pub(super) fn parse(
        body: &[u8],
        place: Place,
        pointer_bytes: usize,
    ) -> Result<Dna, SceneError> {
        parse(body, pointer_bytes).map_err(|what| SceneError::Damaged { place, what })
    }

    pub(super) fn structure(&self, index: usize) -> Option<&Struct> {
        self.structs.get(index)
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Follows a dotted path such as `r.im_format.imtype` from the structure at `index`.
    pub(super) fn field(&self, index: usize, path: &str) -> Option<Field> {
        let mut current = index;
        let mut offset = 0usize;
        let mut parts = path.split('.').peekable();
        loop {
            let field = self.structs.get(current)?.fields.get(parts.next()?)?;
            offset = offset.checked_add(field.offset)?;
            if parts.peek().is_none() {
                return Some(Field { offset, ..*field });
            }
            let Form::Struct(inner) = field.form else {
                return None;
            };
            current = inner;
        }
    }
}

type Parsed<T> = Result<T, &'static str>;

fn parse(body: &[u8], pointer_bytes: usize) -> Parsed<Dna> {
    let mut reader = Reader { body, at: 0 };
    reader.mark(b"SDNA")?;
    let names = reader.strings(b"NAME")?;
    let types = reader.strings(b"TYPE")?;
    reader.align()?;
    reader.mark(b"TLEN")?;
    let mut sizes = Vec::with_capacity(types.len());
    for _ in &types {
        sizes.push(usize::from(reader.u16()?));
    }
    let raw = reader.structs()?;

    let mut by_type = HashMap::new();
    for (index, (kind, _)) in raw.iter().enumerate() {
        by_type.insert(*kind, index);
    }
    let context = Context {
        names,
        types,
        sizes,
        by_type,
        pointer_bytes,
    };
    let mut structs = Vec::with_capacity(raw.len());
    let mut by_name = HashMap::with_capacity(raw.len());
    for (index, (kind, members)) in raw.iter().enumerate() {
        let structure = context.structure(*kind, members)?;
        by_name.insert(structure.name.clone(), index);
        structs.push(structure);
    }
    Ok(Dna {
        structs,
        by_name,
        pointer_bytes,
    })
}

/// Type and name of one field, as indices.
type Member = (usize, usize);

struct Context<'a> {
    names: Vec<&'a str>,
    types: Vec<&'a str>,
    sizes: Vec<usize>,
    by_type: HashMap<usize, usize>,
    pointer_bytes: usize,
}

impl Context<'_> {
    fn structure(&self, kind: usize, members: &[Member]) -> Parsed<Struct> {
        let missing = "a structure names a type that is not there";
        let name = *self.types.get(kind).ok_or(missing)?;
        let bytes = *self.sizes.get(kind).ok_or(missing)?;
        let mut fields = HashMap::with_capacity(members.len());
        let mut offset = 0usize;
        for &(kind, name) in members {
            let name = self
                .names
                .get(name)
                .ok_or("a field names a name that is not there")?;
            let (base, field) = self.field(kind, name, offset)?;
            offset += field.bytes;
            if offset > bytes {
                return Err("the fields of a structure are longer than the structure");
            }
            fields.insert(base.into(), field);
        }
        Ok(Struct {
            name: name.into(),
            bytes,
            fields,
        })
    }

    fn field<'n>(&self, kind: usize, name: &'n str, offset: usize) -> Parsed<(&'n str, Field)> {
        let type_name = *self
            .types
            .get(kind)
            .ok_or("a field names a type that is not there")?;
        let size = *self
            .sizes
            .get(kind)
            .ok_or("a field names a type that is not there")?;
        let (base, count) = declarator(name).ok_or("an array has no readable length")?;
        let is_pointer = name.starts_with('*') || name.starts_with("(*");
        let (one, form) = if is_pointer {
            (self.pointer_bytes, Form::Pointer)
        } else {
            (size, self.form(kind, type_name))
        };
        let bytes = one.checked_mul(count).ok_or("an array is too long")?;
        Ok((
            base,
            Field {
                offset,
                bytes,
                form,
            },
        ))
    }

    fn form(&self, kind: usize, type_name: &str) -> Form {
        match type_name {
            "int8_t" | "short" | "int" | "long" | "int64_t" => Form::Signed,
            // Blender's `char` holds flags and identifiers; 255 is used and means 255.
            "char" | "uchar" | "ushort" | "uint" | "ulong" | "uint64_t" => Form::Unsigned,
            "float" | "double" => Form::Float,
            _ => self
                .by_type
                .get(&kind)
                .map_or(Form::Opaque, |index| Form::Struct(*index)),
        }
    }
}

/// Splits `*name[4][2]` into the bare name and how many elements it has.
fn declarator(name: &str) -> Option<(&str, usize)> {
    let bare = name.trim_start_matches(['(', '*']);
    let end = bare.find(['[', ')', '(']).unwrap_or(bare.len());
    let (base, rest) = bare.split_at(end);
    let mut count = 1usize;
    for piece in rest.split('[').skip(1) {
        let digits = piece.split(']').next()?;
        count = count.checked_mul(digits.parse().ok()?)?;
    }
    Some((base, count))
}

struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let end = self.at.checked_add(count);
        let bytes = end.and_then(|end| self.body.get(self.at..end));
        self.at = self.at.saturating_add(count);
        bytes.ok_or("the definitions end too early")
    }

    fn align(&mut self) -> Parsed<()> {
        self.take(self.at.wrapping_neg() % 4).map(|_| ())
    }

    fn mark(&mut self, expected: &[u8; 4]) -> Parsed<()> {
        if self.take(4)? == expected {
            Ok(())
        } else {
            Err("the definitions lack a section")
        }
    }

    fn count(&mut self) -> Parsed<usize> {
        let bytes: [u8; 4] = self
            .take(4)?
            .try_into()
            .map_err(|_| "the definitions end too early")?;
        usize::try_from(i32::from_le_bytes(bytes)).map_err(|_| "a count is negative")
    }

    fn u16(&mut self) -> Parsed<u16> {
        let bytes: [u8; 2] = self
            .take(2)?
            .try_into()
            .map_err(|_| "the definitions end too early")?;
        Ok(u16::from_le_bytes(bytes))
    }

    fn strings(&mut self, mark: &[u8; 4]) -> Parsed<Vec<&'a str>> {
        self.align()?;
        self.mark(mark)?;
        let count = self.count()?;
        // Not reserved up front: the count is only believed as far as there are strings.
        let mut strings = Vec::new();
        for _ in 0..count {
            let rest = self
                .body
                .get(self.at..)
                .ok_or("the definitions end too early")?;
            let length = rest.iter().position(|byte| *byte == 0);
            let text = self.take(length.ok_or("a name has no end")?)?;
            self.take(1)?;
            strings.push(str::from_utf8(text).map_err(|_| "a name is no text")?);
        }
        Ok(strings)
    }

    fn structs(&mut self) -> Parsed<Vec<(usize, Vec<Member>)>> {
        self.align()?;
        self.mark(b"STRC")?;
        let count = self.count()?;
        let mut structs = Vec::new();
        for _ in 0..count {
            let kind = usize::from(self.u16()?);
            let fields = self.u16()?;
            let mut members = Vec::new();
            for _ in 0..fields {
                members.push((usize::from(self.u16()?), usize::from(self.u16()?)));
            }
            structs.push((kind, members));
        }
        Ok(structs)
    }
}
