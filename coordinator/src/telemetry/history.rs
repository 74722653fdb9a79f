//! What the sensors said over the last days, by spans of five minutes. Pure.
//!
//! Readings are put together in memory, so that a report costs no statement; the sweep writes the spans that are
//! over, many at once. Whoever kills the coordinator loses what the last span read.

use std::collections::{BTreeMap, HashMap};

use pictor_protocol::WorkerId;
use pictor_protocol::agent::Telemetry;
use pictor_protocol::worker_history::{SlotHistory, TelemetryHistory, TelemetrySample};

use crate::campaign::calendar::SECOND_US;

pub const SPAN_US: i64 = 300 * SECOND_US;
/// For how long spans are kept.
pub const HOURS_KEPT: i64 = 7 * 24;

/// The span of a moment, counted since 1970.
pub const fn span_of(at_us: i64) -> i64 {
    at_us.div_euclid(SPAN_US)
}

/// The oldest span of so many hours.
pub const fn first_span(hours: i64, now_us: i64) -> i64 {
    span_of(now_us - hours * 3_600 * SECOND_US)
}

/// Where readings belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub worker: WorkerId,
    pub span: i64,
    pub slot: u16,
}

/// Readings of a slot within a span, put together so that more can be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    pub utilisation_sum: i64,
    pub utilisation_count: i64,
    pub power_sum: i64,
    pub power_count: i64,
    /// 0 where nothing was read.
    pub temperature_max: i64,
    pub memory_max: i64,
}

impl Readings {
    pub fn of(reading: &Telemetry) -> Self {
        let sum = |value: Option<u32>| value.map_or((0, 0), |value| (i64::from(value), 1));
        let (utilisation_sum, utilisation_count) = sum(reading.utilisation_percent);
        let (power_sum, power_count) = sum(reading.power_milliwatts);
        let memory = reading.memory_used_bytes.unwrap_or(0);
        Self {
            utilisation_sum,
            utilisation_count,
            power_sum,
            power_count,
            temperature_max: reading.temperature_celsius.unwrap_or(0).into(),
            memory_max: i64::try_from(memory).unwrap_or(i64::MAX),
        }
    }

    pub fn add(&mut self, more: &Self) {
        self.utilisation_sum += more.utilisation_sum;
        self.utilisation_count += more.utilisation_count;
        self.power_sum += more.power_sum;
        self.power_count += more.power_count;
        self.temperature_max = self.temperature_max.max(more.temperature_max);
        self.memory_max = self.memory_max.max(more.memory_max);
    }

    fn sample(&self, span: i64) -> TelemetrySample {
        let mean = |sum: i64, count: i64| {
            let mean = (count > 0).then(|| (sum + count / 2) / count)?;
            u32::try_from(mean).ok()
        };
        let max = |most: i64| u64::try_from(most).ok().filter(|most| *most > 0);
        TelemetrySample {
            start_ms: span * SPAN_US / 1_000,
            utilisation_percent: mean(self.utilisation_sum, self.utilisation_count),
            temperature_celsius: max(self.temperature_max).and_then(|most| most.try_into().ok()),
            power_milliwatts: mean(self.power_sum, self.power_count),
            memory_used_bytes: max(self.memory_max),
        }
    }
}

/// Spans that are not written yet.
#[derive(Debug, Default)]
pub struct Unwritten(HashMap<Place, Readings>);

impl Unwritten {
    pub fn add(&mut self, place: Place, readings: &Readings) {
        self.0.entry(place).or_default().add(readings);
    }

    /// Up to `most` of the spans before this one, which nothing is added to any more.
    pub fn before(&self, span: i64, most: usize) -> Vec<(Place, Readings)> {
        let over = self.0.iter().filter(|(place, _)| place.span < span);
        let over = over.map(|(place, readings)| (*place, *readings));
        over.take(most).collect()
    }

    /// They are written.
    pub fn forget(&mut self, spans: &[(Place, Readings)]) {
        for (place, _) in spans {
            self.0.remove(place);
        }
    }

