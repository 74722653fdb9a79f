//! A form with one file, read as it comes.
//!
//! The reader of forms (`multer`) keeps what it cannot tell yet, and takes whatever has arrived at once: a form that
//! never says where its file begins, or a fast sender, would fill the memory. So it is fed in crumbs, and only so many
//! of them until the file has begun.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream};
use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use futures_util::Stream;
use pictor_protocol::problem::ProblemKind;

use crate::http::problem::Refused;

/// Longest text before a file's first byte; the last crumb of it may be longer.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// A form with one file. A route that takes one lifts the limit of bodies, and sees to the file's length itself.
#[derive(Debug)]
pub struct FileForm {
    form: Multipart,
    has_begun: Arc<AtomicBool>,
}

impl<S: Send + Sync> FromRequest<S> for FileForm {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let has_begun = Arc::new(AtomicBool::new(false));
        let request = request.map(|body| {
            Body::from_stream(Crumbs {
                body: body.into_data_stream(),
                has_begun: Arc::clone(&has_begun),
                head_bytes: 0,
                rests: false,
            })
        });
        let form = Multipart::from_request(request, state).await?;
        Ok(Self { form, has_begun })
    }
}

impl FileForm {
    /// Its first field, which has to be the file of that name. Whatever comes behind it is not read.
    pub async fn file(&mut self, name: &str) -> Result<Field<'_>, Refused> {
        let first = self.form.next_field().await?;
        self.has_begun.store(true, Ordering::Relaxed);
        let file = first.filter(|field| field.name() == Some(name));
        file.ok_or_else(|| {
            Refused::new(
                ProblemKind::Invalid,
                format!("send one file, in the field “{name}”"),
            )
        })
    }
}

/// A body that rests after every piece, so that its reader looks at each before it takes another.
struct Crumbs {
    body: BodyDataStream,
    has_begun: Arc<AtomicBool>,
    /// Read before the file has begun.
    head_bytes: usize,
    rests: bool,
}

impl Stream for Crumbs {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_head = !self.has_begun.load(Ordering::Relaxed);
        if is_head && self.head_bytes > HEAD_BYTES_MAX {
            let why = io::Error::other("the form does not say where its file begins");
            return Poll::Ready(Some(Err(why.into())));
        }
        let next = Pin::new(&mut self.body).poll_next(context);
        next.map_ok(|crumb| {
            self.rests = true;
            if is_head {
                self.head_bytes += crumb.len();
            }
            crumb
        })
        .map_err(Into::into)
    }
}

impl From<MultipartRejection> for Refused {
    fn from(rejection: MultipartRejection) -> Self {
        Self::new(ProblemKind::Invalid, rejection.body_text())
    }
}

impl From<MultipartError> for Refused {
    fn from(error: MultipartError) -> Self {
        Self::new(ProblemKind::Invalid, error.body_text())
    }
}
