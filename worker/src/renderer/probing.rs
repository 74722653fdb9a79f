//! A probe as the driver orders it: its failures go into the log, its successes are kept for the next start.

use std::sync::PoisonError;
use std::time::Instant;

use pictor_protocol::agent::Capability;

use super::{Blender, Kept};
use crate::agent::{Found, ProbedEngine, SlotId};
use crate::blender::Session;
use crate::blender::runtime::{Runtime, Series};
use crate::driver::ProbeTask;
use crate::probe::{self, Report, Trial};

impl Blender {
    pub(super) async fn find_out(&self, task: ProbeTask) -> Found {
        let Ok(runtime) = self.runtime(task.order.probe.runtime) else {
            return Found::default();
        };
        let began = Instant::now();
        let slot = &self.slots[usize::from(task.slot)].info;
        let trial = Trial {
            launch: &self.launch(task.slot, &runtime, &task.dir),
            device: slot.device,
            engine: task.order.probe.engine,
            proven: &task.order.proven,
            wants_score: task.order.wants_score,
            dir: &task.dir,
        };
        let report = probe::run(trial).await;
        tell(task.slot, &runtime, &report);
        let found = found(&report, &task.order.proven);
        tracing::debug!(slot = slot.slot, ?found, took = ?began.elapsed(), "probed");
        if let Some(proofs) = &self.proofs {
            proofs.keep(slot, &runtime, &found);
        }
        let is_good = task.order.probe.engine == ProbedEngine::Cycles && !found.can.is_empty();
        let session = report.session.filter(|_| task.order.keep && is_good);
        self.keep(task.slot, runtime.series, session);
        found
    }

    fn keep(&self, slot: SlotId, runtime: Series, session: Option<Session>) {
        if let Some(session) = session {
            let kept = Kept { runtime, session };
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(slot, kept);
        }
    }
}

fn found(report: &Report, proven: &[Capability]) -> Found {
    Found {
        can: report.proven(proven),
        score: report.score.iter().flatten().copied().next(),
        does_not_start: report.does_not_start,
    }
}

fn tell(slot: SlotId, runtime: &Runtime, report: &Report) {
    let version = &runtime.version;
    for outcome in &report.outcomes {
        if let Err(why) = &outcome.result {
            tracing::warn!(slot, runtime = version, can = ?outcome.can, "a probe render failed: {why}");
        }
        if report.does_not_start {
            break;
        }
    }
    if let Some(Err(why)) = &report.score {
        tracing::warn!(slot, runtime = version, "the benchmark failed: {why}");
    }
}
