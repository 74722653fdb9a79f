//! Whatever is entered, repeated or cut off half-way: the books are right, and nothing happens twice.

use std::collections::BTreeMap;

use pictor_protocol::CampaignId;
use proptest::prelude::*;
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

#[tokio::test]
async fn an_entry_is_made_once() {
    let books = Books::open().await;
    let entry = mint("sign-up/1", user(1), 100);
    assert!(matches!(books.post(&entry).await.unwrap(), Posted::New(_)));
    assert_eq!(books.post(&entry).await.unwrap(), Posted::Repeated);
    assert_eq!(books.balance(user(1)).await, (100, 0));
    assert_eq!(books.faults().await, [""; 0]);
}

#[tokio::test]
async fn nobody_spends_what_they_do_not_have() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    for micros in [101, i64::MAX] {
        let refused = books.post(&pay("b", user(1), micros)).await.unwrap_err();
        assert!(matches!(refused, PostError::Overdrawn { .. }), "{refused}");
    }
    for micros in [0, -1, i64::MIN] {
        let refused = books.post(&pay("b", user(1), micros)).await.unwrap_err();
        assert!(matches!(refused, PostError::NotPositive(_)), "{refused}");
    }
    // The key of what was refused is free.
    assert!(matches!(
        books.post(&pay("b", user(1), 100)).await.unwrap(),
        Posted::New(_)
    ));
    assert_eq!(books.balance(user(1)).await, (0, 0));
    assert_eq!(books.faults().await, [""; 0]);
}

#[tokio::test]
async fn no_number_is_too_large_to_be_refused() {
    let books = Books::open().await;
    let huge = i64::MAX - 1;
    books.post(&mint("a", user(1), huge)).await.unwrap();
    let refused = books.post(&mint("b", user(2), 1)).await.unwrap_err();
    assert!(matches!(refused, PostError::TooLarge), "{refused}");
    assert_eq!(books.balance(user(1)).await, (huge, 0));
}

#[tokio::test]
async fn sixty_four_who_spend_one_balance_at_once_spend_it_once() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 1_000)).await.unwrap();
    let mut spending = tokio::task::JoinSet::new();
    for number in 0..64 {
        let store = books.store.clone();
        spending.spawn(async move {
            let mut tx = store.write().await.unwrap();
            let spent = post(&mut tx, &pay(&format!("spend/{number}"), user(1), 100), 1).await;
            if spent.is_ok() {
                tx.commit().await.unwrap();
            }
            spent.is_ok()
        });
    }
    let spent = spending.join_all().await;
    assert_eq!(spent.iter().filter(|&&spent| spent).count(), 10);
    assert_eq!(books.balance(user(1)).await, (0, 0));
    assert_eq!(books.faults().await, [""; 0]);
}

#[tokio::test]
async fn a_hold_gives_no_more_than_it_has_although_its_owner_has_another() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    let mut tx = books.store.write().await.unwrap();
    hold::begin(&mut tx, &reserve("one", user(1), 30), 1)
        .await
        .unwrap();
    hold::begin(&mut tx, &reserve("two", user(1), 70), 1)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = books.store.write().await.unwrap();
    let refused = hold::capture(&mut tx, "one", &part("c", 31), 1).await;
    assert!(matches!(refused, Err(PostError::Overdrawn { .. })));
    drop(tx);
    let mut tx = books.store.write().await.unwrap();
    hold::capture(&mut tx, "one", &part("c", 29), 1)
        .await
        .unwrap();
    let back = hold::release(&mut tx, "one", json!("over"), 1)
        .await
        .unwrap();
    assert_eq!(back, Some(Micros::new(1)));
    assert_eq!(
        hold::release(&mut tx, "one", json!("over"), 1)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        hold::settle(&mut tx, "two", 1).await.unwrap(),
        Some(Micros::new(70))
    );
    let late = hold::capture(&mut tx, "two", &part("d", 1), 1)
        .await
        .unwrap();
    assert_eq!(late, Posted::Repeated);
    tx.commit().await.unwrap();
    assert_eq!(books.balance(user(1)).await, (1, 0));
    assert_eq!(books.faults().await, [""; 0]);
}

