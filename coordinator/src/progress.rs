//! How far the frames are that render now. Kept in memory only: it is worth nothing after a restart.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pictor_protocol::JobId;
use pictor_protocol::agent::Progress;
use pictor_protocol::job::FrameProgress;

/// The latest word on every frame that renders.
#[derive(Debug, Default)]
pub struct LiveProgress(Mutex<HashMap<JobId, HashMap<i32, FrameProgress>>>);

impl LiveProgress {
    pub fn note(&self, job: JobId, frame: i32, progress: &Progress) {
        let fraction = if progress.fraction.is_finite() {
            progress.fraction.clamp(0.0, 1.0)
        } else {
            0.0
        };
        let latest = FrameProgress {
            frame,
            fraction,
            elapsed_ms: progress.elapsed_ms.max(0),
        };
        self.lock().entry(job).or_default().insert(frame, latest);
    }

    /// The frame does not render any more.
    pub fn forget(&self, job: JobId, frame: i32) {
        let mut jobs = self.lock();
        if let Some(frames) = jobs.get_mut(&job) {
            frames.remove(&frame);
            if frames.is_empty() {
                jobs.remove(&job);
            }
        }
    }

    /// Nothing of the job renders any more.
    pub fn forget_job(&self, job: JobId) {
        self.lock().remove(&job);
    }

    pub fn of_frame(&self, job: JobId, frame: i32) -> Option<FrameProgress> {
        self.lock().get(&job)?.get(&frame).cloned()
    }

    pub fn of_job(&self, job: JobId) -> Vec<FrameProgress> {
        let mut frames: Vec<_> = self
            .lock()
            .get(&job)
            .map_or_else(Vec::new, |f| f.values().cloned().collect());
        frames.sort_by_key(|progress| progress.frame);
        frames
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, HashMap<i32, FrameProgress>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
