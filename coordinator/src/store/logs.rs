//! Logs of attempts, appended by offset: a piece that is there already is not stored again.

use pictor_protocol::agent::LogChunk;
use pictor_protocol::{TaskId, WorkerId};
use sqlx::FromRow;

use super::{Result, Tx};

#[derive(Debug, FromRow)]
pub struct LogRow {
    pub attempt: i64,
    pub at_byte: i64,
    pub text: String,
}

/// Keeps a piece of what one of this worker's attempts said; of others it has nothing to say.
pub async fn append(tx: &mut Tx, worker: WorkerId, chunk: &LogChunk) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO logs (task_id, attempt, at_byte, text) \
         SELECT task_id, attempt, $3, $4 FROM attempts \
         WHERE task_id = $1 AND attempt = $2 AND worker_id = $5 \
         ON CONFLICT (task_id, attempt, at_byte) DO NOTHING",
        chunk.attempt.task.to_string(),
        i64::from(chunk.attempt.attempt),
        chunk.offset as i64,
        &chunk.text,
        worker.to_string()
    )?;
    Ok(())
}

/// Bytes that an attempt's log holds already.
pub async fn length(tx: &mut Tx, chunk: &LogChunk) -> Result<u64> {
    #[derive(FromRow)]
    struct Length {
        bytes: i64,
    }
    let row = fetch_one!(
        tx,
        Length,
        "SELECT COALESCE(MAX(at_byte + OCTET_LENGTH(text)), 0) AS bytes FROM logs \
         WHERE task_id = $1 AND attempt = $2",
        chunk.attempt.task.to_string(),
        i64::from(chunk.attempt.attempt)
    )?;
    Ok(row.bytes as u64)
}

pub async fn of_task(tx: &mut Tx, task: TaskId) -> Result<Vec<LogRow>> {
    fetch_all!(
        tx,
        LogRow,
        "SELECT attempt, at_byte, text FROM logs WHERE task_id = $1 ORDER BY attempt, at_byte",
        task.to_string()
    )
}
