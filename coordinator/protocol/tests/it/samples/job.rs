use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::frames::FrameList;
use pictor_protocol::job::{
    Frame, FrameCounts, FramePage, FrameProgress, FrameState, Job, JobCost, JobCounts, JobEstimate,
    JobPage, JobState, NewJob, Output, RenderPlan, RetryFrames, SpendCap, WorkerName,
};
use pictor_protocol::review::{FrameReview, ReviewState};
use pictor_protocol::settings::{Engine, Format, RenderSettings};
use pictor_protocol::{JobId, Micros, SceneId, WorkerId};

use super::{NEW_YEAR_MS, blob, uuid};

const FORMATS: [Format; 4] = [
    Format::Png,
    Format::Jpeg,
    Format::OpenExr,
    Format::OpenExrMultilayer,
];
const ENGINES: [Engine; 3] = [Engine::Cycles, Engine::Eevee, Engine::Workbench];

pub fn new_job() -> Vec<NewJob> {
    let words = FORMATS.into_iter().zip(ENGINES.into_iter().cycle());
    let every_word = words.map(|(format, engine)| RenderSettings {
        format: Some(format),
        engine: Some(engine),
        ..settings()
    });
    let wanted = [
        BlenderWanted::Auto,
        BlenderWanted::Pinned(Series::new(5, 0)),
    ];
    let wanted = wanted.into_iter().cycle();
    let jobs = every_word.zip(wanted).map(|(settings, blender)| NewJob {
        scene: SceneId::new(uuid(10)),
        name: Some("Shot 7".into()),
        frames: Some(frames()),
        settings,
        blender,
        priority: Some(80),
        paused: true,
        spend_cap_micros: Some(Micros::new(2_500_000)),
    });
    jobs.collect()
}

pub fn settings() -> RenderSettings {
    RenderSettings {
        scene: Some("Scene".into()),
        camera: Some("Camera.001".into()),
        engine: Some(Engine::Cycles),
        format: Some(Format::Png),
        width: Some(1_920),
        height: Some(1_080),
        percentage: Some(50),
        samples: Some(128),
        denoise: Some(true),
        seed: Some(7),
    }
}

pub fn plan() -> RenderPlan {
    RenderPlan {
        scene: "Scene".into(),
        engine: Some(Engine::Cycles),
        format: Format::Png,
        width: 960,
        height: 540,
    }
}

pub fn job() -> Vec<Job> {
    vec![a_job(JobState::Rendering)]
}

pub fn job_estimate() -> Vec<JobEstimate> {
    vec![JobEstimate {
        frames: 15,
        frame_reference_ms: 60_000,
        price_per_reference_minute_micros: Micros::new(1_000_000),
        estimate_micros: Micros::new(15_000_000),
        needed_now_micros: Micros::new(3_000_000),
    }]
}

pub fn spend_cap() -> Vec<SpendCap> {
    let spend_cap_micros = Some(Micros::new(2_500_000));
    vec![SpendCap { spend_cap_micros }]
}

fn cost() -> JobCost {
    JobCost {
        price_per_reference_minute_micros: Micros::new(1_000_000),
        frame_reference_ms: 30_000,
        is_measured: true,
        charged_micros: Micros::new(1_500_000),
        charged_frames: 3,
        free_frames: 1,
        reserved_micros: Micros::new(1_000_000),
        estimate_micros: Micros::new(3_000_000),
        spend_cap_micros: Some(Micros::new(2_500_000)),
    }
}

pub fn job_page() -> Vec<JobPage> {
    let states = [
        JobState::Queued,
        JobState::Rendering,
        JobState::Paused,
        JobState::NeedsAttention,
        JobState::Done,
        JobState::Failed,
        JobState::Cancelled,
    ];
    vec![JobPage {
        jobs: states.into_iter().map(a_job).collect(),
        next: Some(JobId::new(uuid(11))),
        counts: JobCounts {
            queued: 1,
            rendering: 2,
            paused: 3,
            needs_attention: 4,
            done: 5,
            failed: 6,
            cancelled: 7,
        },
    }]
}

pub fn a_job(state: JobState) -> Job {
    Job {
        id: JobId::new(uuid(11)),
        name: "Shot 7".into(),
        scene: SceneId::new(uuid(10)),
        state,
        reason: Some("no worker is online".into()),
        priority: 50,
        frames: frames(),
        settings: settings(),
        render: plan(),
        blender: BlenderWanted::Auto,
        runtime: Some(Series::new(4, 5)),
        counts: FrameCounts {
            total: 15,
            queued: 1,
            leased: 2,
            done: 3,
            failed: 4,
            cancelled: 5,
        },
        created_ms: NEW_YEAR_MS,
        started_ms: Some(NEW_YEAR_MS + 1_000),
        finished_ms: Some(NEW_YEAR_MS + 2_000),
        mean_frame_ms: Some(4_321),
        frames_per_minute: Some(12.5),
        eta_ms: Some(60_000),
        cost: Some(cost()),
        revision: 42,
    }
}

pub fn frame() -> Vec<Frame> {
    vec![a_frame(FrameState::Done)]
}

pub fn frame_page() -> Vec<FramePage> {
    let states = [
        FrameState::Queued,
        FrameState::Leased,
        FrameState::Done,
        FrameState::Failed,
        FrameState::Cancelled,
    ];
    vec![FramePage {
        frames: states.into_iter().map(a_frame).collect(),
        next: Some(-12),
    }]
}

fn a_frame(state: FrameState) -> Frame {
    Frame {
        frame: -12,
        state,
        attempts: 2,
        worker: Some(WorkerName {
            id: WorkerId::new(uuid(2)),
            name: "attic".into(),
        }),
        started_ms: Some(NEW_YEAR_MS),
        finished_ms: Some(NEW_YEAR_MS + 4_321),
        render_ms: Some(4_321),
        error: Some("Blender ended in the middle".into()),
        output: Some(Output {
            blob: blob(5),
            size_bytes: 98_765,
            file_name: "f_-00012.png".into(),
            has_thumbnail: true,
        }),
        review: Some(FrameReview {
            state: if state == FrameState::Done {
                ReviewState::Approved
            } else {
                ReviewState::SentBack
            },
            reason: Some("fireflies in the window".into()),
            at_ms: NEW_YEAR_MS + 9_000,
        }),
        times_sent_back: 1,
        history: vec![super::review::an_attempt()],
        waits: super::review::waits(),
        revision: 41,
    }
}

pub fn frame_progress() -> Vec<FrameProgress> {
    vec![FrameProgress {
        frame: -12,
        fraction: 0.25,
        elapsed_ms: 1_500,
    }]
}

pub fn retry_frames() -> Vec<RetryFrames> {
    vec![RetryFrames {
        frames: Some(frames()),
    }]
}

fn frames() -> FrameList {
    FrameList::parse("-12,1-10,20-30x2").unwrap()
}
