//! The second pass: picks the blocks that matter and collects what they say.
//!
//! Blender writes a data-block (a scene, an image …) and then, as `DATA` blocks, everything that
//! belongs to it. What refers to each other by address (strips and their files, modifiers and their
//! folders) is therefore resolved whenever the next data-block begins, which keeps memory bounded
//! by one data-block.

use std::collections::HashSet;

use super::super::Limits;
use super::super::error::{Bound, Place, SceneError};
use super::super::facts::{BlenderScene, BlenderVersion, Compression, SceneFacts};
use super::blocks::Head;
use super::dependencies::{self, Found, Reference};
use super::dna::Dna;
use super::header::Header;
use super::parts::{self, Part, Parts};
use super::record::Record;
use super::scenes;
use super::simulations::Simulations;
use super::strips::{StripPart, Strips};

/// What a structure is to the survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interest {
    Globals,
    Scene,
    Library,
    Strip(StripPart),
    File(dependencies::Reader),
    NodesModifier,
    NodesBake,
    Part(Part),
    Node,
}

/// A baked modifier with more bakes than this has the rest ignored; artists have a handful.
const BAKES: u64 = 1000;

/// The longest folder name that is read for a simulation.
const FOLDER_BYTES: u64 = 4096;

/// A scene and the addresses it had, and held, in memory.
struct Scene {
    address: u64,
    camera: u64,
    /// What its nodes belong to, if its picture goes through nodes.
    compositor: Option<u64>,
    facts: BlenderScene,
}

pub(super) struct Survey<'a> {
    dna: &'a Dna,
    limits: &'a Limits,
    /// By index of the structure.
    interests: Vec<Option<Interest>>,
    subversion: Option<u16>,
    active: Option<u64>,
    scenes: Vec<Scene>,
    /// The parts of the last scene, while they are read.
    parts: Option<Parts>,
    /// The scene or node group that is being read.
    nodes_of: Option<u64>,
    /// What nodes belong to and which scene they render, for each node that renders one.
    rendering_nodes: HashSet<(u64, u64)>,
    /// Addresses of all objects, and of data-blocks in other files.
    objects: Vec<u64>,
    /// The library whose linked data-blocks come next.
    library: Option<Reference>,
    strips: Strips,
    simulations: Simulations,
    found: Found,
}

impl<'a> Survey<'a> {
    pub(super) fn new(dna: &'a Dna, limits: &'a Limits) -> Self {
        let mut interests = Vec::new();
        let mut note = |name: &str, interest| {
            if let Some(index) = dna.index_of(name) {
                if interests.len() <= index {
                    interests.resize(index + 1, None);
                }
                interests[index] = Some(interest);
            }
        };
        note("FileGlobal", Interest::Globals);
        note("Scene", Interest::Scene);
        note("Library", Interest::Library);
        note("NodesModifierData", Interest::NodesModifier);
        note("NodesModifierBake", Interest::NodesBake);
        note("bNode", Interest::Node);
        for (name, part) in parts::PARTS {
            note(name, Interest::Part(part));
        }
        for (name, part) in StripPart::structures(dna) {
            note(name, Interest::Strip(part));
        }
        for (name, reader) in dependencies::READERS {
            note(name, Interest::File(reader));
        }
        Survey {
            dna,
            limits,
            interests,
            subversion: None,
            active: None,
            scenes: Vec::new(),
            parts: None,
            nodes_of: None,
            rendering_nodes: HashSet::new(),
            objects: Vec::new(),
            library: None,
            strips: Strips::default(),
            simulations: Simulations::default(),
            found: Found::new(limits.dependencies),
        }
    }

    /// Notes that a block begins and answers how many bytes of its body to read, if any.
    pub(super) fn enter(&mut self, head: &Head) -> Result<Option<usize>, SceneError> {
        if !head.is_data() {
            self.settle(head.place)?;
            let has_nodes = matches!(&head.code, b"SC\0\0" | b"NT\0\0");
            self.nodes_of = has_nodes.then_some(head.address);
        }
        let is_linked = head.code == *b"ID\0\0";
        if is_linked && let Some(library) = self.library.take() {
            self.found.add(library, head.place)?;
        }
        if is_linked || head.code == *b"OB\0\0" {
            self.objects.push(head.address);
            self.bounded(
                self.objects.len(),
                Bound::Objects,
                self.limits.objects,
                head.place,
            )?;
        }
        let bytes = self.wants(head);
        Ok(bytes.and_then(|bytes| usize::try_from(bytes).ok()))
    }

    fn wants(&self, head: &Head) -> Option<u64> {
        if head.is_data() && self.simulations.wants(head.address) {
            return Some(head.bytes.min(FOLDER_BYTES));
        }
        let one = self.dna.structure(head.structure)?.bytes as u64;
        match self.interest(head)? {
            Interest::NodesBake => Some(one * head.count.min(BAKES)),
            // Nodes of materials and geometry are many and render no scene.
            Interest::Node => self.nodes_of.map(|_| one),
            Interest::Part(_) => self.parts.as_ref().map(|_| one),
            Interest::Globals
            | Interest::Scene
            | Interest::Library
            | Interest::Strip(_)
            | Interest::File(_)
            | Interest::NodesModifier => Some(one),
        }
    }

