//! Messages about reviews, attempts and who works on a job.

use pictor_protocol::frames::FrameList;
use pictor_protocol::job::{FrameProgress, JobState, WorkerName};
use pictor_protocol::job_workers::{JobSlot, JobWorker, JobWorkers, WaitKind, WaitReason};
use pictor_protocol::review::{
    ApproveFrames, FrameAttempt, SendBackFrames, SentBackFrames, SentBackPicture, SentBackState,
};
use pictor_protocol::worker::WorkerTaskState;
use pictor_protocol::{Micros, WorkerId};

use super::{NEW_YEAR_MS, job, uuid};

pub fn approve_frames() -> Vec<ApproveFrames> {
    vec![ApproveFrames {
        frames: Some(frames()),
    }]
}

pub fn send_back_frames() -> Vec<SendBackFrames> {
    vec![SendBackFrames {
        frames: frames(),
        reason: "fireflies in the window".into(),
    }]
}

pub fn sent_back_frames() -> Vec<SentBackFrames> {
    vec![SentBackFrames {
        frames: 3,
        refundable_micros: Micros::new(1_250_000),
        settled_frames: 1,
        job: job::a_job(JobState::Rendering),
    }]
}

pub fn job_workers() -> Vec<JobWorkers> {
    vec![JobWorkers {
        workers: vec![JobWorker {
            id: WorkerId::new(uuid(2)),
            name: "attic".into(),
            slots: vec![JobSlot {
                slot: 1,
                frames: vec![-12, 4],
                progress: vec![FrameProgress {
                    frame: -12,
                    fraction: 0.25,
                    elapsed_ms: 1_500,
                }],
            }],
        }],
        queued: 7,
        waits: waits(),
    }]
}

pub fn waits() -> Vec<WaitReason> {
    let kinds = [
        WaitKind::Paused,
        WaitKind::NeedsAttention,
        WaitKind::NoFreeSlot,
        WaitKind::NoWorkerOnline,
        WaitKind::NoBlender,
        WaitKind::NoEngine,
        WaitKind::FailedBefore,
        WaitKind::SentBack,
    ];
    let reason = |kind| WaitReason {
        kind,
        text: "2 workers do not have Blender 4.5".into(),
        workers: Some(2),
    };
    kinds.into_iter().map(reason).collect()
}

pub fn an_attempt() -> FrameAttempt {
    FrameAttempt {
        attempt: 1,
        worker: WorkerName {
            id: WorkerId::new(uuid(2)),
            name: "attic".into(),
        },
        slot: 1,
        state: WorkerTaskState::SentBack,
        started_ms: NEW_YEAR_MS,
        finished_ms: Some(NEW_YEAR_MS + 4_321),
        render_ms: Some(4_321),
        message: Some("sent back: fireflies in the window".into()),
        sent_back: Some(SentBackPicture {
            state: SentBackState::Open,
            charged_micros: Micros::new(1_250_000),
        }),
        has_output: true,
        has_thumbnail: true,
    }
}

fn frames() -> FrameList {
    FrameList::parse("-12,1-10").unwrap()
}
