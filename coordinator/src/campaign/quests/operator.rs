//! Quests that an operator confirms: a claim waits until one has looked.

use pictor_protocol::community::{ClaimQuest, QuestProgress, WaitingClaim, WaitingClaims};
use pictor_protocol::{ClaimId, UserId};
use serde_json::json;

use super::{QuestError, blank, complete, fault, progress};
use crate::app::App;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::campaign::RulesCache;
use crate::campaign::current::{Current, current, judged_by};
use crate::campaign::running::{NotRunning, running};
use crate::store::column::Maybe;
use crate::store::quests::{self, ClaimRow, ClaimStatus};
use crate::store::{StoreError, Tx, campaigns};

/// Characters of a note, and of a reason.
const TEXT_MAX: usize = 500;
/// So many claims are listed; whoever decides on them sees the next ones.
const LISTED: i64 = 200;

/// Lets a claim wait. One that waits already stays where it is in the queue.
pub(super) async fn apply(
    tx: &mut Tx,
    campaign: &Current,
    id: &str,
    user: UserId,
    row: Option<ClaimRow>,
    claim: &ClaimQuest,
    now_us: i64,
) -> Result<QuestProgress, QuestError> {
    if let Some(waiting) = row
        .as_ref()
        .filter(|row| row.status == ClaimStatus::Waiting)
    {
        return Ok(progress(Some(waiting)));
    }
    let note = claim.note.as_deref().map(str::trim);
    let note = note.filter(|note| !note.is_empty());
    if note.is_some_and(|note| !is_text(note)) {
        return Err(fault("note", NO_TEXT));
    }
    let row = row.unwrap_or_else(|| blank(campaign, id, user, ClaimStatus::Waiting));
    let waiting = ClaimRow {
        status: ClaimStatus::Waiting,
        nonce_hash: None,
        note: note.map(str::to_owned),
        claimed_us: Some(now_us),
        decided_us: None,
        decided_by: Maybe(None),
        reason: None,
        ..row
    };
    quests::save(tx, &waiting).await?;
    Ok(progress(Some(&waiting)))
}

/// Confirms a claim, which counts by the rules of its own moment. Confirmed again, nothing changes.
pub async fn confirm(app: &App, by: UserId, id: ClaimId) -> Result<QuestProgress, QuestError> {
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let before = quests::by_id(&mut tx, id).await?;
    let progress = grant(&app.rules, &mut tx, by, id, now_us).await?;
    if before.is_some_and(|row| row.status == ClaimStatus::Waiting) {
        note(&mut tx, by, id, Act::ClaimConfirmed, "", now_us).await?;
    }
    tx.commit().await?;
    Ok(progress)
}

pub(in crate::campaign) async fn grant(
    known: &RulesCache,
    tx: &mut Tx,
    by: UserId,
    id: ClaimId,
    now_us: i64,
) -> Result<QuestProgress, QuestError> {
    let row = quests::by_id(tx, id).await?;
    let row = row.ok_or(QuestError::NoSuchClaim)?;
    match row.status {
        ClaimStatus::Waiting => {}
        ClaimStatus::Done => return Ok(progress(Some(&row))),
        ClaimStatus::Opened | ClaimStatus::Refused => return Err(QuestError::Decided),
    }
    if row.user_id == by {
        return Err(QuestError::OwnClaim);
    }
    let runs = running(current(known, tx, now_us).await?, now_us)?;
    if runs.id != row.campaign_id {
        return Err(NotRunning::Over.into());
    }
    let claimed_us = row.claimed_us.unwrap_or(now_us);
    let campaign = campaigns::find(tx, row.campaign_id).await?;
    let campaign = campaign.ok_or(QuestError::NoSuchClaim)?;
    let then = judged_by(known, tx, campaign, claimed_us).await?;
    let quest = then.rules.quest(&row.quest).cloned();
    let quest = quest.ok_or(QuestError::NoSuchQuest)?;
    let how = json!({ "confirmed_by": by, "claimed_us": claimed_us });
    let row = ClaimRow {
        decided_by: Maybe(Some(by)),
        ..row
    };
    complete(tx, &then, &quest, row, how, now_us).await
}

/// Writes down what an operator decided on a claim.
async fn note(
    tx: &mut Tx,
    by: UserId,
    id: ClaimId,
    act: Act,
    reason: &str,
    now_us: i64,
) -> Result<(), StoreError> {
    let Some(row) = quests::by_id(tx, id).await? else {
        return Ok(());
    };
    let record = Record {
        by: By::Operator(by),
        act,
        subject: Subject::Person(row.user_id),
        reason,
        evidence: json!({ "claim": id, "quest": row.quest, "note": row.note }),
    };
    audit_log::write(tx, &record, now_us).await
}

/// Refuses a claim, for a reason that the person reads. It can be claimed again.
pub async fn refuse(
    app: &App,
    by: UserId,
    id: ClaimId,
    reason: &str,
) -> Result<QuestProgress, QuestError> {
    let reason = reason.trim();
    if !is_text(reason) {
        return Err(fault("reason", NO_TEXT));
    }
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let row = quests::by_id(&mut tx, id).await?;
    let row = row.ok_or(QuestError::NoSuchClaim)?;
    match row.status {
        ClaimStatus::Waiting => {}
        ClaimStatus::Refused => return Ok(progress(Some(&row))),
        ClaimStatus::Opened | ClaimStatus::Done => return Err(QuestError::Decided),
    }
    let refused = ClaimRow {
        status: ClaimStatus::Refused,
        decided_us: Some(now_us),
        decided_by: Maybe(Some(by)),
        reason: Some(reason.into()),
        ..row
    };
    quests::save(&mut tx, &refused).await?;
    note(&mut tx, by, id, Act::ClaimRefused, reason, now_us).await?;
    tx.commit().await?;
    Ok(progress(Some(&refused)))
}

/// Claims that wait, the oldest first.
pub async fn waiting(app: &App) -> Result<WaitingClaims, QuestError> {
    let mut tx = app.store.read().await?;
    let rows = quests::waiting(&mut tx, LISTED).await?;
    let claims = rows.into_iter().map(|row| WaitingClaim {
        id: row.id,
        quest: row.quest,
        user: row.user_id,
        user_name: row.name,
        claimed_ms: row.claimed_us / 1_000,
        note: row.note,
    });
    Ok(WaitingClaims {
        claims: claims.collect(),
    })
}

const NO_TEXT: &str =
    "expected 1 to 500 characters, none of them a control character but the line's end";

fn is_text(text: &str) -> bool {
    let is_fit = |c: char| c == '\n' || !c.is_control();
    !text.is_empty() && text.chars().count() <= TEXT_MAX && text.chars().all(is_fit)
}
