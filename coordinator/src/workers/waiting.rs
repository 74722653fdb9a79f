//! Why nothing runs on a worker that could render: what waits, held against what it can do. Loading aside, pure.

use std::collections::{HashMap, HashSet};

use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::settings::Engine;
use pictor_protocol::{JobId, UserId, WorkerId};

use crate::dispatch::ability::{self, Equipment};
use crate::dispatch::decide;
use crate::store::dispatch::OnlineWorker;
use crate::store::{self, Result, Tx};

/// All that waits to be rendered.
#[derive(Debug, Default)]
pub struct Queue {
    pub jobs: Vec<Waiting>,
    /// Workers that failed a job which somebody else could render.
    pub failed: HashSet<(WorkerId, JobId)>,
    /// How many frames of a job a worker does not get again, because its pictures of them were sent back.
    pub kept: HashMap<(WorkerId, JobId), u32>,
    /// Frames that others render now.
    pub rendering: i64,
}

/// A job that has frames for somebody.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub job: JobId,
    pub frames: u32,
    /// `None` for an add-on's.
    pub engine: Option<Engine>,
    pub wanted: BlenderWanted,
    pub file: Series,
    /// The series that renders it; none if nobody online can.
    pub runtime: Option<Series>,
}

/// Why a worker waits. Frames are those of all jobs to which it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    NothingToRender,
    /// Others have all there is.
    AllHandedOut {
        frames: i64,
    },
    /// There are frames for it: it is given some in a moment, or others' turn is first.
    SoonSome {
        frames: u32,
    },
    /// It failed the jobs that wait, and others can render them.
    FailedBefore {
        frames: u32,
    },
    /// Its pictures of them were sent back, and others make them again.
    SentBack {
        frames: u32,
    },
    /// It does not have the Blender for them.
    NoBlender {
        series: Series,
        frames: u32,
    },
    /// It has the Blender and has not shown that it renders with this engine.
    NoEngine {
        engine: Option<Engine>,
        frames: u32,
    },
}

impl Queue {
    /// What waits now, for the workers of one owner.
    pub async fn load(tx: &mut Tx, owner: UserId, now_us: i64) -> Result<Self> {
        Self::load_of(tx, Some(owner), now_us).await
    }

    /// What waits now, for everybody's workers.
    pub async fn load_for_all(tx: &mut Tx, now_us: i64) -> Result<Self> {
        Self::load_of(tx, None, now_us).await
    }

    async fn load_of(tx: &mut Tx, owner: Option<UserId>, now_us: i64) -> Result<Self> {
        let open = store::dispatch::waiting(tx).await?;
        let rendering = open.iter().map(|job| job.leased).sum();
        let mut queue = Self {
            rendering,
            ..Self::default()
        };
        if open.iter().all(|job| job.queued == 0) {
            return Ok(queue);
        }
        // Who is there matters only for jobs that nobody has begun.
        let begun = open.iter().all(|job| job.runtime.0.is_some());
        let online = match begun {
            true => Vec::new(),
            false => super::taking_frames(tx, now_us).await?,
        };
        // Asked once for an engine: a thousand workers would be asked again for each of a thousand jobs.
        let mut able: HashMap<Option<Engine>, Vec<Series>> = HashMap::new();
        for job in open.into_iter().filter(|job| job.queued > 0) {
            let engine = job.plan.0.engine;
            let runtime = job.runtime.0.or_else(|| {
                let able = able.entry(engine).or_insert_with(|| {
                    ability::series_for(online.iter().map(OnlineWorker::equipment), engine)
                });
                decide::pick_runtime(job.blender, job.file_series, able)
            });
            queue.jobs.push(Waiting {
                job: job.id,
                frames: job.queued,
                engine,
                wanted: job.blender,
                file: job.file_series,
                runtime,
            });
        }
        queue.failed = store::dispatch::failed_by(tx, owner)
            .await?
            .into_iter()
            .collect();
        queue.kept = store::reviews::kept_from(tx, owner)
            .await?
            .into_iter()
            .collect();
        Ok(queue)
    }

    /// Why this worker has nothing of it. What it could have comes first, then what most frames lack.
    pub fn why(&self, worker: WorkerId, can: Equipment<'_>) -> Wait {
        let (mut soon, mut failed, mut sent_back) = (0, 0, 0);
        let mut lacking: Option<Wait> = None;
        for job in &self.jobs {
            match job.lacks(can) {
                None if self.failed.contains(&(worker, job.job)) => failed += job.frames,
                None => {
                    let kept = self.kept.get(&(worker, job.job)).copied();
                    let kept = kept.unwrap_or(0).min(job.frames);
                    soon += job.frames - kept;
                    sent_back += kept;
                }
                Some(lack) if lacking.is_none_or(|most| frames(most) < frames(lack)) => {
                    lacking = Some(lack);
                }
                Some(_) => {}
            }
        }
        match lacking {
            _ if soon > 0 => Wait::SoonSome { frames: soon },
            _ if failed > 0 => Wait::FailedBefore { frames: failed },
            _ if sent_back > 0 => Wait::SentBack { frames: sent_back },
            Some(lack) => lack,
            None if self.rendering > 0 => Wait::AllHandedOut {
                frames: self.rendering,
            },
            None => Wait::NothingToRender,
        }
    }
}

