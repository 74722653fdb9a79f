//! `audit-log verify`, and what the other commands write into the log.

use clap::{Args, Subcommand};
use pictor_protocol::{UserId, WorkerId};
use serde_json::{Value, json};

use super::say;
use crate::accounts::TokenSpec;
use crate::app::{now_us, open_existing_store};
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::config::{Config, Flags};
use crate::store::people::User;
use crate::store::{Result, Store};

#[derive(Debug, Subcommand)]
pub enum AuditLogCommand {
    /// Read the whole log: exit 0 if it is as it was written, 1 if not
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A hash that this command printed before: a row with it has to be there still
    #[arg(long, value_name = "HASH")]
    noted: Option<String>,
    #[command(flatten)]
    config: Flags,
}

pub async fn run(command: &AuditLogCommand) -> anyhow::Result<()> {
    let AuditLogCommand::Verify(args) = command;
    let store = open_existing_store(&Config::load(&args.config)?).await?;
    let mut tx = store.read().await?;
    let sound = audit_log::verify(&mut tx, args.noted.as_deref()).await?;
    if sound.rows == 0 {
        return say("the audit log is empty");
    }
    say(&format!(
        "{} rows, each as it was written; note the last hash elsewhere:\n{}",
        sound.rows, sound.last_hash
    ))
}

/// A token was made for somebody by this command line.
pub async fn token_made(store: &Store, user: &User, spec: &TokenSpec<'_>) -> Result<()> {
    let about = json!({
        "name": spec.name, "scopes": spec.scopes, "expires_in_days": spec.expires_in_days,
    });
    note(store, Act::TokenMade, Subject::Person(user.id), about).await
}

/// A worker was registered for somebody by this command line.
pub async fn worker_made(store: &Store, owner: &User, worker: WorkerId) -> Result<()> {
    let about = json!({ "owner": owner.id });
    note(store, Act::WorkerMade, Subject::Worker(worker), about).await
}

/// A link was made that signs an operator in.
pub async fn link_made(store: &Store, operator: UserId) -> Result<()> {
    let subject = Subject::Person(operator);
    note(store, Act::SignInLinkMade, subject, json!({})).await
}

async fn note(store: &Store, act: Act, subject: Subject, about: Value) -> Result<()> {
    let record = Record {
        by: By::CommandLine,
        act,
        subject,
        reason: "",
        evidence: about,
    };
    let mut tx = store.write().await?;
    audit_log::write(&mut tx, &record, now_us()).await?;
    tx.commit().await
}
