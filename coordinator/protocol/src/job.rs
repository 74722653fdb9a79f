//! Jobs and their frames, as creators see them.
//!
//! `GET /api/v1/jobs/{id}/events` is a stream of server-sent events: `job` carries a [`Job`], `frame`
//! a [`Frame`], `progress` a [`FrameProgress`]. The id of an event is the job's revision, so that a
//! client which reconnects with `Last-Event-ID` misses nothing (progress inside a frame excepted).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::blender::{BlenderWanted, Series};
use crate::frames::FrameList;
use crate::job_workers::WaitReason;
use crate::review::{FrameAttempt, FrameReview};
use crate::settings::{Engine, Format, RenderSettings};
use crate::{BlobHash, JobId, Micros, SceneId, WorkerId};

/// Highest priority of a job; the default is [`PRIORITY_DEFAULT`].
pub const PRIORITY_MAX: u8 = 100;
pub const PRIORITY_DEFAULT: u8 = 50;

/// `POST /api/v1/jobs`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewJob {
    pub scene: SceneId,
    /// Shown to people; the scene's name when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file's own range when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "1-10,15,20-30x2")]
    pub frames: Option<FrameList>,
    #[serde(default)]
    pub settings: RenderSettings,
    #[serde(default)]
    #[schema(value_type = String)]
    pub blender: BlenderWanted,
    /// 0 to 100; among jobs of one creator the higher goes first. 50 when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Wait for a resume before anything is rendered.
    #[serde(default)]
    pub paused: bool,
    /// Credits that it may cost at most, in millionths; it is paused when they are spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend_cap_micros: Option<Micros>,
}

/// `POST /api/v1/jobs/estimate`: what a job would cost. By a guess: frames were not rendered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobEstimate {
    pub frames: u32,
    /// What a frame may take the reference machine.
    pub frame_reference_ms: i64,
    /// Credits, in millionths.
    pub price_per_reference_minute_micros: Micros,
    /// Of all frames together.
    pub estimate_micros: Micros,
    /// Has to be available at submit: the first frames are a test, and their mean takes the guess's place.
    pub needed_now_micros: Micros,
}

/// `POST /api/v1/jobs/{id}/spend-cap`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpendCap {
    /// Credits in millionths, of all that the job costs; no cap when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend_cap_micros: Option<Micros>,
}

/// What a job costs its creator. Credits, in millionths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobCost {
    pub price_per_reference_minute_micros: Micros,
    /// What a frame takes the reference machine: the mean of those that were rendered, or a guess.
    pub frame_reference_ms: i64,
    pub is_measured: bool,
    pub charged_micros: Micros,
    pub charged_frames: u32,
    /// Rendered by the creator's own workers.
    pub free_frames: u32,
    /// Set aside for the frames that are left; what is not needed goes back.
    pub reserved_micros: Micros,
    /// What was charged, and what the frames that are left should cost.
    pub estimate_micros: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend_cap_micros: Option<Micros>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nothing of it runs yet.
    Queued,
    Rendering,
    Paused,
    /// Something about the scene must be changed first; `reason` says what.
    NeedsAttention,
    /// Every frame is there.
    Done,
    /// Nothing is left to render, and some frames failed.
    Failed,
    Cancelled,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

impl JobState {
    /// No frame will change any more unless somebody acts.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Failed | Self::Cancelled | Self::NeedsAttention
        )
    }
}

/// How many frames are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FrameCounts {
    pub total: u32,
    pub queued: u32,
    pub leased: u32,
    pub done: u32,
    pub failed: u32,
    pub cancelled: u32,
}

/// A job as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    pub id: JobId,
    pub name: String,
    pub scene: SceneId,
    pub state: JobState,
    /// Why it is in this state, or why nothing of it runs, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub priority: u8,
    #[schema(value_type = String, example = "1-10,15,20-30x2")]
    pub frames: FrameList,
    /// What was asked for.
    pub settings: RenderSettings,
    /// What will be rendered: the settings completed from the file.
    pub render: RenderPlan,
    #[schema(value_type = String)]
    pub blender: BlenderWanted,
    /// The series that renders it, once one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub runtime: Option<Series>,
    pub counts: FrameCounts,
    pub created_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
    /// Mean render time of its finished frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_frame_ms: Option<i64>,
    /// Finished frames per minute since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_per_minute: Option<f64>,
    /// Time to the last frame, by what the slots that render it now should need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<i64>,
    /// Absent where rendering costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<JobCost>,
    /// Grows with every change of the job or of one of its frames.
    pub revision: i64,
}

/// What every output of a job has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RenderPlan {
    /// Name of the scene inside the file.
    pub scene: String,
    /// `None` for an engine of an add-on, which only the file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    pub format: Format,
    /// Pixels of the output, the percentage applied.
    pub width: u32,
    /// Pixels of the output, the percentage applied.
    pub height: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FrameState {
    Queued,
    Leased,
    Done,
    Failed,
    Cancelled,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// One frame of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Frame {
    pub frame: i32,
    pub state: FrameState,
    /// How often it was handed out.
    pub attempts: u32,
    /// Who renders it or rendered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_ms: Option<i64>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// What the creator said of it last; absent as long as nothing was said of this picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<FrameReview>,
    /// How often a picture of it was sent back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub times_sent_back: u32,
    /// Every time that it was handed out; in the answer about this frame alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<FrameAttempt>,
    /// Why it waits, while it is queued; in the answer about this frame alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitReason>,
    /// The job's revision at its last change.
    pub revision: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(times: &u32) -> bool {
    *times == 0
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerName {
    pub id: WorkerId,
    pub name: String,
}

/// A picture that was accepted. Bytes: `GET /api/v1/jobs/{id}/frames/{frame}/output`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    pub blob: BlobHash,
    pub size_bytes: u64,
    pub file_name: String,
    /// There is a JPEG at `GET /api/v1/jobs/{id}/frames/{frame}/thumbnail`.
    pub has_thumbnail: bool,
}

/// How far a frame is that renders now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FrameProgress {
    pub frame: i32,
    /// 0 to 1.
    pub fraction: f32,
    pub elapsed_ms: i64,
}

/// `GET /api/v1/jobs`, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobPage {
    pub jobs: Vec<Job>,
    /// Pass as `before` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<JobId>,
    /// How many jobs of that name there are in each state, on all pages and whatever `state` says.
    #[serde(default)]
    pub counts: JobCounts,
}

/// How many jobs are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobCounts {
    pub queued: u32,
    pub rendering: u32,
    pub paused: u32,
    pub needs_attention: u32,
    pub done: u32,
    pub failed: u32,
    pub cancelled: u32,
}

/// `GET /api/v1/jobs/{id}/frames`, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FramePage {
    pub frames: Vec<Frame>,
    /// Pass as `after` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i32>,
}

/// `POST /api/v1/jobs/{id}/retry`: failed frames go back to the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetryFrames {
    /// Only these; every failed or cancelled frame when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub frames: Option<FrameList>,
}
