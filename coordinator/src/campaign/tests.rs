//! What people earn in a campaign, on a real database and with a clock of the tests' own.

use pictor_protocol::community::{ClaimQuest, QuestState, QuestWebhook};
use pictor_protocol::{CampaignId, Micros, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::RulesCache;
use super::calendar::{DAY_US, HOUR_US, week_begins_us, week_of};
use super::check_in::{self, CheckInError};
use super::life::Life;
use super::quests::{self, QuestError, link, operator, webhook};
use super::referral::{self, Link, ReferralError, Why};
use super::rules::DEFAULT;
use super::running::NotRunning;
use super::settle::{Pass, settle_due};
use super::versions::Version;
use super::welcome;
use crate::accounts::{Secret, SecretKind};
use crate::ledger::hold::{self, Destination, NewHold, Source};
use crate::ledger::{Book, EntryKind, audit, balance};
use crate::store::campaigns::{self, Made};
use crate::store::ledger::{due_holds, lines_of};
use crate::store::quests::ClaimStatus;
use crate::store::{Store, Tx, identities, people, referrals};

/// A Monday, 00:00 UTC, on which the campaign begins.
const START_US: i64 = 20_780 * DAY_US;
const LENGTH_US: i64 = 60 * DAY_US;

#[tokio::test]
async fn a_week_of_check_ins_earns_what_the_rules_say_and_each_day_counts_once() {
    let world = World::open().await;
    let ada = world.person(1).await;
    for day in 0..8 {
        let now_us = START_US + day * DAY_US + day * HOUR_US;
        world.check_in(ada, now_us).await.unwrap();
        let again = world.check_in(ada, now_us + HOUR_US).await;
        assert!(matches!(again, Err(CheckInError::AlreadyDone { .. })));
    }
    assert_eq!(world.points(ada).await, (9, 0), "6 × 1, 2, and 1 again");
    assert_eq!(world.credits(ada).await, 20);
    world.assert_sound().await;
}

#[tokio::test]
async fn nothing_is_earned_before_or_after_the_campaign() {
    let world = World::open().await;
    let ada = world.person(1).await;
    let early = world.check_in(ada, START_US - 1).await;
    let not_running = |checked: &Result<_, CheckInError>| match checked {
        Err(CheckInError::NotRunning(why)) => Some(*why),
        Ok(()) | Err(_) => None,
    };
    assert_eq!(not_running(&early), Some(NotRunning::NotYet { wait_s: 1 }));
    let late = world.check_in(ada, START_US + LENGTH_US).await;
    assert_eq!(not_running(&late), Some(NotRunning::Over));
    let before_all = world.check_in(ada, START_US - 2 * DAY_US).await;
    assert_eq!(not_running(&before_all), Some(NotRunning::NoCampaign));
    assert_eq!(world.points(ada).await, (0, 0));
    world.check_in(ada, START_US).await.unwrap();
}

#[tokio::test]
async fn credits_for_a_new_account_come_once() {
    let world = World::open().await;
    let ada = world.person(1).await;
    for (now_us, expected) in [
        (START_US - 2 * DAY_US, 0),
        (START_US, 100),
        (START_US + DAY_US, 100),
    ] {
        let mut tx = world.store.write().await.unwrap();
        welcome(&world.known, &mut tx, ada, now_us).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.credits(ada).await, expected);
    }
}

