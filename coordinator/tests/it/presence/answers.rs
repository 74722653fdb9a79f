//! Answers that are late, repeated, somebody else's, wrong or slow.

use pictor_coordinator::presence::draw::ANSWER_US;
use pictor_protocol::problem::ProblemKind;

use super::*;

#[tokio::test]
async fn the_same_answer_again_gets_the_first_answer_and_another_one_a_refusal() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = worker_of(&world, "a", 1.0).await;
    let id = world.asked(&[&worker]).await[0];
    world.opens();
    let told = worker.begin(id).await;
    let first = worker.answer(id, painted(&told.stage, 1)).await;
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(worker.answer(id, painted(&told.stage, 1)).await, first);
    let other = worker.try_answer(id, painted(&told.stage, 2)).await;
    other.problem(ProblemKind::ChallengeAnswered);
    assert_eq!(world.until_judged(worker.id).await, Status::Passed);
    assert_eq!(worker.answer(id, painted(&told.stage, 1)).await, first);
    worker
        .try_begin(id)
        .await
        .problem(ProblemKind::ChallengeAnswered);
}

#[tokio::test]
async fn a_challenge_is_one_workers_and_nobody_elses() {
    let world = World::start().await;
    world.economy(&[]).await;
    let (worker, other) = (
        worker_of(&world, "a", 1.0).await,
        worker_of(&world, "b", 1.0).await,
    );
    let id = world.asked(&[&worker]).await[0];
    world.opens();
    let told = worker.begin(id).await;
    other.try_begin(id).await.problem(ProblemKind::NotFound);
    let stolen = other.try_answer(id, painted(&told.stage, 1)).await;
    stolen.problem(ProblemKind::NotFound);
    worker.answer(id, painted(&told.stage, 1)).await;
    assert_eq!(world.until_judged(worker.id).await, Status::Passed);
}

#[tokio::test]
async fn a_late_answer_proves_nothing_and_asking_again_does_not_turn_the_clock_back() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = worker_of(&world, "a", 1.0).await;
    let id = world.asked(&[&worker]).await[0];
    world.opens();
    let told = worker.begin(id).await;
    world.clock.advance(Duration::from_secs(5));
    let again = worker.begin(id).await;
    assert_eq!(again.stage, told.stage);
    assert!(
        again.answer_within_ms <= told.answer_within_ms - 5_000,
        "{again:?}"
    );
    world.clock.advance(Duration::from_micros(ANSWER_US as u64));
    let late = worker.try_answer(id, painted(&told.stage, 1)).await;
    late.problem(ProblemKind::ChallengeLate);
    worker
        .try_begin(id)
        .await
        .problem(ProblemKind::ChallengeLate);
    world.clock.advance(Duration::from_secs(15));
    assert_eq!(world.until_judged(worker.id).await, Status::Missed);
    assert_eq!(world.proofs(worker.id).await, []);
}

#[tokio::test]
async fn nothing_is_told_and_nothing_taken_before_the_challenge_opens() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = worker_of(&world, "a", 1.0).await;
    let id = world.asked(&[&worker]).await[0];
    let early = worker.try_answer(id, painted(&stage_of_zeros(), 1)).await;
    early.problem(ProblemKind::ChallengeLate);
    let begin = tokio::time::timeout(Duration::from_millis(600), worker.try_begin(id)).await;
    assert!(begin.is_err(), "it is held: {begin:?}");
    world.opens();
    worker.begin(id).await;
}

