//! The coordinator's blobs: resumed by offset, cut off and forgotten when a test asks for it.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pictor_protocol::BlobHash;
use pictor_protocol::blob::{UPLOAD_LENGTH, UPLOAD_OFFSET};
use pictor_protocol::problem::ProblemKind;

use super::{Answer, Body, Inner, State, problem, status, whole};

pub(super) fn blob(
    state: &State,
    path: &str,
    parts: &http::request::Parts,
    body: Bytes,
) -> std::io::Result<Answer> {
    let hash: BlobHash = path.trim_start_matches("blobs/").parse().unwrap();
    let answer = match parts.method {
        Method::HEAD => head(&state.lock(), hash),
        Method::GET => return get(&mut state.lock(), hash, parts),
        _ => put(&mut state.lock(), hash, parts, &body),
    };
    state.ring();
    Ok(answer)
}

fn head(inner: &Inner, hash: BlobHash) -> Answer {
    if inner.blobs.contains_key(&hash) {
        return status(StatusCode::OK);
    }
    let held = inner.parts.get(&hash).map_or(0, Vec::len);
    let mut answer = status(StatusCode::NOT_FOUND);
    answer.headers_mut().insert(UPLOAD_OFFSET, held.into());
    answer
}

fn put(inner: &mut Inner, hash: BlobHash, parts: &http::request::Parts, body: &[u8]) -> Answer {
    let number = |name: &str| {
        parts.headers[name]
            .to_str()
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let (offset, length) = (number(UPLOAD_OFFSET), number(UPLOAD_LENGTH));
    let part = inner.parts.entry(hash).or_default();
    if offset > part.len() {
        return problem(ProblemKind::WrongOffset);
    }
    part.truncate(offset);
    part.extend_from_slice(body);
    if part.len() < length {
        return problem(ProblemKind::WrongOffset);
    }
    let whole = inner.parts.remove(&hash).unwrap();
    if super::hash(&whole) != hash {
        return problem(ProblemKind::HashMismatch);
    }
    if inner.forget_uploads > 0 {
        inner.forget_uploads -= 1;
    } else {
        inner.blobs.insert(hash, whole.into());
    }
    status(StatusCode::CREATED)
}

fn get(inner: &mut Inner, hash: BlobHash, parts: &http::request::Parts) -> std::io::Result<Answer> {
    let Some(bytes) = inner.blobs.get(&hash).cloned() else {
        return Ok(problem(ProblemKind::NotFound));
    };
    let range = parts
        .headers
        .get("range")
        .map(|range| range.to_str().unwrap().to_owned());
    let start = range.as_deref().map_or(0, |range| {
        range
            .trim_start_matches("bytes=")
            .trim_end_matches('-')
            .parse()
            .unwrap()
    });
    inner.ranges.extend(range);
    let mut answer = Response::new(whole(bytes.slice(start..)));
    if start > 0 {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if let Some((most, times @ 1..)) = inner.cut_downloads {
        inner.cut_downloads = Some((most, times - 1));
        *answer.body_mut() = cut(bytes.slice(start..start + most));
    }
    Ok(answer)
}

/// These bytes arrive, then the connection breaks.
fn cut(bytes: Bytes) -> Body {
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut"))
    });
    let frames = stream::iter([Ok(Frame::data(bytes))]).chain(end);
    BodyExt::boxed_unsync(StreamBody::new(frames))
}
