//! What people earn in a campaign, on a real database and with a clock of the tests' own.

mod check_ins;
mod online_hours;
mod quest_kinds;
mod settling;
mod shares;

use std::time::{Duration, Instant};

use pictor_protocol::agent::{Device, Hello, PROTOCOL, SlotInfo};
use pictor_protocol::community::{ClaimQuest, QuestState, QuestWebhook};
use pictor_protocol::{CampaignId, Micros, UserId, WorkerId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::RulesCache;
use super::calendar::{DAY_US, HOUR_US, week_begins_us, week_of};
use super::check_in::{self, CheckInError};
use super::life::Life;
use super::online;
use super::quests::{self, QuestError, link, operator, webhook};
use super::referral::{self, Link, ReferralError, Why};
use super::rules::DEFAULT;
use super::running::NotRunning;
use super::settle::{BATCH, Pass, settle_due};
use super::versions::Version;
use super::welcome;
use crate::accounts::{Secret, SecretKind};
use crate::ledger::hold::{self, Destination, NewHold, Source};
use crate::ledger::{Book, EntryKind, audit, balance};
use crate::store::campaigns::{self, Made};
use crate::store::ledger::{due_holds, lines_of};
use crate::store::quests::ClaimStatus;
use crate::store::workers::WorkerStatus;
use crate::store::{
    Store, Tx, identities, online as online_store, people, referrals, uptime, workers,
};

/// A Monday, 00:00 UTC, on which the campaign begins.
const START_US: i64 = 20_780 * DAY_US;
const LENGTH_US: i64 = 60 * DAY_US;

fn user(number: u8) -> UserId {
    UserId::new(Uuid::from_u128(number.into()))
}

/// The default rules, their quests of another kind.
fn of_kind(kind: &str) -> String {
    DEFAULT.replace("kind = \"link\"", &format!("kind = {kind:?}"))
}

/// A coordinator's database with a campaign, which opens a day before it starts.
struct World {
    store: Store,
    known: RulesCache,
    campaign: CampaignId,
    _dir: tempfile::TempDir,
}

impl World {
    async fn open() -> Self {
        Self::with_rules(DEFAULT).await
    }

    async fn with_rules(document: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&dir.path().join("test.sqlite3"))
            .await
            .unwrap();
        let world = Self {
            store,
            known: RulesCache::default(),
            campaign: CampaignId::new(Uuid::from_u128(1_000)),
            _dir: dir,
        };
        let life = Life {
            opens_us: START_US - DAY_US,
            starts_us: START_US,
            closes_us: START_US + LENGTH_US,
            closed_us: None,
        };
        let mut tx = world.store.write().await.unwrap();
        let made = Made {
            by: user(9),
            at_us: life.opens_us,
        };
        campaigns::insert(&mut tx, world.campaign, "test", life, made)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        world.change_rules(1, document, life.opens_us).await;
        world
    }

    async fn change_rules(&self, number: i64, document: &str, at_us: i64) {
        let version = Version {
            number,
            effective_us: at_us,
            hash: blake3::hash(document.as_bytes()).to_hex().to_string(),
        };
        let made = Made { by: user(9), at_us };
        let mut tx = self.store.write().await.unwrap();
        campaigns::add_rules(&mut tx, self.campaign, &version, document, made)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// Somebody who signed up as the campaign began, with a code of their number.
    async fn person(&self, number: u8) -> UserId {
        let id = user(number);
        let mut tx = self.store.write().await.unwrap();
        people::insert_user(&mut tx, id, &format!("person {number}"), false, START_US)
            .await
            .unwrap();
        referrals::insert_code(&mut tx, id, &code(id), START_US)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn mailbox(&self, user: UserId, address: &str) {
        let key = user.to_string();
        let mut tx = self.store.write().await.unwrap();
        let identity = identities::NewIdentityRow {
            id: pictor_protocol::IdentityId::new(Uuid::now_v7()),
            user,
            address: &key,
            subject: Some(("https://a.example", "client", &key)),
            label: Some(address),
            now_us: START_US,
        };
        identities::insert(&mut tx, &identity).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn check_in(&self, user: UserId, now_us: i64) -> Result<(), CheckInError> {
        let mut tx = self.store.write().await?;
        check_in::enter(&self.known, &mut tx, user, now_us).await?;
        Ok(tx.commit().await?)
    }

    async fn bring(&self, user: UserId, by: UserId) -> Result<(), ReferralError> {
        let mut tx = self.store.write().await?;
        referral::bring(&mut tx, user, &code(by), START_US).await?;
        Ok(tx.commit().await?)
    }

    /// Points that wait until they are due.
    async fn earn(&self, key: &str, owner: UserId, points: i64, due_us: i64) {
        let new = self.hold(key, owner, points, due_us);
        let mut tx = self.store.write().await.unwrap();
        hold::begin(&mut tx, &new, START_US).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn hold(&self, key: &str, owner: UserId, points: i64, due_us: i64) -> NewHold {
        NewHold {
            key: key.into(),
            book: Book::Points(self.campaign),
            kind: EntryKind::Render,
            owner,
            source: Source::Mint,
            destination: Destination::Available,
            amount: Micros::new(points * Micros::PER_ONE),
            due_us: Some(due_us),
            inputs: json!({}),
        }
    }

    /// A worker with one slot.
    async fn worker(
        &self,
        number: u8,
        owner: UserId,
        score: Option<f64>,
        status: WorkerStatus,
    ) -> WorkerId {
        let id = WorkerId::new(Uuid::from_u128(number.into()));
        let hello = Hello {
            protocol: PROTOCOL,
            version: "0".into(),
            instance: Uuid::nil(),
            slots: vec![SlotInfo {
                score,
                ..SlotInfo::new(0, Device::Optix, "test")
            }],
            runtimes: Vec::new(),
            driver: None,
            sandbox: Vec::new(),
            doctor: Vec::new(),
            installs: Vec::new(),
            installable: Vec::new(),
            answers_challenges: false,
            journal: Vec::new(),
        };
        let mut tx = self.store.write().await.unwrap();
        let name = format!("worker {number}");
        workers::insert(&mut tx, id, owner, &name, &name, START_US)
            .await
            .unwrap();
        workers::save_hello(&mut tx, id, &hello, START_US)
            .await
            .unwrap();
        if status == WorkerStatus::Retired {
            workers::retire(&mut tx, owner, id, START_US).await.unwrap();
        }
        tx.commit().await.unwrap();
        id
    }

    async fn seen(&self, worker: WorkerId, hour: i64, seen_us: i64, proves: bool) {
        let mut tx = self.store.write().await.unwrap();
        uptime::add(&mut tx, worker, hour, seen_us).await.unwrap();
        if proves {
            online_store::prove(&mut tx, worker, 0, hour).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Judges a whole hour; answers in how many transactions.
    async fn judge(&self, hour: i64, now_us: i64) -> usize {
        let (mut after, mut transactions) = (None, 0);
        loop {
            let mut tx = self.store.write().await.unwrap();
            after = online::judge_some(&self.known, &mut tx, hour, after, now_us)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            transactions += 1;
            if after.is_none() {
                return transactions;
            }
        }
    }

    async fn settle(&self, now_us: i64) -> Pass {
        let mut tx = self.store.write().await.unwrap();
        let pass = settle_due(&self.known, &mut tx, now_us, 100, |_| true).await;
        assert!(due_holds(&mut tx, now_us, 1).await.unwrap().is_empty());
        tx.commit().await.unwrap();
        pass.unwrap()
    }

    /// The nonce.
    async fn visit(&self, user: UserId, id: &str, now_us: i64) -> Result<String, QuestError> {
        let nonce = Secret::new(SecretKind::QuestNonce)?;
        let mut tx = self.store.write().await?;
        let opened = link::visit(&self.known, &mut tx, user, id, nonce, now_us).await?;
        tx.commit().await?;
        Ok(opened.nonce)
    }

    async fn claim(
        &self,
        user: UserId,
        id: &str,
        nonce: Option<&str>,
        now_us: i64,
    ) -> Result<QuestState, QuestError> {
        let claim = ClaimQuest {
            nonce: nonce.map(str::to_owned),
            attested: true,
            note: None,
        };
        let mut tx = self.store.write().await?;
        let progress = quests::enter(&self.known, &mut tx, user, id, &claim, now_us).await?;
        tx.commit().await?;
        Ok(progress.state)
    }

    async fn grant(
        &self,
        by: UserId,
        user: UserId,
        id: &str,
        now_us: i64,
    ) -> Result<QuestState, QuestError> {
        let mut tx = self.store.write().await?;
        let row = crate::store::quests::find(&mut tx, user, self.campaign, id).await?;
        let row = row.unwrap();
        assert_ne!(row.status, ClaimStatus::Opened);
        let progress = operator::grant(&self.known, &mut tx, by, row.id, now_us).await?;
        tx.commit().await?;
        Ok(progress.state)
    }

    async fn told(&self, id: &str, event: &str, user: UserId) -> Result<QuestState, QuestError> {
        let said = QuestWebhook {
            event: event.into(),
            user,
        };
        let mut tx = self.store.write().await?;
        let progress = webhook::count(&self.known, &mut tx, id, &said, START_US).await?;
        tx.commit().await?;
        Ok(progress.state)
    }

    async fn read(&self) -> Tx {
        self.store.read().await.unwrap()
    }

    /// Micros of points that can be used.
    async fn micros(&self, user: UserId) -> i64 {
        let book = Book::Points(self.campaign);
        let has = balance(&mut self.read().await, book, user).await.unwrap();
        has.available.get()
    }

    /// Whole points, available and held.
    async fn points(&self, user: UserId) -> (i64, i64) {
        let book = Book::Points(self.campaign);
        let has = balance(&mut self.read().await, book, user).await.unwrap();
        (whole(has.available), whole(has.held))
    }

    /// Whole credits.
    async fn credits(&self, user: UserId) -> i64 {
        let has = balance(&mut self.read().await, Book::Credits, user).await;
        whole(has.unwrap().available)
    }

    /// What the last posting of points of somebody was computed from.
    async fn last_inputs(&self, user: UserId) -> Value {
        let book = Some(Book::Points(self.campaign));
        let lines = lines_of(&mut self.read().await, user, book, None, 1).await;
        lines.unwrap().swap_remove(0).inputs.0
    }

    async fn assert_sound(&self) {
        let found = audit::audit(&mut self.read().await).await.unwrap();
        assert!(found.is_sound(), "{:?}", found.faults);
    }
}

fn whole(amount: Micros) -> i64 {
    assert_eq!(amount.get() % Micros::PER_ONE, 0, "{amount}");
    amount.get() / Micros::PER_ONE
}

fn code(user: UserId) -> String {
    let digits = user.to_string();
    format!("c0de{}", &digits[digits.len() - 8..])
}
