//! What a worker earned and how warm it was: for its owner.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Micros;

/// `GET /api/v1/workers/{id}/earnings`: points that were earned by a worker's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerEarnings {
    /// Since the day began in UTC; what went back is not among it.
    pub today_micros: Micros,
    /// Ever, of all campaigns; what went back is not among it.
    pub total_micros: Micros,
    /// What is not settled yet of the total.
    pub held_micros: Micros,
    /// The latest first.
    pub entries: Vec<WorkerEarning>,
    /// What to ask for the next page `after`; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Something that a worker earned, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerEarning {
    /// Of the entry in the ledger that says it.
    pub key: String,
    /// `points/` and the campaign's id.
    pub book: String,
    /// `render` or `online-hour`; `restore` of what had been taken and came back.
    pub kind: String,
    pub state: EarningState,
    pub at_ms: i64,
    /// When it settles, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    pub amount_micros: Micros,
    /// What of it went back.
    #[serde(default)]
    pub returned_micros: Micros,
    /// Everything that the amount was computed from.
    pub inputs: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EarningState {
    /// Somebody may still object.
    Waiting,
    Settled,
    /// It went back, because it was not earned after all.
    Void,
    /// A state that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// `GET /api/v1/workers/{id}/telemetry`: what the sensors of a worker's GPUs said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TelemetryHistory {
    /// How long each sample is.
    pub span_ms: i64,
    pub slots: Vec<SlotHistory>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotHistory {
    pub slot: u16,
    /// The oldest first; none of a span in which nothing was read.
    pub samples: Vec<TelemetrySample>,
}

/// What was read within a span. Which readings there are depends on the GPU and its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TelemetrySample {
    pub start_ms: i64,
    /// The mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation_percent: Option<u32>,
    /// The highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_celsius: Option<u32>,
    /// The mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_milliwatts: Option<u32>,
    /// The most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_bytes: Option<u64>,
}
