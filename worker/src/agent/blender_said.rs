//! What a slot's Blender says to the agent. Everything here is fenced by the session's id: a killed
//! Blender may still be heard, and nothing it says counts.

use std::time::Duration;

use pictor_protocol::agent::{AttemptRef, Grant, RenderFault};
use pictor_protocol::blender::Series;

use super::delivery::Delivery;
use super::effect::{Effect, FrameFate, Notice, Order, Picture};
use super::outbox::End;
use super::slot::{Doing, Rendering, Session};
use super::{Agent, SessionEvent, SessionId, SlotId};

impl Agent {
    pub(super) fn blender_said(
        &mut self,
        now: Duration,
        slot: SlotId,
        session: SessionId,
        what: SessionEvent,
    ) {
        if usize::from(slot) >= self.slots.len() {
            return;
        }
        match what {
            SessionEvent::Ready => self.session_ready(slot, session),
            SessionEvent::Opened => self.session_opened(slot, session),
            SessionEvent::OpenFailed { fault, message } => {
                self.open_failed(slot, session, fault, &message);
            }
            SessionEvent::Progressed { fraction } => {
                if let Some(Doing::Rendering(rendering)) = self.doing(slot, session) {
                    rendering.fraction = fraction.clamp(0.0, 1.0);
                }
            }
            SessionEvent::Rendered {
                render_ms,
                memory_bytes,
                energy_millijoules,
            } => {
                if let Some(rendering) = self.frame_over(slot, session) {
                    let took = now.saturating_sub(rendering.since);
                    self.slots[usize::from(slot)].measured(rendering.order.job, took);
                    self.rendered(Picture {
                        session,
                        grant: rendering.grant,
                        format: rendering.order.plan.format,
                        render_ms,
                        memory_bytes,
                        energy_millijoules,
                    });
                }
            }
            SessionEvent::FrameFailed { fault, message } => {
                if let Some(rendering) = self.frame_over(slot, session) {
                    self.fail(rendering.grant, fault, message);
                }
            }
            SessionEvent::Logged(text) => self.logged(slot, session, &text),
            SessionEvent::Ended { fault, message } => {
                self.ended(now, slot, session, fault, message);
            }
        }
    }

    fn doing(&mut self, slot: SlotId, session: SessionId) -> Option<&mut Doing> {
        self.slots[usize::from(slot)].doing(session)
    }

    fn session_ready(&mut self, slot: SlotId, session: SessionId) {
        if let Some(doing @ Doing::Starting) = self.doing(slot, session) {
            *doing = Doing::Idle;
            self.slots[usize::from(slot)].started_well();
        }
    }

    fn session_opened(&mut self, slot: SlotId, session: SessionId) {
        if let Some(doing) = self.doing(slot, session)
            && let Doing::Opening(order) = doing
        {
            *doing = Doing::Open(order.clone());
        }
    }

    /// The scene is at fault, so every waiting frame of it would fail alike.
    fn open_failed(&mut self, slot: SlotId, session: SessionId, fault: RenderFault, message: &str) {
        let Some(doing) = self.doing(slot, session) else {
            return;
        };
        if let Doing::Opening(order) = doing {
            let order = order.clone();
            *doing = Doing::Idle;
            self.fail_all(slot, &order, fault, message);
        }
    }

    fn fail_all(&mut self, slot: SlotId, order: &Order, fault: RenderFault, message: &str) {
        let slot = &mut self.slots[usize::from(slot)];
        let log = slot.take_prelude();
        let grants = slot.remove_all(|queued| queued.opens_like(order));
        for grant in grants {
            self.write_log(grant.attempt, &log);
            self.fail(grant, fault, message.to_owned());
        }
    }

    /// The session keeps its scene and is free for the next frame.
    fn frame_over(&mut self, slot: SlotId, session: SessionId) -> Option<Rendering> {
        let doing = self.doing(slot, session)?;
        let Doing::Rendering(rendering) = doing else {
            return None;
        };
        let open = Doing::Open(rendering.order.clone());
        match std::mem::replace(doing, open) {
            Doing::Rendering(rendering) => Some(rendering),
            Doing::Starting | Doing::Idle | Doing::Opening(_) | Doing::Open(_) => None,
        }
    }

    fn rendered(&mut self, picture: Picture) {
        self.deliveries
            .insert(picture.grant.attempt, Delivery::of(&picture));
        self.effects.push(Effect::Store(picture));
    }

    fn logged(&mut self, slot: SlotId, session: SessionId, text: &str) {
        let slot = &mut self.slots[usize::from(slot)];
        match slot.doing(session) {
            Some(Doing::Rendering(rendering)) => {
                let attempt = rendering.grant.attempt;
                let before = slot.take_prelude();
                self.write_log(attempt, &before);
                self.write_log(attempt, text);
            }
            Some(Doing::Starting | Doing::Idle | Doing::Opening(_) | Doing::Open(_)) => {
                slot.note(text);
            }
            None => {}
        }
    }

    fn write_log(&mut self, attempt: AttemptRef, text: &str) {
        if !text.is_empty() {
            self.outbox.log(attempt, text);
        }
    }

    /// The process is gone: as ordered, or by itself, which costs what it was doing and no more.
    fn ended(
        &mut self,
        now: Duration,
        slot: SlotId,
        session: SessionId,
        fault: RenderFault,
        message: String,
    ) {
        let id = slot;
        let slot = &mut self.slots[usize::from(id)];
        match &slot.session {
            Session::Live { id, .. } if *id == session => {}
            Session::Dying { id } if *id == session => {
                slot.session = Session::Off;
                return;
            }
            Session::Live { .. } | Session::Dying { .. } | Session::Off => return,
        }
        let before = std::mem::replace(&mut slot.session, Session::Off);
        let Session::Live { runtime, doing, .. } = before else {
            return;
        };
        match doing {
            Doing::Rendering(rendering) => self.fail(rendering.grant, fault, message),
            Doing::Opening(order) => self.fail_all(id, &order, fault, &message),
            Doing::Starting => self.start_failed(now, id, runtime, fault, message),
            Doing::Idle | Doing::Open(_) => self.session_failed(now, id, None, message),
        }
    }

    /// A task that waits for this runtime is given up, so that a worker on which it never starts does
    /// not sit on a lease for ever.
    fn start_failed(
        &mut self,
        now: Duration,
        slot: SlotId,
        runtime: Series,
        fault: RenderFault,
        message: String,
    ) {
        let waiting = self.slots[usize::from(slot)].give_up_next(runtime);
        let ahead = waiting.is_none().then_some(runtime);
        self.session_failed(now, slot, ahead, message.clone());
        if let Some(grant) = waiting {
            let log = self.slots[usize::from(slot)].take_prelude();
            self.write_log(grant.attempt, &log);
            self.fail(grant, fault, message);
        }
    }

    fn session_failed(
        &mut self,
        now: Duration,
        slot: SlotId,
        broken: Option<Series>,
        message: String,
    ) {
        let failed = &mut self.slots[usize::from(slot)];
        let retry_in = failed.died_idle(now, broken);
        self.tell(Notice::SessionFailed {
            slot,
            message,
            retry_in,
        });
    }

    pub(super) fn fail(&mut self, grant: Grant, fault: RenderFault, message: String) {
        let Grant { attempt, frame } = grant;
        let fate = FrameFate::Failed {
            fault,
            message: message.clone(),
        };
        self.tell(Notice::Frame {
            attempt,
            frame,
            fate,
        });
        self.outbox
            .end(attempt, Some(frame), End::Failed { fault, message });
    }
}
