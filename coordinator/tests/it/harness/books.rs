//! Value that moves by itself, in a campaign that begins and ends at will.

use std::time::Duration;

use pictor_coordinator::ledger::hold::{self, Destination, NewHold, Source};
use pictor_coordinator::ledger::{self, Account, Book, Entry, EntryKind};
use pictor_coordinator::store::people::insert_user;
use pictor_protocol::{CampaignId, Micros, UserId};
use serde_json::json;
use uuid::Uuid;

use super::World;

impl World {
    /// A campaign by the default rules.
    pub async fn running_campaign(&self) -> CampaignId {
        self.economy(&[]).await.id
    }

    /// Closes it, and lets so many minutes pass.
    pub async fn close_campaign(&self, id: CampaignId, minutes: u64) {
        let address = format!("/api/v1/operator/campaigns/{id}/close");
        let closed = self.creator.post(&address, &json!({})).await;
        assert!(closed.status.is_success(), "{closed:?}");
        self.clock.advance(Duration::from_secs(60 * minutes));
    }

    pub async fn post(&self, entry: &Entry) {
        let mut tx = self.store.write().await.unwrap();
        ledger::post(&mut tx, entry, self.clock.now_us())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// Points that count at once.
    pub async fn give_points(&self, campaign: CampaignId, user: UserId, micros: i64) {
        let book = Book::Points(campaign);
        let entry = Entry::new(
            key("check-in"),
            book,
            EntryKind::CheckIn,
            json!({ "day": 3 }),
        );
        let to = Account::Available(user);
        self.post(&entry.transfer(Account::Mint, to, Micros::new(micros)))
            .await;
    }

    /// Points that wait; answers the hold's key.
    pub async fn waiting_points(&self, campaign: CampaignId, user: UserId, micros: i64) -> String {
        let new = NewHold {
            key: key("render"),
            book: Book::Points(campaign),
            kind: EntryKind::Render,
            owner: user,
            source: Source::Mint,
            destination: Destination::Available,
            amount: Micros::new(micros),
            due_us: None,
            inputs: json!({ "reference_ms": 60_000 }),
        };
        let mut tx = self.store.write().await.unwrap();
        hold::begin(&mut tx, &new, self.clock.now_us())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        new.key
    }

    pub async fn settle(&self, hold: &str) {
        let mut tx = self.store.write().await.unwrap();
        hold::settle(&mut tx, hold, self.clock.now_us())
            .await
            .unwrap()
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// So many people who chose nothing.
    pub async fn crowd(&self, count: usize) -> Vec<UserId> {
        let mut tx = self.store.write().await.unwrap();
        let mut people = Vec::with_capacity(count);
        for number in 0..count {
            let id = UserId::new(Uuid::now_v7());
            let name = format!("aptos-{number:012x}");
            insert_user(&mut tx, id, &name, false, self.clock.now_us())
                .await
                .unwrap();
            people.push(id);
        }
        tx.commit().await.unwrap();
        people
    }
}

fn key(of: &str) -> String {
    format!("{of}/{}", Uuid::now_v7())
}
