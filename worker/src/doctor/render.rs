//! A tiny Cycles picture on every slot with every runtime: what is listed does not have to work.
//!
//! The scene is what Blender shows at its first start, saved by the runtime itself. A worker may run beside
//! this.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pictor_protocol::agent::{Capability, Device, RuntimeInfo};

use super::{Check, Outcome};
use crate::blender::runtime::{Kind, Runtime};
use crate::blender::talk::{self, Engine, Event, Format, Open, Render, Request, Settings};
use crate::blender::{Launch, Session};
use crate::errors::Chain;
use crate::gpu::Watch;
use crate::machine::SlotHardware;
use crate::renderer::{Blender, runtime_info};

const SIDE: u32 = 64;
const SAMPLES: u32 = 4;
const SAVE: &str = "import bpy, sys; bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])";

/// How one way to render came out on one slot with one runtime.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rendered {
    pub(super) slot: u16,
    pub(super) runtime: RuntimeInfo,
    pub(super) can: Capability,
    /// How long the picture took, or what went wrong.
    pub(super) result: Result<Duration, String>,
}

pub(super) fn checks(rendered: Option<&Result<Vec<Rendered>, String>>) -> Vec<Check> {
    let nothing = |why: &str| {
        let remedy = "first heal what the other checks say of GPUs, runtimes and disk";
        vec![Check::failed("render", why, remedy)]
    };
    match rendered {
        None => vec![Check::not_applicable("render", "--render was not given")],
        Some(Err(why)) => nothing(why),
        Some(Ok(rendered)) if rendered.is_empty() => nothing("there is nothing to render with"),
        Some(Ok(rendered)) => rendered.iter().map(|it| check(it, rendered)).collect(),
    }
}

/// A way that fails beside one that works costs speed only.
fn check(one: &Rendered, all: &[Rendered]) -> Check {
    let way = match one.can {
        Capability::CyclesCpu => "Cycles on the CPU",
        Capability::CyclesCuda => "Cycles with CUDA",
        Capability::CyclesOptix => "Cycles with OptiX",
        Capability::CyclesHip => "Cycles with HIP",
        Capability::Eevee => "EEVEE",
        Capability::Unknown => "something unknown",
    };
    let name = format!(
        "render: slot {}, Blender {}, {way}",
        one.slot, one.runtime.series
    );
    let why = match &one.result {
        Ok(took) => return Check::ok(name, format!("{:.1} s", took.as_secs_f64())),
        Err(why) => why,
    };
    let is_beside = |it: &&Rendered| it.slot == one.slot && it.runtime == one.runtime;
    let mut beside = all.iter().filter(is_beside);
    let outcome = if beside.any(|it| it.result.is_ok()) {
        Outcome::Warning
    } else {
        Outcome::Failed
    };
    let remedy = "look at the other checks: driver, libraries, container capabilities, memory";
    Check::new(name, outcome, why.clone(), Some(remedy.into()))
}

/// Tries every slot with every runtime, one after the other.
pub(super) async fn render(
    slots: Vec<SlotHardware>,
    runtimes: Vec<Runtime>,
    kernel_dir: PathBuf,
) -> io::Result<Vec<Rendered>> {
    let dir = tempfile::Builder::new()
        .prefix("pictor-doctor-")
        .tempdir()?;
    let blender = Blender {
        runtimes,
        slots,
        memory_limit_bytes: None,
        kernel_dir,
        gpus: Watch::default(),
    };
    let mut rendered = Vec::new();
    for slot in &blender.slots {
        for runtime in &blender.runtimes {
            let mut launch = Launch::new(runtime.clone());
            launch.environment = blender.environment(slot.gpu.as_ref());
            launch.work_dir = Some(dir.path().to_owned());
            for can in wanted(slot.info.device) {
                rendered.push(Rendered {
                    slot: slot.info.slot,
                    runtime: runtime_info(runtime),
                    can,
                    result: picture(&launch, can, dir.path()).await,
                });
            }
        }
    }
    Ok(rendered)
}

fn wanted(device: Device) -> Vec<Capability> {
    match device {
        Device::Cpu => vec![Capability::CyclesCpu],
        Device::Hip => vec![Capability::CyclesHip],
        Device::Cuda | Device::Optix | Device::Unknown => {
            vec![Capability::CyclesCuda, Capability::CyclesOptix]
        }
    }
}

async fn picture(launch: &Launch, can: Capability, dir: &Path) -> Result<Duration, String> {
    let scene = dir.join("scene.blend");
    save_scene(&launch.runtime, &scene)?;
    let started = Session::start(launch).await;
    let mut session = started.map_err(|error| Chain(&error).to_string())?;
    let result = with(&mut session, can, &scene, &dir.join("picture.png")).await;
    session.stop().await;
    result
}