#[tokio::test]
async fn what_was_written_cannot_be_edited_and_who_does_it_anyway_is_found() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    books.store.close().await;
    let path = books._folder.path().join("books.db");
    let url = format!("sqlite://{}", path.display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    for edit in [
        "UPDATE ledger_entries SET at_us = 5",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_postings SET amount = 5",
        "DELETE FROM ledger_postings",
    ] {
        let refused = sqlx::query(edit).execute(&pool).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    for (edit, found) in [
        (
            "UPDATE ledger_accounts SET balance = 90 WHERE kind = 'available'",
            "is 0.00009, its postings sum to 0.0001",
        ),
        (
            "INSERT INTO ledger_entries (key, book, kind, at_us, inputs) VALUES ('x', 'credits', 'sign-up', 1, '{}')",
            "has no postings",
        ),
        (
            "INSERT INTO ledger_postings (account, entry, line, amount) VALUES (1, 2, 0, 7)",
            "sum to 0.000007",
        ),
        (
            "INSERT INTO ledger_holds (key, book, owner, source, destination, status, amount, created_us) \
          VALUES ('h', 'credits', 'x', 'mint', 'available', 'held', 3, 1)",
            "the open holds have 0.000003 left",
        ),
    ] {
        sqlx::query(edit).execute(&pool).await.unwrap();
        let store = Store::open_sqlite(&path).await.unwrap();
        let audit = audit::audit(&mut store.read().await.unwrap())
            .await
            .unwrap();
        let faults: Vec<_> = audit.faults.iter().map(ToString::to_string).collect();
        assert!(
            faults.iter().any(|fault| fault.contains(found)),
            "{faults:?}"
        );
    }
}

#[tokio::test]
async fn the_table_has_every_posting_of_a_person_and_nobody_elses() {
    let books = Books::open().await;
    for number in 0..1_100 {
        books
            .post(&mint(&format!("a/{number}"), user(1), 5))
            .await
            .unwrap();
    }
    books.post(&mint("b", user(2), 5)).await.unwrap();
    let mut tx = books.store.read().await.unwrap();
    let table = export::csv(&mut tx, user(1)).await.unwrap();
    let mut rows = csv::Reader::from_reader(table.as_slice());
    let amounts: Vec<String> = rows
        .records()
        .map(|row| row.unwrap()[5].to_owned())
        .collect();
    assert_eq!(amounts, vec!["0.000005"; 1_100]);
}

/// What may happen to the books.
#[derive(Debug, Clone)]
enum Step {
    Mint {
        to: u8,
        micros: i64,
    },
    Pay {
        from: u8,
        micros: i64,
    },
    Begin {
        owner: u8,
        micros: i64,
        is_minted: bool,
    },
    TopUp {
        hold: usize,
        micros: i64,
    },
    Capture {
        hold: usize,
        micros: i64,
    },
    GiveBack {
        hold: usize,
        micros: i64,
    },
    Settle {
        hold: usize,
    },
    Release {
        hold: usize,
    },
}

/// How a step's transaction ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    /// Acknowledged, then asked for again.
    Twice,
    /// The program is killed before it commits, and asks again.
    Killed,
}

fn step() -> impl Strategy<Value = Step> {
    let (who, micros, hold) = (0u8..3, 1i64..100, 0usize..6);
    prop_oneof![
        (who.clone(), micros.clone()).prop_map(|(to, micros)| Step::Mint { to, micros }),
        (who.clone(), micros.clone()).prop_map(|(from, micros)| Step::Pay { from, micros }),
        (who, micros.clone(), any::<bool>()).prop_map(|(owner, micros, is_minted)| Step::Begin {
            owner,
            micros,
            is_minted
        }),
        (hold.clone(), micros.clone()).prop_map(|(hold, micros)| Step::TopUp { hold, micros }),
        (hold.clone(), micros.clone()).prop_map(|(hold, micros)| Step::Capture { hold, micros }),
        (hold.clone(), micros).prop_map(|(hold, micros)| Step::GiveBack { hold, micros }),
        hold.clone().prop_map(|hold| Step::Settle { hold }),
        hold.prop_map(|hold| Step::Release { hold }),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Commit), Just(End::Twice), Just(End::Killed)]
}

/// The same books, kept in the plainest way.
#[derive(Debug, Default, Clone)]
struct Model {
    /// What each person has available.
    available: BTreeMap<u8, i64>,
    /// Owner, left, is it minted, is it over.
    holds: Vec<(u8, i64, bool, bool)>,
}

impl Model {
    fn available(&mut self, who: u8) -> &mut i64 {
        self.available.entry(who).or_default()
    }

