use pictor_protocol::agent::Device;
use pictor_protocol::blender::Series;
use pictor_protocol::campaign::CampaignState;
use pictor_protocol::network::{
    CampaignSummary, DeviceClass, NeededFrames, Network, NetworkHour, OwnedJob, OwnedJobPage,
    OwnedWorker, OwnedWorkerPage, PointsPerHour, PublicCampaigns, SystemState,
};
use pictor_protocol::settings::Engine;
use pictor_protocol::worker::Presence;
use pictor_protocol::{CampaignId, JobId, Micros, UserId, WorkerId};

use super::{NEW_YEAR_MS, job, uuid, worker};

pub fn network() -> Vec<Network> {
    vec![Network {
        at_ms: NEW_YEAR_MS,
        workers_online: 2,
        slots_online: 3,
        slots_busy: 1,
        classes: vec![DeviceClass {
            name: "NVIDIA GeForce RTX 4090".into(),
            device: Device::Optix,
            slots: 3,
        }],
        jobs_open: 1,
        frames_queued: 240,
        frames_leased: 12,
        demand: vec![NeededFrames {
            engine: Some(Engine::Cycles),
            series: Series::new(4, 5),
            frames: 240,
            jobs: 1,
        }],
        median_wait_ms: Some(4_000),
        frames_last_hour: 100,
        frames_last_day: 2_400,
        hours: vec![NetworkHour {
            start_ms: NEW_YEAR_MS,
            frames: 100,
        }],
        points_per_hour: Some(PointsPerHour {
            median_micros: Micros::new(10_000_000),
            upper_quartile_micros: Micros::new(25_000_000),
            workers: 20,
        }),
        campaign: Some(summary(CampaignState::Running)),
    }]
}

fn summary(state: CampaignState) -> CampaignSummary {
    CampaignSummary {
        id: CampaignId::new(uuid(3)),
        slug: "testnet".into(),
        name: "Testnet".into(),
        state,
        opens_ms: NEW_YEAR_MS,
        starts_ms: NEW_YEAR_MS + 1_000,
        ends_ms: NEW_YEAR_MS + 2_000,
        has_snapshot: true,
    }
}

pub fn public_campaigns() -> Vec<PublicCampaigns> {
    let states = [
        CampaignState::Upcoming,
        CampaignState::Open,
        CampaignState::Running,
        CampaignState::Closed,
    ];
    vec![PublicCampaigns {
        campaigns: states.map(summary).into(),
    }]
}

pub fn owned_worker_page() -> Vec<OwnedWorkerPage> {
    vec![OwnedWorkerPage {
        workers: vec![OwnedWorker {
            owner: UserId::new(uuid(4)),
            owner_name: "ada".into(),
            worker: worker::a_worker(Presence::Online),
        }],
        next: Some(WorkerId::new(uuid(2))),
    }]
}

pub fn owned_job_page() -> Vec<OwnedJobPage> {
    let owned = |job| OwnedJob {
        owner: UserId::new(uuid(4)),
        owner_name: "ada".into(),
        job,
    };
    vec![OwnedJobPage {
        jobs: job::job().into_iter().map(owned).collect(),
        next: Some(JobId::new(uuid(11))),
    }]
}

pub fn system_state() -> Vec<SystemState> {
    vec![SystemState {
        version: "0.1.0".into(),
        started_ms: NEW_YEAR_MS,
        uptime_ms: 60_000,
        database_bytes: 1 << 20,
        wal_bytes: 1 << 15,
        blobs: 7,
        blob_bytes: 1 << 30,
        disk_free_bytes: Some(1 << 40),
        workers_online: 2,
        jobs_open: 1,
        frames_queued: 240,
        frames_leased: 12,
        ledger_audited_ms: Some(NEW_YEAR_MS),
        ledger_faults: Some(0),
    }]
}
