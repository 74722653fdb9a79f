//! The log of one attempt on its way to the coordinator: appended by offset, capped, resent until
//! acknowledged.

use pictor_protocol::agent::{AttemptRef, LogChunk};

/// A scene can print without end; nobody reads more than this of one frame.
const BYTES_MAX: u64 = 256 * 1024;
const CUT: &str = "\n[the rest of this log is cut]\n";

#[derive(Debug, Default)]
pub(super) struct AttemptLog {
    /// Offset of the first byte of `unsent` in the whole log.
    offset: u64,
    unsent: String,
    /// Bytes of `unsent` that the report in flight carries.
    in_flight: usize,
    is_cut: bool,
}

impl AttemptLog {
    pub(super) fn push(&mut self, text: &str) {
        if self.is_cut {
            return;
        }
        let room = BYTES_MAX.saturating_sub(self.offset + self.unsent.len() as u64);
        if text.len() as u64 <= room {
            self.unsent.push_str(text);
        } else {
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            self.unsent
                .push_str(&text[..text.floor_char_boundary(room)]);
            self.unsent.push_str(CUT);
            self.is_cut = true;
        }
    }

    /// The next piece, of at most `room` bytes; `None` when there is nothing to send.
    pub(super) fn take(&mut self, attempt: AttemptRef, room: usize) -> Option<LogChunk> {
        let end = self.unsent.floor_char_boundary(room.min(self.unsent.len()));
        (end > 0).then(|| {
            self.in_flight = end;
            LogChunk {
                attempt,
                offset: self.offset,
                text: self.unsent[..end].to_owned(),
            }
        })
    }

    pub(super) fn acknowledge(&mut self) {
        self.unsent.drain(..self.in_flight);
        self.offset += self.in_flight as u64;
        self.in_flight = 0;
    }

    pub(super) fn resend(&mut self) {
        self.in_flight = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::attempt;

    #[test]
    fn what_was_not_acknowledged_is_sent_again_with_what_came_since() {
        let mut log = AttemptLog::default();
        log.push("one ");
        assert_eq!(log.take(attempt(1), 99).unwrap().text, "one ");
        log.push("two ");
        log.resend();
        let again = log.take(attempt(1), 99).unwrap();
        assert_eq!((again.offset, again.text.as_str()), (0, "one two "));
        log.acknowledge();
        assert_eq!(log.take(attempt(1), 99), None);
        log.push("three");
        assert_eq!(log.take(attempt(1), 99).unwrap().offset, 8);
    }

    #[test]
    fn a_log_without_end_is_cut_once_and_says_so() {
        let mut log = AttemptLog::default();
        for _ in 0..40 {
            log.push(&"é".repeat(10_000));
        }
        let chunk = log.take(attempt(1), usize::MAX).unwrap();
        assert!(chunk.text.len() as u64 <= BYTES_MAX + CUT.len() as u64);
        assert_eq!(chunk.text.matches(CUT).count(), 1);
    }
}
