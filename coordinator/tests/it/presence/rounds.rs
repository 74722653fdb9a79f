//! Who is asked, and what a round proves.

use pictor_coordinator::ledger::Book;
use pictor_coordinator::store::uptime;
use pictor_protocol::Micros;

use super::*;

#[tokio::test]
async fn workers_of_three_owners_prove_their_hour_by_pictures_that_agree() {
    let world = World::start().await;
    let campaign = world.economy(&[]).await;
    let mut workers = Vec::new();
    for name in ["a", "b", "c"] {
        workers.push(worker_of(&world, name, 2.0).await);
    }
    let asked = world.asked(&workers.iter().collect::<Vec<_>>()).await;
    world.opens();
    let mut stages = Vec::new();
    for (noise, (worker, id)) in (1..).zip(workers.iter().zip(&asked)) {
        let told = worker.begin(*id).await;
        assert!(
            told.samples == 128 && told.answer_within_ms > 1_000,
            "{told:?}"
        );
        worker.answer(*id, painted(&told.stage, noise)).await;
        stages.push(told.stage);
    }
    assert_eq!(stages[0].monkey, stages[1].monkey, "one stage");
    assert_ne!(stages[0].patches, stages[1].patches, "patches of their own");
    for worker in &workers {
        assert_eq!(world.until_judged(worker.id).await, Status::Passed);
        let proofs = world.proofs(worker.id).await;
        assert!(
            matches!(proofs[..], [ProofRow { slot: 0, borne_out: Some(score) }] if score <= 2_000_000),
            "{proofs:?}"
        );
    }

    // Together with nearly an hour of presence it earns what the score that was borne out is worth.
    let first = &workers[0];
    let borne_out = world.proofs(first.id).await[0].borne_out.unwrap();
    let owner = pictor_coordinator::accounts::by_name(&world.store, "a").await;
    let mut tx = world.store.write().await.unwrap();
    uptime::add(&mut tx, first.id, world.hour(), 50 * 60 * SECOND_US)
        .await
        .unwrap();
    uptime::add(&mut tx, first.id, world.hour(), 8 * 60 * SECOND_US)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    world.clock.advance(Duration::from_secs(900));
    let owner = owner.unwrap().id;
    let held = eventually("points for the hour", async || {
        let has = world.balance(Book::Points(campaign.id), owner).await;
        (has.held > Micros::ZERO).then_some(has.held).ok_or(has)
    });
    assert_eq!(held.await.get(), borne_out * 10);
    assert_eq!(world.book_faults().await, [""; 0]);
}

#[tokio::test]
async fn whoever_shows_another_stage_than_the_others_fails() {
    let world = World::start().await;
    world.economy(&[]).await;
    let workers = [
        worker_of(&world, "a", 1.0).await,
        worker_of(&world, "b", 1.0).await,
        worker_of(&world, "c", 1.0).await,
    ];
    let asked = world.asked(&workers.each_ref()).await;
    world.opens();
    for (noise, (worker, id)) in (1..).zip(workers.iter().zip(&asked)) {
        let mut stage = worker.begin(*id).await.stage;
        if noise == 3 {
            // It paints the patches, which are told, and a stage of its own below.
            let inverted = |Colour(of): Colour| Colour(of.map(|value| 255 - value));
            for thing in [&mut stage.monkey, &mut stage.ball, &mut stage.drop] {
                thing.colour = inverted(thing.colour);
            }
            stage.sky = inverted(stage.sky);
        }
        worker.answer(*id, painted(&stage, noise)).await;
    }
    let verdicts = [Status::Passed, Status::Passed, Status::Differs];
    for (worker, verdict) in workers.iter().zip(verdicts) {
        assert_eq!(world.until_judged(worker.id).await, verdict);
        let proves = verdict == Status::Passed;
        assert_eq!(world.proofs(worker.id).await.len(), usize::from(proves));
    }
}

#[tokio::test]
async fn one_render_handed_in_by_two_proves_nothing_for_either() {
    let world = World::start().await;
    world.economy(&[]).await;
    let workers = [
        worker_of(&world, "a", 1.0).await,
        worker_of(&world, "b", 1.0).await,
    ];
    let asked = world.asked(&workers.each_ref()).await;
    world.opens();
    for (worker, id) in workers.iter().zip(&asked) {
        let stage = worker.begin(*id).await.stage;
        worker.answer(*id, painted(&stage, 7)).await;
    }
    for worker in &workers {
        assert_eq!(world.until_judged(worker.id).await, Status::Copied);
        assert_eq!(world.proofs(worker.id).await, []);
    }
}

#[tokio::test]
async fn the_workers_of_one_owner_are_asked_for_different_stages() {
    let world = World::start().await;
    world.economy(&[]).await;
    let owner = world.stranger("a").await;
    let mut workers = Vec::new();
    for name in ["one", "two"] {
        workers.push(worker_with(&world, &config_of(&owner, name).await, 1.0).await);
    }
    let asked = world.asked(&workers.iter().collect::<Vec<_>>()).await;
    world.opens();
    let one = workers[0].begin(asked[0]).await.stage;
    let two = workers[1].begin(asked[1]).await.stage;
    assert_ne!(one.monkey, two.monkey);
}

#[tokio::test]
async fn only_idle_slots_of_workers_that_answer_and_have_no_proof_are_asked() {
    let world = World::start_with(|config| config.lease_ttl = Duration::from_secs(600)).await;
    world.economy(&[]).await;
    world.give_credits(world.operator().await, 100).await;
    let idle = worker_of(&world, "idle", 1.0).await;
    let busy = worker_of(&world, "busy", 1.0).await;
    let old = worker_of(&world, "old", 1.0).await;
    let proven = worker_of(&world, "proven", 1.0).await;
    let unscored = world.worker_config("unscored").await;
    let slot = SlotInfo::new(0, Device::Cpu, "test");
    let series = [Series::new(4, 5)];
    let unscored = ScriptedWorker::connect_of(&world, &unscored, &series, vec![slot]).await;
    let others = [&busy, &old, &proven, &unscored];
    world.last_moments().await;
    world.creator.submit("1").await;
    busy.must_get_work().await;
    let mut tx = world.store.write().await.unwrap();
    let (hour, score) = (world.hour(), Micros::new(1));
    online::proven_by_challenge(&mut tx, proven.id, 0, hour, score)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for worker in others.into_iter().chain([&idle]) {
        worker.report(worker.empty()).await;
    }
    world
        .sql("UPDATE workers SET answers_challenges = 1 WHERE name <> 'old'")
        .await;
    idle.challenge().await;
    for worker in others {
        assert_eq!(world.statuses(worker.id).await, [], "{}", worker.id);
    }
}

#[tokio::test]
async fn without_a_campaign_nobody_is_asked() {
    let world = World::start().await;
    let worker = worker_of(&world, "a", 1.0).await;
    world.last_moments().await;
    worker.report(worker.empty()).await;
    world.everybody_answers().await;
    // Longer than it takes the coordinator to look.
    assert_eq!(worker.commands().await, []);
    assert_eq!(worker.commands().await, []);
    assert_eq!(world.statuses(worker.id).await, []);
}
