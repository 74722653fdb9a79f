//! The product's renderer: orders of the driver become requests to one live Blender, and what Blender
//! says becomes events.
//!
//! Owns the translation between the wire's words and those of [`crate::blender`], what a slot's Blender is
//! started with, and between a probe and the session that follows it the Blender that did the probe. Knows nothing of leases or the network.

mod challenging;
mod installing;
mod probing;
mod translate;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use pictor_protocol::agent::{Capability, RenderFault, RuntimeInfo};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::agent::{Found, SessionEvent, SlotId};
use crate::blender::runtime::{Runtime, Series};
use crate::blender::talk::{Device, Event, Failure, Open, Render, Rendered, Request, SceneFacts};
use crate::blender::{Launch, Session};
use crate::driver::{
    ChallengeTask, Frame, ProbeTask, Renderer, Said, SessionEnd, SessionOrder, SessionTask,
};
use crate::gpu::Watch;
use crate::machine::{GpuPin, SlotHardware};
use crate::probe::Proofs;
pub use installing::Installer;
pub(crate) use translate::{session_error, start_error};

/// Blender, as installed on this machine.
#[derive(Debug)]
pub struct Blender {
    /// One for each series; grows when one is installed.
    runtimes: RwLock<Vec<Runtime>>,
    installer: Option<Installer>,
    pub slots: Vec<SlotHardware>,
    /// For each slot's Blender.
    pub memory_limit_bytes: Option<u64>,
    /// Compiled kernels take minutes; they outlive the process.
    pub kernel_dir: PathBuf,
    /// Says what a frame used.
    gpus: Watch,
    /// Where results of probes are kept.
    proofs: Option<Proofs>,
    kept: Mutex<HashMap<SlotId, Kept>>,
}

/// The Blender of a good probe, until the slot's next session.
#[derive(Debug)]
struct Kept {
    runtime: Series,
    session: Session,
}

impl Renderer for Blender {
    async fn run(&self, mut task: SessionTask) -> SessionEnd {
        let started = task.stop.run_until_cancelled(self.start(&task)).await;
        let session = match started {
            None => return stopped(),
            Some(Err(end)) => return end,
            Some(Ok(session)) => session,
        };
        let meter = Meter {
            gpus: self.gpus.clone(),
            slot: task.slot,
            before: None,
        };
        let mut live = match Live::new(session, &task.can, task.said.clone(), meter) {
            Ok(live) => live,
            Err(end) => return end,
        };
        let work = live.work(&mut task.orders);
        match task.stop.run_until_cancelled(work).await {
            Some(end) => end,
            None => {
                live.session.stop().await;
                stopped()
            }
        }
    }

    async fn probe(&self, task: ProbeTask) -> Option<Found> {
        let stop = task.stop.clone();
        stop.run_until_cancelled(self.find_out(task)).await
    }

    async fn answer(&self, task: ChallengeTask) -> Result<Vec<u8>, String> {
        self.answer_now(task).await
    }

    async fn install(
        &self,
        series: Series,
        stop: CancellationToken,
    ) -> Option<Result<RuntimeInfo, String>> {
        let installed = stop.run_until_cancelled(self.install_now(series)).await?;
        Some(installed.map_err(|failed| failed.to_string()))
    }
}

impl Blender {
    pub fn new(
        runtimes: Vec<Runtime>,
        slots: Vec<SlotHardware>,
        memory_limit_bytes: Option<u64>,
        kernel_dir: PathBuf,
    ) -> Self {
        Self {
            runtimes: RwLock::new(runtimes),
            installer: None,
            slots,
            memory_limit_bytes,
            kernel_dir,
            gpus: Watch::default(),
            proofs: None,
            kept: Mutex::default(),
        }
    }

    /// Says what frames used, as far as the slots' GPUs tell.
    pub fn watching(self, gpus: Watch) -> Self {
        Self { gpus, ..self }
    }

    /// Keeps what its probes prove.
    pub fn keeping(self, proofs: Proofs) -> Self {
        Self {
            proofs: Some(proofs),
            ..self
        }
    }

