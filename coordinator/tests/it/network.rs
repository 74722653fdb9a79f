//! The network as everybody sees it, and as operators do.

use std::time::Duration;

use http::Method;
use pictor_protocol::agent::{Device, Outcome, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::campaign::CampaignState;
use pictor_protocol::leaderboard::LeaderboardPage;
use pictor_protocol::network::{
    Network, OwnedJobPage, OwnedWorkerPage, PublicCampaigns, SystemState,
};
use pictor_protocol::people::Me;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::settings::Engine;
use serde_json::json;

use crate::harness::client::Client;
use crate::harness::scenes::png;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually};

/// A look is good for ten seconds.
const LATER: Duration = Duration::from_secs(11);

#[tokio::test]
async fn everybody_sees_who_is_there_what_waits_and_what_was_rendered() {
    let world = World::start().await;
    let nobody = world.creator.with_token("");
    let empty: Network = nobody.get("/api/v1/network").await.json();
    assert_eq!((empty.workers_online, empty.frames_last_day), (0, 0));
    assert_eq!(empty.median_wait_ms, None);

    let slots = [
        (Device::Optix, "NVIDIA GeForce RTX 4090"),
        (Device::Optix, "NVIDIA GeForce RTX 4090"),
        (Device::Cuda, "buy at example.org"),
    ];
    let slots = (0..).zip(slots);
    let slots = slots.map(|(slot, (device, name))| SlotInfo::new(slot, device, name));
    let series = [Series::new(4, 5)];
    let worker = ScriptedWorker::connect_as(&world, "one", &series, slots.collect()).await;
    world.creator.submit("1-3").await;
    let grant = worker.must_get_work().await.tasks.remove(0);
    assert_eq!(worker.finish(&grant, &png(1)).await, Outcome::Accepted);
    let again: Network = nobody.get("/api/v1/network").await.json();
    assert_eq!(again, empty, "a look is good for some seconds");

    world.clock.advance(LATER);
    let network: Network = nobody.get("/api/v1/network").await.json();
    assert_eq!((network.workers_online, network.slots_online), (1, 3));
    let classes: Vec<_> = network
        .classes
        .iter()
        .map(|of| (&*of.name, of.slots))
        .collect();
    assert_eq!(classes, [("NVIDIA GeForce RTX 4090", 2), ("other GPU", 1)]);
    assert_eq!((network.frames_queued, network.jobs_open), (2, 1));
    assert_eq!(network.demand.len(), 1);
    assert_eq!(network.demand[0].engine, Some(Engine::Cycles));
    assert_eq!((network.demand[0].frames, network.demand[0].jobs), (2, 1));
    assert_eq!(network.frames_last_day, 1);
    assert_eq!(network.hours.len(), 24);
    assert!(network.median_wait_ms.is_some_and(|wait| wait < 60_000));
    assert_eq!(network.points_per_hour, None, "one worker is no crowd");

    // Whoever takes a job away takes no frame of the network's.
    let jobs: OwnedJobPage = world.creator.get("/api/v1/operator/jobs").await.json();
    let job = format!("/api/v1/jobs/{}", jobs.jobs[0].job.id);
    assert!(world.creator.delete(&job).await.status.is_success());
    world.clock.advance(LATER);
    let network: Network = nobody.get("/api/v1/network").await.json();
    assert_eq!((network.frames_last_day, network.frames_queued), (1, 0));
}

#[tokio::test]
async fn operators_find_everybodys_workers_and_jobs_with_their_owners() {
    let world = World::start().await;
    ScriptedWorker::connect(&world, "Attic").await;
    let stranger = world.stranger("ada").await;
    for name in ["barn", "100% mill"] {
        let made = stranger
            .post("/api/v1/workers", &json!({ "name": name }))
            .await;
        assert!(made.status.is_success(), "{made:?}");
    }
    let job = stranger.submit("1").await;
    let me: Me = stranger.get("/api/v1/me").await.json();
    for (search, expected) in [
        ("", "100% mill, barn, Attic"),
        ("search=ADA", "100% mill, barn"),
        ("search=%25", "100% mill"),
        ("search=attic", "Attic"),
        (&format!("search={}", me.id), "100% mill, barn"),
        ("search=nobody", ""),
    ] {
        for limit in [1, 2, 50] {
            assert_eq!(names(&world, search, limit).await, expected, "{search}");
        }
    }
    let all: OwnedWorkerPage = world.creator.get("/api/v1/operator/workers").await.json();
    assert_eq!(
        (all.workers[0].owner, &*all.workers[0].owner_name),
        (me.id, "ada")
    );
    for (search, count) in [("", 1), ("ada", 1), ("operator", 0)] {
        let path = format!("/api/v1/operator/jobs?search={search}");
        let jobs: OwnedJobPage = world.creator.get(&path).await.json();
        assert_eq!(jobs.jobs.len(), count, "{search}");
        let of = jobs.jobs.first().map(|owned| (owned.owner, owned.job.id));
        assert_eq!(of, (count > 0).then_some((me.id, job.id)));
    }
    let refused = stranger.get("/api/v1/operator/workers").await;
    refused.problem(ProblemKind::Forbidden);
}

