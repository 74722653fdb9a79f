//! Which job a free slot works on, with which runtime, and how many frames it is given.
//!
//! Pure: everything it needs to know is in its arguments.

use std::collections::HashMap;
use std::time::Duration;

use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::settings::Engine;
use pictor_protocol::{BlobHash, JobId, UserId};

use super::ability::Ability;

/// A lease should keep its slot busy for this long: long enough that asking for work costs nothing,
/// short enough that a lost worker costs little.
pub const LEASE_TARGET: Duration = Duration::from_secs(30);
/// Most frames in one lease, so that its answer and its renewals stay small.
pub const LEASE_FRAMES_MAX: u32 = 200;

/// The slot that asks.
#[derive(Debug, Clone)]
pub struct Slot {
    pub runtimes: Vec<Series>,
    pub ability: Ability,
    /// Scene that it has open.
    pub open: Option<BlobHash>,
    /// Scenes in its worker's cache.
    pub cached: Vec<BlobHash>,
}

impl Slot {
    /// Whether it can render with this engine in this series, as far as anybody knows.
    pub fn can_render(&self, runtime: Series, engine: Option<Engine>) -> bool {
        self.runtimes.contains(&runtime) && self.ability.can_render(runtime, engine)
    }
}

/// A job that may have something for it.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub job: JobId,
    pub owner: UserId,
    pub priority: u8,
    pub content: BlobHash,
    /// `None` for an add-on's.
    pub engine: Option<Engine>,
    /// The series that renders it, throughout: the one that rendered its first frames, else the one that
    /// [`pick_runtime`] finds among all workers online that can render the job.
    pub runtime: Option<Series>,
    pub queued: u32,
    /// Slots that may take frames of this job now, this one included.
    pub slots: u32,
    /// What a frame should take on this slot: see [`pace::expected_ms`](super::pace::expected_ms).
    pub frame_ms: Option<i64>,
    /// This worker failed a frame of the job.
    pub failed_here: bool,
    /// Another worker is online that could render the job and has not failed it.
    pub better_elsewhere: bool,
}

/// What a slot is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    pub job: JobId,
    pub runtime: Series,
    pub frames: u32,
}

/// Chooses for a slot. `running` counts the leases that each creator has now: whoever has fewest goes
/// first, then priority, then the scene that the slot has open or its worker has cached, then age.
pub fn choose(
    slot: &Slot,
    candidates: &[Candidate],
    running: &HashMap<UserId, u32>,
) -> Option<Choice> {
    candidates
        .iter()
        .filter(|c| c.queued > 0 && !(c.failed_here && c.better_elsewhere))
        .filter_map(|c| {
            let able = |series: &Series| slot.can_render(*series, c.engine);
            Some((c, c.runtime.filter(able)?))
        })
        .min_by_key(|(c, _)| {
            let running = running.get(&c.owner).copied().unwrap_or(0);
            (
                running,
                std::cmp::Reverse(c.priority),
                distance(slot, c.content),
                c.job,
            )
        })
        .map(|(c, runtime)| Choice {
            job: c.job,
            runtime,
            frames: lease_size(c),
        })
}

/// The series that renders a file: a pinned one exactly; else the file's own, else the next higher.
pub fn pick_runtime(wanted: BlenderWanted, file: Series, installed: &[Series]) -> Option<Series> {
    match wanted {
        BlenderWanted::Pinned(series) => installed.contains(&series).then_some(series),
        BlenderWanted::Auto => installed
            .iter()
            .copied()
            .filter(|series| *series >= file)
            .min(),
    }
}

/// How far a scene is from a slot: open, on its disk, or elsewhere.
fn distance(slot: &Slot, content: BlobHash) -> u8 {
    if slot.open == Some(content) {
        0
    } else if slot.cached.contains(&content) {
        1
    } else {
        2
    }
}

/// As many frames as should take [`LEASE_TARGET`]; a single one until a frame was measured. Towards the
/// end a slot takes half of its fair share at most, so that the last frames finish together.
pub fn lease_size(candidate: &Candidate) -> u32 {
    let by_time = match candidate.frame_ms {
        Some(ms) => {
            (LEASE_TARGET.as_millis() as i64 / ms.max(1)).clamp(1, LEASE_FRAMES_MAX.into()) as u32
        }
        None => 1,
    };
    let share = match candidate.slots {
        0 | 1 => candidate.queued,
        slots => candidate.queued.div_ceil(2 * slots),
    };
    by_time.min(share).max(1)
}

