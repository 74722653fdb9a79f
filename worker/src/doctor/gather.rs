//! Looks at the machine. Every look that can fail answers with less, not with an error: a doctor that stops
//! at the first thing that is wrong is none.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{AccessFs, LandlockStatus, Ruleset, RulesetAttr, RulesetError};
use rustix::fs::{Access, access, statvfs};
use tokio_util::sync::CancellationToken;

use super::Options;
use super::facts::{Disk, Facts, Process, ReadConfig};
use super::{libraries, reach};
use crate::blender::runtime::{Runtime, Runtimes};
use crate::config::{self, Settings, UserDirs};
use crate::gpu::{GpuError, Inventory, Library, Watch};
use crate::machine;
use crate::probe::{self, ProbeOutcome};
use crate::renderer::runtime_info;

pub(super) async fn facts(options: &Options) -> Facts {
    let dirs = UserDirs::from_env();
    let mut config: Option<ReadConfig> = options
        .config
        .as_ref()
        .map(|path| config::load(path, &dirs));
    if let Some(Ok((settings, _))) = &mut config {
        settings.allow_cpu |= options.allow_cpu;
    }
    let settings = config
        .as_ref()
        .and_then(|it| it.as_ref().ok())
        .map(|(settings, _)| settings);
    let root = Path::new("/");
    let cache = settings.map(|settings| settings.cache_dir.clone());
    let cache = cache.or_else(|| dirs.cache());
    let nvml = inventory(options.nvml.clone());
    let runtimes = runtimes(settings);
    Facts {
        coordinator: match settings {
            Some(settings) => Some(reach::coordinator(settings).await),
            None => None,
        },
        renders: match options.render {
            true => Some(renders(settings, nvml.as_ref(), &runtimes, cache.as_deref()).await),
            false => None,
        },
        nvml,
        device_nodes: machine::device_nodes(root),
        driver: machine::driver_version(root),
        is_container: is_container(root),
        driver_capabilities: std::env::var("NVIDIA_DRIVER_CAPABILITIES").ok(),
        libraries: libraries::find(),
        runtimes: runtimes.map(|it| it.iter().map(runtime_info).collect()),
        memory_bytes: machine::memory_bytes(root),
        disk: cache.and_then(disk),
        process: process(),
        config,
    }
}

fn inventory(library: Library) -> Result<Inventory, GpuError> {
    Ok(Watch::open(library)?.inventory)
}

/// On the slots that a worker would have; without a config that is the CPU where there is no GPU.
async fn renders(
    settings: Option<&Settings>,
    nvml: Result<&Inventory, &GpuError>,
    runtimes: &Result<Vec<Runtime>, String>,
    cache: Option<&Path>,
) -> Result<Vec<ProbeOutcome>, String> {
    let runtimes = runtimes.clone()?;
    let cache = cache.ok_or("no cache directory is known")?;
    let allow_cpu = settings.is_none_or(|settings| settings.allow_cpu);
    let most = settings.and_then(|settings| settings.slots);
    let slots = machine::slots(Path::new("/"), nvml, allow_cpu, most);
    let slots = slots.map_err(|error| error.to_string())?;
    let rendered = probe::check(
        slots,
        runtimes,
        cache.join("kernels"),
        &CancellationToken::new(),
    )
    .await;
    rendered.map_err(|error| format!("there is no directory to render into: {error}"))
}

/// Docker, Podman and Kubernetes each leave a sign of their own.
pub(super) fn is_container(root: &Path) -> bool {
    let signs = [
        ".dockerenv",
        "run/.containerenv",
        "var/run/secrets/kubernetes.io",
    ];
    signs.iter().any(|sign| root.join(sign).exists()) || std::env::var_os("container").is_some()
}

fn runtimes(settings: Option<&Settings>) -> Result<Vec<Runtime>, String> {
    let dir = settings.and_then(|settings| settings.runtimes_dir.as_deref());
    let installed = Runtimes::of_config(dir);
    let list = installed.list();
    list.map_err(|error| format!("cannot read {}: {error}", installed.dir().display()))
}

/// Of the nearest directory that exists: the rest is made at the first start.
fn disk(dir: PathBuf) -> Option<Disk> {
    let there = dir.ancestors().find(|dir| dir.is_dir())?;
    let space = statvfs(there).ok()?;
    Some(Disk {
        free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        is_writable: access(there, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        dir,
    })
}

pub(super) fn process() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |key: &str| -> Option<u32> {
        let value = status.lines().find_map(|line| line.strip_prefix(key))?;
        value.trim().parse().ok()
    };
    Process {
        uid: rustix::process::getuid().as_raw(),
        landlock_abi: landlock_abi(),
        has_seccomp_filter: number("Seccomp:").map(|mode| mode == 2),
        no_new_privs: number("NoNewPrivs:").map(|is_set| is_set == 1),
    }
}

/// Asking means restricting, which is done to a thread that ends with the answer.
fn landlock_abi() -> Option<u32> {
    let asked = std::thread::spawn(|| -> Result<LandlockStatus, RulesetError> {
        let ruleset = Ruleset::default().handle_access(AccessFs::MakeBlock)?;
        Ok(ruleset.create()?.restrict_self()?.landlock)
    });
    match asked.join().ok()?.ok()? {
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } => Some(kernel_abi.map_or(effective_abi as u32, i32::cast_unsigned)),
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => None,
    }
}