    /// The Blender that has just proven this runtime, or a new one.
    async fn start(&self, task: &SessionTask) -> Result<Session, SessionEnd> {
        std::fs::create_dir_all(&task.dir).map_err(|error| no_directory(&error))?;
        if let Some(kept) = self.take_kept(task.slot) {
            if kept.runtime == task.runtime {
                return Ok(kept.session);
            }
            kept.session.stop().await;
        }
        let runtime = self.runtime(task.runtime)?;
        let launch = self.launch(task.slot, &runtime, &task.dir);
        let started = Session::start(&launch).await;
        started.map_err(|error| translate::start_error(&error))
    }

    pub(crate) fn runtimes(&self) -> Vec<Runtime> {
        let runtimes = self.runtimes.read().unwrap_or_else(PoisonError::into_inner);
        runtimes.clone()
    }

    fn runtime(&self, series: Series) -> Result<Runtime, SessionEnd> {
        let found = self.runtimes().into_iter().find(|it| it.series == series);
        found.ok_or_else(|| other(format!("Blender {series} is not installed")))
    }

    /// How a Blender is started on a slot. It has its temporary files in `dir`, which is emptied at the next
    /// start of the worker: one that is killed leaves nothing behind.
    pub(crate) fn launch(&self, slot: SlotId, runtime: &Runtime, dir: &Path) -> Launch {
        let mut launch = Launch::new(runtime.clone());
        launch.work_dir = Some(dir.to_owned());
        launch.memory_limit_bytes = self.memory_limit_bytes;
        launch.environment = self.environment(self.gpu(slot));
        launch
    }

    fn take_kept(&self, slot: SlotId) -> Option<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&slot)
    }

    fn gpu(&self, slot: SlotId) -> Option<&GpuPin> {
        let slot = self.slots.get(usize::from(slot))?;
        slot.gpu.as_ref()
    }

    /// What pins a Blender to a slot's GPU, and where it keeps compiled kernels.
    pub(crate) fn environment(&self, gpu: Option<&GpuPin>) -> Vec<(OsString, OsString)> {
        let kernels = |name: &str| self.kernel_dir.join(name).into_os_string();
        let mut environment = vec![
            (
                "XDG_CACHE_HOME".into(),
                self.kernel_dir.clone().into_os_string(),
            ),
            ("CUDA_CACHE_PATH".into(), kernels("cuda")),
            ("OPTIX_CACHE_PATH".into(), kernels("optix")),
        ];
        if let Some(gpu) = gpu {
            // Otherwise the fastest is number 0.
            environment.push(("CUDA_DEVICE_ORDER".into(), "PCI_BUS_ID".into()));
            environment.push(("CUDA_VISIBLE_DEVICES".into(), gpu.to_string().into()));
        }
        environment
    }
}

/// As the coordinator is told of it.
pub fn runtime_info(runtime: &Runtime) -> RuntimeInfo {
    RuntimeInfo {
        series: runtime.series,
        version: runtime.version.clone(),
    }
}

/// A Blender that runs, and what it was asked for last.
struct Live {
    session: Session,
    /// What Cycles renders on; nothing where only EEVEE is proven.
    device: Option<Device>,
    said: Said,
    /// The frame that it renders; none while it opens a scene or does nothing.
    frame: Option<Frame>,
    meter: Meter,
    renders: u64,
    /// Bytes of its log that were passed on.
    logged: u64,
}

impl Live {
    fn new(
        session: Session,
        can: &[Capability],
        said: Said,
        meter: Meter,
    ) -> Result<Self, SessionEnd> {
        let device = translate::device(session.ready(), can).map_err(|gone| SessionEnd {
            fault: RenderFault::DeviceMissing,
            message: gone.to_string(),
        })?;
        Ok(Self {
            // What a probe has printed is no frame's.
            logged: session.log().end(),
            session,
            device,
            said,
            frame: None,
            meter,
            renders: 0,
        })
    }

