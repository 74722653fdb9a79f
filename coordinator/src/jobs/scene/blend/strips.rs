//! The files of the video sequencer. A strip, its folder and its file names are three blocks that
//! refer to each other by address.

use std::collections::HashMap;

use super::super::facts::{DependencyKind, Extent};
use super::blocks::Head;
use super::dependencies::Reference;
use super::dna::Dna;
use super::record::Record;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StripPart {
    Strip,
    Folder,
    Elements,
}

impl StripPart {
    /// The structures that hold the parts. On disk a strip has always been a `Sequence` and its
    /// folder a `Strip`; in C they are now a `Strip` and a `StripData`, and a later Blender may
    /// write those.
    pub(super) fn structures(dna: &Dna) -> [(&'static str, StripPart); 3] {
        let (strip, folder) = if dna.index_of("StripData").is_some() {
            ("Strip", "StripData")
        } else {
            ("Sequence", "Strip")
        };
        [
            (strip, StripPart::Strip),
            (folder, StripPart::Folder),
            ("StripElem", StripPart::Elements),
        ]
    }
}

/// The strips of the scene that is being read. Sounds are left out: they are data-blocks of their
/// own, which also tell whether they are packed.
#[derive(Debug, Default)]
pub(super) struct Strips {
    strips: Vec<Strip>,
    folders: HashMap<u64, Folder>,
    elements: HashMap<u64, Element>,
}

#[derive(Debug)]
struct Strip {
    kind: DependencyKind,
    folder: u64,
}

#[derive(Debug)]
struct Folder {
    path: Vec<u8>,
    elements: u64,
}

#[derive(Debug)]
struct Element {
    name: Vec<u8>,
    extent: Extent,
}

impl Strips {
    pub(super) fn len(&self) -> usize {
        self.strips.len() + self.folders.len() + self.elements.len()
    }

    pub(super) fn add(&mut self, part: StripPart, head: &Head, record: &Record<'_>) {
        match part {
            StripPart::Strip => self.strips.extend(strip(record)),
            StripPart::Folder => {
                self.folders
                    .extend(folder(record).map(|folder| (head.address, folder)));
            }
            StripPart::Elements => {
                self.elements
                    .extend(element(record, head.count).map(|element| (head.address, element)));
            }
        }
    }

    /// The files of all strips taken so far; forgets the strips.
    pub(super) fn drain(&mut self) -> Vec<Reference> {
        let mut references = Vec::new();
        for strip in std::mem::take(&mut self.strips) {
            let folder = self.folders.get(&strip.folder);
            let element = folder.and_then(|folder| self.elements.get(&folder.elements));
            if let (Some(folder), Some(element)) = (folder, element) {
                let mut path = folder.path.clone();
                if !path.is_empty() && !path.ends_with(b"/") && !path.ends_with(b"\\") {
                    path.push(b'/');
                }
                path.extend_from_slice(&element.name);
                references.push(Reference {
                    kind: strip.kind,
                    extent: element.extent,
                    path,
                });
            }
        }
        self.folders.clear();
        self.elements.clear();
        references
    }
}

/// `SEQ_TYPE_IMAGE` and `SEQ_TYPE_MOVIE`.
fn strip(record: &Record<'_>) -> Option<Strip> {
    let kind = match record.int("type")? {
        0 => DependencyKind::Image,
        3 => DependencyKind::Movie,
        _ => return None,
    };
    let folder = record.pointer("strip").or_else(|| record.pointer("data"))?;
    Some(Strip { kind, folder })
}

fn folder(record: &Record<'_>) -> Option<Folder> {
    let path = record
        .text("dir")
        .or_else(|| record.text("dirpath"))?
        .to_vec();
    let elements = record.pointer("stripdata")?;
    Some(Folder { path, elements })
}

fn element(record: &Record<'_>, count: u64) -> Option<Element> {
    let name = record
        .text("name")
        .or_else(|| record.text("filename"))?
        .to_vec();
    let extent = if count > 1 {
        Extent::Sequence
    } else {
        Extent::File
    };
    Some(Element { name, extent })
}
