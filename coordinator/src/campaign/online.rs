//! Hours online that were proven, and what they earn.
//!
//! An hour of a worker counts when this coordinator heard of it nearly throughout, and one of its slots proved
//! within it that it renders: what a worker says of itself counts for nothing. A proof is an accepted output of
//! somebody else's job, or a challenge that was passed ([`crate::presence`]), which is worth the score that it bore
//! out at most; [`store::online`](crate::store::online) keeps them. A worker has one hour an hour, however many slots
//! it has: the one of its fastest proven slot.
//!
//! An hour is judged once, a while after its end, by the rules of its last moment. What it earns waits like what
//! rendering earns.

use std::time::Duration;

use pictor_protocol::agent::Hello;
use pictor_protocol::{Micros, WorkerId, benchmark};
use serde_json::json;

use super::RulesCache;
use super::award::by_rules;
use super::calendar::{HOUR_US, SECOND_US, hour_of};
use super::current::{Current, CurrentError, current};
use super::rules::Points;
use crate::app::App;
use crate::fair_play;
use crate::ledger::hold::{self, Destination, NewHold, Source};
use crate::ledger::{Book, EntryKind, PostError};
use crate::store::online::{self, PresentRow, ProofRow};
use crate::store::workers::WorkerStatus;
use crate::store::{StoreError, Tx, snapshots};
use crate::workers::{SILENCE_US, earnings};

/// How often hours are looked for that can be judged.
const TICK: Duration = Duration::from_secs(5);
/// Workers that are judged in one transaction.
const BATCH: i64 = 50;
/// How long a worker has to be there for an hour to count.
pub const PRESENT_US: i64 = 55 * 60 * SECOND_US;
/// When nothing is added to an hour any more: a sign of life that comes then ends a silence that is too long.
const AFTER_US: i64 = 2 * SILENCE_US;
/// Proofs are kept for so many hours, as long as what was seen of workers.
const KEPT_HOURS: i64 = 90 * 24;

#[derive(Debug, thiserror::Error)]
pub enum OnlineError {
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is known of a worker's hour.
#[derive(Debug, Clone)]
pub struct Hour<'a> {
    pub seen_us: i64,
    pub status: WorkerStatus,
    /// The slots that gave a proof, each with its score by the benchmark.
    pub proofs: &'a [Proof],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    pub slot: i64,
    pub score: Option<Micros>,
    /// The score that a challenge bore out; none where an accepted frame is the proof.
    pub borne_out: Option<Micros>,
}

/// What an hour is worth, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    pub slot: i64,
    /// By the benchmark, as far as it is proven.
    pub score: Micros,
    /// The score, or the cap.
    pub counted: Micros,
    pub points: Micros,
}

/// Why an hour earns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// The worker was not there for long enough.
    Away,
    /// It is suspended or retired.
    Barred,
    NoProof,
    /// No slot with a proof has done the benchmark.
    NoScore,
}

/// Judges an hour of a worker. Pure.
pub fn judge(hour: &Hour<'_>, rules: &Points) -> Result<Worth, Unproven> {
    match hour.status {
        WorkerStatus::Active | WorkerStatus::Draining => {}
        WorkerStatus::Suspended | WorkerStatus::Retired => return Err(Unproven::Barred),
    }
    if hour.seen_us < PRESENT_US {
        return Err(Unproven::Away);
    }
    if hour.proofs.is_empty() {
        return Err(Unproven::NoProof);
    }
    let scored = |proof: &Proof| {
        let score = proof.score?;
        let borne_out = proof.borne_out.unwrap_or(score);
        Some((score.min(borne_out), proof.slot))
    };
    let (score, slot) = hour
        .proofs
        .iter()
        .filter_map(scored)
        .max()
        .ok_or(Unproven::NoScore)?;
    let counted = score.min(rules.online_score_cap);
    let points = rules
        .online_per_hour
        .checked_ratio(counted.get(), Micros::PER_ONE);
    Ok(Worth {
        slot,
        score,
        counted,
        // Both are bounded by what rules may say.
        points: points.unwrap_or(Micros::ZERO),
    })
}

/// The scores of slots that gave a proof, out of what the worker said of its slots.
fn proofs(given: &[ProofRow], hello: Option<&Hello>) -> Vec<Proof> {
    let score = |slot: i64| {
        let said = hello?
            .slots
            .iter()
            .find(|said| i64::from(said.slot) == slot);
        let plausible = benchmark::plausible(said?.score?)?;
        Some(Micros::new((plausible * Micros::PER_ONE as f64) as i64))
    };
    let proof = |given: &ProofRow| Proof {
        slot: given.slot,
        score: score(given.slot),
        borne_out: given.borne_out.map(Micros::new),
    };
    given.iter().map(proof).collect()
}

