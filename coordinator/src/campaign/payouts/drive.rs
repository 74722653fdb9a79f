//! The task that carries sent batches to their end: hands transactions to the node, asks what became of
//! them, and does what [`super::fate`] says. It keeps nothing in memory, so it goes on after a restart where
//! it was, and several coordinators may do it at once: whoever writes first wins.

use std::fmt;
use std::time::Duration;

use super::batch::Event;
use super::fate::{self, Sent, Step, Why};
use super::node::Submitted;
use super::send::{Order, Payer, Prepared, SendError, store_transaction, transfers};
use super::{Note, apply, disqualified};
use crate::app::App;
use crate::store::payout_transactions::{self, TransactionRow, TransactionStatus};
use crate::store::payouts;

/// After a change the node is asked soon, then ever less often: the chain takes a second or so.
const SOON: Duration = Duration::from_millis(200);
const SELDOM: Duration = Duration::from_secs(5);
/// How often another coordinator's transactions are looked for.
const IDLE: Duration = Duration::from_secs(30);
/// How often a transaction without effect is replaced before operators have to look.
const RENEWALS_MAX: u32 = 2;

/// Runs until the coordinator stops.
pub async fn run(app: &App) {
    let Some(payer) = &app.payer else {
        return leave(app).await;
    };
    let mut pause = SOON;
    loop {
        // Left at any point, it is as if this process had been killed there.
        let round = tokio::select! {
            round = drive(app, payer) => round,
            () = app.stopping.cancelled() => return,
        };
        let wait = match round {
            Round::Nothing => IDLE,
            Round::Changed => {
                pause = SOON;
                SOON
            }
            Round::Waits => {
                let wait = pause;
                pause = (pause * 2).min(SELDOM);
                wait
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = payer.sent.notified() => pause = SOON,
            () = app.stopping.cancelled() => return,
        }
    }
}

/// What a round of looking came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// No transaction may happen.
    Nothing,
    /// Nothing is known that was not.
    Waits,
    Changed,
}

/// Without a key and a node nothing can be asked: whoever took them away has to hear of it.
async fn leave(app: &App) {
    let left = live(app).await.unwrap_or_default();
    for sent in left {
        tell(app, &sent, &SendError::NoPayer).await;
    }
}

async fn drive(app: &App, payer: &Payer) -> Round {
    let live = match live(app).await {
        Ok(live) if live.is_empty() => return Round::Nothing,
        Ok(live) => live,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "payouts not driven"
            );
            return Round::Waits;
        }
    };
    let mut round = Round::Waits;
    for sent in live {
        match look(app, payer, &sent).await {
            Ok(true) => round = Round::Changed,
            Ok(false) => {}
            Err(error) => tell(app, &sent, &error).await,
        }
    }
    round
}

async fn live(app: &App) -> Result<Vec<TransactionRow>, SendError> {
    let mut tx = app.store.read().await?;
    Ok(payout_transactions::live(&mut tx).await?)
}

/// Asks what became of a transaction and does what follows; true if that changed anything.
async fn look(app: &App, payer: &Payer, row: &TransactionRow) -> Result<bool, SendError> {
    let sent = Sent {
        hash: row.hash,
        sequence_number: row.sequence_number,
        expires_s: row.expires_s,
        chain_id: row.chain_id,
    };
    let (seen, ledger) = payer.node.by_hash(row.hash).await?;
    let mut step = fate::by_hash(&sent, &seen, ledger);
    if step == Step::AskBySequence {
        let account = payer.node.by_sequence(row.sender, row.sequence_number);
        let (seen, ledger) = account.await?;
        step = fate::by_sequence(&sent, &seen, ledger);
    }
    match step {
        Step::Submit => submit(app, payer, row).await,
        Step::Wait if seen == fate::ByHash::Pending => submitted(app, row).await,
        Step::Wait | Step::AskBySequence => Ok(false),
        Step::Confirm => confirm(app, row).await,
        Step::Undone { vm_status } => over(app, payer, row, Ending::Undone(vm_status)).await,
        Step::Never(why) => over(app, payer, row, Ending::Never(why)).await,
        Step::Doubt(doubt) => {
            trouble(app, row, Some(&doubt.to_string())).await?;
            Ok(false)
        }
    }
}

async fn submit(app: &App, payer: &Payer, row: &TransactionRow) -> Result<bool, SendError> {
    match payer.node.submit(row.bytes.0.clone()).await? {
        Submitted::Taken => submitted(app, row).await,
        Submitted::Refused(words) => {
            let words = format!("the Aptos node does not take the transaction: {words}");
            trouble(app, row, Some(&words)).await?;
            Ok(false)
        }
    }
}

/// The node has it.
async fn submitted(app: &App, row: &TransactionRow) -> Result<bool, SendError> {
    if row.status == TransactionStatus::Submitted {
        trouble(app, row, None).await?;
        return Ok(false);
    }
    let (id, attempt, now_us) = (row.payout_id, row.attempt, app.now_us());
    let mut tx = app.store.write().await?;
    let status = TransactionStatus::Submitted;
    if !payout_transactions::set_status(&mut tx, id, attempt, status, None).await? {
        return Ok(false);
    }
    let note = Note::of_ours("transaction taken by the node");
    apply(&mut tx, id, Event::Submitted { attempt }, &note, now_us).await?;
    tx.commit().await?;
    Ok(true)
}

