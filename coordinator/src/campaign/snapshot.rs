//! The final snapshot of a campaign: who has which rank, once and for all.
//!
//! It is taken when the campaign is over and nothing waits in a hold any more, or when an operator decides not to
//! wait; once, and kept by one transaction that finds it still true. It is published, signed, together with every
//! movement of the campaign's book, so that anybody can recompute it; what is paid follows from it.
//!
//! | room | what it owns |
//! |---|---|
//! | [`text`] | the snapshot as it is published, byte for byte; pure |
//! | [`key`] | the key that it is signed with, and checking signatures |
//! | [`export`] | the campaign's book as it is published |

pub mod export;
pub mod key;
pub mod text;

use std::collections::HashSet;
use std::time::Duration;

use pictor_protocol::snapshot::SnapshotTaken;
use pictor_protocol::{CampaignId, Cents, Micros, UserId};
use serde_json::json;

use super::board::Standing;
use super::calendar::hour_of;
use super::current::{Current, CurrentError, judged_by};
use super::disqualified::out_of_ranking;
use super::leaderboard::read_changes;
use super::rules::{CURRENCY, Prizes};
use crate::app::App;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::store::leaderboard::{Seen, last_entry, waiting};
use crate::store::snapshots::{self, SnapshotRow, WinnerRow};
use crate::store::{StoreError, Tx, campaigns, online};
use key::{Key, KeyError};
use text::{Head, Ranked, Snapshot};

/// How often it is looked for campaigns that are over.
const TICK: Duration = Duration::from_secs(10);

/// Whoever read the clock before the end has written down what happened then by so long after it.
const GRACE_US: i64 = 60 * 1_000_000;

/// A campaign that is over rarely moves.
const TRIES: usize = 5;

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("there is no such campaign")]
    NotFound,
    #[error("the campaign is not over, or has been for less than a minute")]
    NotOver,
    #[error("points still wait to be settled")]
    Waiting,
    #[error("points moved again and again while the snapshot was composed; try again")]
    Moving,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the snapshot could not be composed")]
    Compose(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Result<T> = std::result::Result<T, SnapshotError>;

/// Somebody who gets something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Winner {
    pub user: UserId,
    pub rank: u32,
    pub prize: Cents,
}

/// Who gets what by the snapshot of a campaign, the first rank first; `None` before it is taken. Whoever was
/// disqualified since gets nothing, and nobody moves up: the ranks are published.
pub async fn winners(
    tx: &mut Tx,
    campaign: CampaignId,
) -> std::result::Result<Option<Vec<Winner>>, StoreError> {
    if snapshots::find(tx, campaign).await?.is_none() {
        return Ok(None);
    }
    let rows = snapshots::winners(tx, campaign).await?;
    let winner = |row: WinnerRow| Winner {
        user: row.user_id,
        rank: row.rank as u32,
        prize: Cents::new(row.prize_cents),
    };
    let out = out_of_ranking(tx, campaign).await?;
    let winners = rows.into_iter().map(winner);
    Ok(Some(winners.filter(|of| !out.contains(&of.user)).collect()))
}

/// Takes the snapshots of campaigns that are over, until the coordinator stops.
pub async fn run(app: &App) {
    loop {
        if let Err(error) = take_due(app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a snapshot could not be taken"
            );
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = app.stopping.cancelled() => return,
        }
    }
}

