//! NVIDIA GPUs through NVML, the driver's management library, loaded when the program runs: what there
//! is, what the sensors say, and whether it is still there.
//!
//! | part | owns |
//! |---|---|
//! | [`Inventory`] | what NVML says of the machine: every field may be missing |
//! | `nvml` | the only code that calls the library |
//! | [`Watch`] | the thread that owns the library, and the questions to it |
//! | [`GpuError`] | what is wrong, and what to do about it |
//!
//! Must not know what renders: a slot is a number and the lasting name of its GPU. A container sees its own
//! GPUs only.

mod error;
mod nvml;
mod watch;

use std::fmt;
use std::path::{Path, PathBuf};

use pictor_protocol::gpus::ComputeCapability;

pub use error::GpuError;
pub use watch::{Look, Loss, Opened, Watch};

/// Where the library is found by default: wherever the dynamic loader looks.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// The library to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library(PathBuf);

impl Library {
    pub fn at(path: Option<&Path>) -> Self {
        Self(path.unwrap_or(Path::new(LIBRARY)).to_owned())
    }
}

/// The GPUs that NVML shows, in the order of their bus addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Version of the driver, such as `535.129.03`.
    pub driver: Option<String>,
    /// Newest CUDA that the driver can run, such as `12.2`.
    pub cuda: Option<String>,
    pub gpus: Vec<Gpu>,
    /// GPUs that cannot be asked, by their number.
    pub unreadable: Vec<(u32, GpuError)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpu {
    pub name: Option<String>,
    /// `GPU-…`, or `MIG-…` of a part.
    pub uuid: Option<String>,
    pub compute_capability: Option<ComputeCapability>,
    pub memory_bytes: Option<u64>,
    pub mig: Mig,
}

/// Whether a GPU is split into parts that work as GPUs of their own (multi-instance GPU).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mig {
    #[default]
    Off,
    /// The GPU itself can not be used, its parts can.
    On(Vec<Gpu>),
}

/// What an owner calls a GPU of which nothing is known.
pub const NAMELESS: &str = "NVIDIA GPU";

/// A GPU that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub cause: String,
    pub remedy: &'static str,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; remedy: {}", self.cause, self.remedy)
    }
}

impl Gpu {
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(NAMELESS)
    }
}

impl Inventory {
    /// What can render, each with its number by bus address among those that can be asked. A part of a GPU
    /// without a lasting name is none: nothing else pins a program to it.
    pub fn usable(&self) -> impl Iterator<Item = (u16, &Gpu)> {
        (0..)
            .zip(&self.gpus)
            .flat_map(|(number, gpu)| match &gpu.mig {
                Mig::Off => vec![(number, gpu)],
                Mig::On(parts) => {
                    let named = parts.iter().filter(|part| part.uuid.is_some());
                    named.map(|part| (number, part)).collect()
                }
            })
    }

    /// The GPUs that cannot be used.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let unreadable = self.unreadable.iter().map(|(number, error)| LeftOut {
            cause: format!("GPU {number} is left out: {error}"),
            remedy: error.remedy(),
        });
        let is_empty = |gpu: &&Gpu| gpu.mig == Mig::On(Vec::new());
        let empty = self.gpus.iter().filter(is_empty).map(|gpu| LeftOut {
            cause: format!(
                "{} is left out: MIG is on, and it has no MIG device",
                gpu.label()
            ),
            remedy: "create one (`nvidia-smi mig -cgi <profile> -C`) and give it to this container, or turn MIG off \
                     (`nvidia-smi -mig 0`)",
        });
        unreadable.chain(empty).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_gpu_is_its_parts_and_one_without_parts_is_nothing_and_says_so() {
        let part = |uuid: &str| Gpu {
            uuid: Some(uuid.into()),
            ..Gpu::default()
        };
        let inventory = Inventory {
            gpus: vec![
                Gpu {
                    mig: Mig::On(vec![part("MIG-a"), part("MIG-b"), Gpu::default()]),
                    ..Gpu::default()
                },
                Gpu {
                    name: Some("A30".into()),
                    mig: Mig::On(Vec::new()),
                    ..Gpu::default()
                },
                part("GPU-c"),
            ],
            ..Inventory::default()
        };
        let usable: Vec<_> = inventory
            .usable()
            .map(|(number, gpu)| (number, gpu.uuid.as_deref().unwrap()))
            .collect();
        assert_eq!(usable, [(0, "MIG-a"), (0, "MIG-b"), (2, "GPU-c")]);
        let left_out = inventory.left_out();
        assert_eq!(left_out.len(), 1);
        let cause = &left_out[0].cause;
        assert!(
            cause.contains("A30") && cause.contains("no MIG device"),
            "{cause}"
        );
    }
}
