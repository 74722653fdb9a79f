//! What the checks judge.

use std::path::PathBuf;
use std::time::Duration;

use pictor_protocol::agent::{Registration, RuntimeInfo};

use crate::config::{ConfigError, ConfigWarning, Settings};
use crate::coordinator::CallError;
use crate::gpu::{GpuError, Inventory};
use crate::probe::ProbeOutcome;

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) config: Option<ReadConfig>,
    /// Of the coordinator that the config names.
    pub(super) coordinator: Option<Result<Reached, CallError>>,
    pub(super) nvml: Result<Inventory, GpuError>,
    /// GPU devices that NVIDIA's kernel module made, such as `/dev/nvidia0`.
    pub(super) device_nodes: usize,
    /// As the kernel says it.
    pub(super) driver: Option<String>,
    pub(super) is_container: bool,
    /// `NVIDIA_DRIVER_CAPABILITIES`
    pub(super) driver_capabilities: Option<String>,
    pub(super) libraries: Libraries,
    /// What is installed, or why that cannot be read.
    pub(super) runtimes: Result<Vec<RuntimeInfo>, String>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) disk: Option<Disk>,
    pub(super) process: Process,
    /// Or why there are none; none where nobody wanted any.
    pub(super) renders: Option<Result<Vec<ProbeOutcome>, String>>,
}

pub(super) type ReadConfig = Result<(Settings, Vec<ConfigWarning>), ConfigError>;

/// What the coordinator answered.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) registration: Registration,
    /// This machine's clock in the middle of the request.
    pub(super) asked_at_ms: i64,
    /// Of a request on an open connection.
    pub(super) round_trip: Duration,
    /// The longest answer that anybody may fetch: the description of the API.
    pub(super) download: Option<Download>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Download {
    pub(super) bytes: u64,
    pub(super) took: Duration,
}

/// Libraries of the driver; none of those that are not there.
#[derive(Debug, Default)]
pub(super) struct Libraries {
    pub(super) cuda: Option<LibraryFile>,
    pub(super) optix: Option<LibraryFile>,
    pub(super) egl: Option<LibraryFile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LibraryFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// Where scenes and pictures go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) dir: PathBuf,
    pub(super) free_bytes: u64,
    pub(super) is_writable: bool,
}

/// What the kernel says of this process, and what it could be asked for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) uid: u32,
    /// Version of Landlock's interface.
    pub(super) landlock_abi: Option<u32>,
    /// None where the kernel has no seccomp.
    pub(super) has_seccomp_filter: Option<bool>,
    pub(super) no_new_privs: Option<bool>,
}

#[cfg(test)]
impl Default for Facts {
    /// A machine with nothing.
    fn default() -> Self {
        Self {
            config: None,
            coordinator: None,
            nvml: Err(GpuError::LibraryMissing("no such file".into())),
            device_nodes: 0,
            driver: None,
            is_container: false,
            driver_capabilities: None,
            libraries: Libraries::default(),
            runtimes: Ok(Vec::new()),
            memory_bytes: None,
            disk: None,
            process: Process::default(),
            renders: None,
        }
    }
}
