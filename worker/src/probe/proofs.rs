//! What was proven before: `probes.json` in the cache directory.
//!
//! A result counts for the same device, driver, Blender and worker. Only successes are kept: what failed is
//! tried again at the next start, because its owner may have mended it, and because of that nothing here can
//! keep a slot from working.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use pictor_protocol::agent::{Capability, Device, SlotInfo};
use pictor_protocol::benchmark;
use serde::{Deserialize, Serialize};

use crate::agent::{Ability, Found, ProbedEngine};
use crate::blender::runtime::Runtime;

const FILE: &str = "probes.json";

/// The kept results.
#[derive(Debug, Clone)]
pub struct Proofs {
    path: PathBuf,
    driver: Option<String>,
}

/// What has to be the same for a result to count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    /// The device's lasting name, else what it is called.
    device: String,
    runtime: String,
    driver: Option<String>,
    worker: String,
    benchmark: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Proof {
    #[serde(flatten)]
    key: Key,
    can: Vec<Capability>,
    score: Option<f64>,
}

impl Proofs {
    /// In this directory; `driver` is the version of the GPU driver.
    pub fn in_dir(dir: &Path, driver: Option<String>) -> Self {
        let path = dir.join(FILE);
        Self { path, driver }
    }

    /// What is known of a slot, and what is still to be found out.
    pub fn recall(&self, slot: &SlotInfo, runtimes: &[Runtime]) -> Ability {
        let proofs = self.read();
        let mut ability = Ability::unknown(runtimes.iter().map(|runtime| runtime.series));
        let proof = |runtime: &Runtime| {
            let key = self.key(slot, runtime);
            let proof = proofs.iter().find(|proof| proof.key == key)?;
            Some((runtime.series, proof))
        };
        let known: Vec<_> = runtimes.iter().filter_map(proof).collect();
        let score = known.iter().rev().find_map(|(_, proof)| proof.score);
        for (series, proof) in known {
            let can = proof.can.iter().copied();
            let can: Vec<_> = can.filter(|can| *can != Capability::Unknown).collect();
            let missing = missing(slot.device, &can, score);
            ability.remember(series, can, score, &missing);
        }
        ability
    }

    /// Adds a result. A result that cannot be written costs a probe at the next start.
    pub fn keep(&self, slot: &SlotInfo, runtime: &Runtime, found: &Found) {
        if found.can.is_empty() {
            return;
        }
        let key = self.key(slot, runtime);
        let mut proofs = self.read();
        // Of another version of the worker nothing counts any more.
        proofs.retain(|it| it.key.worker == key.worker && it.key.benchmark == key.benchmark);
        let at = proofs.iter().position(|proof| proof.key == key);
        let mut proof = at.map_or_else(|| Proof::none(key), |at| proofs.remove(at));
        proof.can.extend(&found.can);
        proof.can.sort_unstable();
        proof.can.dedup();
        proof.score = found.score.or(proof.score);
        proofs.push(proof);
        if let Err(error) = self.write(&proofs) {
            tracing::warn!(%error, "cannot keep what was proven in {}", self.path.display());
        }
    }

    fn key(&self, slot: &SlotInfo, runtime: &Runtime) -> Key {
        Key {
            device: slot.uuid.as_ref().unwrap_or(&slot.name).clone(),
            runtime: runtime.version.clone(),
            driver: self.driver.clone(),
            worker: env!("CARGO_PKG_VERSION").to_owned(),
            benchmark: benchmark::VERSION,
        }
    }

    /// Nothing where there is no file, or none that can be understood.
    fn read(&self) -> Vec<Proof> {
        let Ok(text) = fs::read(&self.path) else {
            return Vec::new();
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, "{} is of no use: probing again", self.path.display());
            Vec::new()
        })
    }

    fn write(&self, proofs: &[Proof]) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&serde_json::to_vec_pretty(proofs)?)?;
        file.as_file().sync_data()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

impl Proof {
    fn none(key: Key) -> Self {
        Self {
            key,
            can: Vec::new(),
            score: None,
        }
    }
}

