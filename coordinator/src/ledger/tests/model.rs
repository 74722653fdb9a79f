//! The books beside the same books, kept in the plainest way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

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
