//! How long to wait before trying again: exponential, with full jitter, so that everybody who lost
//! a coordinator at the same moment does not come back at the same moment.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::ApiError;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Something worked: the next failure is the first again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// One more failure; answers how long to wait. `random` is between 0 and 1.
    pub fn next_delay(&mut self, random: f64) -> Duration {
        let bound = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }

    /// Counts a failure and waits.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_delay(random())).await;
    }
}

/// For how long to bear a coordinator that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// So many failures in a row.
    Failures(u32),
    /// A job is being waited for, and so is its coordinator.
    Endless,
}

impl Patience {
    /// The same request is worth another attempt.
    pub fn bears(self, error: &ApiError, backoff: &Backoff) -> bool {
        error.is_transient()
            && match self {
                Self::Endless => true,
                Self::Failures(most) => backoff.failures() < most,
            }
    }

    /// Repeats a request that is harmless to repeat. It is told whether it was tried before.
    pub async fn repeat<T>(
        self,
        mut request: impl AsyncFnMut(bool) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut backoff = Backoff::default();
        loop {
            match request(backoff.failures() > 0).await {
                Err(error) if self.bears(&error, &backoff) => backoff.wait().await,
                result => return result,
            }
        }
    }
}

/// Between 0 and 1; the seeds of std's hash maps are random enough to spread clients.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_bound_and_start_again_after_a_success() {
        let mut backoff = Backoff::default();
        let delays: Vec<_> = (0..8).map(|_| backoff.next_delay(1.0)).collect();
        assert_eq!(delays[0], FIRST);
        assert!(delays.is_sorted());
        assert_eq!(delays[7], LONGEST);
        assert_eq!(backoff.failures(), 8);
        backoff.reset();
        assert_eq!(backoff.next_delay(1.0), FIRST);
    }

    #[test]
    fn jitter_spreads_over_the_whole_delay() {
        assert_eq!(Backoff::default().next_delay(0.0), Duration::ZERO);
        assert_eq!(Backoff::default().next_delay(0.5), FIRST / 2);
    }
}
