//! How a worker's container is made: what it may use, what it may not, and how it gets its config.
//!
//! A worker opens the scenes of strangers. Its container is another user's, with a read-only root, without
//! capabilities and without any path of the host; it can write to its cache, to /tmp and to nothing else.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, DeviceRequest, HostConfig, HostConfigLogConfig, Mount, MountType,
    MountVolumeOptions, RestartPolicy, RestartPolicyNameEnum,
};
use pictor_protocol::WorkerId;
use pictor_protocol::worker_config::WorkerConfig;

use super::model::{Image, Recipe};

/// Labels of containers; they are all that the launcher knows after a restart.
pub const LAUNCHER: &str = "network.pictor.launcher";
pub const WORKER: &str = "network.pictor.worker";
pub const PLACE: &str = "network.pictor.place";
pub const RECIPE: &str = "network.pictor.recipe";
/// Containers that only look for GPUs.
pub const PROBE: &str = "network.pictor.probe";

/// The user of the worker's image.
const USER: u64 = 10_001;
const DATA_DIR: &str = "/var/lib/pictor";
pub const CONFIG_DIR: &str = "/run/pictor";
const CONFIG_NAME: &str = "worker-config.json";
/// Blender and its threads stay far below; a fork bomb does not.
const PIDS_MAX: i64 = 1_024;
/// Counts as memory of the container.
const TMP: &str = "rw,nosuid,nodev,noexec,mode=1777,size=1g";
/// What Blender may have of the container's memory; the rest is for the worker and /tmp.
const BLENDER_SHARE: f64 = 0.9;
/// Changes when containers are made in another way, so that those of an older launcher are replaced.
const VERSION: u32 = 1;

/// What a place gives to its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// So many billionths of a CPU.
    Cpu {
        nano_cpus: i64,
    },
    Gpu {
        id: String,
    },
}

/// Everything that a container is made from, but its image and its worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    pub prefix: String,
    pub number: u16,
    pub device: Device,
    pub memory_bytes: u64,
    pub network: String,
    pub worker_url: Option<String>,
    pub stop_timeout_s: u64,
}

impl Making {
    pub fn recipe(&self) -> Recipe {
        let inputs = format!("{VERSION} {self:?}");
        let digest = blake3::hash(inputs.as_bytes()).to_hex();
        Recipe(digest.as_str().chars().take(16).collect())
    }

    pub fn container_name(&self) -> String {
        format!("{}-{}", self.prefix, self.number)
    }

    pub fn body(&self, image: &Image, worker: WorkerId) -> ContainerCreateBody {
        let labels = [
            (LAUNCHER, self.prefix.clone()),
            (WORKER, worker.to_string()),
            (PLACE, self.number.to_string()),
            (RECIPE, self.recipe().0),
        ];
        let env = match &self.device {
            Device::Cpu { .. } => None,
            // The image says `all`, which some versions of the toolkit prefer to the request.
            Device::Gpu { id } => Some(vec![format!("NVIDIA_VISIBLE_DEVICES={id}")]),
        };
        ContainerCreateBody {
            image: Some(image.0.clone()),
            hostname: Some(self.container_name()),
            user: Some(format!("{USER}:{USER}")),
            env,
            labels: Some(owned(labels)),
            stop_timeout: Some(self.stop_timeout_s as i64),
            host_config: Some(self.host_config()),
            ..ContainerCreateBody::default()
        }
    }

