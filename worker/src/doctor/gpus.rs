//! The driver, its libraries, and every GPU against what the network and each installed Blender ask for.

use std::cmp::Ordering;

use pictor_protocol::agent::RuntimeInfo;
use pictor_protocol::gpus::{Backend, NetworkNeeds, Support, supported};

use super::facts::{Facts, LibraryFile};
use super::host::{gib, has_at_least};
use super::{Check, Outcome};
use crate::gpu::{Gpu, GpuError, Inventory, LeftOut};

const DRIVER: &str = "GPU driver";

/// Whether GPUs matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// There are some, or the config asks for them.
    Yes,
    /// There is none, and nobody said whether the CPU may render.
    Unknown,
    /// There is none, and the CPU may render.
    No,
}

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let wanted = wanted(facts);
    let mut checks = vec![driver(facts, wanted)];
    if wanted != Wanted::Yes {
        let rest = [
            "container capabilities",
            "CUDA library",
            "OptiX library",
            "EGL library",
        ];
        checks.extend(rest.map(|name| Check::not_applicable(name, "there is no GPU")));
        return checks;
    }
    let version = driver_version(facts);
    let libraries = &facts.libraries;
    checks.push(capabilities(
        facts.is_container,
        facts.driver_capabilities.as_deref(),
    ));
    checks.push(cuda_library(libraries.cuda.as_ref()));
    checks.push(optional_library(
        "OptiX library",
        "libnvoptix.so.1",
        "Cycles falls back to CUDA",
        libraries.optix.as_ref(),
    ));
    checks.push(optional_library(
        "EGL library",
        "libEGL.so.1",
        "EEVEE and Workbench cannot render",
        libraries.egl.as_ref(),
    ));
    if let Ok(inventory) = &facts.nvml {
        let installed = facts.runtimes.as_deref().unwrap_or_default();
        checks.extend(left_out(inventory));
        for (number, (_, gpu)) in inventory.usable().enumerate() {
            let needs = supported();
            checks.push(network(number, gpu, &needs.network));
            for runtime in installed {
                checks.push(blender(number, gpu, version, runtime, &needs.blenders));
            }
        }
    }
    checks
}

fn wanted(facts: &Facts) -> Wanted {
    let has_gpus = facts
        .nvml
        .as_ref()
        .is_ok_and(|it| !it.gpus.is_empty() || !it.unreadable.is_empty());
    let is_broken = match &facts.nvml {
        // A machine without a GPU has no library, or one without a driver behind it.
        Ok(_) | Err(GpuError::LibraryMissing(_) | GpuError::DriverNotLoaded) => false,
        Err(_) => true,
    };
    let config = facts
        .config
        .as_ref()
        .and_then(|config| config.as_ref().ok());
    match config.map(|(settings, _)| settings.allow_cpu) {
        _ if has_gpus || is_broken || facts.device_nodes > 0 => Wanted::Yes,
        Some(false) => Wanted::Yes,
        Some(true) => Wanted::No,
        None => Wanted::Unknown,
    }
}

fn driver_version(facts: &Facts) -> Option<&str> {
    let of_nvml = facts.nvml.as_ref().ok().and_then(|it| it.driver.as_deref());
    of_nvml.or(facts.driver.as_deref())
}

fn driver(facts: &Facts, wanted: Wanted) -> Check {
    let error = match (&facts.nvml, wanted) {
        (Ok(inventory), Wanted::Yes) => return known_driver(inventory, facts),
        (Err(error), Wanted::Yes) => error,
        (_, Wanted::No) => {
            return Check::not_applicable(DRIVER, "there is no GPU, and the config allows the CPU");
        }
        (_, Wanted::Unknown) => {
            return Check::warning(
                DRIVER,
                "there is no NVIDIA GPU",
                "install its driver if there is one, or allow the CPU in the worker's config",
            );
        }
    };
    if error.leaves_cuda() && facts.device_nodes > 0 {
        let version = facts.driver.as_deref().unwrap_or("of unknown version");
        let detail = format!("{version}; without readings: {error}");
        return Check::warning(DRIVER, detail, error.remedy());
    }
    Check::failed(DRIVER, error.to_string(), error.remedy())
}

