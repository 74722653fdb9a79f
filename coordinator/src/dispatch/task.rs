//! The life of a task and of its attempts, as one function of (task, event).
//!
//! ```text
//!             grant                 finished, passed
//!   queued ──────────► leased ─────────────────────────► done
//!     ▲                  │ failed, returned, lost, rejected
//!     └──────────────────┤ (while no other attempt runs and strikes are left)
//!     ▲                  ▼ third strike
//!     └── retry ────── failed            cancel: any state but done ──► cancelled ── retry ──► queued
//!                                        sent back: done ──► queued
//! ```
//!
//! A task can have several attempts at once (a second one at a job's tail, or one whose worker was
//! silent and comes back): the first output that passes wins, the others are told to stop. An output
//! is taken from a lost attempt too, as long as the task is not over; work that is done is not thrown
//! away because a network was down. A picture that its creator sends back stays with its attempt, and the
//! task begins anew; whether it may be sent back is decided elsewhere.

use pictor_protocol::WorkerId;
use pictor_protocol::agent::Refusal;
use pictor_protocol::worker::WorkerTaskState;

use crate::store::column::words;

/// A frame that failed this often is not tried again unless its creator says so. Dispatch gives each
/// try to a worker that has not failed the scene yet, as long as there is one.
pub const STRIKES: u32 = 3;

