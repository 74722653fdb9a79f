//! What the machine offers: GPUs, the CPU, memory. Reads `/proc`, `/dev` and `/sys` and nothing else, and is
//! told what NVML shows; which of it becomes a slot is decided here too.

use std::fmt;
use std::fs;
use std::path::Path;

use pictor_protocol::agent::{Device, SlotInfo};

use crate::gpu::{Gpu, GpuError, Inventory, LeftOut, NAMELESS};

/// One slot and what pins its Blender to it.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotHardware {
    pub info: SlotInfo,
    /// What CUDA is told to use; `None` for the CPU.
    pub gpu: Option<GpuPin>,
}

/// What names one GPU, or one part of a GPU, in `CUDA_VISIBLE_DEVICES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GpuPin {
    /// `GPU-…` or `MIG-…`: stays the same whatever else is plugged in.
    Uuid(String),
    /// By bus address, where the driver names no GPU.
    Number(u16),
}

impl fmt::Display for GpuPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => f.write_str(uuid),
            Self::Number(number) => number.fmt(f),
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoSlots {
    #[error("this machine has no supported GPU; {ALLOW_CPU}")]
    NoGpu,
    #[error("no GPU of this machine can be used: {first}; {ALLOW_CPU}")]
    NoneUsable { first: LeftOut },
    #[error("no GPU of this machine can be used: {cause}; remedy: {}; {ALLOW_CPU}", cause.remedy())]
    Driver { cause: GpuError },
}

const ALLOW_CPU: &str =
    "to render on the CPU set \"allow_cpu\": true under \"options\" in the worker's config";

/// The slots of this machine: one per GPU and per part of a split GPU, else the CPU where that is allowed.
/// GPUs are those that NVML shows; without it those under `/dev`.
pub fn slots(
    root: &Path,
    nvml: Result<&Inventory, &GpuError>,
    allow_cpu: bool,
    most: Option<u16>,
) -> Result<Vec<SlotHardware>, NoSlots> {
    let mut slots = match nvml {
        Ok(inventory) => gpu_slots(inventory),
        Err(error) if error.leaves_cuda() => nameless_slots(root),
        Err(_) => Vec::new(),
    };
    let most = usize::from(most.unwrap_or(u16::MAX)).max(1);
    if slots.is_empty() && allow_cpu {
        slots.push(cpu_slot(root));
    }
    slots.truncate(most);
    if slots.is_empty() {
        Err(why_none(nvml))
    } else {
        Ok(slots)
    }
}

fn why_none(nvml: Result<&Inventory, &GpuError>) -> NoSlots {
    match nvml {
        Ok(inventory) => match inventory.left_out().into_iter().next() {
            Some(first) => NoSlots::NoneUsable { first },
            None => NoSlots::NoGpu,
        },
        // Most machines without a GPU have no library either.
        Err(GpuError::LibraryMissing(_)) => NoSlots::NoGpu,
        Err(cause) => NoSlots::Driver {
            cause: cause.clone(),
        },
    }
}

/// How many GPUs NVIDIA's kernel module gives to this machine or container.
pub fn device_nodes(root: &Path) -> usize {
    device_numbers(root).len()
}

/// Version of the loaded NVIDIA driver, as the kernel says it.
pub fn driver_version(root: &Path) -> Option<String> {
    let text = read(root, "proc/driver/nvidia/version");
    let is_version = |word: &&str| {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
        word.contains('.') && word.split('.').all(is_number)
    };
    text.split_whitespace().find(is_version).map(Into::into)
}

