//! Why queued frames wait, held against every worker that is online. Loading aside, pure.
//!
//! Workers are counted and not named: whose machine lacks what is nobody else's business.

use std::collections::{BTreeMap, HashSet};

use pictor_protocol::WorkerId;
use pictor_protocol::blender::Series;
use pictor_protocol::job::{FrameCounts, JobState};
use pictor_protocol::job_workers::{WaitKind, WaitReason};

use super::view;
use crate::dispatch::ability::{self, Equipment};
use crate::dispatch::decide;
use crate::dispatch::task::TaskStatus;
use crate::store::dispatch::OnlineWorker;
use crate::store::jobs::JobRow;
use crate::store::tasks::TaskRow;
use crate::store::{self, Result, Tx};
use crate::workers::SILENCE_US;
use crate::workers::waiting::{Wait, Waiting};

/// A worker that is online.
#[derive(Debug, Clone, Copy)]
struct Here<'a> {
    can: Equipment<'a>,
    /// It failed a frame of the job.
    failed: bool,
    /// The frames are kept from it, because its pictures of them were sent back.
    kept: bool,
}

/// Why the queued frames of a job wait, what helps first in front; nothing if none waits.
pub async fn of_job(tx: &mut Tx, job: &JobRow, now_us: i64) -> Result<Vec<WaitReason>> {
    let queued = FrameCounts::from(&job.counts).queued;
    if queued == 0 {
        return Ok(Vec::new());
    }
    let kept = store::reviews::queued_without(tx, job.id).await?;
    let kept = kept.into_iter().filter(|(_, frames)| *frames >= queued);
    let kept = kept.map(|(worker, _)| worker).collect();
    reasons(tx, job, &kept, now_us).await
}

/// Why one frame waits; nothing if it does not.
pub async fn of_frame(
    tx: &mut Tx,
    job: &JobRow,
    row: &TaskRow,
    now_us: i64,
) -> Result<Vec<WaitReason>> {
    if row.status != TaskStatus::Queued {
        return Ok(Vec::new());
    }
    let kept = store::reviews::excluded_from(tx, row.id).await?;
    reasons(tx, job, &kept.into_iter().collect(), now_us).await
}

async fn reasons(
    tx: &mut Tx,
    job: &JobRow,
    kept: &HashSet<WorkerId>,
    now_us: i64,
) -> Result<Vec<WaitReason>> {
    let decided = |kind, unsaid: &str| {
        let text = job.reason.clone().unwrap_or_else(|| unsaid.into());
        Ok(vec![reason(kind, text, None)])
    };
    match view::state_of(job) {
        JobState::Paused => return decided(WaitKind::Paused, "the job is paused"),
        JobState::NeedsAttention => {
            return decided(WaitKind::NeedsAttention, "the job needs attention");
        }
        JobState::Queued | JobState::Rendering => {}
        JobState::Done | JobState::Failed | JobState::Cancelled | JobState::Unknown => {
            return Ok(Vec::new());
        }
    }
    let online = store::dispatch::online(tx, now_us - SILENCE_US).await?;
    let failed = store::dispatch::failed_workers(tx, job.id).await?;
    let here = online.iter().map(|worker| Here {
        can: worker.equipment(),
        failed: failed.contains(&worker.id),
        kept: kept.contains(&worker.id),
    });
    Ok(why(&waiting(job, &online), &here.collect::<Vec<_>>()))
}

fn waiting(job: &JobRow, online: &[OnlineWorker]) -> Waiting {
    let engine = job.plan.0.engine;
    let runtime = job.runtime.0.or_else(|| {
        let able = ability::series_for(online.iter().map(OnlineWorker::equipment), engine);
        decide::pick_runtime(job.blender, job.file_series, &able)
    });
    Waiting {
        job: job.id,
        frames: FrameCounts::from(&job.counts).queued,
        engine,
        wanted: job.blender,
        file: job.file_series,
        runtime,
    }
}

