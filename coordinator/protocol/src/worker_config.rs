//! `worker-config.json`: what a worker needs to know to work for its coordinator.
//!
//! The coordinator writes it once, when a worker is created; the owner may edit `options`. The file
//! holds the worker's token, so it belongs to its owner alone (mode 0600).
//! `pictor-worker config schema` prints its JSON Schema.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::WorkerId;

/// The version of the file that this crate writes. Files of an older version are read too.
pub const CONFIG_VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerConfig {
    /// Version of this file's form, 1.
    #[schema(minimum = 1)]
    pub version: u32,
    /// Address of the coordinator, such as `https://render.example.org`.
    pub coordinator: String,
    pub worker_id: WorkerId,
    /// Secret that proves to the coordinator which worker this is.
    pub token: String,
    /// Name of the worker, as its owner chose it.
    pub name: String,
    #[serde(default)]
    pub options: WorkerOptions,
}

/// What an owner may decide; everything has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct WorkerOptions {
    /// Render on the CPU when the machine has no supported GPU.
    pub allow_cpu: bool,
    /// Most slots to use; one per GPU when unset (one in all on the CPU).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub slots: Option<u16>,
    /// Most bytes that scenes may take on disk; 20 GiB when unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_bytes: Option<u64>,
    /// Directory for scenes, outputs on their way and kernels; the user's cache directory when unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<String>,
    /// Most memory that one Blender may use; nine tenths of the machine's, shared by the slots, when unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Seconds after which a Blender without work is ended, so that its memory is free; 600 when unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_blender_s: Option<u32>,
    /// Directory of installed Blender runtimes; the user's data directory when unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtimes_dir: Option<String>,
}
