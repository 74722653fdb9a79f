//! What waits, and goes on.

use super::*;

#[tokio::test]
async fn a_void_hold_brings_nobody_anything() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    world.earn("render/1", bob, 500, START_US + HOUR_US).await;
    let mut tx = world.store.write().await.unwrap();
    hold::release(&mut tx, "render/1", json!("fake"), START_US)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.settle(START_US + DAY_US).await, Pass::default());
    assert_eq!(world.points(ada).await, (0, 0));
    assert_eq!(world.points(bob).await, (0, 0));
}

#[tokio::test]
async fn what_was_earned_in_a_campaign_settles_after_it_by_its_last_rules() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    let after_us = START_US + LENGTH_US + HOUR_US;
    world.earn("render/1", bob, 100, after_us).await;
    world.settle(after_us).await;
    assert_eq!(world.points(bob).await, (100, 0));
    assert_eq!(world.points(ada).await, (10, 0));
}

#[tokio::test]
async fn a_hold_that_may_not_settle_does_not_stand_before_the_others() {
    let world = World::open().await;
    let (cheat, bob) = (world.person(1).await, world.person(2).await);
    let due_us = START_US + HOUR_US;
    for number in 0..3 {
        world.earn(&format!("a{number}"), cheat, 10, due_us).await;
    }
    world.earn("b", bob, 10, due_us).await;
    let mut passes = Vec::new();
    for _ in 0..3 {
        let mut tx = world.store.write().await.unwrap();
        let pass = settle_due(&world.known, &mut tx, due_us, 2, |user| user != cheat).await;
        tx.commit().await.unwrap();
        passes.push(pass.unwrap());
    }
    let put_off: usize = passes.iter().map(|pass| pass.put_off).sum();
    assert_eq!((put_off, passes[2]), (3, Pass::default()));
    assert_eq!(world.points(bob).await, (10, 0));
    assert_eq!(world.points(cheat).await, (0, 30));
    // Allowed again, it settles by itself.
    world.settle(due_us + HOUR_US).await;
    assert_eq!(world.points(cheat).await, (30, 0));
}

/// `cargo test -p pictor-coordinator --lib -- --ignored --nocapture how_long_others_wait`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn how_long_others_wait_while_much_is_due() {
    const HOLDS: i64 = 20_000;
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    let mut tx = world.store.write().await.unwrap();
    for number in 0..HOLDS {
        let new = world.hold(&format!("render/{number}"), bob, 1, START_US);
        hold::begin(&mut tx, &new, START_US).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (store, known) = (world.store.clone(), RulesCache::default());
    let settling = tokio::spawn(async move {
        let (began, mut settled) = (Instant::now(), 0);
        while settled < HOLDS as usize {
            let mut tx = store.write().await.unwrap();
            let pass = settle_due(&known, &mut tx, START_US, BATCH, |_| true).await;
            settled += pass.unwrap().settled;
            tx.commit().await.unwrap();
        }
        began.elapsed()
    });
    let mut waits = Vec::new();
    while !settling.is_finished() {
        let began = Instant::now();
        let mut tx = world.store.write().await.unwrap();
        waits.push(began.elapsed());
        people::exists(&mut tx, ada).await.unwrap();
        tx.commit().await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    waits.sort();
    let at = |part: usize| waits[(waits.len() - 1) * part / 100];
    let took = settling.await.unwrap();
    println!(
        "{HOLDS} holds in {took:?}; {} others waited {:?} (median), {:?} (p99), {:?} (longest)",
        waits.len(),
        at(50),
        at(99),
        at(100)
    );
}
