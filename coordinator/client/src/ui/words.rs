//! Numbers and states in words. Pure functions.

use std::time::{SystemTime, UNIX_EPOCH};

use indicatif::DecimalBytes;
use pictor_protocol::job::{FrameState, Job, JobState};
use pictor_protocol::settings::{Engine, Format};
use pictor_protocol::worker::{Worker, WorkerState};

use crate::follow::Standing;

pub const fn job_state(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Rendering => "rendering",
        JobState::Paused => "paused",
        JobState::NeedsAttention => "needs attention",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Unknown => "unknown",
    }
}

pub const fn frame_state(state: FrameState) -> &'static str {
    match state {
        FrameState::Queued => "queued",
        FrameState::Leased => "rendering",
        FrameState::Done => "done",
        FrameState::Failed => "failed",
        FrameState::Cancelled => "cancelled",
        FrameState::Unknown => "unknown",
    }
}

/// What a worker does; a coordinator that says nothing of it says at least whether it is there.
pub fn worker_state(worker: &Worker) -> &'static str {
    match worker.status.as_ref().map(|status| status.state) {
        Some(WorkerState::NeverConnected) => "never connected",
        Some(WorkerState::TooOld) => "too old",
        Some(WorkerState::Offline) => "offline",
        Some(WorkerState::CannotRender) => "cannot render",
        Some(WorkerState::Rendering) => "rendering",
        Some(WorkerState::Waiting) => "waiting",
        Some(WorkerState::Pausing) => "pausing",
        Some(WorkerState::Paused) => "paused",
        Some(WorkerState::OutsideHours) => "outside its hours",
        Some(WorkerState::Suspended) => "suspended",
        Some(WorkerState::Retired) => "retired",
        Some(WorkerState::Unknown) | None => worker.presence.as_str(),
    }
}

pub const fn engine(engine: Option<Engine>) -> &'static str {
    match engine {
        Some(Engine::Cycles) => "Cycles",
        Some(Engine::Eevee) => "EEVEE",
        Some(Engine::Workbench) => "Workbench",
        None => "the file's own engine",
    }
}

pub const fn format(format: Format) -> &'static str {
    match format {
        Format::Png => "PNG",
        Format::Jpeg => "JPEG",
        Format::OpenExr => "OpenEXR",
        Format::OpenExrMultilayer => "multilayer OpenEXR",
    }
}

/// `rendering`, or `queued: no worker is online`.
pub fn state_and_reason(job: &Job) -> String {
    let state = job_state(job.state);
    match &job.reason {
        Some(reason) => format!("{state}: {}", one_line(reason)),
        None => state.into(),
    }
}

/// Why a job that is over is not done.
pub fn outcome(job: &Job) -> String {
    let counts = &job.counts;
    let reason = job.reason.as_deref().map(one_line);
    match job.state {
        JobState::Failed => format!(
            "{} of {} frames failed; `pictor logs {}` tells why",
            counts.failed, counts.total, job.id
        ),
        JobState::Cancelled => "the job was cancelled".into(),
        JobState::NeedsAttention => {
            let reason = reason.unwrap_or_else(|| "something must be changed first".into());
            format!("the job needs attention: {reason}")
        }
        JobState::Done => format!("{} frames done", counts.done),
        JobState::Queued | JobState::Rendering | JobState::Paused | JobState::Unknown => {
            format!("the job is not over: {}", state_and_reason(job))
        }
    }
}

/// What stands behind a progress bar: pace, time left, failures, what renders, what it waits for.
pub fn standing(standing: &Standing) -> String {
    let job = &standing.job;
    let mut parts = Vec::new();
    if let Some(pace) = job.frames_per_minute.filter(|_| job.counts.done > 0) {
        parts.push(frames_per_minute(pace));
    }
    if let Some(eta) = job.eta_ms.filter(|_| !job.state.is_over()) {
        parts.push(format!("{} left", span(eta)));
    }
    if job.counts.failed > 0 {
        parts.push(format!("{} failed", job.counts.failed));
    }
    if let Some((frame, fraction)) = furthest(standing) {
        parts.push(format!("frame {frame} {:.0} %", fraction * 100.0));
    }
    if let Some(reason) = &job.reason {
        parts.push(one_line(reason));
    }
    parts.join(" · ")
}

/// The frame that is furthest, once it has come far enough to be worth a word.
fn furthest(standing: &Standing) -> Option<(i32, f32)> {
    let known = standing.rendering.iter().filter(|(_, part)| **part > 0.0);
    known
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map(|(frame, part)| (*frame, *part))
}

pub fn frames_per_minute(pace: f64) -> String {
    if pace >= 100.0 {
        format!("{pace:.0} frames/min")
    } else {
        format!("{pace:.1} frames/min")
    }
}

pub fn bytes(count: u64) -> String {
    DecimalBytes(count).to_string()
}

/// A duration, to the precision that people care for.
pub fn span(ms: i64) -> String {
    let ms = ms.max(0);
    let seconds = (ms + 500) / 1000;
    match seconds {
        _ if ms < 10_000 => format!("{:.1} s", ms as f64 / 1000.0),
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// How long ago a moment was.
pub fn ago(then_ms: i64, now_ms: i64) -> String {
    match (now_ms - then_ms) / 1000 {
        ..2 => "just now".into(),
        seconds @ 2..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

/// Text of another machine, fit for one line of a terminal.
pub fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

/// Text of another machine with its line breaks, but without power over the terminal.
pub fn harmless(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_precise_as_they_are_long() {
        let cases = [
            (-5, "0.0 s"),
            (1_240, "1.2 s"),
            (42_400, "42 s"),
            (65_000, "1 min 5 s"),
            (7_260_000, "2 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ];
        for (ms, words) in cases {
            assert_eq!(span(ms), words);
        }
    }

    #[test]
    fn ages_are_rounded_down() {
        assert_eq!(ago(0, 500), "just now");
        assert_eq!(ago(0, 59_000), "59 s ago");
        assert_eq!(ago(0, 7_199_000), "1 h ago");
        assert_eq!(ago(10_000, 0), "just now");
    }

    #[test]
    fn a_log_cannot_command_the_terminal() {
        assert_eq!(harmless("a\x1b[2Jb\r\n\tc"), "a[2Jb\n\tc");
        assert_eq!(one_line(" a\nb\x1b "), "a b");
    }
}
