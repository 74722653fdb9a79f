//! Workers as their owners see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agent::{RuntimeInfo, SlotInfo, Telemetry};
use crate::health::DoctorCheck;
use crate::schedule::Schedule;
use crate::{JobId, Micros, WorkerId};

/// `POST /api/v1/workers`; the answer is a [`crate::worker_config::WorkerConfig`], shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewWorker {
    /// 1 to 64 characters.
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Never said hello.
    New,
    /// Heard from lately.
    Online,
    Offline,
    /// Finishes what it has and takes nothing new.
    Draining,
    /// An operator or its owner stopped it.
    Suspended,
    /// Gone for good; its token no longer works.
    Retired,
    /// A presence that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

impl Presence {
    /// As programs and people spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Draining => "draining",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    pub id: WorkerId,
    pub name: String,
    pub presence: Presence,
    pub created_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<i64>,
    /// When it last said hello: at its start, or when it noticed a change of what it can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_ms: Option<i64>,
    /// Version of its software.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default)]
    pub slots: Vec<SlotInfo>,
    #[serde(default)]
    pub runtimes: Vec<RuntimeInfo>,
    /// Version of its GPU driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// What keeps Blender from the rest of its machine, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sandbox: Vec<String>,
    /// What its doctor found at its start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doctor: Vec<DoctorCheck>,
    /// Latest readings of its GPUs; none when it is not online.
    #[serde(default)]
    pub telemetry: Vec<Telemetry>,
    /// Frames that it renders or holds now.
    pub leased: u32,
    /// What its slots are at, one frame each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub current: Vec<CurrentFrame>,
    /// Frames that it has rendered and that were accepted.
    pub done: u64,
    /// Points that its work earned since the day began in UTC.
    #[serde(default)]
    pub earned_today_micros: Micros,
    /// The hours of the week in which it takes frames; all of them, when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What it does now, and why, as the coordinator sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WorkerStatus>,
}

/// The frame at which a slot is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CurrentFrame {
    pub slot: u16,
    pub frame: i32,
    /// Whose job it is of, if it is one's own; other people's jobs are their business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<OwnJob>,
    /// 0 to 1; none before the worker's first word on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<i64>,
}

/// `GET /api/v1/workers`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkerList {
    pub workers: Vec<Worker>,
    /// What to ask for the next page `after`; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a worker does, and why: for its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerStatus {
    pub state: WorkerState,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
    /// Why it is so, in words.
    pub reason: String,
    /// What its owner can do about it, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Nothing was ever heard of it.
    NeverConnected,
    /// It was turned away: its software is too old for this coordinator.
    TooOld,
    /// It was there and is silent now.
    Offline,
    /// It is there, but no slot of it has shown that it can render.
    CannotRender,
    Rendering,
    /// It could render and has nothing to.
    Waiting,
    /// It finishes what it has and takes nothing new.
    Pausing,
    /// It takes nothing until it is resumed.
    Paused,
    /// It takes nothing until the hours begin that its owner set.
    OutsideHours,
    /// An operator stopped it.
    Suspended,
    Retired,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `PATCH /api/v1/workers/{id}`: what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeWorker {
    /// 1 to 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `POST /api/v1/workers/{id}/drain`; the body may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrainWorker {
    /// Why, for whoever looks at the worker: at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/v1/workers/{id}/suspend`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuspendWorker {
    /// Why, for its owner: 1 to 200 characters.
    pub reason: String,
}

/// `GET /api/v1/workers/{id}/uptime`: when the coordinator heard of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uptime {
    /// How long each span is.
    pub step: UptimeStep,
    /// All of the spans together.
    pub seen_ms: i64,
    /// The oldest first, without gaps, the last one still going on; from the creation of the worker at the
    /// earliest.
    pub spans: Vec<UptimeSpan>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UptimeStep {
    Hour,
    /// A day in UTC.
    #[default]
    Day,
    /// A step that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// How much of an hour or a day a worker was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UptimeSpan {
    pub start_ms: i64,
    pub seen_ms: i64,
}

/// `GET /api/v1/workers/{id}/tasks`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerTaskPage {
    /// The latest first.
    pub tasks: Vec<WorkerTask>,
    /// What to ask for the next page `after`; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One frame that a worker was given, as the worker's owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerTask {
    /// Whose job it is of, if it is one's own; other people's jobs are their business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<OwnJob>,
    pub frame: i32,
    pub attempt: u32,
    pub slot: u16,
    pub state: WorkerTaskState,
    pub leased_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_ms: Option<i64>,
    /// How long the rendering took; of accepted frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_ms: Option<i64>,
    /// What the GPU used for it, where its driver says; of accepted frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_millijoules: Option<i64>,
    /// Why it failed or was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A job of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnJob {
    pub id: JobId,
    pub name: String,
}

/// What became of a frame that a worker was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerTaskState {
    /// The worker holds it.
    Leased,
    /// The worker is told to stop.
    Stopping,
    /// Accepted.
    Done,
    /// The worker said that it failed.
    Failed,
    /// The picture did not pass.
    Rejected,
    /// Handed back untouched.
    Returned,
    /// The worker was silent for too long.
    Lost,
    /// Not wanted any more.
    Stopped,
    /// Accepted, and then sent back by the job's creator; `message` says why.
    SentBack,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `GET /api/v1/demand`: how much the network has to render, and how much there is to render it with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Demand {
    /// Frames that wait for a slot.
    pub queued: u64,
    /// Frames that slots hold or render now.
    pub leased: u64,
    /// Slots of all workers that are online.
    pub slots_online: u64,
}
