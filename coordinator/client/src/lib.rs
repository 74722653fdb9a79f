//! `pictor`, the creator's command line of a Pictor render network.
//!
//! It knows the public API and nothing else: whatever it does, a script can do with the same requests.
//!
//! | module | owns |
//! |---|---|
//! | [`cli`] | what can be typed |
//! | `commands` | one file per command: ask, do, tell |
//! | [`failure`] | what can go wrong, and the exit code of each |
//! | [`credentials`] | coordinators that this user is signed in to |
//! | [`api`] | requests, repeated requests, live events |
//! | `scene_file`, `upload` | from a file on this disk to a blob at the coordinator |
//! | `follow`, `download` | from a job's events to finished frames on this disk |
//! | `ui` | words, tables, progress |

pub mod api;
pub mod cli;
mod commands;
pub mod credentials;
mod download;
pub mod failure;
mod follow;
mod job_ref;
mod scene_file;
mod ui;
mod upload;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::ui::Ui;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::for_this_process(cli.global.json);
    let result = run(cli, &ui);
    let code = failure::exit_code(&result);
    if let Err(failure) = &result {
        ui.failure(failure, code);
    }
    ExitCode::from(code)
}

/// One thread is enough: the work is waiting for the network and for the disk.
fn run(cli: Cli, ui: &Ui) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Start { source })?
        .block_on(commands::run(cli, ui))
}
