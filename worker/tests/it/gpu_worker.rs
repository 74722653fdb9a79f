//! A worker on a machine with GPUs: its slots, its readings, and what it does when a GPU goes away.

use std::path::Path;

use pictor_protocol::agent::{AttemptRef, Device, SlotInfo, Telemetry};
use pictor_protocol::gpus::ComputeCapability;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::fake_coordinator::{FakeCoordinator, Inner, TOKEN};
use crate::gpus::{Gpus, broken, gpu, machine, uuid};
use crate::program::{Ended, Program};

const UNKNOWN: u32 = 999;
const GPU_IS_LOST: u32 = 15;

#[tokio::test]
async fn each_gpu_is_a_slot_pinned_by_its_name_and_read_with_every_report() {
    let world = World::start(&[gpu(0), gpu(1)]).await;
    let slots = world.hello().await;
    let expected = |slot: u16| SlotInfo {
        memory_bytes: Some(24 << 30),
        uuid: Some(uuid(slot.into())),
        compute_capability: Some(ComputeCapability::new(8, 9)),
        ..SlotInfo::new(slot, Device::Cuda, format!("NVIDIA Test {slot}"))
    };
    assert_eq!(slots, [expected(0), expected(1)]);
    let driver = world.coordinator.with(|it| it.hellos[0].driver.clone());
    assert_eq!(driver.as_deref(), Some("550.54.14"));

    // Both slots render at the same time: frame 1 waits.
    let attempts = world.offer_both(1..=1).await;
    world
        .until("readings of both slots", |telemetry| {
            telemetry == [0, 1].map(reading)
        })
        .await;
    world.gpus.let_go();
    world.coordinator.until_ended(&attempts, "finished").await;
    world.coordinator.with(|inner| {
        let mut logs: Vec<_> = inner.reports.iter().flat_map(|it| &it.logs).collect();
        logs.retain(|log| log.text.contains("PCI_BUS_ID GPU-"));
        for slot in [0, 1] {
            let is_told = logs.iter().any(|log| log.text.contains(&uuid(slot)));
            assert!(is_told, "no Blender was given GPU {slot}: {logs:?}");
        }
        for finished in inner.reports.iter().flat_map(|it| &it.finished) {
            let energy = finished.energy_millijoules.unwrap();
            assert!((250..=750).contains(&energy), "{energy} mJ");
        }
    });
    world.worker.signal(Signal::TERM);
    let Ended { code, log, .. } = world.worker.ended().await;
    assert_eq!(code, 0, "{log}");
}

#[tokio::test]
async fn a_gpu_lost_in_the_middle_of_a_frame_gives_its_frames_back_and_ends_the_worker() {
    let world = World::start(&[gpu(0), gpu(1)]).await;
    let attempts = world.offer_both(1..=3).await;
    world.both_render().await;
    world
        .gpus
        .now(&machine(&[gpu(0), broken(gpu(1), GPU_IS_LOST)]));
    // One slot has lost its frame; the other finishes its own.
    world
        .coordinator
        .until("five returned frames", |inner| inner.ended.len() == 5)
        .await;
    world.gpus.let_go();
    let Ended { code, log, .. } = world.worker.ended().await;
    assert_eq!(code, 8, "{log}");
    assert!(log.contains("container has to be recreated"), "{log}");
    world.coordinator.with(|inner| {
        let ends: Vec<_> = attempts.iter().map(|it| inner.ended[it]).collect();
        let finished = ends.iter().filter(|end| **end == "finished").count();
        assert_eq!(finished, 1, "{ends:?}");
        assert!(!ends.contains(&"failed"), "{ends:?}");
    });
}

#[tokio::test]
async fn a_blender_that_dies_because_its_container_lost_the_gpus_costs_no_frame() {
    let world = World::start(&[gpu(0)]).await;
    world.hello().await;
    // What the worker holds open still answers; only who opens it anew is refused.
    let mut lost = machine(&[gpu(0)]);
    lost["init"] = UNKNOWN.into();
    world.gpus.now(&lost);
    let scene = world.coordinator.scene(b"BLENDER");
    let attempts = world.coordinator.offer(&scene, 13..=15);
    let Ended { code, log, .. } = world.worker.ended().await;
    assert_eq!(code, 8, "{log}");
    assert!(log.contains("recreate the container"), "{log}");
    world.coordinator.until_ended(&attempts, "returned").await;
}

#[tokio::test]
async fn a_blender_that_dies_on_a_healthy_gpu_is_the_frames_fault() {
    let world = World::start(&[gpu(0)]).await;
    let scene = world.coordinator.scene(b"BLENDER");
    let attempts = world.coordinator.offer(&scene, 13..=14);
    world
        .coordinator
        .until_ended(&attempts[..1], "failed")
        .await;
    world
        .coordinator
        .until_ended(&attempts[1..], "finished")
        .await;
}

#[tokio::test]
async fn parts_of_a_split_gpu_are_slots_and_sensors_that_are_not_there_are_left_out() {
    let part = |name: &str| json!({ "name": "NVIDIA Test MIG 1g.5gb", "uuid": name, "memory_bytes": 5_u64 << 30 });
    let mut split = gpu(0);
    split["mig"] = json!([part("MIG-a"), Value::Null, part("MIG-b")]);
    let world = World::start(&[split]).await;
    let slots = world.hello().await;
    let uuids: Vec<_> = slots.iter().map(|it| it.uuid.as_deref().unwrap()).collect();
    assert_eq!(uuids, ["MIG-a", "MIG-b"]);
    assert_eq!(slots[0].memory_bytes, Some(5 << 30));
    assert_eq!(
        slots[1].compute_capability,
        Some(ComputeCapability::new(8, 9))
    );

    world.offer_both(1..=1).await;
    let only_memory = |slot| Telemetry {
        utilisation_percent: None,
        temperature_celsius: None,
        power_milliwatts: None,
        memory_used_bytes: Some(0),
        ..reading(slot)
    };
    world
        .until("what can be read of both parts", |telemetry| {
            telemetry == [0, 1].map(only_memory)
        })
        .await;
}

