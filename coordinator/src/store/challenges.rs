//! Presence challenges: who was asked, what was answered, what it proved.

use pictor_protocol::{ChallengeId, Micros, UserId, WorkerId};
use sqlx::FromRow;
use uuid::Uuid;

use super::column::{Json, words};
use super::{Result, Tx};
use crate::dispatch::ability::Ability;

words! {
    /// What became of a challenge.
    pub enum Status {
        /// Not answered yet.
        Open = "open",
        /// Waits to be judged with the others of its round.
        Answered = "answered",
        Passed = "passed",
        /// Nothing came in time.
        Missed = "missed",
        /// What came was no picture of the right size.
        NoPicture = "no-picture",
        /// The picture was of another challenge.
        OtherStage = "other-stage",
        /// It showed nothing.
        Blank = "blank",
        /// Its owner had sent one like it before.
        Repeated = "repeated",
        /// Another of the round sent the same.
        Copied = "copied",
        /// It did not look like those of the others.
        Differs = "differs",
    }
}

/// A worker that may be asked.
#[derive(Debug, Clone, FromRow)]
pub struct CandidateRow {
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    #[sqlx(try_from = "String")]
    pub abilities: Json<Vec<Ability>>,
}

/// Online workers that answer challenges, have not proven this hour, wait for no verdict and were not asked too often.
pub async fn candidates(
    tx: &mut Tx,
    hour: i64,
    seen_since_us: i64,
    asks_max: i64,
) -> Result<Vec<CandidateRow>> {
    fetch_all!(
        tx,
        CandidateRow,
        "SELECT id AS worker_id, owner_id, abilities FROM workers \
         WHERE status = 'active' AND answers_challenges = 1 AND last_seen_us >= $2 \
           AND NOT EXISTS (SELECT 1 FROM presence_proofs AS p WHERE p.hour = $1 AND p.worker_id = workers.id) \
           AND NOT EXISTS (SELECT 1 FROM challenges AS c \
               WHERE c.worker_id = workers.id AND c.status IN ('open', 'answered')) \
           AND (SELECT COUNT(*) FROM challenges AS c WHERE c.worker_id = workers.id AND c.hour = $1) < $3 \
         ORDER BY id",
        hour,
        seen_since_us,
        asks_max
    )
}

#[derive(Debug, FromRow)]
struct BusyRow {
    #[sqlx(try_from = "String")]
    worker_id: WorkerId,
    slot: i64,
}

/// The slots that hold frames.
pub async fn busy(tx: &mut Tx) -> Result<Vec<(WorkerId, i64)>> {
    let rows = fetch_all!(
        tx,
        BusyRow,
        "SELECT DISTINCT worker_id, slot FROM attempts WHERE status IN ('leased', 'stopping')"
    )?;
    Ok(rows
        .into_iter()
        .map(|row| (row.worker_id, row.slot))
        .collect())
}

/// Slots that are asked together.
#[derive(Debug)]
pub struct NewRound<'a> {
    pub id: Uuid,
    pub hour: i64,
    pub seed: &'a str,
    pub asked_us: i64,
    pub opens_us: i64,
    pub closes_us: i64,
}

pub async fn insert_round(tx: &mut Tx, new: &NewRound<'_>) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO challenge_rounds (id, hour, seed, asked_us, opens_us, closes_us) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        new.id.to_string(),
        new.hour,
        new.seed,
        new.asked_us,
        new.opens_us,
        new.closes_us
    )?;
    Ok(())
}

/// A slot of a round.
#[derive(Debug)]
pub struct NewChallenge {
    pub id: ChallengeId,
    pub worker: WorkerId,
    pub slot: u16,
    pub score: Micros,
    pub samples: u32,
}

/// False if the worker was asked meanwhile.
pub async fn insert(tx: &mut Tx, round: &NewRound<'_>, new: &NewChallenge) -> Result<bool> {
    let added = execute!(
        tx,
        "INSERT INTO challenges (id, round_id, worker_id, slot, hour, score, samples, status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'open') ON CONFLICT DO NOTHING",
        new.id.to_string(),
        round.id.to_string(),
        new.worker.to_string(),
        i64::from(new.slot),
        round.hour,
        new.score.get(),
        i64::from(new.samples)
    )?;
    Ok(added > 0)
}

#[derive(Debug, FromRow)]
struct AskedRow {
    #[sqlx(try_from = "String")]
    id: ChallengeId,
    slot: i64,
}

/// What a worker was asked, has not begun and can still be ready for.
pub async fn asked(tx: &mut Tx, worker: WorkerId, now_us: i64) -> Result<Vec<(ChallengeId, u16)>> {
    let rows = fetch_all!(
        tx,
        AskedRow,
        "SELECT challenges.id, slot FROM challenges JOIN challenge_rounds ON challenge_rounds.id = round_id \
         WHERE worker_id = $1 AND status = 'open' AND begun_us IS NULL AND opens_us > $2",
        worker.to_string(),
        now_us
    )?;
    let slot = |row: AskedRow| Some((row.id, u16::try_from(row.slot).ok()?));
    Ok(rows.into_iter().filter_map(slot).collect())
}

/// A challenge with its round.
#[derive(Debug, Clone, FromRow)]
pub struct ChallengeRow {
    #[sqlx(try_from = "String")]
    pub id: ChallengeId,
    #[sqlx(try_from = "String")]
    pub status: Status,
    pub samples: i64,
    pub begun_us: Option<i64>,
    pub answered_us: Option<i64>,
    pub picture: Option<String>,
    pub seed: String,
    pub opens_us: i64,
    pub closes_us: i64,
}

