//! Asks slots: every few seconds those that are drawn, in rounds.

use std::collections::HashSet;

use pictor_protocol::{ChallengeId, Micros, UserId, benchmark};
use uuid::Uuid;

use super::PresenceError;
use super::dice::Dice;
use super::draw::{self, ANSWER_US, ASKS_AN_HOUR, Candidate, READY_US};
use super::stage::samples;
use crate::accounts::random_digits;
use crate::app::App;
use crate::campaign::calendar::hour_of;
use crate::campaign::current::{Current, current};
use crate::fair_play;
use crate::store::challenges::{self, CandidateRow, NewChallenge, NewRound};
use crate::store::{Result, StoreError, Tx, standing};
use crate::workers::SILENCE_US;

/// Asks whoever is drawn now, so long after the last look.
pub async fn ask(app: &App, since_us: i64, now_us: i64) -> std::result::Result<(), PresenceError> {
    let Some(odds) = draw::odds(since_us, now_us) else {
        return Ok(());
    };
    let mut tx = app.store.read().await?;
    let campaign = current(&app.rules, &mut tx, now_us).await?;
    let Some(campaign) = campaign.filter(Current::mints_points) else {
        return Ok(());
    };
    let cap = campaign.rules.points.online_score_cap;
    let candidates = candidates(&mut tx, cap, now_us).await?;
    let mut dice = Dice::new(&random_digits()?, "draw");
    let (mut drawn, mut others) = draw::drawn(candidates, odds, &mut dice);
    while let Some(first) = drawn.pop() {
        let shortlist = draw::shortlist(&first, &drawn, &others);
        let linked = links(&mut tx, &first, &shortlist).await?;
        let round = draw::round(first, &shortlist, &linked);
        let is_elsewhere = |candidate: &Candidate| !round.contains(candidate);
        drawn.retain(is_elsewhere);
        others.retain(is_elsewhere);
        begin_round(app, &round, &random_digits()?).await?;
    }
    Ok(())
}

/// The best idle slot of every worker that may be asked.
async fn candidates(tx: &mut Tx, cap: Micros, now_us: i64) -> Result<Vec<Candidate>> {
    let since_us = now_us - SILENCE_US;
    let rows = challenges::candidates(tx, hour_of(now_us), since_us, ASKS_AN_HOUR).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let busy: HashSet<_> = challenges::busy(tx).await?.into_iter().collect();
    let barred = fair_play::barred(tx).await?;
    let best = |row: CandidateRow| {
        let is_idle = |slot: u16| !busy.contains(&(row.worker_id, i64::from(slot)));
        let scored = row.abilities.0.iter().filter_map(|slot| {
            let score = benchmark::plausible(slot.score?)? * Micros::PER_ONE as f64;
            Some((Micros::new(score as i64).min(cap), slot.slot))
        });
        let (score, slot) = scored.filter(|(_, slot)| is_idle(*slot)).max()?;
        (score > Micros::ZERO).then_some(Candidate {
            worker: row.worker_id,
            owner: row.owner_id,
            slot,
            score,
        })
    };
    let may_earn = |row: &CandidateRow| !barred.contains(&row.owner_id);
    Ok(rows.into_iter().filter(may_earn).filter_map(best).collect())
}

/// Which owners of a shortlist are linked to which.
async fn links(
    tx: &mut Tx,
    first: &Candidate,
    shortlist: &[&Candidate],
) -> Result<HashSet<(UserId, UserId)>> {
    let mut links = HashSet::new();
    for candidate in std::iter::once(first).chain(shortlist.iter().copied()) {
        let linked = standing::linked_to(tx, candidate.owner).await?;
        links.extend(linked.into_iter().map(|other| (candidate.owner, other)));
    }
    Ok(links)
}

async fn begin_round(
    app: &App,
    slots: &[Candidate],
    seed: &str,
) -> std::result::Result<(), StoreError> {
    let now_us = app.now_us();
    let round = NewRound {
        id: Uuid::now_v7(),
        hour: hour_of(now_us),
        seed,
        asked_us: now_us,
        opens_us: now_us + READY_US,
        closes_us: now_us + READY_US + ANSWER_US,
    };
    let mut tx = app.store.write().await?;
    challenges::insert_round(&mut tx, &round).await?;
    let mut asked = Vec::with_capacity(slots.len());
    for slot in slots {
        let new = NewChallenge {
            id: ChallengeId::new(Uuid::now_v7()),
            worker: slot.worker,
            slot: slot.slot,
            score: slot.score,
            samples: samples(slot.score),
        };
        if challenges::insert(&mut tx, &round, &new).await? {
            asked.push(slot.worker);
        }
    }
    tx.commit().await?;
    tracing::debug!(round.id = %round.id, slots = asked.len(), "presence challenge");
    for worker in asked {
        app.bells.commands.ring(worker);
    }
    Ok(())
}
