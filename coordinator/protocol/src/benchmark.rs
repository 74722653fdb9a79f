//! The benchmark at joining, and its unit.
//!
//! Every slot renders the same small Cycles scene, which the worker builds by script, with [`SAMPLES`] samples
//! of each of its 256×144 pixels, and measures how long that takes. A render before it pays for kernels,
//! allocations and the geometry. A device that is too quick to be measured renders four times as many samples,
//! and so on, and counts the share of [`SAMPLES`] in the time. The score is the speed relative to a machine
//! that needs [`REFERENCE_MS`]: 2.0 is twice as fast.
//!
//! A *reference minute* is what the reference machine renders in a minute. A slot with score `s` does
//! `s` of them a minute, so a frame that took it `t` is `t × s` of reference time, and a slot with score
//! `u` that never saw the job should take `t × s / u`.

/// What the benchmark scene takes on the reference machine. Changing the scene or this number changes
/// what everybody earns: raise [`VERSION`] with it.
pub const REFERENCE_MS: f64 = 1_000.0;

/// How often the reference machine samples each pixel in that time.
pub const SAMPLES: u32 = 32;

/// Which scene and reference a score refers to.
pub const VERSION: u32 = 1;

/// Scores outside of this are taken for errors of the measurement.
pub const SCORE_MIN: f64 = 0.001;
pub const SCORE_MAX: f64 = 10_000.0;

/// The score of a slot that took so long; `None` when that cannot be.
pub fn score(render_ms: f64) -> Option<f64> {
    plausible(REFERENCE_MS / render_ms)
}

/// A score as it may be believed.
pub fn plausible(score: f64) -> Option<f64> {
    (SCORE_MIN..=SCORE_MAX).contains(&score).then_some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_fast_is_twice_the_score() {
        assert_eq!(score(REFERENCE_MS), Some(1.0));
        assert_eq!(score(REFERENCE_MS / 2.0), Some(2.0));
    }

    #[test]
    fn what_cannot_be_is_no_score() {
        for render_ms in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
            assert_eq!(score(render_ms), None, "{render_ms}");
        }
    }
}
