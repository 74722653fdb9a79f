//! What is said of workers beside their rows, loaded for all that are on a page at once.

use std::collections::HashMap;

use pictor_protocol::worker::{CurrentFrame, OwnJob};
use pictor_protocol::{Micros, UserId, WorkerId};

use super::earnings;
use super::waiting::Queue;
use crate::app::App;
use crate::store::worker_now::{self, FrameRow};
use crate::store::{Result, Tx};

#[derive(Debug, Default)]
pub struct Beside {
    pub queue: Queue,
    current: HashMap<WorkerId, Vec<CurrentFrame>>,
    earned_today: HashMap<WorkerId, Micros>,
}

impl Beside {
    /// For whoever asks, who owns all of these workers.
    pub async fn of_owner(
        app: &App,
        tx: &mut Tx,
        asking: UserId,
        workers: &[WorkerId],
    ) -> Result<Self> {
        let queue = Queue::load(tx, asking, app.now_us()).await?;
        Self::load(app, tx, queue, asking, workers).await
    }

    /// For an operator, of whosever workers these are.
    pub async fn of_all(
        app: &App,
        tx: &mut Tx,
        operator: UserId,
        workers: &[WorkerId],
    ) -> Result<Self> {
        let queue = Queue::load_for_all(tx, app.now_us()).await?;
        Self::load(app, tx, queue, operator, workers).await
    }

    async fn load(
        app: &App,
        tx: &mut Tx,
        queue: Queue,
        asking: UserId,
        workers: &[WorkerId],
    ) -> Result<Self> {
        let mut beside = Self {
            queue,
            ..Self::default()
        };
        for row in worker_now::frames(tx, workers).await? {
            let frames = beside.current.entry(row.worker_id).or_default();
            frames.push(current(app, row, asking));
        }
        let today = earnings::today(app.now_us());
        for row in worker_now::earned_since(tx, workers, today).await? {
            let earned = Micros::new(row.amount);
            beside.earned_today.insert(row.worker_id, earned);
        }
        Ok(beside)
    }

    /// What a worker's slots are at.
    pub fn current(&self, worker: WorkerId) -> Vec<CurrentFrame> {
        self.current.get(&worker).cloned().unwrap_or_default()
    }

    pub fn earned_today(&self, worker: WorkerId) -> Micros {
        self.earned_today.get(&worker).copied().unwrap_or_default()
    }
}

/// A frame that a slot is at. Whose job it is and what it is called is the business of its creator alone.
fn current(app: &App, row: FrameRow, asking: UserId) -> CurrentFrame {
    let progress = app.progress.of_frame(row.job_id, row.frame);
    CurrentFrame {
        slot: row.slot,
        frame: row.frame,
        job: (row.job_owner == asking).then_some(OwnJob {
            id: row.job_id,
            name: row.job_name,
        }),
        fraction: progress.as_ref().map(|progress| progress.fraction),
        elapsed_ms: progress.map(|progress| progress.elapsed_ms),
    }
}
