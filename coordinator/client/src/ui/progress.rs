//! Live progress on stderr: bars where somebody watches, else a line now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pictor_protocol::job::JobState;
use serde::Serialize;

use super::{Ui, words};
use crate::api::ApiError;
use crate::api::events::JobEvent;
use crate::download::Downloaded;
use crate::failure::Failure;
use crate::follow::Standing;

/// How often a line is worth its place in a log file.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// A spinner that stands still looks like a program that does.
const TICK: Duration = Duration::from_millis(120);

const UPLOAD: &str = "{prefix:>10} {bar:24.cyan/dim} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}  {wide_msg:.dim}";
const RENDER: &str = "{prefix:>10} {bar:24.cyan/dim} {pos}/{len}  {wide_msg:.dim}";
const ARCHIVE: &str = "{spinner} {wide_msg}";

/// Bytes on their way to the coordinator. Clones show the same progress.
#[derive(Clone)]
pub struct UploadProgress {
    ui: Ui,
    name: Arc<str>,
    sent: Arc<AtomicU64>,
    started: Instant,
    bar: ProgressBar,
}

impl UploadProgress {
    pub fn new(ui: Ui, name: &str, size_bytes: u64) -> Self {
        let bar = if ui.watched {
            ProgressBar::new(size_bytes)
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(style(UPLOAD));
        Self {
            ui,
            name: words::one_line(name).into(),
            sent: Arc::default(),
            started: Instant::now(),
            bar,
        }
    }

    /// Bytes are being read and hashed.
    pub fn checked(&self, count: usize) {
        self.bar.set_prefix("reading");
        self.bar.inc(count as u64);
    }

    /// The coordinator holds this many bytes; the rest will be sent.
    pub fn at(&self, offset: u64) {
        self.sent.store(offset, Ordering::Relaxed);
        self.bar.set_prefix("uploading");
        self.bar.set_message("");
        self.bar.set_position(offset);
        self.bar.reset_eta();
    }

    pub fn sent(&self, count: usize) {
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
        self.bar.inc(count as u64);
    }

    /// Something broke, and it is being tried again.
    pub fn interrupted(&self, error: &ApiError) {
        let text = format!("{error}; trying again");
        if self.ui.watched {
            self.bar.set_message(text);
        } else {
            self.ui.note(&text);
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
        let sent = self.sent.load(Ordering::Relaxed);
        if !self.ui.watched && sent > 0 {
            let took = words::span(self.started.elapsed().as_millis() as i64);
            let size = words::bytes(sent);
            self.ui
                .note(&format!("uploaded {}, {size} in {took}", self.name));
        }
    }
}

/// A job that is followed.
pub struct JobProgress {
    ui: Ui,
    face: Face,
    downloads: u64,
}

enum Face {
    Bar(ProgressBar),
    Lines(Lines),
}

/// What was said last, so that it is not said again.
#[derive(Default)]
struct Lines {
    at: Option<Instant>,
    state: Option<(JobState, Option<String>)>,
    done: u32,
}

/// One line of the stream for scripts.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum DownloadEvent<'a> {
    Downloaded {
        frame: i32,
        path: &'a std::path::Path,
        fetched_bytes: u64,
    },
}

impl JobProgress {
    pub fn new(ui: Ui) -> Self {
        let face = if ui.watched {
            Face::Bar(bar())
        } else {
            Face::Lines(Lines::default())
        };
        Self {
            ui,
            face,
            downloads: 0,
        }
    }

    /// Passes an event on to a script.
    pub fn event(&self, event: &JobEvent) -> Result<(), Failure> {
        self.ui.event(event)
    }

    pub fn show(&mut self, standing: &Standing) {
        match &mut self.face {
            Face::Bar(bar) => {
                let job = &standing.job;
                bar.set_length(u64::from(job.counts.total));
                bar.set_position(u64::from(job.counts.done));
                bar.set_prefix(words::job_state(job.state));
                bar.set_message(words::standing(standing));
            }
            Face::Lines(lines) => {
                if let Some(line) = lines.next(standing, Instant::now()) {
                    self.ui.note(&line);
                }
            }
        }
    }

    pub fn lost(&mut self, error: &ApiError) {
        match &mut self.face {
            Face::Bar(bar) => {
                bar.set_prefix("waiting");
                bar.set_message(format!("{error}; trying again"));
            }
            // Said once: the state is forgotten, and told again when the coordinator is back.
            Face::Lines(lines) => {
                if lines.state.take().is_some() {
                    let text = format!("{error}; trying again, the job is safe");
                    self.ui.note(&text);
                }
            }
        }
    }

    pub fn downloaded(&mut self, downloaded: &Downloaded) -> Result<(), Failure> {
        self.downloads += 1;
        self.ui.event(&DownloadEvent::Downloaded {
            frame: downloaded.frame,
            path: &downloaded.path,
            fetched_bytes: downloaded.fetched_bytes,
        })
    }

    /// Rendering is over; pictures are still on their way.
    pub fn show_downloads(&self, pending: usize) {
        if let Face::Bar(bar) = &self.face {
            bar.set_prefix("fetching");
            bar.set_message("");
            bar.set_length(self.downloads + pending as u64);
            bar.set_position(self.downloads);
        }
    }

    /// An archive grows; how long it will be is not known.
    pub fn show_archive(&self, bytes: u64) {
        if let Face::Bar(bar) = &self.face {
            bar.set_style(style(ARCHIVE));
            bar.set_message(words::bytes(bytes));
        }
    }

    pub fn finish(&self) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }
}

impl Lines {
    /// A line when the state changed, or when there is progress and the last one is old enough.
    fn next(&mut self, standing: &Standing, now: Instant) -> Option<String> {
        let job = &standing.job;
        // While frames render, what the others wait for changes from one moment to the next.
        let waits = job.state != JobState::Rendering;
        let state = (job.state, job.reason.clone().filter(|_| waits));
        let is_new = self.state.as_ref() != Some(&state);
        let is_old = self
            .at
            .is_none_or(|at| now.duration_since(at) >= LINE_EVERY);
        let has_progress = job.counts.done != self.done;
        if !(is_new || is_old && has_progress) {
            return None;
        }
        *self = Self {
            at: Some(now),
            state: Some(state),
            done: job.counts.done,
        };
        let told = words::standing(standing);
        let separator = if told.is_empty() { "" } else { " · " };
        Some(format!(
            "{}: {}/{} frames{separator}{told}",
            words::job_state(job.state),
            job.counts.done,
            job.counts.total,
        ))
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_style(style(RENDER));
    bar.enable_steady_tick(TICK);
    bar
}

/// The templates are our own, and tested; a bad one would fall back to a plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━╌")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::testing::job;

    fn standing(state: &str, done: u32) -> Standing {
        Standing::new(job(1, state, done))
    }

    #[test]
    fn a_change_of_state_is_told_at_once_and_progress_now_and_then() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut at = |seconds, standing: &Standing| {
            lines.next(standing, start + Duration::from_secs(seconds))
        };
        let first = at(0, &standing("queued", 0));
        assert_eq!(first.as_deref(), Some("queued: 0/2 frames"));
        assert_eq!(at(9, &standing("queued", 0)), None);
        assert!(at(9, &standing("rendering", 0)).is_some());
        assert_eq!(at(10, &standing("rendering", 1)), None);
        let later = at(14, &standing("rendering", 1));
        assert_eq!(later.as_deref(), Some("rendering: 1/2 frames"));
        assert!(at(14, &standing("done", 2)).is_some());
    }

    #[test]
    fn every_template_of_a_bar_is_valid() {
        for template in [UPLOAD, RENDER, ARCHIVE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
