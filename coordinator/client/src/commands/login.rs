//! `pictor login` and `pictor logout`.

use std::io::{self, IsTerminal};

use serde_json::json;

use super::asked_address;
use crate::api::Api;
use crate::cli::{Global, Login};
use crate::credentials::{self, Coordinator, Stored};
use crate::failure::Failure;
use crate::ui::Ui;

/// A token is kept only after the coordinator has said whose it is.
pub async fn login(args: Login, global: &Global, ui: &Ui) -> Result<(), Failure> {
    let path = credentials::path()?;
    let mut stored = Stored::load(&path)?;
    let named = match args.url.as_deref().map(credentials::address) {
        Some(url) => Some(url?),
        None => asked_address(global)?,
    };
    let Some(url) = stored.address(named) else {
        return Err(Failure::Usage(
            "give the coordinator's address: pictor login URL".into(),
        ));
    };
    if credentials::is_exposed(&url) {
        ui.note("warning: without https your token and your scenes can be read on the way");
    }
    let token = match args.token.filter(|token| !token.is_empty()) {
        Some(token) => token,
        None => ask_for_token(&url)?,
    };
    let coordinator = Coordinator::new(url, token)?;
    let me = Api::new(&coordinator)?.me().await?;
    let url = coordinator.url.clone();
    stored.sign_in(coordinator);
    stored.save(&path)?;
    ui.answer(&json!({ "coordinator": url, "me": me }), || {
        format!("signed in to {url} as {}", me.name)
    })
}

pub fn logout(global: &Global, ui: &Ui) -> Result<(), Failure> {
    let path = credentials::path()?;
    let mut stored = Stored::load(&path)?;
    let url = stored.sign_out(asked_address(global)?)?;
    stored.save(&path)?;
    ui.answer(&json!({ "coordinator": url }), || {
        format!("signed out of {url}")
    })
}

/// Typed unseen at a terminal, else the first line of standard input.
fn ask_for_token(url: &str) -> Result<String, Failure> {
    let token = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("access token for {url}: "))
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    };
    let token = token.map_err(|source| Failure::ReadToken { source })?;
    if token.trim().is_empty() {
        return Err(Failure::Usage(
            "no token was given; mint one on the coordinator's page or with `pictor-coordinator token create`".into(),
        ));
    }
    Ok(token)
}
