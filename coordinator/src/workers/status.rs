//! What a worker does and why, as the coordinator sees it, and what its owner can do about it. Pure: a worker is
//! not asked, for what a machine says of itself and what the network sees of it are not the same.

use pictor_protocol::agent::{Hello, PROTOCOL};
use pictor_protocol::settings::Engine;
use pictor_protocol::worker::{WorkerState, WorkerStatus};

use super::waiting::Wait;
use super::{SILENCE_US, schedule};
use crate::store::workers::{WorkerRow, WorkerStatus as Decided};

/// A worker's status. `wait` says why it has nothing to render, and is asked only if it could.
pub fn status(row: &WorkerRow, now_us: i64, wait: impl FnOnce() -> Wait) -> WorkerStatus {
    match row.status {
        Decided::Retired => since(row.decided_us, retired()),
        Decided::Suspended => since(row.decided_us, suspended(row)),
        Decided::Active | Decided::Draining => undecided(row, now_us, wait),
    }
}

/// Of a worker that nobody took out of the network.
fn undecided(row: &WorkerRow, now_us: i64, wait: impl FnOnce() -> Wait) -> WorkerStatus {
    if let Some(at_us) = row.turned_away_us {
        return since(Some(at_us), too_old(row));
    }
    let Some(seen_us) = row.last_seen_us else {
        return never_connected();
    };
    if now_us - seen_us > SILENCE_US {
        return since(Some(seen_us), offline(row));
    }
    if row.status == Decided::Draining {
        return since(row.decided_us, paused(row));
    }
    if let Some(hours) = &row.schedule.0
        && let Some(opens_us) = schedule::opens_us(hours, now_us)
    {
        return outside_hours(row, schedule::moment(opens_us, hours.utc_offset_minutes));
    }
    match &row.hello.0 {
        Some(hello) if row.leased == 0 => cannot_render(hello).unwrap_or_else(|| waiting(wait())),
        Some(_) => rendering(row.leased),
        None => is(
            WorkerState::CannotRender,
            "It is starting, and has not said yet what it can render.",
        ),
    }
}

fn retired() -> WorkerStatus {
    let retired = is(
        WorkerState::Retired,
        "It was retired; its token is worth nothing.",
    );
    advise(
        retired,
        "To let the machine render again, create another worker.",
    )
}

fn suspended(row: &WorkerRow) -> WorkerStatus {
    let reason = format!("An operator suspended it{}.", because(row));
    let advice = "Only an operator can lift this: ask one.";
    advise(is(WorkerState::Suspended, reason), advice)
}

fn too_old(row: &WorkerRow) -> WorkerStatus {
    let version = row.turned_away_version.as_deref().unwrap_or("unknown");
    let reason = format!(
        "Its software, version {version}, is too old for this coordinator, which speaks protocol {PROTOCOL}."
    );
    let advice =
        "Update it: run the installer again, or take the newest image. Its config file stays good.";
    advise(is(WorkerState::TooOld, reason), advice)
}

fn never_connected() -> WorkerStatus {
    let never = is(
        WorkerState::NeverConnected,
        "No machine has connected with its config file yet.",
    );
    advise(
        never,
        "Save the config file on the machine and run the installer there. If the file is lost, make another \
         token. `pictor-worker doctor` says what is wrong with a machine.",
    )
}

fn offline(row: &WorkerRow) -> WorkerStatus {
    let mut reason = "Nothing is heard of it.".to_owned();
    if row.status == Decided::Draining {
        reason += " It is paused, too: when it is back it takes nothing until it is resumed.";
    }
    let advice = "See whether the machine is on and has a network, and whether the worker runs on it; \
                  `pictor-worker doctor` says what is wrong.";
    advise(is(WorkerState::Offline, reason), advice)
}

fn paused(row: &WorkerRow) -> WorkerStatus {
    let by_owner = row.decided_by.0.is_none_or(|by| by == row.owner_id);
    let who = if by_owner { "Its owner" } else { "An operator" };
    let why = because(row);
    let paused = match row.leased {
        0 => is(
            WorkerState::Paused,
            format!("{who} paused it{why}: it takes nothing."),
        ),
        frames => is(
            WorkerState::Pausing,
            format!(
                "{who} paused it{why}: it finishes {} and takes nothing more.",
                count(frames)
            ),
        ),
    };
    advise(paused, "Resume it to let it render again.")
}

fn outside_hours(row: &WorkerRow, again: String) -> WorkerStatus {
    let finishes = match row.leased {
        0 => String::new(),
        frames => format!(" It finishes {}.", count(frames)),
    };
    let reason = format!("It is outside its hours, again at {again}.{finishes}");
    let advice = "Change its hours, or take them back, to let it render now.";
    advise(is(WorkerState::OutsideHours, reason), advice)
}