#[tokio::test]
async fn sensors_that_never_knew_anything_are_no_loss() {
    let mut mute = gpu(0);
    mute["sensors"] = UNKNOWN.into();
    let world = World::start(&[mute]).await;
    let scene = world.coordinator.scene(b"BLENDER");
    let attempts = world.coordinator.offer(&scene, 1..=2);
    let reports = |inner: &Inner| inner.reports.len() > 2;
    world
        .coordinator
        .until("reports while it renders", reports)
        .await;
    world.gpus.let_go();
    world.coordinator.until_ended(&attempts, "finished").await;
    world.coordinator.with(|inner| {
        assert!(inner.reports.iter().all(|it| it.telemetry.is_empty()));
    });
}

#[tokio::test]
async fn a_gpu_whose_every_answer_is_an_unknown_error_is_lost() {
    let world = World::start(&[gpu(0)]).await;
    let scene = world.coordinator.scene(b"BLENDER");
    let attempts = world.coordinator.offer(&scene, 1..=2);
    let renders = |inner: &Inner| inner.reports.iter().any(|it| !it.progress.is_empty());
    world.coordinator.until("it renders", renders).await;
    world.gpus.now(&machine(&[broken(gpu(0), UNKNOWN)]));
    let Ended { code, log, .. } = world.worker.ended().await;
    assert_eq!(code, 8, "{log}");
    world.coordinator.until_ended(&attempts, "returned").await;
}

#[tokio::test]
async fn a_gpu_of_which_nothing_can_be_read_renders_all_the_same() {
    let world = World::start(&[json!({ "uuid": uuid(0) })]).await;
    assert_eq!(world.hello().await[0].name, "NVIDIA GPU");
    world.gpus.let_go();
    let scene = world.coordinator.scene(b"BLENDER");
    let attempts = world.coordinator.offer(&scene, 1..=1);
    world.coordinator.until_ended(&attempts, "finished").await;
    let energy = world.coordinator.with(|inner| {
        let mut finished = inner.reports.iter().flat_map(|it| &it.finished);
        finished.next().unwrap().energy_millijoules
    });
    assert_eq!(energy, None);
}

#[tokio::test]
async fn a_driver_older_than_a_function_gives_everything_else() {
    let gpus = Gpus::new(&machine(&[gpu(0)]));
    let older = gpus.library_without("nvmlDeviceGetMemoryInfo_v2");
    let world = World::start_through(gpus, Some(&older)).await;
    let slots = world.hello().await;
    assert_eq!(slots[0].uuid, Some(uuid(0)));
    assert_eq!(slots[0].memory_bytes, None);
}

#[tokio::test]
async fn an_upgraded_driver_is_the_reason_for_no_gpu() {
    let gpus = Gpus::new(&json!({ "init": 18 }));
    let options = json!({ "runtimes_dir": gpus.blender() });
    let worker = gpus.seen(|environment| {
        Program::start_with("http://127.0.0.1:1", TOKEN, &options, environment)
    });
    let Ended { code, log, .. } = worker.ended().await;
    assert_eq!(code, 6, "{log}");
    assert!(log.contains("reboot the machine"), "{log}");
}

struct World {
    coordinator: FakeCoordinator,
    gpus: Gpus,
    worker: Program,
}

impl World {
    async fn start(gpus: &[Value]) -> Self {
        Self::start_through(Gpus::new(&machine(gpus)), None).await
    }

    async fn start_through(gpus: Gpus, library: Option<&Path>) -> Self {
        let coordinator = FakeCoordinator::start().await;
        let options = json!({ "runtimes_dir": gpus.blender() });
        let url = coordinator.url();
        let start =
            |environment: &[(&str, &Path)]| Program::start_with(&url, TOKEN, &options, environment);
        let worker = match library {
            Some(library) => gpus.seen_through(library, start),
            None => gpus.seen(start),
        };
        Self {
            coordinator,
            gpus,
            worker,
        }
    }

    async fn hello(&self) -> Vec<SlotInfo> {
        self.coordinator
            .until("hello", |inner| !inner.hellos.is_empty())
            .await;
        self.coordinator.with(|inner| inner.hellos[0].slots.clone())
    }

    /// Two leases of these frames, one for each slot: both ask by then, and neither gets both.
    async fn offer_both(&self, frames: std::ops::RangeInclusive<i32>) -> Vec<AttemptRef> {
        self.coordinator
            .until("both slots ask", |inner| {
                let asks = |slot: u16| inner.asks.iter().any(|ask| ask.slot == slot);
                asks(0) && asks(1)
            })
            .await;
        let scene = self.coordinator.scene(b"BLENDER");
        let offer = |_| self.coordinator.offer(&scene, frames.clone());
        (0..2).flat_map(offer).collect()
    }

    async fn both_render(&self) {
        self.coordinator
            .until("both slots render", |inner| {
                let last = inner.reports.last();
                last.is_some_and(|report| report.progress.len() == 2)
            })
            .await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&[Telemetry]) -> bool) {
        self.coordinator
            .until(what, |inner| {
                let last = inner.reports.last();
                last.is_some_and(|report| is_so(&report.telemetry))
            })
            .await;
    }
}

fn reading(slot: u16) -> Telemetry {
    Telemetry {
        slot,
        utilisation_percent: Some(40 + u32::from(slot)),
        temperature_celsius: Some(60),
        power_milliwatts: Some(200_000),
        memory_used_bytes: Some(1 << 30),
    }
}
