//! Whatever is decided, appealed against, answered, repeated or cut off half-way: nothing is taken or given back
//! twice, and the books stay right.

use pictor_protocol::{AppealId, CampaignId, Micros, UserId};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::appeal::{self, AppealError, Given};
use super::decide::{DecideError, Wanted, carry_out};
use super::standing::{Answer, Standing, Verdict};
use super::{barred, may_earn};
use crate::audit_log;
use crate::ledger::hold::{self, Destination, NewHold, Source};
use crate::ledger::{self, Account, Book, Entry, EntryKind, audit, post};
use crate::store::{Store, Tx, people, standing as rows};

#[derive(Debug, Clone)]
enum Step {
    /// Points, that wait or are free to use at once.
    Earn {
        waits: bool,
        micros: i64,
    },
    /// What waits goes on, if it may.
    Settle,
    Decide {
        verdict: Verdict,
        reason: u8,
    },
    Appeal {
        words: u8,
    },
    Answer {
        answer: Answer,
        reason: u8,
    },
}

/// How a step comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Once,
    /// The answer was lost: it is asked for again.
    Twice,
    /// The coordinator was killed before the commit, and asked again.
    CutOff,
}

struct World {
    store: Store,
    user: UserId,
    operator: UserId,
    campaign: CampaignId,
    earned: i64,
    keys: u64,
    appeal: Option<AppealId>,
    now_us: i64,
    _folder: tempfile::TempDir,
}

impl World {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("db")).await.unwrap();
        let (user, operator) = (
            UserId::new(Uuid::from_u128(1)),
            UserId::new(Uuid::from_u128(2)),
        );
        let mut tx = store.write().await.unwrap();
        people::insert_user(&mut tx, user, "user", false, 0)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Self {
            store,
            user,
            operator,
            campaign: CampaignId::new(Uuid::from_u128(3)),
            earned: 0,
            keys: 0,
            appeal: None,
            now_us: 1,
            _folder: folder,
        }
    }

    async fn happen(&mut self, step: &Step, fate: Fate) {
        self.now_us += 1;
        self.keys += 1;
        if fate == Fate::CutOff {
            let mut tx = self.store.write().await.unwrap();
            let (earned, appeal) = (self.earned, self.appeal);
            self.take(&mut tx, step).await;
            (self.earned, self.appeal) = (earned, appeal);
        }
        let times = if fate == Fate::Twice { 2 } else { 1 };
        for _ in 0..times {
            let mut tx = self.store.write().await.unwrap();
            if self.take(&mut tx, step).await {
                tx.commit().await.unwrap();
            }
        }
    }

    /// Whether there is something to commit: what is refused leaves its transaction half done.
    async fn take(&mut self, tx: &mut Tx, step: &Step) -> bool {
        match step {
            Step::Earn { waits, micros } => self.earn(tx, *waits, *micros).await,
            Step::Settle => self.settle(tx).await,
            Step::Decide { verdict, reason } => {
                let wanted = Wanted {
                    by: self.operator,
                    on: self.user,
                    verdict: *verdict,
                    reason: format!("reason {reason}"),
                    evidence: json!({}),
                };
                match carry_out(tx, &wanted, Some(self.campaign), self.now_us).await {
                    Ok(_) => true,
                    Err(DecideError::Refused(_)) => false,
                    Err(error) => panic!("{step:?}: {error}"),
                }
            }
            Step::Appeal { words } => {
                match appeal::make(tx, self.user, &format!("words {words}"), self.now_us).await {
                    Ok(made) => {
                        self.appeal = Some(made.id);
                        true
                    }
                    Err(AppealError::NothingToAppealAgainst | AppealError::AppealedBefore) => false,
                    Err(error) => panic!("{step:?}: {error}"),
                }
            }
            Step::Answer { answer, reason } => {
                let Some(id) = self.appeal else {
                    return false;
                };
                let given = Given {
                    by: self.operator,
                    answer: *answer,
                    reason: &format!("reason {reason}"),
                };
                match appeal::carry_out_answer(tx, id, &given, self.now_us).await {
                    Ok(_) => true,
                    Err(AppealError::Over(_)) => false,
                    Err(error) => panic!("{step:?}: {error}"),
                }
            }
        }
    }

    async fn earn(&mut self, tx: &mut Tx, waits: bool, micros: i64) -> bool {
        if !may_earn(tx, self.user).await.unwrap() {
            return false;
        }
        let book = Book::Points(self.campaign);
        let key = format!("earn/{}", self.keys);
        let amount = Micros::new(micros);
        let posted = if waits {
            let new = NewHold {
                key,
                book,
                kind: EntryKind::Render,
                owner: self.user,
                source: Source::Mint,
                destination: Destination::Available,
                amount,
                due_us: Some(self.now_us),
                inputs: json!({}),
            };
            hold::begin(tx, &new, self.now_us).await.unwrap()
        } else {
            let entry = Entry::new(key, book, EntryKind::CheckIn, json!({})).transfer(
                Account::Mint,
                Account::Available(self.user),
                amount,
            );
            post(tx, &entry, self.now_us).await.unwrap()
        };
        if let ledger::Posted::New(_) = posted {
            self.earned += micros;
        }
        true
    }

    async fn settle(&mut self, tx: &mut Tx) -> bool {
        if barred(tx).await.unwrap().contains(&self.user) {
            return false;
        }
        let due = crate::store::ledger::due_holds(tx, self.now_us, 100).await;
        for row in due.unwrap() {
            hold::settle(tx, &row.key, self.now_us).await.unwrap();
        }
        true
    }

    /// What must hold after every step.
    async fn check(&self) {
        let mut tx = self.store.read().await.unwrap();
        let books = audit::audit(&mut tx).await.unwrap();
        assert!(books.is_sound(), "{:?}", books.faults);
        let log = audit_log::verify(&mut tx, None).await;
        assert!(log.is_ok(), "{log:?}");
        let book = Book::Points(self.campaign);
        let balance = ledger::balance(&mut tx, book, self.user).await.unwrap();
        let has = balance.available.get() + balance.held.get();
        let standing = rows::of(&mut tx, self.user).await.unwrap();
        let expected = match standing {
            Standing::Good | Standing::Warned | Standing::Suspended => self.earned,
            Standing::Disqualified | Standing::Banned => 0,
        };
        assert_eq!(has, expected, "{standing:?}");
        let may = may_earn(&mut tx, self.user).await.unwrap();
        assert_eq!(may, standing < Standing::Suspended);
    }
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop::sample::select(vec![
        Verdict::Warn,
        Verdict::Suspend,
        Verdict::Disqualify,
        Verdict::Ban,
        Verdict::Lift,
    ]);
    let answer = prop::sample::select(vec![Answer::Uphold, Answer::Lift]);
    prop_oneof![
        3 => (any::<bool>(), 1_i64..1_000).prop_map(|(waits, micros)| Step::Earn { waits, micros }),
        1 => Just(Step::Settle),
        4 => (verdict, 0_u8..2).prop_map(|(verdict, reason)| Step::Decide { verdict, reason }),
        2 => (0_u8..2).prop_map(|words| Step::Appeal { words }),
        2 => (answer, 0_u8..2).prop_map(|(answer, reason)| Step::Answer { answer, reason }),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop::sample::select(vec![Fate::Once, Fate::Once, Fate::Twice, Fate::CutOff])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_is_taken_or_given_back_twice(
        steps in prop::collection::vec((step(), fate()), 1..25)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut world = World::open().await;
            for (step, fate) in &steps {
                world.happen(step, *fate).await;
                world.check().await;
            }
        });
    }
}

