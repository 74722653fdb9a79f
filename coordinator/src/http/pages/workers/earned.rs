//! What a worker earned, and why: every posting can be recomputed from what is shown beside it.

use std::sync::Arc;

use askama::Template;
use askama::filters::Safe;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chrono::DateTime;
use pictor_protocol::worker_history::{EarningState, WorkerEarning, WorkerEarnings};
use pictor_protocol::{Micros, UserId, WorkerId};
use serde::Deserialize;
use serde_json::Value;

use super::super::draw::chart::{self, Column};
use super::super::layout::{Page, Section, Viewer, html, part};
use super::super::show::Tone;
use super::super::{draw, show};
use super::worker::{Head, Seen, Tab, begin, stream};
use crate::app::App;
use crate::http::cursor;
use crate::http::extract::{Path, Query};
use crate::http::problem::Result;
use crate::workers::shown;

const ON_A_PAGE: usize = 50;
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers/{id}/earnings", get(earnings))
        .route("/workers/{id}/earnings/live", get(live))
}

#[derive(Deserialize)]
struct Asked {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "workers/earnings.html")]
struct EarningsPage {
    page: Page,
    head: Head,
    earned: Earned,
}

#[derive(Template)]
#[template(path = "workers/earned.html")]
struct Earned {
    id: WorkerId,
    earned: WorkerEarnings,
    /// By the day since 1970.
    days: Vec<(i64, Micros)>,
    is_first: bool,
    next: Option<String>,
    now_ms: i64,
}

impl Earned {
    fn state(&self, entry: &WorkerEarning) -> Tone {
        let (word, class) = match entry.state {
            EarningState::Waiting => ("Waits", "paused"),
            EarningState::Settled => ("Settled", "done"),
            EarningState::Void => ("Went back", "failed"),
            EarningState::Unknown => ("Unknown", "waiting"),
        };
        Tone { word, class }
    }

    fn why(&self, entry: &WorkerEarning) -> String {
        why(entry)
    }

    /// Everything that the amount was computed from.
    fn inputs(&self, entry: &WorkerEarning) -> Vec<(String, String)> {
        let fields = entry.inputs.as_object().into_iter().flatten();
        fields
            .map(|(name, value)| (name.replace('_', " "), as_text(value)))
            .collect()
    }

    fn columns(&self) -> Safe<String> {
        let today = self.now_ms.div_euclid(DAY_MS);
        let columns: Vec<_> = (today - DAYS + 1..=today)
            .map(|day| {
                let earned = self.days.iter().find(|(of, _)| *of == day);
                let earned = earned.map_or(Micros::new(0), |(_, earned)| *earned);
                let date = DateTime::from_timestamp_millis(day * DAY_MS).unwrap_or_default();
                Column {
                    value: earned.get() as f64 / Micros::PER_ONE as f64,
                    word: match (today - day) % 7 {
                        0 => date.format("%-d %b").to_string(),
                        _ => String::new(),
                    },
                    exactly: format!(
                        "{}: {} points",
                        date.format("%a %-d %b"),
                        show::amount(earned)
                    ),
                }
            })
            .collect();
        let label = format!("Points earned by the day over the last {DAYS} days");
        chart::columns(&label, "", &columns)
    }
}

/// A sentence that says how an amount came about.
fn why(entry: &WorkerEarning) -> String {
    let number = |name: &str| entry.inputs.get(name).and_then(Value::as_i64);
    let points = |name: &str| number(name).map(|micros| show::amount(Micros::new(micros)));
    match entry.kind.as_str() {
        "render" => {
            let frame = number("frame").map_or("A frame".into(), |of| format!("Frame {of}"));
            match (
                number("reference_ms"),
                points("points_per_reference_minute_micros"),
            ) {
                (Some(ms), Some(rate)) => format!(
                    "{frame}: {} of the reference machine, at {rate} points a minute",
                    show::duration(ms)
                ),
                _ => format!("{frame} was rendered"),
            }
        }
        "online-hour" => {
            let seen = number("seen_us").map(|us| show::duration(us / 1_000));
            let rate = (points("score_micros"), points("per_hour_micros"));
            match (seen, rate) {
                (Some(seen), (Some(score), Some(rate))) => format!(
                    "An hour online, proven by accepted frames: there for {seen}, {rate} points an hour \
                     at a score of {score}"
                ),
                _ => "An hour online, proven by accepted frames".into(),
            }
        }
        "restore" => "Given back: what had been taken was earned after all".into(),
        kind => kind.replace('-', " "),
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

async fn earnings(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let (user, page, head) = begin(&app, &viewer, id, Tab::Earnings).await?;
    let earned = listed(&app, user, id, asked.after.as_deref(), page.now_ms).await?;
    let page = match earned.is_first {
        true => page.live(format!("/workers/{id}/earnings/live")),
        false => page,
    };
    html(&EarningsPage { page, head, earned })
}

async fn listed(
    app: &App,
    user: UserId,
    id: WorkerId,
    after: Option<&str>,
    now_ms: i64,
) -> Result<Earned> {
    let after = after.map(cursor::read).transpose()?;
    let (earned, next) = shown::earnings(app, user, id, after.as_ref(), ON_A_PAGE).await?;
    Ok(Earned {
        id,
        earned,
        days: shown::earned_by_day(app, user, id, DAYS).await?,
        is_first: after.is_none(),
        next: next.map(|place| cursor::write(&place)),
        now_ms,
    })
}

async fn live(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    stream(
        &app,
        &viewer,
        id,
        Tab::Earnings,
        move |seen: Seen| async move {
            let earned = listed(&seen.app, seen.user, id, None, seen.now_ms).await?;
            Ok(vec![part(&earned)?])
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sentence_says_what_was_multiplied() {
        let render = entry(
            "render",
            json!({ "frame": 12, "reference_ms": 90_000, "points_per_reference_minute_micros": 10_000_000 }),
        );
        assert_eq!(
            why(&render),
            "Frame 12: 1 min 30 s of the reference machine, at 10 points a minute"
        );
        let hour = json!({ "seen_us": 3_540_000_000_i64, "score_micros": 1_500_000, "per_hour_micros": 10_000_000 });
        let hour = why(&entry("online-hour", hour));
        assert!(
            hour.contains("there for 59 min, 10 points an hour at a score of 1.5"),
            "{hour}"
        );
    }

    #[test]
    fn what_an_entry_does_not_say_is_left_out() {
        assert_eq!(why(&entry("render", json!({}))), "A frame was rendered");
        assert_eq!(why(&entry("new-kind", json!(null))), "new kind");
    }

    fn entry(kind: &str, inputs: Value) -> WorkerEarning {
        WorkerEarning {
            key: "render/1/1".into(),
            book: "points/1".into(),
            kind: kind.into(),
            state: EarningState::Waiting,
            at_ms: 0,
            due_ms: None,
            amount_micros: Micros::new(1),
            returned_micros: Micros::new(0),
            inputs,
        }
    }
}
