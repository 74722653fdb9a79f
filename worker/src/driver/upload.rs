//! One picture on its way to the coordinator: tried until it is there or can never be.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::AttemptRef;
use pictor_protocol::problem::ProblemKind;

use super::line::{Failed, Line};
use crate::agent::Event;
use crate::backoff::Backoff;
use crate::coordinator::{CallError, Held};
use crate::errors::Chain;
use crate::journal::Journal;

/// A smaller picture is simply sent: asking first what is there already would double its time.
const SMALL_BYTES: u64 = 1 << 20;
/// So often bytes may arrive damaged before the file itself is suspected.
const DAMAGED_MAX: u32 = 3;

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) attempt: AttemptRef,
    pub(super) output: BlobHash,
    pub(super) size_bytes: u64,
    pub(super) after: Duration,
}

/// Why a picture will never be taken.
struct Hopeless(String);

impl Upload {
    pub(super) async fn run(self, line: Line, journal: Arc<Journal>) {
        tokio::time::sleep(self.after).await;
        let _turn = line.upload_turn().await;
        let attempt = self.attempt;
        let result = match journal.picture(attempt) {
            Some(path) => self.send(&line, &path).await,
            None => Err(Hopeless("the picture is gone from the journal".into())),
        };
        line.tell(match result {
            Ok(()) => Event::Uploaded { attempt },
            Err(Hopeless(message)) => Event::UploadFailed { attempt, message },
        })
        .await;
    }

    async fn send(&self, line: &Line, path: &Path) -> Result<(), Hopeless> {
        let mut backoff = Backoff::default();
        let mut damaged = 0;
        let mut is_first = true;
        loop {
            let answer = self.send_once(line, path, is_first).await;
            is_first = false;
            if let Err(error) = &answer {
                damaged += u32::from(error.problem() == Some(ProblemKind::HashMismatch));
                if self.is_hopeless(error) || damaged == DAMAGED_MAX {
                    return Err(Hopeless(Chain(error).to_string()));
                }
            }
            match line.answer(answer).await {
                Ok(()) => return Ok(()),
                Err(Failed::Retry | Failed::HelloFirst) => {
                    line.pause(&mut backoff).await;
                }
            }
        }
    }

    async fn send_once(&self, line: &Line, path: &Path, is_first: bool) -> Result<(), CallError> {
        let coordinator = line.coordinator();
        let held = if is_first && self.size_bytes <= SMALL_BYTES {
            Held::Part(0)
        } else {
            coordinator.blob_head(self.output).await?
        };
        match held {
            Held::All => Ok(()),
            Held::Part(offset) => {
                coordinator
                    .blob_put(self.output, path, self.size_bytes, offset)
                    .await
            }
        }
    }

    fn is_hopeless(&self, error: &CallError) -> bool {
        let refused = [
            ProblemKind::TooLarge,
            ProblemKind::Invalid,
            ProblemKind::Forbidden,
        ];
        matches!(error, CallError::File(_))
            || error.problem().is_some_and(|kind| refused.contains(&kind))
    }
}
