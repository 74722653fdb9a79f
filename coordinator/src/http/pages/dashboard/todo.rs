//! What somebody could do next, from what there is.

use pictor_protocol::UserId;
use pictor_protocol::campaign::CampaignState;
use pictor_protocol::community::QuestState;
use pictor_protocol::job::JobState;
use pictor_protocol::leaderboard::PublicName;
use pictor_protocol::worker::{Worker, WorkerState};

use super::Facts;
use crate::accounts::rights::Right;
use crate::app::App;
use crate::campaign::{check_in, quests};
use crate::http::pages::show;
use crate::http::problem::Result;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    pub is_done: bool,
    /// It is wrong, rather than missing.
    pub is_urgent: bool,
    pub title: String,
    pub text: String,
    pub path: String,
    pub action: &'static str,
    /// The path takes a form that is empty.
    pub is_form: bool,
}

/// What needs attention first, then what is missing, then what is done.
pub async fn list(app: &App, user: UserId, facts: &Facts, name: &PublicName) -> Result<Vec<Todo>> {
    let may = |right: Right| facts.holder.check(right).is_ok();
    let mut list = Vec::new();
    if may(Right::Jobs) {
        jobs(facts, &mut list);
    }
    if may(Right::Workers) {
        workers(facts, &mut list);
    }
    let runs = |state: CampaignState| state == CampaignState::Running;
    let is_running = facts.campaign.as_ref().is_some_and(|of| runs(of.state));
    if may(Right::Community) && is_running {
        community(app, user, &mut list).await?;
    }
    let has_points = facts
        .balances
        .points
        .is_some_and(|points| points.available_micros.get() > 0 || points.held_micros.get() > 0);
    if has_points && !name.is_chosen {
        list.push(todo(
            "Choose your public name",
            format!("The leaderboard shows you as {}.", name.name),
            "/leaderboard#public-name",
            "Choose",
        ));
    }
    list.sort_by_key(|todo| (!todo.is_urgent, todo.is_done));
    Ok(list)
}

fn todo(
    title: impl Into<String>,
    text: impl Into<String>,
    path: &str,
    action: &'static str,
) -> Todo {
    Todo {
        is_done: false,
        is_urgent: false,
        title: title.into(),
        text: text.into(),
        path: path.into(),
        action,
        is_form: false,
    }
}

fn done(title: &str, text: impl Into<String>, path: &str) -> Todo {
    Todo {
        is_done: true,
        ..todo(title, text, path, "")
    }
}

fn jobs(facts: &Facts, list: &mut Vec<Todo>) {
    for job in &facts.jobs {
        let needs_attention = matches!(job.state, JobState::NeedsAttention | JobState::Failed);
        // Whoever paused it knows; what paused by itself says why.
        let stopped = job.state == JobState::Paused && job.reason.is_some();
        if needs_attention || stopped {
            let reason = job.reason.clone();
            let text = reason.unwrap_or_else(|| "Some of its frames failed.".into());
            list.push(Todo {
                is_urgent: true,
                ..todo(
                    format!("Look at “{}”", job.name),
                    text,
                    &format!("/jobs/{}", job.id),
                    "Look",
                )
            });
        }
    }
    list.push(match facts.jobs.is_empty() {
        true => todo(
            "Render your first scene",
            "Drop a .blend: you see what it would cost before anything is spent.",
            "/jobs/new",
            "New job",
        ),
        false => done(
            "Render your first scene",
            "You have submitted a job.",
            "/jobs",
        ),
    });
}

fn workers(facts: &Facts, list: &mut Vec<Todo>) {
    for worker in &facts.workers {
        let Some(status) = &worker.status else {
            continue;
        };
        if status.state == WorkerState::NeverConnected {
            list.push(todo(
                format!("Connect “{}”", worker.name),
                "It has no machine yet: download its config file and start it there.",
                &format!("/workers/{}/connect", worker.id),
                "Connect",
            ));
        }
        let is_wrong = matches!(
            status.state,
            WorkerState::TooOld
                | WorkerState::Offline
                | WorkerState::CannotRender
                | WorkerState::Suspended
        );
        if is_wrong {
            let advice = status.advice.as_deref().unwrap_or(&status.reason);
            list.push(Todo {
                is_urgent: true,
                ..todo(
                    format!(
                        "“{}”: {}",
                        worker.name,
                        show::worker_state(status.state).word.to_lowercase()
                    ),
                    advice,
                    &format!("/workers/{}", worker.id),
                    "Look",
                )
            });
        }
    }
    let connected = |worker: &&Worker| worker.connected_ms.is_some();
    let frames: u64 = facts.workers.iter().map(|of| of.done).sum();
    match facts.workers.iter().find(connected) {
        None if facts.workers.is_empty() => list.push(todo(
            "Connect your first worker",
            "Three steps: a name, a config file, one command.",
            "/workers/new",
            "New worker",
        )),
        // The lines above say which.
        None => {}
        Some(worker) => list.push(done(
            "Connect your first worker",
            match frames {
                0 => format!(
                    "“{}” is connected; no frame has come its way yet.",
                    worker.name
                ),
                _ => format!(
                    "{} rendered so far.",
                    show::counted(frames, "frame is", "frames are")
                ),
            },
            "/workers",
        )),
    }
}

async fn community(app: &App, user: UserId, list: &mut Vec<Todo>) -> Result<()> {
    let month = check_in::month(app, user, None).await?;
    let streak = show::counted(month.streak_days, "day", "days");
    list.push(if month.next_ms > app.now_us() / 1_000 {
        done(
            "Check in today",
            format!("Done: {streak} in a row."),
            "/rewards",
        )
    } else {
        let text = match month.streak_days {
            0 => "Begins a streak; the seventh day brings more.".into(),
            _ => format!("Keeps your streak of {streak}."),
        };
        Todo {
            is_form: true,
            ..todo("Check in today", text, "/rewards/check-in", "Check in")
        }
    });
    let quests = quests::list(app, user).await?.quests;
    let is_left = |state: QuestState| !matches!(state, QuestState::Done | QuestState::Waiting);
    let open = quests
        .iter()
        .filter(|of| of.open && is_left(of.progress.state));
    let worth = open
        .clone()
        .map(|of| of.quest.points_micros.get())
        .sum::<i64>();
    match open.count() {
        0 if quests.is_empty() => {}
        0 => list.push(done(
            "Do the quests",
            "None is left now.",
            "/rewards#quests",
        )),
        left => list.push(todo(
            "Do the quests",
            format!(
                "{} left, worth {} points.",
                show::counted(left, "quest is", "quests are"),
                show::amount(pictor_protocol::Micros::new(worth))
            ),
            "/rewards#quests",
            "See them",
        )),
    }
    Ok(())
}
