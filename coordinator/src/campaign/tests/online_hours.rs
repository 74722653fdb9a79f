//! Hours online.

use super::*;

#[tokio::test]
async fn a_proven_hour_is_entered_once_and_waits() {
    let world = World::open().await;
    let ada = world.person(1).await;
    let (hour, ends_us) = (START_US / HOUR_US, START_US + HOUR_US);
    let good = world.worker(1, ada, Some(2.5), WorkerStatus::Active).await;
    let away = world.worker(2, ada, Some(1.0), WorkerStatus::Active).await;
    let unproven = world.worker(3, ada, Some(1.0), WorkerStatus::Active).await;
    let retired = world.worker(4, ada, Some(1.0), WorkerStatus::Retired).await;
    let unscored = world.worker(5, ada, None, WorkerStatus::Active).await;
    for worker in [good, away, unproven, retired, unscored] {
        let seen_us = if worker == away { HOUR_US / 2 } else { HOUR_US };
        world.seen(worker, hour, seen_us, worker != unproven).await;
    }
    for _ in 0..2 {
        world.judge(hour, ends_us + HOUR_US).await;
        assert_eq!(world.points(ada).await, (0, 25));
    }
    let inputs = world.last_inputs(ada).await;
    assert_eq!(
        (&inputs["slot"], &inputs["score_micros"], &inputs["worker"]),
        (&json!(0), &json!(2_500_000), &json!(good))
    );
    world.settle(ends_us + 24 * HOUR_US).await;
    assert_eq!(world.points(ada).await, (0, 25), "judged an hour later");
    world.settle(ends_us + 25 * HOUR_US).await;
    assert_eq!(world.points(ada).await, (25, 0));
    world.assert_sound().await;
}

#[tokio::test]
async fn hours_count_by_the_campaign_of_their_last_moment() {
    let world = World::open().await;
    let ada = world.person(1).await;
    let worker = world.worker(1, ada, Some(1.0), WorkerStatus::Active).await;
    let (first, end) = (START_US / HOUR_US, (START_US + LENGTH_US) / HOUR_US);
    for hour in [first - 1, first, end - 1, end] {
        world.seen(worker, hour, HOUR_US, true).await;
    }
    let mut open = Vec::new();
    while let Some(hour) = online_store::unjudged(&mut world.read().await, end + 1)
        .await
        .unwrap()
    {
        world.judge(hour, (end + 2) * HOUR_US).await;
        open.push(hour);
    }
    assert_eq!(open, [first - 1, first, end - 1, end]);
    assert_eq!(world.points(ada).await, (0, 20));
}

#[tokio::test]
async fn more_workers_than_one_batch_are_all_judged() {
    let world = World::open().await;
    let ada = world.person(1).await;
    let hour = START_US / HOUR_US;
    for number in 0..120 {
        let worker = world
            .worker(number, ada, Some(1.0), WorkerStatus::Active)
            .await;
        world.seen(worker, hour, HOUR_US, true).await;
    }
    assert_eq!(world.judge(hour, START_US + 2 * HOUR_US).await, 3);
    assert_eq!(world.points(ada).await, (0, 1_200));
}
