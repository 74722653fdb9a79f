//! Probes of everything that a machine has, for a person who asks whether it works.

use std::path::PathBuf;
use std::time::Duration;

use pictor_protocol::agent::{Capability, Device, RuntimeInfo};
use tokio_util::sync::CancellationToken;

use super::{Outcome, Trial, run};
use crate::agent::{ProbedEngine, SlotId};
use crate::blender::runtime::Runtime;
use crate::machine::SlotHardware;
use crate::renderer::{Blender, runtime_info};

/// How one way to render came out on one slot with one runtime.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeOutcome {
    pub slot: SlotId,
    pub runtime: RuntimeInfo,
    pub can: Capability,
    /// How long the picture took, or what went wrong.
    pub result: Result<Duration, String>,
}

/// Tries every slot with every runtime, one after the other, and neither reads nor keeps any result of before.
/// A worker may run beside it. `kernel_dir` is where compiled kernels are kept: the worker's own saves minutes
/// on a GPU. What is known when `stop` is cancelled is answered.
pub async fn check(
    slots: Vec<SlotHardware>,
    runtimes: Vec<Runtime>,
    kernel_dir: PathBuf,
    stop: &CancellationToken,
) -> std::io::Result<Vec<ProbeOutcome>> {
    let dir = tempfile::Builder::new().prefix("pictor-probe-").tempdir()?;
    let blender = Blender::new(runtimes, slots, None, kernel_dir);
    let mut outcomes = Vec::new();
    for slot in 0..blender.slots.len() as SlotId {
        for runtime in blender.runtimes() {
            let probing = probe(&blender, slot, &runtime, dir.path());
            match stop.run_until_cancelled(probing).await {
                Some(found) => outcomes.extend(found),
                None => return Ok(outcomes),
            }
        }
    }
    Ok(outcomes)
}

/// Without a GPU OpenGL is Mesa's: its shaders, compiled for the first time, cost half a minute of every core.
/// The worker finds out about that when it has nothing else to do.
fn engines(device: Device) -> &'static [ProbedEngine] {
    match device {
        Device::Cpu => &[ProbedEngine::Cycles],
        Device::Cuda | Device::Optix | Device::Hip | Device::Unknown => {
            &[ProbedEngine::Cycles, ProbedEngine::Eevee]
        }
    }
}

async fn probe(
    blender: &Blender,
    slot: SlotId,
    runtime: &Runtime,
    dir: &std::path::Path,
) -> Vec<ProbeOutcome> {
    let mut outcomes = Vec::new();
    for engine in engines(blender.slots[usize::from(slot)].info.device) {
        let launch = blender.launch(slot, runtime, dir);
        let trial = Trial {
            launch: &launch,
            device: blender.slots[usize::from(slot)].info.device,
            engine: *engine,
            proven: &[],
            wants_score: false,
            dir,
        };
        let report = run(trial).await;
        outcomes.extend(report.outcomes);
    }
    let told = |Outcome { can, result }| ProbeOutcome {
        slot,
        runtime: runtime_info(runtime),
        can,
        result,
    };
    outcomes.into_iter().map(told).collect()
}
