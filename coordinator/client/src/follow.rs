//! Following a job until it is over, and fetching its frames meanwhile.
//!
//! [`Standing`] is what the events told so far, a plain state. [`follow`] reads events, starts
//! downloads and shows both; whatever happens to the coordinator meanwhile, it waits.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::StreamExt;
use pictor_protocol::BlobHash;
use pictor_protocol::frames::FrameList;
use pictor_protocol::job::{Frame, FrameState, Job, Output};

use crate::api::Api;
use crate::api::events::{self, JobEvent, Update};
use crate::download::{DownloadError, Downloaded, Downloads};
use crate::failure::Failure;
use crate::ui::JobProgress;

/// What is known of a job.
#[derive(Debug)]
pub struct Standing {
    pub job: Job,
    /// Frames that render now, and how far they are.
    pub rendering: BTreeMap<i32, f32>,
    /// Pictures that were announced.
    pictures: BTreeMap<i32, BlobHash>,
}

impl Standing {
    pub const fn new(job: Job) -> Self {
        Self {
            job,
            rendering: BTreeMap::new(),
            pictures: BTreeMap::new(),
        }
    }

    /// Takes an event in; answers a picture that was not announced before.
    pub fn apply(&mut self, event: JobEvent) -> Option<(i32, Output)> {
        match event {
            // After a reconnect older news can follow newer.
            JobEvent::Job { job } => {
                if job.revision >= self.job.revision {
                    self.job = *job;
                }
                None
            }
            JobEvent::Frame { frame } => self.take_frame(*frame),
            JobEvent::Progress { progress } => {
                self.rendering.insert(progress.frame, progress.fraction);
                None
            }
        }
    }

    pub fn take_frame(&mut self, frame: Frame) -> Option<(i32, Output)> {
        if frame.state == FrameState::Leased {
            self.rendering.entry(frame.frame).or_insert(0.0);
        } else {
            self.rendering.remove(&frame.frame);
        }
        let output = frame.output.filter(|_| frame.state == FrameState::Done)?;
        let before = self.pictures.insert(frame.frame, output.blob);
        (before != Some(output.blob)).then_some((frame.frame, output))
    }

    /// Every picture of the job was announced.
    fn has_every_picture(&self) -> bool {
        self.pictures.len() >= self.job.counts.done as usize
    }
}

/// How long to stay with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    UntilItIsOver,
    /// Only for the pictures that are there now.
    No,
}

/// What following a job brought.
pub struct Followed {
    pub job: Job,
    pub downloaded: Vec<Downloaded>,
}

/// Comes back when the job is over and its pictures are there, or when the user interrupts.
pub async fn follow(
    api: &Api,
    job: Job,
    stay: Stay,
    fetching: Option<Fetching>,
    progress: &mut JobProgress,
) -> Result<Followed, Failure> {
    let mut following = Following {
        api,
        standing: Standing::new(job),
        fetching,
        downloaded: Vec::new(),
        progress,
    };
    let result = tokio::select! {
        result = following.run(stay) => result,
        // Without a handler there is no interrupt to wait for; the default one ends the process.
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    };
    following.progress.finish();
    result?;
    Ok(Followed {
        job: following.standing.job,
        downloaded: following.downloaded,
    })
}

/// Pictures that are wanted on this disk.
pub struct Fetching {
    pub downloads: Downloads,
    /// All when unset.
    pub frames: Option<FrameList>,
}

impl Fetching {
    pub fn offer(&mut self, (frame, output): (i32, Output)) {
        let listed = |list: &FrameList| list.as_slice().binary_search(&frame).is_ok();
        if self.frames.as_ref().is_none_or(listed) {
            self.downloads.add(frame, output);
        }
    }
}

struct Following<'a> {
    api: &'a Api,
    standing: Standing,
    fetching: Option<Fetching>,
    downloaded: Vec<Downloaded>,
    progress: &'a mut JobProgress,
}

