//! Which GPUs can render, by Blender version: `GET /api/v1/supported-gpus`, and what `pictor-worker doctor`
//! compares a machine with.
//!
//! The limits of each Blender are those of its manual, *Cycles, GPU Rendering*; those of the network are
//! ours. A GPU within the limits may still fail: a slot is given only what its probe render proved.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::blender::Series;

/// How Cycles uses a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Backend {
    Cuda,
    Optix,
    Hip,
    /// A back end that this reader does not know yet.
    #[serde(other)]
    Unknown,
}

/// What one Blender needs of a GPU for one back end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Support {
    #[schema(value_type = String)]
    pub blender: Series,
    pub backend: Backend,
    /// Lowest CUDA compute capability, such as `5.0`; absent for AMD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub compute_capability_min: Option<ComputeCapability>,
    /// Lowest version of the Linux driver, as far as Blender names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver_min: Option<String>,
    /// Which GPUs that are, in words.
    pub gpus: String,
}

/// `GET /api/v1/supported-gpus`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SupportedGpus {
    /// What a worker should have, whatever it renders.
    pub network: NetworkNeeds,
    pub blenders: Vec<Support>,
}

/// What this network asks of an NVIDIA machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkNeeds {
    #[schema(value_type = String)]
    pub compute_capability_min: ComputeCapability,
    #[schema(value_type = String)]
    pub compute_capability_suggested: ComputeCapability,
    pub driver_min: String,
    pub vram_bytes_min: u64,
    pub vram_bytes_suggested: u64,
    pub memory_bytes_min: u64,
    pub disk_bytes_min: u64,
}

/// A CUDA compute capability, such as `8.9`. Ordered by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComputeCapability {
    pub major: u16,
    pub minor: u16,
}

/// A text that is not a compute capability.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a CUDA compute capability such as 8.9")]
pub struct BadComputeCapability(String);

impl ComputeCapability {
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl std::fmt::Display for ComputeCapability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl std::str::FromStr for ComputeCapability {
    type Err = BadComputeCapability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('.');
        let numbers = parts.map(|(major, minor)| (major.parse(), minor.parse()));
        match numbers {
            Some((Ok(major), Ok(minor))) => Ok(Self { major, minor }),
            _ => Err(BadComputeCapability(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for ComputeCapability {
    type Error = BadComputeCapability;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ComputeCapability> for String {
    fn from(capability: ComputeCapability) -> Self {
        capability.to_string()
    }
}

const GIB: u64 = 1 << 30;

/// The table.
pub fn supported() -> SupportedGpus {
    let mut blenders = Vec::new();
    for blender in [Series::new(4, 2), Series::new(4, 5), Series::new(5, 0)] {
        blenders.extend(of_blender(blender));
    }
    SupportedGpus {
        network: NetworkNeeds {
            compute_capability_min: ComputeCapability::new(6, 1),
            compute_capability_suggested: ComputeCapability::new(8, 0),
            driver_min: "520.06".into(),
            vram_bytes_min: 4 * GIB,
            vram_bytes_suggested: 12 * GIB,
            memory_bytes_min: 16 * GIB,
            disk_bytes_min: 50 * GIB,
        },
        blenders,
    }
}

fn of_blender(blender: Series) -> [Support; 3] {
    let is_5 = blender >= Series::new(5, 0);
    let nvidia = |backend, lowest, driver_min: Option<&str>, gpus: &str| Support {
        blender,
        backend,
        compute_capability_min: Some(lowest),
        driver_min: driver_min.map(Into::into),
        gpus: gpus.into(),
    };
    let (cuda, cuda_gpus) = if is_5 {
        (
            ComputeCapability::new(5, 0),
            "NVIDIA Maxwell (GeForce GTX 900) and newer",
        )
    } else {
        (
            ComputeCapability::new(3, 0),
            "NVIDIA Kepler (GeForce GTX 600) and newer",
        )
    };
    let optix_driver = if is_5 { "535" } else { "495.89" };
    [
        nvidia(Backend::Cuda, cuda, None, cuda_gpus),
        nvidia(
            Backend::Optix,
            ComputeCapability::new(5, 0),
            Some(optix_driver),
            "NVIDIA Maxwell (GeForce GTX 900) and newer; RTX cards trace rays in hardware",
        ),
        Support {
            blender,
            backend: Backend::Hip,
            compute_capability_min: None,
            driver_min: None,
            gpus: "AMD RDNA 1 (Radeon RX 5000) and newer".into(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compute_capabilities_order_as_numbers_do() {
        let read = |text: &str| text.parse::<ComputeCapability>().unwrap();
        assert!(read("6.1") < read("8.9"));
        assert!(read("8.9") < read("12.0"));
        for text in ["", "8", "8.", "x.1", "-1.0"] {
            assert!(text.parse::<ComputeCapability>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_network_asks_for_no_less_than_any_blender() {
        let table = supported();
        assert_eq!(table.blenders.len(), 9);
        for support in &table.blenders {
            assert!(support.compute_capability_min <= Some(table.network.compute_capability_min));
        }
    }
}