/// Memory that this process and its children may use: the machine's, or the container's where that
/// is less.
pub fn memory_bytes(root: &Path) -> Option<u64> {
    let meminfo = read(root, "proc/meminfo");
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map(|kib| kib * 1024);
    // The two generations of control groups; without a limit the older one has a number beyond all memory.
    let limits = [
        "sys/fs/cgroup/memory.max",
        "sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limits = limits.map(|path| read(root, path).trim().parse().ok());
    total.into_iter().chain(limits.into_iter().flatten()).min()
}

/// Names of the GPUs in the order in which CUDA counts them when told to go by bus address. A
/// container sees every GPU under `/proc`, but only its own under `/dev`.
fn gpus(root: &Path) -> Vec<String> {
    let mut devices = device_numbers(root);
    devices.sort_unstable();
    let mut addresses: Vec<_> = names_in(&root.join("proc/driver/nvidia/gpus")).collect();
    addresses.sort_unstable();
    let mut names = Vec::new();
    for address in addresses {
        let path = format!("proc/driver/nvidia/gpus/{address}/information");
        let information = read(root, &path);
        let device = entry(&information, "Device Minor").and_then(|number| number.parse().ok());
        if let Some(at) = devices.iter().position(|number| Some(*number) == device) {
            devices.remove(at);
            names.push(entry(&information, "Model").unwrap_or(NAMELESS).to_owned());
        }
    }
    names.extend(devices.iter().map(|_| NAMELESS.to_owned()));
    names
}

fn device_numbers(root: &Path) -> Vec<u16> {
    names_in(&root.join("dev"))
        .filter_map(|name| name.strip_prefix("nvidia")?.parse().ok())
        .collect()
}

fn entry<'a>(information: &'a str, key: &str) -> Option<&'a str> {
    let mut entries = information.lines().filter_map(|line| line.split_once(':'));
    entries
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

fn gpu_slots(inventory: &Inventory) -> Vec<SlotHardware> {
    let slot = |(slot, (number, gpu)): (u16, (u16, &Gpu))| SlotHardware {
        info: SlotInfo {
            memory_bytes: gpu.memory_bytes,
            uuid: gpu.uuid.clone(),
            compute_capability: gpu.compute_capability,
            ..SlotInfo::new(slot, Device::Cuda, gpu.label())
        },
        gpu: Some(match &gpu.uuid {
            Some(uuid) => GpuPin::Uuid(uuid.clone()),
            None => GpuPin::Number(number),
        }),
    };
    (0..).zip(inventory.usable()).map(slot).collect()
}

fn nameless_slots(root: &Path) -> Vec<SlotHardware> {
    let slot = |(slot, name)| SlotHardware {
        info: SlotInfo::new(slot, Device::Cuda, name),
        gpu: Some(GpuPin::Number(slot)),
    };
    (0..).zip(gpus(root)).map(slot).collect()
}

fn cpu_slot(root: &Path) -> SlotHardware {
    let cpuinfo = read(root, "proc/cpuinfo");
    let name = entry(&cpuinfo, "model name").unwrap_or("CPU");
    SlotHardware {
        info: SlotInfo {
            memory_bytes: memory_bytes(root),
            ..SlotInfo::new(0, Device::Cpu, name)
        },
        gpu: None,
    }
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_default()
}

