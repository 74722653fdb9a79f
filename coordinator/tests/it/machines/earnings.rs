use std::time::Duration;

use http::Method;
use pictor_protocol::Micros;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::{Worker, WorkerList};
use pictor_protocol::worker_history::{EarningState, WorkerEarnings};
use serde_json::json;

use super::render_minute;
use crate::harness::client::Client;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually};

const MINUTE: i64 = 10 * Micros::PER_ONE;

#[tokio::test]
async fn points_are_shown_with_the_worker_whose_work_earned_them() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = ScriptedWorker::connect_scored(&world, "one", 1.0).await;
    let idle = ScriptedWorker::connect_scored(&world, "idle", 1.0).await;
    let stranger = rich(&world).await;
    let job = render_minute(&world, &worker, &stranger).await;

    let earned = earnings(&world.creator, &worker, "").await;
    assert_eq!(earned.total_micros.get(), MINUTE);
    assert_eq!(earned.held_micros.get(), MINUTE);
    let [entry] = &earned.entries[..] else {
        panic!("{earned:?}")
    };
    assert_eq!(entry.kind, "render");
    assert_eq!(entry.state, EarningState::Waiting);
    assert!(entry.due_ms.unwrap() > entry.at_ms);
    assert_eq!(entry.inputs["worker"], json!(worker.id));
    assert_eq!(entry.inputs["job"], json!(job));
    let nothing = earnings(&world.creator, &idle, "").await;
    assert_eq!((nothing.total_micros.get(), nothing.entries.len()), (0, 0));

    // When nobody may object any more it is settled, and it was on another day.
    world.clock.advance(Duration::from_secs(25 * 3_600));
    let settled = eventually("points that are settled", async || {
        let earned = earnings(&world.creator, &worker, "").await;
        match earned.entries[0].state == EarningState::Settled {
            true => Ok(earned),
            false => Err(earned),
        }
    });
    let settled = settled.await;
    let sums = [
        settled.today_micros,
        settled.held_micros,
        settled.total_micros,
    ];
    assert_eq!(sums.map(Micros::get), [0, 0, MINUTE]);
    assert_eq!(settled.entries[0].due_ms, None);
}

#[tokio::test]
async fn what_went_back_was_not_earned_and_what_comes_back_is() {
    let world = World::start().await;
    world.economy(&[]).await;
    let owner = world.stranger("owner").await;
    let config = owner
        .post("/api/v1/workers", &json!({ "name": "one" }))
        .await;
    let slot = pictor_protocol::agent::SlotInfo {
        score: Some(1.0),
        ..pictor_protocol::agent::SlotInfo::new(0, pictor_protocol::agent::Device::Cpu, "test")
    };
    let series = [pictor_protocol::blender::Series::new(4, 5)];
    let worker = ScriptedWorker::connect_of(&world, &config.json(), &series, vec![slot]).await;
    let creator = rich(&world).await;
    render_minute(&world, &worker, &creator).await;
    assert_eq!(
        earnings(&owner, &worker, "").await.total_micros.get(),
        MINUTE
    );

    let me: pictor_protocol::people::Me = owner.get("/api/v1/me").await.json();
    let standing = format!("/api/v1/operator/people/{}/standing", me.id);
    let decide = async |decision: &str| {
        let evidence = json!({ "frames": "copied" });
        let asked =
            json!({ "decision": decision, "reason": "copied frames", "evidence": evidence });
        let decided = world.creator.post(&standing, &asked).await;
        assert!(decided.status.is_success(), "{decided:?}");
    };
    decide("disqualify").await;
    let lost = earnings(&owner, &worker, "").await;
    assert_eq!((lost.total_micros.get(), lost.held_micros.get()), (0, 0));
    assert_eq!(lost.entries[0].state, EarningState::Void);
    assert_eq!(lost.entries[0].returned_micros.get(), MINUTE);
    let shown: Worker = owner
        .get(&format!("/api/v1/workers/{}", worker.id))
        .await
        .json();
    assert_eq!(shown.earned_today_micros.get(), 0);

    decide("lift").await;
    let again = earnings(&owner, &worker, "").await;
    assert_eq!(again.total_micros.get(), MINUTE);
    assert_eq!(again.held_micros.get(), MINUTE);
    let kinds: Vec<_> = again.entries.iter().map(|entry| &*entry.kind).collect();
    assert_eq!(kinds, ["restore", "render"]);
}

#[tokio::test]
async fn earnings_come_by_pages_and_only_to_the_workers_owner() {
    let world = World::start().await;
    world.economy(&[]).await;
    let worker = ScriptedWorker::connect_scored(&world, "one", 1.0).await;
    let idle = ScriptedWorker::connect_scored(&world, "idle", 1.0).await;
    let creator = rich(&world).await;
    for _ in 0..3 {
        render_minute(&world, &worker, &creator).await;
    }
    let mut keys = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = earnings(&world.creator, &worker, &query).await;
        keys.extend(page.entries.into_iter().map(|entry| entry.key));
        let Some(next) = page.next else { break };
        query = format!("?limit=2&after={next}");
    }
    let all = earnings(&world.creator, &worker, "").await.entries;
    let all: Vec<_> = all.into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, all);
    assert_eq!(all.len(), 3);

    let path = format!("/api/v1/workers/{}/earnings", worker.id);
    creator.get(&path).await.problem(ProblemKind::NotFound);
    let bad = world.creator.get(&format!("{path}?after=soup")).await;
    bad.problem(ProblemKind::Invalid);
    let posted = world.creator.send(Method::POST, &path, Vec::new()).await;
    assert_eq!(posted.status, 405);

    // Today's are in the list, which is sorted by them.
    for (query, first) in [("", "idle"), ("&descending=true", "one")] {
        let list = format!("/api/v1/workers?sort=earned&limit=1{query}");
        let list: WorkerList = world.creator.get(&list).await.json();
        assert_eq!(list.workers[0].name, first);
        let today = earnings(
            &world.creator,
            [&idle, &worker][usize::from(first == "one")],
            "",
        );
        assert_eq!(
            list.workers[0].earned_today_micros,
            today.await.today_micros
        );
    }
}

async fn earnings(client: &Client, worker: &ScriptedWorker, query: &str) -> WorkerEarnings {
    let path = format!("/api/v1/workers/{}/earnings{query}", worker.id);
    client.get(&path).await.json()
}

/// A creator with more credits than their jobs cost.
async fn rich(world: &World) -> Client {
    let creator = world.stranger("creator").await;
    let me: pictor_protocol::people::Me = creator.get("/api/v1/me").await.json();
    world.give_credits(me.id, 1_000_000).await;
    creator
}