/// What to try again: the best that such a device can do, EEVEE, and a score.
fn missing(device: Device, can: &[Capability], score: Option<f64>) -> Vec<ProbedEngine> {
    let best = match device {
        Device::Cpu => Capability::CyclesCpu,
        Device::Hip => Capability::CyclesHip,
        Device::Cuda | Device::Optix | Device::Unknown => Capability::CyclesOptix,
    };
    let lacks = |what| !can.contains(&what);
    let cycles = (lacks(best) || score.is_none()).then_some(ProbedEngine::Cycles);
    let eevee = lacks(Capability::Eevee).then_some(ProbedEngine::Eevee);
    cycles.into_iter().chain(eevee).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blender::runtime::Runtimes;

    #[test]
    fn what_was_proven_is_there_after_a_restart() {
        let world = World::new();
        world.prove(&[Capability::CyclesCpu], Some(0.5));
        world.prove(&[Capability::Eevee], None);
        let mut expected = Ability::unknown([world.runtime.series]);
        let can = vec![Capability::CyclesCpu, Capability::Eevee];
        expected.remember(world.runtime.series, can, Some(0.5), &[]);
        assert_eq!(world.recall(), expected);
    }

    #[test]
    fn what_failed_is_tried_again() {
        let world = World::new();
        world.prove(&[Capability::CyclesCpu], Some(0.5));
        world.prove(&[], None);
        let mut expected = Ability::unknown([world.runtime.series]);
        let can = vec![Capability::CyclesCpu];
        let eevee = [ProbedEngine::Eevee];
        expected.remember(world.runtime.series, can, Some(0.5), &eevee);
        assert_eq!(world.recall(), expected);
        assert_eq!(
            missing(
                Device::Cuda,
                &[Capability::CyclesCuda, Capability::Eevee],
                Some(1.0)
            ),
            [ProbedEngine::Cycles],
            "OptiX may work by now"
        );
    }

    #[test]
    fn another_device_driver_or_blender_is_another_result() {
        let unknown = |world: &World| Ability::unknown([world.runtime.series]);
        let mut world = World::new();
        world.prove(&[Capability::CyclesCpu], Some(0.5));
        world.slot.uuid = Some("GPU-1".into());
        assert_eq!(world.recall(), unknown(&world));
        world.slot.uuid = None;
        world.proofs.driver = Some("570".into());
        assert_eq!(world.recall(), unknown(&world));
        world.proofs.driver = None;
        world.runtime.version = "4.5.16 LTS".into();
        assert_eq!(world.recall(), unknown(&world));
    }

    #[test]
    fn a_file_that_is_broken_counts_for_nothing_and_is_replaced() {
        let world = World::new();
        fs::write(&world.proofs.path, "{\"half\": ").unwrap();
        assert_eq!(world.recall(), Ability::unknown([world.runtime.series]));
        world.prove(&[Capability::CyclesCpu], Some(0.5));
        assert!(world.recall() != Ability::unknown([world.runtime.series]));
    }

    struct World {
        proofs: Proofs,
        slot: SlotInfo,
        runtime: Runtime,
        _dir: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            Self {
                proofs: Proofs::in_dir(dir.path(), None),
                slot: SlotInfo::new(0, Device::Cpu, "Fast One"),
                runtime: runtime(dir.path()),
                _dir: dir,
            }
        }

        fn prove(&self, can: &[Capability], score: Option<f64>) {
            let can = can.to_vec();
            let found = Found {
                can,
                score,
                ..Found::default()
            };
            self.proofs.keep(&self.slot, &self.runtime, &found);
        }

        fn recall(&self) -> Ability {
            self.proofs
                .recall(&self.slot, std::slice::from_ref(&self.runtime))
        }
    }

    fn runtime(dir: &Path) -> Runtime {
        let place = dir.join("blender");
        fs::create_dir(&place).unwrap();
        let note = r#"{"version": "4.5.15 LTS", "kind": "executable", "program": "/bin/sh"}"#;
        fs::write(place.join("runtime.json"), note).unwrap();
        Runtimes::at(dir).list().unwrap().remove(0)
    }
}