fn names_in(dir: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::Mig;

    #[test]
    fn one_slot_per_gpu_that_a_container_was_given_counted_by_bus_address() {
        let machine = machine(&[
            ("dev/nvidia2", ""),
            ("dev/nvidia0", ""),
            ("dev/nvidiactl", ""),
            ("dev/nvidia-uvm", ""),
            (
                "proc/driver/nvidia/gpus/0000:01:00.0/information",
                "Model: \t L4\nDevice Minor: \t 2\n",
            ),
            (
                "proc/driver/nvidia/gpus/0000:02:00.0/information",
                "Model: \t T4\nDevice Minor: \t 1\n",
            ),
            (
                "proc/driver/nvidia/gpus/0000:03:00.0/information",
                "Model: \t A2\nDevice Minor: \t 0\n",
            ),
        ]);
        let slots = slots(machine.path(), Err(&no_nvml()), true, None).unwrap();
        let names: Vec<_> = slots.iter().map(|slot| slot.info.name.as_str()).collect();
        assert_eq!(names, ["L4", "A2"]);
        assert_eq!(slots[1].gpu, Some(GpuPin::Number(1)));
    }

    #[test]
    fn a_gpu_without_a_name_is_a_slot_all_the_same() {
        let machine = machine(&[("dev/nvidia0", "")]);
        assert_eq!(
            slots(machine.path(), Err(&no_nvml()), false, None).unwrap()[0]
                .info
                .name,
            NAMELESS
        );
    }

    #[test]
    fn the_cpu_is_used_only_where_that_is_allowed() {
        let machine = machine(&[
            ("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast One\n"),
            ("proc/meminfo", "MemTotal:  1000 kB\n"),
        ]);
        assert_eq!(
            slots(machine.path(), Err(&no_nvml()), false, None),
            Err(NoSlots::NoGpu)
        );
        let slots = slots(machine.path(), Err(&no_nvml()), true, None).unwrap();
        assert_eq!(slots[0].info.name, "Fast One");
        assert_eq!(slots[0].info.memory_bytes, Some(1_024_000));
    }

    #[test]
    fn a_container_has_the_memory_of_its_limit() {
        let files = [
            ("proc/meminfo", "MemTotal:  1000 kB\n"),
            ("sys/fs/cgroup/memory.max", "5\n"),
        ];
        assert_eq!(memory_bytes(machine(&files).path()), Some(5));
        let files = [
            ("proc/meminfo", "MemTotal: 1 kB\n"),
            ("sys/fs/cgroup/memory.max", "max\n"),
        ];
        assert_eq!(memory_bytes(machine(&files).path()), Some(1024));
        let files = [
            ("proc/meminfo", "MemTotal: 1 kB\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "7\n"),
        ];
        assert_eq!(memory_bytes(machine(&files).path()), Some(7));
    }

    #[test]
    fn a_gpu_that_the_driver_names_is_pinned_by_that_name() {
        let part = |uuid: &str| Gpu {
            uuid: Some(uuid.into()),
            ..Gpu::default()
        };
        let split = Gpu {
            mig: Mig::On(vec![part("MIG-1"), part("MIG-2")]),
            ..part("GPU-1")
        };
        let inventory = Inventory {
            gpus: vec![split, part("GPU-2"), Gpu::default()],
            ..Inventory::default()
        };
        let slots = slots(machine(&[]).path(), Ok(&inventory), true, None).unwrap();
        let pins: Vec<_> = slots
            .iter()
            .map(|slot| (slot.info.slot, slot.gpu.as_ref().unwrap().to_string()))
            .collect();
        let expected = ["MIG-1", "MIG-2", "GPU-2", "2"];
        assert_eq!(
            pins,
            (0..).zip(expected.map(String::from)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_driver_that_cannot_work_gives_no_slot_and_says_why() {
        let machine = machine(&[("dev/nvidia0", "")]);
        let broken = GpuError::VersionMismatch;
        let none = slots(machine.path(), Err(&broken), false, None).unwrap_err();
        assert!(none.to_string().contains("reboot"), "{none}");
        let on_cpu = slots(machine.path(), Err(&broken), true, None).unwrap();
        assert_eq!(on_cpu[0].info.device, Device::Cpu);
    }

    #[test]
    fn a_split_gpu_without_parts_is_the_reason_for_no_slot() {
        let inventory = Inventory {
            gpus: vec![Gpu {
                mig: Mig::On(Vec::new()),
                ..Gpu::default()
            }],
            ..Inventory::default()
        };
        let none = slots(machine(&[]).path(), Ok(&inventory), false, None).unwrap_err();
        assert!(none.to_string().contains("no MIG device"), "{none}");
    }

    #[test]
    fn the_driver_version_is_read_from_both_kinds_of_kernel_module() {
        for (text, version) in [
            (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n",
                Some("535.129.03"),
            ),
            (
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86  Release Build\n",
                Some("570.86"),
            ),
            ("", None),
        ] {
            let machine = machine(&[("proc/driver/nvidia/version", text)]);
            assert_eq!(driver_version(machine.path()).as_deref(), version);
        }
    }

    fn no_nvml() -> GpuError {
        GpuError::LibraryMissing("no such file".into())
    }

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }
}
