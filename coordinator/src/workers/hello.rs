//! A worker starts: what it says of itself is written down, and what an earlier start of it held goes
//! back to the queue.

use std::collections::HashSet;

use pictor_protocol::agent::{Hello, InstallState, Proven};
use pictor_protocol::benchmark;

use super::take_back;
use crate::app::App;
use crate::store::workers::AgentRow;
use crate::store::{self, StoreError};

/// Most slots and most runtimes that a worker may tell of: every choice of work reads them.
pub const SLOTS_MAX: usize = 64;
const RUNTIMES_MAX: usize = 32;
/// Of what a worker says of a failed installation; creators are shown it.
const MESSAGE_CHARS_MAX: usize = 300;
/// Most that is kept of what a doctor found, and of the layers of a sandbox: a list of workers has them all.
const CHECKS_MAX: usize = 64;
const LAYERS_MAX: usize = 16;
const NAME_CHARS_MAX: usize = 64;
/// Of the name and the lasting name of a device; NVIDIA's have 96 at most.
const DEVICE_CHARS_MAX: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    #[error("a worker has at most {SLOTS_MAX} slots and {RUNTIMES_MAX} runtimes")]
    TooMuch,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in what a worker says of itself.
pub async fn welcome(app: &App, worker: &AgentRow, mut hello: Hello) -> Result<(), HelloError> {
    // Of no use later, and long after an outage.
    let journal = std::mem::take(&mut hello.journal);
    let (hello, implausible) = believe(hello)?;
    for (slot, score) in implausible {
        tracing::warn!(worker.id = %worker.id, slot, score, "implausible score dropped");
    }
    let hello = &hello;
    let mut tx = app.store.write().await?;
    store::workers::save_hello(&mut tx, worker.id, hello, app.now_us()).await?;
    let held = store::attempts::live(&mut tx, worker.id).await?;
    tx.commit().await?;
    if worker.instance != Some(hello.instance.to_string()) {
        app.telemetry.forget(worker.id);
        // Outputs in the journal were rendered already: they will be reported.
        let journal: HashSet<_> = journal.into_iter().collect();
        let gone: Vec<_> = held
            .into_iter()
            .filter(|row| !journal.contains(&row.reference()))
            .collect();
        take_back(app, &gone).await?;
    }
    tracing::info!(
        worker.id = %worker.id, worker.name = worker.name, version = hello.version,
        slots = hello.slots.len(), "worker connected"
    );
    // A runtime that a job waits for may have come with it.
    app.bells.work.ring();
    app.bells.owners.ring(worker.owner_id);
    Ok(())
}

/// Longest version of a worker's software that is kept.
const VERSION_CHARS: usize = 40;

/// Notes for its owner that a worker is too old to be spoken with.
pub async fn turn_away(app: &App, worker: &AgentRow, version: &str) -> Result<(), StoreError> {
    let version: String = version.chars().take(VERSION_CHARS).collect();
    let mut tx = app.store.write().await?;
    store::workers::turn_away(&mut tx, worker.id, &version, app.now_us()).await?;
    tx.commit().await?;
    app.bells.owners.ring(worker.owner_id);
    Ok(())
}

/// What may be believed of a hello, and the scores that may not, each with its slot. Proofs for a Blender
/// that the worker does not have are dropped too, and repeated ones: what is left is bounded.
fn believe(mut hello: Hello) -> Result<(Hello, Vec<(u16, f64)>), HelloError> {
    let lists = [
        hello.runtimes.len(),
        hello.installable.len(),
        hello.installs.len(),
    ];
    if hello.slots.len() > SLOTS_MAX || lists.iter().any(|len| *len > RUNTIMES_MAX) {
        return Err(HelloError::TooMuch);
    }
    for install in &mut hello.installs {
        if let InstallState::Failed { message, .. } = &mut install.state {
            shorten(message, MESSAGE_CHARS_MAX);
        }
    }
    hello.sandbox.truncate(LAYERS_MAX);
    for layer in &mut hello.sandbox {
        shorten(layer, NAME_CHARS_MAX);
    }
    hello.doctor.truncate(CHECKS_MAX);
    for check in &mut hello.doctor {
        shorten(&mut check.name, NAME_CHARS_MAX);
        shorten(&mut check.text, MESSAGE_CHARS_MAX);
        if let Some(advice) = &mut check.advice {
            shorten(advice, MESSAGE_CHARS_MAX);
        }
    }
    shorten(&mut hello.version, VERSION_CHARS);
    if let Some(driver) = &mut hello.driver {
        shorten(driver, VERSION_CHARS);
    }
    for runtime in &mut hello.runtimes {
        shorten(&mut runtime.version, VERSION_CHARS);
    }
    for slot in &mut hello.slots {
        shorten(&mut slot.name, DEVICE_CHARS_MAX);
        if let Some(uuid) = &mut slot.uuid {
            shorten(uuid, DEVICE_CHARS_MAX);
        }
    }
    let runtimes: HashSet<_> = hello.runtimes.iter().map(|known| known.series).collect();
    let mut implausible = Vec::new();
    for slot in &mut hello.slots {
        if let Some(score) = slot.score
            && benchmark::plausible(score).is_none()
        {
            implausible.push((slot.slot, score));
            slot.score = None;
        }
        if let Some(proven) = &mut slot.proven {
            let mut seen = HashSet::new();
            proven.retain(|Proven { runtime, can }| {
                runtimes.contains(runtime) && seen.insert((*runtime, *can))
            });
        }
    }
    Ok((hello, implausible))
}

