//! A worker as a row of the list.

use askama::Template;
use pictor_protocol::agent::{Device, SlotInfo};
use pictor_protocol::worker::{CurrentFrame, Presence, Worker, WorkerState, WorkerStatus};

use super::super::{draw, show};

#[derive(Template)]
#[template(path = "workers/row.html")]
pub struct Row {
    pub worker: Worker,
    /// Points are a thing here.
    pub points: bool,
    pub now_ms: i64,
}

impl Row {
    fn state(&self) -> WorkerState {
        state(&self.worker)
    }

    /// `2 × NVIDIA H200, AMD EPYC`
    fn devices(&self) -> String {
        devices(&self.worker.slots)
    }

    /// The mean of its slots.
    fn utilisation(&self) -> Option<u32> {
        let read = self.worker.telemetry.iter();
        let read: Vec<_> = read.filter_map(|of| of.utilisation_percent).collect();
        let count = u32::try_from(read.len()).ok().filter(|count| *count > 0)?;
        Some(read.iter().sum::<u32>() / count)
    }

    /// The hottest of its slots.
    fn temperature(&self) -> Option<u32> {
        let read = self.worker.telemetry.iter();
        read.filter_map(|of| of.temperature_celsius).max()
    }

    fn frame(&self) -> Option<&CurrentFrame> {
        self.worker.current.first()
    }

    /// How many frames its other slots are at.
    fn more(&self) -> usize {
        self.worker.current.len().saturating_sub(1)
    }

    fn can_pause(&self) -> bool {
        self.worker.presence == Presence::Online
    }

    fn can_resume(&self) -> bool {
        is_paused(&self.worker)
    }
}

pub fn state(worker: &Worker) -> WorkerState {
    let status = worker.status.as_ref();
    status.map_or(WorkerState::Unknown, |status| status.state)
}

pub fn status(worker: &Worker) -> Option<&WorkerStatus> {
    worker.status.as_ref()
}

/// Whether resuming it does something; a worker that is offline may be paused all the same.
pub fn is_paused(worker: &Worker) -> bool {
    let state = state(worker);
    worker.presence == Presence::Draining
        || matches!(state, WorkerState::Paused | WorkerState::Pausing)
}

/// The names of slots' devices, each once with how many there are.
pub fn devices(slots: &[SlotInfo]) -> String {
    let mut names: Vec<(&str, usize)> = Vec::new();
    for slot in slots {
        match names.iter_mut().find(|(name, _)| *name == slot.name) {
            Some((_, count)) => *count += 1,
            None => names.push((&slot.name, 1)),
        }
    }
    let names = names.iter().map(|(name, count)| match count {
        1 => (*name).to_owned(),
        count => format!("{count} × {name}"),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// What a slot renders with.
pub const fn device(of: Device) -> &'static str {
    match of {
        Device::Cpu => "CPU",
        Device::Cuda => "CUDA",
        Device::Optix => "OptiX",
        Device::Hip => "HIP",
        Device::Unknown => "another kind of device",
    }
}

/// How far a frame is, in words.
pub fn progress(frame: &CurrentFrame) -> String {
    match frame.fraction {
        Some(fraction) => show::percent(f64::from(fraction)),
        None => "begins".into(),
    }
}

/// How far a frame is, as a bar.
pub fn bar(frame: &CurrentFrame) -> askama::filters::Safe<String> {
    let label = format!("Frame {}: {}", frame.frame, progress(frame));
    draw::progress(frame.fraction.unwrap_or(0.0).into(), &label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_devices_are_named_once() {
        let slot = |at, name: &str| SlotInfo::new(at, Device::Optix, name);
        let slots = [slot(0, "H200"), slot(1, "RTX"), slot(2, "H200")];
        assert_eq!(devices(&slots), "2 × H200, RTX");
        assert_eq!(devices(&[]), "");
    }
}
