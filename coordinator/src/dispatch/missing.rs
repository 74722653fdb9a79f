//! Which Blender is missing for what waits, and which worker installs it.
//!
//! Pure, and the same on every coordinator: of one database it follows who is asked, so that nobody needs to
//! remember whom they asked. A worker that was asked says hello at once, and from then on it is the one.

use std::cmp::Reverse;

use pictor_protocol::WorkerId;
use pictor_protocol::blender::{BlenderWanted, Series};

use super::decide;

/// A worker is not asked again for what it failed to install before so much time has passed: disks and package
/// indexes mend themselves, but not in a minute, and a try may cost it 350 MB.
const AGAIN_AFTER_US: i64 = 3_600 * 1_000_000;

/// What a job with queued frames can be rendered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The series that rendered its first frames; no other renders the rest.
    pub runtime: Option<Series>,
    pub wanted: BlenderWanted,
    pub file: Series,
}

impl Need {
    /// The best of these, if any does.
    pub fn pick(&self, series: &[Series]) -> Option<Series> {
        match self.runtime {
            Some(runtime) => series.contains(&runtime).then_some(runtime),
            None => decide::pick_runtime(self.wanted, self.file, series),
        }
    }
}

/// A worker that is online, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub struct Installer {
    pub worker: WorkerId,
    pub slots: usize,
    pub installed: Vec<Series>,
    /// What its owner lets it install.
    pub installable: Vec<Series>,
    pub running: Vec<Series>,
    pub failed: Vec<FailedInstall>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FailedInstall {
    pub series: Series,
    pub at_us: i64,
    /// In the worker's words.
    pub message: String,
}

impl Installer {
    fn may(&self, series: Series, now_us: i64) -> bool {
        let is_fresh = |failed: &FailedInstall| {
            failed.series == series && now_us - failed.at_us < AGAIN_AFTER_US
        };
        self.installable.contains(&series) && !self.failed.iter().any(is_fresh)
    }
}

/// A worker that installs a series, or is to be asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    pub series: Series,
    pub worker: WorkerId,
    pub is_running: bool,
}

/// Who installs what this job waits for; nobody where an online worker has it, or none can be asked.
pub fn installation(need: &Need, workers: &[Installer], now_us: i64) -> Option<Installation> {
    let all = |of: fn(&Installer) -> &Vec<Series>| -> Vec<Series> {
        workers.iter().flat_map(of).copied().collect()
    };
    if need.pick(&all(|worker| &worker.installed)).is_some() {
        return None;
    }
    let askable = workers.iter().flat_map(|worker| {
        let series = worker.installable.iter().copied();
        series.filter(|series| worker.may(*series, now_us))
    });
    let mut possible = all(|worker| &worker.running);
    possible.extend(askable);
    let series = need.pick(&possible)?;
    let runs = |worker: &&Installer| worker.running.contains(&series);
    if let Some(Installer { worker, .. }) = workers.iter().find(runs) {
        return Some(Installation {
            series,
            worker: *worker,
            is_running: true,
        });
    }
    // Installations of one worker run one after the other; the one with the most slots has the most use of it.
    let best = workers
        .iter()
        .filter(|worker| worker.may(series, now_us))
        .min_by_key(|it| (it.running.len(), Reverse(it.slots), it.worker))?;
    Some(Installation {
        series,
        worker: best.worker,
        is_running: false,
    })
}

/// Everything that is installed or to be asked for, each series once.
pub fn installations(needs: &[Need], workers: &[Installer], now_us: i64) -> Vec<Installation> {
    let mut all: Vec<Installation> = Vec::new();
    for need in needs {
        if let Some(found) = installation(need, workers, now_us)
            && !all.iter().any(|it| it.series == found.series)
        {
            all.push(found);
        }
    }
    all
}

