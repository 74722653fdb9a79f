use pictor_protocol::gpus::{self, SupportedGpus};
use pictor_protocol::schedule::{Schedule, WeekSpan};
use pictor_protocol::worker::{
    ChangeWorker, CurrentFrame, Demand, DrainWorker, NewWorker, OwnJob, Presence, SuspendWorker,
    Uptime, UptimeSpan, UptimeStep, Worker, WorkerList, WorkerState, WorkerStatus, WorkerTask,
    WorkerTaskPage, WorkerTaskState,
};
use pictor_protocol::worker_config::{CONFIG_VERSION, WorkerConfig, WorkerOptions};
use pictor_protocol::worker_history::{
    EarningState, SlotHistory, TelemetryHistory, TelemetrySample, WorkerEarning, WorkerEarnings,
};
use pictor_protocol::{JobId, Micros, WorkerId};
use serde_json::json;

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
        sandbox: vec!["container".into(), "seccomp".into()],
        doctor: agent::doctor(),
        telemetry: vec![agent::telemetry()],
        leased: 3,
        current: vec![CurrentFrame {
            slot: 1,
            frame: -3,
            job: Some(own_job()),
            fraction: Some(0.5),
            elapsed_ms: Some(1_500),
        }],
        done: 1_000,
        earned_today_micros: Micros::new(12_500_000),
        schedule: schedule().pop(),
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
        WorkerState::OutsideHours,
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
        job: Some(own_job()),
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

fn own_job() -> OwnJob {
    OwnJob {
        id: JobId::new(uuid(1)),
        name: "classroom".into(),
    }
}

pub fn schedule() -> Vec<Schedule> {
    vec![Schedule {
        utc_offset_minutes: 120,
        spans: vec![WeekSpan {
            day: 4,
            from_minute: 1_200,
            to_minute: 1_440,
        }],
    }]
}

pub fn worker_earnings() -> Vec<WorkerEarnings> {
    let states = [
        EarningState::Waiting,
        EarningState::Settled,
        EarningState::Void,
    ];
    let entries = states.map(|state| WorkerEarning {
        key: format!("online/{}/490000", uuid(2)),
        book: format!("points/{}", uuid(3)),
        kind: "online-hour".into(),
        state,
        at_ms: NEW_YEAR_MS,
        due_ms: Some(NEW_YEAR_MS + 86_400_000),
        amount_micros: Micros::new(10_000_000),
        returned_micros: Micros::new(1),
        inputs: json!({ "hour": 490_000 }),
    });
    vec![WorkerEarnings {
        today_micros: Micros::new(10_000_000),
        total_micros: Micros::new(30_000_000),
        held_micros: Micros::new(20_000_000),
        entries: entries.into(),
        next: Some("6e657874".into()),
    }]
}

pub fn telemetry_history() -> Vec<TelemetryHistory> {
    vec![TelemetryHistory {
        span_ms: 300_000,
        slots: vec![SlotHistory {
            slot: 1,
            samples: vec![TelemetrySample {
                start_ms: NEW_YEAR_MS,
                utilisation_percent: Some(97),
                temperature_celsius: Some(71),
                power_milliwatts: Some(287_500),
                memory_used_bytes: Some(9 << 30),
            }],
        }],
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