    fn host_config(&self) -> HostConfig {
        let (nano_cpus, gpu) = match &self.device {
            Device::Cpu { nano_cpus } => (Some(*nano_cpus), None),
            Device::Gpu { id } => (None, Some(id.clone())),
        };
        HostConfig {
            nano_cpus,
            device_requests: gpu.map(|id| vec![gpu_request(Some(vec![id]))]),
            memory: Some(self.memory_bytes as i64),
            // The same as the memory: no swap, in which a render would take for ever.
            memory_swap: Some(self.memory_bytes as i64),
            network_mode: Some(self.network.clone()),
            mounts: Some(self.mounts()),
            init: Some(true),
            // The launcher restarts: it knows when that helps.
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::NO),
                maximum_retry_count: None,
            }),
            ..hardened()
        }
    }

    fn mounts(&self) -> Vec<Mount> {
        let volume = |target: &str, source: Option<String>| Mount {
            typ: Some(MountType::VOLUME),
            target: Some(target.into()),
            source,
            volume_options: Some(MountVolumeOptions {
                labels: Some(owned([(LAUNCHER, self.prefix.clone())])),
                ..MountVolumeOptions::default()
            }),
            ..Mount::default()
        };
        let cache = format!("{}-cache-{}", self.prefix, self.number);
        vec![
            volume(DATA_DIR, Some(cache)),
            // Docker uploads nothing into a read-only root. A volume without a name belongs to its
            // container, and goes with it.
            volume(CONFIG_DIR, None),
        ]
    }

    /// The config as the worker is to have it.
    pub fn complete(&self, mut config: WorkerConfig) -> WorkerConfig {
        let blender_bytes = self.memory_bytes as f64 * BLENDER_SHARE;
        config.options.allow_cpu = matches!(self.device, Device::Cpu { .. });
        // The worker would see the memory of the machine, not that of its container.
        config.options.memory_bytes = Some(blender_bytes as u64);
        config.options.slots = Some(1);
        if let Some(url) = &self.worker_url {
            config.coordinator = url.clone();
        }
        config
    }
}

/// What no container of the launcher may do.
fn hardened() -> HostConfig {
    let logs = [("max-size", "10m".to_owned()), ("max-file", "3".to_owned())];
    HostConfig {
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".into()]),
        security_opt: Some(vec!["no-new-privileges:true".into()]),
        pids_limit: Some(PIDS_MAX),
        privileged: Some(false),
        tmpfs: Some(owned([("/tmp", TMP.to_owned())])),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".into()),
            config: Some(owned(logs)),
        }),
        ..HostConfig::default()
    }
}

/// A container that prints which GPUs there are. The toolkit brings nvidia-smi; the image need not have it.
pub fn gpu_probe(image: &Image, prefix: &str) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.0.clone()),
        user: Some(format!("{USER}:{USER}")),
        entrypoint: Some(vec!["nvidia-smi".into()]),
        cmd: Some(vec!["-L".into()]),
        labels: Some(owned([(PROBE, prefix.to_owned())])),
        host_config: Some(HostConfig {
            network_mode: Some("none".into()),
            device_requests: Some(vec![gpu_request(None)]),
            ..hardened()
        }),
        ..ContainerCreateBody::default()
    }
}

/// These GPUs, or all.
fn gpu_request(ids: Option<Vec<String>>) -> DeviceRequest {
    DeviceRequest {
        count: ids.is_none().then_some(-1),
        device_ids: ids,
        capabilities: Some(vec![vec!["gpu".into()]]),
        ..DeviceRequest::default()
    }
}

/// The ids of the GPUs that `nvidia-smi -L` lists. A GPU that is cut into MIG devices is used as these.
pub fn gpus_listed(text: &str) -> Vec<String> {
    let mut gpus: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        let Some((_, rest)) = line.rsplit_once("(UUID: ") else {
            continue;
        };
        let id = rest.trim_end().trim_end_matches(')').to_owned();
        match gpus.last_mut() {
            Some((_, parts)) if id.starts_with("MIG-") => parts.push(id),
            _ => gpus.push((id, Vec::new())),
        }
    }
    let used = gpus.into_iter().map(
        |(gpu, parts)| {
            if parts.is_empty() { vec![gpu] } else { parts }
        },
    );
    used.flatten().collect()
}

/// The config as an archive to unpack in [`CONFIG_DIR`], readable by the worker alone.
pub fn archive(config: &WorkerConfig) -> std::io::Result<Vec<u8>> {
    let json = serde_json::to_vec_pretty(config)?;
    let mut header = tar::Header::new_ustar();
    header.set_size(json.len() as u64);
    header.set_mode(0o600);
    header.set_uid(USER);
    header.set_gid(USER);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, CONFIG_NAME, json.as_slice())?;
    archive.into_inner()
}

