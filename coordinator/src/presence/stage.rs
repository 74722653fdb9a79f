//! What a challenge shows, out of its round's seed. Pure.
//!
//! The stage is the round's: the answers to it can be compared. The patches and the noise are each challenge's own:
//! no answer of one is an answer of another.

use pictor_protocol::challenge::{Colour, PATCHES, Stage, Thing};
use pictor_protocol::{ChallengeId, Micros, benchmark};

use super::dice::Dice;

/// How long a challenge should take on a slot that is as fast as its score: long enough to weigh more than what is
/// not rendering, short enough to be no burden.
pub const RENDER_US: i64 = 2_000_000;
/// More would be more than a score that rules may pay for can ask.
const SAMPLES_MAX: i64 = 1 << 16;

/// A turn around an axis, in thousandths of a radian.
const TURN: i32 = 6_283;

/// The stage of one challenge of a round.
pub fn stage(seed: &str, challenge: ChallengeId) -> Stage {
    let mut own = Dice::new(seed, &format!("challenge/{challenge}"));
    let patches = (0..PATCHES).map(|_| colour(&mut own, 0, 255)).collect();
    let mut dice = Dice::new(seed, "stage");
    Stage {
        patches,
        // So far that every thing is somewhere else, so near that it stays in the picture.
        monkey: thing(&mut dice, 400),
        ball: thing(&mut dice, 400),
        drop: thing(&mut dice, 400),
        lamp: thing(&mut dice, 1_000),
        // Light enough that the floor is never black.
        sky: colour(&mut dice, 60, 200),
        noise: own.below(1 << 31) as u32,
    }
}

fn thing(dice: &mut Dice, reach: i32) -> Thing {
    Thing {
        x: dice.between(-reach, reach),
        y: dice.between(-reach, reach),
        turn: dice.between(0, TURN),
        colour: colour(dice, 40, 230),
    }
}

fn colour(dice: &mut Dice, least: i32, most: i32) -> Colour {
    Colour([(); 3].map(|()| dice.between(least, most) as u8))
}

/// As many samples as a slot of this score should take [`RENDER_US`] for.
pub fn samples(score: Micros) -> u32 {
    let reference_us = (benchmark::REFERENCE_MS * 1e3) as i128;
    let samples = i128::from(score.get()) * i128::from(RENDER_US) * i128::from(benchmark::SAMPLES)
        / (reference_us * i128::from(Micros::PER_ONE));
    samples.clamp(1, i128::from(SAMPLES_MAX)) as u32
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> ChallengeId {
        ChallengeId::new(Uuid::from_u128(number))
    }

    #[test]
    fn challenges_of_a_round_have_one_stage_and_patches_and_noise_of_their_own() {
        let (one, other) = (stage("seed", id(1)), stage("seed", id(2)));
        assert_eq!(one.patches.len(), PATCHES);
        assert_ne!(one.patches, other.patches);
        assert_ne!(one.noise, other.noise);
        let things = |stage: &Stage| (stage.monkey, stage.ball, stage.drop, stage.lamp, stage.sky);
        assert_eq!(things(&one), things(&other));
        assert_eq!(one, stage("seed", id(1)), "the same after a restart");
        assert_ne!(things(&one), things(&stage("other", id(1))));
    }

    #[test]
    fn a_score_is_tried_with_two_seconds_of_its_work() {
        let samples = |score: f64| samples(Micros::new((score * 1e6) as i64));
        assert_eq!(samples(1.0), 2 * benchmark::SAMPLES);
        assert_eq!(samples(4.0), 8 * benchmark::SAMPLES);
        assert_eq!(samples(0.001), 1, "the least there is");
        assert_eq!(samples(1e12), SAMPLES_MAX as u32);
    }
}