/// Whether a frame that another slot holds should be started a second time by an idle one: once it has
/// taken twice as long as a frame of its job should take the idle one: a slow slot does not compete with a
/// quick one for a frame that it would finish later. `frame_ms` unknown: after ten minutes.
pub fn is_straggler(held_ms: i64, frame_ms: Option<i64>) -> bool {
    const LEAST_MS: i64 = 5_000;
    const UNKNOWN_MS: i64 = 600_000;
    held_ms > frame_ms.map_or(UNKNOWN_MS, |ms| ms.saturating_mul(2).max(LEAST_MS))
}

#[cfg(test)]
mod tests {
    use pictor_protocol::agent::{Capability, Proven};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::ability::testing::{any_ability, any_engine, any_series};
    use super::super::pace::{Measured, expected_ms};
    use super::*;

    #[test]
    fn the_creator_with_fewest_running_goes_first() {
        let jobs = [candidate(1, 1), candidate(2, 2)];
        let running = HashMap::from([(owner(1), 3), (owner(2), 1)]);
        assert_eq!(
            choose(&slot(), &jobs, &running).map(|c| c.job),
            Some(job(2))
        );
    }

    #[test]
    fn among_ones_own_jobs_priority_decides_then_age() {
        let mut jobs = [candidate(1, 1), candidate(2, 1), candidate(3, 1)];
        assert_eq!(
            choose(&slot(), &jobs, &HashMap::new()).map(|c| c.job),
            Some(job(1))
        );
        jobs[2].priority = 90;
        assert_eq!(
            choose(&slot(), &jobs, &HashMap::new()).map(|c| c.job),
            Some(job(3))
        );
    }

    #[test]
    fn an_open_scene_beats_a_cached_one_and_that_a_foreign_one() {
        let mut jobs = [candidate(1, 1), candidate(2, 1), candidate(3, 1)];
        for (n, job) in jobs.iter_mut().enumerate() {
            job.content = BlobHash::from_bytes([n as u8; 32]);
        }
        let mut slot = slot();
        slot.cached = vec![jobs[1].content];
        assert_eq!(
            choose(&slot, &jobs, &HashMap::new()).map(|c| c.job),
            Some(job(2))
        );
        slot.open = Some(jobs[2].content);
        assert_eq!(
            choose(&slot, &jobs, &HashMap::new()).map(|c| c.job),
            Some(job(3))
        );
    }

    #[test]
    fn a_worker_that_failed_a_scene_gets_it_again_only_if_nobody_else_could() {
        let mut jobs = [candidate(1, 1)];
        jobs[0].failed_here = true;
        assert!(choose(&slot(), &jobs, &HashMap::new()).is_some());
        jobs[0].better_elsewhere = true;
        assert_eq!(choose(&slot(), &jobs, &HashMap::new()), None);
    }

    #[test]
    fn auto_takes_the_files_own_series_else_the_next_higher() {
        let installed = [Series::new(5, 0), Series::new(4, 2), Series::new(4, 5)];
        let pick = |wanted: &str, file: (u16, u16)| {
            pick_runtime(
                wanted.parse().unwrap(),
                Series::new(file.0, file.1),
                &installed,
            )
            .map(|s| s.to_string())
        };
        assert_eq!(pick("auto", (4, 5)).as_deref(), Some("4.5"));
        assert_eq!(pick("auto", (4, 3)).as_deref(), Some("4.5"));
        assert_eq!(pick("auto", (2, 79)).as_deref(), Some("4.2"));
        assert_eq!(pick("auto", (5, 1)), None);
        assert_eq!(pick("5.0", (4, 2)).as_deref(), Some("5.0"));
        assert_eq!(pick("4.4", (4, 2)), None);
    }

    #[test]
    fn a_job_goes_only_where_its_series_is() {
        let mut jobs = [candidate(1, 1)];
        for elsewhere in [Some(Series::new(5, 0)), None] {
            jobs[0].runtime = elsewhere;
            assert_eq!(choose(&slot(), &jobs, &HashMap::new()), None);
        }
    }

    #[test]
    fn leases_grow_with_knowledge_and_shrink_towards_the_end() {
        let mut c = candidate(1, 1);
        c.queued = 1_000;
        assert_eq!(lease_size(&c), 1, "nothing measured yet");
        c.frame_ms = Some(1_000);
        assert_eq!(lease_size(&c), 30);
        c.frame_ms = Some(120_000);
        assert_eq!(lease_size(&c), 1, "a long frame is a lease of its own");
        c.frame_ms = Some(1_000);
        c.slots = 4;
        c.queued = 20;
        assert_eq!(lease_size(&c), 3);
        c.queued = 1;
        assert_eq!(lease_size(&c), 1);
    }

