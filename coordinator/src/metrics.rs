//! Counters and gauges for Prometheus. Counters live here; gauges are read from the database when
//! somebody scrapes, so that they are right on every coordinator and after every restart.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub route: String,
    pub status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

/// What the database says at the moment of a scrape.
#[derive(Debug, Default)]
pub struct Gauges {
    pub workers_online: i64,
    pub slots_online: i64,
    pub jobs_open: i64,
    pub frames_queued: i64,
    pub frames_leased: i64,
}

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub requests: Family<RequestLabels, Counter>,
    pub request_seconds: Histogram,
    pub frames_done: Counter<u64, AtomicU64>,
    pub attempts_failed: Counter<u64, AtomicU64>,
    /// Found by the last audit.
    pub ledger_faults: Gauge,
    /// Unix seconds of the last audit; 0 before the first one.
    pub ledger_audited: Gauge,
    workers: Gauge,
    slots: Gauge,
    jobs: Gauge,
    frames: Family<StatusLabel, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("pictor");
        let metrics = Self {
            requests: Family::default(),
            request_seconds: Histogram::new(exponential_buckets(0.000_5, 4.0, 9)),
            frames_done: Counter::default(),
            attempts_failed: Counter::default(),
            ledger_faults: Gauge::default(),
            ledger_audited: Gauge::default(),
            workers: Gauge::default(),
            slots: Gauge::default(),
            jobs: Gauge::default(),
            frames: Family::default(),
            registry: Registry::default(),
        };
        registry.register(
            "http_requests",
            "Requests answered",
            metrics.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "Time to answer a request that is not held",
            metrics.request_seconds.clone(),
        );
        registry.register(
            "frames_done",
            "Frames accepted",
            metrics.frames_done.clone(),
        );
        registry.register(
            "attempts_failed",
            "Attempts that failed",
            metrics.attempts_failed.clone(),
        );
        registry.register(
            "ledger_faults",
            "Faults that the last audit of the books found",
            metrics.ledger_faults.clone(),
        );
        registry.register(
            "ledger_audit_timestamp_seconds",
            "When the books were audited last, in Unix seconds; 0 if not since the start",
            metrics.ledger_audited.clone(),
        );
        registry.register(
            "workers_online",
            "Workers heard from lately",
            metrics.workers.clone(),
        );
        registry.register(
            "slots_online",
            "Slots of those workers",
            metrics.slots.clone(),
        );
        registry.register(
            "jobs_open",
            "Jobs that are not finished",
            metrics.jobs.clone(),
        );
        registry.register("frames", "Frames of open jobs", metrics.frames.clone());
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// The whole in the text format of OpenMetrics.
    pub fn render(&self, now: &Gauges) -> Result<String, std::fmt::Error> {
        self.workers.set(now.workers_online);
        self.slots.set(now.slots_online);
        self.jobs.set(now.jobs_open);
        self.frames
            .get_or_create(&StatusLabel { status: "queued" })
            .set(now.frames_queued);
        self.frames
            .get_or_create(&StatusLabel { status: "leased" })
            .set(now.frames_leased);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
