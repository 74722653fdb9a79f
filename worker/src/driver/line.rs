//! The line to the coordinator as the tasks see it: calls that are repeated until they are answered,
//! one message in the log when the line goes down and one when it is back. Whoever waits for the next
//! try is woken by the first call that gets through.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pictor_protocol::agent::Command;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use uuid::Uuid;

use super::{Fatal, Message};
use crate::agent::Event;
use crate::backoff::Backoff;
use crate::coordinator::{CallError, Coordinator, Remedy};
use crate::errors::Chain;

/// Until the welcome says how long requests are held.
const HOLD_MS: u32 = 20_000;
/// After a long silence many pictures wait; they share one line anyway.
const UPLOADS_AT_ONCE: usize = 4;

#[derive(Clone)]
pub(super) struct Line(Arc<Shared>);

struct Shared {
    coordinator: Coordinator,
    instance: Uuid,
    inbox: mpsc::Sender<Message>,
    hold_ms: AtomicU32,
    is_up: watch::Sender<bool>,
    /// Of the reports: each is a call of its own, but one after the other fails.
    report_backoff: Mutex<Backoff>,
    repeats: Mutex<Repeats>,
    upload_permits: Semaphore,
}

/// What a failed call left to do.
pub(super) enum Failed {
    /// To be tried again, after a wait that the caller's back-off says.
    Retry,
    /// The agent says hello; whatever was asked is to be asked again after that.
    HelloFirst,
}

impl Line {
    pub(super) fn new(
        coordinator: Coordinator,
        instance: Uuid,
        inbox: mpsc::Sender<Message>,
    ) -> Self {
        Self(Arc::new(Shared {
            coordinator,
            instance,
            inbox,
            hold_ms: AtomicU32::new(HOLD_MS),
            is_up: watch::Sender::new(true),
            report_backoff: Mutex::default(),
            repeats: Mutex::default(),
            upload_permits: Semaphore::new(UPLOADS_AT_ONCE),
        }))
    }

    pub(super) fn coordinator(&self) -> &Coordinator {
        &self.0.coordinator
    }

    pub(super) fn instance(&self) -> Uuid {
        self.0.instance
    }

    /// How long to have the next request held. The first after an outage is not: its answer tells
    /// that the outage is over.
    pub(super) fn hold_ms(&self) -> u32 {
        if *self.0.is_up.borrow() {
            self.0.hold_ms.load(Ordering::Relaxed)
        } else {
            0
        }
    }

    /// The last call got through.
    pub(super) fn answers(&self) -> bool {
        *self.0.is_up.borrow()
    }

    pub(super) fn set_hold(&self, hold_ms: u32) {
        self.0.hold_ms.store(hold_ms, Ordering::Relaxed);
    }

    pub(super) fn report_backoff(&self) -> MutexGuard<'_, Backoff> {
        self.0
            .report_backoff
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pause_after(&self, commands: &[Command]) -> Duration {
        self.0
            .repeats
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pause_after(commands)
    }

    /// Waits for a turn to upload; `None` never comes, as the turns do not end.
    pub(super) async fn upload_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.0.upload_permits.acquire().await.ok()
    }

    /// Tells the agent. After the worker's end nobody listens any more.
    pub(super) async fn tell(&self, event: Event) {
        self.0.inbox.send(Message::Event(event)).await.ok();
    }

    pub(super) async fn tell_commands(&self, commands: Vec<Command>) {
        for command in commands {
            self.tell(Event::Commanded(command)).await;
        }
    }

    /// Sorts out what an answer means. Does not come back from what ends the worker.
    pub(super) async fn answer<T>(&self, answer: Result<T, CallError>) -> Result<T, Failed> {
        let error = match answer {
            Ok(answer) => {
                self.is_up().await;
                return Ok(answer);
            }
            Err(error) => error,
        };
        if error.is_outage() {
            self.is_down(&error);
            return Err(Failed::Retry);
        }
        self.is_up().await;
        match error.remedy() {
            Remedy::Retry => {
                tracing::warn!(error = %Chain(&error), "the coordinator refused; trying again later");
                Err(Failed::Retry)
            }
            Remedy::HelloFirst => {
                self.tell(Event::HelloWanted).await;
                Err(Failed::HelloFirst)
            }
            Remedy::GiveUp(why) => {
                let fatal = Fatal::from_refusal(why, error);
                self.0.inbox.send(Message::Fatal(fatal)).await.ok();
                std::future::pending().await
            }
        }
    }

    async fn is_up(&self) {
        if !self.0.is_up.send_replace(true) {
            tracing::info!("the coordinator answers again");
            self.tell(Event::LineIsBack).await;
        }
    }

    /// One line in the log for the first failure of many.
    fn is_down(&self, error: &CallError) {
        let error = Chain(error);
        if self.0.is_up.send_replace(false) {
            tracing::warn!(%error, "the coordinator cannot be asked now; trying again until it can");
        } else {
            tracing::debug!(%error, "the coordinator still cannot be asked");
        }
    }

    /// Waits before the next try, less when the line comes back meanwhile.
    pub(super) async fn pause(&self, backoff: &mut Backoff) {
        let mut is_up = self.0.is_up.subscribe();
        let sleep = tokio::time::sleep(backoff.next(random()));
        if *is_up.borrow_and_update() {
            return sleep.await;
        }
        tokio::select! {
            () = sleep => {}
            _ = is_up.wait_for(|is_up| *is_up) => {}
        }
    }

    /// Calls until there is an answer; `None` when the agent has to say hello first.
    pub(super) async fn until_answered<T, F>(&self, call: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let mut backoff = Backoff::default();
        loop {
            match self.answer(call().await).await {
                Ok(answer) => return Some(answer),
                Err(Failed::HelloFirst) => return None,
                Err(Failed::Retry) => self.pause(&mut backoff).await,
            }
        }
    }
}

/// Uniform in 0..1.
pub(super) fn random() -> f64 {
    const STEPS: f64 = (1_u64 << 53) as f64;
    (Uuid::new_v4().as_u128() & ((1 << 53) - 1)) as f64 / STEPS
}

/// Commands are repeated until a report answers them; asking for them without a pause would keep
/// both sides busy until then.
#[derive(Debug, Default)]
struct Repeats {
    last: Vec<Command>,
    times: u32,
}

impl Repeats {
    const FIRST: Duration = Duration::from_millis(250);
    const MOST: Duration = Duration::from_secs(8);

    fn pause_after(&mut self, commands: &[Command]) -> Duration {
        if commands.is_empty() || commands != self.last {
            self.last = commands.to_vec();
            self.times = 0;
            return Duration::ZERO;
        }
        self.times += 1;
        Self::FIRST
            .saturating_mul(1 << self.times.min(6).saturating_sub(1))
            .min(Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::attempt;

    #[test]
    fn only_repeated_commands_are_asked_for_more_slowly() {
        let mut repeats = Repeats::default();
        let stop = [Command::Stop {
            attempt: attempt(1),
        }];
        let pauses: Vec<_> = (0..8)
            .map(|_| repeats.pause_after(&stop).as_millis())
            .collect();
        assert_eq!(pauses, [0, 250, 500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(repeats.pause_after(&[Command::Drain]), Duration::ZERO);
        assert_eq!(repeats.pause_after(&[]), Duration::ZERO);
        assert_eq!(repeats.pause_after(&[]), Duration::ZERO);
    }

    #[test]
    fn random_numbers_are_below_one() {
        assert!(
            (0..1_000)
                .map(|_| random())
                .all(|number| (0.0..1.0).contains(&number))
        );
    }
}