#[tokio::test]
async fn a_picture_of_something_else_or_of_nothing_is_no_answer() {
    let world = World::start().await;
    world.economy(&[]).await;
    let names = ["a", "b", "c", "d"];
    let mut workers = Vec::new();
    for name in names {
        workers.push(worker_of(&world, name, 1.0).await);
    }
    let asked = world.asked(&workers.iter().collect::<Vec<_>>()).await;
    world.opens();
    let mut stages = Vec::new();
    for (worker, id) in workers.iter().zip(&asked) {
        stages.push(worker.begin(*id).await.stage);
    }
    let small = png_of(64, 36, |x, y| Rgb([x as u8, y as u8, 0]));
    let blank = png_of(WIDTH, HEIGHT, |x, y| {
        let at = (y / PATCH * (WIDTH / PATCH) + x / PATCH) as usize;
        Rgb(stages[2].patches.get(at).map_or([9; 3], |patch| patch.0))
    });
    let tries = [
        (small, Status::NoPicture),
        (painted(&stages[0], 1), Status::OtherStage),
        (blank, Status::Blank),
        (b"no picture at all".to_vec(), Status::NoPicture),
    ];
    for ((worker, id), (picture, status)) in workers.iter().zip(&asked).zip(tries) {
        let refused = worker.try_answer(*id, picture.clone()).await;
        refused.problem(ProblemKind::Invalid);
        let again = worker.try_answer(*id, picture).await;
        assert_eq!(again.problem(ProblemKind::Invalid), refused.json());
        assert_eq!(world.statuses(worker.id).await, [status]);
        assert_eq!(world.proofs(worker.id).await, []);
    }
    let huge = workers[0].try_answer(asked[0], vec![0; 300 << 10]).await;
    huge.problem(ProblemKind::TooLarge);
}

#[tokio::test]
async fn a_slot_that_is_slower_than_its_score_bears_out_less() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = worker_of(&world, "a", 4.0).await;
    let id = world.asked(&[&worker]).await[0];
    world.opens();
    let told = worker.begin(id).await;
    assert_eq!(told.samples, 256, "eight seconds of the reference machine");
    world.clock.advance(Duration::from_secs(11));
    let received = worker.answer(id, painted(&told.stage, 1)).await;
    assert!((11_000..15_000).contains(&received.took_ms), "{received:?}");
    assert_eq!(world.until_judged(worker.id).await, Status::Passed);
    let proofs = world.proofs(worker.id).await;
    let expected = 8_000 * 1_250 * 1_000 / (received.took_ms - 1_000);
    let score = proofs[0].borne_out.unwrap();
    assert!((score - expected).abs() < 1_000, "{score} for {received:?}");
    assert!(score <= 1_000_000, "an eighth of four, and lenient");
}

#[tokio::test]
async fn a_picture_sent_in_another_hour_is_told_from_a_new_one() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = worker_of(&world, "a", 1.0).await;
    let id = world.asked(&[&worker]).await[0];
    world.opens();
    let old = worker.begin(id).await.stage;
    worker.answer(id, painted(&old, 1)).await;
    assert_eq!(world.until_judged(worker.id).await, Status::Passed);
    let id = world.asked(&[&worker]).await[0];
    world.opens();
    let new = worker.begin(id).await.stage;
    // The patches of now over the stage of before.
    let patched = Stage {
        patches: new.patches,
        ..old
    };
    worker.answer(id, painted(&patched, 2)).await;
    assert_eq!(world.until_judged(worker.id).await, Status::Repeated);
}

#[tokio::test]
async fn a_restart_loses_no_challenge() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = worker_of(&world, "a", 1.0).await;
    let id = world.asked(&[&worker]).await[0];
    let ahead_us = world.clock.now_us() - pictor_coordinator::app::now_us();
    let world = world.restart().await;
    world.clock.advance(Duration::from_micros(ahead_us as u64));
    let worker = worker.moved_to(&world);
    assert_eq!(worker.challenge().await, id, "it is told again");
    world.opens();
    let told = worker.begin(id).await;
    let stop = world.restart().await;
    stop.clock
        .advance(Duration::from_micros(ahead_us as u64) + Duration::from_secs(20));
    let worker = worker.moved_to(&stop);
    assert_eq!(worker.begin(id).await.stage, told.stage);
    worker.answer(id, painted(&told.stage, 1)).await;
    assert_eq!(stop.until_judged(worker.id).await, Status::Passed);
}

fn stage_of_zeros() -> Stage {
    Stage {
        patches: vec![Colour::default(); 32],
        ..Stage::default()
    }
}
