//! Real workers with a real Blender.

use std::process::Stdio;

use pictor_coordinator::store::workers::{self, WorkerRow};

use super::*;
use crate::harness::process::{Process, program};
use crate::harness::scenes;

#[tokio::test]
async fn idle_workers_of_three_owners_prove_their_hour_by_rendering() {
    let world = World::start_with(|config| config.hold = Duration::from_secs(2)).await;
    world.economy(&[]).await;
    let mut configs = Vec::new();
    for name in ["a", "b", "c"] {
        let owner = world.stranger(name).await;
        configs.push((name, config_of(&owner, name).await));
    }
    // What one has proven of this machine the others need not prove again.
    let (name, config) = &configs[0];
    let first = real_worker(&world, name, config.clone());
    let score = world.until_scored(config.worker_id).await;
    drop(first);
    keep_for_all(&world);
    let mut real = Vec::new();
    for (name, config) in configs {
        real.push((config.worker_id, real_worker(&world, name, config)));
    }
    for (id, _) in &real {
        assert_eq!(world.until_scored(*id).await, score);
    }
    world.sql("UPDATE workers SET answers_challenges = 0").await;
    world.last_moments().await;
    for (id, _) in &real {
        eventually("a sign of life after the clock was set", async || {
            let seen_us = world.worker(*id).await.last_seen_us.unwrap_or(0);
            let ago_us = world.clock.now_us() - seen_us;
            (ago_us < 20 * SECOND_US).then_some(()).ok_or(ago_us)
        })
        .await;
    }
    world.everybody_answers().await;
    for (id, _) in &real {
        let verdict = world.until_judged(*id).await;
        let proofs = world.proofs(*id).await;
        println!("{verdict:?} {proofs:?}");
        assert_eq!(verdict, Status::Passed, "{}", world.worker_logs());
        assert!(proofs[0].borne_out.is_some_and(|score| score > 0));
    }
    let compared = world
        .try_sql("UPDATE challenges SET slot = slot WHERE compared = 2")
        .await;
    assert_eq!(compared, Ok(3), "each was compared with the two others");
}

fn real_worker(world: &World, name: &str, mut config: WorkerConfig) -> Process {
    let dir = world.data().join(name);
    std::fs::create_dir_all(dir.join("cache")).unwrap();
    config.options.cache_dir = Some(dir.join("cache").to_str().unwrap().into());
    let runtimes = scenes::runtimes_of_the_sample(world.data());
    config.options.runtimes_dir = Some(runtimes.to_str().unwrap().into());
    let file = dir.join("config.json");
    std::fs::write(&file, serde_json::to_vec(&config).unwrap()).unwrap();
    let log = std::fs::File::create(dir.join("worker.log")).unwrap();
    let mut command = std::process::Command::new(program("pictor-worker"));
    command
        .args(["run", "--allow-cpu", "--config"])
        .arg(&file)
        .stderr(log)
        .stdout(Stdio::null());
    Process::start("the worker", &mut command)
}

/// Gives every worker what the first has proven, and EEVEE with it, which nobody uses here: without a GPU its shaders
/// are compiled for minutes.
fn keep_for_all(world: &World) {
    let file = |name: &str| world.data().join(name).join("cache/probes.json");
    let text = std::fs::read_to_string(file("a")).unwrap();
    let mut proofs: serde_json::Value = serde_json::from_str(&text).unwrap();
    proofs[0]["can"] = json!(["cycles_cpu", "eevee"]);
    for name in ["a", "b", "c"] {
        std::fs::create_dir_all(world.data().join(name).join("cache")).unwrap();
        std::fs::write(file(name), proofs.to_string()).unwrap();
    }
}

impl World {
    /// Waits until a worker has said how fast it is.
    async fn until_scored(&self, id: WorkerId) -> f64 {
        eventually(
            "a worker with a score that answers challenges",
            async || {
                let hello = self.worker(id).await.hello.0.ok_or("no hello")?;
                assert!(hello.answers_challenges);
                hello.slots[0].score.ok_or("no score")
            },
        )
        .await
    }

    async fn worker(&self, id: WorkerId) -> WorkerRow {
        let mut tx = self.store.read().await.unwrap();
        workers::find(&mut tx, id).await.unwrap().unwrap()
    }

    fn worker_logs(&self) -> String {
        let log = |name| std::fs::read_to_string(self.data().join(name).join("worker.log"));
        ["a", "b", "c"]
            .map(|name| log(name).unwrap_or_default())
            .concat()
    }
}
