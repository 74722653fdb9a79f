use pictor_protocol::WorkerId;
use pictor_protocol::gpus::{self, SupportedGpus};
use pictor_protocol::worker::{Demand, NewWorker, Presence, Worker, WorkerList};
use pictor_protocol::worker_config::{CONFIG_VERSION, WorkerConfig, WorkerOptions};

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
    }
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