fn owned<const N: usize>(pairs: [(&str, String); N]) -> HashMap<String, String> {
    let pairs = pairs.into_iter();
    pairs.map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn making(device: Device) -> Making {
        Making {
            prefix: "pictor".into(),
            number: 2,
            device,
            memory_bytes: 10 << 30,
            network: "bridge".into(),
            worker_url: Some("http://coordinator:8080".into()),
            stop_timeout_s: 1_800,
        }
    }

    fn config() -> WorkerConfig {
        WorkerConfig {
            version: 1,
            coordinator: "http://127.0.0.1:8080".into(),
            worker_id: WorkerId::new(uuid::Uuid::from_u128(7)),
            token: "secret-token".into(),
            name: "pictor-2".into(),
            options: Default::default(),
        }
    }

    #[test]
    fn the_recipe_changes_with_whatever_the_container_is_made_from() {
        let making = making(Device::Cpu { nano_cpus: 1 });
        let other = Making {
            memory_bytes: 1,
            ..making.clone()
        };
        assert_eq!(making.recipe(), making.clone().recipe());
        assert_ne!(making.recipe(), other.recipe());
    }

    #[test]
    fn a_gpu_container_sees_its_own_gpu_and_a_cpu_container_none() {
        let image = Image("sha256:1".into());
        let worker = config().worker_id;
        let gpu = making(Device::Gpu { id: "GPU-1".into() }).body(&image, worker);
        let requests = gpu.host_config.unwrap().device_requests.unwrap();
        assert_eq!(requests[0].device_ids, Some(vec!["GPU-1".to_owned()]));
        assert_eq!(requests[0].count, None);
        assert_eq!(gpu.env.unwrap(), ["NVIDIA_VISIBLE_DEVICES=GPU-1"]);
        let cpu = making(Device::Cpu { nano_cpus: 5 }).body(&image, worker);
        let host = cpu.host_config.unwrap();
        assert_eq!((host.device_requests, host.nano_cpus), (None, Some(5)));
    }

    #[test]
    fn the_config_is_completed_for_its_place() {
        let cpu = making(Device::Cpu { nano_cpus: 5 }).complete(config());
        assert!(cpu.options.allow_cpu);
        assert_eq!(cpu.options.memory_bytes, Some(9 << 30));
        assert_eq!(cpu.coordinator, "http://coordinator:8080");
        let gpu = making(Device::Gpu { id: "0".into() }).complete(config());
        assert!(!gpu.options.allow_cpu);
    }

    #[test]
    fn the_archive_holds_the_config_for_the_worker_alone() {
        let bytes = archive(&config()).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut entries = archive.entries().unwrap();
        let mut entry = entries.next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("worker-config.json"));
        let header = entry.header();
        assert_eq!(header.mode().unwrap(), 0o600);
        assert_eq!(header.uid().unwrap(), 10_001);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        let read: WorkerConfig = serde_json::from_str(&text).unwrap();
        assert_eq!(read, config());
        assert!(entries.next().is_none());
    }

    #[test]
    fn the_gpus_are_those_that_nvidia_smi_lists() {
        let two = "GPU 0: NVIDIA H200 (UUID: GPU-5e1f)\nGPU 1: NVIDIA L4 (UUID: GPU-77aa)\n";
        assert_eq!(gpus_listed(two), ["GPU-5e1f", "GPU-77aa"]);
        let cut = "GPU 0: NVIDIA H200 (UUID: GPU-5e1f)\n  \
                   MIG 1g.18gb     Device  0: (UUID: MIG-01)\n  \
                   MIG 1g.18gb     Device  1: (UUID: MIG-02)\n\
                   GPU 1: NVIDIA H200 (UUID: GPU-9c)\n";
        assert_eq!(gpus_listed(cut), ["MIG-01", "MIG-02", "GPU-9c"]);
        assert!(gpus_listed("No devices found.\n").is_empty());
    }
}
