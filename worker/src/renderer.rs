//! The product's renderer: orders of the driver become requests to one live Blender, and what Blender
//! says becomes events.
//!
//! Owns the translation between the wire's words and those of [`crate::blender`], and what a slot's
//! Blender is started with. Knows nothing of leases or the network.

mod translate;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use pictor_protocol::agent::{RenderFault, RuntimeInfo};
use tokio::sync::mpsc;

use crate::agent::{SessionEvent, SlotId};
use crate::blender::runtime::Runtime;
use crate::blender::talk::{Device, Event, Failure, Open, Render, Rendered, Request};
use crate::blender::{Launch, Session};
use crate::driver::{Frame, Renderer, Said, SessionEnd, SessionOrder, SessionTask};
use crate::gpu::Watch;
use crate::machine::{GpuPin, SlotHardware};

/// Blender, as installed on this machine.
#[derive(Debug)]
pub struct Blender {
    /// One for each series.
    pub runtimes: Vec<Runtime>,
    pub slots: Vec<SlotHardware>,
    /// For each slot's Blender.
    pub memory_limit_bytes: Option<u64>,
    /// Compiled kernels take minutes; they outlive the process.
    pub kernel_dir: PathBuf,
    /// Says what a frame used.
    pub gpus: Watch,
}

impl Renderer for Blender {
    async fn run(&self, mut task: SessionTask) -> SessionEnd {
        let launch = match self.launch(&task) {
            Ok(launch) => launch,
            Err(end) => return end,
        };
        let started = task.stop.run_until_cancelled(Session::start(&launch)).await;
        let session = match started {
            None => return stopped(),
            Some(Err(error)) => return translate::start_error(&error),
            Some(Ok(session)) => session,
        };
        let meter = Meter {
            gpus: self.gpus.clone(),
            slot: task.slot,
            before: None,
        };
        let has_gpu = self.gpu(&task).is_some();
        let mut live = match Live::new(session, has_gpu, task.said.clone(), meter) {
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
}

impl Blender {
    fn launch(&self, task: &SessionTask) -> Result<Launch, SessionEnd> {
        let is_wanted = |runtime: &&Runtime| runtime.series == task.runtime;
        let runtime = self.runtimes.iter().find(is_wanted);
        let missing = || other(format!("Blender {} is not installed", task.runtime));
        let mut launch = Launch::new(runtime.ok_or_else(missing)?.clone());
        std::fs::create_dir_all(&task.dir).map_err(|error| no_directory(&error))?;
        // Emptied at the next start: a killed worker leaves nothing behind.
        launch.work_dir = Some(task.dir.clone());
        launch.memory_limit_bytes = self.memory_limit_bytes;
        launch.environment = self.environment(self.gpu(task));
        Ok(launch)
    }

    fn gpu(&self, task: &SessionTask) -> Option<&GpuPin> {
        self.slots
            .get(usize::from(task.slot))
            .and_then(|slot| slot.gpu.as_ref())
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
    device: Device,
    said: Said,
    /// The frame that it renders; none while it opens a scene or does nothing.
    frame: Option<Frame>,
    meter: Meter,
    renders: u64,
    /// Bytes of its log that were passed on.
    logged: u64,
}

impl Live {
    fn new(session: Session, has_gpu: bool, said: Said, meter: Meter) -> Result<Self, SessionEnd> {
        let device = translate::device(session.ready(), has_gpu).ok_or_else(|| SessionEnd {
            fault: RenderFault::DeviceMissing,
            message: "Blender finds no GPU that it can use".into(),
        })?;
        Ok(Self {
            session,
            device,
            said,
            frame: None,
            meter,
            renders: 0,
            logged: 0,
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
                self.said.event(SessionEvent::Opened).await;
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
