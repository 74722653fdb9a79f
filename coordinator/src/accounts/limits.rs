//! How often credentials may be tried: by one address of the network, and for one account. Pure but for the
//! lock; in memory, because a restarted coordinator need not remember who was impatient.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use pictor_protocol::UserId;

const SECOND_US: i64 = 1_000_000;
/// Addresses and accounts that are remembered at a time. Those that may try anyway are forgotten first.
const REMEMBERED_MAX: usize = 16_384;

/// Too many tries; the next one is taken after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tries; wait {retry_after_s} s")]
pub struct TooMany {
    pub retry_after_s: u64,
}

#[derive(Debug)]
pub struct Limits {
    peers: Mutex<Buckets<IpAddr>>,
    accounts: Mutex<Buckets<UserId>>,
}

impl Limits {
    /// So many tries a minute by each address and for each account; as many at once.
    pub fn new(tries_per_minute: u32) -> Self {
        Self {
            peers: Mutex::new(Buckets::new(tries_per_minute)),
            accounts: Mutex::new(Buckets::new(tries_per_minute)),
        }
    }

    pub fn by_peer(&self, peer: IpAddr, now_us: i64) -> Result<(), TooMany> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.take(network_of(peer), now_us)
    }

    /// For what a person does who is known already: nobody else can use an account's tries up.
    pub fn by_account(&self, user: UserId, now_us: i64) -> Result<(), TooMany> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.take(user, now_us)
    }
}

/// A customer of an IPv6 network has a whole /64 to try from.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

/// Tries that come back evenly. Of each key only the moment is kept when all its tries will be back (GCRA).
#[derive(Debug)]
struct Buckets<K> {
    whole_us: HashMap<K, i64>,
    burst: i64,
    interval_us: i64,
}

impl<K: Eq + Hash + Copy> Buckets<K> {
    fn new(per_minute: u32) -> Self {
        let burst = i64::from(per_minute.max(1));
        Self {
            whole_us: HashMap::new(),
            burst,
            interval_us: 60 * SECOND_US / burst,
        }
    }

    fn take(&mut self, key: K, now_us: i64) -> Result<(), TooMany> {
        let whole_us = self.whole_us.get(&key).map_or(now_us, |us| now_us.max(*us));
        let next_us = whole_us + self.interval_us;
        let early_us = next_us - now_us - self.burst * self.interval_us;
        if early_us > 0 {
            let retry_after_s = (early_us as u64).div_ceil(SECOND_US as u64);
            return Err(TooMany { retry_after_s });
        }
        if self.whole_us.len() >= REMEMBERED_MAX && !self.whole_us.contains_key(&key) {
            self.forget(now_us);
        }
        self.whole_us.insert(key, next_us);
        Ok(())
    }

    /// Makes room: whoever has all tries back, and if that is nobody, who has most of them.
    fn forget(&mut self, now_us: i64) {
        self.whole_us.retain(|_, whole_us| *whole_us > now_us);
        if self.whole_us.len() >= REMEMBERED_MAX {
            let most = self.whole_us.iter().min_by_key(|(_, whole_us)| **whole_us);
            if let Some(key) = most.map(|(key, _)| *key) {
                self.whole_us.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_tries_come_back_evenly() {
        let mut buckets = Buckets::new(6);
        for _ in 0..6 {
            assert_eq!(buckets.take(1, 0), Ok(()));
        }
        assert_eq!(buckets.take(1, 0), Err(TooMany { retry_after_s: 10 }));
        assert_eq!(buckets.take(2, 0), Ok(()), "another key has its own");
        assert_eq!(
            buckets.take(1, 9_999_999),
            Err(TooMany { retry_after_s: 1 })
        );
        assert_eq!(buckets.take(1, 10_000_000), Ok(()));
        assert!(buckets.take(1, 10_000_000).is_err());
    }

    #[test]
    fn a_refused_try_does_not_make_the_wait_longer() {
        let mut buckets = Buckets::new(1);
        buckets.take(1, 0).unwrap();
        for _ in 0..100 {
            assert_eq!(buckets.take(1, 0), Err(TooMany { retry_after_s: 60 }));
        }
        assert_eq!(buckets.take(1, 60 * SECOND_US), Ok(()));
    }

    #[test]
    fn however_many_come_only_so_many_are_remembered() {
        let mut buckets = Buckets::new(2);
        for _ in 0..2 {
            buckets.take(0, 0).unwrap();
        }
        for key in 1..=2 * REMEMBERED_MAX {
            buckets.take(key, 0).unwrap();
        }
        assert!(buckets.whole_us.len() <= REMEMBERED_MAX);
        assert!(buckets.take(0, 0).is_err(), "who tried most is remembered");
    }

    #[test]
    fn addresses_of_one_ipv6_customer_are_one() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_ne!(network("192.0.2.7"), network("192.0.2.8"));
    }
}
