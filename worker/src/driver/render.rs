//! What the driver needs of Blender. The product has one renderer; tests of the network have one that
//! is quick.

use std::path::PathBuf;
use std::sync::Arc;

use pictor_protocol::agent::{AttemptRef, Capability, RenderFault, RuntimeInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::challenge::Challenge;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Message;
use crate::agent::challenging::ChallengeOrder;
use crate::agent::{Event, Found, Order, ProbeOrder, SessionEvent, SessionId, SlotId};
use crate::gpu::{Loss, Watch};

pub trait Renderer: Send + Sync + 'static {
    /// Runs one Blender from its start to its end: carries out the orders one by one, says what
    /// happens, and comes back when nothing of it is left running. It ends by itself when Blender
    /// does, and at once when `stop` is cancelled.
    fn run(&self, task: SessionTask) -> impl Future<Output = SessionEnd> + Send;

    /// Finds out by real renders what a runtime can do on a slot, and logs what it cannot and why. `None` when
    /// it was stopped before it knew.
    fn probe(&self, task: ProbeTask) -> impl Future<Output = Option<Found>> + Send;

    /// Answers a presence challenge in a Blender of its own: gets ready, says so, waits until it is told what to
    /// render, and answers with the picture, or why there is none. Dropped, nothing of it is left running.
    fn answer(&self, task: ChallengeTask) -> impl Future<Output = Result<Vec<u8>, String>> + Send;

    /// Installs a Blender while others render; says what there is then, or why not, in words for people.
    /// `None` when it was stopped; nothing of it is left running.
    fn install(
        &self,
        series: Series,
        stop: CancellationToken,
    ) -> impl Future<Output = Option<Result<RuntimeInfo, String>>> + Send;
}

pub struct SessionTask {
    pub slot: SlotId,
    pub runtime: Series,
    /// What it can do on this slot.
    pub can: Vec<Capability>,
    /// Where pictures go; does not exist yet, and is removed after the session's end.
    pub dir: PathBuf,
    pub orders: mpsc::UnboundedReceiver<SessionOrder>,
    pub said: Said,
    pub stop: CancellationToken,
}

pub struct ProbeTask {
    pub slot: SlotId,
    pub order: ProbeOrder,
    /// For what is written meanwhile; exists.
    pub dir: PathBuf,
    pub stop: CancellationToken,
}

pub struct ChallengeTask {
    pub slot: SlotId,
    pub order: ChallengeOrder,
    /// For what is written meanwhile; exists.
    pub dir: PathBuf,
    /// Everything is there that does not depend on what is to be rendered.
    pub ready: oneshot::Sender<()>,
    /// What to render; dropped when that is never told.
    pub begins: oneshot::Receiver<Challenge>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SessionOrder {
    /// Answered by `Opened` or `OpenFailed`.
    Open { path: PathBuf, order: Arc<Order> },
    /// Answered by `Rendered` or `FrameFailed`.
    Render(Frame),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub attempt: AttemptRef,
    pub frame: i32,
    /// Where the picture has to be when it is rendered.
    pub path: PathBuf,
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionEnd {
    pub fault: RenderFault,
    pub message: String,
}

/// A session's voice.
#[derive(Clone)]
pub struct Said {
    slot: SlotId,
    session: SessionId,
    inbox: mpsc::Sender<Message>,
    gpus: Watch,
}

impl Said {
    pub(super) fn new(
        slot: SlotId,
        session: SessionId,
        inbox: mpsc::Sender<Message>,
        gpus: Watch,
    ) -> Self {
        Self {
            slot,
            session,
            inbox,
            gpus,
        }
    }

    /// A GPU that is gone is told before the failure that it caused, so that no frame is blamed for it.
    pub async fn event(&self, what: SessionEvent) {
        if may_be_the_gpu(&what)
            && let Some(loss) = self.gpus.is_lost(self.slot).await
        {
            self.inbox.send(Message::Event(loss.into())).await.ok();
        }
        let event = Event::Session {
            slot: self.slot,
            session: self.session,
            what,
        };
        self.inbox.send(Message::Event(event)).await.ok();
    }
}

/// Blender finds no device, dies, or hangs when its GPU goes away; some drivers call it lack of memory.
fn may_be_the_gpu(what: &SessionEvent) -> bool {
    match what {
        SessionEvent::OpenFailed { fault, .. }
        | SessionEvent::FrameFailed { fault, .. }
        | SessionEvent::Ended { fault, .. } => matches!(
            fault,
            RenderFault::DeviceMissing
                | RenderFault::Crashed
                | RenderFault::Hung
                | RenderFault::OutOfGpuMemory
        ),
        SessionEvent::Ready
        | SessionEvent::Opened
        | SessionEvent::Progressed { .. }
        | SessionEvent::Rendered { .. }
        | SessionEvent::Logged(_) => false,
    }
}

impl From<Loss> for Event {
    fn from(Loss { slot, error }: Loss) -> Self {
        let message = format!("{error}; remedy: {}", error.remedy());
        Self::GpuLost { slot, message }
    }
}