fn why(job: &Waiting, here: &[Here<'_>]) -> Vec<WaitReason> {
    if here.is_empty() {
        let text = "no worker is online".into();
        return vec![reason(WaitKind::NoWorkerOnline, text, None)];
    }
    let (mut free, mut failed, mut kept, mut no_engine) = (0, 0, 0, 0);
    let mut no_blender: BTreeMap<Series, u32> = BTreeMap::new();
    for worker in here {
        match job.lacks(worker.can) {
            Some(Wait::NoBlender { series, .. }) => *no_blender.entry(series).or_default() += 1,
            Some(_) => no_engine += 1,
            None if worker.kept => kept += 1,
            None if worker.failed => failed += 1,
            None => free += 1,
        }
    }
    // Whoever failed it gets it again when there is nobody else.
    if free == 0 {
        (free, failed) = (failed, 0);
    }
    let engine = job.engine.map_or("its engine", view::engine_name);
    let counted = [
        (WaitKind::NoFreeSlot, free, "busy with something else"),
        (
            WaitKind::FailedBefore,
            failed,
            "left out: frames of it failed there",
        ),
        (
            WaitKind::SentBack,
            kept,
            "left out: what was made there was sent back",
        ),
    ];
    let said = counted.into_iter().filter(|(_, workers, _)| *workers > 0);
    let mut reasons: Vec<_> = said
        .map(|(kind, workers, how)| {
            let are = if workers == 1 { "is" } else { "are" };
            let text = format!("{} that can render it {are} {how}", those(workers));
            reason(kind, text, Some(workers))
        })
        .collect();
    reasons.extend(no_blender.into_iter().map(|(series, workers)| {
        let text = format!("{} without Blender {series}", those(workers));
        reason(WaitKind::NoBlender, text, Some(workers))
    }));
    if no_engine > 0 {
        let text = format!("{} that cannot render {engine} with it", those(no_engine));
        reasons.push(reason(WaitKind::NoEngine, text, Some(no_engine)));
    }
    reasons
}

fn those(workers: u32) -> String {
    match workers {
        1 => "1 worker".into(),
        workers => format!("{workers} workers"),
    }
}

fn reason(kind: WaitKind, text: String, workers: Option<u32>) -> WaitReason {
    WaitReason {
        kind,
        text,
        workers,
    }
}

#[cfg(test)]
mod tests {
    use pictor_protocol::JobId;
    use pictor_protocol::agent::{Capability, Proven};
    use pictor_protocol::blender::BlenderWanted;
    use pictor_protocol::settings::Engine;
    use uuid::Uuid;

    use super::*;
    use crate::dispatch::ability::Ability;

    const BLENDER: Series = Series::new(4, 5);

    #[test]
    fn every_worker_that_is_online_is_counted_once_under_what_keeps_it() {
        let cycles = [slot(&[Capability::CyclesCpu])];
        let eevee = [slot(&[Capability::Eevee])];
        let has = |slots| Equipment {
            series: &[BLENDER],
            slots,
        };
        let none = Equipment {
            series: &[],
            slots: &cycles,
        };
        let worker = |can, failed, kept| Here { can, failed, kept };
        let here = [
            worker(has(&cycles), false, false),
            worker(has(&cycles), true, false),
            worker(has(&cycles), false, true),
            worker(has(&eevee), false, false),
            worker(none, false, false),
            worker(none, false, false),
        ];
        let reasons = why(&job(), &here);
        let told: Vec<_> = reasons.iter().map(|it| (it.kind, it.workers)).collect();
        let expected = [
            (WaitKind::NoFreeSlot, 1),
            (WaitKind::FailedBefore, 1),
            (WaitKind::SentBack, 1),
            (WaitKind::NoBlender, 2),
            (WaitKind::NoEngine, 1),
        ];
        assert_eq!(told, expected.map(|(kind, workers)| (kind, Some(workers))));
        assert_eq!(reasons[3].text, "2 workers without Blender 4.5");
    }

    #[test]
    fn who_failed_it_is_no_reason_when_there_is_nobody_else() {
        let cycles = [slot(&[Capability::CyclesCpu])];
        let can = Equipment {
            series: &[BLENDER],
            slots: &cycles,
        };
        let alone = Here {
            can,
            failed: true,
            kept: false,
        };
        assert_eq!(why(&job(), &[alone])[0].kind, WaitKind::NoFreeSlot);
        let kept = Here {
            kept: true,
            ..alone
        };
        assert_eq!(why(&job(), &[kept])[0].kind, WaitKind::SentBack);
        assert_eq!(why(&job(), &[])[0].kind, WaitKind::NoWorkerOnline);
    }

    fn slot(can: &[Capability]) -> Ability {
        let proven = can.iter().map(|can| Proven {
            runtime: BLENDER,
            can: *can,
        });
        Ability {
            proven: Some(proven.collect()),
            ..Ability::unknown(0)
        }
    }

    fn job() -> Waiting {
        Waiting {
            job: JobId::new(Uuid::nil()),
            frames: 3,
            engine: Some(Engine::Cycles),
            wanted: BlenderWanted::Auto,
            file: BLENDER,
            runtime: Some(BLENDER),
        }
    }
}
