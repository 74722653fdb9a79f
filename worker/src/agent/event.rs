//! Everything that can happen to a worker, as the driver tells it to the agent.

use std::time::Duration;

use pictor_protocol::agent::{
    AttemptRef, Command, Lease, RenderFault, ReportAnswer, RuntimeInfo, Welcome,
};
use pictor_protocol::blender::Series;
use pictor_protocol::{BlobHash, ChallengeId};

use super::ability::{Found, Probe};
use super::challenging::ChallengeEnd;
use super::{SessionId, SlotId};

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Hello was answered.
    Welcomed(Welcome),
    /// The coordinator no longer knows this start of the worker.
    HelloWanted,
    /// A request for work came back with a lease.
    Leased {
        slot: SlotId,
        lease: Box<Lease>,
    },
    /// A request for work came back without one.
    NothingYet {
        slot: SlotId,
    },
    /// The held request for commands came back; the commands themselves came before.
    CommandsAnswered,
    Commanded(Command),
    /// All files of the scene lie in the cache.
    SceneReady {
        content: BlobHash,
    },
    SceneFailed {
        content: BlobHash,
        message: String,
    },
    Session {
        slot: SlotId,
        session: SessionId,
        what: SessionEvent,
    },
    /// A probe is over. What it found wrong is in the log already.
    Probed {
        slot: SlotId,
        probe: Probe,
        found: Found,
    },
    /// A presence challenge is over.
    ChallengeOver {
        slot: SlotId,
        challenge: ChallengeId,
        end: ChallengeEnd,
    },
    /// An installation that the agent wanted is over.
    Installed {
        series: Series,
        /// What there is now, or why not.
        result: Result<RuntimeInfo, String>,
    },
    /// The doctor is done.
    Examined,
    /// The picture is hashed and stands in the journal.
    Stored {
        attempt: AttemptRef,
        output: BlobHash,
        size_bytes: u64,
    },
    StoreFailed {
        attempt: AttemptRef,
        fault: RenderFault,
        message: String,
    },
    Uploaded {
        attempt: AttemptRef,
    },
    /// The coordinator will never take this picture.
    UploadFailed {
        attempt: AttemptRef,
        message: String,
    },
    ReportAnswered(ReportAnswer),
    /// The report may or may not have arrived.
    ReportFailed {
        retry_in: Duration,
    },
    /// The slot's GPU is gone, and with it whatever rendered on it. Comes before the end of the Blender that
    /// it took along, and may come more than once.
    GpuLost {
        slot: SlotId,
        message: String,
    },
    /// After an outage the coordinator answers again.
    LineIsBack,
    /// The owner asked for an orderly end.
    Drain,
    /// The owner asked for an end at once.
    StopNow,
    /// The time of [`super::Agent::next_wake`] has come.
    Tick,
}

/// What one Blender process did.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionEvent {
    /// It runs, and has no scene open.
    Ready,
    Opened,
    /// It runs on, with no scene open.
    OpenFailed {
        fault: RenderFault,
        message: String,
    },
    /// 0 to 1, of the frame that renders.
    Progressed {
        fraction: f32,
    },
    Rendered {
        render_ms: i64,
        memory_bytes: Option<u64>,
        energy_millijoules: Option<u64>,
    },
    /// It runs on, with the scene still open.
    FrameFailed {
        fault: RenderFault,
        message: String,
    },
    Logged(String),
    /// The process is gone, for whatever reason; the last event of a session.
    Ended {
        fault: RenderFault,
        message: String,
    },
}