words! {
    pub enum TaskStatus {
        Queued = "queued",
        Leased = "leased",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

words! {
    pub enum AttemptStatus {
        /// Its worker holds it.
        Leased = "leased",
        /// Its worker is told to stop and has not said that it did.
        Stopping = "stopping",
        Done = "done",
        /// Its worker said that it failed.
        Failed = "failed",
        /// Its output did not pass, or was blank and nothing yet said that it should be.
        Rejected = "rejected",
        /// Handed back untouched.
        Returned = "returned",
        /// Its worker was silent for too long.
        Lost = "lost",
        Stopped = "stopped",
        /// Its output passed, and the job's creator sent it back.
        SentBack = "sent_back",
    }
}

impl From<AttemptStatus> for WorkerTaskState {
    fn from(status: AttemptStatus) -> Self {
        match status {
            AttemptStatus::Leased => Self::Leased,
            AttemptStatus::Stopping => Self::Stopping,
            AttemptStatus::Done => Self::Done,
            AttemptStatus::Failed => Self::Failed,
            AttemptStatus::Rejected => Self::Rejected,
            AttemptStatus::Returned => Self::Returned,
            AttemptStatus::Lost => Self::Lost,
            AttemptStatus::Stopped => Self::Stopped,
            AttemptStatus::SentBack => Self::SentBack,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    pub number: u32,
    pub worker: WorkerId,
    pub status: AttemptStatus,
}

/// A task with all its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub status: TaskStatus,
    /// Strikes: attempts that failed or whose output was rejected.
    pub failures: u32,
    /// Attempts whose output was blank where that needs a second opinion.
    pub blanks: u32,
    pub attempts: Vec<Attempt>,
}

/// What happened to an attempt, or to the task as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A worker was given the task.
    Granted {
        to: WorkerId,
    },
    /// An output arrived that passed.
    Passed {
        attempt: u32,
        from: WorkerId,
    },
    /// An output arrived that did not pass.
    Rejected {
        attempt: u32,
        from: WorkerId,
    },
    /// A blank output arrived, and nothing yet says that it should be blank.
    Blank {
        attempt: u32,
        from: WorkerId,
    },
    Failed {
        attempt: u32,
        from: WorkerId,
    },
    Returned {
        attempt: u32,
        from: WorkerId,
    },
    Stopped {
        attempt: u32,
        from: WorkerId,
    },
    /// The deadline went by without a sign.
    Expired {
        attempt: u32,
    },
    Cancel,
    Retry,
    /// The creator does not take the output of this attempt.
    SentBack {
        attempt: u32,
    },
}

/// What an event did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it was so already. The answer is the same as the first time.
    Unchanged,
    Changed(Task),
}

/// Applies an event. Refusals say why nothing was recorded.
pub fn apply(task: &Task, event: Event) -> Result<Change, Refusal> {
    match event {
        Event::Granted { to } => grant(task, to),
        Event::Passed { attempt, from } => passed(task, attempt, from),
        Event::Rejected { attempt, from } => end(task, attempt, from, AttemptStatus::Rejected),
        Event::Blank { attempt, from } => doubt(task, attempt, from),
        Event::Failed { attempt, from } => end(task, attempt, from, AttemptStatus::Failed),
        Event::Returned { attempt, from } => end(task, attempt, from, AttemptStatus::Returned),
        Event::Stopped { attempt, from } => end(task, attempt, from, AttemptStatus::Stopped),
        Event::Expired { attempt } => {
            let from = find(task, attempt)?.worker;
            end(task, attempt, from, AttemptStatus::Lost)
        }
        Event::Cancel => Ok(cancel(task)),
        Event::Retry => Ok(retry(task)),
        Event::SentBack { attempt } => send_back(task, attempt),
    }
}

fn grant(task: &Task, to: WorkerId) -> Result<Change, Refusal> {
    if !matches!(task.status, TaskStatus::Queued | TaskStatus::Leased) {
        return Err(Refusal::NotWanted);
    }
    let mut next = task.clone();
    let number = next.attempts.iter().map(|a| a.number).max().unwrap_or(0) + 1;
    next.attempts.push(Attempt {
        number,
        worker: to,
        status: AttemptStatus::Leased,
    });
    next.status = TaskStatus::Leased;
    Ok(Change::Changed(next))
}

fn passed(task: &Task, number: u32, from: WorkerId) -> Result<Change, Refusal> {
    let attempt = own(task, number, from)?;
    if matches!(
        attempt.status,
        AttemptStatus::Done | AttemptStatus::SentBack
    ) {
        return Ok(Change::Unchanged);
    }
    if matches!(task.status, TaskStatus::Done | TaskStatus::Cancelled) {
        return Err(Refusal::NotWanted);
    }
    // A rejected or failed attempt is over; only silence and a lost answer are forgiven.
    if !matches!(
        attempt.status,
        AttemptStatus::Leased | AttemptStatus::Lost | AttemptStatus::Returned
    ) {
        return Err(Refusal::NotWanted);
    }
    // Handed in late, it is what its creator has seen already.
    let sent_back =
        |other: &Attempt| other.worker == from && other.status == AttemptStatus::SentBack;
    if attempt.status != AttemptStatus::Leased && task.attempts.iter().any(sent_back) {
        return Err(Refusal::NotWanted);
    }
    let mut next = task.clone();
    next.status = TaskStatus::Done;
    for other in &mut next.attempts {
        if other.number == number {
            other.status = AttemptStatus::Done;
        } else if other.status == AttemptStatus::Leased {
            other.status = AttemptStatus::Stopping;
        }
    }
    Ok(Change::Changed(next))
}

/// Ends an attempt without a picture; one that failed or was rejected is a strike.
fn end(task: &Task, number: u32, from: WorkerId, how: AttemptStatus) -> Result<Change, Refusal> {
    use AttemptStatus::{Failed, Rejected};
    let Some((mut next, now)) = ended(task, number, from, how)? else {
        return Ok(Change::Unchanged);
    };
    if matches!(now, Failed | Rejected) {
        next.failures += 1;
    }
    settle(&mut next);
    Ok(Change::Changed(next))
}

/// A blank picture is rejected, or the same one handed in again would be its own second opinion; but it is no
/// strike, for it may be right.
fn doubt(task: &Task, number: u32, from: WorkerId) -> Result<Change, Refusal> {
    let Some((mut next, now)) = ended(task, number, from, AttemptStatus::Rejected)? else {
        return Ok(Change::Unchanged);
    };
    if now == AttemptStatus::Rejected {
        next.blanks += 1;
    }
    settle(&mut next);
    Ok(Change::Changed(next))
}

/// The task with one attempt ended, and how that ended; `None` if it was so already.
fn ended(
    task: &Task,
    number: u32,
    from: WorkerId,
    how: AttemptStatus,
) -> Result<Option<(Task, AttemptStatus)>, Refusal> {
    use AttemptStatus::{Failed, Leased, Lost, Rejected, Returned, Stopped, Stopping};
    let attempt = own(task, number, from)?;
    let now = match (attempt.status, how) {
        (was, how) if was == how => return Ok(None),
        (Leased, how) => how,
        // Told to stop: whatever it says now, it has stopped.
        (Stopping, _) => Stopped,
        // It was taken for lost and comes back with a failure: that is worth knowing.
        (Lost, Failed | Rejected) => how,
        (Lost, Returned | Stopped) => return Ok(None),
        _ => return Err(Refusal::NotWanted),
    };
    let mut next = task.clone();
    for other in &mut next.attempts {
        if other.number == number {
            other.status = now;
        }
    }
    Ok(Some((next, now)))
}

/// Where a task stands once one of its attempts has ended.
fn settle(task: &mut Task) {
    if !matches!(task.status, TaskStatus::Leased | TaskStatus::Queued) {
        return;
    }
    let running = task
        .attempts
        .iter()
        .any(|a| a.status == AttemptStatus::Leased);
    task.status = match (running, task.failures >= STRIKES) {
        (true, _) => TaskStatus::Leased,
        (false, false) => TaskStatus::Queued,
        (false, true) => TaskStatus::Failed,
    };
}

fn cancel(task: &Task) -> Change {
    if matches!(task.status, TaskStatus::Done | TaskStatus::Cancelled) {
        return Change::Unchanged;
    }
    let mut next = task.clone();
    next.status = TaskStatus::Cancelled;
    for attempt in &mut next.attempts {
        if attempt.status == AttemptStatus::Leased {
            attempt.status = AttemptStatus::Stopping;
        }
    }
    Change::Changed(next)
}

fn retry(task: &Task) -> Change {
    if !matches!(task.status, TaskStatus::Failed | TaskStatus::Cancelled) {
        return Change::Unchanged;
    }
    Change::Changed(Task {
        status: TaskStatus::Queued,
        failures: 0,
        blanks: 0,
        ..task.clone()
    })
}

fn send_back(task: &Task, number: u32) -> Result<Change, Refusal> {
    match (find(task, number)?.status, task.status) {
        (AttemptStatus::SentBack, _) => return Ok(Change::Unchanged),
        (AttemptStatus::Done, TaskStatus::Done) => {}
        _ => return Err(Refusal::NotWanted),
    }
    let mut next = Task {
        status: TaskStatus::Queued,
        failures: 0,
        blanks: 0,
        ..task.clone()
    };
    for attempt in &mut next.attempts {
        if attempt.number == number {
            attempt.status = AttemptStatus::SentBack;
        }
    }
    Ok(Change::Changed(next))
}

fn find(task: &Task, number: u32) -> Result<&Attempt, Refusal> {
    task.attempts
        .iter()
        .find(|attempt| attempt.number == number)
        .ok_or(Refusal::NotYours)
}

fn own(task: &Task, number: u32, from: WorkerId) -> Result<&Attempt, Refusal> {
    find(task, number).and_then(|a| {
        if a.worker == from {
            Ok(a)
        } else {
            Err(Refusal::NotYours)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_late_report_cannot_reopen_a_finished_task() {
        let task = after(&[
            Event::Granted { to: worker(1) },
            Event::Granted { to: worker(2) },
            Event::Passed {
                attempt: 2,
                from: worker(2),
            },
        ]);
        let late = Event::Passed {
            attempt: 1,
            from: worker(1),
        };
        assert_eq!(apply(&task, late), Err(Refusal::NotWanted));
        let failed = changed(
            &task,
            Event::Failed {
                attempt: 1,
                from: worker(1),
            },
        );
        assert_eq!(failed.status, TaskStatus::Done);
        assert_eq!(failed.failures, 0);
    }

    #[test]
    fn a_repeated_report_gets_the_first_answer_again() {
        let passed = Event::Passed {
            attempt: 1,
            from: worker(1),
        };
        let task = after(&[Event::Granted { to: worker(1) }, passed]);
        assert_eq!(apply(&task, passed), Ok(Change::Unchanged));
    }

    #[test]
    fn a_blank_picture_is_no_strike_and_not_its_own_second_opinion() {
        let blank = Event::Blank {
            attempt: 1,
            from: worker(1),
        };
        let task = after(&[Event::Granted { to: worker(1) }, blank]);
        assert_eq!(
            (task.status, task.failures, task.blanks),
            (TaskStatus::Queued, 0, 1)
        );
        assert_eq!(apply(&task, blank), Ok(Change::Unchanged));
        let again = Event::Passed {
            attempt: 1,
            from: worker(1),
        };
        assert_eq!(apply(&task, again), Err(Refusal::NotWanted));
    }

    #[test]
    fn nobody_reports_on_anothers_attempt() {
        let task = after(&[Event::Granted { to: worker(1) }]);
        let stolen = Event::Passed {
            attempt: 1,
            from: worker(2),
        };
        assert_eq!(apply(&task, stolen), Err(Refusal::NotYours));
        assert_eq!(
            apply(&task, Event::Expired { attempt: 7 }),
            Err(Refusal::NotYours)
        );
    }

    #[test]
    fn a_silent_worker_that_comes_back_with_the_picture_is_welcome() {
        let task = after(&[
            Event::Granted { to: worker(1) },
            Event::Expired { attempt: 1 },
        ]);
        assert_eq!(task.status, TaskStatus::Queued);
        let task = changed(
            &task,
            Event::Passed {
                attempt: 1,
                from: worker(1),
            },
        );
        assert_eq!(task.status, TaskStatus::Done);
    }

    #[test]
    fn three_strikes_end_a_task_and_a_retry_forgives_them() {
        let mut task = after(&[]);
        for strike in 1..=STRIKES {
            assert_eq!(task.status, TaskStatus::Queued, "before strike {strike}");
            task = changed(&task, Event::Granted { to: worker(strike) });
            task = changed(
                &task,
                Event::Failed {
                    attempt: strike,
                    from: worker(strike),
                },
            );
        }
        assert_eq!(task.status, TaskStatus::Failed);
        assert_eq!(changed(&task, Event::Retry).failures, 0);
    }

    #[test]
    fn losing_a_worker_is_no_strike() {
        let mut task = after(&[]);
        for attempt in 1..10 {
            task = changed(&task, Event::Granted { to: worker(1) });
            task = changed(&task, Event::Expired { attempt });
        }
        assert_eq!((task.status, task.failures), (TaskStatus::Queued, 0));
    }

    #[test]
    fn cancelling_stops_every_attempt_and_spares_what_is_done() {
        let task = after(&[Event::Granted { to: worker(1) }, Event::Cancel]);
        assert_eq!(task.attempts[0].status, AttemptStatus::Stopping);
        let task = changed(
            &task,
            Event::Failed {
                attempt: 1,
                from: worker(1),
            },
        );
        assert_eq!(task.attempts[0].status, AttemptStatus::Stopped);
        assert_eq!(task.failures, 0);

        let done = after(&[
            Event::Granted { to: worker(1) },
            Event::Passed {
                attempt: 1,
                from: worker(1),
            },
        ]);
        assert_eq!(apply(&done, Event::Cancel), Ok(Change::Unchanged));
    }

    #[test]
    fn what_is_sent_back_is_queued_anew_and_its_picture_stays_with_its_attempt() {
        let passed = Event::Passed {
            attempt: 1,
            from: worker(1),
        };
        let done = after(&[
            Event::Granted { to: worker(1) },
            Event::Granted { to: worker(2) },
            passed,
        ]);
        let sent_back = Event::SentBack { attempt: 1 };
        let task = changed(&done, sent_back);
        assert_eq!((task.status, task.failures), (TaskStatus::Queued, 0));
        assert_eq!(task.attempts[0].status, AttemptStatus::SentBack);
        // Said again, by the creator or by the worker that made it, it changes nothing.
        assert_eq!(apply(&task, sent_back), Ok(Change::Unchanged));
        assert_eq!(apply(&task, passed), Ok(Change::Unchanged));
        let task = changed(&task, Event::Granted { to: worker(3) });
        let again = Event::Passed {
            attempt: 3,
            from: worker(3),
        };
        assert_eq!(changed(&task, again).status, TaskStatus::Done);
    }

    #[test]
    fn whose_picture_was_sent_back_hands_in_no_older_one() {
        let task = after(&[
            Event::Granted { to: worker(1) },
            Event::Expired { attempt: 1 },
            Event::Granted { to: worker(1) },
            Event::Passed {
                attempt: 2,
                from: worker(1),
            },
            Event::SentBack { attempt: 2 },
        ]);
        let late = Event::Passed {
            attempt: 1,
            from: worker(1),
        };
        assert_eq!(apply(&task, late), Err(Refusal::NotWanted));
    }

    #[test]
    fn only_the_picture_that_is_there_can_be_sent_back() {
        let task = after(&[Event::Granted { to: worker(1) }]);
        assert_eq!(
            apply(&task, Event::SentBack { attempt: 1 }),
            Err(Refusal::NotWanted)
        );
        assert_eq!(
            apply(&task, Event::SentBack { attempt: 2 }),
            Err(Refusal::NotYours)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn no_order_of_events_breaks_a_task(events in prop::collection::vec(event(), 0..40)) {
            let mut task = after(&[]);
            let mut was_done = false;
            for event in events {
                let Ok(Change::Changed(next)) = apply(&task, event) else { continue };
                // Done is for ever unless it is sent back, and attempts only ever grow in number.
                let sent_back = matches!(event, Event::SentBack { .. });
                prop_assert!(!was_done || sent_back || next.status == TaskStatus::Done);
                prop_assert!(!sent_back || (was_done && next.status == TaskStatus::Queued));
                for (before, after) in task.attempts.iter().zip(&next.attempts) {
                    let stays = before.status != AttemptStatus::SentBack || after.status == before.status;
                    prop_assert!(stays, "{before:?} became {after:?}");
                }
                prop_assert!(next.attempts.len() >= task.attempts.len());
                let done = next.attempts.iter().filter(|a| a.status == AttemptStatus::Done).count();
                prop_assert_eq!(done, usize::from(next.status == TaskStatus::Done));
                let running = next.attempts.iter().any(|a| a.status == AttemptStatus::Leased);
                prop_assert_eq!(running, next.status == TaskStatus::Leased);
                let numbers: Vec<_> = next.attempts.iter().map(|a| a.number).collect();
                prop_assert_eq!(numbers, (1..=next.attempts.len() as u32).collect::<Vec<_>>());
                was_done = next.status == TaskStatus::Done;
                task = next;
            }
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        let one = (1..5_u32, 1..4_u32);
        prop_oneof![
            (1..4_u32).prop_map(|w| Event::Granted { to: worker(w) }),
            (0..8_u32, one).prop_map(|(kind, (attempt, w))| {
                let from = worker(w);
                match kind {
                    0 => Event::Passed { attempt, from },
                    1 => Event::Rejected { attempt, from },
                    2 => Event::Blank { attempt, from },
                    3 => Event::Failed { attempt, from },
                    4 => Event::Returned { attempt, from },
                    5 => Event::Stopped { attempt, from },
                    6 => Event::SentBack { attempt },
                    _ => Event::Expired { attempt },
                }
            }),
            Just(Event::Cancel),
            Just(Event::Retry),
        ]
    }

    fn after(events: &[Event]) -> Task {
        let fresh = Task {
            status: TaskStatus::Queued,
            failures: 0,
            blanks: 0,
            attempts: Vec::new(),
        };
        events
            .iter()
            .fold(fresh, |task, event| changed(&task, *event))
    }

    fn changed(task: &Task, event: Event) -> Task {
        match apply(task, event) {
            Ok(Change::Changed(next)) => next,
            other => panic!("{event:?} on {task:?} gave {other:?}"),
        }
    }

    fn worker(n: u32) -> WorkerId {
        WorkerId::new(Uuid::from_u128(u128::from(n)))
    }
}