fn shorten(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use pictor_protocol::agent::{Capability, Device, Install, PROTOCOL, RuntimeInfo, SlotInfo};
    use pictor_protocol::blender::Series;
    use pictor_protocol::health::{CheckOutcome, DoctorCheck};
    use uuid::Uuid;

    use super::*;

    const BLENDER: Series = Series::new(4, 5);

    #[test]
    fn an_implausible_score_is_dropped_and_the_slot_stays() {
        let (mut good, mut bad) = (slot(0), slot(1));
        (good.score, bad.score) = (Some(3.5), Some(-1.0));
        let (believed, implausible) = believe(hello(vec![good, bad])).unwrap();
        let scores: Vec<_> = believed.slots.iter().map(|slot| slot.score).collect();
        assert_eq!(scores, [Some(3.5), None]);
        assert_eq!(implausible, [(1, -1.0)]);
    }

    #[test]
    fn a_proof_counts_once_and_only_for_an_installed_blender() {
        let proof = |runtime| Proven {
            runtime,
            can: Capability::CyclesCpu,
        };
        let proven = [BLENDER, BLENDER, Series::new(9, 9)].map(proof);
        let slot = SlotInfo {
            proven: Some(proven.to_vec()),
            ..slot(0)
        };
        let (believed, _) = believe(hello(vec![slot])).unwrap();
        assert_eq!(believed.slots[0].proven, Some(vec![proof(BLENDER)]));
    }

    #[test]
    fn a_worker_with_more_slots_than_any_machine_has_is_refused() {
        let slots = |n: u16| (0..n).map(slot).collect();
        assert!(believe(hello(slots(64))).is_ok());
        assert!(matches!(
            believe(hello(slots(65))),
            Err(HelloError::TooMuch)
        ));
    }

    #[test]
    fn what_a_worker_says_of_installing_is_bounded() {
        let failed = Install {
            series: BLENDER,
            state: InstallState::Failed {
                ago_ms: 0,
                message: "é".repeat(10_000),
            },
        };
        let mut hello = hello(vec![slot(0)]);
        hello.installs = vec![failed.clone()];
        let (believed, _) = believe(hello.clone()).unwrap();
        let InstallState::Failed { message, .. } = &believed.installs[0].state else {
            panic!("{believed:?}");
        };
        assert_eq!(message.chars().count(), MESSAGE_CHARS_MAX);
        hello.installs = vec![failed; RUNTIMES_MAX + 1];
        assert!(matches!(believe(hello), Err(HelloError::TooMuch)));
    }

    #[test]
    fn names_and_versions_are_bounded() {
        let long = || "é".repeat(10_000);
        let slot = SlotInfo {
            uuid: Some(long()),
            ..SlotInfo::new(0, Device::Optix, long())
        };
        let hello = Hello {
            version: long(),
            driver: Some(long()),
            runtimes: vec![RuntimeInfo {
                series: BLENDER,
                version: long(),
            }],
            ..hello(vec![slot])
        };
        let (believed, _) = believe(hello).unwrap();
        let stored = serde_json::to_string(&believed).unwrap();
        assert!(stored.len() < 2_000, "{} bytes", stored.len());
    }

    #[test]
    fn what_a_doctor_says_is_bounded_and_never_refused() {
        let long = "é".repeat(10_000);
        let check = DoctorCheck {
            name: long.clone(),
            outcome: CheckOutcome::Fail,
            text: long.clone(),
            advice: Some(long.clone()),
        };
        let mut hello = hello(vec![slot(0)]);
        hello.doctor = vec![check; 1_000];
        hello.sandbox = vec![long; 1_000];
        let (believed, _) = believe(hello).unwrap();
        let counts = (believed.doctor.len(), believed.sandbox.len());
        assert_eq!(counts, (CHECKS_MAX, LAYERS_MAX));
        let check = &believed.doctor[0];
        let texts = [&check.name, &check.text, check.advice.as_ref().unwrap()];
        let chars = texts.map(|text| text.chars().count());
        assert_eq!(
            chars,
            [NAME_CHARS_MAX, MESSAGE_CHARS_MAX, MESSAGE_CHARS_MAX]
        );
        assert_eq!(believed.sandbox[0].chars().count(), NAME_CHARS_MAX);
    }

    fn slot(slot: u16) -> SlotInfo {
        SlotInfo::new(slot, Device::Optix, "test")
    }

    fn hello(slots: Vec<SlotInfo>) -> Hello {
        Hello {
            protocol: PROTOCOL,
            version: "0".into(),
            instance: Uuid::nil(),
            slots,
            runtimes: vec![RuntimeInfo {
                series: BLENDER,
                version: "4.5.0".into(),
            }],
            driver: None,
            sandbox: Vec::new(),
            doctor: Vec::new(),
            journal: Vec::new(),
            installable: Vec::new(),
            answers_challenges: false,
            installs: Vec::new(),
        }
    }
}
