//! The wire's words and Blender's session's, one into the other.

use pictor_protocol::agent::RenderFault;
use pictor_protocol::settings;

use crate::agent::Order;
use crate::blender::talk::{Device, Engine, FailureKind, Format, Ready, SceneFacts, Settings};
use crate::blender::{SessionError, StartError};
use crate::driver::SessionEnd;
use crate::errors::Chain;

/// So much of Blender's log stands in the message about its end.
const LAST_LINES: usize = 8;

/// The best device of the slot's kind: OptiX traces on cores that CUDA leaves idle.
pub(super) fn device(ready: &Ready, wants_gpu: bool) -> Option<Device> {
    if !wants_gpu {
        return Some(Device::Cpu);
    }
    let has = |kind: &Device| ready.devices.iter().any(|device| device.kind == *kind);
    [Device::Optix, Device::Cuda, Device::Hip]
        .into_iter()
        .find(has)
}

pub(super) fn settings(order: &Order, device: Device) -> Settings {
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
        device: Some(device),
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

pub(super) fn start_error(error: &StartError) -> SessionEnd {
    let (fault, log_tail) = match error {
        StartError::Home(_) | StartError::Spawn { .. } => (RenderFault::Other, ""),
        StartError::Late { log_tail, .. } => (RenderFault::Hung, log_tail.as_str()),
        StartError::Ended(source) => fault_and_tail(source),
    };
    end(fault, error, log_tail)
}

pub(super) fn session_error(error: &SessionError) -> SessionEnd {
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

    #[test]
    fn only_the_last_lines_of_a_log_go_into_a_message() {
        let log: String = (1..=20).map(|line| format!("line {line}\n")).collect();
        assert!(last_lines(&log).starts_with("line 13\n"));
        assert!(last_lines(&log).ends_with("line 20"));
        assert_eq!(last_lines("one\ntwo\n"), "one\ntwo");
        assert_eq!(last_lines(""), "");
    }
}
