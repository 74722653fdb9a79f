//! What a request carries: nothing, some JSON, or a file from an offset on, read as it is sent.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use hyper::body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt, ReadBuf};

const CHUNK: usize = 256 * 1024;

#[derive(Debug)]
pub(super) enum Body {
    Bytes(Bytes),
    File {
        file: File,
        left: u64,
        buffer: BytesMut,
    },
}

impl Body {
    pub(super) fn empty() -> Self {
        Self::Bytes(Bytes::new())
    }

    pub(super) fn bytes(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }

    pub(super) async fn file(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path).await?;
        file.set_max_buf_size(CHUNK);
        let left = file.metadata().await?.len().saturating_sub(offset);
        file.seek(SeekFrom::Start(offset)).await?;
        Ok(Self::File {
            file,
            left,
            buffer: BytesMut::new(),
        })
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Bytes(bytes) if !bytes.has_remaining() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::File { left: 0, .. } => Poll::Ready(None),
            Self::File { file, left, buffer } => {
                buffer.resize(CHUNK.min(usize::try_from(*left).unwrap_or(CHUNK)), 0);
                let mut space = ReadBuf::new(buffer);
                std::task::ready!(Pin::new(file).poll_read(context, &mut space))?;
                let count = space.filled().len();
                if count == 0 {
                    let shorter = io::Error::other("the file became shorter while it was sent");
                    return Poll::Ready(Some(Err(shorter)));
                }
                *left -= count as u64;
                Poll::Ready(Some(Ok(Frame::data(buffer.split_to(count).freeze()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { left, .. } => *left,
        })
    }
}
