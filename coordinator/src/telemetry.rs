//! What the GPUs' sensors say: the latest readings, in memory only, for they are worth nothing after a minute;
//! and what they come to over the days, in [`history`].

pub mod history;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pictor_protocol::WorkerId;
use pictor_protocol::agent::Telemetry;

use crate::workers::hello::SLOTS_MAX;
use history::{Place, Readings, Unwritten, span_of};

/// Readings beyond these are errors of a driver, or lies.
const UTILISATION_PERCENT_MAX: u32 = 100;
const TEMPERATURE_CELSIUS_MAX: u32 = 150;
const POWER_MILLIWATTS_MAX: u32 = 3_000_000;
const MEMORY_BYTES_MAX: u64 = 4 << 40;

/// The latest readings of every slot, and those that no table has yet.
#[derive(Debug, Default)]
pub struct LiveTelemetry(Mutex<Live>);

#[derive(Debug, Default)]
struct Live {
    workers: HashMap<WorkerId, Latest>,
    unwritten: Unwritten,
}

#[derive(Debug, Default)]
struct Latest {
    noted_us: i64,
    slots: BTreeMap<u16, Telemetry>,
}

impl LiveTelemetry {
    pub fn note(&self, worker: WorkerId, readings: &[Telemetry], now_us: i64) {
        if readings.is_empty() {
            return;
        }
        let mut live = self.lock();
        let Live { workers, unwritten } = &mut *live;
        let latest = workers.entry(worker).or_default();
        latest.noted_us = now_us;
        for reading in readings
            .iter()
            .filter(|reading| usize::from(reading.slot) < SLOTS_MAX)
        {
            match believe(*reading) {
                Some(reading) => {
                    let place = Place {
                        worker,
                        span: span_of(now_us),
                        slot: reading.slot,
                    };
                    unwritten.add(place, &Readings::of(&reading));
                    latest.slots.insert(reading.slot, reading)
                }
                None => latest.slots.remove(&reading.slot),
            };
        }
    }

    /// By slot.
    pub fn of_worker(&self, worker: WorkerId) -> Vec<Telemetry> {
        self.lock()
            .workers
            .get(&worker)
            .map_or_else(Vec::new, |latest| latest.slots.values().copied().collect())
    }

    /// The worker was started anew, perhaps with other slots.
    pub fn forget(&self, worker: WorkerId) {
        self.lock().workers.remove(&worker);
    }

    /// Forgets workers that said nothing since then.
    pub fn forget_before(&self, us: i64) {
        let mut live = self.lock();
        live.workers.retain(|_, latest| latest.noted_us >= us);
    }

    /// What no table has yet of a worker, from a span on.
    pub fn unwritten(&self, worker: WorkerId, since: i64) -> Vec<(Place, Readings)> {
        self.lock().unwritten.of_worker(worker, since)
    }

    /// Up to `most` of the spans before this one that no table has.
    pub fn unwritten_before(&self, span: i64, most: usize) -> Vec<(Place, Readings)> {
        self.lock().unwritten.before(span, most)
    }

    /// A table has them now.
    pub fn written(&self, spans: &[(Place, Readings)]) {
        self.lock().unwritten.forget(spans);
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a reading can be true; `None` when nothing is left.
fn believe(reading: Telemetry) -> Option<Telemetry> {
    let believed = Telemetry {
        slot: reading.slot,
        utilisation_percent: reading
            .utilisation_percent
            .filter(|percent| *percent <= UTILISATION_PERCENT_MAX),
        temperature_celsius: reading
            .temperature_celsius
            .filter(|celsius| *celsius <= TEMPERATURE_CELSIUS_MAX),
        power_milliwatts: reading
            .power_milliwatts
            .filter(|milliwatts| *milliwatts <= POWER_MILLIWATTS_MAX),
        memory_used_bytes: reading
            .memory_used_bytes
            .filter(|bytes| *bytes <= MEMORY_BYTES_MAX),
    };
    (believed != nothing(reading.slot)).then_some(believed)
}

const fn nothing(slot: u16) -> Telemetry {
    Telemetry {
        slot,
        utilisation_percent: None,
        temperature_celsius: None,
        power_milliwatts: None,
        memory_used_bytes: None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const WORKER: WorkerId = WorkerId::new(Uuid::nil());

    #[test]
    fn the_latest_reading_of_each_slot_is_shown() {
        let live = LiveTelemetry::default();
        live.note(WORKER, &[warm(1, 40), warm(0, 50)], 1);
        live.note(WORKER, &[warm(1, 60)], 2);
        assert_eq!(live.of_worker(WORKER), [warm(0, 50), warm(1, 60)]);
    }

    #[test]
    fn a_value_out_of_reason_is_dropped_and_the_others_stay() {
        let live = LiveTelemetry::default();
        let odd = Telemetry {
            utilisation_percent: Some(255),
            memory_used_bytes: Some(u64::MAX),
            power_milliwatts: Some(u32::MAX),
            ..warm(0, 50)
        };
        live.note(WORKER, &[odd, warm(1, 4_000), warm(60_000, 50)], 1);
        assert_eq!(live.of_worker(WORKER), [warm(0, 50)]);
    }

    #[test]
    fn readings_of_a_silent_worker_are_forgotten() {
        let live = LiveTelemetry::default();
        live.note(WORKER, &[warm(0, 50)], 10);
        live.forget_before(10);
        assert_eq!(live.of_worker(WORKER).len(), 1);
        live.forget_before(11);
        assert_eq!(live.of_worker(WORKER), []);
    }

    fn warm(slot: u16, celsius: u32) -> Telemetry {
        Telemetry {
            temperature_celsius: Some(celsius),
            ..nothing(slot)
        }
    }
}
