//! Probe renders: what a Blender can render on a slot, found out by rendering, and how fast.
//!
//! | part | owns |
//! |---|---|
//! | [`run`] | the probe of one engine with one runtime on one slot, and the benchmark |
//! | [`check()`] | the same for everything that a machine has, for a person who asks |
//! | [`Proofs`] | what earlier starts proved, in the cache directory |
//! | `picture` | whether a picture is one |
//!
//! A device that is listed does not have to work: drivers, kernels and libraries fail where they are used.
//! So only a picture counts. Must not know the coordinator, or what follows from a result.

mod check;
mod picture;
mod proofs;

use std::path::Path;
use std::time::Duration;

use pictor_protocol::agent::{self, Capability};
use pictor_protocol::benchmark;

use crate::agent::ProbedEngine;
use crate::blender::talk::{
    Device, Engine, Event, Format, Ready, Render, Rendered, Request, Settings,
};
use crate::blender::{Launch, Session, SessionError};
use crate::renderer::{session_error, start_error};
pub use check::{ProbeOutcome, check};
pub use proofs::Proofs;

/// Of every Cycles picture, so that what a probe has warmed up is what the benchmark measures.
const WIDTH: u32 = 256;
const HEIGHT: u32 = 144;
const PROBE_SAMPLES: u32 = 4;
/// EEVEE draws less and needs fewer pixels: with Mesa on two cores this takes a second, 128×72 two.
const EEVEE_WIDTH: u32 = 64;
const EEVEE_HEIGHT: u32 = 36;

/// A measured render takes at least this long: below it, what is not rendering weighs too much, and the
/// session tells whole milliseconds. A device that is quicker renders four times the samples.
const MEASURED_AT_LEAST: Duration = Duration::from_millis(300);
const SAMPLES_MAX: u32 = benchmark::SAMPLES << 12;

/// One probe.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    pub launch: &'a Launch,
    /// What the slot renders on.
    pub device: agent::Device,
    pub engine: ProbedEngine,
    /// Proven before: not tried again.
    pub proven: &'a [Capability],
    pub wants_score: bool,
    /// Pictures go there for a moment.
    pub dir: &'a Path,
}

/// How one way to render came out: how long the picture took, or what went wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub can: Capability,
    pub result: Result<Duration, String>,
}

/// How a probe came out.
#[derive(Debug, Default)]
pub struct Report {
    pub outcomes: Vec<Outcome>,
    /// Absent where none was wanted.
    pub score: Option<Result<f64, String>>,
    pub does_not_start: bool,
    /// The Blender that did it, if it is still well.
    pub session: Option<Session>,
}

impl Report {
    /// What is proven by now.
    pub fn proven(&self, before: &[Capability]) -> Vec<Capability> {
        let good = self.outcomes.iter().filter(|it| it.result.is_ok());
        before
            .iter()
            .copied()
            .chain(good.map(|it| it.can))
            .collect()
    }
}

/// Renders until everything is tried. When this is dropped, its Blender ends.
pub async fn run(trial: Trial<'_>) -> Report {
    let session = match Session::start(trial.launch).await {
        Ok(session) => session,
        Err(error) => return does_not_start(&trial, &start_error(&error).message),
    };
    let wanted = wanted(trial.device, trial.engine, Some(session.ready()));
    let is_listed = |can| is_listed(session.ready(), can);
    let (listed, missing): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .filter(|can| !trial.proven.contains(can))
        .partition(|can| is_listed(*can));
    let mut report = Report::default();
    let mut bench = Bench::new(&trial, session);
    for can in missing {
        let result = Err("Blender finds no such device".into());
        report.outcomes.push(Outcome { can, result });
    }
    for can in listed {
        let result = bench.render(&settings(can, PROBE_SAMPLES)).await;
        report.outcomes.push(Outcome { can, result });
    }
    let best = best(&report.proven(trial.proven));
    if let Some(device) = best.filter(|_| trial.wants_score) {
        report.score = Some(bench.measure(device).await);
    }
    report.session = bench.session;
    report
}

