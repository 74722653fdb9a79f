//! A renderer that writes a few bytes for a picture, and waits, dies or fails at the frames that a test
//! names. For tests of everything around Blender; Blender itself has tests of its own.

use std::sync::{Arc, Mutex};

use pictor_protocol::agent::{Capability, RenderFault, RuntimeInfo};
use pictor_protocol::blender::Series;
use pictor_worker::agent::{Found, SessionEvent};
use pictor_worker::driver::{
    ChallengeTask, Frame, ProbeTask, Renderer, SessionEnd, SessionOrder, SessionTask,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Default)]
pub struct FakeBlender(Arc<Script>);

#[derive(Default)]
struct Script {
    /// Frames that wait until they are let go.
    held: Mutex<Vec<i32>>,
    gate: Gate,
    /// Frames at which the process dies.
    deadly: Mutex<Vec<i32>>,
    rendered: Mutex<Vec<i32>>,
    /// What its probes find; Cycles on the CPU unless a test says otherwise.
    proves: Mutex<Option<Found>>,
    /// Probes wait until they are let go.
    holds_probes: Mutex<bool>,
    probed: Mutex<usize>,
    opened: Mutex<usize>,
    installed: Mutex<Vec<Series>>,
}

struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl FakeBlender {
    pub fn hold(&self, frame: i32) {
        self.0.held.lock().unwrap().push(frame);
    }

    /// Lets one held frame go.
    pub fn let_go(&self) {
        self.0.gate.0.add_permits(1);
    }

    pub fn die_at(&self, frame: i32) {
        self.0.deadly.lock().unwrap().push(frame);
    }

    pub fn prove(&self, found: Found) {
        *self.0.proves.lock().unwrap() = Some(found);
    }

    pub fn hold_probes(&self) {
        *self.0.holds_probes.lock().unwrap() = true;
    }

    pub fn probed(&self) -> usize {
        *self.0.probed.lock().unwrap()
    }

    /// Every frame that was written, in order.
    pub fn rendered(&self) -> Vec<i32> {
        self.0.rendered.lock().unwrap().clone()
    }

    pub fn opened(&self) -> usize {
        *self.0.opened.lock().unwrap()
    }

    pub fn installed(&self) -> Vec<Series> {
        self.0.installed.lock().unwrap().clone()
    }

    async fn render(&self, frame: &Frame, task: &SessionTask) -> Option<SessionEnd> {
        task.said
            .event(SessionEvent::Logged(format!("Fra:{}\n", frame.frame)))
            .await;
        if self.0.held.lock().unwrap().contains(&frame.frame) {
            self.0.gate.0.acquire().await.unwrap().forget();
        }
        if self.0.deadly.lock().unwrap().contains(&frame.frame) {
            return Some(end(RenderFault::Crashed, "Segmentation fault"));
        }
        std::fs::create_dir_all(&task.dir).unwrap();
        std::fs::write(&frame.path, format!("picture of {:?}", frame.attempt)).unwrap();
        self.0.rendered.lock().unwrap().push(frame.frame);
        task.said
            .event(SessionEvent::Rendered {
                render_ms: 1,
                memory_bytes: None,
                energy_millijoules: None,
            })
            .await;
        None
    }

    async fn live(&self, task: &mut SessionTask) -> SessionEnd {
        task.said.event(SessionEvent::Ready).await;
        while let Some(order) = task.orders.recv().await {
            match order {
                SessionOrder::Open { path, .. } => {
                    assert!(path.exists(), "{}", path.display());
                    *self.0.opened.lock().unwrap() += 1;
                    task.said.event(SessionEvent::Opened).await;
                }
                SessionOrder::Render(frame) => {
                    if let Some(end) = self.render(&frame, task).await {
                        return end;
                    }
                }
            }
        }
        end(RenderFault::Other, "no more orders")
    }
}

impl Renderer for FakeBlender {
    async fn run(&self, mut task: SessionTask) -> SessionEnd {
        let stop = task.stop.clone();
        let stopped = end(RenderFault::Other, "stopped");
        stop.run_until_cancelled(self.live(&mut task))
            .await
            .unwrap_or(stopped)
    }

    async fn probe(&self, task: ProbeTask) -> Option<Found> {
        *self.0.probed.lock().unwrap() += 1;
        let is_held = *self.0.holds_probes.lock().unwrap();
        if is_held {
            let let_go = task.stop.run_until_cancelled(self.0.gate.0.acquire());
            let_go.await?.unwrap().forget();
        }
        let found = self.0.proves.lock().unwrap().clone();
        Some(found.unwrap_or_else(|| Found {
            can: vec![Capability::CyclesCpu],
            score: Some(1.0),
            does_not_start: false,
        }))
    }

    async fn answer(&self, task: ChallengeTask) -> Result<Vec<u8>, String> {
        task.ready.send(()).ok();
        let what = task.begins.await.map_err(|_| "not begun".to_owned())?;
        Ok(format!("picture with noise {}", what.stage.noise).into_bytes())
    }

    async fn install(
        &self,
        series: Series,
        _stop: CancellationToken,
    ) -> Option<Result<RuntimeInfo, String>> {
        self.0.installed.lock().unwrap().push(series);
        let version = format!("{series}.0");
        Some(Ok(RuntimeInfo { series, version }))
    }
}

fn end(fault: RenderFault, message: &str) -> SessionEnd {
    SessionEnd {
        fault,
        message: message.to_owned(),
    }
}
