//! `pictor-worker run`: reads the config, looks at the machine, puts the driver together, and turns
//! signals into wishes. Everything that can be wrong before the first request has its error here.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use pictor_protocol::blender::Series;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::blender::runtime::{Runtime, Runtimes};
use crate::config::{self, ConfigError, Settings, UserDirs};
use crate::coordinator::{CallError, Coordinator};
use crate::doctor;
use crate::driver::{self, EndWanted, Fatal, Parts};
use crate::errors::Chain;
use crate::gpu::{GpuError, Inventory, Library, Watch};
use crate::heartbeat::Heartbeat;
use crate::journal::{Journal, JournalError};
use crate::machine::{self, NoSlots, SlotHardware};
use crate::probe::Proofs;
use crate::renderer::{self, Blender, Installer};
use crate::scenes::Scenes;

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    NoSlots(#[from] NoSlots),
    #[error(
        "no Blender is installed in {}: run `pictor-worker runtime install 4.5`",
        dir.display()
    )]
    NoRuntime { dir: PathBuf },
    #[error("cannot read the installed runtimes in {}", dir.display())]
    Runtimes { dir: PathBuf, source: io::Error },
    #[error("the cache directory {} cannot be used", dir.display())]
    Cache { dir: PathBuf, source: io::Error },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot prepare for requests to the coordinator")]
    Coordinator(#[source] CallError),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl RunError {
    /// As documented in `--help`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 3,
            Self::Fatal(Fatal::Unauthorized(_)) => 4,
            Self::Fatal(Fatal::TooOld(_)) => 5,
            Self::Fatal(Fatal::GpuLost { .. }) => 8,
            Self::NoSlots(_) | Self::NoRuntime { .. } => 6,
            Self::Runtimes { .. }
            | Self::Cache { .. }
            | Self::Journal(_)
            | Self::Coordinator(_)
            | Self::Signals(_)
            | Self::Fatal(Fatal::Cache(_) | Fatal::Journal(_) | Fatal::Panicked(_)) => 1,
        }
    }
}

/// What the command line wants of a worker, beside its config.
#[derive(Debug, Clone)]
pub struct Wishes {
    pub config: PathBuf,
    /// Whatever the config says.
    pub allow_cpu: bool,
    /// To be installed first when they are missing.
    pub runtimes: Vec<Series>,
    /// This program, where the coordinator may have it install what jobs wait for.
    pub installer: Option<PathBuf>,
    pub nvml: Library,
}

/// Renders until a signal or a fatal refusal ends it.
pub async fn run(wishes: &Wishes) -> Result<(), RunError> {
    let (mut settings, warnings) = config::load(&wishes.config, &UserDirs::from_env())?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    settings.allow_cpu |= wishes.allow_cpu;
    install(&settings, &wishes.runtimes);
    let parts = parts(&settings, wishes)?;
    let (end, end_wanted) = mpsc::channel(1);
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let forward_signals = async {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            end.send(EndWanted).await.ok();
        }
    };
    tokio::select! {
        result = driver::run(parts, end_wanted) => Ok(result?),
        () = forward_signals => Ok(()),
    }
}

