//! What Blender printed, with a bound: the oldest goes first. Offsets count from the first byte ever
//! printed, so a reader notices when it was too slow.

use std::collections::VecDeque;

/// A frame of a chatty scene prints some 10 KiB; this keeps the last two dozen.
const CAPACITY: usize = 256 * 1024;

#[derive(Debug, Default)]
pub struct Log {
    bytes: VecDeque<u8>,
    dropped: u64,
}

/// A piece of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// Where it begins; later than what was asked for when that is no longer kept.
    pub offset: u64,
    pub text: String,
}

impl Log {
    /// Where the next byte will stand.
    pub fn end(&self) -> u64 {
        self.dropped + self.bytes.len() as u64
    }

    /// Everything kept from an offset on.
    pub fn since(&self, offset: u64) -> LogChunk {
        let offset = offset.clamp(self.dropped, self.end());
        let skip = (offset - self.dropped) as usize;
        let bytes: Vec<u8> = self.bytes.range(skip..).copied().collect();
        LogChunk {
            offset,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// The last bytes, for an error message.
    pub fn tail(&self, bytes: u64) -> String {
        self.since(self.end().saturating_sub(bytes)).text
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let excess = self.bytes.len().saturating_sub(CAPACITY);
        self.bytes.drain(..excess);
        self.dropped += excess as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_offsets_stay() {
        let mut log = Log::default();
        log.push(b"first\n");
        log.push(&vec![b'x'; CAPACITY]);
        log.push(b"last\n");
        assert_eq!(log.end(), CAPACITY as u64 + 11);
        assert_eq!(log.tail(5), "last\n");
        let all = log.since(0);
        assert_eq!(all.offset, 11);
        assert_eq!(all.text.len(), CAPACITY);
        assert_eq!(log.since(u64::MAX).text, "");
    }
}
