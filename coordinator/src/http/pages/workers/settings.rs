//! What an owner sets of a worker: its name, its hours, its token, and its end.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use pictor_protocol::WorkerId;
use pictor_protocol::schedule::Schedule;
use pictor_protocol::worker::Presence;
use serde::Deserialize;

use super::super::layout::{Page, Section, Viewer, again, done, html};
use super::super::said::Said;
use super::super::{draw, show};
use super::week::{self, Hours, Week};
use super::worker::{Head, Tab, begin};
use crate::app::App;
use crate::http::auth::WorkerOwner;
use crate::http::extract::{Form, Path};
use crate::http::problem::Result;
use crate::workers::{self, WorkerError, schedule, shown};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers/{id}/settings", get(settings))
        .route("/workers/{id}/name", post(rename))
        .route("/workers/{id}/schedule", post(set_schedule))
        .route("/workers/{id}/schedule/end", post(end_schedule))
}

#[derive(Template)]
#[template(path = "workers/settings.html")]
struct SettingsPage {
    page: Page,
    head: Head,
    name: String,
    name_fault: Option<String>,
    week: Week,
    week_fault: Option<&'static str>,
}

impl SettingsPage {
    fn days(&self) -> impl Iterator<Item = (&'static str, &'static str, &Hours)> {
        let days = week::DAYS.into_iter().zip(&self.week.days);
        days.map(|((key, name), hours)| (key, name, hours))
    }

    fn offsets(&self) -> Vec<(i32, String)> {
        week::offsets()
    }

    /// The hours that are set, in words: for whoever set more than the form can show.
    fn spans(&self) -> Vec<String> {
        let schedule = self.head.worker.schedule.as_ref();
        let spans = schedule.map_or(&[][..], |schedule| &schedule.spans);
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        spans
            .iter()
            .map(|span| {
                let day = week::DAYS
                    .get(usize::from(span.day))
                    .map_or("", |day| day.1);
                format!("{day} {}–{}", time(span.from_minute), time(span.to_minute))
            })
            .collect()
    }

    fn has_schedule(&self) -> bool {
        self.head.worker.schedule.is_some()
    }
}

async fn show_settings(app: &App, viewer: &Viewer, id: WorkerId) -> Result<SettingsPage> {
    let (_, page, head) = begin(app, viewer, id, Tab::Settings).await?;
    Ok(SettingsPage {
        name: head.worker.name.clone(),
        name_fault: None,
        week: Week::of(head.worker.schedule.as_ref()),
        week_fault: None,
        page,
        head,
    })
}

async fn settings(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    html(&show_settings(&app, &viewer, id).await?)
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

async fn rename(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
    Form(named): Form<Named>,
) -> Result<Response> {
    match workers::rename(&app, user, id, &named.name).await {
        Ok(()) => {
            let text = format!("It is called “{}” now.", named.name.trim());
            Ok(done(&format!("/workers/{id}/settings"), text))
        }
        Err(error @ WorkerError::BadName) => {
            let page = html(&SettingsPage {
                name: named.name,
                name_fault: Some(error.to_string()),
                ..show_settings(&app, &viewer, id).await?
            })?;
            Ok(again(page))
        }
        Err(error) => Err(error.into()),
    }
}

/// The fields of the week: `mon-on`, `mon-from`, `mon-to`, …, and `offset`.
fn typed(fields: &HashMap<String, String>) -> Week {
    let field = |name: String| fields.get(&name).cloned().unwrap_or_default();
    let days = week::DAYS.into_iter().map(|(key, _)| Hours {
        on: fields.contains_key(&format!("{key}-on")),
        from: field(format!("{key}-from")),
        to: field(format!("{key}-to")),
        fault: None,
    });
    Week {
        utc_offset_minutes: field("offset".into()).parse().unwrap_or(0),
        days: days.collect(),
        is_whole: true,
    }
}

async fn set_schedule(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    viewer: Viewer,
    Path(id): Path<WorkerId>,
    Form(fields): Form<HashMap<String, String>>,
) -> Result<Response> {
    let had_none = shown::worker(&app, user, id).await?.schedule.is_none();
    let mut week = typed(&fields);
    let week_fault = match week.schedule() {
        Ok(schedule) if schedule.spans.is_empty() => {
            Some("Choose at least one day. To stop it altogether, pause it.")
        }
        Ok(schedule) => {
            workers::set_schedule(&app, user, id, Some(&schedule)).await?;
            let to = format!("/workers/{id}/settings");
            let text = when(&schedule, app.now_us());
            // Back to none; to other hours there is no way back but the form.
            let said = match had_none {
                true => Said::from(text).or_undo(format!("/workers/{id}/schedule/end")),
                false => text.into(),
            };
            return Ok(done(&to, said));
        }
        Err(()) => Some("These hours cannot be kept yet: see the days that are marked."),
    };
    let page = html(&SettingsPage {
        week,
        week_fault,
        ..show_settings(&app, &viewer, id).await?
    })?;
    Ok(again(page))
}

/// What its hours mean just now.
fn when(schedule: &Schedule, now_us: i64) -> String {
    match schedule::opens_us(schedule, now_us) {
        None => "Its hours are set. It is open now.".into(),
        Some(opens_us) => format!(
            "Its hours are set. It takes frames from {} on.",
            schedule::moment(opens_us, schedule.utc_offset_minutes)
        ),
    }
}

async fn end_schedule(
    State(app): State<Arc<App>>,
    WorkerOwner(user): WorkerOwner,
    Path(id): Path<WorkerId>,
) -> Result<Response> {
    workers::set_schedule(&app, user, id, None).await?;
    let name = shown::worker(&app, user, id).await?.name;
    let text = format!("“{name}” takes frames at any hour.");
    Ok(done(&format!("/workers/{id}/settings"), text))
}
