//! The requests that the agent asked for, each a task that tells the agent how it went.

use std::sync::Arc;
use std::time::Duration;

use pictor_protocol::BlobHash;
use pictor_protocol::agent::{
    AskForCommands, AskForWork, Command, Hello, Report, SceneManifest, Work,
};
use tokio::time::Instant;

use super::line::{Failed, Line, random};
use crate::agent::{Event, SlotId};
use crate::backoff::Backoff;
use crate::gpu::{Look, Watch};
use crate::scenes::{FetchError, Scenes};

/// A coordinator that does not hold requests is not asked more often than this.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn greet(line: Line, hello: Hello) {
    let mut backoff = Backoff::default();
    loop {
        match line
            .until_answered(|| line.coordinator().hello(&hello))
            .await
        {
            Some(welcome) => return line.tell(Event::Welcomed(welcome)).await,
            // It wants a hello and gets one; something in between is confused.
            None => line.pause(&mut backoff).await,
        }
    }
}

pub(super) async fn ask(line: Line, slot: SlotId, open: Option<BlobHash>, cached: Vec<BlobHash>) {
    let began = Instant::now();
    let work = || {
        let ask = AskForWork {
            instance: line.instance(),
            slot,
            open,
            cached: cached.clone(),
            hold_ms: Some(line.hold_ms()),
        };
        let line = &line;
        async move { line.coordinator().work(&ask).await }
    };
    let answer = line.until_answered(work).await;
    let Work { lease, commands } = answer.unwrap_or_default();
    let event = match lease {
        Some(lease) => Event::Leased {
            slot,
            lease: Box::new(lease),
        },
        None => Event::NothingYet { slot },
    };
    let is_empty = commands.is_empty() && matches!(event, Event::NothingYet { .. });
    line.tell_commands(commands).await;
    if is_empty {
        tokio::time::sleep_until(began + ASK_INTERVAL).await;
    }
    line.tell(event).await;
}

pub(super) async fn listen(line: Line) {
    let began = Instant::now();
    let listen = || {
        let ask = AskForCommands {
            instance: line.instance(),
            hold_ms: Some(line.hold_ms()),
        };
        let line = &line;
        async move { line.coordinator().commands(&ask).await }
    };
    let answer = line.until_answered(listen).await;
    let commands: Vec<Command> = answer.unwrap_or_default().commands;
    let pause = line.pause_after(&commands);
    if commands.is_empty() {
        tokio::time::sleep_until(began + ASK_INTERVAL).await;
    }
    line.tell_commands(commands).await;
    tokio::time::sleep(pause).await;
    line.tell(Event::CommandsAnswered).await;
}

/// One try: what failed goes out again as part of the next report, with new readings.
pub(super) async fn report(line: Line, gpus: Watch, mut report: Report) {
    let Look { telemetry, losses } = gpus.look().await;
    for loss in losses {
        line.tell(loss.into()).await;
    }
    report.telemetry = telemetry;
    let answer = line.coordinator().report(&report).await;
    let event = match line.answer(answer).await {
        Ok(answer) => {
            line.report_backoff().reset();
            Event::ReportAnswered(answer)
        }
        Err(Failed::HelloFirst) => Event::ReportFailed {
            retry_in: Duration::ZERO,
        },
        Err(Failed::Retry) => {
            let retry_in = line.report_backoff().next(random());
            Event::ReportFailed { retry_in }
        }
    };
    line.tell(event).await;
}

/// Fetches until the scene is whole or can never be.
pub(super) async fn fetch(line: Line, scenes: Arc<Scenes>, scene: Arc<SceneManifest>) {
    let content = scene.content;
    let mut backoff = Backoff::default();
    loop {
        let event = match scenes.fetch(&scene, line.coordinator()).await {
            Ok(()) => Event::SceneReady { content },
            Err(FetchError::Call(error)) => {
                // Whatever it is, it is no fault of the scene.
                line.answer::<()>(Err(error)).await.ok();
                line.pause(&mut backoff).await;
                continue;
            }
            Err(error) => Event::SceneFailed {
                content,
                message: error.to_string(),
            },
        };
        return line.tell(event).await;
    }
}
