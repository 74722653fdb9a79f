//! Check-ins, and credits for new accounts.

use super::*;

#[tokio::test]
async fn a_week_of_check_ins_earns_what_the_rules_say_and_each_day_counts_once() {
    let world = World::open().await;
    let ada = world.person(1).await;
    for day in 0..8 {
        let now_us = START_US + day * DAY_US + day * HOUR_US;
        world.check_in(ada, now_us).await.unwrap();
        let again = world.check_in(ada, now_us + HOUR_US).await;
        assert!(matches!(again, Err(CheckInError::AlreadyDone { .. })));
    }
    assert_eq!(world.points(ada).await, (9, 0), "6 × 1, 2, and 1 again");
    assert_eq!(world.credits(ada).await, 20);
    world.assert_sound().await;
}

#[tokio::test]
async fn nothing_is_earned_before_or_after_the_campaign() {
    let world = World::open().await;
    let ada = world.person(1).await;
    let early = world.check_in(ada, START_US - 1).await;
    let not_running = |checked: &Result<_, CheckInError>| match checked {
        Err(CheckInError::NotRunning(why)) => Some(*why),
        Ok(()) | Err(_) => None,
    };
    assert_eq!(not_running(&early), Some(NotRunning::NotYet { wait_s: 1 }));
    let late = world.check_in(ada, START_US + LENGTH_US).await;
    assert_eq!(not_running(&late), Some(NotRunning::Over));
    let before_all = world.check_in(ada, START_US - 2 * DAY_US).await;
    assert_eq!(not_running(&before_all), Some(NotRunning::NoCampaign));
    assert_eq!(world.points(ada).await, (0, 0));
    world.check_in(ada, START_US).await.unwrap();
}

#[tokio::test]
async fn credits_for_a_new_account_come_once() {
    let world = World::open().await;
    let ada = world.person(1).await;
    for (now_us, expected) in [
        (START_US - 2 * DAY_US, 0),
        (START_US, 100),
        (START_US + DAY_US, 100),
    ] {
        let mut tx = world.store.write().await.unwrap();
        welcome(&world.known, &mut tx, ada, now_us).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.credits(ada).await, expected);
    }
}
