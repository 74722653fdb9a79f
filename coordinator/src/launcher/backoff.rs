//! How long to wait before the next try: full jitter under a ceiling that doubles, so that many containers
//! which fell to the same cause do not come back in the same second.

use std::time::Duration;

pub const FIRST: Duration = Duration::from_secs(1);
pub const MOST: Duration = Duration::from_secs(300);

/// The wait after so many failures in a row, at least one; `random` is uniform in 0..1.
pub fn delay(failures: u32, random: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(9);
    let ceiling = FIRST.saturating_mul(1 << doublings).min(MOST);
    ceiling.mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_from_one_second_to_five_minutes() {
        let waits: Vec<_> = (1..=11).map(|n| delay(n, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(delay(u32::MAX, 1.0), MOST);
    }

    #[test]
    fn every_wait_below_the_ceiling_is_as_likely() {
        assert_eq!(delay(5, 0.25), Duration::from_secs(4));
        assert_eq!(delay(5, 0.0), Duration::ZERO);
    }
}