#[tokio::test]
async fn what_waited_waits_again_after_a_lift() {
    let mut world = World::open().await;
    let earn = |waits| Step::Earn { waits, micros: 100 };
    let decide = |verdict| Step::Decide { verdict, reason: 0 };
    for step in [
        earn(true),
        earn(false),
        decide(Verdict::Disqualify),
        decide(Verdict::Ban),
    ] {
        world.happen(&step, Fate::Once).await;
        world.check().await;
    }
    world.happen(&decide(Verdict::Lift), Fate::Twice).await;
    world.check().await;
    let mut tx = world.store.read().await.unwrap();
    let book = Book::Points(world.campaign);
    let balance = ledger::balance(&mut tx, book, world.user).await.unwrap();
    assert_eq!((balance.available.get(), balance.held.get()), (100, 100));
    let totals = audit::audit(&mut tx).await.unwrap().books;
    assert_eq!(totals[0].minted, 200);
}

#[tokio::test]
async fn who_is_suspended_keeps_everything_and_nothing_of_it_settles() {
    let mut world = World::open().await;
    let suspend = Step::Decide {
        verdict: Verdict::Suspend,
        reason: 0,
    };
    for step in [
        Step::Earn {
            waits: true,
            micros: 7,
        },
        suspend,
        Step::Settle,
        Step::Earn {
            waits: false,
            micros: 7,
        },
    ] {
        world.happen(&step, Fate::Once).await;
        world.check().await;
    }
    let mut tx = world.store.read().await.unwrap();
    let book = Book::Points(world.campaign);
    let balance = ledger::balance(&mut tx, book, world.user).await.unwrap();
    assert_eq!((balance.available.get(), balance.held.get()), (0, 7));
}
