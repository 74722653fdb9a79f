//! What the books and the people's part of the coordinator do in a second, on this machine: `make bench`.
//!
//! Prints one JSON object. Every posting counted is durable: its transaction was acknowledged.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made stops"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pictor_coordinator::ledger::{self, Account, Book, Entry, EntryKind};
use pictor_coordinator::store::Store;
use pictor_protocol::{Micros, UserId};
use serde_json::json;
use uuid::Uuid;

/// How many people claim something at once.
const AT_ONCE: u64 = 64;
const FOR: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&folder.path().join("bench.db"))
        .await
        .unwrap();
    let postings_per_s = postings(&store).await;
    println!("{}", json!({ "postings_per_s": postings_per_s.round() }));
}

/// Each entry has two postings and is a transaction of its own, as when people check in.
async fn postings(store: &Store) -> f64 {
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut claiming = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, next) = (store.clone(), Arc::clone(&next));
        claiming.spawn(async move {
            while began.elapsed() < FOR {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let user = UserId::new(Uuid::from_u128(u128::from(number % 10_000)));
                let inputs = json!({ "day": "2026-01-01", "streak": 3 });
                let key = format!("check-in/{user}/{number}");
                let entry = Entry::new(key, Book::Credits, EntryKind::CheckIn, inputs).transfer(
                    Account::Mint,
                    Account::Available(user),
                    Micros::new(1_000_000),
                );
                let mut tx = store.write().await.unwrap();
                ledger::post(&mut tx, &entry, 1).await.unwrap();
                tx.commit().await.unwrap();
            }
        });
    }
    claiming.join_all().await;
    let entries = next.load(Ordering::Relaxed) as f64;
    2.0 * entries / began.elapsed().as_secs_f64()
}
