//! A stand-in for `libnvidia-ml.so.1`: answers the NVML calls that the worker makes with what a JSON file
//! says, so that tests drive the real wrapper through machines that nobody has.
//!
//! `NVML_STAND_IN` names the file. It is read at every call, so a test can take a GPU away in the middle of a
//! frame. A number stands for the code of an NVML error, `null` for a reading that is not supported (3).

#![expect(
    unsafe_code,
    reason = "NVML is a C library: its functions have C names and write through pointers"
)]
#![expect(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "the contract of each function is NVIDIA's: pointers are valid, buffers as long as said"
)]

mod machine;

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulonglong};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use machine::{Gpu, Machine};

const SUCCESS: c_uint = 0;
const INVALID_ARGUMENT: c_uint = 2;
const NOT_SUPPORTED: c_uint = 3;
const NOT_FOUND: c_uint = 6;
const INSUFFICIENT_SIZE: c_uint = 7;
const UNKNOWN: c_uint = 999;

/// What a GPU uses between two looks at its meter.
const MILLIJOULES_A_LOOK: u64 = 250;
static LOOKS: AtomicU64 = AtomicU64::new(0);

/// Number of the GPU plus one, and above it the number of its part plus one.
type Handle = usize;
const PART: u32 = 16;

/// `nvmlMemory_v2_t`
#[repr(C)]
pub struct Memory {
    version: c_uint,
    total: c_ulonglong,
    reserved: c_ulonglong,
    free: c_ulonglong,
    used: c_ulonglong,
}