fn parts(settings: &Settings, wishes: &Wishes) -> Result<Parts<Blender>, RunError> {
    let (slots, gpu_driver, gpus) = gpus(settings, wishes.nvml.clone())?;
    let runtimes = runtimes(settings)?;
    let dir = &settings.cache_dir;
    let cache = |source| RunError::Cache {
        dir: dir.clone(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(cache)?;
    let journal = Journal::open(dir, settings.worker)?;
    let coordinator = Coordinator::new(&settings.coordinator, &settings.token);
    let proofs = Proofs::in_dir(dir, gpu_driver.clone());
    let memory_limit_bytes = memory_limit_bytes(settings, slots.len());
    let abilities = slots
        .iter()
        .map(|slot| proofs.recall(&slot.info, &runtimes))
        .collect();
    let installer = wishes.installer.clone().map(|program| Installer {
        program,
        runtimes: Runtimes::of_config(settings.runtimes_dir.as_deref()),
    });
    let installable = installer.as_ref().map(|it| it.runtimes.installable());
    Ok(Parts {
        installable: installable.unwrap_or_default(),
        coordinator: coordinator.map_err(RunError::Coordinator)?,
        scenes: Scenes::open(dir, settings.cache_bytes).map_err(cache)?,
        journal,
        heartbeat: Heartbeat::new(dir, settings.worker),
        render_dir: dir.join("rendering").join(settings.worker.to_string()),
        slots: slots.iter().map(|slot| slot.info.clone()).collect(),
        runtimes: runtimes.iter().map(renderer::runtime_info).collect(),
        gpu_driver,
        sandbox: doctor::sandbox(),
        doctor: Some(doctor::Options {
            config: Some(wishes.config.clone()),
            allow_cpu: wishes.allow_cpu,
            nvml: wishes.nvml.clone(),
            // The worker's own trials say more.
            render: false,
        }),
        gpus: gpus.clone(),
        abilities,
        idle_blender: settings.idle_blender,
        renderer: Blender::new(runtimes, slots, memory_limit_bytes, dir.join("kernels"))
            .watching(gpus)
            .keeping(proofs)
            .installing(installer),
    })
}

/// The slots, the version of the GPU driver, and who watches over the slots' GPUs.
fn gpus(
    settings: &Settings,
    nvml: Library,
) -> Result<(Vec<SlotHardware>, Option<String>, Watch), RunError> {
    let root = Path::new("/");
    let opened = Watch::open(nvml);
    let inventory = opened.as_ref().map(|opened| &opened.inventory);
    let slots = machine::slots(root, inventory, settings.allow_cpu, settings.slots)?;
    for left_out in inventory.into_iter().flat_map(Inventory::left_out) {
        tracing::warn!("{left_out}");
    }
    let driver = inventory.ok().and_then(|it| it.driver.clone());
    let driver = driver.or_else(|| machine::driver_version(root));
    let uuids = slots.iter().map(|slot| slot.info.uuid.clone()).collect();
    let watch = match opened {
        Ok(opened) => opened.watch(uuids),
        Err(GpuError::LibraryMissing(_)) => Watch::default(),
        Err(error) => {
            tracing::warn!("{error}; remedy: {}", error.remedy());
            Watch::default()
        }
    };
    Ok((slots, driver, watch))
}

/// A worker does without what cannot be installed: the others render all the same.
fn install(settings: &Settings, wanted: &[Series]) {
    let runtimes = Runtimes::of_config(settings.runtimes_dir.as_deref());
    for series in wanted {
        let mut say = |step: &str| tracing::info!(%series, "{step}");
        if let Err(error) = runtimes.install(*series, &mut say) {
            tracing::error!(%series, error = %Chain(&error), "cannot install this Blender");
        }
    }
}

/// The newest runtime of every series.
fn runtimes(settings: &Settings) -> Result<Vec<Runtime>, RunError> {
    let installed = Runtimes::of_config(settings.runtimes_dir.as_deref());
    let dir = installed.dir();
    let list = installed.list().map_err(|source| RunError::Runtimes {
        dir: dir.into(),
        source,
    })?;
    let by_series: BTreeMap<_, _> = list
        .into_iter()
        .map(|runtime| (runtime.series, runtime))
        .collect();
    if by_series.is_empty() {
        return Err(RunError::NoRuntime { dir: dir.into() });
    }
    Ok(by_series.into_values().collect())
}

/// What is left after a tenth for everything else on the machine.
fn memory_limit_bytes(settings: &Settings, slots: usize) -> Option<u64> {
    let share = |all: u64| all / 10 * 9 / slots.max(1) as u64;
    settings
        .memory_bytes
        .or_else(|| machine::memory_bytes(Path::new("/")).map(share))
}
