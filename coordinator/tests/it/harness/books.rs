//! A campaign of the past, and value that moves by itself.

use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::life::Life;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_coordinator::campaign::versions::Version;
use pictor_coordinator::ledger::hold::{self, Destination, NewHold, Source};
use pictor_coordinator::ledger::{self, Account, Book, Entry, EntryKind};
use pictor_coordinator::store::campaigns::{self, Made};
use pictor_coordinator::store::people::insert_user;
use pictor_protocol::{CampaignId, Micros, UserId};
use serde_json::json;
use uuid::Uuid;

use super::World;

pub const MINUTE_US: i64 = 60 * 1_000_000;

impl World {
    /// A campaign by the default rules that opened an hour ago and runs for another one.
    pub async fn running_campaign(&self) -> CampaignId {
        let now_us = now_us();
        let id = CampaignId::new(Uuid::now_v7());
        let opens_us = now_us - 60 * MINUTE_US;
        let life = Life {
            opens_us,
            starts_us: opens_us,
            closes_us: now_us + 60 * MINUTE_US,
            closed_us: None,
        };
        let made = Made {
            by: self.operator().await,
            at_us: opens_us,
        };
        let first = Version {
            number: 1,
            effective_us: opens_us,
            hash: blake3::hash(DEFAULT.as_bytes()).to_hex().to_string(),
        };
        let mut tx = self.store.write().await.unwrap();
        let slug = id.to_string();
        assert!(
            campaigns::insert(&mut tx, id, &slug[..20], life, made)
                .await
                .unwrap()
        );
        campaigns::add_rules(&mut tx, id, &first, DEFAULT, made)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// As if an operator had closed it so many minutes ago.
    pub async fn close_campaign(&self, id: CampaignId, minutes_ago: i64) {
        let mut tx = self.store.write().await.unwrap();
        let row = campaigns::find(&mut tx, id).await.unwrap().unwrap();
        let life = Life {
            closed_us: Some(now_us() - minutes_ago * MINUTE_US),
            ..row.life()
        };
        campaigns::set_life(&mut tx, id, life).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn post(&self, entry: &Entry) {
        let mut tx = self.store.write().await.unwrap();
        ledger::post(&mut tx, entry, now_us()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Points that count at once.
    pub async fn points(&self, campaign: CampaignId, user: UserId, micros: i64) {
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
        hold::begin(&mut tx, &new, now_us()).await.unwrap();
        tx.commit().await.unwrap();
        new.key
    }

    pub async fn settle(&self, hold: &str) {
        let mut tx = self.store.write().await.unwrap();
        hold::settle(&mut tx, hold, now_us())
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
            insert_user(&mut tx, id, &name, false, now_us())
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
