//! What the answers of a round prove. Pure.

use pictor_protocol::{ChallengeId, Micros, benchmark};

use super::picture::are_alike;
use crate::campaign::calendar::SECOND_US;
use crate::store::challenges::Status;

/// What is not rendering: two requests, starting to render, writing the picture and sending some 60 KB.
const BESIDE_RENDERING_US: i64 = SECOND_US;
/// A stage may take longer than the benchmark's, and a machine is not always at its best: 5/4. With Blender 4.5 six
/// stages took 0.91 to 1.14 s each.
const LENIENCE: (i128, i128) = (5, 4);
/// So many answers of others make a comparison: with one, nobody could say which of the two is wrong.
const OTHERS_MIN: usize = 2;

/// An answer that is one to its challenge.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    pub id: ChallengeId,
    pub tiles: &'a [u8],
    pub print: &'a str,
    /// Of earlier answers of the same owner's workers.
    pub earlier: Vec<&'a [u8]>,
    /// The score that was asked, and the samples that it was tried with.
    pub score: Micros,
    pub samples: u32,
    /// From when the round opened until the answer was here.
    pub took_us: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    pub id: ChallengeId,
    pub status: Status,
    /// With how many answers of others it was compared.
    pub compared: usize,
    /// The score that it bore out, if it passed.
    pub borne_out: Option<Micros>,
}

/// Judges the answers of a round, each of another owner.
pub fn judge(answers: &[Answer<'_>]) -> Vec<Judged> {
    let is_copied = |answer: &Answer<'_>| {
        let same = |other: &&Answer<'_>| other.print == answer.print;
        answers.iter().filter(same).count() > 1
    };
    let is_repeated =
        |answer: &Answer<'_>| answer.earlier.iter().any(|it| are_alike(it, answer.tiles));
    let own = |answer: &&Answer<'_>| !is_copied(answer) && !is_repeated(answer);
    let original: Vec<&Answer<'_>> = answers.iter().filter(own).collect();
    let verdict = |answer: &Answer<'_>| {
        let (status, compared) = if is_copied(answer) {
            (Status::Copied, 0)
        } else if is_repeated(answer) {
            (Status::Repeated, 0)
        } else {
            compare(answer, &original)
        };
        Judged {
            id: answer.id,
            status,
            compared,
            borne_out: (status == Status::Passed).then(|| borne_out(answer)),
        }
    };
    answers.iter().map(verdict).collect()
}

/// Whether an answer looks like at least half of the others'.
fn compare(answer: &Answer<'_>, answers: &[&Answer<'_>]) -> (Status, usize) {
    let others = answers.iter().filter(|other| other.id != answer.id);
    let alike = others
        .clone()
        .filter(|other| are_alike(other.tiles, answer.tiles));
    let (others, alike) = (others.count(), alike.count());
    match others {
        0..OTHERS_MIN => (Status::Passed, 0),
        _ if 2 * alike >= others => (Status::Passed, others),
        _ => (Status::Differs, others),
    }
}

