//! A slot begins its challenge, and answers it.

use std::time::Duration;

use bytes::Bytes;
use pictor_protocol::challenge::{Challenge, ChallengeReceived, HEIGHT, Stage, WIDTH};
use pictor_protocol::{ChallengeId, WorkerId};

use super::picture::{Likeness, NoAnswer, likeness};
use super::stage::stage;
use crate::app::App;
use crate::store::StoreError;
use crate::store::challenges::{self, ChallengeRow, NewAnswer, Status};
use crate::trust::picture::small_png;

/// More than a picture of this size can have: without any compression it has 111 KB.
pub const PICTURE_BYTES_MAX: usize = 256 << 10;
/// A held request looks at the clock this often: tests set it ahead.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Or another worker's.
    #[error("there is no such challenge of this worker")]
    NotFound,
    #[error("the challenge is over, or was not begun in time")]
    Late,
    #[error("the challenge was answered before, with another picture")]
    AnsweredBefore,
    #[error("an answer has at most {PICTURE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("this is no picture of this challenge: {why}")]
    NotThePicture { why: &'static str },
    #[error("the coordinator is going away")]
    Stopping,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Waits until the round opens, and tells what to render. Asked again it tells the same; the clock does not begin
/// anew.
pub async fn begin(app: &App, worker: WorkerId, id: ChallengeId) -> Result<Challenge, AnswerError> {
    let row = find(app, worker, id).await?;
    while app.now_us() < row.opens_us {
        let left_us = row.opens_us - app.now_us();
        let left = Duration::from_micros(left_us.max(0) as u64);
        tokio::select! {
            () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
            () = app.stopping.cancelled() => return Err(AnswerError::Stopping),
        }
    }
    let now_us = app.now_us();
    if now_us >= row.closes_us {
        return Err(AnswerError::Late);
    }
    let mut tx = app.store.write().await?;
    if !challenges::begin(&mut tx, id, now_us).await? {
        return Err(over(&row));
    }
    tx.commit().await?;
    Ok(Challenge {
        stage: stage(&row.seed, id),
        samples: u32::try_from(row.samples).unwrap_or(u32::MAX),
        answer_within_ms: ((row.closes_us - now_us) / 1_000) as u32,
    })
}

/// Takes an answer that was here, whole, at `arrived_us`. The same once more gets the first answer again.
pub async fn answer(
    app: &App,
    worker: WorkerId,
    id: ChallengeId,
    bytes: Bytes,
    arrived_us: i64,
) -> Result<ChallengeReceived, AnswerError> {
    if bytes.len() > PICTURE_BYTES_MAX {
        return Err(AnswerError::TooLarge);
    }
    let row = find(app, worker, id).await?;
    let picture = blake3::hash(&bytes).to_hex().to_string();
    if row.picture.is_some() {
        return again(&row, &picture);
    }
    if row.begun_us.is_none() || arrived_us > row.closes_us {
        return Err(AnswerError::Late);
    }
    let looked = look(app, bytes, stage(&row.seed, id)).await;
    let (status, tiles, print) = match &looked {
        Ok(likeness) => {
            let tiles = likeness.tiles.iter().map(|tile| format!("{tile:02x}"));
            let tiles = tiles.collect::<String>();
            (Status::Answered, Some(tiles), Some(likeness.print.as_str()))
        }
        Err(status) => (*status, None, None),
    };
    let new = NewAnswer {
        status,
        answered_us: arrived_us,
        picture: &picture,
        tiles: tiles.as_deref(),
        print,
    };
    let mut tx = app.store.write().await?;
    let is_kept = challenges::answer(&mut tx, id, &new).await?;
    tx.commit().await?;
    let row = find(app, worker, id).await?;
    match is_kept || row.picture.is_some() {
        true => again(&row, &picture),
        false => Err(AnswerError::Late),
    }
}

async fn find(app: &App, worker: WorkerId, id: ChallengeId) -> Result<ChallengeRow, AnswerError> {
    let mut tx = app.store.read().await?;
    let row = challenges::find(&mut tx, worker, id).await?;
    row.ok_or(AnswerError::NotFound)
}

fn over(row: &ChallengeRow) -> AnswerError {
    match row.picture {
        Some(_) => AnswerError::AnsweredBefore,
        None => AnswerError::Late,
    }
}

/// What was answered to this picture.
fn again(row: &ChallengeRow, picture: &str) -> Result<ChallengeReceived, AnswerError> {
    let (Some(known), Some(answered_us)) = (&row.picture, row.answered_us) else {
        return Err(AnswerError::Late);
    };
    if known != picture {
        return Err(AnswerError::AnsweredBefore);
    }
    match row.status {
        Status::NoPicture => Err(AnswerError::NotThePicture {
            why: "it cannot be read, or is of another size",
        }),
        Status::OtherStage => Err(AnswerError::NotThePicture {
            why: "its patches are of other colours",
        }),
        Status::Blank => Err(AnswerError::NotThePicture {
            why: "below the patches it is of one colour",
        }),
        Status::Open
        | Status::Answered
        | Status::Passed
        | Status::Missed
        | Status::Repeated
        | Status::Copied
        | Status::Differs => Ok(ChallengeReceived {
            took_ms: (answered_us - row.opens_us) / 1_000,
        }),
    }
}

async fn look(app: &App, bytes: Bytes, stage: Stage) -> Result<Likeness, Status> {
    // With the outputs of frames: as many pictures at once as there are cores.
    let _place = app.examining.acquire().await;
    let look = move || {
        let pixels = small_png(&bytes, WIDTH, HEIGHT).map_err(|error| {
            tracing::debug!(error = &error as &dyn std::error::Error, "no answer");
            Status::NoPicture
        })?;
        likeness(&pixels, &stage).map_err(|why| match why {
            NoAnswer::OtherStage => Status::OtherStage,
            NoAnswer::Blank => Status::Blank,
        })
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(looked) => looked,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
