//! Real workers with a real Blender.

use std::process::Stdio;

use super::*;
use crate::harness::process::{Process, program};
use crate::harness::scenes;

#[tokio::test]
async fn idle_workers_of_three_owners_prove_their_hour_by_rendering() {
    let world = World::start_with(|config| config.hold = Duration::from_secs(2)).await;
    world.economy(&[]).await;
    let mut workers = Vec::new();
    for name in ["a", "b", "c"] {
        let owner = world.stranger(name).await;
        let config = config_of(&owner, name).await;
        workers.push((config.worker_id, real_worker(&world, name, config)));
    }
    for (id, _) in &workers {
        eventually(
            "a worker with a score that answers challenges",
            async || {
                let mut tx = world.store.read().await.unwrap();
                let row = pictor_coordinator::store::workers::find(&mut tx, *id).await;
                let hello = row.unwrap().unwrap().hello.0;
                hello
                    .filter(|hello| hello.answers_challenges && hello.slots[0].score.is_some())
                    .ok_or("none")
            },
        )
        .await;
    }
    world.sql("UPDATE workers SET answers_challenges = 0").await;
    world.last_moments().await;
    for (id, _) in &workers {
        eventually("a sign of life after the clock was set", async || {
            let mut tx = world.store.read().await.unwrap();
            let row = pictor_coordinator::store::workers::find(&mut tx, *id).await;
            let seen_us = row.unwrap().unwrap().last_seen_us.unwrap_or(0);
            let ago_us = world.clock.now_us() - seen_us;
            (ago_us < 20 * SECOND_US).then_some(()).ok_or(ago_us)
        })
        .await;
    }
    world.everybody_answers().await;
    for (id, _) in &workers {
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
    std::fs::create_dir(&dir).unwrap();
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

impl World {
    fn worker_logs(&self) -> String {
        let log = |name| std::fs::read_to_string(self.data().join(name).join("worker.log"));
        ["a", "b", "c"]
            .map(|name| log(name).unwrap_or_default())
            .concat()
    }
}
