//! A worker: how it is, what its slots do, how warm they were, when it was there.

use std::sync::Arc;

use askama::Template;
use askama::filters::Safe;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chrono::DateTime;
use pictor_protocol::agent::{Capability, SlotInfo, Telemetry};
use pictor_protocol::worker::{CurrentFrame, Uptime, UptimeStep, Worker};
use pictor_protocol::worker_history::{TelemetryHistory, TelemetrySample, WorkerEarnings};
use pictor_protocol::{UserId, WorkerId};
use serde::Deserialize;

use super::super::draw::chart::{self, Day, Line, TimeChart};
use super::super::layout::{Page, Section, Viewer, html, part};
use super::super::{draw, show};
use super::watch::{self, Found};
use super::worker::{Head, Tab, begin};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::extract::{Path, Query};
use crate::http::problem::Result;
use crate::workers::shown;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Most slots that have a line each.
const LINES_MAX: usize = 3;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers/{id}", get(overview))
        .route("/workers/{id}/live", get(live))
}

#[derive(Deserialize)]
struct Asked {
    /// `week`, or a day.
    #[serde(default)]
    range: String,
}

#[derive(Template)]
#[template(path = "workers/overview.html")]
struct OverviewPage {
    page: Page,
    head: Head,
    numbers: Numbers,
    slots: Slots,
    sensors: Sensors,
    uptime: Uptime,
}

/// What it did and earned.
#[derive(Template)]
#[template(path = "workers/numbers.html")]
struct Numbers {
    earned: Option<WorkerEarnings>,
    done: u64,
    /// Of the last thirty days, as far as it was there.
    share: f64,
}

#[derive(Template)]
#[template(path = "workers/slots.html")]
struct Slots {
    worker: Worker,
}

impl Slots {
    fn reading(&self, slot: &SlotInfo) -> Option<&Telemetry> {
        let mut readings = self.worker.telemetry.iter();
        readings.find(|reading| reading.slot == slot.slot)
    }

    fn frame(&self, slot: &SlotInfo) -> Option<&CurrentFrame> {
        let mut frames = self.worker.current.iter();
        frames.find(|frame| frame.slot == slot.slot)
    }