fn does_not_start(trial: &Trial<'_>, why: &str) -> Report {
    let wanted = wanted(trial.device, trial.engine, None);
    let outcome = |can| Outcome {
        can,
        result: Err(why.to_owned()),
    };
    Report {
        outcomes: wanted.into_iter().map(outcome).collect(),
        does_not_start: true,
        ..Report::default()
    }
}

/// What a slot should be able to do, if everything is as it should be; the best comes last, so that it is
/// warm for the benchmark.
fn wanted(device: agent::Device, engine: ProbedEngine, ready: Option<&Ready>) -> Vec<Capability> {
    let lists_only_hip = ready.is_some_and(|ready| {
        let has = |can| is_listed(ready, can);
        has(Capability::CyclesHip) && !has(Capability::CyclesCuda)
    });
    match (engine, device) {
        (ProbedEngine::Eevee, _) => vec![Capability::Eevee],
        (ProbedEngine::Cycles, agent::Device::Cpu) => vec![Capability::CyclesCpu],
        (ProbedEngine::Cycles, agent::Device::Hip) => vec![Capability::CyclesHip],
        (ProbedEngine::Cycles, _) if lists_only_hip => vec![Capability::CyclesHip],
        (
            ProbedEngine::Cycles,
            agent::Device::Cuda | agent::Device::Optix | agent::Device::Unknown,
        ) => vec![Capability::CyclesCuda, Capability::CyclesOptix],
    }
}

fn is_listed(ready: &Ready, can: Capability) -> bool {
    match cycles_device(can) {
        None | Some(Device::Cpu) => true,
        Some(device) => ready.devices.iter().any(|listed| listed.kind == device),
    }
}

/// What Cycles renders on with this capability.
pub fn cycles_device(can: Capability) -> Option<Device> {
    match can {
        Capability::CyclesCpu => Some(Device::Cpu),
        Capability::CyclesCuda => Some(Device::Cuda),
        Capability::CyclesOptix => Some(Device::Optix),
        Capability::CyclesHip => Some(Device::Hip),
        Capability::Eevee | Capability::Unknown => None,
    }
}

/// The best of what is proven: OptiX traces on cores that CUDA leaves idle.
pub fn best(proven: &[Capability]) -> Option<Capability> {
    let order = [
        Capability::CyclesOptix,
        Capability::CyclesCuda,
        Capability::CyclesHip,
        Capability::CyclesCpu,
    ];
    order.into_iter().find(|can| proven.contains(can))
}

fn settings(can: Capability, samples: u32) -> Settings {
    let device = cycles_device(can);
    let is_cycles = device.is_some();
    let size = |cycles, eevee| Some(if is_cycles { cycles } else { eevee });
    Settings {
        engine: Some(if is_cycles {
            Engine::Cycles
        } else {
            Engine::Eevee
        }),
        format: Some(Format::Png),
        width: size(WIDTH, EEVEE_WIDTH),
        height: size(HEIGHT, EEVEE_HEIGHT),
        samples: size(samples, 1),
        device,
        ..Settings::default()
    }
}

/// A Blender that renders the scene that is built in, started again when it dies of it.
struct Bench<'a> {
    trial: &'a Trial<'a>,
    session: Option<Session>,
    renders: u64,
    /// What the last picture was rendered on.
    warm: Option<Device>,
}

impl<'a> Bench<'a> {
    fn new(trial: &'a Trial<'a>, session: Session) -> Self {
        Self {
            trial,
            session: Some(session),
            renders: 0,
            warm: None,
        }
    }

