//! Jobs and frames as their owners see them.

use pictor_protocol::Micros;
use pictor_protocol::blender::{BlenderWanted, Series};
use pictor_protocol::job::{
    Frame, FrameCounts, FrameState, Job, JobCost, JobState, Output, RenderPlan, WorkerName,
};
use pictor_protocol::review::{
    FrameAttempt, FrameReview, ReviewState, SentBackPicture, SentBackState,
};
use pictor_protocol::settings::Engine;

use super::review::{Outcome, Review};
use super::{charge, state, waits};
use crate::dispatch::missing::Need;
use crate::dispatch::pace::{self, Measured};
use crate::dispatch::task::TaskStatus;
use crate::dispatch::{ability, installs};
use crate::store::dispatch::OnlineWorker;
use crate::store::jobs::JobRow;
use crate::store::reviews::HistoryRow;
use crate::store::tasks::TaskRow;
use crate::store::{self, Result, Tx};
use crate::workers::{self, schedule};

/// A job as its owner sees it now.
pub async fn job(tx: &mut Tx, row: JobRow, now_us: i64) -> Result<Job> {
    let counts = FrameCounts::from(&row.counts);
    let state = state::derive(row.intent, &counts, row.started_us.is_some());
    let mut reason = row.reason.clone();
    let waits = matches!(state, JobState::Queued | JobState::Rendering) && counts.leased == 0;
    if waits && counts.queued > 0 {
        reason = why_it_waits(tx, &row, now_us).await?;
    }
    let pace = frames_per_minute(&row, &counts, now_us);
    let eta_ms = if state.is_over() {
        None
    } else {
        time_left_ms(tx, &row, &counts, pace).await?
    };
    let cost = cost(tx, &row).await?;
    Ok(Job {
        id: row.id,
        name: row.name,
        scene: row.scene_id,
        state,
        reason,
        priority: row.priority,
        frames: row.frames,
        settings: row.settings.0,
        render: row.plan.0,
        blender: row.blender,
        runtime: row.runtime.0,
        counts,
        created_ms: row.created_us / 1_000,
        started_ms: row.started_us.map(|us| us / 1_000),
        finished_ms: row.finished_us.map(|us| us / 1_000),
        mean_frame_ms: (counts.done > 0).then(|| row.render_ms / i64::from(counts.done)),
        frames_per_minute: pace,
        eta_ms,
        cost,
        revision: row.revision,
    })
}

/// Where a job stands.
pub fn state_of(row: &JobRow) -> JobState {
    let counts = FrameCounts::from(&row.counts);
    state::derive(row.intent, &counts, row.started_us.is_some())
}

async fn cost(tx: &mut Tx, row: &JobRow) -> Result<Option<JobCost>> {
    let standing = charge::standing_of(tx, row).await?;
    Ok(standing.map(|(cost, standing)| {
        let estimate = standing.estimate();
        JobCost {
            price_per_reference_minute_micros: standing.price,
            frame_reference_ms: estimate.frame_ms,
            is_measured: estimate.is_measured,
            charged_micros: standing.charged,
            charged_frames: cost.charged_frames as u32,
            free_frames: cost.free_frames as u32,
            reserved_micros: standing.reserved,
            estimate_micros: Micros::new(
                standing.charged.get().saturating_add(estimate.rest.get()),
            ),
            spend_cap_micros: standing.cap,
        }
    }))
}

/// Finished frames per minute since the first one was handed out.
fn frames_per_minute(row: &JobRow, counts: &FrameCounts, now_us: i64) -> Option<f64> {
    let minutes = (row.finished_us.unwrap_or(now_us) - row.started_us?) as f64 / 60e6;
    (counts.done > 0 && minutes > 0.0).then(|| f64::from(counts.done) / minutes)
}

/// By what the slots that hold its frames now should need; by its frames per minute while none does. A
/// night on pause, or a slow machine that left, says nothing about what comes.
async fn time_left_ms(
    tx: &mut Tx,
    row: &JobRow,
    counts: &FrameCounts,
    frames_per_minute: Option<f64>,
) -> Result<Option<i64>> {
    let left = counts.queued + counts.leased;
    let so_far = frames_per_minute.map(|pace| (f64::from(left) / pace * 60_000.0) as i64);
    if counts.leased == 0 || counts.done == 0 {
        return Ok(so_far);
    }
    let slots = store::dispatch::holding_slots(tx, row.id).await?;
    let expected = slots.into_iter().filter_map(|held| {
        let measured = Measured {
            done: counts.done.into(),
            render_ms: row.render_ms,
            scored: row.scored,
            reference_ms: row.reference_ms,
            done_here: held.done_here,
            render_ms_here: held.render_ms_here,
        };
        let mut abilities = held.abilities.0.iter();
        let ability = abilities.find(|ability| ability.slot == held.slot);
        pace::expected_ms(&measured, ability.and_then(|ability| ability.score))
    });
    let expected: Vec<_> = expected.collect();
    Ok(pace::time_left_ms(left, &expected).or(so_far))
}

/// Why there is no worker that may be given frames.
async fn nobody_takes_frames(tx: &mut Tx, now_us: i64) -> Result<String> {
    let there = store::dispatch::online(tx, now_us - workers::SILENCE_US).await?;
    let opens = there
        .iter()
        .filter_map(|worker| worker.schedule.0.as_ref())
        .filter_map(|hours| schedule::opens_us(hours, now_us));
    Ok(opens.min().map_or_else(
        || "no worker is online".into(),
        |us| {
            let at = schedule::moment(us, 0);
            format!("every worker that is online is outside its hours; the first is back at {at}")
        },
    ))
}

