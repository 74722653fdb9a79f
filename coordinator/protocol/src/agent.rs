//! The worker's conversation with its coordinator, `/agent/v1/…`, always started by the worker.
//!
//! ```text
//! hello      who I am and what I can do          → limits, intervals
//! registration   asked by installers             → how the coordinator knows this worker
//! work       a slot asks for frames (held)       → a lease, or nothing yet
//! report     progress, outputs, failures, logs   → a verdict on each, what is no longer mine
//! commands   held open all the time              → stop this, drain, install that, answer a challenge
//! challenges a slot proves that it renders       (see [`crate::challenge`])
//! blobs      scenes down, outputs up             (see [`crate::blob`])
//! ```
//!
//! An [`AttemptRef`] fences everything: what a worker says about an attempt that is not its own, or
//! no longer wanted, is refused with a [`Refusal`]. Every request may be repeated; a repeated report
//! gets the first answer again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::blender::Series;
use crate::gpus::ComputeCapability;
use crate::health::DoctorCheck;
use crate::job::RenderPlan;
use crate::settings::RenderSettings;
use crate::worker::Worker;
use crate::{BlobHash, ChallengeId, JobId, LeaseId, TaskId, WorkerId};

/// The version of this conversation.
pub const PROTOCOL: u32 = 1;

/// One attempt at one task: the task, and the number of its lease.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub struct AttemptRef {
    pub task: TaskId,
    pub attempt: u32,
}

// ---------------------------------------------------------------- hello

/// `POST /agent/v1/hello`: at start, whenever the coordinator answers `hello-first`, and when what the
/// worker can do has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    pub protocol: u32,
    /// Version of the worker's software.
    pub version: String,
    /// New at every start of the worker: leases of an earlier start end with this hello.
    pub instance: Uuid,
    pub slots: Vec<SlotInfo>,
    pub runtimes: Vec<RuntimeInfo>,
    /// Version of the GPU driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Sandbox layers that are active, outermost first.
    #[serde(default)]
    pub sandbox: Vec<String>,
    /// Finished outputs that an earlier start left in the journal: theirs stay open.
    #[serde(default)]
    pub journal: Vec<AttemptRef>,
    /// Series that the worker installs when it is told to; none where its owner does not want that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub installable: Vec<Series>,
    /// What it was told to install and has not got.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub installs: Vec<Install>,
    /// What the worker's doctor found at its start; nothing until it is done, and from workers that do not
    /// say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doctor: Vec<DoctorCheck>,
    /// The worker answers [`Command::Challenge`]; one that does not is not asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answers_challenges: bool,
}

/// How an installation of a Blender goes. One that is done is among the runtimes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Install {
    #[schema(value_type = String)]
    pub series: Series,
    #[serde(flatten)]
    pub state: InstallState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum InstallState {
    Running,
    Failed {
        /// How long ago: the worker's clock may be wrong.
        ago_ms: u64,
        /// For people.
        message: String,
    },
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// What a slot renders on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Device {
    Cpu,
    Cuda,
    Optix,
    Hip,
    /// A device that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SlotInfo {
    /// 0 for the first.
    pub slot: u16,
    pub device: Device,
    /// Name of the GPU or CPU.
    pub name: String,
    /// Memory of the device: VRAM, or the share of the machine's memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The driver's lasting name of the GPU, such as `GPU-…`, or `MIG-…` of a part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// CUDA compute capability, such as `8.9`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub compute_capability: Option<ComputeCapability>,
    /// What a probe render on this slot succeeded with. Absent while it was not probed, and from workers
    /// that do not probe: those are given anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Vec<Proven>>,
    /// Speed by the benchmark at joining, in reference units: see [`crate::benchmark`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

impl SlotInfo {
    /// A slot of which nothing else is known yet.
    pub fn new(slot: u16, device: Device, name: impl Into<String>) -> Self {
        Self {
            slot,
            device,
            name: name.into(),
            memory_bytes: None,
            uuid: None,
            compute_capability: None,
            proven: None,
            score: None,
        }
    }
}

/// A probe render succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proven {
    /// With this Blender.
    #[schema(value_type = String)]
    pub runtime: Series,
    pub can: Capability,
}

