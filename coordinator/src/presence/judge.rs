//! Judges rounds that are over, and writes down what they prove.

use pictor_protocol::Micros;

use super::PresenceError;
use super::verdict::{self, Answer};
use crate::app::App;
use crate::campaign::calendar::{SECOND_US, hour_of};
use crate::store::challenges::{self, AnswerRow, RoundRow};
use crate::store::{Result, Tx, online};

/// Rounds that are judged in one look.
const BATCH: i64 = 100;
/// An answer that came in time may still be looked at for so long.
const LOOKED_AT_US: i64 = 10 * SECOND_US;
/// With so many earlier answers of its owner's workers an answer is compared.
const EARLIER: i64 = 50;
/// Rounds are kept for so many hours.
const KEPT_HOURS: i64 = 7 * 24;

/// Judges every round that nobody answers any more.
pub async fn judge_closed(app: &App, now_us: i64) -> std::result::Result<(), PresenceError> {
    let mut tx = app.store.read().await?;
    let rounds = challenges::to_judge(&mut tx, now_us - LOOKED_AT_US, BATCH).await?;
    drop(tx);
    for round in rounds {
        let mut tx = app.store.write().await?;
        if challenges::close(&mut tx, &round.id, now_us).await? {
            judge(&mut tx, &round).await?;
            challenges::forget_before(&mut tx, hour_of(now_us) - KEPT_HOURS).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn judge(tx: &mut Tx, round: &RoundRow) -> Result<()> {
    let rows = challenges::answers(tx, &round.id).await?;
    let mut pictures = Vec::with_capacity(rows.len());
    for row in &rows {
        let earlier = challenges::earlier_tiles(tx, row.owner_id, &round.id, EARLIER).await?;
        let earlier: Vec<_> = earlier.iter().map(|tiles| bytes(tiles)).collect();
        pictures.push((bytes(&row.tiles), earlier));
    }
    let answers = rows
        .iter()
        .zip(&pictures)
        .map(|(row, (tiles, earlier))| Answer {
            id: row.id,
            tiles,
            print: &row.print,
            earlier: earlier.iter().map(Vec::as_slice).collect(),
            score: Micros::new(row.score),
            samples: u32::try_from(row.samples).unwrap_or(u32::MAX),
            took_us: row.answered_us - round.opens_us,
        });
    let judged = verdict::judge(&answers.collect::<Vec<_>>());
    for (row, judged) in rows.iter().zip(judged) {
        let compared = judged.compared as i64;
        challenges::judged(tx, row.id, judged.status, compared, judged.borne_out).await?;
        if let Some(borne_out) = judged.borne_out {
            online::proven_by_challenge(tx, row.worker_id, row.slot, round.hour, borne_out).await?;
        }
        tell(row, &judged, row.answered_us - round.opens_us);
    }
    Ok(())
}

fn tell(row: &AnswerRow, judged: &verdict::Judged, took_us: i64) {
    tracing::info!(
        worker.id = %row.worker_id, slot = row.slot, challenge.id = %row.id, took_ms = took_us / 1_000,
        compared = judged.compared, borne_out_micros = judged.borne_out.map(Micros::get),
        "presence challenge {}", judged.status.as_str()
    );
}

/// Out of hexadecimal digits. Text that is none becomes nothing, which is like no picture.
fn bytes(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes = (0..digits.len()).step_by(2).map(digit);
    bytes.collect::<Option<Vec<_>>>().unwrap_or_default()
}
