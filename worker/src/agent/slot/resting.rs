//! A Blender without work only holds memory: when it is ended, and when one is started ahead of work.

use std::time::Duration;

use super::{Doing, Session, Slot};

impl Slot {
    /// A Blender is started before there is work: not where one without work was ended, or would be at once.
    /// One that failed has to show first that it starts, as no work is asked for before.
    pub(in crate::agent) fn starts_ahead(&self, now: Duration, idle_blender: Duration) -> bool {
        let since = self.idle_since.unwrap_or(now);
        self.failures > 0 || now < since.saturating_add(idle_blender)
    }

    pub(super) fn note_idleness(&mut self, now: Duration, has_work: bool) {
        let is_busy = match &self.session {
            Session::Live { doing, .. } => matches!(doing, Doing::Opening(_) | Doing::Rendering(_)),
            Session::Off | Session::Dying { .. } => false,
        };
        self.idle_since = if has_work || is_busy {
            None
        } else {
            self.idle_since.or(Some(now))
        };
    }

    /// When a Blender without work has to go. One that still starts is let come up first.
    pub(in crate::agent) fn rest_at(&self, idle_blender: Duration) -> Option<Duration> {
        match &self.session {
            Session::Live {
                doing: Doing::Idle | Doing::Open(_),
                ..
            } => Some(self.idle_since?.saturating_add(idle_blender)),
            Session::Live { .. } | Session::Dying { .. } | Session::Off => None,
        }
    }

    /// The time without work counts from now: before, there was nothing that could have worked.
    pub(in crate::agent) fn can_work_now(&mut self) {
        self.idle_since = None;
    }
}