/// Runs until the coordinator stops.
pub async fn run(app: &App) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => return,
        }
        if let Err(error) = judge_ended(app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "hours online could not be judged"
            );
        }
    }
}

/// Judges every hour that can be, in small transactions.
async fn judge_ended(app: &App) -> Result<(), OnlineError> {
    while !app.stopping.is_cancelled() {
        let mut tx = app.store.read().await?;
        let until = hour_of(app.now_us() - AFTER_US);
        let Some(hour) = online::unjudged(&mut tx, until).await? else {
            return Ok(());
        };
        drop(tx);
        let mut after = None;
        loop {
            let mut tx = app.store.write().await?;
            after = judge_some(&app.rules, &mut tx, hour, after, app.now_us()).await?;
            tx.commit().await?;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Judges an hour of some workers, those after the last one; answers the last one, or nothing when the whole hour
/// is judged. Interrupted, the hour is judged again, and what was entered is not entered twice.
pub(super) async fn judge_some(
    known: &RulesCache,
    tx: &mut Tx,
    hour: i64,
    after: Option<WorkerId>,
    now_us: i64,
) -> Result<Option<WorkerId>, OnlineError> {
    let campaign = current(known, tx, (hour + 1) * HOUR_US - 1).await?;
    let mut last = None;
    if let Some(campaign) = campaign.filter(Current::mints_points)
        // After it nothing counts.
        && snapshots::find(tx, campaign.id).await?.is_none()
    {
        let rows = online::with_proofs(tx, hour, after, BATCH).await?;
        for row in &rows {
            mint(tx, &campaign, row, hour, now_us).await?;
        }
        let is_full = rows.len() as i64 == BATCH;
        last = rows.last().map(|row| row.worker_id).filter(|_| is_full);
    }
    if last.is_none() {
        online::judged(tx, hour, now_us).await?;
        online::forget_before(tx, hour - KEPT_HOURS).await?;
    }
    Ok(last)
}

async fn mint(
    tx: &mut Tx,
    campaign: &Current,
    row: &PresentRow,
    hour: i64,
    now_us: i64,
) -> Result<(), OnlineError> {
    if !fair_play::may_earn(tx, row.owner_id).await? {
        return Ok(());
    }
    let given = online::proofs(tx, row.worker_id, hour).await?;
    let known = Hour {
        seen_us: row.seen_us,
        status: row.status,
        proofs: &proofs(&given, row.hello.0.as_ref()),
    };
    let rules = &campaign.rules.points;
    let worth = match judge(&known, rules) {
        Ok(worth) if worth.points > Micros::ZERO => worth,
        Ok(_) => return Ok(()),
        Err(why) => {
            tracing::debug!(worker.id = %row.worker_id, hour, ?why, "an hour online is not proven");
            return Ok(());
        }
    };
    let proven_by = |proof: &ProofRow| match proof.borne_out {
        Some(score) => json!({ "slot": proof.slot, "challenge_bore_out_micros": score }),
        None => json!({ "slot": proof.slot, "accepted_frame": true }),
    };
    let inputs = json!({
        "worker": row.worker_id,
        "hour": hour,
        "hour_began_us": hour * HOUR_US,
        "seen_us": row.seen_us,
        "proofs": given.iter().map(proven_by).collect::<Vec<_>>(),
        "slot": worth.slot,
        "score_micros": worth.score,
        "score_cap_micros": rules.online_score_cap,
        "per_hour_micros": rules.online_per_hour,
    });
    let new = NewHold {
        key: format!("online/{}/{hour}", row.worker_id),
        book: Book::Points(campaign.id),
        kind: EntryKind::OnlineHour,
        owner: row.owner_id,
        source: Source::Mint,
        destination: Destination::Available,
        amount: worth.points,
        due_us: Some(now_us + i64::from(rules.hold_hours) * HOUR_US),
        inputs: by_rules(campaign, inputs),
    };
    let posted = hold::begin(tx, &new, now_us).await?;
    Ok(earnings::note(tx, row.worker_id, &new, posted, now_us).await?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campaign::rules::{DEFAULT, Rules};

    #[test]
    fn an_hour_counts_once_by_its_fastest_proven_slot_up_to_the_cap() {
        let worth = |scores: &[f64]| {
            let proofs: Vec<_> = (0..).zip(scores).map(proof).collect();
            judge(&hour(&proofs), &points()).map(|worth| worth.points.get())
        };
        assert_eq!(worth(&[1.0]), Ok(10_000_000));
        assert_eq!(worth(&[0.5, 2.5, 1.0]), Ok(25_000_000));
        assert_eq!(worth(&[9.0; 10]), Ok(40_000_000), "four times the rate");
        assert_eq!(worth(&[]), Err(Unproven::NoProof));
    }

    #[test]
    fn a_challenge_counts_as_far_as_it_bore_the_score_out() {
        let worth = |score: f64, borne_out| {
            let proof = Proof {
                borne_out: Some(Micros::new(borne_out)),
                ..proof((0, &score))
            };
            judge(&hour(&[proof]), &points()).map(|worth| worth.points.get())
        };
        assert_eq!(worth(2.0, 2_000_000), Ok(20_000_000));
        assert_eq!(worth(2.0, 500_000), Ok(5_000_000));
        assert_eq!(
            worth(0.5, 2_000_000),
            Ok(5_000_000),
            "no more than the score of now"
        );
    }

    #[test]
    fn without_presence_proof_or_score_an_hour_earns_nothing() {
        let good = [proof((0, &1.0))];
        let unscored = [Proof {
            slot: 0,
            score: None,
            borne_out: None,
        }];
        let of = |change: fn(&mut Hour<'_>)| {
            let mut hour = hour(&good);
            change(&mut hour);
            judge(&hour, &points()).map(|worth| worth.slot)
        };
        assert_eq!(of(|hour| hour.status = WorkerStatus::Draining), Ok(0));
        assert_eq!(
            of(|hour| hour.seen_us = PRESENT_US - 1),
            Err(Unproven::Away)
        );
        for barred in [WorkerStatus::Suspended, WorkerStatus::Retired] {
            let mut hour = hour(&good);
            hour.status = barred;
            assert_eq!(judge(&hour, &points()), Err(Unproven::Barred));
        }
        let refused = judge(&hour(&unscored), &points());
        assert_eq!(refused, Err(Unproven::NoScore));
    }

    #[test]
    fn only_scores_that_can_be_are_believed() {
        use pictor_protocol::agent::{Device, PROTOCOL, SlotInfo};
        let slot = |slot: u16, score: f64| SlotInfo {
            score: Some(score),
            ..SlotInfo::new(slot, Device::Optix, "test")
        };
        let hello = Hello {
            protocol: PROTOCOL,
            version: "0".into(),
            instance: uuid::Uuid::nil(),
            slots: vec![slot(0, 2.5), slot(1, f64::INFINITY), slot(2, 3.0)],
            runtimes: Vec::new(),
            driver: None,
            sandbox: Vec::new(),
            doctor: Vec::new(),
            installs: Vec::new(),
            installable: Vec::new(),
            answers_challenges: false,
            journal: Vec::new(),
        };
        let given = [0, 1, 7].map(|slot| ProofRow {
            slot,
            borne_out: None,
        });
        let scores: Vec<_> = proofs(&given, Some(&hello))
            .into_iter()
            .map(|proof| proof.score)
            .collect();
        assert_eq!(scores, [Some(Micros::new(2_500_000)), None, None]);
        assert_eq!(proofs(&given, None)[0].score, None);
    }

    proptest! {
        #[test]
        fn no_hour_is_worth_more_than_the_cap(
            scores in prop::collection::vec(0.001_f64..10_000.0, 0..8),
            seen_us in 0..2 * HOUR_US,
        ) {
            let proofs: Vec<_> = (0..).zip(&scores).map(proof).collect();
            let known = Hour { seen_us, ..hour(&proofs) };
            match judge(&known, &points()) {
                Ok(worth) => {
                    prop_assert!(seen_us >= PRESENT_US && !proofs.is_empty());
                    prop_assert!(worth.points.get() <= 40_000_000 && worth.points.get() >= 10_000);
                }
                Err(why) => prop_assert!(
                    (why == Unproven::Away) == (seen_us < PRESENT_US),
                    "{why:?}"
                ),
            }
        }
    }

    fn points() -> Points {
        Rules::read(DEFAULT).unwrap().points
    }

    fn proof((slot, score): (i64, &f64)) -> Proof {
        Proof {
            slot,
            score: Some(Micros::new((score * 1e6) as i64)),
            borne_out: None,
        }
    }

    fn hour(proofs: &[Proof]) -> Hour<'_> {
        Hour {
            seen_us: HOUR_US,
            status: WorkerStatus::Active,
            proofs,
        }
    }
}