impl Following<'_> {
    async fn run(&mut self, stay: Stay) -> Result<(), Failure> {
        if stay == Stay::UntilItIsOver {
            self.until_it_is_over().await?;
        }
        self.fetch_the_rest().await
    }

    async fn until_it_is_over(&mut self) -> Result<(), Failure> {
        self.progress.show(&self.standing);
        let mut updates = pin!(events::follow(self.api.clone(), self.standing.job.id));
        while !self.standing.job.state.is_over() {
            tokio::select! {
                Some(update) = updates.next() => self.take(update?)?,
                downloaded = next_download(&mut self.fetching) => self.keep(downloaded?)?,
            }
        }
        Ok(())
    }

    fn take(&mut self, update: Update) -> Result<(), Failure> {
        match update {
            Update::Lost(error) => self.progress.lost(&error),
            Update::Event(event) => {
                self.progress.event(&event)?;
                let picture = self.standing.apply(event);
                if let (Some(picture), Some(fetching)) = (picture, &mut self.fetching) {
                    fetching.offer(picture);
                }
                self.progress.show(&self.standing);
            }
        }
        Ok(())
    }

    fn keep(&mut self, downloaded: Downloaded) -> Result<(), Failure> {
        self.progress.downloaded(&downloaded)?;
        self.downloaded.push(downloaded);
        Ok(())
    }

    /// Fetches what no event announced: a job's own event can come before those of its last frames.
    async fn fetch_the_rest(&mut self) -> Result<(), Failure> {
        let Some(fetching) = &mut self.fetching else {
            return Ok(());
        };
        if !self.standing.has_every_picture() {
            let id = self.standing.job.id;
            let list = async |_| self.api.frames(id, Some("done")).await;
            let done = fetching.downloads.patience().repeat(list).await?;
            let new = done
                .into_iter()
                .filter_map(|frame| self.standing.take_frame(frame));
            new.for_each(|picture| fetching.offer(picture));
        }
        while let Some(pending) = self.pending() {
            self.progress.show_downloads(pending);
            let downloaded = next_download(&mut self.fetching).await?;
            self.keep(downloaded)?;
        }
        Ok(())
    }

    fn pending(&self) -> Option<usize> {
        let pending = self.fetching.as_ref()?.downloads.pending();
        (pending > 0).then_some(pending)
    }
}

/// Never ready when nothing is fetched.
async fn next_download(fetching: &mut Option<Fetching>) -> Result<Downloaded, DownloadError> {
    match fetching {
        Some(fetching) => fetching.downloads.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
pub mod testing {
    use pictor_protocol::job::Job;
    use serde_json::json;

    /// A job of two frames.
    pub fn job(revision: i64, state: &str, done: u32) -> Job {
        let id = "0198c0de-0000-7000-8000-00000abcdef1";
        let counts = json!({ "total": 2, "queued": 0, "leased": 0, "done": done, "failed": 0, "cancelled": 0 });
        let render = json!({ "scene": "Scene", "format": "PNG", "width": 4, "height": 4 });
        serde_json::from_value(json!({
            "id": id, "name": "a", "scene": id, "state": state, "priority": 50, "frames": "1-2",
            "settings": {}, "render": render, "blender": "auto", "counts": counts,
            "created_ms": 0, "revision": revision,
        }))
        .unwrap()
    }
}

#[cfg(test)]
mod tests {
    use pictor_protocol::job::JobState;
    use serde_json::json;

    use super::testing::job;
    use super::*;

    fn frame(number: i32, state: &str, blob: Option<u8>) -> Frame {
        let output = blob.map(|byte| {
            json!({ "blob": BlobHash::from_bytes([byte; 32]), "size_bytes": 1,
                "file_name": "a.png", "has_thumbnail": false })
        });
        serde_json::from_value(json!({
            "frame": number, "state": state, "attempts": 1, "output": output, "revision": 1,
        }))
        .unwrap()
    }

    fn tell(standing: &mut Standing, frame: Frame) -> bool {
        let frame = Box::new(frame);
        standing.apply(JobEvent::Frame { frame }).is_some()
    }

    #[test]
    fn a_picture_is_announced_once_and_again_when_it_changes() {
        let mut standing = Standing::new(job(1, "rendering", 0));
        assert!(!tell(&mut standing, frame(1, "leased", None)));
        assert!(tell(&mut standing, frame(1, "done", Some(1))));
        assert!(!tell(&mut standing, frame(1, "done", Some(1))));
        assert!(tell(&mut standing, frame(1, "done", Some(2))));
    }

    #[test]
    fn old_news_after_a_reconnect_change_nothing() {
        let mut standing = Standing::new(job(5, "done", 2));
        let job = Box::new(job(4, "rendering", 1));
        standing.apply(JobEvent::Job { job });
        assert_eq!(standing.job.state, JobState::Done);
    }

    #[test]
    fn a_frame_renders_from_its_lease_to_its_end() {
        let mut standing = Standing::new(job(1, "rendering", 0));
        tell(&mut standing, frame(2, "leased", None));
        assert!(standing.rendering.contains_key(&2));
        tell(&mut standing, frame(2, "failed", None));
        assert!(standing.rendering.is_empty());
    }

    #[test]
    fn pictures_are_missing_until_as_many_as_the_job_counts_were_seen() {
        let mut standing = Standing::new(job(1, "done", 2));
        tell(&mut standing, frame(1, "done", Some(1)));
        assert!(!standing.has_every_picture());
        tell(&mut standing, frame(2, "done", Some(1)));
        assert!(standing.has_every_picture());
    }
}
