//! The network as everybody sees it: who is there, what waits, what was rendered and what it earned. Put together
//! by [`assemble`], pure, out of a handful of queries, at most every ten seconds, however many ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use pictor_protocol::Micros;
use pictor_protocol::agent::Device;
use pictor_protocol::blender::Series;
use pictor_protocol::network::{
    CampaignSummary, DeviceClass, NeededFrames, Network, NetworkHour, PointsPerHour,
};
use pictor_protocol::settings::Engine;
use tokio::sync::Mutex;

use crate::app::App;
use crate::campaign::calendar::{HOUR_US, SECOND_US, hour_of};
use crate::campaign::{CurrentError, view};
use crate::store::dispatch::WaitingJob;
use crate::store::network::{EarningWorker, FramesRow, SlotModel};
use crate::store::{self, StoreError};
use crate::workers::SILENCE_US;

/// For how long an answer is good.
const FRESH_US: i64 = 10 * SECOND_US;
const HOURS: i64 = 24;
/// Of so many frames the wait is looked at.
const WAITS: i64 = 1_000;
/// Of fewer workers what they earn would be somebody's business.
const CROWD: usize = 5;
/// Most classes of devices, and of needs, that are shown.
const SHOWN: usize = 50;
const NAME_CHARS_MAX: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The last answer.
#[derive(Debug, Default)]
pub struct LastLook(Mutex<Option<(i64, Arc<Network>)>>);

/// How the network is, or was a few seconds ago. Who asks meanwhile waits for the same look.
pub async fn look(app: &App) -> Result<Arc<Network>, NetworkError> {
    let mut last = app.network.0.lock().await;
    let now_us = app.now_us();
    if let Some((at_us, network)) = &*last
        && (0..FRESH_US).contains(&(now_us - at_us))
    {
        return Ok(Arc::clone(network));
    }
    let network = Arc::new(assemble(&facts(app, now_us).await?));
    *last = Some((now_us, Arc::clone(&network)));
    Ok(network)
}

/// What is put together.
#[derive(Debug, Default)]
struct Facts {
    now_us: i64,
    workers: Vec<EarningWorker>,
    busy: i64,
    jobs: Vec<WaitingJob>,
    waits_us: Vec<i64>,
    frames: Vec<FramesRow>,
    campaign: Option<CampaignSummary>,
}

async fn facts(app: &App, now_us: i64) -> Result<Facts, NetworkError> {
    let mut tx = app.store.read().await?;
    let first_hour = hour_of(now_us) - HOURS + 1;
    Ok(Facts {
        now_us,
        workers: store::network::online(&mut tx, now_us - SILENCE_US, first_hour).await?,
        busy: store::network::busy_slots(&mut tx).await?,
        jobs: store::dispatch::waiting(&mut tx).await?,
        waits_us: store::network::waits(&mut tx, now_us - HOUR_US, WAITS).await?,
        frames: store::network::frames_since(&mut tx, first_hour).await?,
        campaign: view::current_summary(app, &mut tx, now_us).await?,
    })
}

fn assemble(facts: &Facts) -> Network {
    let slots = || {
        facts
            .workers
            .iter()
            .flat_map(|worker| &worker.hello.0.slots)
    };
    let queued = |job: &WaitingJob| u64::from(job.queued);
    let hours = hours(&facts.frames, hour_of(facts.now_us));
    let full = hours.len().checked_sub(2).and_then(|at| hours.get(at));
    Network {
        at_ms: facts.now_us / 1_000,
        workers_online: facts.workers.len() as u64,
        slots_online: slots().count() as u64,
        slots_busy: facts.busy as u64,
        classes: classes(slots()),
        jobs_open: facts.jobs.len() as u64,
        frames_queued: facts.jobs.iter().map(queued).sum(),
        frames_leased: facts.jobs.iter().map(|job| job.leased as u64).sum(),
        demand: demand(&facts.jobs),
        median_wait_ms: quantile(&facts.waits_us, 50).map(|us| us.max(0) / 1_000),
        frames_last_hour: full.map_or(0, |hour| hour.frames),
        frames_last_day: hours.iter().map(|hour| hour.frames).sum(),
        hours,
        points_per_hour: points_per_hour(&facts.workers),
        campaign: facts.campaign.clone(),
    }
}

fn hours(frames: &[FramesRow], now: i64) -> Vec<NetworkHour> {
    let of = |hour: i64| frames.iter().find(|row| row.hour == hour);
    (now - HOURS + 1..=now)
        .map(|hour| NetworkHour {
            start_ms: hour * HOUR_US / 1_000,
            frames: of(hour).map_or(0, |row| row.frames as u64),
        })
        .collect()
}

fn classes<'a>(slots: impl Iterator<Item = &'a SlotModel>) -> Vec<DeviceClass> {
    let mut counted: BTreeMap<String, (Device, u64)> = BTreeMap::new();
    for slot in slots {
        let class = counted.entry(class_name(slot)).or_insert((slot.device, 0));
        class.1 += 1;
    }
    let class = |(name, (device, slots))| DeviceClass {
        name,
        device,
        slots,
    };
    let mut classes: Vec<_> = counted.into_iter().map(class).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.slots));
    classes.truncate(SHOWN);
    classes
}

