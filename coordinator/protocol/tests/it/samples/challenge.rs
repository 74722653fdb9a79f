use pictor_protocol::challenge::{
    BeginChallenge, Challenge, ChallengeReceived, Colour, Stage, Thing,
};

use super::uuid;

pub fn begin_challenge() -> Vec<BeginChallenge> {
    vec![BeginChallenge { instance: uuid(1) }]
}

pub fn challenge() -> Vec<Challenge> {
    let thing = |turn| Thing {
        x: -120,
        y: 340,
        turn,
        colour: Colour([200, 80, 40]),
    };
    let stage = Stage {
        patches: vec![Colour([0, 127, 255]), Colour([12, 34, 56])],
        monkey: thing(1),
        ball: thing(2),
        drop: thing(3),
        lamp: thing(4),
        sky: Colour([90, 120, 180]),
        noise: 4_242,
    };
    vec![Challenge {
        stage,
        samples: 128,
        answer_within_ms: 14_900,
    }]
}

pub fn challenge_received() -> Vec<ChallengeReceived> {
    vec![ChallengeReceived { took_ms: 2_345 }]
}