/// A way to render that either works on a slot or does not.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    CyclesCpu,
    CyclesCuda,
    CyclesOptix,
    CyclesHip,
    /// EEVEE, and Workbench: both draw with OpenGL.
    Eevee,
    /// A capability that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuntimeInfo {
    #[schema(value_type = String)]
    pub series: Series,
    /// Exact version, such as `4.5.15 LTS`.
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Welcome {
    pub worker: WorkerId,
    pub name: String,
    /// Version of the coordinator's software.
    pub version: String,
    /// A worker that renders reports at least this often.
    pub report_interval_ms: u32,
    /// A held request is answered after this long at the latest.
    pub hold_ms: u32,
    /// A lease that is not renewed for this long is lost.
    pub lease_ttl_ms: u32,
    /// Largest output that is taken.
    pub output_bytes_max: u64,
    #[serde(default)]
    pub commands: Vec<Command>,
}

/// `GET /agent/v1/registration`: how the coordinator knows the worker whose token asks. Asking is no sign
/// of life of the worker: installers ask too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    pub worker: Worker,
    /// The coordinator's clock.
    pub now_ms: i64,
    /// Version of the coordinator's software.
    pub version: String,
}

// ---------------------------------------------------------------- work

/// `POST /agent/v1/work`: a slot is idle, or soon will be. Held until there is work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskForWork {
    pub instance: Uuid,
    pub slot: u16,
    /// Scene that this slot has open, by its content: it is preferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<BlobHash>,
    /// Scenes in the worker's cache, by content, most recent first.
    #[serde(default)]
    pub cached: Vec<BlobHash>,
    /// How long to hold the request; the welcome's `hold_ms` at most. 0 asks and goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Work {
    /// Absent when there was nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    #[serde(default)]
    pub commands: Vec<Command>,
}

/// The right to render some frames of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    pub id: LeaseId,
    pub job: JobId,
    pub scene: SceneManifest,
    #[schema(value_type = String)]
    pub runtime: Series,
    /// Settings that differ from the file's.
    pub settings: RenderSettings,
    /// What every output has to be.
    pub plan: RenderPlan,
    /// In the order in which to render them.
    pub tasks: Vec<Grant>,
}

/// One frame to render.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    #[serde(flatten)]
    pub attempt: AttemptRef,
    pub frame: i32,
}

/// The files of a scene.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SceneManifest {
    /// BLAKE3 over the files' paths and contents: two scenes with the same content are one.
    pub content: BlobHash,
    /// Path of the .blend to open.
    pub main: String,
    pub files: Vec<SceneFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SceneFile {
    /// Relative, with `/`; never absolute, never with `..`.
    pub path: String,
    pub blob: BlobHash,
    pub size_bytes: u64,
}

// ---------------------------------------------------------------- report

/// `POST /agent/v1/report`: everything since the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    pub instance: Uuid,
    /// Every attempt that the worker still holds, rendering or waiting: renews their leases.
    #[serde(default)]
    pub holding: Vec<AttemptRef>,
    #[serde(default)]
    pub progress: Vec<Progress>,
    #[serde(default)]
    pub finished: Vec<Finished>,
    #[serde(default)]
    pub failed: Vec<Failed>,
    /// Handed back untouched, such as when draining.
    #[serde(default)]
    pub returned: Vec<AttemptRef>,
    /// Stopped because a command said so.
    #[serde(default)]
    pub stopped: Vec<AttemptRef>,
    #[serde(default)]
    pub logs: Vec<LogChunk>,
    /// What the GPUs' sensors say now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub telemetry: Vec<Telemetry>,
}

