//! What the owner reads: one line for each thing that matters.

use pictor_protocol::TaskId;
use pictor_protocol::agent::Capability;
use tracing::{error, info, warn};

use crate::agent::{FrameFate, Notice, Probe, SlotId};

pub(super) fn tell(notice: &Notice) {
    match notice {
        Notice::Connected { name, version } => {
            info!(
                worker.name = name,
                coordinator.version = version,
                "connected as {name}"
            );
        }
        Notice::LeaseTaken {
            slot,
            job,
            frames,
            runtime,
        } => {
            info!(slot, %job, frames, %runtime, "lease received");
        }
        Notice::Frame {
            attempt,
            frame,
            fate,
        } => tell_fate(*frame, attempt.task, fate),
        Notice::Stopped { attempt } => info!(task = %attempt.task, "stopped, as told"),
        Notice::Lost { attempt } => {
            warn!(task = %attempt.task, "the coordinator gave this frame to another worker");
        }
        Notice::Proven {
            slot,
            probe,
            can,
            score,
        } => tell_proven(*slot, probe, can, *score),
        Notice::NothingWorks { slot } => {
            error!(
                slot,
                "nothing renders on this slot, so it asks for no work: see the failed probe renders above"
            );
        }
        Notice::Challenged { slot, end } => match end {
            Ok(took) => info!(slot, ?took, "presence challenge answered"),
            Err(why) => {
                let why = why.lines().next().unwrap_or_default();
                warn!(slot, "presence challenge not answered: {why}");
            }
        },
        Notice::Installing { series } => {
            info!(%series, "installing this Blender: jobs wait for it");
        }
        Notice::Installed { series } => info!(%series, "this Blender is installed"),
        Notice::InstallFailed { series, message } => {
            error!(%series, "this Blender cannot be installed: {message}");
        }
        Notice::SessionFailed {
            slot,
            message,
            retry_in,
        } => {
            error!(
                slot,
                retry_s = retry_in.as_secs(),
                "Blender does not run: {message}"
            );
        }
        Notice::Draining { handed_back } => {
            info!(
                handed_back,
                "draining: finishing what renders, handing back the rest"
            );
        }
        Notice::GpuLost { slot, message } => {
            error!(slot, "the GPU is lost, ending: {message}");
        }
        Notice::Undelivered { outputs } => {
            warn!(
                outputs,
                "finished pictures are kept and handed in at the next start"
            );
        }
    }
}

fn tell_proven(slot: SlotId, probe: &Probe, can: &[Capability], score: Option<f64>) {
    let runtime = probe.runtime;
    // Failures were told with their reasons, one by one.
    if !can.is_empty() {
        info!(slot, %runtime, engine = ?probe.engine, ?can, score, "probe renders are good");
    }
}

fn tell_fate(frame: i32, task: TaskId, fate: &FrameFate) {
    match fate {
        FrameFate::Done { render_ms } => info!(frame, render_ms, %task, "frame done"),
        FrameFate::Failed { fault, message } => {
            let message = message.lines().next().unwrap_or_default();
            warn!(frame, ?fault, %task, "frame failed: {message}");
        }
        FrameFate::Refused { why, detail } => {
            let detail = detail.as_deref().unwrap_or_default();
            warn!(frame, ?why, %task, "the coordinator did not take the frame: {detail}");
        }
    }
}
