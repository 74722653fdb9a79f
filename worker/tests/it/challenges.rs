//! Presence challenges, told by a coordinator, answered by a worker.

use pictor_protocol::ChallengeId;
use pictor_protocol::agent::Command;
use pictor_protocol::problem::ProblemKind;
use uuid::Uuid;

use crate::fake_coordinator::{FakeCoordinator, TOKEN};
use crate::worker_here::Worker;

#[tokio::test]
async fn an_idle_worker_answers_each_challenge_once_with_what_it_was_told_to_render() {
    let (coordinator, worker) = world().await;
    coordinator.with(|inner| assert!(inner.hellos[0].answers_challenges));
    coordinator.with(|inner| inner.commands = vec![command(1)]);
    let answered = |times| {
        coordinator.until("an answer", move |inner| {
            inner.challenges.answers.len() == times
        })
    };
    answered(1).await;
    // The first is still told, as it is until the coordinator has taken note.
    coordinator.with(|inner| inner.commands = vec![command(1), command(2)]);
    answered(2).await;
    coordinator.with(|inner| {
        inner.commands.clear();
        assert_eq!(inner.challenges.begun, [id(1), id(2)]);
        let picture = "picture with noise 77".as_bytes().to_vec().into();
        assert_eq!(inner.challenges.answers[0], (id(1), picture));
    });
    worker.end_well().await;
}

#[tokio::test]
async fn work_that_comes_is_rendered_and_the_challenge_given_up() {
    let (coordinator, worker) = world().await;
    coordinator.with(|inner| {
        inner.challenges.are_held = true;
        inner.commands = vec![command(1)];
    });
    coordinator
        .until("a beginning", |inner| inner.challenges.begun == [id(1)])
        .await;
    coordinator.with(|inner| inner.commands.clear());
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER"), 1..=2);
    coordinator.until_ended(&attempts, "finished").await;
    coordinator.with(|inner| inner.challenges.are_held = false);
    let attempts = coordinator.offer(&coordinator.scene(b"BLENDER2"), 3..=3);
    coordinator.until_ended(&attempts, "finished").await;
    coordinator.with(|inner| assert!(inner.challenges.answers.is_empty()));
    worker.end_well().await;
}

#[tokio::test]
async fn a_challenge_that_is_refused_costs_nothing_but_itself() {
    let (coordinator, worker) = world().await;
    coordinator.with(|inner| {
        let late = (ProblemKind::ChallengeLate, 1);
        inner.refuse.insert("challenges".into(), late);
        inner.commands = vec![command(1)];
    });
    coordinator
        .until("a refusal", |inner| inner.refuse["challenges"].1 == 0)
        .await;
    coordinator.with(|inner| inner.commands = vec![command(2)]);
    coordinator
        .until("an answer to the next", |inner| {
            inner.challenges.answers.iter().any(|(of, _)| *of == id(2))
        })
        .await;
    coordinator.with(|inner| inner.commands.clear());
    worker.end_well().await;
}

#[tokio::test]
async fn a_coordinator_that_fails_in_between_is_asked_again() {
    let (coordinator, worker) = world().await;
    coordinator.with(|inner| {
        let broken = (ProblemKind::Internal, 2);
        inner.refuse.insert("challenges".into(), broken);
        inner.commands = vec![command(1)];
    });
    coordinator
        .until("an answer", |inner| inner.challenges.answers.len() == 1)
        .await;
    coordinator.with(|inner| inner.commands.clear());
    worker.end_well().await;
}

async fn world() -> (FakeCoordinator, Worker) {
    let coordinator = FakeCoordinator::start().await;
    let worker = Worker::start(&coordinator.url(), TOKEN);
    coordinator
        .until("a hello and a request for work", |inner| {
            !inner.hellos.is_empty() && !inner.asks.is_empty()
        })
        .await;
    (coordinator, worker)
}

fn id(number: u128) -> ChallengeId {
    ChallengeId::new(Uuid::from_u128(number))
}

fn command(number: u128) -> Command {
    Command::Challenge {
        challenge: id(number),
        slot: 0,
    }
}