/// The latest failure of those that keep a job from being rendered, and whose it is.
pub fn obstacle<'a>(
    need: &Need,
    workers: &'a [Installer],
) -> Option<(WorkerId, &'a FailedInstall)> {
    let failed = workers
        .iter()
        .flat_map(|it| it.failed.iter().map(move |failed| (it.worker, failed)));
    failed
        .filter(|(_, failed)| need.pick(&[failed.series]).is_some())
        .max_by_key(|(_, failed)| failed.at_us)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const OLD: Series = Series::new(4, 2);
    const MIDDLE: Series = Series::new(4, 5);
    const NEW: Series = Series::new(5, 0);

    #[test]
    fn nobody_is_asked_for_what_an_online_worker_has() {
        let has = Installer {
            installed: vec![OLD],
            ..installer(2)
        };
        assert_eq!(installation(&pinned(OLD), &[installer(1), has], 0), None);
    }

    #[test]
    fn the_worker_with_the_most_slots_is_asked() {
        let large = Installer {
            slots: 4,
            ..installer(2)
        };
        let workers = [installer(1), large, installer(3)];
        let asked = installation(&pinned(OLD), &workers, 0);
        assert_eq!(asked, Some(asks(OLD, 2)));
    }

    #[test]
    fn a_worker_that_installs_already_is_asked_last() {
        let busy = Installer {
            slots: 4,
            running: vec![NEW],
            ..installer(1)
        };
        let asked = installation(&pinned(OLD), &[busy, installer(2)], 0);
        assert_eq!(asked, Some(asks(OLD, 2)));
    }

    #[test]
    fn while_one_installs_it_nobody_else_is_asked() {
        let running = Installer {
            running: vec![OLD],
            // What runs is no longer offered by every worker.
            installable: Vec::new(),
            ..installer(2)
        };
        let found = installation(&pinned(OLD), &[installer(1), running], 0).unwrap();
        assert_eq!((found.worker, found.is_running), (id(2), true));
    }

    #[test]
    fn after_a_failure_another_is_asked_and_the_same_only_after_an_hour() {
        let failed = failing(1, OLD, 1_000);
        let workers = [failed.clone(), installer(2)];
        let asked = installation(&pinned(OLD), &workers, 2_000);
        assert_eq!(asked, Some(asks(OLD, 2)));
        let alone = [failed];
        let ask = |now_us| installation(&pinned(OLD), &alone, now_us);
        assert_eq!(ask(1_000 + AGAIN_AFTER_US - 1), None);
        assert_eq!(ask(1_000 + AGAIN_AFTER_US), Some(asks(OLD, 1)));
        assert_eq!(
            installation(&pinned(NEW), &alone, 2_000),
            Some(asks(NEW, 1)),
            "another series is another matter"
        );
    }

    #[test]
    fn a_job_that_leaves_it_open_gets_the_lowest_series_that_opens_its_file() {
        let auto = |file| Need {
            runtime: None,
            wanted: BlenderWanted::Auto,
            file,
        };
        let asked = |file| installation(&auto(file), &[installer(1)], 0);
        assert_eq!(asked(Series::new(4, 3)), Some(asks(MIDDLE, 1)));
        assert_eq!(asked(Series::new(5, 1)), None);
    }

    #[test]
    fn a_job_that_has_begun_waits_for_its_own_series() {
        let begun = Need {
            runtime: Some(OLD),
            wanted: BlenderWanted::Auto,
            file: OLD,
        };
        let newer = Installer {
            installed: vec![MIDDLE],
            ..installer(1)
        };
        assert_eq!(installation(&begun, &[newer], 0), Some(asks(OLD, 1)));
    }

    #[test]
    fn the_obstacle_is_the_latest_failure_that_matters() {
        let workers = [
            failing(1, OLD, 10),
            failing(2, OLD, 20),
            failing(3, NEW, 30),
        ];
        let (worker, failed) = obstacle(&pinned(OLD), &workers).unwrap();
        assert_eq!((worker, failed.at_us), (id(2), 20));
        assert!(obstacle(&pinned(MIDDLE), &workers).is_none());
    }

    proptest! {
        #[test]
        fn each_series_has_one_installer_who_may_and_nobody_has_it(
            workers in prop::collection::vec(any_installer(), 0..5),
            wanted in prop::collection::vec(any_series(), 0..4),
            now_us in 0..2 * AGAIN_AFTER_US,
        ) {
            let workers: Vec<_> = (1..).zip(workers).map(|(n, it)| Installer { worker: id(n), ..it }).collect();
            let needs: Vec<_> = wanted.into_iter().map(pinned).collect();
            let all = installations(&needs, &workers, now_us);
            for (n, one) in all.iter().enumerate() {
                prop_assert!(!all[..n].iter().any(|other| other.series == one.series));
                prop_assert!(!workers.iter().any(|it| it.installed.contains(&one.series)));
                let who = workers.iter().find(|it| it.worker == one.worker).unwrap();
                prop_assert_eq!(who.running.contains(&one.series), one.is_running);
                prop_assert!(one.is_running || who.may(one.series, now_us));
            }
        }
    }

    fn any_series() -> impl Strategy<Value = Series> {
        prop::sample::select(vec![OLD, MIDDLE, NEW])
    }

    fn any_installer() -> impl Strategy<Value = Installer> {
        let some = || prop::collection::vec(any_series(), 0..3);
        let failed = prop::option::of((any_series(), 0..AGAIN_AFTER_US));
        (some(), some(), some(), failed, 1..4usize).prop_map(
            |(installed, installable, running, failed, slots)| Installer {
                slots,
                installed,
                installable,
                running,
                failed: failed
                    .map(|(series, at_us)| failure(series, at_us))
                    .into_iter()
                    .collect(),
                ..installer(0)
            },
        )
    }

    fn id(n: u128) -> WorkerId {
        WorkerId::new(Uuid::from_u128(n))
    }

    fn installer(n: u128) -> Installer {
        Installer {
            worker: id(n),
            slots: 1,
            installed: Vec::new(),
            installable: vec![OLD, MIDDLE, NEW],
            running: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn failing(n: u128, series: Series, at_us: i64) -> Installer {
        Installer {
            failed: vec![failure(series, at_us)],
            ..installer(n)
        }
    }

    fn failure(series: Series, at_us: i64) -> FailedInstall {
        FailedInstall {
            series,
            at_us,
            message: "the disk is full".into(),
        }
    }

    fn pinned(series: Series) -> Need {
        Need {
            runtime: None,
            wanted: BlenderWanted::Pinned(series),
            file: OLD,
        }
    }

    fn asks(series: Series, worker: u128) -> Installation {
        Installation {
            series,
            worker: id(worker),
            is_running: false,
        }
    }
}
