use http::StatusCode;
use pictor_coordinator::app::now_us;
use pictor_coordinator::store;
use pictor_coordinator::workers::uptime::first_hour;
use pictor_protocol::agent::{Finished, RenderFault, Report};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::{Uptime, UptimeStep, WorkerTaskPage, WorkerTaskState};

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::eventually;
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn what_a_worker_was_given_is_shown_with_what_became_of_it() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let job = world.creator.submit("7").await;
    let failed = worker.must_get_work().await.tasks.remove(0);
    worker.fail(&failed, RenderFault::Crashed).await;
    let grant = worker.must_get_work().await.tasks.remove(0);
    let finished = Finished {
        attempt: grant.attempt,
        output: blake3::hash(&png(7)).to_hex().to_string().parse().unwrap(),
        size_bytes: png(7).len() as u64,
        render_ms: 1_234,
        memory_bytes: None,
        energy_millijoules: Some(56_000),
    };
    let path = format!("/agent/v1/blobs/{}", finished.output);
    worker.client.send(http::Method::PUT, &path, png(7)).await;
    let answer = worker
        .report(Report {
            finished: vec![finished],
            ..worker.empty()
        })
        .await;
    assert_eq!(answer.outcomes.len(), 1);

    let page = tasks(&world.creator, &worker, "").await;
    assert_eq!(page.next, None);
    let [done, crashed] = &page.tasks[..] else {
        panic!("{page:?}")
    };
    let own = done.job.as_ref().unwrap();
    assert_eq!((own.id, &own.name), (job.id, &job.name));
    assert_eq!((done.frame, done.attempt), (7, grant.attempt.attempt));
    assert_eq!(done.state, WorkerTaskState::Done);
    assert_eq!(done.render_ms, Some(1_234));
    assert_eq!(done.energy_millijoules, Some(56_000));
    assert!(done.finished_ms.unwrap() >= done.leased_ms);
    assert_eq!(crashed.state, WorkerTaskState::Failed);
    assert_eq!(crashed.render_ms, None);
    assert!(crashed.message.as_ref().unwrap().contains("on purpose"));
}

#[tokio::test]
async fn other_peoples_jobs_have_no_name_and_other_peoples_workers_no_history() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let stranger = world.stranger("stranger").await;
    stranger.submit("1").await;
    let lease = worker.must_get_work().await;
    let page = tasks(&world.creator, &worker, "").await;
    assert_eq!(page.tasks.len(), lease.tasks.len());
    assert_eq!(page.tasks[0].job, None);
    assert_eq!(page.tasks[0].state, WorkerTaskState::Leased);
    let said = serde_json::to_string(&page).unwrap();
    assert!(!said.contains(&lease.job.to_string()), "{said}");

    for what in ["tasks", "uptime"] {
        let path = format!("/api/v1/workers/{}/{what}", worker.id);
        stranger.get(&path).await.problem(ProblemKind::NotFound);
    }
}

#[tokio::test]
async fn what_a_worker_was_given_is_paged_and_nothing_is_left_out() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    world.creator.submit("1-9").await;
    let mut given = 0;
    while given < 9 {
        for grant in worker.must_get_work().await.tasks {
            worker.finish(&grant, &png(grant.frame as u32)).await;
            given += 1;
        }
    }
    let whole = tasks(&world.creator, &worker, "").await.tasks;
    assert_eq!(whole.len(), 9);
    assert!(whole.windows(2).all(|w| w[0].leased_ms >= w[1].leased_ms));
    let (mut paged, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = tasks(&world.creator, &worker, &query).await;
        assert!(page.tasks.len() <= 2);
        paged.extend(page.tasks);
        let Some(next) = page.next else { break };
        query = format!("limit=2&after={next}");
    }
    assert_eq!(paged, whole);
    let path = format!("/api/v1/workers/{}/tasks?after=5b5d", worker.id);
    let refused = world.creator.get(&path).await;
    refused.problem(ProblemKind::Invalid);
}

