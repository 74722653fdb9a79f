//! The wire's words and Blender's session's, one into the other.

use pictor_protocol::agent::{Capability, RenderFault};
use pictor_protocol::settings;

use crate::agent::Order;
use crate::blender::talk::{Device, Engine, FailureKind, Format, Ready, SceneFacts, Settings};
use crate::blender::{SessionError, StartError};
use crate::driver::SessionEnd;
use crate::errors::Chain;
use crate::probe;

/// So much of Blender's log stands in the message about its end.
const LAST_LINES: usize = 8;

/// What was proven is not there any more.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("Blender does not find any more what it rendered on before")]
pub(super) struct DeviceGone;

/// What Cycles renders on: the best that is proven and still there. Nothing where Cycles was never proven.
pub(super) fn device(ready: &Ready, can: &[Capability]) -> Result<Option<Device>, DeviceGone> {
    let is_there = |can: &Capability| match probe::cycles_device(*can) {
        None | Some(Device::Cpu) => true,
        Some(device) => ready.devices.iter().any(|listed| listed.kind == device),
    };
    let there: Vec<_> = can.iter().copied().filter(is_there).collect();
    match (probe::best(can), probe::best(&there)) {
        (Some(_), None) => Err(DeviceGone),
        (_, best) => Ok(best.and_then(probe::cycles_device)),
    }
}

pub(super) fn settings(order: &Order, device: Option<Device>) -> Settings {
    let wanted = &order.settings;
    Settings {
        scene: wanted.scene.clone(),
        camera: wanted.camera.clone(),
        engine: wanted.engine.map(engine),
        // Always: what the coordinator expects, even where the file says video.
        format: Some(format(order.plan.format)),
        width: wanted.width,
        height: wanted.height,
        percentage: wanted.percentage,
        samples: wanted.samples,
        denoise: wanted.denoise,
        seed: wanted.seed,
        device,
        threads: None,
    }
}

fn engine(engine: settings::Engine) -> Engine {
    match engine {
        settings::Engine::Cycles => Engine::Cycles,
        settings::Engine::Eevee => Engine::Eevee,
        settings::Engine::Workbench => Engine::Workbench,
    }
}

fn format(format: settings::Format) -> Format {
    match format {
        settings::Format::Png => Format::Png,
        settings::Format::Jpeg => Format::Jpeg,
        settings::Format::OpenExr => Format::OpenExr,
        settings::Format::OpenExrMultilayer => Format::OpenExrMultilayer,
    }
}

/// What a creator should know of an opened scene.
pub(super) fn remarks(scene: &SceneFacts) -> Vec<String> {
    let missing = scene.missing_files.iter();
    let missing = missing.map(|file| format!("missing {}: {}", file.kind, file.path));
    scene.warnings.iter().cloned().chain(missing).collect()
}

pub(super) fn fault(kind: FailureKind) -> RenderFault {
    match kind {
        FailureKind::NoCamera => RenderFault::NoCamera,
        FailureKind::OutOfMemory => RenderFault::OutOfMemory,
        FailureKind::OutOfGpuMemory => RenderFault::OutOfGpuMemory,
        FailureKind::SceneUnreadable => RenderFault::SceneUnreadable,
        FailureKind::NewerThanRuntime => RenderFault::NewerThanRuntime,
        FailureKind::SceneMissing => RenderFault::SceneMissing,
        FailureKind::CameraMissing => RenderFault::CameraMissing,
        FailureKind::EngineUnknown => RenderFault::EngineUnknown,
        FailureKind::DenoiserMissing => RenderFault::DenoiserMissing,
        FailureKind::DeviceMissing => RenderFault::DeviceMissing,
        FailureKind::NothingWritten => RenderFault::NothingWritten,
        FailureKind::ScriptError | FailureKind::Other => RenderFault::Other,
    }
}

pub(crate) fn start_error(error: &StartError) -> SessionEnd {
    let (fault, log_tail) = match error {
        StartError::Home(_) | StartError::Spawn { .. } => (RenderFault::Other, ""),
        StartError::Late { log_tail, .. } => (RenderFault::Hung, log_tail.as_str()),
        StartError::Ended(source) => fault_and_tail(source),
    };
    end(fault, error, log_tail)
}

pub(crate) fn session_error(error: &SessionError) -> SessionEnd {
    let (fault, log_tail) = fault_and_tail(error);
    end(fault, error, log_tail)
}

fn fault_and_tail(error: &SessionError) -> (RenderFault, &str) {
    match error {
        SessionError::Died { log_tail, .. } => (RenderFault::Crashed, log_tail),
        SessionError::Silent { log_tail, .. } => (RenderFault::Hung, log_tail),
        SessionError::OutOfMemory { .. } => (RenderFault::OutOfMemory, ""),
        SessionError::Gibberish { .. } => (RenderFault::Crashed, ""),
    }
}

fn end(fault: RenderFault, error: &dyn std::error::Error, log_tail: &str) -> SessionEnd {
    let message = format!("{}\n{}", Chain(error), last_lines(log_tail));
    SessionEnd {
        fault,
        message: message.trim_end().to_owned(),
    }
}

/// What Blender said last; the whole log is there for whoever wants more.
fn last_lines(log_tail: &str) -> &str {
    let tail = log_tail.trim_end();
    let start = tail.rmatch_indices('\n').nth(LAST_LINES - 1);
    start.map_or(tail, |(at, _)| &tail[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blender::talk::GpuDevice;

    #[test]
    fn cycles_renders_on_the_best_that_is_proven_and_still_there() {
        let both = [Capability::CyclesOptix, Capability::CyclesCuda];
        let listed = |kinds: &[Device]| {
            let device = |kind: &Device| GpuDevice {
                kind: *kind,
                name: "one".into(),
                id: "1".into(),
            };
            Ready {
                devices: kinds.iter().map(device).collect(),
                ..Ready::default()
            }
        };
        let all = listed(&[Device::Cuda, Device::Optix]);
        assert_eq!(device(&all, &both), Ok(Some(Device::Optix)));
        assert_eq!(
            device(&all, &[Capability::CyclesCuda]),
            Ok(Some(Device::Cuda))
        );
        assert_eq!(
            device(&listed(&[Device::Cuda]), &both),
            Ok(Some(Device::Cuda))
        );
        assert_eq!(device(&listed(&[]), &both), Err(DeviceGone));
        assert_eq!(device(&all, &[Capability::Eevee]), Ok(None));
        assert_eq!(
            device(&listed(&[]), &[Capability::CyclesCpu]),
            Ok(Some(Device::Cpu))
        );
    }

    #[test]
    fn only_the_last_lines_of_a_log_go_into_a_message() {
        let log: String = (1..=20).map(|line| format!("line {line}\n")).collect();
        assert!(last_lines(&log).starts_with("line 13\n"));
        assert!(last_lines(&log).ends_with("line 20"));
        assert_eq!(last_lines("one\ntwo\n"), "one\ntwo");
        assert_eq!(last_lines(""), "");
    }
}