/// `nvmlUtilization_t`
#[repr(C)]
pub struct Utilization {
    gpu: c_uint,
    memory: c_uint,
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> c_uint {
    Machine::now().map_or(UNKNOWN, |machine| machine.init)
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> c_uint {
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlSystemGetDriverVersion(into: *mut c_char, length: c_uint) -> c_uint {
    with_machine(|machine| write_text(machine.driver.as_deref(), into, length))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlSystemGetCudaDriverVersion_v2(into: *mut c_int) -> c_uint {
    with_machine(|machine| write(machine.cuda, into))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetCount_v2(into: *mut c_uint) -> c_uint {
    with_machine(|machine| write(Some(machine.gpus.len() as c_uint), into))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, into: *mut Handle) -> c_uint {
    with_machine(|machine| match machine.gpus.get(index as usize) {
        Some(gpu) if gpu.by_index != SUCCESS => gpu.by_index,
        Some(_) => write(Some(index as usize + 1), into),
        None => INVALID_ARGUMENT,
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetHandleByUUID(uuid: *const c_char, into: *mut Handle) -> c_uint {
    // SAFETY: the caller gives a C string.
    let uuid = unsafe { CStr::from_ptr(uuid) }.to_str().ok();
    with_machine(|machine| {
        for (number, gpu) in (1..).zip(&machine.gpus) {
            if gpu.uuid.as_deref() == uuid {
                return if gpu.by_uuid == SUCCESS {
                    write(Some(number), into)
                } else {
                    gpu.by_uuid
                };
            }
            let is_it = |part: &Option<Gpu>| {
                let part = part.as_ref();
                part.is_some_and(|part| part.uuid.as_deref() == uuid)
            };
            let part = gpu.mig.iter().flatten().position(is_it);
            if let Some(part) = part {
                return write(Some(number | (part + 1) << PART), into);
            }
        }
        NOT_FOUND
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetName(of: Handle, into: *mut c_char, length: c_uint) -> c_uint {
    with_gpu(of, |gpu| write_text(gpu.name.as_deref(), into, length))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetUUID(of: Handle, into: *mut c_char, length: c_uint) -> c_uint {
    with_gpu(of, |gpu| write_text(gpu.uuid.as_deref(), into, length))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetCudaComputeCapability(
    of: Handle,
    major: *mut c_int,
    minor: *mut c_int,
) -> c_uint {
    with_gpu(of, |gpu| {
        let code = write(gpu.compute_capability.map(|it| it.0), major);
        code.max(write(gpu.compute_capability.map(|it| it.1), minor))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMemoryInfo_v2(of: Handle, into: *mut Memory) -> c_uint {
    with_sensors(of, |gpu| {
        let memory = gpu.memory_bytes.map(|total| Memory {
            version: 2,
            total,
            reserved: 0,
            free: total.saturating_sub(gpu.memory_used_bytes),
            used: gpu.memory_used_bytes,
        });
        write(memory, into)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMigMode(
    of: Handle,
    current: *mut c_uint,
    pending: *mut c_uint,
) -> c_uint {
    with_gpu(of, |gpu| {
        let is_on = gpu.mig.as_ref().map(|_| 1);
        write(is_on, pending).max(write(is_on, current))
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMaxMigDeviceCount(of: Handle, into: *mut c_uint) -> c_uint {
    with_gpu(of, |gpu| {
        write(gpu.mig.as_ref().map(|parts| parts.len() as c_uint), into)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMigDeviceHandleByIndex(
    of: Handle,
    index: c_uint,
    into: *mut Handle,
) -> c_uint {
    with_gpu(of, |gpu| {
        let parts = gpu.mig.as_ref();
        match parts.and_then(|parts| parts.get(index as usize)) {
            Some(Some(_)) => write(Some(of | (index as usize + 1) << PART), into),
            Some(None) | None => NOT_FOUND,
        }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetUtilizationRates(of: Handle, into: *mut Utilization) -> c_uint {
    with_sensors(of, |gpu| {
        let rates = gpu
            .utilisation_percent
            .map(|gpu| Utilization { gpu, memory: 0 });
        write(rates, into)
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetTemperature(
    of: Handle,
    _sensor: c_uint,
    into: *mut c_uint,
) -> c_uint {
    with_sensors(of, |gpu| write(gpu.temperature_celsius, into))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetPowerUsage(of: Handle, into: *mut c_uint) -> c_uint {
    with_sensors(of, |gpu| write(gpu.power_milliwatts, into))
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetTotalEnergyConsumption(
    of: Handle,
    into: *mut c_ulonglong,
) -> c_uint {
    with_sensors(of, |gpu| {
        let used = LOOKS.fetch_add(1, Ordering::Relaxed) * MILLIJOULES_A_LOOK;
        write(gpu.energy_millijoules.map(|before| before + used), into)
    })
}

fn with_machine(answer: impl FnOnce(&Machine) -> c_uint) -> c_uint {
    Machine::now().map_or(UNKNOWN, |machine| answer(&machine))
}

fn with_gpu(handle: Handle, answer: impl FnOnce(&Gpu) -> c_uint) -> c_uint {
    with_machine(|machine| {
        let number = handle & ((1 << PART) - 1);
        let part = handle >> PART;
        let gpu = machine.gpus.get(number.wrapping_sub(1));
        let gpu = match (gpu, part) {
            (gpu, 0) => gpu,
            (gpu, part) => gpu.and_then(|gpu| gpu.mig.as_ref()?.get(part - 1)?.as_ref()),
        };
        match gpu {
            None => INVALID_ARGUMENT,
            Some(gpu) if gpu.error != SUCCESS => gpu.error,
            Some(gpu) => answer(gpu),
        }
    })
}

fn with_sensors(handle: Handle, answer: impl FnOnce(&Gpu) -> c_uint) -> c_uint {
    with_gpu(handle, |gpu| match gpu.sensors {
        SUCCESS => answer(gpu),
        error => error,
    })
}

fn write<T>(value: Option<T>, into: *mut T) -> c_uint {
    let Some(value) = value else {
        return NOT_SUPPORTED;
    };
    // SAFETY: the caller gives a place for the answer.
    unsafe { ptr::write(into, value) };
    SUCCESS
}

fn write_text(text: Option<&str>, into: *mut c_char, length: c_uint) -> c_uint {
    let Some(text) = text else {
        return NOT_SUPPORTED;
    };
    if text.len() >= length as usize {
        return INSUFFICIENT_SIZE;
    }
    // SAFETY: the caller gives a buffer of this length, and the text with its end fits into it.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), into, text.len());
        ptr::write(into.add(text.len()), 0);
    }
    SUCCESS
}
