//! Presence challenges: begun when a test lets them, answered with whatever comes.

use pictor_protocol::ChallengeId;
use pictor_protocol::challenge::{BeginChallenge, Challenge, ChallengeReceived, Stage};

use super::*;

#[derive(Default)]
pub struct Challenges {
    /// Beginnings are held, for as long as requests are.
    pub are_held: bool,
    pub begun: Vec<ChallengeId>,
    pub answers: Vec<(ChallengeId, Bytes)>,
}

pub(super) async fn challenge(state: &State, path: &str, body: Bytes) -> Answer {
    let (id, step) = path.split_once('/').unwrap();
    let id: ChallengeId = id.parse().unwrap();
    if step == "answer" {
        state.lock().challenges.answers.push((id, body));
        return json(&ChallengeReceived { took_ms: 2_000 });
    }
    assert_eq!(step, "begin");
    let _: BeginChallenge = read(&body);
    state.lock().challenges.begun.push(id);
    state.ring();
    let opens = |inner: &mut Inner| (!inner.challenges.are_held).then_some(());
    if state.hold(opens).await.is_none() {
        return problem(ProblemKind::ChallengeLate);
    }
    json(&Challenge {
        stage: Stage {
            noise: 77,
            ..Stage::default()
        },
        samples: 1,
        answer_within_ms: 15_000,
    })
}
