//! How long frames should take, from how long others took and how quick the slots are.
//!
//! Pure. Scores and their unit: [`pictor_protocol::benchmark`].

use pictor_protocol::benchmark;

/// What was measured of a job's frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// Done frames, and the time of all of them.
    pub done: i64,
    pub render_ms: i64,
    /// Those of slots whose score is known, and what they would have taken on the reference machine.
    pub scored: i64,
    pub reference_ms: i64,
    /// Those of the worker in question.
    pub done_here: i64,
    pub render_ms_here: i64,
}

/// What a frame should take on a slot: what its worker's frames of the job took; else what the reference
/// machine would take, by the slot's score; else what anybody's took.
pub fn expected_ms(measured: &Measured, score: Option<f64>) -> Option<i64> {
    let mean = |ms: i64, frames: i64| (frames > 0).then(|| ms / frames);
    let by_score = || {
        let score = benchmark::plausible(score?)?;
        let reference_ms = mean(measured.reference_ms, measured.scored)?;
        Some((reference_ms as f64 / score) as i64)
    };
    mean(measured.render_ms_here, measured.done_here)
        .or_else(by_score)
        .or_else(|| mean(measured.render_ms, measured.done))
}

/// What a frame that took so long on a slot with this score would have taken on the reference machine.
pub fn reference_ms(render_ms: i64, score: Option<f64>) -> Option<i64> {
    Some((render_ms as f64 * benchmark::plausible(score?)?) as i64)
}

/// What a frame may have taken, by what its worker says and by our own clock: the frames of a lease are rendered
/// one after the other, so together they did not take longer than it was theirs.
pub fn believable_ms(claimed_ms: i64, leased_for_ms: i64, others_of_lease_ms: i64) -> i64 {
    claimed_ms.min(leased_for_ms - others_of_lease_ms).max(0)
}

/// Time until so many frames are done, by slots that need so long for one each; `None` when none is known.
pub fn time_left_ms(frames: u32, expected_ms: &[i64]) -> Option<i64> {
    let per_ms: f64 = expected_ms.iter().map(|ms| 1.0 / (*ms).max(1) as f64).sum();
    (per_ms > 0.0).then(|| (f64::from(frames) / per_ms) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nobody_renders_longer_than_the_lease_was_theirs() {
        assert_eq!(believable_ms(5_000, 9_000, 0), 5_000);
        assert_eq!(believable_ms(5_000, 9_000, 6_000), 3_000);
        assert_eq!(believable_ms(5_000, 9_000, 9_500), 0);
        assert_eq!(believable_ms(i64::MAX, 9_000, 0), 9_000);
    }

    #[test]
    fn a_slot_that_never_saw_the_job_is_expected_to_keep_the_pace_of_its_score() {
        // Ten frames of 8 s, on slots of score 0.5: 4 s on the reference machine.
        let measured = Measured {
            done: 10,
            render_ms: 80_000,
            scored: 10,
            reference_ms: 40_000,
            ..Measured::default()
        };
        assert_eq!(expected_ms(&measured, Some(2.0)), Some(2_000));
        assert_eq!(expected_ms(&measured, None), Some(8_000));
        assert_eq!(expected_ms(&measured, Some(f64::NAN)), Some(8_000));
        let seen = Measured {
            done_here: 2,
            render_ms_here: 6_000,
            ..measured
        };
        assert_eq!(
            expected_ms(&seen, Some(2.0)),
            Some(3_000),
            "what was measured beats what was computed"
        );
    }

    #[test]
    fn without_a_frame_nothing_is_expected() {
        assert_eq!(expected_ms(&Measured::default(), Some(2.0)), None);
    }

    #[test]
    fn a_quick_slot_beside_a_slow_one_does_most_of_what_is_left() {
        assert_eq!(time_left_ms(10, &[1_000]), Some(10_000));
        assert_eq!(time_left_ms(10, &[1_000, 4_000]), Some(8_000));
        assert_eq!(time_left_ms(10, &[]), None);
        assert_eq!(time_left_ms(0, &[1_000]), Some(0));
    }

    proptest! {
        #[test]
        fn the_score_of_who_rendered_and_of_who_will_cancel_out(
            ms in 1_i64..10_000_000, frames in 1_i64..1_000, score in 0.001_f64..10_000.0
        ) {
            // Rounding loses less than a millisecond of reference time a frame.
            let measured = Measured {
                scored: frames,
                reference_ms: frames * reference_ms(ms, Some(score)).unwrap(),
                ..Measured::default()
            };
            let expected = expected_ms(&measured, Some(score)).unwrap();
            prop_assert!((expected - ms).abs() as f64 <= 1.0 / score + 1.0, "{expected} for {ms}");
        }
    }
}