/// Why no slot can be given anything, if so. A slot that was never probed is given anything.
fn cannot_render(hello: &Hello) -> Option<WorkerStatus> {
    let lacks = |reason: &str, advice: &str| {
        Some(advise(
            is(WorkerState::CannotRender, reason.to_owned()),
            advice,
        ))
    };
    if hello.slots.is_empty() {
        return lacks(
            "It found no GPU that can render.",
            "See the list of supported GPUs and `pictor-worker doctor`; or set `allow_cpu` in the options of its \
             config file to render on the CPU.",
        );
    }
    if hello.runtimes.is_empty() {
        return lacks(
            "It has no Blender yet.",
            "It fetches Blender when it is started first: give it some minutes. If that does not help, its log \
             says why it cannot, and so does `pictor-worker doctor`.",
        );
    }
    let is_hopeless = |proven: &Option<Vec<_>>| proven.as_ref().is_some_and(Vec::is_empty);
    if hello.slots.iter().all(|slot| is_hopeless(&slot.proven)) {
        return lacks(
            "No slot of it has shown that it can render: the trials that it begins with are not done, or all of \
             them failed.",
            "Give it some minutes after its start. If that does not help, its log has Blender's reason for each \
             trial, and `pictor-worker doctor` looks at drivers and libraries.",
        );
    }
    None
}

fn rendering(leased: i64) -> WorkerStatus {
    let reason = format!("It renders or holds {}.", count(leased));
    is(WorkerState::Rendering, reason)
}

fn waiting(wait: Wait) -> WorkerStatus {
    let (reason, advice) = match wait {
        Wait::NothingToRender => ("Nothing waits to be rendered.".into(), None),
        Wait::AllHandedOut { frames } => (
            format!(
                "Nothing waits to be rendered: others have the last {}.",
                count(frames)
            ),
            None,
        ),
        Wait::SoonSome { frames } => (
            format!(
                "{} that it can render; it is given some as soon as one of its slots asks.",
                waits(frames)
            ),
            None,
        ),
        Wait::FailedBefore { frames } => (
            format!(
                "{} of jobs that it failed; others are to render them.",
                waits(frames)
            ),
            Some("Its log says why it failed; too little memory is the usual reason.".into()),
        ),
        Wait::SentBack { frames } => (
            format!(
                "{} whose pictures by this worker were sent back: others make them again.",
                waits(frames)
            ),
            None,
        ),
        Wait::NoBlender { series, frames } => (
            format!(
                "{}, but with Blender {series}, which it does not have.",
                waits(frames)
            ),
            Some(format!("Install Blender {series} on it.")),
        ),
        Wait::NoEngine { engine, frames } => (
            format!(
                "{}, but with {}, which it has not shown to work.",
                waits(frames),
                engine_name(engine)
            ),
            Some(
                "Its log has the reason for which the trial failed; `pictor-worker doctor` looks at drivers and \
                 libraries."
                    .into(),
            ),
        ),
    };
    WorkerStatus {
        advice,
        ..is(WorkerState::Waiting, reason)
    }
}

fn engine_name(engine: Option<Engine>) -> &'static str {
    match engine {
        Some(Engine::Cycles) => "Cycles",
        Some(Engine::Eevee) => "EEVEE",
        Some(Engine::Workbench) => "Workbench",
        None => "an add-on's engine",
    }
}

fn because(row: &WorkerRow) -> String {
    match &row.decided_why {
        Some(why) => format!(" ({why})"),
        None => String::new(),
    }
}

fn count(frames: i64) -> String {
    match frames {
        1 => "1 frame".into(),
        frames => format!("{frames} frames"),
    }
}

fn waits(frames: u32) -> String {
    match frames {
        1 => "A frame waits".into(),
        frames => format!("{frames} frames wait"),
    }
}

fn is(state: WorkerState, reason: impl Into<String>) -> WorkerStatus {
    WorkerStatus {
        state,
        since_ms: None,
        reason: reason.into(),
        advice: None,
    }
}

fn advise(status: WorkerStatus, advice: &str) -> WorkerStatus {
    WorkerStatus {
        advice: Some(advice.into()),
        ..status
    }
}

fn since(at_us: Option<i64>, status: WorkerStatus) -> WorkerStatus {
    WorkerStatus {
        since_ms: at_us.map(|us| us / 1_000),
        ..status
    }
}

#[cfg(test)]
mod tests;
