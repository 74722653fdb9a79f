//! A file that comes in one piece, as forms without scripts send it: what it is shows in its first bytes, and its hash
//! when it has arrived.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use pictor_protocol::scene::{NewScene, Scene};
use pictor_protocol::{BlobHash, UserId};

use crate::app::App;
use crate::blobs::{Arrived, BlobError, SILENCE};
use crate::jobs::JobError;
use crate::store::blobs::{self, Holder};

/// What a form has around its file, and some more: names of files are long sometimes.
const FORM_BYTES: u64 = 64 << 10;
/// How scenes begin: plain, compressed by zstd or gzip, or as a zip.
const BEGINNINGS: [&[u8]; 4] = [b"BLENDER", b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"PK"];
/// The longest of them.
const BEGINNING_BYTES: usize = 7;

#[derive(Debug, thiserror::Error)]
pub enum WholeError {
    #[error("{0}")]
    NoScene(String),
    #[error("{name} is larger than the {bytes_max} bytes that are taken here")]
    TooLarge { name: String, bytes_max: u64 },
    #[error(transparent)]
    Job(#[from] JobError),
}

/// A file on its way.
#[derive(Debug, Clone, Copy)]
pub struct Whole<'a> {
    pub name: &'a str,
    /// Length of the request that carries it.
    pub request_bytes: Option<u64>,
}

/// Makes a scene of a file while it comes. What is refused leaves nothing behind, and neither does a sender who
/// breaks off.
pub async fn take_in<E>(
    app: &App,
    owner: UserId,
    file: Whole<'_>,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<Scene, WholeError> {
    let bytes_max = app.config.scene_bytes_max;
    let too_large = || WholeError::TooLarge {
        name: file.name.into(),
        bytes_max,
    };
    if file.request_bytes > Some(bytes_max.saturating_add(FORM_BYTES)) {
        return Err(too_large());
    }
    let head = head(&mut body).await.map_err(JobError::from)?;
    if let Some(why) = why_not(file.name, &head) {
        return Err(WholeError::NoScene(why));
    }
    let body = stream::iter([Ok(head)]).chain(body);
    let arrived = match app.blobs.receive(bytes_max, body).await {
        Err(BlobError::TooLong) => return Err(too_large()),
        arrived => arrived.map_err(JobError::from)?,
    };
    let new = NewScene {
        name: file.name.into(),
        blob: keep(app, owner, arrived).await?,
    };
    Ok(super::take_in(app, owner, &new).await?)
}

/// The blob is its uploader's for a while, like one that came in parts.
async fn keep(app: &App, owner: UserId, arrived: Arrived) -> Result<BlobHash, JobError> {
    let _promised = app.blob_gate.read().await;
    let (blob, length) = app.blobs.keep_arrived(arrived).await?;
    let now_us = app.now_us();
    let expires_us = now_us + app.config.blob_grace.as_micros() as i64;
    let mut tx = app.store.write().await?;
    blobs::insert(&mut tx, blob, length, now_us).await?;
    blobs::hold(&mut tx, Holder::User(owner), blob, Some(expires_us)).await?;
    tx.commit().await?;
    Ok(blob)
}

/// What a file begins with: enough of it to be known, unless it is shorter.
async fn head<E>(
    body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
) -> Result<Bytes, BlobError> {
    let mut head = BytesMut::new();
    while head.len() < BEGINNING_BYTES {
        match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(Some(Ok(chunk))) => head.extend_from_slice(&chunk),
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => return Err(BlobError::BrokenOff),
        }
    }
    Ok(head.freeze())
}

/// Why a file is no scene, as far as its name and its first bytes tell. `static/upload.js` says the same before it
/// sends anything.
fn why_not(name: &str, head: &[u8]) -> Option<String> {
    if name.is_empty() {
        return Some("Choose a file first.".into());
    }
    if head.is_empty() {
        return Some(format!("{name} is empty."));
    }
    if BEGINNINGS.iter().any(|begins| head.starts_with(begins)) {
        return None;
    }
    Some(if is_named_like_a_scene(name) {
        format!(
            "{name} does not begin like a .blend or a .zip: it may be damaged, or not saved to its end."
        )
    } else {
        format!(
            "{name} is no .blend and no .zip. Save your scene from Blender as a .blend, or make a .zip of the .blend \
             and its assets."
        )
    })
}

/// Blender's own backups end in a number.
fn is_named_like_a_scene(name: &str) -> bool {
    let Some((_, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let ending = ending.to_ascii_lowercase();
    let number = ending.strip_prefix("blend");
    ending == "zip" || number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_file_is_judged_by_its_first_bytes_and_what_is_said_of_it_by_its_name() {
        for begins in BEGINNINGS {
            assert_eq!(why_not("anything", begins), None);
        }
        for (name, head, said) in [
            ("", &b""[..], "Choose a file first."),
            ("a.blend", b"", "a.blend is empty."),
            ("a.blend1", b"BLENDR", "does not begin like"),
            ("a.ZIP", b"pk", "does not begin like"),
            ("a.blender", b"BLEND", "is no .blend and no .zip"),
            ("blend", b"text", "is no .blend and no .zip"),
        ] {
            let why = why_not(name, head).unwrap();
            assert!(why.contains(said), "{name}: {why}");
        }
    }

    #[tokio::test]
    async fn a_beginning_that_comes_in_crumbs_is_put_together() {
        let crumbs = ["BL", "", "END", "ER-v405", "rest"];
        let crumbs = crumbs.map(|it| Ok::<_, Infallible>(Bytes::from_static(it.as_bytes())));
        let mut body = stream::iter(crumbs);
        assert_eq!(head(&mut body).await.unwrap(), "BLENDER-v405");
        assert_eq!(body.next().await.unwrap().unwrap(), "rest");
        let mut short = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"PK"))]);
        assert_eq!(head(&mut short).await.unwrap(), "PK");
    }
}