    /// One picture; how long it took, if it is one.
    async fn render(&mut self, settings: &Settings) -> Result<Duration, String> {
        let path = self
            .trial
            .dir
            .join(format!("probe-{}.png", uuid::Uuid::new_v4()));
        self.renders += 1;
        let render = Render {
            id: self.renders,
            frame: 1,
            path: path.clone(),
        };
        let open = Request::OpenBuiltin {
            settings: settings.clone(),
            stage: None,
        };
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::start(self.trial.launch)
                .await
                .map_err(|error| start_error(&error).message)?,
        };
        let answered = ask(&mut session, [open, Request::Render(render)]).await;
        self.warm = None;
        let rendered = match answered {
            Err(error) => Err(session_error(&error).message),
            Ok(answer) => {
                self.session = Some(session);
                answer
            }
        };
        let size = (settings.width, settings.height);
        let checked = picture::check(&path, size);
        std::fs::remove_file(&path).ok();
        let rendered = rendered?;
        checked.map_err(|error| error.to_string())?;
        self.warm = settings.device;
        Ok(Duration::from_millis(rendered.render_ms))
    }

    /// The score of a device, by a render that is long enough to be measured.
    async fn measure(&mut self, can: Capability) -> Result<f64, String> {
        if self.warm != cycles_device(can) {
            self.render(&settings(can, PROBE_SAMPLES)).await?;
        }
        let mut samples = benchmark::SAMPLES;
        loop {
            let took = self.render(&settings(can, samples)).await?;
            match more_samples(samples, took) {
                Some(more) => samples = more,
                None => {
                    let ms = took.as_secs_f64() * 1e3;
                    let ms = ms * f64::from(benchmark::SAMPLES) / f64::from(samples);
                    let implausible = || format!("{ms} ms for the benchmark cannot be");
                    return benchmark::score(ms).ok_or_else(implausible);
                }
            }
        }
    }
}

/// With how many samples to measure again what was too quick to be measured.
fn more_samples(samples: u32, took: Duration) -> Option<u32> {
    (took < MEASURED_AT_LEAST && samples < SAMPLES_MAX).then(|| samples * 4)
}

/// Asks one by one; the last has to be a render. Outside is the end of Blender, inside what it refused.
pub(crate) async fn ask<const N: usize>(
    session: &mut Session,
    requests: [Request; N],
) -> Result<Result<Rendered, String>, SessionError> {
    for request in requests {
        // What became of a Blender that takes no request is the next thing it says.
        session.send(request).await.ok();
        loop {
            match session.next().await? {
                Event::Opened { .. } => break,
                Event::Rendered(rendered) => return Ok(Ok(rendered)),
                Event::Failed(failure) => return Ok(Err(failure.message)),
                Event::Ready(_) | Event::Notice { .. } | Event::Progress(_) => {}
            }
        }
    }
    Ok(Err("Blender rendered nothing".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blender::talk::GpuDevice;

    #[test]
    fn a_quick_device_renders_more_until_it_can_be_measured() {
        let quick = Duration::from_millis(20);
        assert_eq!(
            more_samples(benchmark::SAMPLES, quick),
            Some(benchmark::SAMPLES * 4)
        );
        assert_eq!(more_samples(benchmark::SAMPLES, MEASURED_AT_LEAST), None);
        assert_eq!(more_samples(SAMPLES_MAX, quick), None, "it ends");
    }

    #[test]
    fn the_best_device_is_the_best_that_is_proven() {
        let (optix, cuda) = (Capability::CyclesOptix, Capability::CyclesCuda);
        assert_eq!(best(&[Capability::Eevee, cuda, optix]), Some(optix));
        assert_eq!(best(&[cuda, Capability::Eevee]), Some(cuda));
        assert_eq!(best(&[Capability::Eevee]), None);
    }

    #[test]
    fn a_gpu_slot_is_tried_with_what_its_vendor_has() {
        let both = vec![Capability::CyclesCuda, Capability::CyclesOptix];
        let cycles =
            |device, listed: &[Device]| wanted(device, ProbedEngine::Cycles, Some(&ready(listed)));
        // A listed device more is a device of another vendor.
        let nvidia = [Device::Cuda, Device::Hip];
        assert_eq!(cycles(agent::Device::Cuda, &nvidia), both);
        assert_eq!(cycles(agent::Device::Cuda, &[]), both);
        let hip = vec![Capability::CyclesHip];
        assert_eq!(cycles(agent::Device::Cuda, &[Device::Hip]), hip);
        assert!(!is_listed(&ready(&[Device::Cuda]), Capability::CyclesOptix));
        assert!(is_listed(&ready(&[]), Capability::CyclesCpu));
    }

    fn ready(kinds: &[Device]) -> Ready {
        let device = |kind: &Device| GpuDevice {
            kind: *kind,
            name: "one".into(),
            id: "1".into(),
        };
        Ready {
            devices: kinds.iter().map(device).collect(),
            ..Ready::default()
        }
    }
}
