//! The sign that a worker works: a small file in its cache directory, written again and again by its
//! main loop, read by `pictor-worker health`. A loop that stands still leaves it to get old.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pictor_protocol::WorkerId;
use serde::{Deserialize, Serialize};

/// How often it is written.
pub const EVERY: Duration = Duration::from_secs(15);
/// Two beats may be late: a laden machine is not a dead worker.
const STALE_AFTER: Duration = Duration::from_secs(45);

/// Whether the worker has been welcomed and its coordinator still answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    Down,
    Up,
}

#[derive(Debug, Serialize, Deserialize)]
struct Beat {
    link: Link,
}

#[derive(Debug, thiserror::Error)]
pub enum NoPulse {
    #[error("the worker does not run here")]
    NotRunning,
    #[error("the worker has stood still for {} s", silent.as_secs())]
    StandsStill { silent: Duration },
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
}

/// Where a worker's heartbeat is.
pub fn path(cache_dir: &Path, worker: WorkerId) -> PathBuf {
    cache_dir.join(format!("alive-{worker}.json"))
}

/// What a worker last said of itself, if that is not too long ago.
pub fn pulse(path: &Path, now: SystemTime) -> Result<Link, NoPulse> {
    let unreadable = |source: io::Error| {
        if source.kind() == io::ErrorKind::NotFound {
            return NoPulse::NotRunning;
        }
        let path = path.into();
        NoPulse::Unreadable { path, source }
    };
    let text = fs::read(path).map_err(unreadable)?;
    let written = fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .map_err(unreadable)?;
    // A clock that was set back makes it seem to be written in the future.
    let silent = now.duration_since(written).unwrap_or_default();
    if silent > STALE_AFTER {
        return Err(NoPulse::StandsStill { silent });
    }
    let beat: Beat = serde_json::from_slice(&text).map_err(|error| unreadable(error.into()))?;
    Ok(beat.link)
}

/// The writing side; the file is gone with it.
#[derive(Debug)]
pub struct Heartbeat {
    path: PathBuf,
}

impl Heartbeat {
    pub fn new(cache_dir: &Path, worker: WorkerId) -> Self {
        Self {
            path: path(cache_dir, worker),
        }
    }

    /// Failures are of no consequence but that health checks fail, which is what they are for.
    pub fn beat(&self, link: Link) {
        if let Err(error) = self.write(link) {
            tracing::warn!(path = %self.path.display(), %error, "cannot write the heartbeat");
        }
    }

    fn write(&self, link: Link) -> io::Result<()> {
        let partial = self.path.with_extension("partial");
        fs::write(&partial, serde_json::to_vec(&Beat { link })?)?;
        fs::rename(partial, &self.path)
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_a_pulse_while_it_beats_and_for_a_while_after() {
        let dir = tempfile::tempdir().unwrap();
        let worker = WorkerId::new(uuid::Uuid::nil());
        let file = path(dir.path(), worker);
        let now = SystemTime::now();
        assert!(matches!(pulse(&file, now), Err(NoPulse::NotRunning)));

        let heart = Heartbeat::new(dir.path(), worker);
        heart.beat(Link::Down);
        assert_eq!(pulse(&file, now).unwrap(), Link::Down);
        heart.beat(Link::Up);
        assert_eq!(pulse(&file, now).unwrap(), Link::Up);
        let later = now + STALE_AFTER + Duration::from_secs(2);
        assert!(matches!(
            pulse(&file, later),
            Err(NoPulse::StandsStill { .. })
        ));

        drop(heart);
        assert!(matches!(pulse(&file, now), Err(NoPulse::NotRunning)));
    }

    #[test]
    fn what_is_no_heartbeat_is_no_pulse() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("alive.json");
        fs::write(&file, "{").unwrap();
        let read = pulse(&file, SystemTime::now());
        assert!(matches!(read, Err(NoPulse::Unreadable { .. })), "{read:?}");
    }
}
