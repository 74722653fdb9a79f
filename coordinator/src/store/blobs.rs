//! Which blobs exist and who needs them. The bytes are in [`crate::blobs`].

use std::fmt;

use pictor_protocol::{BlobHash, JobId, SceneId, UserId, WorkerId};
use sqlx::FromRow;

use super::{Result, Tx};

/// Who keeps a blob alive.
#[derive(Debug, Clone, Copy)]
pub enum Holder {
    /// Uploaded it and may refer to it for a while.
    User(UserId),
    /// Uploaded it and may report it for a while.
    Worker(WorkerId),
    Scene(SceneId),
    Job(JobId),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Worker(id) => write!(f, "worker:{id}"),
            Self::Scene(id) => write!(f, "scene:{id}"),
            Self::Job(id) => write!(f, "job:{id}"),
        }
    }
}

#[derive(Debug, FromRow)]
struct Found {
    size_bytes: i64,
}

#[derive(Debug, FromRow)]
struct Named {
    #[sqlx(try_from = "String")]
    hash: BlobHash,
}

/// Records that the bytes are stored.
pub async fn insert(tx: &mut Tx, hash: BlobHash, size_bytes: u64, now_us: i64) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO blobs (hash, size_bytes, stored_us) VALUES ($1, $2, $3) \
         ON CONFLICT (hash) DO UPDATE SET stored_us = excluded.stored_us",
        hash.to_string(),
        size_bytes as i64,
        now_us
    )?;
    Ok(())
}

/// Keeps a blob alive for `holder`, for ever or until a moment; the later of two moments counts.
pub async fn hold(
    tx: &mut Tx,
    holder: Holder,
    hash: BlobHash,
    expires_us: Option<i64>,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO blob_refs (holder, hash, expires_us) VALUES ($1, $2, $3) \
         ON CONFLICT (holder, hash) DO UPDATE SET expires_us = excluded.expires_us",
        holder.to_string(),
        hash.to_string(),
        expires_us
    )?;
    Ok(())
}

/// Size of a blob that `holder` keeps alive.
pub async fn held(tx: &mut Tx, holder: Holder, hash: BlobHash) -> Result<Option<u64>> {
    let found = fetch_optional!(
        tx,
        Found,
        "SELECT size_bytes FROM blob_refs JOIN blobs ON blobs.hash = blob_refs.hash \
         WHERE holder = $1 AND blob_refs.hash = $2",
        holder.to_string(),
        hash.to_string()
    )?;
    Ok(found.map(|blob| blob.size_bytes as u64))
}

pub async fn release(tx: &mut Tx, holder: Holder) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM blob_refs WHERE holder = $1",
        holder.to_string()
    )?;
    Ok(())
}

/// Whether a worker may fetch this blob: it belongs to a scene that the worker has frames of.
pub async fn readable_by_worker(
    tx: &mut Tx,
    worker: WorkerId,
    hash: BlobHash,
) -> Result<Option<u64>> {
    let found = fetch_optional!(
        tx,
        Found,
        "SELECT size_bytes FROM blobs WHERE hash = $2 AND EXISTS ( \
             SELECT 1 FROM attempts JOIN jobs ON jobs.id = attempts.job_id \
             JOIN blob_refs ON blob_refs.holder = 'scene:' || jobs.scene_id AND blob_refs.hash = $2 \
             WHERE attempts.worker_id = $1 AND attempts.status IN ('leased', 'stopping'))",
        worker.to_string(),
        hash.to_string()
    )?;
    Ok(found.map(|blob| blob.size_bytes as u64))
}

/// Forgets up to `most` blobs that nobody needs and that were stored before `before_us`.
pub async fn forget_unneeded(
    tx: &mut Tx,
    now_us: i64,
    before_us: i64,
    most: i64,
) -> Result<Vec<BlobHash>> {
    execute!(tx, "DELETE FROM blob_refs WHERE expires_us < $1", now_us)?;
    let gone = fetch_all!(
        tx,
        Named,
        "DELETE FROM blobs WHERE hash IN ( \
             SELECT hash FROM blobs WHERE stored_us < $1 \
             AND NOT EXISTS (SELECT 1 FROM blob_refs WHERE blob_refs.hash = blobs.hash) LIMIT $2) \
         RETURNING hash",
        before_us,
        most
    )?;
    Ok(gone.into_iter().map(|row| row.hash).collect())
}
