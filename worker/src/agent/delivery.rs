//! From a written picture to a recorded one: store, upload, report, and again when the coordinator
//! misses it.

use std::time::Duration;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::{
    AttemptOutcome, AttemptRef, Finished, Grant, Outcome, Refusal, RenderFault, ReportAnswer,
};

use super::effect::{Effect, FrameFate, Notice, Picture};
use super::outbox::{End, Ended};
use super::{Agent, Leftover, Link, Mode};

const REUPLOAD_DELAY_MAX: Duration = Duration::from_secs(300);

/// A picture that exists and is not yet recorded.
#[derive(Debug)]
pub(super) struct Delivery {
    frame: i32,
    render_ms: i64,
    memory_bytes: Option<u64>,
    energy_millijoules: Option<u64>,
    stage: Stage,
    /// How often the coordinator said that it does not have the picture.
    missed: u32,
}

#[derive(Debug)]
enum Stage {
    /// Of an earlier start; waits for the first welcome.
    LeftOver(Finished),
    Storing,
    Uploading(Finished),
    /// Stands in the outbox.
    Reported,
}

impl Delivery {
    pub(super) fn of(picture: &Picture) -> Self {
        Self {
            frame: picture.grant.frame,
            render_ms: picture.render_ms,
            memory_bytes: picture.memory_bytes,
            energy_millijoules: picture.energy_millijoules,
            stage: Stage::Storing,
            missed: 0,
        }
    }

    pub(super) fn left_over(left: Leftover) -> Self {
        Self {
            frame: left.frame,
            render_ms: left.finished.render_ms,
            memory_bytes: left.finished.memory_bytes,
            energy_millijoules: left.finished.energy_millijoules,
            stage: Stage::LeftOver(left.finished),
            missed: 0,
        }
    }

    /// Sends the picture on its way, later each time it got lost.
    fn upload(&mut self, finished: Finished) -> Effect {
        let after = match self.missed {
            0 | 1 => Duration::ZERO,
            more => Duration::from_secs(1 << more.min(9)).min(REUPLOAD_DELAY_MAX),
        };
        let Finished {
            attempt,
            output,
            size_bytes,
            ..
        } = finished;
        self.stage = Stage::Uploading(finished);
        Effect::Upload {
            attempt,
            output,
            size_bytes,
            after,
        }
    }
}

impl Agent {
    pub(super) fn start_leftovers(&mut self) {
        for delivery in self.deliveries.values_mut() {
            if let Stage::LeftOver(finished) = &delivery.stage {
                let finished = finished.clone();
                self.effects.push(delivery.upload(finished));
            }
        }
    }

    pub(super) fn stored(&mut self, attempt: AttemptRef, output: BlobHash, size_bytes: u64) {
        let most = match &self.link {
            Link::Up(welcome) => welcome.output_bytes_max,
            Link::New | Link::Greeting => u64::MAX,
        };
        if size_bytes > most {
            let message =
                format!("the picture has {size_bytes} bytes, the coordinator takes {most}");
            return self.delivery_failed(attempt, RenderFault::Other, message);
        }
        let Some(delivery) = self.deliveries.get_mut(&attempt) else {
            return;
        };
        if matches!(delivery.stage, Stage::Storing) {
            let finished = Finished {
                attempt,
                output,
                size_bytes,
                render_ms: delivery.render_ms,
                memory_bytes: delivery.memory_bytes,
                energy_millijoules: delivery.energy_millijoules,
            };
            self.effects.push(delivery.upload(finished));
        }
    }

    pub(super) fn delivery_failed(
        &mut self,
        attempt: AttemptRef,
        fault: RenderFault,
        message: String,
    ) {
        if self.outbox.has(attempt) {
            return;
        }
        if let Some(Delivery { frame, .. }) = self.deliveries.remove(&attempt) {
            self.effects.push(Effect::Discard { attempt });
            self.fail(Grant { attempt, frame }, fault, message);
        }
    }

    pub(super) fn uploaded(&mut self, attempt: AttemptRef) {
        let Some(delivery) = self.deliveries.get_mut(&attempt) else {
            return;
        };
        if let Stage::Uploading(_) = &delivery.stage
            && let Stage::Uploading(finished) =
                std::mem::replace(&mut delivery.stage, Stage::Reported)
        {
            self.outbox
                .end(attempt, Some(delivery.frame), End::Finished(finished));
        }
    }

    pub(super) fn upload_failed(&mut self, attempt: AttemptRef, message: String) {
        self.delivery_failed(attempt, RenderFault::Other, message);
    }

    pub(super) fn report_answered(&mut self, now: Duration, answer: ReportAnswer) {
        let interval = match &self.link {
            Link::Up(welcome) => Duration::from_millis(welcome.report_interval_ms.into()),
            Link::New | Link::Greeting => Duration::ZERO,
        };
        for outcome in self.outbox.answered(answer.outcomes, now + interval) {
            self.outcome(outcome);
        }
        answer
            .lost
            .into_iter()
            .for_each(|attempt| self.lose(attempt));
        answer
            .commands
            .into_iter()
            .for_each(|command| self.commanded(now, command));
    }

    pub(super) fn report_failed(&mut self, now: Duration, retry_in: Duration) {
        self.outbox.failed(now + retry_in);
        if self.mode == Mode::Stopping {
            self.outbox = Default::default();
        }
    }

    fn outcome(&mut self, AttemptOutcome { attempt, outcome }: AttemptOutcome) {
        match outcome {
            Outcome::Accepted | Outcome::Unknown => self.settle(attempt, None),
            Outcome::Refused {
                why: Refusal::OutputMissing,
                ..
            } => self.missed(attempt),
            Outcome::Refused { why, detail } => self.settle(attempt, Some((why, detail))),
        }
    }

    fn settle(&mut self, attempt: AttemptRef, refused: Option<(Refusal, Option<String>)>) {
        let Some(ended) = self.outbox.settle(attempt) else {
            return;
        };
        if self.deliveries.remove(&attempt).is_some() {
            self.effects.push(Effect::Discard { attempt });
        }
        let (
            Ended {
                frame: Some(frame),
                end: End::Finished(finished),
                ..
            },
            refused,
        ) = (ended, refused)
        else {
            return;
        };
        let render_ms = finished.render_ms;
        let fate = match refused {
            None => FrameFate::Done { render_ms },
            Some((why, detail)) => FrameFate::Refused { why, detail },
        };
        self.tell(Notice::Frame {
            attempt,
            frame,
            fate,
        });
    }

    /// The coordinator does not have the picture, whatever the upload said.
    fn missed(&mut self, attempt: AttemptRef) {
        let Some(Ended {
            end: End::Finished(finished),
            ..
        }) = self.outbox.reopen(attempt)
        else {
            return;
        };
        if let Some(delivery) = self.deliveries.get_mut(&attempt) {
            delivery.missed += 1;
            self.effects.push(delivery.upload(finished));
        }
    }
}
