//! One presence challenge from the order to the answer: Blender gets ready, the coordinator says what to render
//! when the challenge begins, and gets the picture. Dropped at any await it is given up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pictor_protocol::challenge::{BeginChallenge, Challenge};
use pictor_protocol::problem::ProblemKind;
use tokio::sync::oneshot;

use super::line::Line;
use super::{ChallengeTask, Renderer};
use crate::agent::challenging::{ChallengeEnd, ChallengeOrder};
use crate::agent::{Event, SlotId};
use crate::backoff::Backoff;
use crate::coordinator::CallError;
use crate::errors::Chain;

/// What does not get through is sent again so often; after that it is too late anyway.
const TRIES: u32 = 4;

pub(super) async fn answer<R: Renderer>(line: Line, renderer: Arc<R>, prepared: Prepared) {
    let (slot, challenge) = (prepared.task.slot, prepared.task.order.challenge);
    let end = prepared.run(&line, &*renderer).await;
    line.tell(Event::ChallengeOver {
        slot,
        challenge,
        end,
    })
    .await;
}

/// A task for the renderer, and the other ends of what it waits for and says.
pub(super) struct Prepared {
    pub(super) task: ChallengeTask,
    is_ready: oneshot::Receiver<()>,
    what: oneshot::Sender<Challenge>,
}

impl Prepared {
    pub(super) fn new(slot: SlotId, order: ChallengeOrder, dir: PathBuf) -> Self {
        let (ready, is_ready) = oneshot::channel();
        let (what, begins) = oneshot::channel();
        let task = ChallengeTask {
            slot,
            order,
            dir,
            ready,
            begins,
        };
        Self {
            task,
            is_ready,
            what,
        }
    }

    async fn run<R: Renderer>(self, line: &Line, renderer: &R) -> ChallengeEnd {
        let challenge = self.task.order.challenge;
        let begin = async {
            // A renderer that does not get ready says why itself.
            if self.is_ready.await.is_err() {
                return Ok::<(), String>(());
            }
            let begin = BeginChallenge {
                instance: line.instance(),
            };
            let begun = tried(line, || {
                line.coordinator().begin_challenge(challenge, &begin)
            });
            self.what.send(begun.await?).ok();
            Ok(())
        };
        let (picture, begun) = tokio::join!(renderer.answer(self.task), begin);
        begun?;
        let picture: Bytes = picture?.into();
        let answer = || line.coordinator().answer_challenge(challenge, &picture);
        let received = tried(line, answer).await?;
        Ok(Duration::from_millis(received.took_ms.max(0) as u64))
    }
}

/// Calls until there is an answer or a refusal. A coordinator that is started anew in between knows the challenge.
async fn tried<T, F>(line: &Line, call: impl Fn() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut backoff = Backoff::default();
    let mut tries = 1;
    loop {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let may_heal = error.is_outage() || error.problem() == Some(ProblemKind::Internal);
        if !may_heal || tries == TRIES {
            return Err(Chain(&error).to_string());
        }
        tries += 1;
        line.pause(&mut backoff).await;
    }
}