fn known_driver(inventory: &Inventory, facts: &Facts) -> Check {
    let Some(version) = driver_version(facts) else {
        let remedy = "look what `nvidia-smi` says on the host";
        return Check::warning(DRIVER, "its version cannot be read", remedy);
    };
    let cuda = inventory.cuda.as_ref();
    let cuda = cuda.map_or_else(String::new, |cuda| format!(", CUDA up to {cuda}"));
    let detail = format!("version {version}{cuda}");
    let least = supported().network.driver_min;
    if is_older(version, &least) {
        let remedy = format!("update the NVIDIA driver to {least} or newer");
        return Check::failed(DRIVER, detail, remedy);
    }
    if inventory.usable().next().is_none() && inventory.left_out().is_empty() {
        let remedy = "give GPUs to this container (`--gpus all`), or look what `nvidia-smi -L` says on the host";
        return Check::failed(DRIVER, format!("{detail}, but it shows no GPU"), remedy);
    }
    Check::ok(DRIVER, detail)
}

/// As numbers; what is not a number counts as 0.
fn is_older(version: &str, least: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        text.split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    numbers(version).cmp(&numbers(least)) == Ordering::Less
}

fn capabilities(is_container: bool, set: Option<&str>) -> Check {
    const NAME: &str = "container capabilities";
    if !is_container {
        return Check::not_applicable(NAME, "this is no container");
    }
    // What the toolkit gives when nobody says.
    let given = set.filter(|it| !it.is_empty()).unwrap_or("compute,utility");
    let has = |wanted: &str| {
        given
            .split(',')
            .any(|it| it.trim() == wanted || it.trim() == "all")
    };
    let missing: Vec<_> = ["compute", "utility", "graphics"]
        .into_iter()
        .filter(|it| !has(it))
        .collect();
    if missing.is_empty() {
        return Check::ok(NAME, given);
    }
    let loss = missing.iter().map(|it| match *it {
        "compute" => "no CUDA without compute",
        "utility" => "no readings without utility",
        _ => "neither OptiX nor EEVEE without graphics",
    });
    let detail = format!("{given}: {}", loss.collect::<Vec<_>>().join(", "));
    let remedy =
        "start the container with `-e NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics`"
            .to_owned();
    let outcome = if missing.contains(&"compute") {
        Outcome::Failed
    } else {
        Outcome::Warning
    };
    Check::new(NAME, outcome, detail, Some(remedy))
}

const GIVE_LIBRARIES: &str = "install the NVIDIA driver with its libraries; in a container, install the NVIDIA Container Toolkit \
     on the host, start it with `--gpus all` and the capabilities compute,utility,graphics";

fn cuda_library(found: Option<&LibraryFile>) -> Check {
    const NAME: &str = "CUDA library";
    match found {
        None => Check::failed(NAME, "there is no libcuda.so.1", GIVE_LIBRARIES),
        Some(file) if file.bytes == 0 => {
            let detail = format!("{} is empty", file.path.display());
            Check::failed(NAME, detail, GIVE_LIBRARIES)
        }
        Some(file) => Check::ok(NAME, file.path.display().to_string()),
    }
}

fn optional_library(name: &str, library: &str, loss: &str, found: Option<&LibraryFile>) -> Check {
    match found {
        None => Check::warning(
            name,
            format!("there is no {library}: {loss}"),
            GIVE_LIBRARIES,
        ),
        // Seen where the toolkit mounts a library that the host does not have.
        Some(file) if file.bytes == 0 => {
            let detail = format!("{} is empty: {loss}", file.path.display());
            Check::warning(
                name,
                detail,
                "install the same driver version with all of its libraries on the host",
            )
        }
        Some(file) => Check::ok(name, file.path.display().to_string()),
    }
}

