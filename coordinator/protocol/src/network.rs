//! The network as everybody sees it, and the coordinator as operators do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agent::Device;
use crate::blender::Series;
use crate::campaign::CampaignState;
use crate::job::Job;
use crate::settings::Engine;
use crate::worker::Worker;
use crate::{CampaignId, JobId, Micros, UserId, WorkerId};

/// `GET /api/v1/network`: up to ten seconds old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Network {
    /// When this was looked at.
    pub at_ms: i64,
    pub workers_online: u64,
    pub slots_online: u64,
    /// Slots that hold frames.
    pub slots_busy: u64,
    /// The slots that are online by what they render on, the most first.
    pub classes: Vec<DeviceClass>,
    pub jobs_open: u64,
    pub frames_queued: u64,
    pub frames_leased: u64,
    /// The queued frames by what they need, the most first.
    pub demand: Vec<NeededFrames>,
    /// How long frames waited that were handed out for the first time within the last hour: the median of the
    /// latest thousand, counted from the submission of their jobs. None if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_wait_ms: Option<i64>,
    /// Accepted in the last full hour in UTC.
    pub frames_last_hour: u64,
    /// Accepted in the spans of `hours` together.
    pub frames_last_day: u64,
    /// Twenty-four, the oldest first; the last one still goes on.
    pub hours: Vec<NetworkHour>,
    /// None while too few workers are online for it to be nobody's in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_per_hour: Option<PointsPerHour>,
    /// The last one that opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignSummary>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceClass {
    /// The model of a GPU, `CPU`, or `other GPU`.
    pub name: String,
    pub device: Device,
    pub slots: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NeededFrames {
    /// None for an add-on's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// The Blender that renders them, or the one that their file was saved with.
    #[schema(value_type = String)]
    pub series: Series,
    pub frames: u64,
    pub jobs: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkHour {
    pub start_ms: i64,
    /// Accepted.
    pub frames: u64,
}

/// What the workers that are online earned for each hour in which they were there, in the last 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PointsPerHour {
    pub median_micros: Micros,
    pub upper_quartile_micros: Micros,
    /// Of so many workers.
    pub workers: u64,
}

/// `GET /api/v1/campaigns`: those that have opened and the one that opens next, the latest to open first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicCampaigns {
    pub campaigns: Vec<CampaignSummary>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CampaignSummary {
    pub id: CampaignId,
    pub slug: String,
    pub name: String,
    pub state: CampaignState,
    pub opens_ms: i64,
    pub starts_ms: i64,
    /// When it ends or ended, by its date or by an operator.
    pub ends_ms: i64,
    /// Who has which rank is decided for ever.
    pub has_snapshot: bool,
}

/// `GET /api/v1/operator/workers`: everybody's, the latest to be created first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnedWorkerPage {
    pub workers: Vec<OwnedWorker>,
    /// Pass as `before` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<WorkerId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnedWorker {
    pub owner: UserId,
    pub owner_name: String,
    pub worker: Worker,
}

/// `GET /api/v1/operator/jobs`: everybody's, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnedJobPage {
    pub jobs: Vec<OwnedJob>,
    /// Pass as `before` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<JobId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnedJob {
    pub owner: UserId,
    pub owner_name: String,
    pub job: Job,
}

/// `GET /api/v1/operator/system`: how the coordinator is that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemState {
    /// Of the coordinator's software.
    pub version: String,
    pub started_ms: i64,
    pub uptime_ms: i64,
    pub database_bytes: u64,
    /// Of the database's write-ahead log.
    pub wal_bytes: u64,
    pub blobs: u64,
    pub blob_bytes: u64,
    /// Where the data lies; none if the system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free_bytes: Option<u64>,
    pub workers_online: u64,
    pub jobs_open: u64,
    pub frames_queued: u64,
    pub frames_leased: u64,
    /// When this process last read all of the ledger's books; never before its first night.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger_audited_ms: Option<i64>,
    /// What was wrong with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger_faults: Option<u64>,
}
