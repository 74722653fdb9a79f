//! When a Blender that says nothing is given up. Pure: time and usage are passed in.
//!
//! Blender is silent while it builds a BVH, compiles kernels for a new GPU or denoises, for minutes on
//! a large scene; but it computes. So silence alone is judged by `busy`, and only a process that is
//! silent *and* idle by the much shorter `still`.

use std::time::{Duration, Instant};

use super::processes::Usage;

/// How long Blender may be silent while it owes an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the start of the process to its first word.
    pub start: Duration,
    /// Silent, and no processor time used.
    pub still: Duration,
    /// Silent, though it computes.
    pub busy: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            // A cold 1 GB runtime on a slow disk: 20 s were seen.
            start: Duration::from_secs(120),
            still: Duration::from_secs(180),
            busy: Duration::from_secs(30 * 60),
        }
    }
}

/// Why Blender has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Silent(Duration),
    Memory { used_bytes: u64, limit_bytes: u64 },
}

#[derive(Debug)]
pub struct Watch {
    patience: Patience,
    memory_limit_bytes: Option<u64>,
    heard_at: Instant,
    moved_at: Instant,
    cpu_ticks: u64,
}

impl Watch {
    pub fn new(patience: Patience, memory_limit_bytes: Option<u64>, now: Instant) -> Self {
        Self {
            patience,
            memory_limit_bytes,
            heard_at: now,
            moved_at: now,
            cpu_ticks: 0,
        }
    }

    /// Blender said or printed something, or was asked for something while it had nothing to do.
    pub fn hear(&mut self, now: Instant) {
        self.heard_at = now;
        self.moved_at = now;
    }

    pub fn look(&mut self, usage: Usage, now: Instant) -> Result<(), Trouble> {
        if let Some(limit_bytes) = self.memory_limit_bytes
            && usage.memory_bytes > limit_bytes
        {
            return Err(Trouble::Memory {
                used_bytes: usage.memory_bytes,
                limit_bytes,
            });
        }
        if usage.cpu_ticks > self.cpu_ticks {
            self.moved_at = now;
        }
        self.cpu_ticks = usage.cpu_ticks;
        let silent = now.duration_since(self.heard_at);
        let still = now.duration_since(self.moved_at);
        if still > self.patience.still || silent > self.patience.busy {
            return Err(Trouble::Silent(silent));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        start: Duration::from_secs(1),
        still: Duration::from_secs(10),
        busy: Duration::from_secs(100),
    };

    #[test]
    fn silence_without_work_is_given_up_early() {
        let (mut watch, start) = watch(None);
        assert_eq!(watch.look(usage(0, 5), after(start, 1)), Ok(()));
        assert_eq!(watch.look(usage(0, 5), after(start, 11)), Ok(()));
        let silent = Trouble::Silent(Duration::from_secs(12));
        assert_eq!(watch.look(usage(0, 5), after(start, 12)), Err(silent));
    }

    #[test]
    fn silence_with_work_is_given_up_late() {
        let (mut watch, start) = watch(None);
        for second in 1..=100 {
            assert_eq!(
                watch.look(usage(0, second), after(start, second)),
                Ok(()),
                "after {second} s"
            );
        }
        assert!(watch.look(usage(0, 101), after(start, 101)).is_err());
    }

    #[test]
    fn a_word_starts_the_patience_anew() {
        let (mut watch, start) = watch(None);
        watch.hear(after(start, 9));
        assert_eq!(watch.look(usage(0, 0), after(start, 18)), Ok(()));
    }

    #[test]
    fn too_much_memory_is_trouble_at_once() {
        let (mut watch, start) = watch(Some(100));
        assert_eq!(watch.look(usage(100, 0), start), Ok(()));
        let memory = Trouble::Memory {
            used_bytes: 101,
            limit_bytes: 100,
        };
        assert_eq!(watch.look(usage(101, 0), start), Err(memory));
    }

    fn watch(memory_limit_bytes: Option<u64>) -> (Watch, Instant) {
        let start = Instant::now();
        (Watch::new(PATIENCE, memory_limit_bytes, start), start)
    }

    fn usage(memory_bytes: u64, cpu_ticks: u64) -> Usage {
        Usage {
            memory_bytes,
            cpu_ticks,
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }
}
