//! Why the NVIDIA driver does not answer as it should, and what its owner can do about it.

use nvml_wrapper::error::NvmlError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    #[error("NVIDIA's management library cannot be loaded ({0})")]
    LibraryMissing(String),
    #[error("NVIDIA's management library does not have what is needed ({0})")]
    SymbolMissing(String),
    #[error("the NVIDIA driver is not loaded")]
    DriverNotLoaded,
    #[error("this user may not use the NVIDIA driver")]
    NoPermission,
    #[error("the NVIDIA driver and its libraries are of different versions")]
    VersionMismatch,
    #[error("the GPU fell off the bus or needs a reset")]
    Lost,
    /// It was there before.
    #[error("the GPU is not there any more")]
    Gone,
    #[error("the GPU or its driver does not support this")]
    NotSupported,
    #[error("the NVIDIA driver answers \"Unknown Error\"")]
    Unknown,
    #[error("the NVIDIA driver answers: {0}")]
    Other(String),
}

impl GpuError {
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::LibraryMissing(_) => {
                "install the NVIDIA driver; in a container, install the NVIDIA Container Toolkit and start it with \
                 --gpus all"
            }
            Self::SymbolMissing(_) => {
                "update the NVIDIA driver, or look which library is in its place"
            }
            Self::DriverNotLoaded => {
                "load the driver with `modprobe nvidia`, or reboot if it was just installed"
            }
            Self::NoPermission => {
                "give the worker's user access to /dev/nvidia*; in a container, start it with --gpus all"
            }
            Self::VersionMismatch => "the driver was upgraded: reboot the machine",
            Self::Lost => {
                "reboot the machine; if it happens again, look at the GPU's power, heat and seat"
            }
            Self::Gone | Self::Unknown => {
                "a container lost its devices, as after `systemctl daemon-reload`: recreate the container"
            }
            Self::NotSupported => "nothing has to be done",
            Self::Other(_) => "look what `nvidia-smi` says on the host",
        }
    }

    /// CUDA does not need the management library: without it, or with an odd one, GPUs may still render.
    pub fn leaves_cuda(&self) -> bool {
        match self {
            Self::LibraryMissing(_)
            | Self::SymbolMissing(_)
            | Self::NotSupported
            | Self::Other(_) => true,
            Self::DriverNotLoaded
            | Self::NoPermission
            | Self::VersionMismatch
            | Self::Lost
            | Self::Gone
            | Self::Unknown => false,
        }
    }
}

impl From<NvmlError> for GpuError {
    fn from(error: NvmlError) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "what has no remedy of its own keeps the library's words"
        )]
        match error {
            NvmlError::LibloadingError(why) => Self::LibraryMissing(why.to_string()),
            NvmlError::FailedToLoadSymbol(what) => Self::SymbolMissing(what),
            NvmlError::DriverNotLoaded => Self::DriverNotLoaded,
            NvmlError::NoPermission => Self::NoPermission,
            NvmlError::LibRmVersionMismatch => Self::VersionMismatch,
            NvmlError::GpuLost | NvmlError::ResetRequired => Self::Lost,
            NvmlError::NotFound => Self::Gone,
            NvmlError::NotSupported => Self::NotSupported,
            NvmlError::Unknown => Self::Unknown,
            other => Self::Other(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_remedy_of_its_own() {
        for (error, remedy) in [
            (NvmlError::DriverNotLoaded, "modprobe"),
            (NvmlError::NoPermission, "/dev/nvidia"),
            (NvmlError::LibRmVersionMismatch, "reboot"),
            (NvmlError::GpuLost, "power"),
            (NvmlError::Unknown, "recreate the container"),
            (
                NvmlError::FailedToLoadSymbol("x".into()),
                "update the NVIDIA driver",
            ),
        ] {
            let error = GpuError::from(error);
            assert!(error.remedy().contains(remedy), "{error}");
        }
    }

    #[test]
    fn only_a_driver_that_is_whole_is_tried_without_its_management_library() {
        assert!(GpuError::from(NvmlError::FailedToLoadSymbol(String::new())).leaves_cuda());
        for broken in [
            NvmlError::Unknown,
            NvmlError::LibRmVersionMismatch,
            NvmlError::DriverNotLoaded,
        ] {
            assert!(!GpuError::from(broken).leaves_cuda());
        }
    }
}