/// Readings of one slot's GPU. Which of them there are depends on the GPU and its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Telemetry {
    pub slot: u16,
    /// Share of the last moments in which the GPU worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation_percent: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_celsius: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_milliwatts: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    #[serde(flatten)]
    pub attempt: AttemptRef,
    /// 0 to 1.
    pub fraction: f32,
    pub elapsed_ms: i64,
}

/// A picture is rendered and its blob is uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finished {
    #[serde(flatten)]
    pub attempt: AttemptRef,
    pub output: BlobHash,
    pub size_bytes: u64,
    pub render_ms: i64,
    /// Most memory that Blender used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// What the GPU used while the frame rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_millijoules: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failed {
    #[serde(flatten)]
    pub attempt: AttemptRef,
    pub fault: RenderFault,
    /// For people: what happened, in a sentence or a few lines.
    pub message: String,
}

/// What went wrong. [`RenderFault::is_of_the_scene`] tells faults that would repeat anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenderFault {
    NoCamera,
    CameraMissing,
    SceneMissing,
    SceneUnreadable,
    EngineUnknown,
    NewerThanRuntime,
    OutOfMemory,
    OutOfGpuMemory,
    DeviceMissing,
    DenoiserMissing,
    /// Blender ended in the middle.
    Crashed,
    /// Blender made no progress for too long.
    Hung,
    NothingWritten,
    /// The scene's files could not be fetched.
    SceneUnavailable,
    Other,
    /// A fault that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

impl RenderFault {
    /// The scene or the settings are at fault: another worker would fail alike.
    pub const fn is_of_the_scene(self) -> bool {
        matches!(
            self,
            Self::NoCamera
                | Self::CameraMissing
                | Self::SceneMissing
                | Self::SceneUnreadable
                | Self::EngineUnknown
                | Self::NewerThanRuntime
        )
    }
}

/// A piece of an attempt's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogChunk {
    #[serde(flatten)]
    pub attempt: AttemptRef,
    /// Index of the first byte of `text` in the whole log.
    pub offset: u64,
    pub text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportAnswer {
    /// One for each finished, failed, returned or stopped attempt.
    #[serde(default)]
    pub outcomes: Vec<AttemptOutcome>,
    /// Held attempts that are no longer this worker's; stop them and forget them.
    #[serde(default)]
    pub lost: Vec<AttemptRef>,
    #[serde(default)]
    pub commands: Vec<Command>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptOutcome {
    #[serde(flatten)]
    pub attempt: AttemptRef,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// Recorded, now or by an earlier report of the same.
    Accepted,
    Refused {
        why: Refusal,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// An outcome that this reader does not know yet; nothing is to be done about the attempt.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such attempt, or another worker's.
    NotYours,
    /// Another attempt was first, or the job is over.
    NotWanted,
    /// The blob is not here: upload it and report again.
    OutputMissing,
    /// The picture did not pass; the frame is rendered again.
    OutputRejected,
    /// A reason that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

// ---------------------------------------------------------------- commands

/// `POST /agent/v1/commands`: held until there is a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskForCommands {
    pub instance: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commands {
    #[serde(default)]
    pub commands: Vec<Command>,
}

/// Repeated until it is answered by a report, so carrying one out twice must be harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Stop this attempt at once, then report it as `stopped`.
    Stop {
        #[serde(flatten)]
        attempt: AttemptRef,
    },
    /// Finish what is rendering and hand back the rest. Go on asking for work: there is none until the
    /// worker's owner resumes it.
    Drain,
    /// Install this Blender beside the work, and say hello when that begins and when it has ended. Only to
    /// workers that said that they can.
    Install {
        #[schema(value_type = String)]
        series: Series,
    },
    /// Get this slot's Blender ready beside everything else and begin the challenge, if the slot has nothing to
    /// do: see [`crate::challenge`]. Work goes first at any time. Only to workers that said that they can.
    Challenge { challenge: ChallengeId, slot: u16 },
    /// A command that this reader does not know yet.
    #[serde(other)]
    Unknown,
}
