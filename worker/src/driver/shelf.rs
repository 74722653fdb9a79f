//! The journal behind a queue: storing, discarding and clearing happen one after the other, in the
//! order in which the agent wanted them, on a thread that may wait for the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pictor_protocol::agent::AttemptRef;
use tokio::sync::mpsc;

use super::Message;
use super::tasks::Tasks;
use crate::agent::{Event, Picture};
use crate::journal::Journal;

pub(super) struct Shelf {
    jobs: mpsc::UnboundedSender<Job>,
    journal: Arc<Journal>,
}

enum Job {
    Store { rendered: PathBuf, picture: Picture },
    Discard(AttemptRef),
    Clear(PathBuf),
}

impl Shelf {
    pub(super) fn start(journal: Journal, inbox: mpsc::Sender<Message>, tasks: &mut Tasks) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let journal = Arc::new(journal);
        tasks.spawn_to_end(work(Arc::clone(&journal), queue, inbox));
        Self { jobs, journal }
    }

    pub(super) fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.journal)
    }

    pub(super) fn store(&self, rendered: PathBuf, picture: Picture) {
        self.push(Job::Store { rendered, picture });
    }

    pub(super) fn discard(&self, attempt: AttemptRef) {
        self.push(Job::Discard(attempt));
    }

    /// Removes a directory.
    pub(super) fn clear(&self, dir: PathBuf) {
        self.push(Job::Clear(dir));
    }

    /// Nothing more comes; what is in the queue is still carried out.
    pub(super) fn close(self) {}

    fn push(&self, job: Job) {
        // The queue ends only when the worker does.
        self.jobs.send(job).ok();
    }
}

async fn work(
    journal: Arc<Journal>,
    mut queue: mpsc::UnboundedReceiver<Job>,
    inbox: mpsc::Sender<Message>,
) {
    while let Some(job) = queue.recv().await {
        let journal = Arc::clone(&journal);
        let carried_out = tokio::task::spawn_blocking(move || carry_out(&journal, job)).await;
        if let Ok(Some(event)) = carried_out {
            inbox.send(Message::Event(event)).await.ok();
        }
    }
}

fn carry_out(journal: &Journal, job: Job) -> Option<Event> {
    match job {
        Job::Store { rendered, picture } => Some(store(journal, &rendered, &picture)),
        Job::Discard(attempt) => {
            complain("discard a picture", journal.discard(attempt));
            None
        }
        Job::Clear(dir) => {
            match std::fs::remove_dir_all(dir) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => complain("clear a directory", result),
            }
            None
        }
    }
}

fn store(journal: &Journal, rendered: &Path, picture: &Picture) -> Event {
    let attempt = picture.grant.attempt;
    match journal.store(rendered, picture) {
        Ok(finished) => Event::Stored {
            attempt,
            output: finished.output,
            size_bytes: finished.size_bytes,
        },
        Err(error) => Event::StoreFailed {
            attempt,
            fault: error.fault(),
            message: error.to_string(),
        },
    }
}

/// What stays behind costs space, and is cleared away at the next start.
fn complain(what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot {what}");
    }
}