    pub fn of_worker(&self, worker: WorkerId, since: i64) -> Vec<(Place, Readings)> {
        let is_it = |place: &Place| place.worker == worker && place.span >= since;
        let of_it = self.0.iter().filter(|(place, _)| is_it(place));
        of_it.map(|(place, readings)| (*place, *readings)).collect()
    }
}

/// What is written and what is not yet, as a worker's owner sees it.
pub fn history(parts: impl IntoIterator<Item = (Place, Readings)>) -> TelemetryHistory {
    let mut slots: BTreeMap<u16, BTreeMap<i64, Readings>> = BTreeMap::new();
    for (place, readings) in parts {
        let spans = slots.entry(place.slot).or_default();
        spans.entry(place.span).or_default().add(&readings);
    }
    let of_slot = |(slot, spans): (u16, BTreeMap<i64, Readings>)| SlotHistory {
        slot,
        samples: spans
            .iter()
            .map(|(span, readings)| readings.sample(*span))
            .collect(),
    };
    TelemetryHistory {
        span_ms: SPAN_US / 1_000,
        slots: slots.into_iter().map(of_slot).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_sample_has_means_and_the_highest_and_nothing_that_was_not_read() {
        let mut readings = Readings::of(&reading(10, 60));
        readings.add(&Readings::of(&reading(15, 80)));
        readings.add(&Readings::of(&reading(90, 70)));
        let sample = readings.sample(2);
        assert_eq!(sample.start_ms, 600_000);
        assert_eq!(sample.utilisation_percent, Some(38));
        assert_eq!(sample.temperature_celsius, Some(80));
        assert_eq!(
            (sample.power_milliwatts, sample.memory_used_bytes),
            (None, None)
        );
    }

    #[test]
    fn only_spans_that_are_over_are_written_and_each_once() {
        let mut unwritten = Unwritten::default();
        for span in [4, 5, 6] {
            unwritten.add(place(span), &Readings::of(&reading(50, 50)));
        }
        assert_eq!(unwritten.before(6, 10).len(), 2);
        let some = unwritten.before(6, 1);
        unwritten.forget(&some);
        let others = unwritten.before(6, 10);
        assert!(others.len() == 1 && others != some);
        unwritten.forget(&others);
        assert_eq!(unwritten.before(6, 10), []);
        assert_eq!(unwritten.of_worker(WORKER, 0).len(), 1);
    }

    #[test]
    fn what_is_written_and_what_is_not_is_one_history() {
        let one = Readings::of(&reading(20, 50));
        let two = Readings::of(&reading(40, 70));
        let history = history([(place(7), one), (place(6), one), (place(7), two)]);
        let [slot] = &history.slots[..] else {
            panic!("{history:?}")
        };
        let shown: Vec<_> = slot
            .samples
            .iter()
            .map(|of| of.utilisation_percent)
            .collect();
        assert_eq!(shown, [Some(20), Some(30)]);
    }

    proptest! {
        #[test]
        fn however_readings_are_put_together_the_sample_is_the_same(
            values in prop::collection::vec((0..=100_u32, 1..=150_u32), 1..50), cut in 0..50_usize
        ) {
            let all = |values: &[(u32, u32)]| {
                let mut sum = Readings::default();
                for (utilisation, temperature) in values {
                    sum.add(&Readings::of(&reading(*utilisation, *temperature)));
                }
                sum
            };
            let (one, two) = values.split_at(cut.min(values.len()));
            let mut parts = all(one);
            parts.add(&all(two));
            prop_assert_eq!(parts.sample(0), all(&values).sample(0));
            let shown = parts.sample(0).utilisation_percent.unwrap();
            prop_assert!(values.iter().any(|value| value.0 <= shown));
            prop_assert!(values.iter().any(|value| value.0 >= shown));
        }
    }

    const WORKER: WorkerId = WorkerId::new(Uuid::nil());

    fn place(span: i64) -> Place {
        Place {
            worker: WORKER,
            span,
            slot: 0,
        }
    }

    fn reading(utilisation: u32, temperature: u32) -> Telemetry {
        Telemetry {
            slot: 0,
            utilisation_percent: Some(utilisation),
            temperature_celsius: Some(temperature),
            power_milliwatts: None,
            memory_used_bytes: None,
        }
    }
}
