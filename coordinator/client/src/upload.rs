//! Brings a scene's bytes to the coordinator: not at all when it has them, from where an earlier
//! attempt broke off when it has a part.

use std::io::{self, SeekFrom};

use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use pictor_protocol::problem::ProblemKind;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::api::backoff::Backoff;
use crate::api::{Api, ApiError, Body, Held};
use crate::failure::Failure;
use crate::scene_file::SceneFile;
use crate::ui::UploadProgress;

/// Asking first costs a round trip; up to this size sending at once is quicker, even when in vain.
const ASK_FIRST_BYTES: u64 = 1 << 20;
/// About a minute of failures in a row without one byte of progress.
const FAILURES_MAX: u32 = 12;
const READ_BYTES: usize = 256 << 10;

/// Uploads a scene's file and comes back when the coordinator has all of it.
pub async fn upload(
    api: &Api,
    scene: &SceneFile,
    progress: &UploadProgress,
) -> Result<(), Failure> {
    let mut upload = Upload {
        api,
        scene,
        progress,
        backoff: Backoff::default(),
        furthest: 0,
        reached: false,
        mismatched: false,
    };
    let mut ask = scene.size_bytes > ASK_FIRST_BYTES;
    while let Err(failure) = upload.attempt(ask).await {
        let passing = upload.weigh(failure)?;
        progress.interrupted(&passing);
        upload.backoff.wait().await;
        ask = true;
    }
    progress.finish();
    Ok(())
}

struct Upload<'a> {
    api: &'a Api,
    scene: &'a SceneFile,
    progress: &'a UploadProgress,
    backoff: Backoff,
    /// Most bytes that the coordinator was seen to hold.
    furthest: u64,
    /// The coordinator has answered: it is there, and trouble may pass.
    reached: bool,
    /// The coordinator has found other bytes than were announced.
    mismatched: bool,
}

impl Upload<'_> {
    async fn attempt(&mut self, ask: bool) -> Result<(), Failure> {
        let size = self.scene.size_bytes;
        let mut offset = 0;
        if ask {
            match self.api.blob_held(self.scene.hash).await? {
                Held::Everything => return Ok(()),
                Held::Part(bytes) => offset = bytes.min(size),
            }
            self.reached = true;
        }
        if offset > self.furthest {
            self.furthest = offset;
            self.backoff.reset();
        }
        self.progress.at(offset);
        let body = body(self.scene, offset, self.progress).await?;
        let put = self.api.put_blob(self.scene.hash, offset, size, body);
        Ok(put.await?)
    }

    /// Whether to try again: answers the error if it may pass, fails if not.
    fn weigh(&mut self, failure: Failure) -> Result<ApiError, Failure> {
        let Failure::Api(error) = failure else {
            return Err(failure);
        };
        let reached = self.reached || !matches!(error, ApiError::Unreachable { .. });
        self.reached = reached;
        // Once may be the line's fault or an earlier upload's; twice it is the file.
        let mismatch = error.problem() == Some(ProblemKind::HashMismatch);
        if mismatch && std::mem::replace(&mut self.mismatched, true) {
            let path = self.scene.path.clone();
            return Err(Failure::FileChanged { path });
        }
        let elsewhere = error.problem() == Some(ProblemKind::WrongOffset);
        let again = mismatch || elsewhere || error.is_transient();
        if again && reached && self.backoff.failures() < FAILURES_MAX {
            Ok(error)
        } else {
            Err(error.into())
        }
    }
}

/// The scene's bytes from `offset` on.
async fn body(scene: &SceneFile, offset: u64, progress: &UploadProgress) -> Result<Body, Failure> {
    if let Some(bytes) = &scene.bytes {
        let rest = bytes.slice(offset as usize..);
        return Ok(Full::new(rest)
            .map_err(|never| match never {})
            .boxed_unsync());
    }
    let cannot = |source: io::Error| Failure::from(ApiError::File { source });
    let mut file = File::open(&scene.path).await.map_err(cannot)?;
    if file.metadata().await.map_err(cannot)?.len() != scene.size_bytes {
        let path = scene.path.clone();
        return Err(Failure::FileChanged { path });
    }
    file.seek(SeekFrom::Start(offset)).await.map_err(cannot)?;
    let file = file.take(scene.size_bytes - offset);
    let progress = progress.clone();
    let pieces = ReaderStream::with_capacity(file, READ_BYTES).map_ok(move |bytes: Bytes| {
        progress.sent(bytes.len());
        Frame::data(bytes)
    });
    Ok(StreamBody::new(pieces).boxed_unsync())
}
