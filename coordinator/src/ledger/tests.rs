//! Whatever is entered, repeated or cut off half-way: the books are right, and nothing happens twice.

mod edits;
mod entries;
mod holds;
mod model;

use serde_json::json;
use uuid::Uuid;

use super::hold::{Destination, NewHold, Part, Source};
use super::*;
use crate::store::Store;

const BOOK: Book = Book::Credits;

fn user(number: u8) -> UserId {
    UserId::new(Uuid::from_u128(number.into()))
}

fn mint(key: &str, to: UserId, micros: i64) -> Entry {
    Entry::new(key, BOOK, EntryKind::SignUp, json!({})).transfer(
        Account::Mint,
        Account::Available(to),
        Micros::new(micros),
    )
}

fn pay(key: &str, from: UserId, micros: i64) -> Entry {
    Entry::new(key, BOOK, EntryKind::Charge, json!({ "frame": 1 })).transfer(
        Account::Available(from),
        Account::Revenue,
        Micros::new(micros),
    )
}

fn part(key: &str, micros: i64) -> Part {
    Part {
        key: key.into(),
        kind: EntryKind::Charge,
        amount: Micros::new(micros),
        inputs: json!({}),
    }
}

fn reserve(key: &str, owner: UserId, micros: i64) -> NewHold {
    NewHold {
        key: key.into(),
        book: BOOK,
        kind: EntryKind::Reserve,
        owner,
        source: Source::Available,
        destination: Destination::Revenue,
        amount: Micros::new(micros),
        due_us: None,
        inputs: json!({}),
    }
}

struct Books {
    store: Store,
    _folder: tempfile::TempDir,
}

impl Books {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("books.db"))
            .await
            .unwrap();
        Self {
            store,
            _folder: folder,
        }
    }

    async fn post(&self, entry: &Entry) -> Result<Posted, PostError> {
        let mut tx = self.store.write().await?;
        let posted = post(&mut tx, entry, 1).await?;
        tx.commit().await?;
        Ok(posted)
    }

    async fn balance(&self, of: UserId) -> (i64, i64) {
        let mut tx = self.store.read().await.unwrap();
        let balance = balance(&mut tx, BOOK, of).await.unwrap();
        (balance.available.get(), balance.held.get())
    }

    async fn faults(&self) -> Vec<String> {
        let mut tx = self.store.read().await.unwrap();
        let audit = audit::audit(&mut tx).await.unwrap();
        audit.faults.iter().map(ToString::to_string).collect()
    }
}