/// Between two leases of a job that renders nothing is leased for a moment: that is no wait.
async fn why_it_waits(tx: &mut Tx, row: &JobRow, now_us: i64) -> Result<Option<String>> {
    let online = workers::taking_frames(tx, now_us).await?;
    let engine = row.plan.0.engine;
    let need = Need {
        runtime: row.runtime.0,
        wanted: row.blender,
        file: row.file_series,
    };
    let finds = |series: &[Series]| need.pick(series).is_some();
    let installed: Vec<Series> = online
        .iter()
        .flat_map(|worker| worker.series.0.iter().copied())
        .collect();
    let able = ability::series_for(online.iter().map(OnlineWorker::equipment), engine);
    let wanted = match (row.runtime.0, row.blender) {
        (Some(series), _) | (None, BlenderWanted::Pinned(series)) => format!("Blender {series}"),
        (None, BlenderWanted::Auto) => format!("Blender {} or newer", row.file_series),
    };
    Ok(if online.is_empty() {
        Some(nobody_takes_frames(tx, now_us).await?)
    } else if !finds(&installed) {
        let outlook = installs::outlook(tx, &need, &wanted, now_us).await?;
        outlook.or_else(|| Some(format!("no worker that is online has {wanted}")))
    } else if !finds(&able) {
        let engine = engine.map_or("its engine", engine_name);
        Some(format!(
            "no worker that is online has shown yet that it can render {engine} with {wanted}"
        ))
    } else if row.started_us.is_some() {
        None
    } else {
        Some("waiting for a free slot".into())
    })
}

pub(super) fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Cycles => "Cycles",
        Engine::Eevee => "EEVEE",
        Engine::Workbench => "Workbench",
    }
}

pub const fn frame_state(status: TaskStatus) -> FrameState {
    match status {
        TaskStatus::Queued => FrameState::Queued,
        TaskStatus::Leased => FrameState::Leased,
        TaskStatus::Done => FrameState::Done,
        TaskStatus::Failed => FrameState::Failed,
        TaskStatus::Cancelled => FrameState::Cancelled,
    }
}

/// A frame as its owner sees it.
pub fn frame(row: TaskRow, plan: &RenderPlan) -> Frame {
    let output = match (row.output.0, row.status) {
        (Some(blob), TaskStatus::Done) => Some(Output {
            blob,
            size_bytes: row.output_bytes.unwrap_or(0) as u64,
            file_name: file_name(row.frame, plan),
            has_thumbnail: row.thumbnail.0.is_some(),
        }),
        _ => None,
    };
    Frame {
        frame: row.frame,
        state: frame_state(row.status),
        attempts: row.attempt,
        worker: row.worker_id.0.map(|id| WorkerName {
            id,
            name: row.worker_name.unwrap_or_default(),
        }),
        started_ms: row.started_us.map(|us| us / 1_000),
        finished_ms: row.finished_us.map(|us| us / 1_000),
        render_ms: row.render_ms,
        error: row.error,
        output,
        review: row
            .review
            .0
            .zip(row.reviewed_us)
            .map(|(review, at_us)| FrameReview {
                state: match review {
                    Review::Approved => ReviewState::Approved,
                    Review::SentBack => ReviewState::SentBack,
                },
                reason: row.review_reason,
                at_ms: at_us / 1_000,
            }),
        times_sent_back: row.times_sent_back as u32,
        history: Vec::new(),
        waits: Vec::new(),
        revision: row.revision,
    }
}

/// A frame with its attempts and, while it is queued, why it waits.
pub async fn whole_frame(tx: &mut Tx, job: &JobRow, row: TaskRow, now_us: i64) -> Result<Frame> {
    let attempts = store::reviews::history(tx, row.id).await?;
    let waits = waits::of_frame(tx, job, &row, now_us).await?;
    Ok(Frame {
        history: attempts.into_iter().map(attempt).collect(),
        waits,
        ..frame(row, &job.plan.0)
    })
}

fn attempt(row: HistoryRow) -> FrameAttempt {
    let sent_back = row.outcome.0.map(|outcome| SentBackPicture {
        state: match outcome {
            Outcome::Open => SentBackState::Open,
            Outcome::Replaced => SentBackState::Replaced,
            Outcome::Same => SentBackState::Same,
            Outcome::Own => SentBackState::Own,
            Outcome::Settled => SentBackState::Settled,
        },
        charged_micros: Micros::new(row.charged.unwrap_or(0)),
    });
    FrameAttempt {
        attempt: row.attempt,
        worker: WorkerName {
            id: row.worker_id,
            name: row.worker_name,
        },
        slot: row.slot,
        state: row.status.into(),
        started_ms: row.leased_us / 1_000,
        finished_ms: row.finished_us.map(|us| us / 1_000),
        render_ms: row.render_ms,
        message: row.message,
        sent_back,
        has_output: row.output.0.is_some(),
        has_thumbnail: row.thumbnail.0.is_some(),
    }
}

/// `frame_0001.png`: four digits at least, as Blender does; the sign in front of them.
pub fn file_name(frame: i32, plan: &RenderPlan) -> String {
    let sign = if frame < 0 { "-" } else { "" };
    format!(
        "frame_{sign}{:04}.{}",
        frame.unsigned_abs(),
        plan.format.extension()
    )
}