impl Waiting {
    /// What a worker lacks to render this.
    pub fn lacks(&self, can: Equipment<'_>) -> Option<Wait> {
        let frames = self.frames;
        let series = self
            .runtime
            .or_else(|| decide::pick_runtime(self.wanted, self.file, can.series));
        let needed = match self.wanted {
            BlenderWanted::Pinned(series) => series,
            BlenderWanted::Auto => self.file,
        };
        match series {
            Some(series) if can.can_render(series, self.engine) => None,
            Some(series) if can.series.contains(&series) => Some(Wait::NoEngine {
                engine: self.engine,
                frames,
            }),
            series => Some(Wait::NoBlender {
                series: series.unwrap_or(needed),
                frames,
            }),
        }
    }
}

fn frames(lack: Wait) -> u32 {
    match lack {
        Wait::NoBlender { frames, .. }
        | Wait::NoEngine { frames, .. }
        | Wait::SoonSome { frames }
        | Wait::FailedBefore { frames }
        | Wait::SentBack { frames } => frames,
        Wait::NothingToRender | Wait::AllHandedOut { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use pictor_protocol::agent::{Capability, Proven};
    use uuid::Uuid;

    use super::*;
    use crate::dispatch::ability::Ability;

    const BLENDER: Series = Series::new(4, 5);
    const NEWER: Series = Series::new(5, 0);

    #[test]
    fn an_empty_queue_is_the_reason() {
        assert_eq!(why(&Queue::default()), Wait::NothingToRender);
        let handed_out = Queue {
            rendering: 3,
            ..Queue::default()
        };
        assert_eq!(why(&handed_out), Wait::AllHandedOut { frames: 3 });
    }

    #[test]
    fn what_it_could_render_is_named_before_what_it_could_not() {
        let mut queue = queue(&[job(1, 100, NEWER), job(2, 5, BLENDER)]);
        assert_eq!(why(&queue), Wait::SoonSome { frames: 5 });
        queue.failed.insert((worker(), queue.jobs[1].job));
        assert_eq!(why(&queue), Wait::FailedBefore { frames: 5 });
        queue.jobs.pop();
        let lacks = Wait::NoBlender {
            series: NEWER,
            frames: 100,
        };
        assert_eq!(why(&queue), lacks);
    }

    #[test]
    fn frames_that_were_sent_back_are_not_for_who_made_them() {
        let mut queue = queue(&[job(1, 5, BLENDER)]);
        queue.kept.insert((worker(), queue.jobs[0].job), 4);
        assert_eq!(why(&queue), Wait::SoonSome { frames: 1 });
        queue.kept.insert((worker(), queue.jobs[0].job), 5);
        assert_eq!(why(&queue), Wait::SentBack { frames: 5 });
    }

    #[test]
    fn what_most_frames_lack_is_named() {
        let eevee = Waiting {
            engine: Some(Engine::Eevee),
            ..job(2, 200, BLENDER)
        };
        let queue = queue(&[job(1, 100, NEWER), eevee, job(3, 20, NEWER)]);
        let lacks = Wait::NoEngine {
            engine: Some(Engine::Eevee),
            frames: 200,
        };
        assert_eq!(why(&queue), lacks);
    }

    #[test]
    fn a_job_that_nobody_can_render_says_which_blender_it_wants() {
        let mut newest = job(1, 7, NEWER);
        newest.runtime = None;
        let pinned = Waiting {
            wanted: BlenderWanted::Pinned(Series::new(4, 2)),
            frames: 8,
            ..newest.clone()
        };
        for (job, series) in [(newest, NEWER), (pinned, Series::new(4, 2))] {
            let frames = job.frames;
            let lacks = Wait::NoBlender { series, frames };
            assert_eq!(why(&queue(&[job])), lacks);
        }
    }

    /// Why a worker waits that has Blender 4.5 and renders with Cycles.
    fn why(queue: &Queue) -> Wait {
        let cycles = Proven {
            runtime: BLENDER,
            can: Capability::CyclesOptix,
        };
        let slot = Ability {
            proven: Some(vec![cycles]),
            ..Ability::unknown(0)
        };
        let can = Equipment {
            series: &[BLENDER],
            slots: &[slot],
        };
        queue.why(worker(), can)
    }

    fn worker() -> WorkerId {
        WorkerId::new(Uuid::nil())
    }

    fn queue(jobs: &[Waiting]) -> Queue {
        Queue {
            jobs: jobs.to_vec(),
            rendering: 3,
            ..Queue::default()
        }
    }

    fn job(n: u128, frames: u32, runtime: Series) -> Waiting {
        Waiting {
            job: JobId::new(Uuid::from_u128(n)),
            frames,
            engine: Some(Engine::Cycles),
            wanted: BlenderWanted::Auto,
            file: runtime,
            runtime: Some(runtime),
        }
    }
}