/// GPUs that cannot be used: a failure when no other can.
fn left_out(inventory: &Inventory) -> Vec<Check> {
    let has_others = inventory.usable().next().is_some();
    let outcome = if has_others {
        Outcome::Warning
    } else {
        Outcome::Failed
    };
    let check = |LeftOut { cause, remedy }| {
        Check::new("GPU left out", outcome, cause, Some(remedy.to_owned()))
    };
    inventory.left_out().into_iter().map(check).collect()
}

fn network(number: usize, gpu: &Gpu, needs: &NetworkNeeds) -> Check {
    let name = format!("GPU {number}");
    let mut detail = gpu.label().to_owned();
    if let Some(capability) = gpu.compute_capability {
        detail += &format!(", compute capability {capability}");
    }
    if let Some(bytes) = gpu.memory_bytes {
        detail += &format!(", {}", gib(bytes));
    }
    let least = needs.compute_capability_min;
    if gpu.compute_capability.is_some_and(|it| it < least) {
        let detail = format!("{detail}; the network takes {least} and newer");
        return Check::failed(
            name,
            detail,
            "use a newer GPU, or allow the CPU in the worker's config",
        );
    }
    let vram = needs.vram_bytes_min;
    if gpu
        .memory_bytes
        .is_some_and(|bytes| !has_at_least(bytes, vram))
    {
        let detail = format!("{detail}; {} are advised", gib(vram));
        return Check::warning(
            name,
            detail,
            "expect scenes that do not fit: use a GPU with more memory",
        );
    }
    Check::ok(name, detail)
}

/// By the table of supported GPUs; whether it truly renders, only a render tells.
fn blender(
    number: usize,
    gpu: &Gpu,
    driver: Option<&str>,
    runtime: &RuntimeInfo,
    table: &[Support],
) -> Check {
    let name = format!("GPU {number} with Blender {}", runtime.series);
    let rows: Vec<_> = table
        .iter()
        .filter(|row| row.blender == runtime.series)
        .collect();
    if rows.is_empty() {
        return Check::not_applicable(
            name,
            "the table of supported GPUs does not name this Blender",
        );
    }
    let of = |backend| rows.iter().copied().find(|row| row.backend == backend);
    let cuda = of(Backend::Cuda).map(|row| obstacle(row, gpu, driver));
    let optix = of(Backend::Optix).map(|row| obstacle(row, gpu, driver));
    match (cuda.flatten(), optix.flatten()) {
        (None, None) => Check::ok(name, "CUDA and OptiX, by the table"),
        (None, Some(Obstacle { needs, remedy })) => Check::warning(
            name,
            format!("CUDA only, by the table: OptiX needs {needs}"),
            format!("{remedy}, or live with CUDA"),
        ),
        (Some(Obstacle { needs, remedy }), _) => Check::failed(
            name,
            format!("by the table it needs {needs}"),
            format!("{remedy}, or install another Blender version"),
        ),
    }
}

/// What stands in the way of a back end.
struct Obstacle {
    needs: String,
    remedy: &'static str,
}

/// What the GPU or its driver lacks. What cannot be read counts as good enough.
fn obstacle(row: &Support, gpu: &Gpu, driver: Option<&str>) -> Option<Obstacle> {
    if let (Some(least), Some(has)) = (row.compute_capability_min, gpu.compute_capability)
        && has < least
    {
        let needs = format!("compute capability {least}");
        let remedy = "use a newer GPU";
        return Some(Obstacle { needs, remedy });
    }
    let least = row.driver_min.as_deref()?;
    is_older(driver?, least).then(|| Obstacle {
        needs: format!("driver {least}"),
        remedy: "update the NVIDIA driver",
    })
}

#[cfg(test)]
mod tests;