/// What everybody may read of a slot's name. It comes from a worker, which may say what it likes: only what looks
/// like the name of a GPU's model is published, and nothing of CPUs, whose names tell machines apart.
fn class_name(slot: &SlotModel) -> String {
    const MAKERS: [&str; 5] = ["NVIDIA ", "AMD ", "Tesla ", "Quadro ", "GeForce "];
    let is_fit = |c: char| c.is_ascii_alphanumeric() || " ()-".contains(c);
    let is_model = MAKERS.iter().any(|maker| slot.name.starts_with(maker))
        && slot.name.len() <= NAME_CHARS_MAX
        && slot.name.chars().all(is_fit);
    match slot.device {
        Device::Cpu => "CPU".into(),
        Device::Cuda | Device::Optix | Device::Hip | Device::Unknown if is_model => {
            slot.name.clone()
        }
        Device::Cuda | Device::Optix | Device::Hip | Device::Unknown => "other GPU".into(),
    }
}

fn demand(jobs: &[WaitingJob]) -> Vec<NeededFrames> {
    let mut needed: Vec<NeededFrames> = Vec::new();
    for job in jobs.iter().filter(|job| job.queued > 0) {
        let engine: Option<Engine> = job.plan.0.engine;
        let series: Series = job.runtime.0.unwrap_or(job.file_series);
        let is_it = |of: &&mut NeededFrames| (of.engine, of.series) == (engine, series);
        match needed.iter_mut().find(is_it) {
            Some(of) => {
                of.frames += u64::from(job.queued);
                of.jobs += 1;
            }
            None => needed.push(NeededFrames {
                engine,
                series,
                frames: job.queued.into(),
                jobs: 1,
            }),
        }
    }
    needed.sort_by_key(|of| std::cmp::Reverse(of.frames));
    needed.truncate(SHOWN);
    needed
}

/// Of workers that were there for an hour at least: what the others earned says nothing about an hour.
fn points_per_hour(workers: &[EarningWorker]) -> Option<PointsPerHour> {
    let was_there = workers.iter().filter(|worker| worker.seen_us >= HOUR_US);
    let rate = |worker: &EarningWorker| {
        let rate = i128::from(worker.earned) * i128::from(HOUR_US) / i128::from(worker.seen_us);
        i64::try_from(rate).unwrap_or(i64::MAX)
    };
    let rates: Vec<_> = was_there.map(rate).collect();
    if rates.len() < CROWD {
        return None;
    }
    Some(PointsPerHour {
        median_micros: Micros::new(quantile(&rates, 50)?),
        upper_quartile_micros: Micros::new(quantile(&rates, 75)?),
        workers: rates.len() as u64,
    })
}

/// The smallest value that so many in a hundred are not above.
fn quantile(values: &[i64], percent: usize) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
    sorted.get(at).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::column::Json;
    use crate::store::network::Slots;

    #[test]
    fn only_what_looks_like_a_gpus_model_is_published() {
        let named = |device, name: &str| {
            class_name(&SlotModel {
                device,
                name: name.into(),
            })
        };
        let good = "NVIDIA GeForce RTX 4090";
        assert_eq!(named(Device::Optix, good), good);
        assert_eq!(named(Device::Cpu, "AMD EPYC 7763 64-Core"), "CPU");
        let long = format!("NVIDIA {}", "x".repeat(64));
        for bad in [
            "visit example.org",
            "NVIDIA https://e.org",
            "NVIDIA <b>",
            &long,
        ] {
            assert_eq!(named(Device::Cuda, bad), "other GPU", "{bad}");
        }
    }

    #[test]
    fn what_few_workers_earn_is_not_published() {
        let few = workers(&[1, 2, 3, 4]);
        assert_eq!(points_per_hour(&few), None);
        let mut enough = workers(&[10, 20, 30, 40, 50]);
        let points = points_per_hour(&enough).unwrap();
        // Each was there for two hours.
        assert_eq!(points.median_micros.get(), 15);
        assert_eq!(points.upper_quartile_micros.get(), 20);
        enough[0].seen_us = HOUR_US - 1;
        assert_eq!(points_per_hour(&enough), None, "one came just now");
    }

    #[test]
    fn a_day_has_its_hours_whether_or_not_something_was_rendered() {
        let rows = [(10, 7), (33, 5)].map(|(hour, frames)| FramesRow { hour, frames });
        let network = assemble(&Facts {
            now_us: 33 * HOUR_US + 1,
            frames: rows.into(),
            ..Facts::default()
        });
        assert_eq!(network.hours.len(), 24);
        assert_eq!(network.hours[23].frames, 5);
        assert_eq!((network.frames_last_day, network.frames_last_hour), (12, 0));
        assert_eq!(network.median_wait_ms, None);
    }

    proptest! {
        #[test]
        fn a_quantile_is_a_value_that_enough_others_are_not_above(
            values in prop::collection::vec(-1_000..1_000_i64, 1..50), percent in 1..=100_usize
        ) {
            let found = quantile(&values, percent).unwrap();
            prop_assert!(values.contains(&found));
            let not_above = values.iter().filter(|value| **value <= found).count();
            let below = values.iter().filter(|value| **value < found).count();
            prop_assert!(not_above * 100 >= values.len() * percent);
            prop_assert!(below * 100 < values.len() * percent);
        }
    }

    /// Workers that earned so much in two hours.
    fn workers(earned: &[i64]) -> Vec<EarningWorker> {
        let worker = |earned: &i64| EarningWorker {
            hello: Json(Slots { slots: Vec::new() }),
            earned: *earned,
            seen_us: 2 * HOUR_US,
        };
        earned.iter().map(worker).collect()
    }
}