async fn with(
    session: &mut Session,
    can: Capability,
    scene: &Path,
    picture: &Path,
) -> Result<Duration, String> {
    let device = match can {
        Capability::CyclesCuda => talk::Device::Cuda,
        Capability::CyclesOptix => talk::Device::Optix,
        Capability::CyclesHip => talk::Device::Hip,
        Capability::CyclesCpu | Capability::Eevee | Capability::Unknown => talk::Device::Cpu,
    };
    let is_listed = session.ready().devices.iter().any(|it| it.kind == device);
    if device != talk::Device::Cpu && !is_listed {
        return Err("Blender finds no such device".into());
    }
    let settings = Settings {
        engine: Some(Engine::Cycles),
        format: Some(Format::Png),
        width: Some(SIDE),
        height: Some(SIDE),
        percentage: Some(100),
        samples: Some(SAMPLES),
        device: Some(device),
        ..Settings::default()
    };
    let open = Open {
        settings,
        ..Open::new(scene)
    };
    ask(session, Request::Open(open)).await?;
    let began = Instant::now();
    let path = picture.to_owned();
    ask(
        session,
        Request::Render(Render {
            id: 1,
            frame: 1,
            path,
        }),
    )
    .await?;
    let took = began.elapsed();
    let is_png = is_png(picture).map_err(|error| format!("there is no picture: {error}"))?;
    is_png
        .then_some(took)
        .ok_or_else(|| "what Blender wrote is no picture".into())
}

/// Asks and waits for the answer.
async fn ask(session: &mut Session, request: Request) -> Result<(), String> {
    let sent = session.send(request).await;
    sent.map_err(|error| error.to_string())?;
    loop {
        match session.next().await {
            Ok(Event::Opened { .. } | Event::Rendered(_)) => return Ok(()),
            Ok(Event::Failed(failure)) => return Err(failure.message),
            Ok(Event::Ready(_) | Event::Notice { .. } | Event::Progress(_)) => {}
            Err(error) => return Err(Chain(&error).to_string()),
        }
    }
}

fn save_scene(runtime: &Runtime, path: &Path) -> Result<(), String> {
    let mut command = Command::new(runtime.program());
    match runtime.kind {
        Kind::Module => command.args(["-I", "-c", SAVE]),
        Kind::Executable => command.args([
            "--background",
            "--factory-startup",
            "--python-expr",
            SAVE,
            "--",
        ]),
    };
    let saved = command.arg(path).stdin(Stdio::null()).output();
    let saved = saved.map_err(|error| format!("cannot run Blender: {error}"))?;
    if path.exists() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&saved.stderr);
    let last = said.lines().last().unwrap_or("nothing");
    Err(format!("Blender does not start: {last}"))
}

fn is_png(path: &Path) -> io::Result<bool> {
    let mut start = [0; 8];
    std::fs::File::open(path)?.read_exact(&mut start)?;
    Ok(&start == b"\x89PNG\r\n\x1a\n")
}

#[cfg(test)]
mod tests {
    use pictor_protocol::blender::Series;

    use super::*;

    #[test]
    fn a_way_that_fails_is_a_failure_unless_another_works_on_the_same_slot() {
        let good = || Ok(Duration::from_secs(1));
        let bad = || Err("no".to_owned());
        use Capability::{CyclesCuda, CyclesOptix};
        let rendered = [
            rendered(0, CyclesCuda, good()),
            rendered(0, CyclesOptix, bad()),
            rendered(1, CyclesCuda, bad()),
            rendered(1, CyclesOptix, bad()),
        ];
        use Outcome::{Failed, NotApplicable, Ok as Good, Warning};
        let rendered = Ok(rendered.to_vec());
        assert_eq!(outcomes(Some(&rendered)), [Good, Warning, Failed, Failed]);
        assert_eq!(outcomes(Some(&Ok(Vec::new()))), [Failed]);
        assert_eq!(outcomes(Some(&Err("no room".into()))), [Failed]);
        assert_eq!(outcomes(None), [NotApplicable]);
    }

    fn outcomes(rendered: Option<&Result<Vec<Rendered>, String>>) -> Vec<Outcome> {
        let checks = checks(rendered);
        checks.iter().map(|it| it.outcome).collect()
    }

    fn rendered(slot: u16, can: Capability, result: Result<Duration, String>) -> Rendered {
        Rendered {
            slot,
            runtime: RuntimeInfo {
                series: Series::new(4, 5),
                version: "4.5.15".into(),
            },
            can,
            result,
        }
    }
}