#[tokio::test]
async fn a_referrer_gets_a_share_of_what_is_settled_and_nothing_of_shares() {
    let world = World::open().await;
    let [ada, bob, cid] = [1, 2, 3].map(|number| world.person(number));
    let (ada, bob, cid) = (ada.await, bob.await, cid.await);
    world.bring(bob, ada).await.unwrap();
    world.bring(cid, bob).await.unwrap();

    world.earn("render/1", cid, 1_000, START_US + DAY_US).await;
    assert_eq!(world.points(cid).await, (0, 1_000));
    assert_eq!(world.points(bob).await, (0, 0), "it is not settled");
    world.settle(START_US + DAY_US - 1).await;
    assert_eq!(world.points(bob).await, (0, 0), "it is not due");
    world.settle(START_US + DAY_US).await;
    assert_eq!(world.points(cid).await, (1_000, 0));
    assert_eq!(world.points(bob).await, (100, 0));
    assert_eq!(world.points(ada).await, (0, 0), "of a share there is none");

    world.settle(START_US + DAY_US).await;
    assert_eq!(world.points(bob).await, (100, 0), "nothing settles twice");
    let inputs = world.last_inputs(bob).await;
    assert_eq!(inputs["settled_by"], "settle/render/1");
    assert_eq!(
        (&inputs["percent"], &inputs["base_micros"], &inputs["rules"]),
        (&json!(10), &json!(1_000_000_000), &json!(1))
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn what_does_not_wait_pays_its_share_at_once() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    world.check_in(bob, START_US).await.unwrap();
    assert_eq!(world.micros(ada).await, 100_000);
}

#[tokio::test]
async fn a_void_hold_brings_nobody_anything() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    world.earn("render/1", bob, 500, START_US + HOUR_US).await;
    let mut tx = world.store.write().await.unwrap();
    hold::release(&mut tx, "render/1", json!("fake"), START_US)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.settle(START_US + DAY_US).await, Pass::default());
    assert_eq!(world.points(ada).await, (0, 0));
    assert_eq!(world.points(bob).await, (0, 0));
}

#[tokio::test]
async fn shares_stop_at_the_weeks_cap_and_begin_anew_on_monday() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    let monday_us = week_begins_us(week_of(START_US) + 1);
    for (key, points, due_us, expected) in [
        ("a", 9_000, monday_us - 3, 900),
        ("b", 5_000, monday_us - 2, 1_000),
        ("c", 5_000, monday_us - 1, 1_000),
        ("d", 200, monday_us, 1_020),
    ] {
        world.earn(key, bob, points, due_us).await;
        world.settle(due_us).await;
        assert_eq!(world.points(ada).await, (expected, 0), "{key}");
        if key == "b" {
            let inputs = world.last_inputs(ada).await;
            assert_eq!(inputs["cut_micros"], 400_000_000);
            assert_eq!(inputs["used_before_micros"], 900_000_000);
        }
    }
    world.assert_sound().await;
}

#[tokio::test]
async fn what_was_earned_in_a_campaign_settles_after_it_by_its_last_rules() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.bring(bob, ada).await.unwrap();
    let after_us = START_US + LENGTH_US + HOUR_US;
    world.earn("render/1", bob, 100, after_us).await;
    world.settle(after_us).await;
    assert_eq!(world.points(bob).await, (100, 0));
    assert_eq!(world.points(ada).await, (10, 0));
}

#[tokio::test]
async fn a_hold_that_may_not_settle_does_not_stand_before_the_others() {
    let world = World::open().await;
    let (cheat, bob) = (world.person(1).await, world.person(2).await);
    let due_us = START_US + HOUR_US;
    for number in 0..3 {
        world.earn(&format!("a{number}"), cheat, 10, due_us).await;
    }
    world.earn("b", bob, 10, due_us).await;
    let mut passes = Vec::new();
    for _ in 0..3 {
        let mut tx = world.store.write().await.unwrap();
        let pass = settle_due(&world.known, &mut tx, due_us, 2, |user| user != cheat).await;
        tx.commit().await.unwrap();
        passes.push(pass.unwrap());
    }
    let put_off: usize = passes.iter().map(|pass| pass.put_off).sum();
    assert_eq!((put_off, passes[2]), (3, Pass::default()));
    assert_eq!(world.points(bob).await, (10, 0));
    assert_eq!(world.points(cheat).await, (0, 30));
    // Allowed again, it settles by itself.
    world.settle(due_us + HOUR_US).await;
    assert_eq!(world.points(cheat).await, (30, 0));
}

