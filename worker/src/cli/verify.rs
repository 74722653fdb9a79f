//! `pictor-worker verify` and `health`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{ConfigFile, finish, print};
use crate::verify::{self, VerifyError};

#[derive(Debug, Args)]
pub struct Health {
    #[command(flatten)]
    config: ConfigFile,
    /// The coordinator itself has to say that the worker is online, too
    #[arg(long)]
    connected: bool,
    /// Look again for so long before giving up
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

pub fn verify(config: &Path) -> ExitCode {
    report(run(verify::verify(config)).map(|verified| {
        let warnings = verified.warnings.iter();
        let warnings: String = warnings.map(|it| format!("warning: {it}\n")).collect();
        let worker = &verified.registration.worker;
        format!(
            "{warnings}{} knows the worker {}, which is {}",
            verified.settings.coordinator,
            worker.name,
            verify::presence(worker.presence)
        )
    }))
}

pub fn health(health: &Health) -> ExitCode {
    let patience = Duration::from_secs(health.wait);
    let healthy = verify::health(&health.config.config, health.connected, patience);
    report(run(healthy).map(|()| {
        if health.connected {
            "the worker works, and its coordinator says that it is online".into()
        } else {
            "the worker works".into()
        }
    }))
}

fn run<T>(task: impl Future<Output = Result<T, VerifyError>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    Ok(runtime.block_on(task)?)
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
    #[error("cannot print")]
    Print(#[source] std::io::Error),
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

fn report(result: Result<String, Failure>) -> ExitCode {
    let printed = result.and_then(|text| print(&text).map_err(Failure::Print));
    finish(printed.map_err(|failure| {
        let code = match &failure {
            Failure::Runtime(_) | Failure::Print(_) => 1,
            Failure::Verify(error) => error.exit_code(),
        };
        (failure, code)
    }))
}
