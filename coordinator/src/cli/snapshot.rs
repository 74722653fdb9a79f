//! `snapshot`: checking what a campaign published, without a coordinator.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::say;
use crate::campaign::snapshot::key::PublicKey;
use crate::campaign::snapshot::text::{Snapshot, sha256};

#[derive(Debug, Subcommand)]
pub(super) enum SnapshotCommand {
    /// Say whether a campaign's final snapshot is in order and signed with a key: exit 0 if so, 1 if not
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The snapshot: what /api/v1/campaigns/{id}/snapshot answers
    file: PathBuf,
    /// The key that it has to be signed with: public_key of /api/v1/campaign-key
    #[arg(long)]
    key: PublicKey,
    /// Its signature: what /api/v1/campaigns/{id}/snapshot.sig answers [default: the file's name and .sig]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
}

pub(super) fn run(command: &SnapshotCommand) -> anyhow::Result<()> {
    match command {
        SnapshotCommand::Verify(args) => verify(args),
    }
}

fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let file = args.file.display();
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
    };
    let text = read(&args.file)?;
    let signature = args.signature.clone().unwrap_or_else(|| {
        let mut name = args.file.clone().into_os_string();
        name.push(".sig");
        name.into()
    });
    let signature = read(&signature)?;
    let verified = args.key.verify(text.as_bytes(), signature.trim());
    verified.with_context(|| file.to_string())?;
    let snapshot: Snapshot = text.parse().with_context(|| file.to_string())?;
    let prizes = snapshot.prizes().context("the prizes have no sum")?;
    let head = &snapshot.head;
    say(&format!(
        "{file} is in order and signed with this key\n\
         campaign {}\nSHA-256 {}\n{} people have a rank, up to entry {}; they get {prizes} {}",
        head.campaign,
        sha256(text.as_bytes()),
        snapshot.people(),
        head.last_entry,
        head.currency,
    ))
}
