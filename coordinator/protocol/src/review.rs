//! What creators say of frames, and how the pictures of a frame came about.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Micros;
use crate::frames::FrameList;
use crate::job::{Job, WorkerName};
use crate::worker::WorkerTaskState;

/// `POST /api/v1/jobs/{id}/approve`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApproveFrames {
    /// Only these, at most 500; every done frame when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub frames: Option<FrameList>,
}

/// `POST /api/v1/jobs/{id}/send-back`: done frames are rendered again, by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SendBackFrames {
    /// At most 500.
    #[schema(value_type = String, example = "12,40-45")]
    pub frames: FrameList,
    /// What is wrong with them, in 1 to 300 characters: whoever rendered them reads it.
    pub reason: String,
}

/// What became of frames that were sent back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SentBackFrames {
    /// How many are rendered again; those that were sent back before are not counted.
    pub frames: u32,
    /// Credits that they were charged, in millionths. They come back frame by frame, when other pictures take their
    /// places within 7 days; a picture that shows the same stays paid.
    pub refundable_micros: Micros,
    /// Frames that stay paid, because the points for them are settled.
    pub settled_frames: u32,
    pub job: Job,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    Approved,
    SentBack,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// What the creator said last of a frame. A new picture begins without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FrameReview {
    pub state: ReviewState,
    /// Why it was sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub at_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SentBackState {
    /// The frame is not there again.
    Open,
    /// Another picture took its place: what it was charged came back.
    Replaced,
    /// The new picture shows the same: it stays paid.
    Same,
    /// The new picture is its creator's own work, which says nothing of the one before: it stays paid.
    Own,
    /// What it earned was settled before: it stays paid.
    Settled,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// A picture by somebody else's worker that was sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentBackPicture {
    pub state: SentBackState,
    /// What it was charged, in millionths of a credit.
    pub charged_micros: Micros,
}

/// One time that a frame was handed out. Its picture, if it has one, stays:
/// `GET /api/v1/jobs/{id}/frames/{frame}/attempts/{attempt}/output`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FrameAttempt {
    pub attempt: u32,
    pub worker: WorkerName,
    /// The slot of the worker.
    pub slot: u16,
    pub state: WorkerTaskState,
    pub started_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_ms: Option<i64>,
    /// Why it failed, or was sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_back: Option<SentBackPicture>,
    pub has_output: bool,
    /// There is a JPEG at `…/attempts/{attempt}/thumbnail`.
    pub has_thumbnail: bool,
}
