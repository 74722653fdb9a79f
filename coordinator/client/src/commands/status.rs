//! `pictor status`

use std::fmt::Write;

use pictor_protocol::job::{Frame, Job};
use serde_json::json;

use crate::api::Api;
use crate::cli::Status;
use crate::failure::Failure;
use crate::follow::{Stay, follow};
use crate::job_ref;
use crate::ui::{JobProgress, Table, Ui, words};

pub async fn status(api: &Api, args: Status, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.one.job).await?;
    let job = api.job(id).await?;
    if args.watch {
        return watch(api, job, ui).await;
    }
    if !args.frames {
        return ui.answer(&job, || told(&job));
    }
    let frames = api.frames(id, None).await?;
    ui.answer(&json!({ "job": job, "frames": frames }), || {
        format!("{}\n{}", told(&job), table(&frames))
    })
}

async fn watch(api: &Api, job: Job, ui: &Ui) -> Result<(), Failure> {
    let short = job_ref::short(job.id);
    let followed = follow(
        api,
        job,
        Stay::UntilItIsOver,
        None,
        &mut JobProgress::new(*ui),
    )
    .await;
    if let Err(Failure::Interrupted) = followed {
        ui.note("the job goes on without you");
    }
    let job = followed?.job;
    if !ui.is_json() {
        ui.text(&format!(
            "job {short}: {} of {} frames done",
            job.counts.done, job.counts.total
        ))?;
    }
    Failure::unless_done(job)
}

fn told(job: &Job) -> String {
    let now = words::now_ms();
    let counts = &job.counts;
    let runtime = job.runtime.map_or_else(
        || job.blender.to_string(),
        |series| format!("{series} ({} asked for)", job.blender),
    );
    let mut text = format!("{}  {}\n", words::one_line(&job.name), job.id);
    let mut line = |name: &str, value: String| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    line("state", words::state_and_reason(job));
    let others = [
        (counts.leased, "rendering"),
        (counts.queued, "queued"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
    ];
    let others = others
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!(", {count} {state}"));
    let others: String = others.collect();
    line(
        "frames",
        format!(
            "{} ({} of {} done{others})",
            job.frames, counts.done, counts.total
        ),
    );
    let render = &job.render;
    line(
        "picture",
        format!(
            "{} × {} {}, {}",
            render.width,
            render.height,
            words::format(render.format),
            words::engine(render.engine)
        ),
    );
    line("Blender", runtime);
    line("priority", job.priority.to_string());
    if let Some(pace) = pace(job) {
        line("pace", pace);
    }
    line("submitted", words::ago(job.created_ms, now));
    if let Some(finished) = job.finished_ms {
        line("finished", words::ago(finished, now));
    }
    text
}

fn pace(job: &Job) -> Option<String> {
    let parts = [
        job.frames_per_minute.map(words::frames_per_minute),
        job.mean_frame_ms
            .map(|ms| format!("{} a frame", words::span(ms))),
        job.eta_ms
            .filter(|_| !job.state.is_over())
            .map(|ms| format!("{} left", words::span(ms))),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn table(frames: &[Frame]) -> Table {
    let mut table = Table::new(&["FRAME", "STATE", "ATTEMPTS", "TIME", "WORKER", "ERROR"]);
    for frame in frames {
        let worker = frame.worker.as_ref();
        table.row([
            frame.frame.to_string(),
            words::frame_state(frame.state).into(),
            frame.attempts.to_string(),
            frame.render_ms.map(words::span).unwrap_or_default(),
            worker.map(|worker| worker.name.clone()).unwrap_or_default(),
            frame.error.as_deref().map(first_line).unwrap_or_default(),
        ]);
    }
    table
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
