//! Who works on a job, and why frames of it wait.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::WorkerId;
use crate::job::FrameProgress;

/// `GET /api/v1/jobs/{id}/workers`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobWorkers {
    /// Those that hold frames of it now.
    pub workers: Vec<JobWorker>,
    /// Frames that wait for somebody.
    pub queued: u32,
    /// Why they wait, what helps first in front; empty if none waits.
    pub waits: Vec<WaitReason>,
}

/// A worker that holds frames of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobWorker {
    pub id: WorkerId,
    pub name: String,
    pub slots: Vec<JobSlot>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobSlot {
    pub slot: u16,
    /// Frames that it was given and that are not finished, in order.
    pub frames: Vec<i32>,
    /// How far those are that render now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub progress: Vec<FrameProgress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitKind {
    Paused,
    NeedsAttention,
    /// Every slot that could render it has something else to do.
    NoFreeSlot,
    NoWorkerOnline,
    /// Workers do not have the Blender for it.
    NoBlender,
    /// Workers have the Blender and did not prove that they render with its engine.
    NoEngine,
    /// Workers failed frames of it, and others can render it.
    FailedBefore,
    /// Workers made pictures that were sent back.
    SentBack,
    /// A kind that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// One reason why frames wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitReason {
    pub kind: WaitKind,
    /// In one sentence.
    pub text: String,
    /// How many workers it keeps from rendering, where it is about workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
}
