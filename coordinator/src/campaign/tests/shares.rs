//! Who brings whom, and what it earns.

use super::*;

#[tokio::test]
async fn a_referrer_gets_a_share_of_what_is_settled_and_nothing_of_shares() {
    let world = World::open().await;
    let [ada, bob, cid] = [1, 2, 3].map(|number| world.person(number));
    let (ada, bob, cid) = (ada.await, bob.await, cid.await);
    world.bring(bob, ada).await.unwrap();
    world.bring(cid, bob).await.unwrap();

    world.earn("render/1", cid, 1_000, START_US + DAY_US).await;
    assert_eq!(world.points(cid).await, (0, 1_000));
    assert_eq!(world.points(bob).await, (0, 0), "it is not settled");
    world.settle(START_US + DAY_US - 1).await;
    assert_eq!(world.points(bob).await, (0, 0), "it is not due");
    world.settle(START_US + DAY_US).await;
    assert_eq!(world.points(cid).await, (1_000, 0));
    assert_eq!(world.points(bob).await, (100, 0));
    assert_eq!(world.points(ada).await, (0, 0), "of a share there is none");

    world.settle(START_US + DAY_US).await;
    assert_eq!(world.points(bob).await, (100, 0), "nothing settles twice");
    let inputs = world.last_inputs(bob).await;
    assert_eq!(inputs["settled_by"], "settle/render/1");
    assert_eq!(
        (&inputs["percent"], &inputs["base_micros"], &inputs["rules"]),
        (&json!(10), &json!(1_000_000_000), &json!(1))
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn what_does_not_wait_pays_its_share_at_once() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    world.check_in(bob, START_US).await.unwrap();
    assert_eq!(world.micros(ada).await, 100_000);
}

#[tokio::test]
async fn shares_stop_at_the_weeks_cap_and_begin_anew_on_monday() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    let monday_us = week_begins_us(week_of(START_US) + 1);
    for (key, points, due_us, expected) in [
        ("a", 9_000, monday_us - 3, 900),
        ("b", 5_000, monday_us - 2, 1_000),
        ("c", 5_000, monday_us - 1, 1_000),
        ("d", 200, monday_us, 1_020),
    ] {
        world.earn(key, bob, points, due_us).await;
        world.settle(due_us).await;
        assert_eq!(world.points(ada).await, (expected, 0), "{key}");
        if key == "b" {
            let inputs = world.last_inputs(ada).await;
            assert_eq!(inputs["cut_micros"], 400_000_000);
            assert_eq!(inputs["used_before_micros"], 900_000_000);
        }
    }
    world.assert_sound().await;
}

#[tokio::test]
async fn nobody_is_brought_by_oneself_in_a_circle_twice_or_late() {
    let world = World::open().await;
    let [ada, bob, cid, dan] = [1, 2, 3, 4].map(|number| world.person(number));
    let (ada, bob, cid, dan) = (ada.await, bob.await, cid.await, dan.await);
    let why = |refused: Result<(), ReferralError>| match refused {
        Err(ReferralError::Refused(why)) => Some(why),
        Ok(()) | Err(_) => None,
    };
    assert_eq!(why(world.bring(ada, ada).await), Some(Why::Oneself));
    world.bring(bob, ada).await.unwrap();
    world.bring(cid, bob).await.unwrap();
    assert_eq!(why(world.bring(ada, bob).await), Some(Why::Loop));
    assert_eq!(why(world.bring(ada, cid).await), Some(Why::Loop));
    assert_eq!(why(world.bring(cid, dan).await), Some(Why::Another));
    world.bring(cid, bob).await.unwrap();

    world.check_in(dan, START_US).await.unwrap();
    assert_eq!(why(world.bring(dan, ada).await), Some(Why::HasEarned));
    let eve = world.person(5).await;
    let mut tx = world.store.write().await.unwrap();
    let late = referral::bring(&mut tx, eve, &code(ada), START_US + DAY_US).await;
    assert_eq!(why(late), Some(Why::TooLate));
    let unknown = referral::bring(&mut tx, eve, "nobody's", START_US).await;
    assert!(matches!(unknown, Err(ReferralError::NoSuchCode)));
}

#[tokio::test]
async fn an_account_with_the_same_mailbox_is_not_brought() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.mailbox(ada, "ada@example.org").await;
    world.mailbox(bob, "Ada+2@example.org").await;
    let refused = world.bring(bob, ada).await;
    let expected = Why::Linked(Link::Mailbox);
    assert!(matches!(refused, Err(ReferralError::Refused(why)) if why == expected));
}
