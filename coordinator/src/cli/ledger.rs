//! `ledger`: the books, beside a running coordinator or without one.

use anyhow::ensure;
use clap::Subcommand;
use pictor_protocol::Micros;

use super::{note, say};
use crate::app::open_existing_store;
use crate::config::{Config, Flags};
use crate::ledger::audit::audit;

#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Read all of the books and say what is wrong with them: exit 0 if nothing is, 1 if something is
    Verify(Flags),
}

pub(super) async fn run(command: &LedgerCommand) -> anyhow::Result<()> {
    match command {
        LedgerCommand::Verify(flags) => verify(&Config::load(flags)?).await,
    }
}

async fn verify(config: &Config) -> anyhow::Result<()> {
    let store = open_existing_store(config).await?;
    let found = audit(&mut store.read().await?).await?;
    for book in &found.books {
        let minted = Micros::new(book.minted);
        let entries = book.entries;
        say(&format!(
            "{}: {entries} entries, {minted} minted",
            book.book
        ))?;
    }
    for fault in &found.faults {
        note(&format!("fault: {fault}"));
    }
    let faults = found.faults.len();
    ensure!(found.is_sound(), "the books have {faults} faults or more");
    say("the books are right")
}