/// Takes every snapshot that can be taken without anybody's decision.
pub async fn take_due(app: &App) -> Result<()> {
    let mut due = Vec::new();
    let mut tx = app.store.read().await?;
    for row in campaigns::all(&mut tx).await? {
        let is_over = row.life().ends_us() + GRACE_US <= app.now_us();
        if is_over
            && !row.life().is_called_off()
            && snapshots::find(&mut tx, row.id).await?.is_none()
            && is_settled(&mut tx, row.id).await?
        {
            due.push(row.id);
        }
    }
    drop(tx);
    for campaign in due {
        match take(app, campaign, None).await {
            Ok(taken) => {
                let SnapshotTaken { people, sha256, .. } = taken;
                tracing::info!(campaign.id = %campaign, people, sha256, "snapshot taken");
            }
            // Something changed since it was looked at; it is looked at again.
            Err(SnapshotError::Waiting | SnapshotError::NotOver | SnapshotError::Moving) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether nobody who ranks has points that still wait.
async fn is_settled(tx: &mut Tx, campaign: CampaignId) -> Result<bool> {
    let out = out_of_ranking(tx, campaign).await?;
    // Of more people than are out, one at least is not.
    let some = waiting(tx, campaign, out.len() as i64 + 1).await?;
    Ok(some.iter().all(|user| out.contains(user)))
}

/// Whether whole hours of presence before the end may still earn something.
async fn hours_are_open(tx: &mut Tx, ends_us: i64) -> Result<bool> {
    Ok(online::unjudged(tx, hour_of(ends_us)).await?.is_some())
}

/// Takes a campaign's snapshot, or answers the one that was taken. With `decided_by` it does not wait for points
/// to settle: what settles later counts for nobody.
///
/// It is composed before the transaction that keeps it: of a million people that takes seconds, in which nobody else
/// could write. The transaction keeps it only if nothing moved since.
pub async fn take(
    app: &App,
    campaign: CampaignId,
    decided_by: Option<UserId>,
) -> Result<SnapshotTaken> {
    for _ in 0..TRIES {
        let found = match look(app, campaign, decided_by).await? {
            Look::Taken(taken) => return Ok(taken),
            Look::Over(found) => *found,
        };
        let key = Key::open_or_make(&app.config.campaign_key_file())?;
        let composing = tokio::task::spawn_blocking(move || compose(found, &key));
        let composed = composing.await.map_err(SnapshotError::Compose)?;
        if let Some(taken) = keep(app, campaign, decided_by, composed).await? {
            return Ok(taken);
        }
    }
    Err(SnapshotError::Moving)
}

/// What there is to take a snapshot of.
enum Look {
    Taken(SnapshotTaken),
    Over(Box<Found>),
}

/// What a snapshot is made of.
struct Found {
    head: Head,
    prizes: Prizes,
    standings: Vec<Standing>,
    out: HashSet<UserId>,
}

async fn look(app: &App, campaign: CampaignId, decided_by: Option<UserId>) -> Result<Look> {
    let mut tx = app.store.read().await?;
    let row = campaigns::find(&mut tx, campaign).await?;
    let row = row.ok_or(SnapshotError::NotFound)?;
    if let Some(taken) = snapshots::find(&mut tx, campaign).await? {
        return Ok(Look::Taken(taken_of(campaign, taken)));
    }
    let now_us = app.now_us();
    if row.life().is_called_off() || row.life().ends_us() + GRACE_US > now_us {
        return Err(SnapshotError::NotOver);
    }
    let ends_us = row.life().ends_us();
    if decided_by.is_none()
        && (!is_settled(&mut tx, campaign).await? || hours_are_open(&mut tx, ends_us).await?)
    {
        return Err(SnapshotError::Waiting);
    }
    let current = judged_by(&app.rules, &mut tx, row, now_us).await?;
    Ok(Look::Over(Box::new(read(&mut tx, &current, now_us).await?)))
}

async fn read(tx: &mut Tx, current: &Current, now_us: i64) -> Result<Found> {
    // Before the accounts: if it is still the last one when they are read, they are what it left behind.
    let last_entry = last_entry(tx, current.id).await?;
    let rules = campaigns::rules(tx, current.id, current.version).await?;
    let (mut standings, _) = read_changes(tx, current.id, Seen::default()).await?;
    standings.retain(|of| of.points > Micros::ZERO);
    Ok(Found {
        head: Head {
            campaign: current.id,
            rules_version: current.version,
            rules_sha256: text::sha256(rules.document.as_bytes()),
            last_entry,
            taken_us: now_us,
            currency: CURRENCY.into(),
        },
        prizes: current.rules.prizes.clone(),
        standings,
        out: out_of_ranking(tx, current.id).await?,
    })
}

/// A snapshot that is not kept yet.
struct Composed {
    text: String,
    row: SnapshotRow,
    winners: Vec<WinnerRow>,
    out: HashSet<UserId>,
}

fn compose(found: Found, key: &Key) -> Composed {
    let head = found.head;
    let ranked = text::rank(head.campaign, found.standings, &found.out, &found.prizes);
    let winner = |of: &Ranked| WinnerRow {
        user_id: of.user,
        rank: i64::from(of.line.rank),
        prize_cents: of.line.prize.get(),
    };
    let gets = |of: &&Ranked| of.line.prize > Cents::ZERO;
    let winners = ranked.iter().filter(gets).map(winner).collect();
    let (taken_us, last_entry) = (head.taken_us, head.last_entry);
    let snapshot = Snapshot {
        head,
        lines: ranked.into_iter().map(|of| of.line).collect(),
    };
    let text = snapshot.to_string();
    let row = SnapshotRow {
        taken_us,
        last_entry,
        people: snapshot.people() as i64,
        sha256: text::sha256(text.as_bytes()),
        signature: key.sign(text.as_bytes()),
        public_key: key.public().to_string(),
    };
    Composed {
        text,
        row,
        winners,
        out: found.out,
    }
}

/// Keeps a snapshot for ever, if there is none; `None` if it does not say any more what is so.
async fn keep(
    app: &App,
    campaign: CampaignId,
    decided_by: Option<UserId>,
    composed: Composed,
) -> Result<Option<SnapshotTaken>> {
    let Composed { text, row, .. } = composed;
    let mut tx = app.store.write().await?;
    if let Some(taken) = snapshots::find(&mut tx, campaign).await? {
        return Ok(Some(taken_of(campaign, taken)));
    }
    // Whatever changes an account is an entry.
    let is_so = last_entry(&mut tx, campaign).await? == row.last_entry
        && out_of_ranking(&mut tx, campaign).await? == composed.out
        && (decided_by.is_some() || is_settled(&mut tx, campaign).await?);
    if !is_so {
        return Ok(None);
    }
    snapshots::insert(&mut tx, campaign, decided_by, &row, &text).await?;
    for winner in composed.winners {
        snapshots::insert_winner(&mut tx, campaign, &winner).await?;
    }
    if let Some(by) = decided_by {
        let record = Record {
            by: By::Operator(by),
            act: Act::SnapshotTaken,
            subject: Subject::Campaign(campaign),
            reason: "",
            evidence: json!({ "people": row.people, "sha256": row.sha256 }),
        };
        audit_log::write(&mut tx, &record, app.now_us()).await?;
    }
    tx.commit().await?;
    Ok(Some(taken_of(campaign, row)))
}

fn taken_of(campaign: CampaignId, row: SnapshotRow) -> SnapshotTaken {
    SnapshotTaken {
        campaign,
        taken_ms: row.taken_us.div_euclid(1_000),
        people: row.people as u64,
        last_entry: row.last_entry,
        sha256: row.sha256,
        public_key: row.public_key,
        signature: row.signature,
    }
}
