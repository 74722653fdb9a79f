use std::collections::BTreeSet;

use pictor_protocol::problem::ProblemKind;
use pictor_protocol::worker::{Presence, WorkerList};
use serde_json::json;

use crate::harness::World;
use crate::harness::worker::ScriptedWorker;

/// In the order in which they are created.
const NAMES: [&str; 6] = ["mill", "Attic", "100% barn", "ATTIC", "Дом", "zoo_1"];

#[tokio::test]
async fn workers_are_sorted_by_what_is_asked_for_whatever_the_page() {
    let world = world().await;
    for (query, expected) in [
        ("", "mill Attic barn ATTIC Дом zoo"),
        (
            "sort=created&descending=true",
            "zoo Дом ATTIC barn Attic mill",
        ),
        ("sort=name", "barn Attic ATTIC mill zoo Дом"),
        ("sort=name&descending=true", "Дом zoo mill ATTIC Attic barn"),
        // The online one first, then the drained, the silent, and those that never came.
        ("sort=presence", "ATTIC zoo barn Attic mill Дом"),
        ("sort=seen&descending=true", "zoo ATTIC barn Дом Attic mill"),
    ] {
        for limit in [1, 2, 5, 6, 1_000] {
            assert_eq!(
                all(&world, query, limit).await,
                expected,
                "{query} by {limit}"
            );
        }
    }
}

#[tokio::test]
async fn workers_are_found_by_a_part_of_their_name() {
    let world = world().await;
    for (search, expected) in [
        ("attic", "Attic ATTIC"),
        ("TTI", "Attic ATTIC"),
        ("%25", "barn"),
        ("_", "zoo"),
        ("%D0%B4%D0%BE%D0%BC", "Дом"),
        ("%20", "mill Attic barn ATTIC Дом zoo"),
        ("nobody", ""),
        ("'%20OR%201=1", ""),
    ] {
        let query = format!("search={search}");
        assert_eq!(all(&world, &query, 10).await, expected, "{search}");
    }
}

#[tokio::test]
async fn a_presence_filters_as_it_is_shown() {
    let world = world().await;
    world
        .sql("UPDATE workers SET status = 'suspended' WHERE name = 'mill'")
        .await;
    world
        .sql("UPDATE workers SET status = 'retired' WHERE name = 'Attic'")
        .await;
    let mut seen = BTreeSet::new();
    for presence in [
        "new",
        "online",
        "offline",
        "draining",
        "suspended",
        "retired",
    ] {
        let page = page(&world, &format!("presence={presence}")).await;
        assert!(!page.workers.is_empty(), "{presence}");
        for worker in page.workers {
            assert_eq!(json!(worker.presence), presence);
            assert!(seen.insert(worker.id), "{} twice", worker.name);
        }
    }
    assert_eq!(seen.len(), NAMES.len());
    let unasked = page(&world, "").await.workers;
    assert_eq!(unasked.len(), NAMES.len() - 1);
    assert!(unasked.iter().all(|w| w.presence != Presence::Retired));
}

#[tokio::test]
async fn workers_are_found_by_when_they_were_created() {
    let world = world().await;
    world
        .sql("UPDATE workers SET created_us = 1000000 WHERE name = 'mill'")
        .await;
    for (query, expected) in [
        ("created_before_ms=1001", "mill"),
        ("created_before_ms=1000", ""),
        ("created_from_ms=1000&created_before_ms=2000", "mill"),
        ("created_from_ms=1001", "Attic barn ATTIC Дом zoo"),
        ("created_from_ms=9223372036854775807", ""),
    ] {
        assert_eq!(all(&world, query, 10).await, expected, "{query}");
    }
}

#[tokio::test]
async fn nobody_sees_workers_of_others_and_nonsense_is_refused() {
    let world = world().await;
    let stranger = world.stranger("stranger").await;
    for query in ["", "presence=online", "search=a", "sort=name"] {
        let list = stranger.get(&format!("/api/v1/workers?{query}")).await;
        assert_eq!(list.json::<WorkerList>().workers, [], "{query}");
    }
    let endless = format!("search={}", "a".repeat(60_000));
    for bad in [
        &endless,
        "sort=luck",
        "after=soup",
        "limit=-1",
        "created_from_ms=new",
    ] {
        let refused = world.creator.get(&format!("/api/v1/workers?{bad}")).await;
        refused.problem(ProblemKind::Invalid);
    }
}

/// Six workers: one online, one drained, one silent, three that never connected.
async fn world() -> World {
    let world = World::start().await;
    for name in NAMES {
        if ["100% barn", "ATTIC", "zoo_1"].contains(&name) {
            ScriptedWorker::connect(&world, name).await;
        } else {
            world.worker_config(name).await;
        }
    }
    world
        .sql("UPDATE workers SET last_seen_us = last_seen_us - 200000000 WHERE name = '100% barn'")
        .await;
    world
        .sql("UPDATE workers SET status = 'draining' WHERE name = 'zoo_1'")
        .await;
    world
}

async fn page(world: &World, query: &str) -> WorkerList {
    let answer = world.creator.get(&format!("/api/v1/workers?{query}")).await;
    answer.json()
}

/// The workers of every page, by a word of their names.
async fn all(world: &World, query: &str, limit: usize) -> String {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = page(world, &format!("{query}&limit={limit}{after}")).await;
        assert!(page.workers.len() <= limit);
        for worker in page.workers {
            let word = match worker.name.as_str() {
                "100% barn" => "barn".into(),
                "zoo_1" => "zoo".into(),
                _ => worker.name,
            };
            found.push(word);
        }
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    found.join(" ")
}
