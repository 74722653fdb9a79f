//! Who works on a job now, and why frames of it wait.

use pictor_protocol::job::{FrameCounts, FrameProgress};
use pictor_protocol::job_workers::{JobSlot, JobWorker, JobWorkers};

use super::waits;
use crate::app::App;
use crate::store::attempts::{self, HeldFrameRow};
use crate::store::jobs::JobRow;
use crate::store::{Result, Tx};

/// The workers that hold frames of a job, with what they hold.
pub async fn workers(app: &App, tx: &mut Tx, job: &JobRow) -> Result<JobWorkers> {
    let held = attempts::held_of_job(tx, job.id).await?;
    Ok(JobWorkers {
        workers: by_worker(held, &app.progress.of_job(job.id)),
        queued: FrameCounts::from(&job.counts).queued,
        waits: waits::of_job(tx, job, app.now_us()).await?,
    })
}

/// Rows come in the order of workers and slots.
fn by_worker(held: Vec<HeldFrameRow>, progress: &[FrameProgress]) -> Vec<JobWorker> {
    let mut workers: Vec<JobWorker> = Vec::new();
    for row in held {
        if workers.last().is_none_or(|last| last.id != row.worker_id) {
            workers.push(JobWorker {
                id: row.worker_id,
                name: row.worker_name,
                slots: Vec::new(),
            });
        }
        let Some(worker) = workers.last_mut() else {
            continue;
        };
        if worker.slots.last().is_none_or(|last| last.slot != row.slot) {
            worker.slots.push(JobSlot {
                slot: row.slot,
                frames: Vec::new(),
                progress: Vec::new(),
            });
        }
        if let Some(slot) = worker.slots.last_mut() {
            slot.frames.push(row.frame);
            let of_frame = progress.iter().filter(|it| it.frame == row.frame);
            slot.progress.extend(of_frame.cloned());
        }
    }
    workers
}

#[cfg(test)]
mod tests {
    use pictor_protocol::WorkerId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn frames_are_told_by_worker_and_slot() {
        let row = |worker: u128, slot, frame| HeldFrameRow {
            worker_id: WorkerId::new(Uuid::from_u128(worker)),
            worker_name: format!("worker {worker}"),
            slot,
            frame,
        };
        let held = vec![row(1, 0, 3), row(1, 0, 4), row(1, 1, 5), row(2, 1, 6)];
        let progress = FrameProgress {
            frame: 5,
            fraction: 0.5,
            elapsed_ms: 70,
        };
        let workers = by_worker(held, std::slice::from_ref(&progress));
        let told: Vec<_> = workers
            .iter()
            .flat_map(|worker| worker.slots.iter().map(|slot| (&*worker.name, slot)))
            .map(|(name, slot)| (name, slot.slot, &slot.frames[..], slot.progress.len()))
            .collect();
        assert_eq!(
            told,
            [
                ("worker 1", 0, &[3, 4][..], 0),
                ("worker 1", 1, &[5][..], 1),
                ("worker 2", 1, &[6][..], 0),
            ]
        );
    }
}