    /// False if it is refused.
    fn apply(&mut self, step: &Step) -> bool {
        match *step {
            Step::Mint { to, micros } => *self.available(to) += micros,
            Step::Pay { from, micros } => return self.take(from, micros),
            Step::Begin {
                owner,
                micros,
                is_minted,
            } => {
                if !is_minted && !self.take(owner, micros) {
                    return false;
                }
                self.holds.push((owner, micros, is_minted, false));
            }
            Step::TopUp { hold, micros } => {
                let Some((owner, _, is_minted, false)) = self.holds.get(hold).copied() else {
                    return true;
                };
                if !is_minted && !self.take(owner, micros) {
                    return false;
                }
                self.holds[hold].1 += micros;
            }
            Step::Capture { hold, micros } | Step::GiveBack { hold, micros } => {
                let Some(&(owner, left, is_minted, false)) = self.holds.get(hold) else {
                    return true;
                };
                if left < micros {
                    return false;
                }
                self.holds[hold].1 -= micros;
                let is_capture = matches!(step, Step::Capture { .. });
                // A minted hold goes on to its owner, a reserve comes back to its owner.
                if is_capture == is_minted {
                    *self.available(owner) += micros;
                }
            }
            Step::Settle { hold } | Step::Release { hold } => {
                let Some(&(owner, left, is_minted, false)) = self.holds.get(hold) else {
                    return true;
                };
                self.holds[hold] = (owner, 0, is_minted, true);
                if matches!(step, Step::Settle { .. }) == is_minted {
                    *self.available(owner) += left;
                }
            }
        }
        true
    }

    fn take(&mut self, who: u8, micros: i64) -> bool {
        let available = self.available(who);
        let is_enough = *available >= micros;
        *available -= if is_enough { micros } else { 0 };
        is_enough
    }
}

async fn perform(tx: &mut Tx, number: usize, step: &Step) -> Result<(), PostError> {
    let key = format!("step/{number}");
    let name = |hold: usize| format!("hold/{hold}");
    match *step {
        Step::Mint { to, micros } => drop(post(tx, &mint(&key, user(to), micros), 1).await?),
        Step::Pay { from, micros } => drop(post(tx, &pay(&key, user(from), micros), 1).await?),
        Step::Begin { .. } => unreachable!("holds are numbered by the caller"),
        Step::TopUp { hold, micros } => {
            let amount = Micros::new(micros);
            hold::top_up(tx, &name(hold), &key, amount, json!({}), 1).await?;
        }
        Step::Capture { hold, micros } => {
            hold::capture(tx, &name(hold), &part(&key, micros), 1).await?;
        }
        Step::GiveBack { hold, micros } => {
            hold::give_back(tx, &name(hold), &part(&key, micros), 1).await?;
        }
        Step::Settle { hold } => drop(hold::settle(tx, &name(hold), 1).await?),
        Step::Release { hold } => drop(hold::release(tx, &name(hold), json!("x"), 1).await?),
    }
    Ok(())
}

async fn begin(tx: &mut Tx, number: usize, step: &Step) -> Result<(), PostError> {
    let Step::Begin {
        owner,
        micros,
        is_minted,
    } = *step
    else {
        unreachable!("only a hold begins")
    };
    let mut new = reserve(&format!("hold/{number}"), user(owner), micros);
    if is_minted {
        (new.source, new.destination) = (Source::Mint, Destination::Available);
    }
    hold::begin(tx, &new, 1).await.map(drop)
}

async fn play(steps: Vec<(Step, End)>) {
    let books = Books::open().await;
    let mut model = Model::default();
    for (number, (step, end)) in steps.iter().enumerate() {
        let mut after = model.clone();
        let is_allowed = after.apply(step);
        let times = if matches!(end, End::Commit) { 1 } else { 2 };
        for time in 0..times {
            let mut tx = books.store.write().await.unwrap();
            let done = if matches!(step, Step::Begin { .. }) {
                begin(&mut tx, model.holds.len(), step).await
            } else {
                perform(&mut tx, number, step).await
            };
            assert_eq!(done.is_ok(), is_allowed, "{number}: {step:?} {done:?}");
            if is_allowed && (time > 0 || !matches!(end, End::Killed)) {
                tx.commit().await.unwrap();
            }
        }
        if is_allowed {
            model = after;
        }
        for who in 0..3 {
            let open = model.holds.iter().filter(|hold| hold.0 == who);
            let held = open.map(|hold| hold.1).sum::<i64>();
            let expected = (*model.available(who), held);
            assert_eq!(
                books.balance(user(who)).await,
                expected,
                "{number}: {step:?}"
            );
        }
    }
    assert_eq!(books.faults().await, [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_interleaving_of_entries_holds_retries_and_crashes_keeps_the_books_right(
        steps in prop::collection::vec((step(), end()), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.unwrap().block_on(play(steps));
    }
}

#[tokio::test]
async fn books_never_meet() {
    let books = Books::open().await;
    books.post(&mint("a", user(1), 100)).await.unwrap();
    let campaign = CampaignId::new(Uuid::from_u128(9));
    let mut elsewhere = pay("b", user(1), 1);
    elsewhere.book = Book::Points(campaign);
    let refused = books.post(&elsewhere).await.unwrap_err();
    assert!(matches!(refused, PostError::Overdrawn { .. }));
}
