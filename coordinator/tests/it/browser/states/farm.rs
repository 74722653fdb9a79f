//! Workers of one owner, in every state.

use std::time::Duration;

use pictor_protocol::agent::{
    Capability, Device, Grant, Progress, Proven, Report, SlotInfo, Telemetry,
};
use pictor_protocol::blender::Series;
use pictor_protocol::health::{CheckOutcome, DoctorCheck};
use pictor_protocol::worker_config::WorkerConfig;
use serde_json::json;

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::worker::ScriptedWorker;

/// Two that render, one that fell silent, one that cannot render, one that was paused, one that was retired.
pub async fn farm(world: &World, owner: &Client) -> Vec<ScriptedWorker> {
    let names = [
        "render-node-in-the-attic-behind-the-water-tank-0001",
        "workshop",
        "laptop",
        "old tower",
        "night shift",
        "gone",
    ];
    let mut farm = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        let made = owner
            .post("/api/v1/workers", &json!({ "name": name }))
            .await;
        let config: WorkerConfig = made.json();
        let slots = if at == 0 { 2 } else { 1 };
        let slots = (0..slots).map(|slot| gpu(slot, at != 3)).collect();
        let mut worker =
            ScriptedWorker::connect_of(world, &config, &[Series::new(4, 5)], slots).await;
        worker.doctor = doctor();
        worker.sandbox = vec![
            "container".into(),
            "seccomp".into(),
            "no network for Blender".into(),
        ];
        worker.hello(&[]).await;
        farm.push(worker);
    }
    owner
        .post(&format!("/api/v1/workers/{}/drain", farm[4].id), &json!({}))
        .await;
    owner
        .delete(&format!("/api/v1/workers/{}", farm[5].id))
        .await;
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 7200000000 WHERE name = 'laptop'")
        .await;
    farm
}

fn gpu(slot: u16, is_proven: bool) -> SlotInfo {
    let runtime = Series::new(4, 5);
    let can = [
        Capability::CyclesOptix,
        Capability::CyclesCuda,
        Capability::Eevee,
    ];
    let proven = can.map(|can| Proven { runtime, can });
    SlotInfo {
        memory_bytes: Some(24 << 30),
        score: is_proven.then_some(2.38),
        proven: Some(if is_proven {
            proven.to_vec()
        } else {
            Vec::new()
        }),
        ..SlotInfo::new(slot, Device::Optix, "NVIDIA GeForce RTX 4090")
    }
}

fn doctor() -> Vec<DoctorCheck> {
    let check = |name: &str, outcome, text: &str, advice: Option<&str>| DoctorCheck {
        name: name.into(),
        outcome,
        text: text.into(),
        advice: advice.map(Into::into),
    };
    vec![
        check("driver", CheckOutcome::Ok, "550.120, CUDA 12.4", None),
        check(
            "disk",
            CheckOutcome::Warn,
            "12 GB are free in /var/cache/pictor",
            Some("Free some, or put the cache elsewhere with `--cache-dir`."),
        ),
    ]
}

/// They are heard of for as long as somebody looks, and get no further with what they render.
pub async fn go_on(farm: Vec<ScriptedWorker>, leases: Vec<Option<Grant>>) {
    loop {
        for (at, worker) in farm.iter().enumerate() {
            // The laptop fell silent, and the last one is retired.
            if at != 2 && at != 5 {
                let grant = leases.get(at).and_then(Option::as_ref);
                worker.report(said_by(worker, grant)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn said_by(worker: &ScriptedWorker, grant: Option<&Grant>) -> Report {
    let reading = |slot: &SlotInfo| Telemetry {
        slot: slot.slot,
        utilisation_percent: Some(97),
        temperature_celsius: Some(71),
        power_milliwatts: Some(412_000),
        memory_used_bytes: Some(9 << 30),
    };
    let progress = |grant: &Grant| Progress {
        attempt: grant.attempt,
        fraction: 0.42,
        elapsed_ms: 31_000,
    };
    Report {
        holding: grant.iter().map(|grant| grant.attempt).collect(),
        progress: grant.into_iter().map(progress).collect(),
        telemetry: worker.slots.iter().map(reading).collect(),
        ..worker.empty()
    }
}
