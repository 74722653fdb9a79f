use pictor_protocol::gpus::{self, SupportedGpus};
use pictor_protocol::worker::{
    ChangeWorker, Demand, DrainWorker, NewWorker, OwnJob, Presence, SuspendWorker, Uptime,
    UptimeSpan, UptimeStep, Worker, WorkerList, WorkerState, WorkerStatus, WorkerTask,
    WorkerTaskPage, WorkerTaskState,
};
use pictor_protocol::worker_config::{CONFIG_VERSION, WorkerConfig, WorkerOptions};
use pictor_protocol::{JobId, WorkerId};

use super::{NEW_YEAR_MS, agent, uuid};

pub fn new_worker() -> Vec<NewWorker> {
    vec![NewWorker {
        name: "attic".into(),
    }]
}

pub fn worker() -> Vec<Worker> {
    vec![a_worker(Presence::Online)]
}

pub fn worker_list() -> Vec<WorkerList> {
    let presences = [
        Presence::New,
        Presence::Online,
        Presence::Offline,
        Presence::Draining,
        Presence::Suspended,
        Presence::Retired,
    ];
    vec![WorkerList {
        workers: presences.into_iter().map(a_worker).collect(),
        next: Some("6e657874".into()),
    }]
}

pub fn a_worker(presence: Presence) -> Worker {
    Worker {
        id: WorkerId::new(uuid(2)),
        name: "attic".into(),
        presence,
        created_ms: NEW_YEAR_MS,
        last_seen_ms: Some(NEW_YEAR_MS + 1_000),
        connected_ms: Some(NEW_YEAR_MS + 500),
        version: Some("0.1.0".into()),
        slots: agent::slots(),
        runtimes: agent::runtimes(),
        driver: Some("575.57.08".into()),
        telemetry: vec![agent::telemetry()],
        leased: 3,
        done: 1_000,
        status: Some(a_status(WorkerState::Rendering)),
    }
}

fn a_status(state: WorkerState) -> WorkerStatus {
    WorkerStatus {
        state,
        since_ms: Some(NEW_YEAR_MS),
        reason: "Nothing waits to be rendered.".into(),
        advice: Some("Nothing needs to be done.".into()),
    }
}

/// In every state.
pub fn worker_status() -> Vec<WorkerStatus> {
    let states = [
        WorkerState::NeverConnected,
        WorkerState::TooOld,
        WorkerState::Offline,
        WorkerState::CannotRender,
        WorkerState::Rendering,
        WorkerState::Waiting,
        WorkerState::Pausing,
        WorkerState::Paused,
        WorkerState::Suspended,
        WorkerState::Retired,
    ];
    states.into_iter().map(a_status).collect()
}

pub fn change_worker() -> Vec<ChangeWorker> {
    vec![ChangeWorker {
        name: Some("cellar".into()),
    }]
}

pub fn drain_worker() -> Vec<DrainWorker> {
    vec![DrainWorker {
        reason: Some("I need the machine tonight".into()),
    }]
}

pub fn suspend_worker() -> Vec<SuspendWorker> {
    vec![SuspendWorker {
        reason: "its pictures were those of another worker".into(),
    }]
}

pub fn uptime() -> Vec<Uptime> {
    let steps = [UptimeStep::Hour, UptimeStep::Day];
    let uptime = steps.map(|step| Uptime {
        step,
        seen_ms: 1_800_000,
        spans: vec![UptimeSpan {
            start_ms: NEW_YEAR_MS,
            seen_ms: 1_800_000,
        }],
    });
    uptime.into()
}

pub fn worker_task_page() -> Vec<WorkerTaskPage> {
    let states = [
        WorkerTaskState::Leased,
        WorkerTaskState::Stopping,
        WorkerTaskState::Done,
        WorkerTaskState::Failed,
        WorkerTaskState::Rejected,
        WorkerTaskState::Returned,
        WorkerTaskState::Lost,
        WorkerTaskState::Stopped,
        WorkerTaskState::SentBack,
    ];
    let tasks = states.map(|state| WorkerTask {
        job: Some(OwnJob {
            id: JobId::new(uuid(1)),
            name: "classroom".into(),
        }),
        frame: -3,
        attempt: 2,
        slot: 1,
        state,
        leased_ms: NEW_YEAR_MS,
        finished_ms: Some(NEW_YEAR_MS + 4_000),
        render_ms: Some(3_500),
        energy_millijoules: Some(700_000),
        message: Some("the picture did not pass".into()),
    });
    vec![WorkerTaskPage {
        tasks: tasks.into(),
        next: Some("6e657874".into()),
    }]
}

pub fn demand() -> Vec<Demand> {
    vec![Demand {
        queued: 240,
        leased: 12,
        slots_online: 4,
    }]
}

pub fn supported_gpus() -> Vec<SupportedGpus> {
    vec![gpus::supported()]
}

pub fn worker_config() -> Vec<WorkerConfig> {
    vec![WorkerConfig {
        version: CONFIG_VERSION,
        coordinator: "https://render.example.org".into(),
        worker_id: WorkerId::new(uuid(2)),
        token: "a-secret".into(),
        name: "attic".into(),
        options: WorkerOptions {
            allow_cpu: true,
            slots: Some(2),
            cache_bytes: Some(20 << 30),
            cache_dir: Some("/srv/cache".into()),
            memory_bytes: Some(8 << 30),
            idle_blender_s: Some(60),
            runtimes_dir: Some("/srv/runtimes".into()),
        },
    }]
}
