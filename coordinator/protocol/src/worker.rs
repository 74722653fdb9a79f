//! Workers as their owners see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::WorkerId;
use crate::agent::{RuntimeInfo, SlotInfo, Telemetry};

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
    /// Latest readings of its GPUs; none when it is not online.
    #[serde(default)]
    pub telemetry: Vec<Telemetry>,
    /// Frames that it renders or holds now.
    pub leased: u32,
    /// Frames that it has rendered and that were accepted.
    pub done: u64,
}

/// `GET /api/v1/workers`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkerList {
    pub workers: Vec<Worker>,
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
