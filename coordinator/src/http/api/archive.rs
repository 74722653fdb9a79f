//! A zip of frames, made while it is sent.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use zip::write::SimpleFileOptions;

use crate::app::App;

const PIECE_BYTES: usize = 64 << 10;
/// Pieces that are ready while the network is busy with one.
const PIECES_AHEAD: usize = 4;
/// Who takes nothing for so long is gone, and the thread is somebody else's.
const SILENCE: Duration = Duration::from_secs(60);

/// Every file under its name. The body breaks off with an error when a file cannot be read: a zip that ends in good
/// order would pass for a whole one.
pub async fn stream(app: &App, files: Vec<(String, PathBuf)>) -> Body {
    let place = Arc::clone(&app.archiving).acquire_owned().await;
    let (pipe, pieces) = pipe(SILENCE, app.stopping.clone());
    tokio::task::spawn_blocking(move || {
        let _place = place;
        if let Err(error) = pipe.send(&files) {
            tracing::debug!(error = &error as &dyn std::error::Error, "zip not finished");
        }
    });
    Body::from_stream(pieces)
}

/// The end of a stream that a thread writes to.
struct Pipe {
    pieces: mpsc::Sender<Bytes>,
    /// Told when nothing is missing.
    whole: oneshot::Sender<()>,
    silence: Duration,
    stopping: CancellationToken,
    runtime: Handle,
}

fn pipe(
    silence: Duration,
    stopping: CancellationToken,
) -> (Pipe, impl Stream<Item = io::Result<Bytes>>) {
    let (pieces, taken) = mpsc::channel(PIECES_AHEAD);
    let (whole, is_whole) = oneshot::channel();
    let end = stream::once(is_whole).filter_map(async |whole| match whole {
        Ok(()) => None,
        Err(_) => Some(Err(io::Error::other("the archive broke off"))),
    });
    let pipe = Pipe {
        pieces,
        whole,
        silence,
        stopping,
        runtime: Handle::current(),
    };
    (pipe, ReceiverStream::new(taken).map(Ok).chain(end))
}

impl Pipe {
    /// Blocks until everything is sent, or cannot be.
    fn send(self, files: &[(String, PathBuf)]) -> io::Result<()> {
        let mut ahead = Ahead {
            pipe: &self,
            buffer: Vec::with_capacity(PIECE_BYTES),
        };
        write_zip(&mut ahead, files)?;
        ahead.flush()?;
        // Whoever is gone misses nothing.
        let _ = self.whole.send(());
        Ok(())
    }

    fn piece(&self, piece: Bytes) -> io::Result<()> {
        let sent = async {
            tokio::select! {
                sent = timeout(self.silence, self.pieces.send(piece)) => sent.is_ok_and(|sent| sent.is_ok()),
                () = self.stopping.cancelled() => false,
            }
        };
        if self.runtime.block_on(sent) {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::BrokenPipe))
        }
    }
}

/// Gathers what a zip is written in, of which much is a few bytes long, into pieces worth sending.
struct Ahead<'a> {
    pipe: &'a Pipe,
    buffer: Vec<u8>,
}

impl Write for Ahead<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let next = Vec::with_capacity(PIECE_BYTES);
        let piece = std::mem::replace(&mut self.buffer, next);
        self.pipe.piece(piece.into())
    }
}

fn write_zip(to: impl Write, files: &[(String, PathBuf)]) -> io::Result<()> {
    // Pictures are compressed already.
    let stored = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    let mut zip = zip::ZipWriter::new_stream(to);
    for (name, path) in files {
        zip.start_file(name.as_str(), stored)?;
        io::copy(&mut std::fs::File::open(path)?, &mut zip)?;
    }
    zip.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_whole_archive_ends_in_good_order() {
        let dir = tempfile::tempdir().unwrap();
        let frame = dir.path().join("a");
        std::fs::write(&frame, vec![7; 3 * PIECE_BYTES]).unwrap();
        let files = vec![("frame_0001.png".to_owned(), frame)];
        let (sent, taken) = archive(files, SILENCE).await;
        assert!(sent.is_ok());
        let bytes: Vec<u8> = taken.into_iter().flat_map(|piece| piece.unwrap()).collect();
        let mut zip = zip::ZipArchive::new(io::Cursor::new(bytes)).unwrap();
        assert_eq!(zip.by_index(0).unwrap().size(), 3 * PIECE_BYTES as u64);
    }

    #[tokio::test]
    async fn an_archive_with_a_frame_that_cannot_be_read_breaks_off() {
        let files = vec![("frame_0001.png".to_owned(), PathBuf::from("/nowhere"))];
        let (sent, taken) = archive(files, SILENCE).await;
        assert!(sent.is_err());
        assert!(taken.last().is_some_and(Result::is_err), "{taken:?}");
    }

    #[tokio::test]
    async fn who_takes_nothing_keeps_no_thread() {
        let dir = tempfile::tempdir().unwrap();
        let frame = dir.path().join("a");
        std::fs::write(&frame, vec![7; 9 * PIECE_BYTES]).unwrap();
        let files = vec![("frame_0001.png".to_owned(), frame)];
        let (pipe, _untaken) = pipe(Duration::from_millis(20), CancellationToken::new());
        let sent = tokio::task::spawn_blocking(move || pipe.send(&files)).await;
        assert!(sent.unwrap().is_err());
    }

    async fn archive(
        files: Vec<(String, PathBuf)>,
        silence: Duration,
    ) -> (io::Result<()>, Vec<io::Result<Bytes>>) {
        let (pipe, pieces) = pipe(silence, CancellationToken::new());
        let sent = tokio::task::spawn_blocking(move || pipe.send(&files));
        let taken = pieces.collect().await;
        (sent.await.unwrap(), taken)
    }
}