    /// Takes the body that [`Survey::enter`] asked for.
    pub(super) fn visit(&mut self, head: &Head, body: &[u8]) -> Result<(), SceneError> {
        if head.is_data() && self.simulations.take(head.address, body) {
            return Ok(());
        }
        let Some(interest) = self.interest(head) else {
            return Ok(());
        };
        let record = Record::new(self.dna, head.structure, body);
        match interest {
            Interest::Globals => {
                self.active = record.pointer("curscene").filter(|address| *address != 0);
                let subversion = record.int("subversion");
                self.subversion = subversion.and_then(|number| u16::try_from(number).ok());
                Ok(())
            }
            Interest::Scene => self.scene(head, &record),
            Interest::Library => {
                self.library = dependencies::library(&record);
                Ok(())
            }
            Interest::Strip(part) => {
                if let (StripPart::Strip, Some(parts)) = (part, &mut self.parts) {
                    parts.strip(head, &record);
                }
                self.strips.add(part, head, &record);
                self.bounded_pending(head.place)
            }
            Interest::Part(part) => {
                if let Some(parts) = &mut self.parts {
                    parts.add(part, head, &record);
                }
                Ok(())
            }
            Interest::Node => self.node(head, &record),
            Interest::File(reader) => self.found.read(reader, &record, head.place),
            Interest::NodesModifier => {
                self.simulations.modifier(&record);
                self.bounded_pending(head.place)
            }
            Interest::NodesBake => {
                let one = self.dna.structure(head.structure).map_or(0, |of| of.bytes);
                let bakes = body.chunks_exact(one.max(1));
                let bakes = bakes.map(|bytes| Record::new(self.dna, head.structure, bytes));
                self.simulations.bakes(head.address, bakes);
                self.bounded_pending(head.place)
            }
        }
    }

    pub(super) fn finish(
        mut self,
        header: Header,
        compression: Compression,
    ) -> Result<SceneFacts, SceneError> {
        let end = Place {
            part: "the end mark",
            offset: 0,
        };
        self.settle(end)?;
        let active = self.active;
        let active = self
            .scenes
            .iter()
            .find(|scene| Some(scene.address) == active);
        let active_scene = active.map(|scene| scene.facts.name.clone());
        self.look_for_cameras();
        self.look_into_compositors();
        let (dependencies, warnings) = self.found.into_parts();
        Ok(SceneFacts {
            version: BlenderVersion {
                major: header.major,
                minor: header.minor,
                subversion: self.subversion,
            },
            compression,
            active_scene,
            scenes: self.scenes.into_iter().map(|scene| scene.facts).collect(),
            dependencies,
            warnings,
        })
    }

    fn interest(&self, head: &Head) -> Option<Interest> {
        // Blocks of bytes and of pointers carry structure 0, which in every DNA is a list link.
        self.interests.get(head.structure).copied().flatten()
    }

    fn scene(&mut self, head: &Head, record: &Record<'_>) -> Result<(), SceneError> {
        let facts = scenes::read(record).ok_or(SceneError::Damaged {
            place: head.place,
            what: "a scene lacks its render settings",
        })?;
        self.scenes.push(Scene {
            address: head.address,
            camera: record.pointer("camera").unwrap_or(0),
            compositor: parts::compositor(record, head.address),
            facts,
        });
        self.parts = Some(Parts::of(record));
        self.bounded(
            self.scenes.len(),
            Bound::Scenes,
            self.limits.scenes,
            head.place,
        )
    }

    /// A deleted camera leaves its address behind in the scene: what counts is whether the file has
    /// an object there.
    fn look_for_cameras(&mut self) {
        let cameras: HashSet<u64> = self.scenes.iter().map(|scene| scene.camera).collect();
        let objects = self.objects.iter().copied();
        let present: HashSet<u64> = objects
            .filter(|address| cameras.contains(address))
            .collect();
        for scene in &mut self.scenes {
            scene.facts.has_camera = scene.camera != 0 && present.contains(&scene.camera);
        }
    }

    fn node(&mut self, head: &Head, record: &Record<'_>) -> Result<(), SceneError> {
        if let (Some(owner), Some(scene)) = (self.nodes_of, parts::rendered_scene(record)) {
            self.rendering_nodes.insert((owner, scene));
        }
        let nodes = self.rendering_nodes.len();
        self.bounded(nodes, Bound::Objects, self.limits.objects, head.place)
    }

    /// A compositor needs the scene's camera only if a node of it renders the scene.
    fn look_into_compositors(&mut self) {
        for scene in &mut self.scenes {
            let renders = |tree| [0, scene.address].map(|rendered| (tree, rendered));
            let is_free = scene.compositor.is_some_and(|tree| {
                let mut own = renders(tree).into_iter();
                !own.any(|node| self.rendering_nodes.contains(&node))
            });
            scene.facts.renders_without_camera |= is_free;
        }
    }

    /// Resolves what the data-block that just ended left open.
    fn settle(&mut self, place: Place) -> Result<(), SceneError> {
        if let (Some(parts), Some(scene)) = (self.parts.take(), self.scenes.last_mut()) {
            parts.finish(&mut scene.facts);
        }
        for dependency in self.strips.drain() {
            self.found.add(dependency, place)?;
        }
        for dependency in self.simulations.drain() {
            self.found.add(dependency, place)?;
        }
        Ok(())
    }

    fn bounded_pending(&self, place: Place) -> Result<(), SceneError> {
        let pending = self.strips.len() + self.simulations.len();
        // A strip is three parts, and image strips that share nothing are three for one file.
        let allowed = self.limits.dependencies.saturating_mul(3);
        self.bounded(pending, Bound::Dependencies, allowed, place)
    }

    fn bounded(
        &self,
        have: usize,
        bound: Bound,
        allowed: u64,
        place: Place,
    ) -> Result<(), SceneError> {
        if have as u64 > allowed {
            return Err(SceneError::TooMuch {
                bound,
                allowed,
                place,
            });
        }
        Ok(())
    }
}
