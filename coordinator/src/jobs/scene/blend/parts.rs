//! What decides the picture of a scene and stands in blocks behind it: the strips of its sequencer,
//! its views, the nodes of its compositor.
//!
//! Blender writes the elements of a list in their order, so following one takes no more memory than
//! the address that comes next. The numbers are those of `DNA_scene_types.h`, `DNA_sequence_types.h`
//! and `DNA_node_types.h`; what they do to the picture was tried with Blender 4.2, 4.5 and 5.0.

use std::collections::HashSet;

use super::super::facts::{BlenderScene, Border, Views};
use super::blocks::Head;
use super::record::Record;

/// `RenderData.mode`
const BORDER: i64 = 1 << 9;
const CROP: i64 = 1 << 11;
/// `RenderData.scemode`
const SEQUENCER: i64 = 1;
const COMPOSITOR: i64 = 1 << 6;
const MULTIVIEW: i64 = 1 << 21;
/// `RenderData.views_format`: every enabled view counts, not only those named left and right.
const ALL_VIEWS: i64 = 1;
/// `SceneRenderView.viewflag`
const VIEW_OFF: i64 = 1;
/// `ImageFormatData.views_format`
const STEREO: i64 = 1;
const IN_ONE_EXR: i64 = 2;
/// `Stereo3dFormat`
const SQUEEZED: i64 = 1 << 2;
const SIDE_BY_SIDE: i64 = 3;
const TOP_BOTTOM: i64 = 4;
/// `Sequence.type`, `Sequence.flag`, `SeqTimelineChannel.flag`
const SOUND: i64 = 4;
const STRIP_MUTED: i64 = 1 << 5;
const CHANNEL_MUTED: i64 = 1 << 1;
/// Channels that Blender has; a broken file may name others.
const CHANNELS: std::ops::RangeInclusive<i64> = 0..=128;
/// `bNode.flag`, and `bNode.type` where nodes had no names yet.
const NODE_MUTED: i64 = 1 << 9;
const RENDER_LAYERS: i64 = 221;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Editing,
    Channel,
    View,
}

/// The structures that hold the parts, by their name on disk. Strips belong to [`super::strips`] too.
pub(super) const PARTS: [(&str, Part); 3] = [
    ("Editing", Part::Editing),
    ("SeqTimelineChannel", Part::Channel),
    ("SceneRenderView", Part::View),
];

/// The scene that is being read.
#[derive(Debug)]
pub(super) struct Parts {
    border: Option<Border>,
    crops: bool,
    sequences: bool,
    strips: Chain,
    channels: Chain,
    /// Channels with a strip that can be seen, and those that are muted.
    seen: HashSet<i64>,
    muted: HashSet<i64>,
    views: Chain,
    all_views: bool,
    enabled_views: u32,
    layout: Layout,
}

/// How the file wants its views saved, if it has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Mono,
    FileEach,
    OpenExr,
    Merged,
    SideBySide,
    TopBottom,
}

impl Parts {
    pub(super) fn of(scene: &Record<'_>) -> Parts {
        let mode = scene.int("r.mode").unwrap_or(0);
        let render = scene.int("r.scemode").unwrap_or(0);
        Parts {
            border: (mode & BORDER != 0).then(|| border(scene)).flatten(),
            crops: mode & CROP != 0,
            sequences: render & SEQUENCER != 0,
            strips: Chain::default(),
            channels: Chain::default(),
            seen: HashSet::new(),
            muted: HashSet::new(),
            views: Chain::from(scene, "r.views.first"),
            all_views: scene.int("r.views_format") == Some(ALL_VIEWS),
            enabled_views: 0,
            layout: layout(scene, render),
        }
    }

    pub(super) fn add(&mut self, part: Part, head: &Head, record: &Record<'_>) {
        match part {
            Part::Editing => {
                self.strips = Chain::from(record, "seqbase.first");
                self.channels = Chain::from(record, "channels.first");
            }
            Part::Channel => {
                let is_muted = record.int("flag").unwrap_or(0) & CHANNEL_MUTED != 0;
                if self.channels.reaches(head, record) && is_muted {
                    self.muted.extend(channel(record, "index"));
                }
            }
            Part::View => {
                let is_off = record.int("viewflag").unwrap_or(0) & VIEW_OFF != 0;
                let is_eye = matches!(record.text("name"), Some(b"left" | b"right"));
                if self.views.reaches(head, record) && !is_off && (is_eye || self.all_views) {
                    self.enabled_views = self.enabled_views.saturating_add(1);
                }
            }
        }
    }

