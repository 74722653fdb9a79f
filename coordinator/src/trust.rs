//! What an output must pass before its frame counts as done. Today: it is a whole picture of the right
//! format and size, without values that are no numbers. Whether a blank one is believed is decided where
//! its neighbours are known, in [`crate::dispatch::report`].

mod alike;
pub mod picture;

use std::sync::Arc;

use pictor_protocol::BlobHash;
use pictor_protocol::job::RenderPlan;
use pictor_protocol::settings::Format;

use crate::app::App;
use crate::blobs::Blobs;
use picture::{Expected, Inspected, PictureError, PictureFormat, PictureLimits};

/// Longer side of a thumbnail in pixels.
const THUMBNAIL_SIDE: u32 = 320;

/// What looking at an output says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed(Passed),
    Refused {
        why: String,
    },
    /// The bytes could not be read here; that is nobody's fault but ours.
    Unreadable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub blank: bool,
    /// A JPEG and its size in bytes; stored, but not held by anything yet.
    pub thumbnail: Option<(BlobHash, u64)>,
}

/// Looks at an output and makes its thumbnail. Whoever calls has a place of `App::examining`.
pub async fn examine(app: &App, output: BlobHash, plan: &RenderPlan) -> Verdict {
    let expected = Expected {
        format: picture_format(plan.format),
        width: plan.width,
        height: plan.height,
    };
    let blobs = Arc::clone(&app.blobs);
    match tokio::task::spawn_blocking(move || look(&blobs, output, &expected)).await {
        Ok(verdict) => verdict,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Whether two pictures show the same, by their thumbnails. What cannot be read is not the same.
pub async fn show_the_same(app: &App, one: BlobHash, other: BlobHash) -> bool {
    if one == other {
        return true;
    }
    let blobs = Arc::clone(&app.blobs);
    let read = move |hash| std::fs::read(blobs.path(hash)).ok();
    let same = move || alike::show_the_same(&read(one)?, &read(other)?);
    match tokio::task::spawn_blocking(same).await {
        Ok(same) => same.unwrap_or(false),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn look(blobs: &Blobs, output: BlobHash, expected: &Expected) -> Verdict {
    let inspected = picture::inspect(
        &blobs.path(output),
        THUMBNAIL_SIDE,
        &PictureLimits::expecting(expected),
    );
    let Inspected { picture, thumbnail } = match inspected {
        Ok(inspected) => inspected,
        Err(PictureError::Read { source }) => {
            tracing::error!(blob = %output, error = &source as &dyn std::error::Error, "output unreadable");
            return Verdict::Unreadable;
        }
        Err(error) => {
            return Verdict::Refused {
                why: error.to_string(),
            };
        }
    };
    if let Err(refusal) = picture::check(&picture, expected) {
        return Verdict::Refused {
            why: refusal.to_string(),
        };
    }
    let size = thumbnail.len() as u64;
    // Without a thumbnail the frame is as good.
    let thumbnail = blobs.put_bytes(&thumbnail).ok().map(|hash| (hash, size));
    Verdict::Passed(Passed {
        blank: picture.blank,
        thumbnail,
    })
}

fn picture_format(format: Format) -> PictureFormat {
    match format {
        Format::Png => PictureFormat::Png,
        Format::Jpeg => PictureFormat::Jpeg,
        Format::OpenExr | Format::OpenExrMultilayer => PictureFormat::Exr,
    }
}
