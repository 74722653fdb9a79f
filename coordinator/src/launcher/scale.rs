//! How many workers there should be, from how much waits to be rendered.

use std::time::Duration;

use pictor_protocol::worker::Demand;

/// More workers are started when more frames than these wait for each slot: a container is up in seconds,
/// but a scene has to be fetched and opened before its first frame.
const QUEUED_PER_SLOT: u64 = 4;
/// Fewer are kept only when fewer would have done for so long: jobs come one after the other, and a
/// worker that stays has the scene and Blender open.
pub const LESS_AFTER: Duration = Duration::from_secs(300);

/// Follows the demand between two bounds. It grows at once and shrinks late, and there is room between the
/// two: it grows when there are more than [`QUEUED_PER_SLOT`] frames for a slot, and shrinks only when
/// there is less than one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    least: usize,
    most: usize,
    wanted: usize,
    /// Since when fewer would have done, and the most that were needed in that time.
    less: Option<(Duration, usize)>,
}

impl Scale {
    pub fn new(least: usize, most: usize) -> Self {
        Self {
            least,
            most,
            wanted: least,
            less: None,
        }
    }

    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// So many run already, as when a launcher comes back: they count as wanted until proven idle.
    pub fn adopt(&mut self, running: usize) {
        self.wanted = self.wanted.max(running).min(self.most);
    }

    /// `ours_online` of the network's slots are this launcher's.
    pub fn follow(&mut self, demand: &Demand, ours_online: usize, now: Duration) {
        let others = (demand.slots_online as usize).saturating_sub(ours_online);
        let bounded = |slots: u64| {
            let slots = usize::try_from(slots).unwrap_or(usize::MAX);
            slots.saturating_sub(others).clamp(self.least, self.most)
        };
        let at_least = bounded(demand.queued.div_ceil(QUEUED_PER_SLOT));
        let at_most = bounded(demand.queued.saturating_add(demand.leased));
        if at_least > self.wanted {
            self.wanted = at_least;
        }
        if at_most >= self.wanted {
            self.less = None;
            return;
        }
        let (since, needed) = self.less.unwrap_or((now, at_most));
        let needed = needed.max(at_most);
        self.less = Some((since, needed));
        if now.saturating_sub(since) >= LESS_AFTER {
            self.wanted = needed;
            self.less = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn demand(queued: u64, leased: u64, slots_online: u64) -> Demand {
        Demand {
            queued,
            leased,
            slots_online,
        }
    }

    #[test]
    fn it_grows_at_once_and_shrinks_after_a_while() {
        let mut scale = Scale::new(0, 8);
        scale.follow(&demand(17, 0, 0), 0, MINUTE);
        assert_eq!(scale.wanted(), 5);
        for minutes in 2..7 {
            scale.follow(&demand(0, 2, 5), 5, MINUTE * minutes);
            assert_eq!(scale.wanted(), 5, "after {minutes} minutes");
        }
        scale.follow(&demand(0, 1, 5), 5, MINUTE * 7);
        assert_eq!(scale.wanted(), 2, "two were rendering in the meantime");
    }

    #[test]
    fn a_single_frame_starts_a_worker_and_none_lets_the_last_one_go() {
        let mut scale = Scale::new(0, 2);
        scale.follow(&demand(1, 0, 0), 0, Duration::ZERO);
        assert_eq!(scale.wanted(), 1);
        scale.follow(&demand(0, 0, 1), 1, MINUTE);
        scale.follow(&demand(0, 0, 1), 1, MINUTE * 6);
        assert_eq!(scale.wanted(), 0);
    }

    #[test]
    fn the_slots_of_other_workers_count() {
        let mut scale = Scale::new(0, 8);
        scale.follow(&demand(40, 0, 9), 0, Duration::ZERO);
        assert_eq!(scale.wanted(), 1);
    }

    #[test]
    fn between_much_and_little_nothing_changes() {
        let mut scale = Scale::new(0, 8);
        scale.adopt(4);
        for minutes in 0..60 {
            scale.follow(
                &demand(u64::from(minutes % 12) + 4, 0, 4),
                4,
                MINUTE * minutes,
            );
            assert_eq!(scale.wanted(), 4);
        }
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(
            least in 0usize..5, more in 0usize..5,
            seen in prop::collection::vec((0u64..u64::MAX, 0u64..100, 0u64..20, 0usize..20), 1..50),
        ) {
            let mut scale = Scale::new(least, least + more);
            let mut now = Duration::ZERO;
            for (queued, leased, slots, ours) in seen {
                now += MINUTE;
                scale.follow(&demand(queued, leased, slots), ours, now);
                prop_assert!((least..=least + more).contains(&scale.wanted()));
            }
        }
    }
}
