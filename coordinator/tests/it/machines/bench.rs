//! How fast it is with many. By hand:
//!
//! ```text
//! cargo test -p pictor-coordinator --test it -- --ignored --nocapture machines::bench
//! ```

use std::time::{Duration, Instant};

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
#[ignore = "takes a minute, and measures"]
async fn a_thousand_workers_and_a_hundred_thousand_earnings_of_one() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect_scored(&world, "one", 1.0).await;
    world
        .sql(
            "INSERT INTO workers (id, owner_id, name, name_key, token_hash, status, created_us, last_seen_us, \
                 instance, hello_us, hello, series, abilities) \
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) \
             SELECT printf('019b7600-0000-7000-8000-%012x', n), owner_id, 'worker ' || n, 'worker ' || n, \
                 'hash ' || n, status, created_us + n, last_seen_us, instance, hello_us, hello, series, \
                 abilities FROM workers, n WHERE name = 'one'",
        )
        .await;
    world
        .sql(
            "INSERT INTO worker_earnings (worker_id, hour, amount) \
             WITH RECURSIVE h (h) AS (SELECT 1 UNION ALL SELECT h + 1 FROM h WHERE h < 48) \
             SELECT id, last_seen_us / 3600000000 - h + 1, 1000 + h FROM workers, h",
        )
        .await;
    world
        .sql(
            "INSERT INTO ledger_entries (key, book, kind, at_us, inputs) \
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000) \
             SELECT 'render/' || n, 'credits', 'render', n, '{}' FROM n",
        )
        .await;
    world
        .sql(
            "INSERT INTO ledger_holds (key, book, owner, source, destination, status, amount, settled, \
                 created_us, ended_us, worker_id) \
             SELECT key, book, owner_id, 'mint', 'available', \
                 CASE WHEN at_us % 10 = 0 THEN 'held' ELSE 'settled' END, 1000, \
                 CASE WHEN at_us % 10 = 0 THEN 0 ELSE 1000 END, at_us, \
                 CASE WHEN at_us % 10 = 0 THEN NULL ELSE at_us END, workers.id \
             FROM ledger_entries, workers WHERE name = 'one' AND ledger_entries.key LIKE 'render/%'",
        )
        .await;
    world.creator.submit("1-50").await;
    for path in [
        "/api/v1/workers?limit=50",
        "/api/v1/workers?limit=50&sort=name&search=9",
        "/api/v1/workers?limit=50&sort=earned&descending=true",
        "/api/v1/workers?limit=1000",
        &format!("/api/v1/workers/{}/earnings", worker.id),
    ] {
        measure(&world.creator, path).await;
    }
}

#[expect(
    clippy::print_stderr,
    reason = "what was measured is for whoever runs it"
)]
async fn measure(client: &Client, path: &str) {
    let mut took = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        let answer = client.get(path).await;
        took.push(began.elapsed());
        assert!(answer.status.is_success(), "{answer:?}");
    }
    took.sort();
    let of = |percent: usize| took[(took.len() - 1) * percent / 100];
    eprintln!("{path}: median {:?}, 99 % {:?}", of(50), of(99));
    assert!(of(99) < Duration::from_secs(10));
}