    /// Works until Blender is gone.
    async fn work(&mut self, orders: &mut mpsc::UnboundedReceiver<SessionOrder>) -> SessionEnd {
        self.said.event(SessionEvent::Ready).await;
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    // What became of a Blender that takes no request is the next thing it says.
                    Some(order) => drop(self.ask(order).await),
                    None => return stopped(),
                },
                said = self.session.next() => {
                    self.pass_on_log().await;
                    match said {
                        Ok(event) => self.pass_on(event).await,
                        Err(error) => return translate::session_error(&error),
                    }
                }
            }
        }
    }

    async fn ask(&mut self, order: SessionOrder) -> io::Result<()> {
        let request = match order {
            SessionOrder::Open { path, order } => {
                self.frame = None;
                let settings = translate::settings(&order, self.device);
                Request::Open(Open {
                    settings,
                    ..Open::new(path)
                })
            }
            SessionOrder::Render(frame) => {
                self.renders += 1;
                let request = Render {
                    id: self.renders,
                    frame: frame.frame,
                    path: frame.path.clone(),
                };
                self.frame = Some(frame);
                self.meter.start().await;
                Request::Render(request)
            }
        };
        self.session.send(request).await
    }

    async fn pass_on_log(&mut self) {
        let end = self.session.log().end();
        if end > self.logged {
            let chunk = self.session.log().since(self.logged);
            self.logged = end;
            self.said.event(SessionEvent::Logged(chunk.text)).await;
        }
    }

    async fn pass_on(&mut self, event: Event) {
        match event {
            Event::Ready(_) => {}
            Event::Notice { message } => self.remark(&message).await,
            Event::Opened { scene } => {
                for remark in translate::remarks(&scene) {
                    self.remark(&remark).await;
                }
                let opened = self.opened(&scene);
                self.said.event(opened).await;
            }
            Event::Progress(progress) => {
                if let Some(fraction) = progress.fraction {
                    self.said.event(SessionEvent::Progressed { fraction }).await;
                }
            }
            Event::Rendered(rendered) => {
                let energy_millijoules = self.meter.used().await;
                let event = self.rendered(&rendered, energy_millijoules);
                self.said.event(event).await;
            }
            Event::Failed(failure) => {
                let event = self.failed(failure);
                self.said.event(event).await;
            }
        }
    }

    /// Cycles without a device would quietly render on the CPU.
    fn opened(&self, scene: &SceneFacts) -> SessionEvent {
        if self.device.is_none() && scene.engine == "CYCLES" {
            return SessionEvent::OpenFailed {
                fault: RenderFault::DeviceMissing,
                message: "on this slot Cycles did not pass its probe renders".into(),
            };
        }
        SessionEvent::Opened
    }

    /// A line of ours in the frame's log.
    async fn remark(&self, remark: &str) {
        self.said
            .event(SessionEvent::Logged(format!("pictor: {remark}\n")))
            .await;
    }

    fn rendered(&mut self, rendered: &Rendered, energy_millijoules: Option<u64>) -> SessionEvent {
        let frame = self.frame.take();
        let is_there = |frame: Frame| rendered.paths.contains(&frame.path);
        if frame.is_some_and(is_there) {
            return SessionEvent::Rendered {
                render_ms: i64::try_from(rendered.render_ms).unwrap_or(i64::MAX),
                memory_bytes: Some(rendered.peak_memory_bytes),
                energy_millijoules,
            };
        }
        SessionEvent::FrameFailed {
            fault: RenderFault::Other,
            message: "the scene renders one picture for each eye; only one picture for each frame \
                      can be handed in: turn Stereoscopy off"
                .into(),
        }
    }

    fn failed(&mut self, Failure { kind, message, .. }: Failure) -> SessionEvent {
        let fault = translate::fault(kind);
        match self.frame.take() {
            Some(_) => SessionEvent::FrameFailed { fault, message },
            None => SessionEvent::OpenFailed { fault, message },
        }
    }
}

/// What a frame uses, by the meter of the slot's GPU: everything that the GPU did meanwhile.
struct Meter {
    gpus: Watch,
    slot: SlotId,
    before: Option<u64>,
}

impl Meter {
    async fn start(&mut self) {
        self.before = self.gpus.energy_millijoules(self.slot).await;
    }

    async fn used(&mut self) -> Option<u64> {
        let before = self.before.take()?;
        let now = self.gpus.energy_millijoules(self.slot).await?;
        // The meter starts anew when the driver is loaded anew.
        now.checked_sub(before)
    }
}

fn stopped() -> SessionEnd {
    other("stopped".into())
}

fn no_directory(error: &io::Error) -> SessionEnd {
    other(format!("there is no directory to render into: {error}"))
}

fn other(message: String) -> SessionEnd {
    SessionEnd {
        fault: RenderFault::Other,
        message,
    }
}