#[tokio::test]
async fn nobody_is_brought_by_oneself_in_a_circle_twice_or_late() {
    let world = World::open().await;
    let [ada, bob, cid, dan] = [1, 2, 3, 4].map(|number| world.person(number));
    let (ada, bob, cid, dan) = (ada.await, bob.await, cid.await, dan.await);
    let why = |refused: Result<(), ReferralError>| match refused {
        Err(ReferralError::Refused(why)) => Some(why),
        Ok(()) | Err(_) => None,
    };
    assert_eq!(why(world.bring(ada, ada).await), Some(Why::Oneself));
    world.bring(bob, ada).await.unwrap();
    world.bring(cid, bob).await.unwrap();
    assert_eq!(why(world.bring(ada, bob).await), Some(Why::Loop));
    assert_eq!(why(world.bring(ada, cid).await), Some(Why::Loop));
    assert_eq!(why(world.bring(cid, dan).await), Some(Why::Another));
    world.bring(cid, bob).await.unwrap();

    world.check_in(dan, START_US).await.unwrap();
    assert_eq!(why(world.bring(dan, ada).await), Some(Why::HasEarned));
    let eve = world.person(5).await;
    let mut tx = world.store.write().await.unwrap();
    let late = referral::bring(&mut tx, eve, &code(ada), START_US + DAY_US).await;
    assert_eq!(why(late), Some(Why::TooLate));
    let unknown = referral::bring(&mut tx, eve, "nobody's", START_US).await;
    assert!(matches!(unknown, Err(ReferralError::NoSuchCode)));
}

#[tokio::test]
async fn an_account_with_the_same_mailbox_is_not_brought() {
    let world = World::open().await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    world.mailbox(ada, "ada@example.org").await;
    world.mailbox(bob, "Ada+2@example.org").await;
    let refused = world.bring(bob, ada).await;
    let expected = Why::Linked(Link::Mailbox);
    assert!(matches!(refused, Err(ReferralError::Refused(why)) if why == expected));
}

#[tokio::test]
async fn a_link_counts_after_a_visit_and_once_whatever_the_rules_become() {
    let world = World::open().await;
    let ada = world.person(1).await;
    let early = world.claim(ada, "follow-x", Some("nonce"), START_US).await;
    assert!(matches!(early, Err(QuestError::NotVisited)));

    let nonce = world.visit(ada, "follow-x", START_US).await.unwrap();
    let quick = world
        .claim(ada, "follow-x", Some(&nonce), START_US + 1)
        .await;
    assert!(matches!(quick, Err(QuestError::TooQuick { wait_s: 5 })));
    let after_us = START_US + link::VISIT_US;
    let of_other = world
        .claim(ada, "telegram-channel", Some(&nonce), after_us)
        .await;
    assert!(matches!(of_other, Err(QuestError::NotVisited)));
    let state = world.claim(ada, "follow-x", Some(&nonce), after_us).await;
    assert_eq!(state.unwrap(), QuestState::Done);
    assert_eq!(
        (world.points(ada).await, world.credits(ada).await),
        ((5, 0), 50)
    );

    let dearer = DEFAULT.replace("points = 5", "points = 7");
    world.change_rules(2, &dearer, after_us + 1).await;
    let again = world.visit(ada, "follow-x", after_us + 2).await;
    assert!(matches!(again, Err(QuestError::Done)));
    let nonce = world.visit(ada, "telegram-channel", after_us + 2).await;
    let state = world
        .claim(
            ada,
            "telegram-channel",
            Some(&nonce.unwrap()),
            after_us + DAY_US,
        )
        .await;
    assert_eq!(state.unwrap(), QuestState::Done);
    assert_eq!(world.points(ada).await, (12, 0));
    assert_eq!(world.last_inputs(ada).await["rules"], 2);
    world.assert_sound().await;
}

