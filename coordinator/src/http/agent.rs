//! The worker's side of the conversation; see [`pictor_protocol::agent`].

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use pictor_protocol::agent::{
    AskForCommands, AskForWork, Commands, Hello, PROTOCOL, Registration, Report, ReportAnswer,
    Welcome, Work,
};
use pictor_protocol::problem::{Problem, ProblemKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Agent, TokenOf, unknown_worker};
use super::extract;
use super::problem::{Refused, Result};
use crate::app::App;
use crate::dispatch::{hand_out, report};
use crate::store;
use crate::workers::beside::Beside;
use crate::workers::{self, hello};

mod blobs;
mod challenges;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(say_hello))
        .routes(routes!(registration))
        .routes(routes!(ask_for_work))
        .routes(routes!(send_report))
        .routes(routes!(ask_for_commands))
        .merge(blobs::routes())
        .merge(challenges::routes())
}

/// Say who the worker is and what it can do
#[utoipa::path(post, path = "/agent/v1/hello", tag = "agent", request_body = Hello,
    responses((status = 200, body = Welcome), (status = "4XX", body = Problem)))]
async fn say_hello(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    extract::Json(hello): extract::Json<Hello>,
) -> Result<Json<Welcome>> {
    if hello.protocol < PROTOCOL {
        hello::turn_away(&app, &worker, &hello.version).await?;
        let why = format!("this coordinator speaks protocol {PROTOCOL}: update the worker");
        return Err(Refused::new(ProblemKind::WorkerTooOld, why));
    }
    hello::welcome(&app, &worker, hello).await?;
    Ok(Json(Welcome {
        worker: worker.id,
        name: worker.name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        report_interval_ms: app.config.report_interval.as_millis() as u32,
        hold_ms: app.config.hold.as_millis() as u32,
        lease_ttl_ms: app.config.lease_ttl.as_millis() as u32,
        output_bytes_max: app.config.output_bytes_max,
        commands: report::commands(&app, worker.id).await?,
    }))
}

/// How the coordinator knows this worker; asking is no sign of life
#[utoipa::path(get, path = "/agent/v1/registration", tag = "agent",
    responses((status = 200, body = Registration), (status = "4XX", body = Problem)))]
async fn registration(
    State(app): State<Arc<App>>,
    TokenOf(worker): TokenOf,
) -> Result<Json<Registration>> {
    let mut tx = app.store.read().await?;
    let beside = Beside::of_owner(&app, &mut tx, worker.owner_id, &[worker.id]).await?;
    Ok(Json(Registration {
        worker: workers::view(&app, worker, &beside),
        now_ms: app.now_us() / 1_000,
        version: env!("CARGO_PKG_VERSION").into(),
    }))
}

/// Ask for frames for one slot; held until there are some
#[utoipa::path(post, path = "/agent/v1/work", tag = "agent", request_body = AskForWork,
    responses((status = 200, body = Work), (status = "4XX", body = Problem)))]
async fn ask_for_work(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    extract::Json(ask): extract::Json<AskForWork>,
) -> Result<Json<Work>> {
    known_instance(&worker.instance, ask.instance)?;
    Ok(Json(hand_out::work(&app, &worker, &ask).await?))
}

/// Report outputs, failures, progress and logs; renews leases
#[utoipa::path(post, path = "/agent/v1/report", tag = "agent", request_body = Report,
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn send_report(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    extract::Json(report): extract::Json<Report>,
) -> Result<Json<ReportAnswer>> {
    known_instance(&worker.instance, report.instance)?;
    Ok(Json(report::report(&app, &worker, &report).await?))
}

/// Wait for commands
#[utoipa::path(post, path = "/agent/v1/commands", tag = "agent", request_body = AskForCommands,
    responses((status = 200, body = Commands), (status = "4XX", body = Problem)))]
async fn ask_for_commands(
    State(app): State<Arc<App>>,
    Agent(worker): Agent,
    extract::Json(ask): extract::Json<AskForCommands>,
) -> Result<Json<Commands>> {
    known_instance(&worker.instance, ask.instance)?;
    let hold = ask.hold_ms.map_or(app.config.hold, |ms| {
        Duration::from_millis(ms.into()).min(app.config.hold)
    });
    let deadline = tokio::time::Instant::now() + hold;
    let mut bell = app.bells.commands.listen(worker.id);
    loop {
        let commands = report::commands(&app, worker.id).await?;
        // Its token may have been taken from it since it asked.
        let mut tx = app.store.read().await?;
        let known = store::workers::agent_by_token(&mut tx, &worker.token_hash).await?;
        drop(tx);
        known.ok_or_else(unknown_worker)?;
        if !commands.is_empty() {
            return Ok(Json(Commands { commands }));
        }
        tokio::select! {
            () = bell.heard() => {}
            () = tokio::time::sleep_until(deadline) => return Ok(Json(Commands::default())),
            () = app.stopping.cancelled() => return Ok(Json(Commands::default())),
        }
    }
}

/// Two starts of one worker must not speak in turns: the later hello wins.
fn known_instance(known: &Option<String>, instance: uuid::Uuid) -> Result<()> {
    if known.as_deref() == Some(instance.to_string().as_str()) {
        return Ok(());
    }
    Err(Refused::new(
        ProblemKind::HelloFirst,
        "this start of the worker has not said hello, or a later one has",
    ))
}