#[tokio::test]
async fn operators_see_how_the_coordinator_is() {
    let world = World::start().await;
    world.creator.submit("1-2").await;
    let system: SystemState = world.creator.get("/api/v1/operator/system").await.json();
    assert!(system.database_bytes + system.wal_bytes > 100_000);
    assert!(system.blobs >= 1 && system.blob_bytes > 0);
    assert!(system.disk_free_bytes.unwrap() > 0);
    assert_eq!((system.jobs_open, system.frames_queued), (1, 2));
    assert_eq!(system.ledger_audited_ms, None, "not before its first night");

    world.clock.advance(Duration::from_secs(24 * 3_600));
    let audited = eventually("a nightly audit", async || {
        let system: SystemState = world.creator.get("/api/v1/operator/system").await.json();
        system
            .ledger_audited_ms
            .is_some()
            .then_some(system.clone())
            .ok_or(system)
    });
    let audited = audited.await;
    assert_eq!(audited.ledger_faults, Some(0));
    assert!(audited.uptime_ms >= 24 * 3_600_000);
}

#[tokio::test]
async fn past_campaigns_are_listed_with_who_won_them() {
    let world = World::start().await;
    let nobody = world.creator.with_token("");
    let none: PublicCampaigns = nobody.get("/api/v1/campaigns").await.json();
    assert_eq!(none.campaigns, []);
    let id = world.running_campaign().await;
    let people = world.crowd(3).await;
    for (user, points) in people.iter().zip([5_000_000, 9_000_000, 7_000_000]) {
        world.give_points(id, *user, points).await;
    }
    let winners = format!("/api/v1/leaderboard?campaign={id}");
    nobody.get(&winners).await.problem(ProblemKind::NotFound);
    world.close_campaign(id, 2).await;
    let listed = eventually("a snapshot", async || {
        let list: PublicCampaigns = nobody.get("/api/v1/campaigns").await.json();
        match list.campaigns.first() {
            Some(of) if of.has_snapshot => Ok(list),
            _ => Err(list),
        }
    });
    let listed = listed.await;
    let [campaign] = &listed.campaigns[..] else {
        panic!("{listed:?}")
    };
    assert_eq!((campaign.id, campaign.state), (id, CampaignState::Closed));
    let won: LeaderboardPage = nobody.get(&winners).await.json();
    assert!(won.is_final && won.people == 3);
    let points: Vec<_> = won
        .ranks
        .iter()
        .map(|rank| rank.points_micros.get())
        .collect();
    assert_eq!(points, [9_000_000, 7_000_000, 5_000_000]);
    assert!(won.ranks.iter().all(|rank| rank.prize_cents.is_some()));
    let bad = nobody.send(Method::GET, "/api/v1/leaderboard?campaign=soup", Vec::new());
    bad.await.problem(ProblemKind::Invalid);
    named(&nobody, "search=no").await;
}

/// The same as `name`.
async fn named(client: &Client, query: &str) {
    let path = format!("/api/v1/leaderboard?{query}");
    let found: LeaderboardPage = client.get(&path).await.json();
    assert_eq!(found.ranks, []);
}

/// The names of the workers on every page.
async fn names(world: &World, search: &str, limit: usize) -> String {
    let mut names = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/api/v1/operator/workers?{search}&limit={limit}{before}");
        let page: OwnedWorkerPage = world.creator.get(&path).await.json();
        assert!(page.workers.len() <= limit);
        names.extend(page.workers.into_iter().map(|of| of.worker.name));
        let Some(next) = page.next else { break };
        before = format!("&before={next}");
    }
    names.join(", ")
}