async fn confirm(app: &App, row: &TransactionRow) -> Result<bool, SendError> {
    let (id, attempt, now_us) = (row.payout_id, row.attempt, app.now_us());
    let mut tx = app.store.write().await?;
    let status = TransactionStatus::Committed;
    if !payout_transactions::set_status(&mut tx, id, attempt, status, None).await? {
        return Ok(false);
    }
    let note = Note::of_ours("paid: the chain has the transaction");
    apply(&mut tx, id, Event::Committed { attempt }, &note, now_us).await?;
    tx.commit().await?;
    tracing::info!(payout.id = %id, transaction.hash = %row.hash, "payout confirmed");
    Ok(true)
}

/// How a transaction ended that had no effect.
enum Ending {
    /// In the chain's words.
    Undone(String),
    Never(Why),
}

impl Ending {
    fn status(&self) -> TransactionStatus {
        match self {
            Self::Undone(_) => TransactionStatus::Undone,
            Self::Never(_) => TransactionStatus::Expired,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undone(vm_status) => f.write_str(vm_status),
            Self::Never(why) => why.fmt(f),
        }
    }
}

/// The transaction had no effect and never can have one: the next one takes its place, unless that has
/// happened often enough, or would fail as well.
async fn over(
    app: &App,
    payer: &Payer,
    row: &TransactionRow,
    ending: Ending,
) -> Result<bool, SendError> {
    let outcome = ending.to_string();
    let (next, trouble) = match replacement(app, payer, row).await {
        Ok(Some(next)) if contradicts(&next, row, &ending) => return Ok(false),
        Ok(Some(next)) => (Some(next), None),
        Ok(None) => (
            None,
            Some(format!("transaction {}: {outcome}", row.attempt)),
        ),
        // It may be able to answer later.
        Err(error @ (SendError::Node(_) | SendError::Payout(_))) => return Err(error),
        Err(error) => (None, Some(error.to_string())),
    };
    let (id, attempt, now_us) = (row.payout_id, row.attempt, app.now_us());
    let mut tx = app.store.write().await?;
    let status = ending.status();
    if !payout_transactions::set_status(&mut tx, id, attempt, status, Some(&outcome)).await? {
        return Ok(false);
    }
    let what = format!("transaction without effect: {outcome}");
    let note = Note {
        trouble,
        ..Note::of_ours(&what)
    };
    apply(&mut tx, id, Event::Over { attempt }, &note, now_us).await?;
    if let Some(next) = next {
        let order = Order {
            by: None,
            renewals: row.renewals + 1,
        };
        store_transaction(&mut tx, id, next, order, now_us).await?;
    }
    tx.commit().await?;
    tracing::warn!(payout.id = %id, transaction.hash = %row.hash, outcome, "a payout's transaction had no effect");
    Ok(true)
}

/// The transaction that would take the place of one without effect; nothing once operators have to look.
async fn replacement(
    app: &App,
    payer: &Payer,
    row: &TransactionRow,
) -> Result<Option<Prepared>, SendError> {
    if row.renewals >= RENEWALS_MAX {
        return Ok(None);
    }
    let mut tx = app.store.read().await?;
    if disqualified(&mut tx, row.payout_id).await?.is_some() {
        return Ok(None);
    }
    let transfers = transfers(&mut tx, row.payout_id).await?;
    drop(tx);
    payer.prepare(&transfers).await.map(Some)
}

/// Whether a node that called the sequence number unused now says that it is used: it is asked again. So a
/// transaction that expired and the one in its place have the same number, and the chain takes one of them.
fn contradicts(next: &Prepared, ended: &TransactionRow, ending: &Ending) -> bool {
    matches!(ending, Ending::Never(Why::Expired))
        && next.sender == ended.sender
        && next.terms.sequence_number > ended.sequence_number
}

/// Says in the log and to operators why a payout does not go on, once.
async fn tell(app: &App, row: &TransactionRow, error: &SendError) {
    let text = error.to_string();
    match trouble(app, row, Some(&text)).await {
        Ok(false) => {}
        Ok(true) => tracing::warn!(
            payout.id = %row.payout_id, error = error as &dyn std::error::Error, "payout not driven"
        ),
        Err(error) => tracing::error!(
            payout.id = %row.payout_id, error = &error as &dyn std::error::Error, "trouble not noted"
        ),
    }
}

/// Notes why a payout does not go on, or that it does; true if that is new.
async fn trouble(
    app: &App,
    row: &TransactionRow,
    trouble: Option<&str>,
) -> Result<bool, SendError> {
    let mut tx = app.store.read().await?;
    let known = payouts::find(&mut tx, row.payout_id).await?;
    drop(tx);
    let is_new = known.is_some_and(|payout| payout.trouble.as_deref() != trouble);
    if is_new {
        let mut tx = app.store.write().await?;
        payouts::set_trouble(&mut tx, row.payout_id, trouble).await?;
        tx.commit().await?;
    }
    Ok(is_new)
}
