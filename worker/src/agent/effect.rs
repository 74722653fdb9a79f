//! Everything that the agent wants done, for the driver to carry out.

use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::agent::{
    AttemptRef, Capability, Grant, Lease, Refusal, RenderFault, Report, SceneManifest,
};
use pictor_protocol::blender::Series;
use pictor_protocol::job::RenderPlan;
use pictor_protocol::settings::{Format, RenderSettings};
use pictor_protocol::{BlobHash, JobId};

use super::ability::{Probe, ProbeOrder, Told};
use super::challenging::{ChallengeEnd, ChallengeOrder};
use super::installing::Installs;
use super::{SessionId, SlotId};

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Say hello, naming the attempts whose outputs an earlier start left behind, what each slot can do, and
    /// what could be installed.
    Greet {
        journal: Vec<AttemptRef>,
        slots: Vec<Told>,
        installs: Installs,
    },
    /// Install this Blender beside everything else. Answered by `Installed`.
    Install {
        series: Series,
    },
    /// Find out what a runtime can render on this slot. Answered by `Probed`.
    Probe {
        slot: SlotId,
        order: ProbeOrder,
    },
    /// Answer a presence challenge beside everything else. Answered by `ChallengeOver`.
    Challenge {
        slot: SlotId,
        order: ChallengeOrder,
    },
    /// End the slot's challenge at once; nothing answers it any more.
    GiveUpChallenge {
        slot: SlotId,
    },
    /// Ask for work and hold the request. Answered by `Leased` or `NothingYet`.
    Ask {
        slot: SlotId,
        open: Option<BlobHash>,
    },
    /// Give up the held request of this slot; nothing answers it any more.
    StopAsking {
        slot: SlotId,
    },
    /// Ask for commands and hold the request. Answered by `CommandsAnswered`.
    Listen,
    /// Bring the scene into the cache and keep it there until it is released.
    FetchScene(Arc<Order>),
    ReleaseScene {
        content: BlobHash,
    },
    Session {
        slot: SlotId,
        session: SessionId,
        what: SessionStep,
    },
    /// Hash the picture and write it into the journal.
    Store(Picture),
    Upload {
        attempt: AttemptRef,
        output: BlobHash,
        size_bytes: u64,
        after: Duration,
    },
    /// The picture is not needed any more: stop its upload and remove it from disk.
    Discard {
        attempt: AttemptRef,
    },
    /// Answered by `ReportAnswered` or `ReportFailed`.
    Report(Report),
    Tell(Notice),
    /// Nothing is left to do: end the program.
    Exit(Ending),
}

/// What a slot's Blender is to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionStep {
    /// Answered by `SessionEvent::Ready`.
    Start(Series),
    /// Answered by `SessionEvent::Opened` or `OpenFailed`.
    Open(Arc<Order>),
    /// Answered by `SessionEvent::Rendered` or `FrameFailed`.
    Render { grant: Grant, format: Format },
    /// Kill the process with everything it started; answered by `SessionEvent::Ended`.
    End,
}

impl Effect {
    /// Lower goes first: Blender must never wait for what is merely bookkeeping.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Session { .. } => 0,
            Self::Exit(_) => 2,
            Self::Greet { .. }
            | Self::Install { .. }
            | Self::Probe { .. }
            | Self::Challenge { .. }
            | Self::GiveUpChallenge { .. }
            | Self::Ask { .. }
            | Self::StopAsking { .. }
            | Self::Listen
            | Self::FetchScene(_)
            | Self::ReleaseScene { .. }
            | Self::Store(_)
            | Self::Upload { .. }
            | Self::Discard { .. }
            | Self::Report(_)
            | Self::Tell(_) => 1,
        }
    }
}

/// What all tasks of one lease have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub job: JobId,
    pub scene: SceneManifest,
    pub runtime: Series,
    pub settings: RenderSettings,
    pub plan: RenderPlan,
}

impl Order {
    pub(super) fn split(lease: Lease) -> (Self, Vec<Grant>) {
        let order = Self {
            job: lease.job,
            scene: lease.scene,
            runtime: lease.runtime,
            settings: lease.settings,
            plan: lease.plan,
        };
        (order, lease.tasks)
    }

    /// A session that has the one open can render the other as it is.
    pub(super) fn opens_like(&self, other: &Self) -> bool {
        self.scene.content == other.scene.content
            && self.scene.main == other.scene.main
            && self.runtime == other.runtime
            && self.settings == other.settings
            && self.plan == other.plan
    }
}

/// A picture that Blender has just written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    pub session: SessionId,
    pub grant: Grant,
    pub format: Format,
    pub render_ms: i64,
    pub memory_bytes: Option<u64>,
    pub energy_millijoules: Option<u64>,
}

/// Why a worker ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Its owner wanted it.
    Wanted,
    /// A GPU is gone, which a new start in the same container does not heal.
    GpuLost { slot: SlotId, message: String },
}

/// What the owner of the worker should read in the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    Connected {
        name: String,
        version: String,
    },
    LeaseTaken {
        slot: SlotId,
        job: JobId,
        frames: usize,
        runtime: Series,
    },
    Frame {
        attempt: AttemptRef,
        frame: i32,
        fate: FrameFate,
    },
    Stopped {
        attempt: AttemptRef,
    },
    Lost {
        attempt: AttemptRef,
    },
    /// A probe is over.
    Proven {
        slot: SlotId,
        probe: Probe,
        can: Vec<Capability>,
        score: Option<f64>,
    },
    /// No runtime renders anything on this slot: it asks for no work.
    NothingWorks {
        slot: SlotId,
    },
    /// A presence challenge is over.
    Challenged {
        slot: SlotId,
        end: ChallengeEnd,
    },
    /// The coordinator wants a Blender that is not here.
    Installing {
        series: Series,
    },
    Installed {
        series: Series,
    },
    InstallFailed {
        series: Series,
        message: String,
    },
    SessionFailed {
        slot: SlotId,
        message: String,
        retry_in: Duration,
    },
    Draining {
        handed_back: usize,
    },
    GpuLost {
        slot: SlotId,
        message: String,
    },
    /// The worker ends although these outputs could not be handed in; they stay in the journal.
    Undelivered {
        outputs: usize,
    },
}

/// How a frame that this worker rendered, or tried to, came out.
#[derive(Debug, Clone, PartialEq)]
pub enum FrameFate {
    Done {
        render_ms: i64,
    },
    Failed {
        fault: RenderFault,
        message: String,
    },
    /// The coordinator did not take the picture.
    Refused {
        why: Refusal,
        detail: Option<String>,
    },
}
