//! Frame lists as artists write them: `1-10,15,20-30x2`.
//!
//! `a-b` is every frame from a to b, both included; `a-bxN` every N-th of them; negative frames are
//! allowed (`-5--1`). Frames are rendered once however often a list names them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Blender's own bound on a frame's number (`MAXFRAME`).
pub const FRAME_MAX: i32 = 1_048_574;
/// Most frames in one job: an hour-long film at 24 frames a second fits.
pub const FRAMES_PER_JOB_MAX: usize = 100_000;

/// The frames of a job: sorted, without repetition, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "1-10,15,20-30x2")]
pub struct FrameList(Vec<i32>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameListError {
    #[error("the frame list is empty")]
    Empty,
    #[error("{0:?} is not a frame, a range a-b or a stepped range a-bxN")]
    Syntax(String),
    #[error("the range {0:?} ends before it starts")]
    Backwards(String),
    #[error("the step of {0:?} must be 1 or more")]
    Step(String),
    #[error("frame {0} is out of Blender's range of ±{FRAME_MAX}")]
    OutOfRange(i64),
    #[error("the list names more than {FRAMES_PER_JOB_MAX} frames")]
    TooMany,
}

impl FrameList {
    pub fn parse(text: &str) -> Result<Self, FrameListError> {
        let mut frames = BTreeSet::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (first, last, step) = range(part)?;
            // Checked before the frames are made: `1-1048574` must not cost a million insertions.
            if (last - first) as usize / step >= FRAMES_PER_JOB_MAX {
                return Err(FrameListError::TooMany);
            }
            frames.extend((first..=last).step_by(step));
            if frames.len() > FRAMES_PER_JOB_MAX {
                return Err(FrameListError::TooMany);
            }
        }
        if frames.is_empty() {
            return Err(FrameListError::Empty);
        }
        Ok(Self(frames.into_iter().collect()))
    }

    /// The frames `first, first + step, …` up to `last`: what a .blend says of itself.
    pub fn from_range(first: i32, last: i32, step: u32) -> Result<Self, FrameListError> {
        Self::parse(&format!("{first}-{last}x{}", step.max(1)))
    }

    pub fn as_slice(&self) -> &[i32] {
        &self.0
    }
}

/// One item of the list as (first, last, step).
fn range(part: &str) -> Result<(i32, i32, usize), FrameListError> {
    let syntax = || FrameListError::Syntax(part.chars().take(40).collect());
    let (span, step) = match part.split_once(['x', 'X']) {
        Some((span, step)) => (
            span.trim(),
            step.trim().parse::<u32>().map_err(|_| syntax())?,
        ),
        None => (part, 1),
    };
    if step == 0 {
        return Err(FrameListError::Step(part.into()));
    }
    // The dash after the first character separates; one before it is a sign.
    let dash = span
        .char_indices()
        .skip(1)
        .find(|(_, c)| *c == '-')
        .map(|(at, _)| at);
    let (first, last) = match dash {
        Some(at) => (span[..at].trim(), span[at + 1..].trim()),
        None => (span, span),
    };
    let first = frame(first.parse().map_err(|_| syntax())?)?;
    let last = frame(last.parse().map_err(|_| syntax())?)?;
    if last < first {
        return Err(FrameListError::Backwards(part.into()));
    }
    Ok((first, last, step as usize))
}

fn frame(number: i64) -> Result<i32, FrameListError> {
    i32::try_from(number)
        .ok()
        .filter(|frame| frame.abs() <= FRAME_MAX)
        .ok_or(FrameListError::OutOfRange(number))
}

impl fmt::Display for FrameList {
    /// The shortest list of ranges; a run needs three frames to be worth a range.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames = &self.0;
        let mut at = 0;
        while at < frames.len() {
            let step = frames.get(at + 1).map_or(1, |next| next - frames[at]);
            let mut end = at;
            while frames
                .get(end + 1)
                .is_some_and(|next| next - frames[end] == step)
            {
                end += 1;
            }
            if at > 0 {
                f.write_str(",")?;
            }
            match (end - at, step) {
                (0 | 1, _) => {
                    end = at;
                    write!(f, "{}", frames[at])?;
                }
                (_, 1) => write!(f, "{}-{}", frames[at], frames[end])?,
                _ => write!(f, "{}-{}x{step}", frames[at], frames[end])?,
            }
            at = end + 1;
        }
        Ok(())
    }
}

impl TryFrom<String> for FrameList {
    type Error = FrameListError;

    fn try_from(text: String) -> Result<Self, FrameListError> {
        Self::parse(&text)
    }
}

impl From<FrameList> for String {
    fn from(list: FrameList) -> Self {
        list.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_steps_and_single_frames_mix() {
        let list = FrameList::parse("1-3, 15,20-30x2,2").unwrap();
        assert_eq!(list.as_slice(), [1, 2, 3, 15, 20, 22, 24, 26, 28, 30]);
        assert_eq!(list.to_string(), "1-3,15,20-30x2");
    }

    #[test]
    fn negative_frames_are_frames() {
        assert_eq!(FrameList::parse("-2-1").unwrap().as_slice(), [-2, -1, 0, 1]);
        assert_eq!(FrameList::parse("-5--3").unwrap().as_slice(), [-5, -4, -3]);
    }

    #[test]
    fn absurd_lists_are_refused_with_the_reason() {
        use FrameListError as E;
        let cases = [
            ("", E::Empty),
            (" , ", E::Empty),
            ("one", E::Syntax("one".into())),
            ("1-", E::Syntax("1-".into())),
            ("1-2-3", E::Syntax("1-2-3".into())),
            ("9-1", E::Backwards("9-1".into())),
            ("1-9x0", E::Step("1-9x0".into())),
            ("1048575", E::OutOfRange(1_048_575)),
            ("99999999999", E::OutOfRange(99_999_999_999)),
            ("0-1048574", E::TooMany),
            ("0-99999,100000", E::TooMany),
        ];
        for (text, error) in cases {
            assert_eq!(FrameList::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_list_reads_what_it_writes(frames in prop::collection::btree_set(-300..300_i32, 1..60)) {
            let list = FrameList(frames.into_iter().collect());
            prop_assert_eq!(FrameList::parse(&list.to_string()), Ok(list));
        }

        #[test]
        fn any_text_is_a_list_or_a_reason(text in ".{0,40}") {
            let _ = FrameList::parse(&text);
        }
    }
}
