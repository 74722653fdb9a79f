//! The library itself. Every call blocks, and a driver in trouble may take seconds to answer.

use std::mem::ManuallyDrop;

use nvml_wrapper::Nvml;
use nvml_wrapper::device::Device;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::error::{NvmlError, nvml_sym};
use pictor_protocol::agent::Telemetry;
use pictor_protocol::gpus::ComputeCapability;

use super::{Gpu, GpuError, Inventory, Library, Mig};

/// The loaded and initialised library.
#[derive(Debug)]
pub(super) struct Driver(Nvml);

/// What one GPU says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    Read(Telemetry),
    /// None of it can be read, and the driver does not know why: either it has no sensors at all, as some
    /// virtual GPUs, or it is gone.
    Suspicious,
    Lost(GpuError),
}

impl Driver {
    pub(super) fn open(library: &Library) -> Result<Self, GpuError> {
        let nvml = Nvml::builder().lib_path(library.0.as_os_str()).init()?;
        // The wrapper panics when it drops a library that cannot be shut down.
        let nvml = ManuallyDrop::new(nvml);
        nvml_sym(nvml.lib().nvmlShutdown.as_ref())?;
        Ok(Self(ManuallyDrop::into_inner(nvml)))
    }

    pub(super) fn inventory(&self) -> Result<Inventory, GpuError> {
        let mut inventory = Inventory {
            driver: self.0.sys_driver_version().ok(),
            cuda: self.0.sys_cuda_driver_version().ok().map(cuda_version),
            ..Inventory::default()
        };
        for number in 0..self.0.device_count()? {
            match self.0.device_by_index(number) {
                Ok(device) => match gpu(&device) {
                    Ok(gpu) => inventory.gpus.push(gpu),
                    Err(error) => inventory.unreadable.push((number, error)),
                },
                // The count includes the GPUs of others.
                Err(NvmlError::NoPermission) => {}
                Err(error) => inventory.unreadable.push((number, error.into())),
            }
        }
        Ok(inventory)
    }

    pub(super) fn reading(&self, slot: u16, uuid: &str) -> Reading {
        let device = match self.0.device_by_uuid(uuid) {
            Ok(device) => device,
            Err(error) => return Reading::Lost(error.into()),
        };
        let utilisation = device.utilization_rates().map(|rates| rates.gpu);
        let temperature = device.temperature(TemperatureSensor::Gpu);
        let power = device.power_usage();
        let memory = device.memory_info().map(|memory| memory.used);
        let errors = [
            utilisation.as_ref().err(),
            temperature.as_ref().err(),
            power.as_ref().err(),
            memory.as_ref().err(),
        ];
        let is = |wanted: fn(&NvmlError) -> bool| errors.into_iter().flatten().any(wanted);
        if is(|error| matches!(error, NvmlError::GpuLost | NvmlError::ResetRequired)) {
            return Reading::Lost(GpuError::Lost);
        }
        if errors.iter().all(Option::is_some) && is(|error| matches!(error, NvmlError::Unknown)) {
            return Reading::Suspicious;
        }
        Reading::Read(Telemetry {
            slot,
            utilisation_percent: utilisation.ok(),
            temperature_celsius: temperature.ok(),
            power_milliwatts: power.ok(),
            memory_used_bytes: memory.ok(),
        })
    }

    /// Since the driver was loaded. A part of a GPU has no meter of its own.
    pub(super) fn energy_millijoules(&self, uuid: &str) -> Option<u64> {
        let device = self.0.device_by_uuid(uuid).ok()?;
        device.total_energy_consumption().ok()
    }

    /// Whether the GPU is there and can be asked for its name.
    pub(super) fn find(&self, uuid: &str) -> Result<(), GpuError> {
        let device = self.0.device_by_uuid(uuid)?;
        match device.uuid() {
            Err(NvmlError::GpuLost | NvmlError::ResetRequired) => Err(GpuError::Lost),
            Err(NvmlError::Unknown) => Err(GpuError::Unknown),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Fails only for a GPU that is not usable: what else cannot be read is left out.
fn gpu(device: &Device<'_>) -> Result<Gpu, GpuError> {
    if let Err(NvmlError::GpuLost | NvmlError::ResetRequired) = device.uuid() {
        return Err(GpuError::Lost);
    }
    let mut gpu = facts(device);
    if device.mig_mode().is_ok_and(|mode| mode.current == 1) {
        // A number without a part behind it is the end of one that was deleted.
        let parts = (0..device.mig_device_count().unwrap_or(0))
            .filter_map(|number| device.mig_device_by_index(number).ok())
            .map(|part| Gpu {
                compute_capability: gpu.compute_capability,
                ..facts(&part)
            });
        gpu.mig = Mig::On(parts.collect());
    }
    Ok(gpu)
}

fn facts(device: &Device<'_>) -> Gpu {
    Gpu {
        name: device.name().ok().filter(|name| !name.is_empty()),
        uuid: device.uuid().ok().filter(|uuid| !uuid.is_empty()),
        compute_capability: device.cuda_compute_capability().ok().and_then(|it| {
            Some(ComputeCapability::new(
                it.major.try_into().ok()?,
                it.minor.try_into().ok()?,
            ))
        }),
        memory_bytes: device.memory_info().ok().map(|memory| memory.total),
        mig: Mig::Off,
    }
}

fn cuda_version(number: i32) -> String {
    let major = nvml_wrapper::cuda_driver_version_major(number);
    format!(
        "{major}.{}",
        nvml_wrapper::cuda_driver_version_minor(number)
    )
}
