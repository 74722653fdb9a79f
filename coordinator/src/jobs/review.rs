//! What a creator may say of a frame, and when. Pure.
//!
//! A picture is approved, or sent back to be made again by somebody else. Who rendered it gives machine time for
//! each, so pictures of other people's workers are sent back at most [`SENT_BACK_MAX`] times a frame, within
//! [`WITHIN_DAYS`] days, and never once they are approved. On one's own workers anything goes.

use pictor_protocol::settings::Fault;

use crate::campaign::calendar::DAY_US;
use crate::dispatch::task::TaskStatus;
use crate::store::column::words;

/// How often the pictures of a frame may be sent back to other people's workers.
pub const SENT_BACK_MAX: i64 = 2;
/// How long after its delivery a picture may be sent back.
pub const WITHIN_DAYS: i64 = 7;
/// Longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 300;
/// Most frames that are named in one request: each is written on its own, while nobody else writes.
pub const FRAMES_MAX: usize = 500;

words! {
    /// What was said last of a frame. A new picture begins without a word.
    pub enum Review {
        Approved = "approved",
        SentBack = "sent_back",
    }
}

words! {
    /// What became of a picture that was sent back.
    pub enum Outcome {
        /// The frame is not there again.
        Open = "open",
        /// Another picture was accepted: what it was charged came back, and nobody earned with it.
        Replaced = "replaced",
        /// The new picture shows the same: it stays paid, and earned.
        Same = "same",
        /// The new picture is by the creator's own worker, or that of a linked account: it stays paid, and earned.
        Own = "own",
        /// What it earned was settled before: it stays paid.
        Settled = "settled",
    }
}

/// A frame, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewed {
    pub status: TaskStatus,
    pub review: Option<Review>,
    pub delivered_us: Option<i64>,
    /// Rendered by a worker of the creator's own.
    pub own: bool,
    /// How often pictures of it were sent back that other people's workers made.
    pub sent_back: i64,
}

/// What there is to do for a wish that may be fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    Change,
    /// It is so already.
    Nothing,
}

/// Why a frame cannot be approved or sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("this is no frame of the job")]
    NoFrame,
    #[error("the frame is not done")]
    NotDone,
    #[error("the frame was approved")]
    Approved,
    #[error("the frame was sent back twice already")]
    TooOften,
    #[error("the frame was delivered more than 7 days ago")]
    TooLate,
}

pub fn approve(frame: &Reviewed) -> Result<Todo, Why> {
    match (frame.status, frame.review) {
        (TaskStatus::Done, Some(Review::Approved)) => Ok(Todo::Nothing),
        (TaskStatus::Done, _) => Ok(Todo::Change),
        _ => Err(Why::NotDone),
    }
}

pub fn send_back(frame: &Reviewed, now_us: i64) -> Result<Todo, Why> {
    if frame.status != TaskStatus::Done {
        // Asked for again while it is made anew.
        let open = matches!(frame.status, TaskStatus::Queued | TaskStatus::Leased);
        return match frame.review {
            Some(Review::SentBack) if open => Ok(Todo::Nothing),
            _ => Err(Why::NotDone),
        };
    }
    if frame.own {
        return Ok(Todo::Change);
    }
    let late_us = frame.delivered_us.unwrap_or(0) + WITHIN_DAYS * DAY_US;
    match frame.review {
        Some(Review::Approved) => Err(Why::Approved),
        _ if frame.sent_back >= SENT_BACK_MAX => Err(Why::TooOften),
        _ if now_us > late_us => Err(Why::TooLate),
        _ => Ok(Todo::Change),
    }
}

/// The reason as it is kept: one line, without blanks around it.
pub fn reason(text: &str) -> Result<&str, Fault> {
    let text = text.trim();
    let fault = |message: String| Fault {
        field: "reason".into(),
        message,
    };
    if text.is_empty() {
        return Err(fault("say why, for whoever rendered it".into()));
    }
    if text.chars().count() > REASON_CHARS_MAX {
        return Err(fault(format!(
            "it is longer than {REASON_CHARS_MAX} characters"
        )));
    }
    if text.chars().any(char::is_control) {
        return Err(fault(
            "line ends and other control characters are not allowed".into(),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_US: i64 = 30 * DAY_US;

    const DELIVERED: Reviewed = Reviewed {
        status: TaskStatus::Done,
        review: None,
        delivered_us: Some(NOW_US - DAY_US),
        own: false,
        sent_back: 0,
    };

    #[test]
    fn a_frame_is_sent_back_at_most_twice_and_within_a_week() {
        assert_eq!(send_back(&DELIVERED, NOW_US), Ok(Todo::Change));
        let often = Reviewed {
            sent_back: SENT_BACK_MAX,
            ..DELIVERED
        };
        assert_eq!(send_back(&often, NOW_US), Err(Why::TooOften));
        let week_us = WITHIN_DAYS * DAY_US;
        let at = |delivered_us| Reviewed {
            delivered_us: Some(delivered_us),
            ..DELIVERED
        };
        assert_eq!(send_back(&at(NOW_US - week_us), NOW_US), Ok(Todo::Change));
        assert_eq!(
            send_back(&at(NOW_US - week_us - 1), NOW_US),
            Err(Why::TooLate)
        );
    }

    #[test]
    fn what_was_approved_is_not_sent_back_and_what_was_sent_back_is_not_approved() {
        let approved = Reviewed {
            review: Some(Review::Approved),
            ..DELIVERED
        };
        assert_eq!(approve(&approved), Ok(Todo::Nothing));
        assert_eq!(send_back(&approved, NOW_US), Err(Why::Approved));
        let sent_back = Reviewed {
            status: TaskStatus::Queued,
            review: Some(Review::SentBack),
            sent_back: 1,
            ..DELIVERED
        };
        assert_eq!(approve(&sent_back), Err(Why::NotDone));
        assert_eq!(send_back(&sent_back, NOW_US), Ok(Todo::Nothing));
    }

    #[test]
    fn on_ones_own_workers_anything_goes() {
        let own = Reviewed {
            review: Some(Review::Approved),
            delivered_us: Some(0),
            own: true,
            sent_back: 9,
            ..DELIVERED
        };
        assert_eq!(send_back(&own, NOW_US), Ok(Todo::Change));
    }

    #[test]
    fn a_reason_is_one_line_of_300_characters_at_most() {
        assert_eq!(reason("  fireflies "), Ok("fireflies"));
        assert_eq!(reason(&"ß".repeat(300)).map(str::len), Ok(600));
        for bad in ["", "  ", "a\nb", &"x".repeat(301)] {
            assert_eq!(reason(bad).unwrap_err().field, "reason", "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_a_picture_that_is_there_is_sent_back(
            status in prop::sample::select(vec![
                TaskStatus::Queued, TaskStatus::Leased, TaskStatus::Done, TaskStatus::Failed, TaskStatus::Cancelled,
            ]),
            review in prop::sample::select(vec![None, Some(Review::Approved), Some(Review::SentBack)]),
            own: bool,
            sent_back in 0..4_i64,
            age_us in 0..9 * DAY_US,
        ) {
            let frame = Reviewed { status, review, delivered_us: Some(NOW_US - age_us), own, sent_back };
            if super::send_back(&frame, NOW_US) == Ok(Todo::Change) {
                prop_assert_eq!(status, TaskStatus::Done);
                prop_assert!(own || (review != Some(Review::Approved) && sent_back < SENT_BACK_MAX));
                prop_assert!(own || age_us <= WITHIN_DAYS * DAY_US);
            }
        }
    }
}
