//! What the file says of the machine.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Machine {
    /// Answer to `nvmlInit_v2`.
    pub init: u32,
    pub driver: Option<String>,
    /// Such as 12020.
    pub cuda: Option<i32>,
    pub gpus: Vec<Gpu>,
}

/// A GPU or a part of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gpu {
    /// Answer to every question about it.
    pub error: u32,
    /// Answer to every question to its sensors.
    pub sensors: u32,
    /// Answer to the request for its handle.
    pub by_index: u32,
    pub by_uuid: u32,
    pub name: Option<String>,
    pub uuid: Option<String>,
    pub compute_capability: Option<(i32, i32)>,
    pub memory_bytes: Option<u64>,
    pub memory_used_bytes: u64,
    pub utilisation_percent: Option<u32>,
    pub temperature_celsius: Option<u32>,
    pub power_milliwatts: Option<u32>,
    /// At the first look.
    pub energy_millijoules: Option<u64>,
    /// Its parts, where it is split; `null` is one that was deleted.
    pub mig: Option<Vec<Option<Self>>>,
}

impl Machine {
    /// `None` when there is no file, or one that cannot be read.
    pub fn now() -> Option<Self> {
        let text = std::fs::read(std::env::var_os("NVML_STAND_IN")?).ok()?;
        serde_json::from_slice(&text).ok()
    }
}