#[tokio::test]
async fn quests_that_do_not_exist_or_are_not_open_are_refused() {
    let shut = DEFAULT.replacen("points = 5", "points = 5\nactive = false", 1);
    let later = shut.replacen(
        "id = \"telegram-channel\"",
        "id = \"telegram-channel\"\nopens = 2999-01-01T00:00:00Z",
        1,
    );
    let world = World::with_rules(&later.replace("2026-12-31", "2999-12-31")).await;
    let ada = world.person(1).await;
    let unknown = world.visit(ada, "no-such-quest", START_US).await;
    assert!(matches!(unknown, Err(QuestError::NoSuchQuest)));
    for id in ["follow-x", "telegram-channel"] {
        let refused = world.visit(ada, id, START_US).await;
        assert!(matches!(refused, Err(QuestError::NotOpen)), "{id}");
    }
    let over = world
        .visit(ada, "follow-linkedin", START_US + LENGTH_US)
        .await;
    assert!(matches!(
        over,
        Err(QuestError::NotRunning(NotRunning::Over))
    ));
}

#[tokio::test]
async fn an_operators_quest_counts_by_the_rules_of_the_claim() {
    let world = World::with_rules(&of_kind("operator")).await;
    let (ada, operator) = (world.person(1).await, world.person(9).await);
    let state = world.claim(ada, "follow-x", None, START_US).await;
    assert_eq!(state.unwrap(), QuestState::Waiting);
    assert_eq!(world.points(ada).await, (0, 0));
    let dearer = of_kind("operator").replace("points = 5", "points = 7");
    world.change_rules(2, &dearer, START_US + 1).await;

    for _ in 0..2 {
        let state = world
            .grant(operator, ada, "follow-x", START_US + DAY_US)
            .await;
        assert_eq!(state.unwrap(), QuestState::Done);
        assert_eq!(world.points(ada).await, (5, 0));
    }
    let again = world
        .claim(ada, "follow-x", None, START_US + 2 * DAY_US)
        .await;
    assert!(matches!(again, Err(QuestError::Done)));

    let state = world.claim(ada, "telegram-channel", None, START_US).await;
    assert_eq!(state.unwrap(), QuestState::Waiting);
    let late = world
        .grant(operator, ada, "telegram-channel", START_US + LENGTH_US)
        .await;
    assert!(matches!(
        late,
        Err(QuestError::NotRunning(NotRunning::Over))
    ));
}

#[tokio::test]
async fn an_event_counts_once_and_for_one_person() {
    let world = World::with_rules(&of_kind("webhook")).await;
    let (ada, bob) = (world.person(1).await, world.person(2).await);
    for _ in 0..3 {
        let state = world.told("follow-x", "event-1", ada).await;
        assert_eq!(state.unwrap(), QuestState::Done);
    }
    assert_eq!(world.points(ada).await, (5, 0));
    let stolen = world.told("follow-x", "event-1", bob).await;
    assert!(matches!(stolen, Err(QuestError::OtherEvent)));
    let done = world.told("follow-x", "event-2", ada).await;
    assert!(matches!(done, Err(QuestError::Done)));
    let nobody = world.told("follow-x", "event-3", user(77)).await;
    assert!(matches!(nobody, Err(QuestError::NoSuchUser)));
    let by_hand = world.claim(bob, "follow-x", None, START_US).await;
    assert!(matches!(by_hand, Err(QuestError::OtherWay(_))));
    assert_eq!(world.points(bob).await, (0, 0));
    world.assert_sound().await;
}

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
        let new = NewHold {
            key: key.into(),
            book: Book::Points(self.campaign),
            kind: EntryKind::Render,
            owner,
            source: Source::Mint,
            destination: Destination::Available,
            amount: Micros::new(points * Micros::PER_ONE),
            due_us: Some(due_us),
            inputs: json!({}),
        };
        let mut tx = self.store.write().await.unwrap();
        hold::begin(&mut tx, &new, START_US).await.unwrap();
        tx.commit().await.unwrap();
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
