//! What the machine offers: GPUs, the CPU, memory. Reads `/proc`, `/dev` and `/sys` and nothing else;
//! which of it becomes a slot is decided here too.

use std::fs;
use std::path::Path;

use pictor_protocol::agent::{Device, SlotInfo};

/// One slot and what pins its Blender to it.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotHardware {
    pub info: SlotInfo,
    /// Number of the GPU by bus address; `None` for the CPU.
    pub gpu: Option<u16>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "this machine has no supported GPU; to render on the CPU set \"allow_cpu\": true under \"options\" in the worker's config"
)]
pub struct NoSlots;

/// The slots of this machine: one per GPU, else the CPU where that is allowed.
pub fn slots(
    root: &Path,
    allow_cpu: bool,
    most: Option<u16>,
) -> Result<Vec<SlotHardware>, NoSlots> {
    let gpus = gpus(root);
    let most = usize::from(most.unwrap_or(u16::MAX)).max(1);
    let mut slots: Vec<_> = (0..)
        .zip(gpus)
        .map(|(slot, gpu)| gpu_slot(slot, gpu))
        .collect();
    if slots.is_empty() && allow_cpu {
        slots.push(cpu_slot(root));
    }
    slots.truncate(most);
    if slots.is_empty() {
        Err(NoSlots)
    } else {
        Ok(slots)
    }
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
    let container = read(root, "sys/fs/cgroup/memory.max").trim().parse().ok();
    total.into_iter().chain(container).min()
}

/// Names of the GPUs in the order in which CUDA counts them when told to go by bus address. A
/// container sees every GPU under `/proc`, but only its own under `/dev`.
fn gpus(root: &Path) -> Vec<String> {
    let mut devices: Vec<u16> = names_in(&root.join("dev"))
        .filter_map(|name| name.strip_prefix("nvidia")?.parse().ok())
        .collect();
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

const NAMELESS: &str = "NVIDIA GPU";

fn entry<'a>(information: &'a str, key: &str) -> Option<&'a str> {
    let mut entries = information.lines().filter_map(|line| line.split_once(':'));
    entries
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

fn gpu_slot(slot: u16, name: String) -> SlotHardware {
    SlotHardware {
        info: SlotInfo::new(slot, Device::Cuda, name),
        gpu: Some(slot),
    }
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
        let slots = slots(machine.path(), true, None).unwrap();
        let names: Vec<_> = slots.iter().map(|slot| slot.info.name.as_str()).collect();
        assert_eq!(names, ["L4", "A2"]);
        assert_eq!(slots[1].gpu, Some(1));
    }

    #[test]
    fn a_gpu_without_a_name_is_a_slot_all_the_same() {
        let machine = machine(&[("dev/nvidia0", "")]);
        assert_eq!(
            slots(machine.path(), false, None).unwrap()[0].info.name,
            NAMELESS
        );
    }

    #[test]
    fn the_cpu_is_used_only_where_that_is_allowed() {
        let machine = machine(&[
            ("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast One\n"),
            ("proc/meminfo", "MemTotal:  1000 kB\n"),
        ]);
        assert_eq!(slots(machine.path(), false, None), Err(NoSlots));
        let slots = slots(machine.path(), true, None).unwrap();
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