/// A worker's own challenge.
pub async fn find(tx: &mut Tx, worker: WorkerId, id: ChallengeId) -> Result<Option<ChallengeRow>> {
    fetch_optional!(
        tx,
        ChallengeRow,
        "SELECT challenges.id, status, samples, begun_us, answered_us, picture, seed, opens_us, closes_us \
         FROM challenges JOIN challenge_rounds ON challenge_rounds.id = round_id \
         WHERE challenges.id = $1 AND worker_id = $2",
        id.to_string(),
        worker.to_string()
    )
}

/// Notes that a slot is ready; false when nothing is to be begun any more.
pub async fn begin(tx: &mut Tx, id: ChallengeId, now_us: i64) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE challenges SET begun_us = COALESCE(begun_us, $2) WHERE id = $1 AND status = 'open'",
        id.to_string(),
        now_us
    )?;
    Ok(changed > 0)
}

/// What came, and what is kept of it.
#[derive(Debug)]
pub struct NewAnswer<'a> {
    pub status: Status,
    pub answered_us: i64,
    pub picture: &'a str,
    /// In hexadecimal digits.
    pub tiles: Option<&'a str>,
    pub print: Option<&'a str>,
}

/// Keeps an answer; false if another one, or the round's end, was first.
pub async fn answer(tx: &mut Tx, id: ChallengeId, new: &NewAnswer<'_>) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE challenges SET status = $2, answered_us = $3, picture = $4, tiles = $5, print = $6 \
         WHERE id = $1 AND status = 'open' AND begun_us IS NOT NULL",
        id.to_string(),
        new.status.as_str(),
        new.answered_us,
        new.picture,
        new.tiles,
        new.print
    )?;
    Ok(changed > 0)
}

#[derive(Debug, FromRow)]
pub struct RoundRow {
    pub id: String,
    pub hour: i64,
    pub opens_us: i64,
}

/// Rounds that nobody answers any more: everybody has, or they were closed before `closed_us`.
pub async fn to_judge(tx: &mut Tx, closed_us: i64, limit: i64) -> Result<Vec<RoundRow>> {
    fetch_all!(
        tx,
        RoundRow,
        "SELECT id, hour, opens_us FROM challenge_rounds WHERE judged_us IS NULL AND (closes_us < $1 \
             OR NOT EXISTS (SELECT 1 FROM challenges WHERE round_id = challenge_rounds.id AND status = 'open')) \
         ORDER BY closes_us LIMIT $2",
        closed_us,
        limit
    )
}

/// Nobody answers a round any more; false if it was judged already.
pub async fn close(tx: &mut Tx, round: &str, now_us: i64) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE challenge_rounds SET judged_us = $2 WHERE id = $1 AND judged_us IS NULL",
        round,
        now_us
    )?;
    execute!(
        tx,
        "UPDATE challenges SET status = 'missed' WHERE round_id = $1 AND status = 'open'",
        round
    )?;
    Ok(changed > 0)
}

/// An answer that waits to be judged.
#[derive(Debug, Clone, FromRow)]
pub struct AnswerRow {
    #[sqlx(try_from = "String")]
    pub id: ChallengeId,
    #[sqlx(try_from = "String")]
    pub worker_id: WorkerId,
    #[sqlx(try_from = "String")]
    pub owner_id: UserId,
    pub slot: i64,
    pub score: i64,
    pub samples: i64,
    pub answered_us: i64,
    pub tiles: String,
    pub print: String,
}

pub async fn answers(tx: &mut Tx, round: &str) -> Result<Vec<AnswerRow>> {
    fetch_all!(
        tx,
        AnswerRow,
        "SELECT challenges.id, worker_id, owner_id, slot, score, samples, answered_us, tiles, print \
         FROM challenges JOIN workers ON workers.id = worker_id \
         WHERE round_id = $1 AND challenges.status = 'answered' ORDER BY challenges.id",
        round
    )
}

#[derive(Debug, FromRow)]
struct TilesRow {
    tiles: String,
}

/// The tiles of what an owner's workers answered to other rounds, the latest first.
pub async fn earlier_tiles(
    tx: &mut Tx,
    owner: UserId,
    round: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let rows = fetch_all!(
        tx,
        TilesRow,
        "SELECT tiles FROM challenges JOIN workers ON workers.id = worker_id \
         WHERE owner_id = $1 AND round_id <> $2 AND tiles IS NOT NULL ORDER BY challenges.id DESC LIMIT $3",
        owner.to_string(),
        round,
        limit
    )?;
    Ok(rows.into_iter().map(|row| row.tiles).collect())
}

/// What an answer proved.
pub async fn judged(
    tx: &mut Tx,
    id: ChallengeId,
    status: Status,
    compared: i64,
    borne_out: Option<Micros>,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE challenges SET status = $2, compared = $3, borne_out = $4 WHERE id = $1 AND status = 'answered'",
        id.to_string(),
        status.as_str(),
        compared,
        borne_out.map(Micros::get)
    )?;
    Ok(())
}

/// What became of a worker's challenges of an hour, the earliest first.
pub async fn statuses(tx: &mut Tx, worker: WorkerId, hour: i64) -> Result<Vec<Status>> {
    #[derive(FromRow)]
    struct StatusRow {
        #[sqlx(try_from = "String")]
        status: Status,
    }
    let rows = fetch_all!(
        tx,
        StatusRow,
        "SELECT status FROM challenges WHERE worker_id = $1 AND hour = $2 ORDER BY id",
        worker.to_string(),
        hour
    )?;
    Ok(rows.into_iter().map(|row| row.status).collect())
}

/// Forgets the rounds of every hour before this one.
pub async fn forget_before(tx: &mut Tx, hour: i64) -> Result<u64> {
    execute!(tx, "DELETE FROM challenge_rounds WHERE hour < $1", hour)
}
