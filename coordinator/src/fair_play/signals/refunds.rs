//! Creators who send back most of what they are delivered. Pure.
//!
//! A frame that is sent back is refunded once another picture takes its place, and the one before stays with its
//! creator: done to a few frames that is what it is for, done to most, such as with a scene that never looks the same
//! twice, it takes from those who rendered.

use pictor_protocol::UserId;
use serde_json::json;

use super::{Found, Kind};

/// So many frames are a bad night of one worker; more are a habit.
const LEAST: i64 = 20;
/// Of the frames that stayed charged, in percent.
const PERCENT: i64 = 50;

/// What somebody was charged for and what of it was refunded, in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refunds {
    pub creator: UserId,
    pub charged: i64,
    pub refunded: i64,
}

impl Refunds {
    fn kept(&self) -> i64 {
        self.charged - self.refunded
    }
}

pub fn refunds(of: &[Refunds]) -> Vec<Found> {
    let many = of
        .iter()
        .filter(|of| of.refunded >= LEAST && of.refunded * 100 >= of.kept() * PERCENT);
    let found = many.map(|of| Found {
        kind: Kind::Refunds,
        about: of.creator.to_string(),
        people: vec![of.creator],
        summary: format!(
            "{} frames were sent back and refunded, beside {} that stayed charged",
            of.refunded,
            of.kept()
        ),
        evidence: json!({ "charged_frames": of.charged, "refunded_frames": of.refunded }),
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_who_sends_back_many_frames_and_most_of_them_is_told_of() {
        let of = |charged, refunded| {
            let creator = UserId::new(Uuid::from_u128(7));
            refunds(&[Refunds {
                creator,
                charged,
                refunded,
            }])
            .len()
        };
        assert_eq!(of(60, 20), 1);
        assert_eq!(of(61, 20), 0);
        assert_eq!(of(38, 19), 0);
    }
}
