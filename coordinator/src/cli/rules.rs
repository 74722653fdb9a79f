//! `rules`: documents of campaigns' rules, without a coordinator.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::say;
use crate::campaign::Rules;
use crate::campaign::rules::DEFAULT;

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// Say everything that is wrong with a document: exit 0 if nothing is, 1 if something is
    Check(CheckArgs),
    /// Print the document to start from
    Default,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// TOML file with the rules
    file: PathBuf,
}

pub(super) fn run(command: &RulesCommand) -> anyhow::Result<()> {
    match command {
        RulesCommand::Check(args) => check(args),
        RulesCommand::Default => say(DEFAULT.trim_end()),
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let file = args.file.display();
    let document =
        std::fs::read_to_string(&args.file).with_context(|| format!("could not read {file}"))?;
    let rules = Rules::read(&document).with_context(|| file.to_string())?;
    let (quests, prizes) = (rules.quests.len(), &rules.prizes);
    say(&format!(
        "{file} is in order: {:?}, {quests} quests, {} ranks share {} of a pool of {}",
        rules.campaign.name,
        prizes.ranks(),
        prizes.pays(),
        prizes.pool(),
    ))
}
