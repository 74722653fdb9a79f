//! `pictor logs`

use pictor_protocol::JobId;
use pictor_protocol::job::{Frame, FrameState};
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::Logs;
use crate::failure::Failure;
use crate::job_ref;
use crate::ui::{Ui, words};

pub async fn logs(api: &Api, args: Logs, ui: &Ui) -> Result<(), Failure> {
    let id = job_ref::resolve(api, &args.one.job).await?;
    if let Some(frame) = args.frame {
        let log = api.log(id, frame).await?;
        let document = json!({ "frame": frame, "log": log });
        if log.is_empty() {
            ui.note(&format!("frame {frame} has no log yet"));
        }
        return ui.answer(&document, || words::harmless(&log));
    }
    let frames = telling(api.frames(id, None).await?);
    if frames.is_empty() {
        ui.note("nothing of this job has failed or finished yet; `pictor logs JOB FRAME` prints any frame's log");
    }
    print(api, id, &frames, ui).await
}

/// Every frame that failed; when none has, the one that finished last.
fn telling(frames: Vec<Frame>) -> Vec<Frame> {
    let failed = |frame: &Frame| frame.state == FrameState::Failed;
    if frames.iter().any(failed) {
        return frames.into_iter().filter(failed).collect();
    }
    let finished = frames.into_iter().filter(|f| f.finished_ms.is_some());
    finished
        .max_by_key(|frame| frame.finished_ms)
        .into_iter()
        .collect()
}

async fn print(api: &Api, id: JobId, frames: &[Frame], ui: &Ui) -> Result<(), Failure> {
    let mut documents: Vec<Value> = Vec::new();
    for frame in frames {
        let log = api.log(id, frame.frame).await?;
        if ui.is_json() {
            documents.push(json!({ "frame": frame.frame, "error": frame.error, "log": log }));
            continue;
        }
        let error = frame.error.as_deref().unwrap_or_default();
        let log = words::harmless(&log);
        ui.text(&format!(
            "── frame {} ── {}\n{log}",
            frame.frame,
            words::one_line(error)
        ))?;
    }
    if ui.is_json() {
        ui.event(&json!({ "logs": documents }))?;
    }
    Ok(())
}