#[tokio::test]
async fn uptime_is_measured_by_signs_of_life_and_silence_is_absence() {
    let world = World::start().await;
    let worker = three_days_old(&world).await;
    let first = uptime(&world.creator, &worker, "").await;
    assert_eq!((first.step, first.seen_ms), (UptimeStep::Day, 0));
    // A day more if it is midnight just now.
    assert!((4..=5).contains(&first.spans.len()), "{first:?}");
    let two = uptime(&world.creator, &worker, "days=2").await;
    assert_eq!(two.spans.len(), 2);

    // A minute later, and then two.
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 60000000")
        .await;
    worker.report(worker.empty()).await;
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 120000000")
        .await;
    worker.report(worker.empty()).await;
    let day = uptime(&world.creator, &worker, "days=90").await;
    assert!((60_000..75_000).contains(&day.seen_ms), "{day:?}");
    let hours = uptime(&world.creator, &worker, "step=hour&days=2").await;
    assert_eq!((hours.step, hours.seen_ms), (UptimeStep::Hour, day.seen_ms));

    // Nobody but the coordinator knows how long: what a worker sends more often counts no more.
    for _ in 0..20 {
        worker.report(worker.empty()).await;
    }
    let after = uptime(&world.creator, &worker, "").await.seen_ms;
    assert!(after < day.seen_ms + 15_000, "{after}");
    let path = format!("/api/v1/workers/{}/uptime?step=year", worker.id);
    world.creator.get(&path).await.problem(ProblemKind::Invalid);
}

#[tokio::test]
async fn hours_are_put_together_after_ninety_days_and_forgotten_after_a_year() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let today = first_hour(1, 0, now_us());
    let (old, year) = (today - 90 * 24, today - 365 * 24);
    let hours = [
        year - 1,
        year + 30,
        old + 3,
        old + 23,
        today - 89 * 24,
        today,
    ];
    let mut tx = world.store.write().await.unwrap();
    for hour in hours {
        let added = store::uptime::add(&mut tx, worker.id, hour, 5_000_000).await;
        added.unwrap();
    }
    tx.commit().await.unwrap();
    // It looks for them when it starts, and then every few minutes.
    let world = world.restart().await;
    let kept = [
        (year + 24, 5_000_000),
        (old, 10_000_000),
        (today - 89 * 24, 5_000_000),
        (today, 5_000_000),
    ];
    let look = async |worker| {
        let mut tx = world.store.read().await.unwrap();
        let rows = store::uptime::since(&mut tx, worker, 0).await.unwrap();
        let hours: Vec<_> = rows.iter().map(|row| (row.hour, row.seen_us)).collect();
        hours
    };
    eventually("days before the hours of 90 days", async || {
        let hours = look(worker.id).await;
        if hours == kept { Ok(()) } else { Err(hours) }
    })
    .await;
    let year = uptime(&world.creator, &worker, "days=1000").await;
    assert!(year.spans.len() < 3, "it was created today: {year:?}");
}

#[tokio::test]
async fn requests_that_come_together_count_once() {
    let world = World::start().await;
    let worker = three_days_old(&world).await;
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 80000000")
        .await;
    let reports = (0..16).map(|_| worker.report(worker.empty()));
    futures_util::future::join_all(reports).await;
    let seen_ms = uptime(&world.creator, &worker, "").await.seen_ms;
    assert!((80_000..95_000).contains(&seen_ms), "{seen_ms}");
}

/// Connected just now for the first time.
async fn three_days_old(world: &World) -> ScriptedWorker {
    let worker = ScriptedWorker::connect(world, "one").await;
    world
        .sql("UPDATE workers SET created_us = created_us - 259200000000")
        .await;
    worker
}

async fn tasks(client: &Client, worker: &ScriptedWorker, query: &str) -> WorkerTaskPage {
    let path = format!("/api/v1/workers/{}/tasks?{query}", worker.id);
    let answer = client.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn uptime(client: &Client, worker: &ScriptedWorker, query: &str) -> Uptime {
    let path = format!("/api/v1/workers/{}/uptime?{query}", worker.id);
    let answer = client.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}
