//! Folders of baked geometry nodes. The modifier and each of its bakes point to a text, and the
//! bake says which of the two counts.

use std::collections::HashMap;

use super::super::facts::{DependencyKind, Extent};
use super::dependencies::Reference;
use super::record::{Record, until_nul};

/// `NodesModifierBake.flag`: the bake has a folder of its own.
const CUSTOM_PATH: i64 = 1 << 1;
/// `bake_target`: as the modifier says, and inside the .blend.
const INHERIT: i64 = 0;
const PACKED: i64 = 1;

/// The baked modifiers of the object that is being read.
#[derive(Debug, Default)]
pub(super) struct Simulations {
    /// By the address of their list of bakes.
    modifiers: HashMap<u64, Modifier>,
    /// Addresses of texts that are still to come, and those that have.
    folders: HashMap<u64, Option<Vec<u8>>>,
    used: Vec<u64>,
}

#[derive(Debug)]
struct Modifier {
    folder: u64,
    target: i64,
}

impl Simulations {
    pub(super) fn len(&self) -> usize {
        self.modifiers.len() + self.folders.len() + self.used.len()
    }

    pub(super) fn wants(&self, address: u64) -> bool {
        matches!(self.folders.get(&address), Some(None))
    }

    /// Takes a text if it was wanted, and tells whether it was.
    pub(super) fn take(&mut self, address: u64, body: &[u8]) -> bool {
        match self.folders.get_mut(&address) {
            Some(folder @ None) => {
                *folder = Some(until_nul(body).to_vec());
                true
            }
            Some(Some(_)) | None => false,
        }
    }

    pub(super) fn modifier(&mut self, record: &Record<'_>) {
        // Blender 3.6 baked into the folder without a list of bakes; its default is never written.
        let folder = record.pointer("simulation_bake_directory").unwrap_or(0);
        let bakes = record.pointer("bakes").unwrap_or(0);
        if bakes == 0 {
            return;
        }
        let target = record.int("bake_target").unwrap_or(INHERIT);
        self.want(folder);
        self.modifiers.insert(bakes, Modifier { folder, target });
    }

    pub(super) fn bakes<'a>(&mut self, address: u64, bakes: impl Iterator<Item = Record<'a>>) {
        let Some(&Modifier { folder, target }) = self.modifiers.get(&address) else {
            return;
        };
        for bake in bakes {
            let own = bake.int("bake_target").unwrap_or(INHERIT);
            let effective = if own == INHERIT { target } else { own };
            if effective == PACKED {
                continue;
            }
            let is_custom = bake.int("flag").unwrap_or(0) & CUSTOM_PATH != 0;
            let custom = bake.pointer("directory").filter(|_| is_custom);
            let used = custom.unwrap_or(folder);
            self.want(used);
            self.used.push(used);
        }
    }

    /// The folders in use; forgets the modifiers.
    pub(super) fn drain(&mut self) -> Vec<Reference> {
        let used = std::mem::take(&mut self.used);
        let texts = used
            .iter()
            .filter_map(|address| self.folders.get(address)?.as_ref());
        let paths = texts.filter(|path| !path.is_empty());
        let references = paths.map(|path| Reference {
            kind: DependencyKind::Simulation,
            extent: Extent::Folder,
            path: path.clone(),
        });
        let references = references.collect();
        self.modifiers.clear();
        self.folders.clear();
        references
    }

    fn want(&mut self, address: u64) {
        if address != 0 {
            self.folders.entry(address).or_default();
        }
    }
}
