//! How long to wait before the next try: full jitter under a ceiling that doubles, so that a thousand
//! workers which lost the same coordinator do not come back in the same second.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure; `random` is uniform in 0..1.
    pub fn next(&mut self, random: f64) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(9)).min(MOST);
        self.failures += 1;
        ceiling.mul_f64(random.clamp(0.0, 1.0))
    }

    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_from_one_second_to_five_minutes() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        backoff.reset();
        assert_eq!(backoff.next(1.0), FIRST);
    }

    #[test]
    fn every_wait_below_the_ceiling_is_as_likely() {
        let mut backoff = Backoff { failures: 4 };
        assert_eq!(backoff.next(0.25), Duration::from_secs(4));
        assert_eq!(backoff.next(0.0), Duration::ZERO);
    }
}
