//! The state of a job: derived from its frames, except what somebody decided.

use pictor_protocol::job::{FrameCounts, JobState};

use crate::store::column::words;

words! {
    /// What somebody decided about a job, or what its inspection found.
    pub enum Intent {
        Run = "run",
        Paused = "paused",
        Cancelled = "cancelled",
        Attention = "attention",
    }
}

/// Where a job stands.
pub fn derive(intent: Intent, counts: &FrameCounts, started: bool) -> JobState {
    let open = counts.queued + counts.leased;
    match intent {
        Intent::Cancelled => JobState::Cancelled,
        Intent::Run | Intent::Paused | Intent::Attention if open == 0 => {
            if counts.failed + counts.cancelled > 0 {
                JobState::Failed
            } else {
                JobState::Done
            }
        }
        Intent::Attention => JobState::NeedsAttention,
        Intent::Paused => JobState::Paused,
        Intent::Run if counts.leased > 0 || started => JobState::Rendering,
        Intent::Run => JobState::Queued,
    }
}

/// Something that somebody wants of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Pause,
    Resume,
    Cancel,
    Retry,
    /// Frames are sent back.
    SendBack,
}

/// A wish that the state of the job does not allow.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the job is {state}, so it cannot be {wish}")]
pub struct NotNow {
    state: &'static str,
    wish: &'static str,
}

/// The intent after a wish; the same one if there is nothing to do.
pub fn wish(intent: Intent, state: JobState, wish: Wish) -> Result<Intent, NotNow> {
    let refused = |done| {
        Err(NotNow {
            state: name(state),
            wish: done,
        })
    };
    match wish {
        Wish::Pause if state.is_over() => refused("paused"),
        Wish::Pause => Ok(Intent::Paused),
        Wish::Resume
            if matches!(
                state,
                JobState::Done | JobState::Failed | JobState::Cancelled
            ) =>
        {
            refused("resumed")
        }
        Wish::Resume => Ok(Intent::Run),
        Wish::Cancel if state == JobState::Done => refused("cancelled"),
        Wish::Cancel => Ok(Intent::Cancelled),
        Wish::Retry if intent == Intent::Paused => Ok(Intent::Paused),
        Wish::Retry => Ok(Intent::Run),
        Wish::SendBack if state == JobState::Cancelled => refused("sent back"),
        // What is decided about its other frames holds for these too.
        Wish::SendBack if matches!(state, JobState::Paused | JobState::NeedsAttention) => {
            Ok(intent)
        }
        Wish::SendBack => Ok(Intent::Run),
    }
}

/// As programs spell it.
pub const fn name_on_the_wire(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Rendering => "rendering",
        JobState::Paused => "paused",
        JobState::NeedsAttention => "needs_attention",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Unknown => "unknown",
    }
}

/// As people read it.
const fn name(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Rendering => "rendering",
        JobState::Paused => "paused",
        JobState::NeedsAttention => "in need of attention",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Unknown => "in an unknown state",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_the_frames() {
        let counts = |queued, leased, done, failed| FrameCounts {
            total: queued + leased + done + failed,
            queued,
            leased,
            done,
            failed,
            cancelled: 0,
        };
        let cases = [
            (Intent::Run, counts(3, 0, 0, 0), false, JobState::Queued),
            (Intent::Run, counts(2, 1, 0, 0), true, JobState::Rendering),
            (Intent::Run, counts(2, 0, 1, 0), true, JobState::Rendering),
            (Intent::Run, counts(0, 0, 3, 0), true, JobState::Done),
            (Intent::Run, counts(0, 0, 2, 1), true, JobState::Failed),
            (Intent::Paused, counts(2, 1, 0, 0), true, JobState::Paused),
            (Intent::Paused, counts(0, 0, 3, 0), true, JobState::Done),
            (
                Intent::Attention,
                counts(3, 0, 0, 0),
                true,
                JobState::NeedsAttention,
            ),
            (
                Intent::Cancelled,
                counts(0, 0, 1, 0),
                true,
                JobState::Cancelled,
            ),
        ];
        for (intent, counts, started, state) in cases {
            assert_eq!(
                derive(intent, &counts, started),
                state,
                "{intent:?} {counts:?}"
            );
        }
    }

    #[test]
    fn what_is_over_cannot_be_paused_and_what_is_done_cannot_be_cancelled() {
        assert!(wish(Intent::Run, JobState::Done, Wish::Pause).is_err());
        assert!(wish(Intent::Run, JobState::Done, Wish::Cancel).is_err());
        assert!(wish(Intent::Cancelled, JobState::Cancelled, Wish::Resume).is_err());
        assert_eq!(
            wish(Intent::Cancelled, JobState::Cancelled, Wish::Cancel),
            Ok(Intent::Cancelled)
        );
        assert!(wish(Intent::Cancelled, JobState::Cancelled, Wish::SendBack).is_err());
        assert_eq!(
            wish(Intent::Paused, JobState::Done, Wish::SendBack),
            Ok(Intent::Run)
        );
        assert_eq!(
            wish(Intent::Paused, JobState::Paused, Wish::SendBack),
            Ok(Intent::Paused)
        );
        assert_eq!(
            wish(Intent::Attention, JobState::NeedsAttention, Wish::Resume),
            Ok(Intent::Run)
        );
    }
}
