//! One file per command: ask the coordinator, do, tell.

mod download;
mod jobs;
mod login;
mod logs;
mod orders;
mod status;
mod submit;
mod workers;

use crate::api::{Api, Order};
use crate::cli::{Cli, Command, Global};
use crate::credentials::{self, CredentialsError, Stored};
use crate::failure::Failure;
use crate::ui::Ui;

pub async fn run(cli: Cli, ui: &Ui) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    let api = || connect(&global, ui);
    match command {
        Command::Login(args) => login::login(args, &global, ui).await,
        Command::Logout => login::logout(&global, ui),
        // A wrong file is known without anybody being asked.
        Command::Submit(args) => submit::submit(*args, api, ui).await,
        Command::Jobs(args) => jobs::jobs(&api()?, args, ui).await,
        Command::Status(args) => status::status(&api()?, args, ui).await,
        Command::Logs(args) => logs::logs(&api()?, args, ui).await,
        Command::Download(args) => download::download(&api()?, args, ui).await,
        Command::Pause(args) => orders::order(&api()?, args, Order::Pause, ui).await,
        Command::Resume(args) => orders::order(&api()?, args, Order::Resume, ui).await,
        Command::Cancel(args) => orders::order(&api()?, args, Order::Cancel, ui).await,
        Command::Retry(args) => orders::retry(&api()?, args, ui).await,
        Command::Approve(args) => orders::approve(&api()?, args, ui).await,
        Command::SendBack(args) => orders::send_back(&api()?, args, ui).await,
        Command::Delete(args) => orders::delete(&api()?, args, ui).await,
        Command::Workers => workers::workers(&api()?, ui).await,
    }
}

/// The coordinator that is meant, with this user's token for it.
fn connect(global: &Global, ui: &Ui) -> Result<Api, Failure> {
    let asked = asked_address(global)?;
    let token = std::env::var("PICTOR_TOKEN").ok().filter(|t| !t.is_empty());
    let stored = match (&asked, &token) {
        // Nothing is stored that matters, and there may be no home directory to look in.
        (Some(_), Some(_)) => Stored::default(),
        _ => load(ui)?,
    };
    Ok(Api::new(&stored.choose(asked, token)?)?)
}

fn asked_address(global: &Global) -> Result<Option<String>, CredentialsError> {
    let asked = global.coordinator.as_deref();
    // An empty variable is an unset one.
    let asked = asked.filter(|url| !url.is_empty());
    asked.map(credentials::address).transpose()
}

fn load(ui: &Ui) -> Result<Stored, CredentialsError> {
    let path = credentials::path()?;
    if credentials::is_readable_by_others(&path) {
        let path = path.display();
        ui.note(&format!(
            "warning: other users can read your tokens; run `chmod 600 {path}`"
        ));
    }
    Stored::load(&path)
}
