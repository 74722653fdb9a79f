//! What the coordinator has to be told, collected until the next report: how attempts ended, how far
//! frames are, and what they logged. One report is under way at a time; what comes meanwhile waits
//! for the next, and what a lost report carried is sent again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use pictor_protocol::agent::{
    AttemptOutcome, AttemptRef, Failed, Finished, Progress, RenderFault, Report,
};
use uuid::Uuid;

use super::log::AttemptLog;

/// Keeps a report far below what a coordinator takes; the rest goes with the next one.
const LOG_BYTES_PER_REPORT: usize = 1 << 20;
/// Commands may come late or twice: so many attempts are remembered after their end was recorded.
const SETTLED_REMEMBERED: usize = 1024;

/// How an attempt ended, seen from this worker.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Finished(Finished),
    Failed {
        fault: RenderFault,
        message: String,
    },
    /// Handed back without an output.
    Returned,
    /// Stopped because a command said so.
    Stopped,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    /// Unknown for an attempt that this worker only heard of in a command.
    pub(super) frame: Option<i32>,
    pub(super) end: End,
    /// Not to be reported before.
    due: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    ends: BTreeMap<AttemptRef, Ended>,
    logs: BTreeMap<AttemptRef, AttemptLog>,
    /// The ends that the report under way carries.
    under_way: Option<Vec<AttemptRef>>,
    last_report: Duration,
    /// After a failed report, when to try again.
    not_before: Duration,
    settled: VecDeque<AttemptRef>,
}

impl Outbox {
    /// Notes how an attempt ended. The first word counts: an attempt ends once.
    pub(super) fn end(&mut self, attempt: AttemptRef, frame: Option<i32>, end: End) {
        let due = Duration::ZERO;
        self.ends
            .entry(attempt)
            .or_insert(Ended { frame, end, due });
    }

    /// Takes an end back, because the attempt goes on.
    pub(super) fn reopen(&mut self, attempt: AttemptRef) -> Option<Ended> {
        self.ends.remove(&attempt)
    }

    pub(super) fn has(&self, attempt: AttemptRef) -> bool {
        self.ends.contains_key(&attempt)
    }

    pub(super) fn log(&mut self, attempt: AttemptRef, text: &str) {
        self.logs.entry(attempt).or_default().push(text);
    }

    /// Nothing more is to be said of this attempt.
    pub(super) fn settle(&mut self, attempt: AttemptRef) -> Option<Ended> {
        self.logs.remove(&attempt);
        if self.settled.len() == SETTLED_REMEMBERED {
            self.settled.pop_front();
        }
        self.settled.push_back(attempt);
        self.ends.remove(&attempt)
    }

    pub(super) fn is_settled(&self, attempt: AttemptRef) -> bool {
        self.settled.contains(&attempt)
    }

    /// The attempt is somebody else's now.
    pub(super) fn forget(&mut self, attempt: AttemptRef) {
        self.logs.remove(&attempt);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// When the next report is due, given how often something held must be renewed.
    pub(super) fn due_at(&self, renewal: Option<Duration>) -> Option<Duration> {
        if self.under_way.is_some() {
            return None;
        }
        let ends = self.ends.values().map(|ended| ended.due).min();
        let renewal = renewal.map(|interval| self.last_report + interval);
        let due = ends.into_iter().chain(renewal).min()?;
        Some(due.max(self.not_before))
    }

    /// Everything held was granted at this moment, so its renewal is not due before an interval.
    pub(super) fn renewed(&mut self, now: Duration) {
        self.last_report = now;
    }

    pub(super) fn compose(
        &mut self,
        now: Duration,
        instance: Uuid,
        holding: Vec<AttemptRef>,
        progress: Vec<Progress>,
    ) -> Report {
        let mut report = Report {
            instance,
            holding,
            progress,
            finished: Vec::new(),
            failed: Vec::new(),
            returned: Vec::new(),
            stopped: Vec::new(),
            logs: self.take_logs(),
            telemetry: Vec::new(),
        };
        let mut carried = Vec::new();
        for (&attempt, ended) in self.ends.iter().filter(|(_, ended)| ended.due <= now) {
            carried.push(attempt);
            match &ended.end {
                End::Finished(finished) => report.finished.push(finished.clone()),
                End::Failed { fault, message } => report.failed.push(Failed {
                    attempt,
                    fault: *fault,
                    message: message.clone(),
                }),
                End::Returned => report.returned.push(attempt),
                End::Stopped => report.stopped.push(attempt),
            }
        }
        self.under_way = Some(carried);
        self.last_report = now;
        report
    }

    fn take_logs(&mut self) -> Vec<pictor_protocol::agent::LogChunk> {
        let mut room = LOG_BYTES_PER_REPORT;
        let mut chunks = Vec::new();
        for (&attempt, log) in &mut self.logs {
            if let Some(chunk) = log.take(attempt, room) {
                room -= chunk.text.len();
                chunks.push(chunk);
            }
        }
        chunks
    }

    /// The report arrived. Puts off every end that the answer does not mention, instead of losing
    /// it, and answers the outcomes that belong to ends of this report.
    pub(super) fn answered(
        &mut self,
        outcomes: Vec<AttemptOutcome>,
        retry_at: Duration,
    ) -> Vec<AttemptOutcome> {
        let carried = self.under_way.take().unwrap_or_default();
        self.logs.values_mut().for_each(AttemptLog::acknowledge);
        for attempt in &carried {
            if let Some(ended) = self.ends.get_mut(attempt) {
                ended.due = retry_at;
            }
        }
        let mut outcomes = outcomes;
        outcomes.retain(|outcome| carried.contains(&outcome.attempt));
        outcomes
    }

    pub(super) fn failed(&mut self, retry_at: Duration) {
        self.under_way = None;
        self.not_before = retry_at;
        self.logs.values_mut().for_each(AttemptLog::resend);
    }

    /// A new connection: what waited for the old one to heal goes out now.
    pub(super) fn connected(&mut self) {
        self.not_before = Duration::ZERO;
    }
}
