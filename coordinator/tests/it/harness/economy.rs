//! Campaigns and books of the tests.

use http::StatusCode;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_coordinator::ledger::{self, Account, Balance, Book, Entry, EntryKind, audit};
use pictor_protocol::campaign::Campaign;
use pictor_protocol::{Micros, UserId};
use serde_json::json;

use super::World;

const DAY_MS: i64 = 24 * 3_600_000;

impl World {
    /// A campaign of thirty days that runs from now on, by the default rules with some lines replaced.
    pub async fn economy(&self, changes: &[(&str, &str)]) -> Campaign {
        let mut document = DEFAULT.to_owned();
        for (line, instead) in changes {
            assert!(document.contains(line), "the rules have no {line}");
            document = document.replacen(line, instead, 1);
        }
        let closes_ms = self.clock.now_us() / 1_000 + 30 * DAY_MS;
        let new = json!({ "slug": "test", "closes_ms": closes_ms, "document": document });
        let answer = self.creator.post("/api/v1/operator/campaigns", &new).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json()
    }

    /// Credits out of nowhere.
    pub async fn give_credits(&self, to: UserId, credits: i64) {
        let key = format!("test/{}", uuid::Uuid::now_v7());
        let entry = Entry::new(key, Book::Credits, EntryKind::Correction, json!({})).transfer(
            Account::Mint,
            Account::Available(to),
            Micros::new(credits * Micros::PER_ONE),
        );
        let mut tx = self.store.write().await.unwrap();
        ledger::post(&mut tx, &entry, self.clock.now_us())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn balance(&self, book: Book, of: UserId) -> Balance {
        let mut tx = self.store.read().await.unwrap();
        ledger::balance(&mut tx, book, of).await.unwrap()
    }

    /// What is wrong with the books.
    pub async fn book_faults(&self) -> Vec<String> {
        let mut tx = self.store.read().await.unwrap();
        let audit = audit::audit(&mut tx).await.unwrap();
        audit.faults.iter().map(ToString::to_string).collect()
    }
}