    /// What it has shown that it can render, each way once.
    fn can(&self, slot: &SlotInfo) -> String {
        let mut words: Vec<&str> = Vec::new();
        for proven in slot.proven.iter().flatten() {
            let word = match proven.can {
                Capability::CyclesCpu => "Cycles (CPU)",
                Capability::CyclesCuda => "Cycles (CUDA)",
                Capability::CyclesOptix => "Cycles (OptiX)",
                Capability::CyclesHip => "Cycles (HIP)",
                Capability::Eevee => "EEVEE",
                Capability::Unknown => "something newer",
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(", ")
    }
}

/// What the sensors said.
struct Sensors {
    history: TelemetryHistory,
    is_week: bool,
    to_ms: i64,
}

impl Sensors {
    fn is_empty(&self) -> bool {
        self.history
            .slots
            .iter()
            .all(|slot| slot.samples.is_empty())
    }

    /// More slots than lines that can be told apart: they are shown together.
    fn is_many(&self) -> bool {
        self.history.slots.len() > LINES_MAX
    }

    /// The lines: of each slot its samples, or those of all together.
    fn series(&self) -> Vec<Vec<TelemetrySample>> {
        let slots = self.history.slots.iter();
        if !self.is_many() {
            return slots.map(|slot| slot.samples.clone()).collect();
        }
        let mut all: Vec<_> = slots
            .flat_map(|slot| slot.samples.iter().copied())
            .collect();
        all.sort_by_key(|sample| sample.start_ms);
        vec![all]
    }

    fn names(&self) -> Vec<String> {
        if self.is_many() {
            return vec!["All slots".into()];
        }
        let slots = self.history.slots.iter();
        slots.map(|slot| format!("Slot {}", slot.slot)).collect()
    }

    fn legend(&self) -> Safe<String> {
        chart::legend(self.names().iter().map(String::as_str))
    }

    fn utilisation(&self) -> Safe<String> {
        let value = |of: &TelemetrySample| of.utilisation_percent;
        self.chart("GPU utilisation", " %", 100.0, mean, value)
    }

    fn temperature(&self) -> Safe<String> {
        let value = |of: &TelemetrySample| of.temperature_celsius;
        self.chart("GPU temperature", " °C", 80.0, highest, value)
    }

    fn chart(
        &self,
        what: &str,
        unit: &str,
        top: f64,
        put_together: fn(&[f64]) -> f64,
        value: impl Fn(&TelemetrySample) -> Option<u32>,
    ) -> Safe<String> {
        let span_ms = if self.is_week {
            HOUR_MS
        } else {
            2 * self.history.span_ms
        };
        let names = self.names();
        let points: Vec<Vec<(i64, f64)>> = self
            .series()
            .iter()
            .map(|samples| by_span(samples, span_ms.max(1), put_together, &value))
            .collect();
        let lines: Vec<_> = names
            .iter()
            .zip(&points)
            .map(|(name, points)| Line { name, points })
            .collect();
        let hours = if self.is_week { 7 * 24 } else { 24 };
        let all: Vec<f64> = points.iter().flatten().map(|point| point.1).collect();
        let label = match all.is_empty() {
            true => format!("{what}: nothing was read"),
            false => format!(
                "{what} over the last {hours} hours: from {:.0} to {:.0}{unit}, {:.0}{unit} on average",
                all.iter().copied().fold(f64::INFINITY, f64::min),
                highest(&all),
                mean(&all)
            ),
        };
        chart::over_time(&TimeChart {
            label: &label,
            from_ms: self.to_ms - hours * HOUR_MS,
            to_ms: self.to_ms,
            top,
            unit,
            gap_ms: span_ms * 2,
            lines: &lines,
        })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Samples put together: a chart has some hundred points of room.
fn by_span(
    samples: &[TelemetrySample],
    span_ms: i64,
    put_together: fn(&[f64]) -> f64,
    value: impl Fn(&TelemetrySample) -> Option<u32>,
) -> Vec<(i64, f64)> {
    let span = |of: &TelemetrySample| of.start_ms.div_euclid(span_ms);
    let runs = samples.chunk_by(|one, next| span(one) == span(next));
    runs.filter_map(|run| {
        let values: Vec<f64> = run.iter().filter_map(&value).map(f64::from).collect();
        let first = run.first().filter(|_| !values.is_empty())?;
        Some((span(first) * span_ms, put_together(&values)))
    })
    .collect()
}

impl OverviewPage {
    /// A year, with today; of before the worker was registered nothing is known.
    fn calendar(&self) -> Safe<String> {
        let label = format!(
            "Uptime by the day: there for {} in {}",
            show::duration(self.uptime.seen_ms),
            show::counted(self.uptime.spans.len(), "day", "days")
        );
        chart::calendar(&label, &days(&self.uptime, self.page.now_ms))
    }
}

fn days(uptime: &Uptime, now_ms: i64) -> Vec<Day> {
    let known = uptime
        .spans
        .first()
        .map_or(i64::MAX, |span| span.start_ms / DAY_MS);
    let today = now_ms.div_euclid(DAY_MS);
    let before = (today - 364..known.min(today + 1)).map(|day| Day {
        day,
        share: 0.0,
        exactly: format!("{}: not registered yet", date(day)),
    });
    let since = uptime.spans.iter().map(|span| {
        let day = span.start_ms / DAY_MS;
        // Today is as long as it has lasted.
        let whole_ms = (now_ms - span.start_ms).clamp(1, DAY_MS);
        Day {
            day,
            share: span.seen_ms as f64 / whole_ms as f64,
            exactly: match span.seen_ms {
                0 => format!("{}: not there", date(day)),
                seen_ms => format!("{}: there for {}", date(day), show::duration(seen_ms)),
            },
        }
    });
    before.chain(since).collect()
}

fn date(day: i64) -> String {
    DateTime::from_timestamp_millis(day.saturating_mul(DAY_MS))
        .map(|date| date.format("%a %-d %b %Y").to_string())
        .unwrap_or_default()
}

async fn overview(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let (user, page, head) = begin(&app, &viewer, id, Tab::Overview).await?;
    let is_week = asked.range == "week";
    let hours = if is_week { 7 * 24 } else { 24 };
    let sensors = Sensors {
        history: shown::telemetry(&app, user, id, hours).await?,
        is_week,
        to_ms: page.now_ms,
    };
    html(&OverviewPage {
        numbers: numbers(&app, user, &head).await?,
        slots: Slots {
            worker: head.worker.clone(),
        },
        sensors,
        uptime: shown::uptime(&app, user, id, 365, UptimeStep::Day).await?,
        page: page.live(format!("/workers/{id}/live")),
        head,
    })
}

async fn numbers(app: &App, user: UserId, head: &Head) -> Result<Numbers> {
    let id = head.worker.id;
    let earned = match head.points {
        true => Some(shown::earnings(app, user, id, None, 1).await?.0),
        false => None,
    };
    let uptime = shown::uptime(app, user, id, 30, UptimeStep::Day).await?;
    let since_ms = head
        .worker
        .created_ms
        .max(uptime.spans.first().map_or(0, |span| span.start_ms));
    let could_ms = (head.now_ms - since_ms).max(1);
    Ok(Numbers {
        earned,
        done: head.worker.done,
        share: uptime.seen_ms as f64 / could_ms as f64,
    })
}

async fn live(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    let user = viewer.with(Right::Workers)?;
    let (.., head) = begin(&app, &viewer, id, Tab::Overview).await?;
    let points = head.points;
    let again = Arc::clone(&app);
    Ok(watch::stream(&app, user, move || {
        let app = Arc::clone(&again);
        async move {
            let worker = shown::worker(&app, user, id).await?;
            let due_us = watch::silence_us([&worker]);
            let slots = Slots {
                worker: worker.clone(),
            };
            let head = Head {
                worker,
                tab: Tab::Overview,
                points,
                now_ms: app.now_us() / 1_000,
            };
            let numbers = numbers(&app, user, &head).await?;
            Ok(Found {
                parts: vec![part(&head)?, part(&numbers)?, part(&slots)?],
                due_us,
            })
        }
    }))
}