    #[test]
    fn a_slot_that_cannot_render_a_job_gets_another_one() {
        let mut slot = slot();
        slot.ability.proven = Some(vec![Proven {
            runtime: Series::new(4, 5),
            can: Capability::CyclesOptix,
        }]);
        let mut jobs = [candidate(1, 1), candidate(2, 2)];
        jobs[0].engine = Some(Engine::Eevee);
        assert_eq!(
            choose(&slot, &jobs, &HashMap::new()).map(|c| c.job),
            Some(job(2))
        );
        assert_eq!(choose(&slot, &jobs[..1], &HashMap::new()), None);
    }

    #[test]
    fn a_quicker_slot_gets_more_frames_and_sooner_a_second_attempt() {
        let measured = Measured {
            done: 1,
            render_ms: 10_000,
            scored: 1,
            reference_ms: 10_000,
            ..Measured::default()
        };
        let frames = |score: f64| {
            let mut c = candidate(1, 1);
            c.frame_ms = expected_ms(&measured, Some(score));
            (lease_size(&c), is_straggler(15_000, c.frame_ms))
        };
        assert_eq!(frames(1.0), (3, false));
        assert_eq!(frames(4.0), (12, true));
    }

    proptest! {
        #[test]
        fn nobody_is_given_what_it_cannot_render(
            ability in any_ability(),
            installed in prop::collection::vec(any_series(), 0..3),
            jobs in prop::collection::vec((any_engine(), prop::option::of(any_series())), 1..8)
        ) {
            let slot = Slot { runtimes: installed, ability, ..slot() };
            let jobs: Vec<_> = (1..).zip(&jobs).map(|(n, (engine, runtime))| {
                Candidate { engine: *engine, runtime: *runtime, ..candidate(n, n) }
            }).collect();
            let able = |c: &Candidate| c.runtime.is_some_and(|runtime| slot.can_render(runtime, c.engine));
            match choose(&slot, &jobs, &HashMap::new()) {
                Some(choice) => prop_assert!(jobs.iter().any(|c| c.job == choice.job && able(c))),
                None => prop_assert!(!jobs.iter().any(able), "it idles beside work that it could do"),
            }
        }

        #[test]
        fn a_lease_is_never_empty_nor_more_than_there_is(
            queued in 1..100_000_u32, slots in 0..500_u32, ms in prop::option::of(0..10_000_000_i64)
        ) {
            let size = lease_size(&Candidate { queued, slots, frame_ms: ms, ..candidate(1, 1) });
            prop_assert!(size >= 1 && size <= queued && size <= LEASE_FRAMES_MAX);
        }

        #[test]
        fn nobody_starves(counts in prop::collection::vec(1..40_u32, 2..6)) {
            // Every creator has one job; slots ask one after the other and never give back.
            let mut jobs: Vec<_> =
                counts.iter().enumerate().map(|(n, queued)| Candidate { queued: *queued, ..candidate(n as u32 + 1, n as u32 + 1) }).collect();
            let mut running = HashMap::new();
            for _ in 0..counts.len() {
                let Some(choice) = choose(&slot(), &jobs, &running) else { break };
                let taken = jobs.iter_mut().find(|j| j.job == choice.job).unwrap();
                taken.queued -= choice.frames.min(taken.queued);
                *running.entry(taken.owner).or_insert(0) += 1;
            }
            prop_assert!(running.values().all(|leases| *leases == 1));
        }
    }

    fn slot() -> Slot {
        Slot {
            runtimes: vec![Series::new(4, 5)],
            ability: Ability::unknown(0),
            open: None,
            cached: Vec::new(),
        }
    }

    fn candidate(n: u32, of: u32) -> Candidate {
        Candidate {
            job: job(n),
            owner: owner(of),
            priority: 50,
            content: BlobHash::from_bytes([0; 32]),
            engine: Some(Engine::Cycles),
            runtime: Some(Series::new(4, 5)),
            queued: 100,
            slots: 1,
            frame_ms: None,
            failed_here: false,
            better_elsewhere: false,
        }
    }

    fn job(n: u32) -> JobId {
        JobId::new(Uuid::from_u128(u128::from(n)))
    }

    fn owner(n: u32) -> UserId {
        UserId::new(Uuid::from_u128(u128::from(n)))
    }
}
