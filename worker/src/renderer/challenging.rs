//! A presence challenge, rendered: everything that takes time before its stage is told, then the stage.

use pictor_protocol::challenge::{Challenge, HEIGHT, Stage, WIDTH};

use super::{Blender, session_error, start_error, translate};
use crate::blender::Session;
use crate::blender::talk::{Device, Engine, Format, Render, Request, Settings};
use crate::driver::ChallengeTask;
use crate::probe;

/// Of what is rendered to get ready: kernels, allocations and the geometry are there after it.
const READY_SAMPLES: u32 = 1;

impl Blender {
    /// The picture that answers a challenge, or why there is none.
    pub(super) async fn answer_now(&self, task: ChallengeTask) -> Result<Vec<u8>, String> {
        let order = &task.order;
        let runtime = self.runtime(order.runtime).map_err(|end| end.message)?;
        let launch = self.launch(task.slot, &runtime, &task.dir);
        let session = Session::start(&launch).await;
        let mut session = session.map_err(|error| start_error(&error).message)?;
        let device = translate::device(session.ready(), &order.can);
        let device = device.map_err(|gone| gone.to_string())?;
        let picture = task.dir.join(format!("challenge-{}.png", order.challenge));
        let ready = Challenge {
            stage: Stage::default(),
            samples: READY_SAMPLES,
            answer_within_ms: 0,
        };
        let render = |id| Render {
            id,
            frame: 1,
            path: picture.clone(),
        };
        ask(&mut session, &ready, device, render(1)).await?;
        task.ready.send(()).ok();
        let what = task.begins.await;
        let what = what.map_err(|_| "it was not begun".to_owned())?;
        let rendered = ask(&mut session, &what, device, render(2)).await;
        let bytes = std::fs::read(&picture);
        std::fs::remove_file(&picture).ok();
        rendered?;
        bytes.map_err(|error| format!("there is no picture: {error}"))
    }
}

async fn ask(
    session: &mut Session,
    what: &Challenge,
    device: Option<Device>,
    render: Render,
) -> Result<(), String> {
    let open = Request::OpenBuiltin {
        settings: Settings {
            engine: Some(Engine::Cycles),
            format: Some(Format::Png),
            width: Some(WIDTH),
            height: Some(HEIGHT),
            samples: Some(what.samples),
            device,
            ..Settings::default()
        },
        stage: Some(what.stage.clone()),
    };
    let answered = probe::ask(session, [open, Request::Render(render)]).await;
    answered
        .map_err(|error| session_error(&error).message)?
        .map(drop)
}