/// The score that an answer's time bears out, at most the one that was asked.
fn borne_out(answer: &Answer<'_>) -> Micros {
    let rendering_us = (answer.took_us - BESIDE_RENDERING_US).max(1);
    let reference_us = (benchmark::REFERENCE_MS * 1e3) as i128 * i128::from(answer.samples)
        / i128::from(benchmark::SAMPLES);
    let score = reference_us * i128::from(Micros::PER_ONE) * LENIENCE.0
        / (i128::from(rendering_us) * LENIENCE.1);
    let asked = i128::from(answer.score.get());
    Micros::new(score.clamp(1, asked.max(1)) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::picture::TILES;
    use super::super::stage::{RENDER_US, samples};
    use super::*;

    /// A picture by the number of its stage, with some noise.
    fn tiles(stage: u8, noise: u8) -> Vec<u8> {
        let tile = |at: usize| (at as u8).wrapping_mul(stage).saturating_add(noise);
        (0..TILES).map(tile).collect()
    }

    fn answer<'a>(number: u128, tiles: &'a [u8], print: &'a str) -> Answer<'a> {
        let score = Micros::new(2_000_000);
        Answer {
            id: ChallengeId::new(Uuid::from_u128(number)),
            tiles,
            print,
            earlier: Vec::new(),
            score,
            samples: samples(score),
            took_us: RENDER_US,
        }
    }

    fn statuses(answers: &[Answer<'_>]) -> Vec<Status> {
        judge(answers).iter().map(|judged| judged.status).collect()
    }

    #[test]
    fn whoever_shows_what_the_others_do_not_fails_and_the_others_pass() {
        let (good, better, wrong) = (tiles(3, 0), tiles(3, 2), tiles(7, 0));
        let round = [
            answer(1, &good, "a"),
            answer(2, &better, "b"),
            answer(3, &wrong, "c"),
        ];
        let judged = judge(&round);
        assert_eq!(
            statuses(&round),
            [Status::Passed, Status::Passed, Status::Differs]
        );
        assert!(judged.iter().all(|judged| judged.compared == 2));
        // Of two nobody knows who is wrong; one alone is compared with nobody.
        assert_eq!(statuses(&round[1..]), [Status::Passed, Status::Passed]);
        assert_eq!(judge(&round[2..])[0].compared, 0);
    }

    #[test]
    fn the_same_noise_is_one_render_whoever_hands_it_in() {
        let good = tiles(3, 0);
        let round = [
            answer(1, &good, "a"),
            answer(2, &good, "b"),
            answer(3, &good, "a"),
        ];
        assert_eq!(
            statuses(&round),
            [Status::Copied, Status::Passed, Status::Copied]
        );
    }

    #[test]
    fn a_picture_that_its_owner_sent_before_proves_nothing() {
        let (now, before) = (tiles(3, 0), tiles(3, 3));
        let repeated = Answer {
            earlier: vec![&before],
            ..answer(1, &now, "a")
        };
        assert_eq!(statuses(&[repeated]), [Status::Repeated]);
    }

    #[test]
    fn much_slower_than_the_score_bears_out_less() {
        let good = tiles(3, 0);
        let score = |took_us| {
            let answer = Answer {
                took_us,
                ..answer(1, &good, "a")
            };
            judge(&[answer])[0].borne_out.unwrap().get()
        };
        assert_eq!(score(RENDER_US), 2_000_000);
        assert_eq!(score(0), 2_000_000, "never more than was asked");
        assert_eq!(score(BESIDE_RENDERING_US + 5_000_000), 1_000_000);
        assert_eq!(score(BESIDE_RENDERING_US + 10_000_000), 500_000);
    }

    proptest! {
        #[test]
        fn nobody_passes_with_more_than_was_asked_or_against_more_than_half(
            stages in prop::collection::vec((1_u8..4, 0_u8..3, 1_i64..100_000_000), 1..6),
            took_us in 0_i64..30_000_000,
        ) {
            let pictures: Vec<_> = stages.iter().map(|(stage, noise, _)| tiles(*stage, *noise)).collect();
            let prints: Vec<_> = (0..pictures.len()).map(|at| at.to_string()).collect();
            let round: Vec<_> = (0..).zip(&pictures).zip(&prints).zip(&stages)
                .map(|(((number, tiles), print), (_, _, score))| Answer {
                    score: Micros::new(*score),
                    samples: samples(Micros::new(*score)),
                    took_us,
                    ..answer(number, tiles, print)
                })
                .collect();
            for ((judged, answer), (stage, ..)) in judge(&round).iter().zip(&round).zip(&stages) {
                let same = stages.iter().filter(|(other, ..)| other == stage).count() - 1;
                let others = stages.len() - 1;
                let passes = others < OTHERS_MIN || 2 * same >= others;
                prop_assert_eq!(judged.status == Status::Passed, passes);
                prop_assert_eq!(judged.borne_out.is_some(), passes);
                prop_assert!(judged.borne_out.is_none_or(|score| score <= answer.score));
                prop_assert!(judged.borne_out.is_none_or(|score| score > Micros::ZERO));
            }
        }
    }
}
