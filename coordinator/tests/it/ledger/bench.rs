//! How many postings a second the books take, each acknowledged when it is on the disk.
//!
//! ```text
//! cargo test --release -p pictor-coordinator --test it -- --ignored --nocapture postings_a_second
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pictor_coordinator::ledger::{self, Account, Book, Entry, EntryKind};
use pictor_coordinator::store::Store;
use pictor_protocol::{Micros, UserId};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How many people claim something at once.
const AT_ONCE: u64 = 64;
const FOR: Duration = Duration::from_secs(5);

/// Each entry has two postings and is a transaction of its own, as when people check in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes for seconds; `make bench` runs it"]
async fn the_books_take_so_many_durable_postings_a_second() {
    // Not in memory, as a temporary folder may be.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Store::open_sqlite(&folder.path().join("bench.db"))
        .await
        .unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut claiming = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, next) = (store.clone(), Arc::clone(&next));
        claiming.spawn(async move {
            while began.elapsed() < FOR {
                claim(&store, next.fetch_add(1, Ordering::Relaxed)).await;
            }
        });
    }
    claiming.join_all().await;
    let postings = 2 * next.load(Ordering::Relaxed);
    let per_second = postings as f64 / began.elapsed().as_secs_f64();
    eprintln!("{per_second:.0} durable postings a second, {AT_ONCE} at once");
}

async fn claim(store: &Store, number: u64) {
    let user = UserId::new(Uuid::from_u128(u128::from(number % 10_000)));
    let inputs = json!({ "day": "2026-01-01", "streak": 3 });
    let key = format!("check-in/{user}/{number}");
    let entry = Entry::new(key, Book::Credits, EntryKind::CheckIn, inputs);
    let entry = entry.transfer(
        Account::Mint,
        Account::Available(user),
        Micros::new(1_000_000),
    );
    let mut tx = store.write().await.unwrap();
    ledger::post(&mut tx, &entry, 1).await.unwrap();
    tx.commit().await.unwrap();
}