    /// A strip of the scene, or one inside of a meta strip, which does not count for itself.
    pub(super) fn strip(&mut self, head: &Head, record: &Record<'_>) {
        let is_muted = record.int("flag").unwrap_or(0) & STRIP_MUTED != 0;
        let is_sound = record.int("type") == Some(SOUND);
        if self.strips.reaches(head, record) && !is_muted && !is_sound {
            let seen = channel(record, "machine").or_else(|| channel(record, "channel"));
            self.seen.extend(seen);
        }
    }

    /// Writes down what the parts mean for the scene, now that all of them were seen.
    pub(super) fn finish(self, scene: &mut BlenderScene) {
        // Blender 4.2 counts muted strips as well; nobody submits an edit that shows nothing.
        let is_sequenced = self.sequences && !self.seen.is_subset(&self.muted);
        // The sequencer draws no more than the border, cropped or not.
        let is_cropped = self.crops || is_sequenced;
        scene.renders_without_camera = is_sequenced;
        scene.border = self.border.filter(|_| is_cropped);
        let is_single = self.enabled_views < 2;
        scene.views = match self.layout {
            Layout::Mono => Views::One,
            Layout::SideBySide | Layout::TopBottom if is_single => Views::HalfStereo,
            Layout::FileEach | Layout::OpenExr | Layout::Merged if is_single => Views::One,
            Layout::FileEach => Views::FileEach,
            Layout::OpenExr => Views::OpenExr,
            Layout::Merged => Views::Merged,
            Layout::SideBySide => Views::SideBySide,
            Layout::TopBottom => Views::TopBottom,
        };
    }
}

/// The address of the list of nodes that a scene's picture goes through, if it goes through one: of
/// the node group from 5.0 on, before that of the scene itself.
pub(super) fn compositor(scene: &Record<'_>, address: u64) -> Option<u64> {
    if scene.int("r.scemode").unwrap_or(0) & COMPOSITOR == 0 {
        return None;
    }
    if let Some(group) = scene.pointer("compositing_node_group") {
        return (group != 0).then_some(group);
    }
    let is_used = scene.int("use_nodes").unwrap_or(0) != 0 && scene.points("nodetree");
    is_used.then_some(address)
}

/// The scene that a node renders: zero for the one that it belongs to, `None` for a node that renders
/// nothing.
pub(super) fn rendered_scene(node: &Record<'_>) -> Option<u64> {
    let is_layers = match node.text("idname") {
        Some(name) => name == b"CompositorNodeRLayers",
        None => node.int("type") == Some(RENDER_LAYERS),
    };
    let is_muted = node.int("flag").unwrap_or(0) & NODE_MUTED != 0;
    (is_layers && !is_muted).then(|| node.pointer("id").unwrap_or(0))
}

/// A list of which the next element is awaited.
#[derive(Debug, Default)]
struct Chain {
    next: u64,
}

impl Chain {
    fn from(record: &Record<'_>, first: &str) -> Chain {
        Chain {
            next: record.pointer(first).unwrap_or(0),
        }
    }

    /// Whether this is the element that comes next; if so, awaits the one after it.
    fn reaches(&mut self, head: &Head, record: &Record<'_>) -> bool {
        let is_next = self.next != 0 && head.address == self.next;
        if is_next {
            self.next = record.pointer("next").unwrap_or(0);
        }
        is_next
    }
}

fn layout(scene: &Record<'_>, render: i64) -> Layout {
    if render & MULTIVIEW == 0 {
        return Layout::Mono;
    }
    let stereo = |field| scene.int(&format!("r.im_format.stereo3d_format.{field}"));
    let is_squeezed = stereo("flag").unwrap_or(0) & SQUEEZED != 0;
    match (
        scene.int("r.im_format.views_format"),
        stereo("display_mode"),
    ) {
        (Some(IN_ONE_EXR), _) => Layout::OpenExr,
        (Some(STEREO), Some(SIDE_BY_SIDE)) if !is_squeezed => Layout::SideBySide,
        (Some(STEREO), Some(TOP_BOTTOM)) if !is_squeezed => Layout::TopBottom,
        (Some(STEREO), _) => Layout::Merged,
        (_, _) => Layout::FileEach,
    }
}

fn border(scene: &Record<'_>) -> Option<Border> {
    Some(Border {
        min_x: share(scene.float("r.border.xmin")?),
        max_x: share(scene.float("r.border.xmax")?),
        min_y: share(scene.float("r.border.ymin")?),
        max_y: share(scene.float("r.border.ymax")?),
    })
}

/// Blender lets nobody set less than 0 or more than 1; a broken file may hold anything.
fn share(number: f64) -> f32 {
    if number.is_finite() {
        number.clamp(0.0, 1.0) as f32
    } else {
        0.0
    }
}

fn channel(record: &Record<'_>, field: &str) -> Option<i64> {
    record.int(field).filter(|number| CHANNELS.contains(number))
}
