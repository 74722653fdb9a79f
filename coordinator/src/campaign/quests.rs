//! Quests: what members of the community do once in a campaign, and who says that it was done.
//!
//! ```text
//!  link:      todo ──open──► opened ──attested, a while later──► done
//!  operator:  todo ──claim──► waiting ──confirmed──► done
//!                               ▲  └────refused────► refused ─┐
//!                               └──────────claim──────────────┘
//!  webhook:   todo ──another service tells──► done
//! ```
//!
//! A quest is known by its id, and counts once for each person and campaign, whatever versions of the rules make
//! of it. Its points are those of the rules at the moment at which it was claimed. The first time that somebody
//! completes a quest, in whatever campaign, it gives credits too.
//!
//! | room | what it owns |
//! |---|---|
//! | [`link`] | a visit, and the person's word |
//! | [`operator`] | claims that operators look at |
//! | [`webhook`] | what other services tell |

pub mod link;
pub mod operator;
pub mod webhook;

use std::collections::HashMap;

use pictor_protocol::community::{ClaimQuest, MyQuest, QuestList, QuestProgress, QuestState};
use pictor_protocol::settings::Fault;
use pictor_protocol::{ClaimId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::RulesCache;
use super::award::{Award, award, credit};
use super::current::{Current, CurrentError, current};
use super::rules::{Quest, QuestKind};
use super::running::{NotRunning, running};
use super::view;
use crate::accounts::NoRandomness;
use crate::app::App;
use crate::ledger::{EntryKind, PostError};
use crate::store::column::Maybe;
use crate::store::quests::{self, ClaimRow, ClaimStatus};
use crate::store::{StoreError, Tx};

#[derive(Debug, thiserror::Error)]
pub enum QuestError {
    #[error("there is no such quest")]
    NoSuchQuest,
    #[error("there is no such claim")]
    NoSuchClaim,
    #[error("there is no such person")]
    NoSuchUser,
    #[error("the quest cannot be done now")]
    NotOpen,
    #[error("the quest is done, and counts once")]
    Done,
    #[error("this quest is not claimed so: {0}")]
    OtherWay(&'static str),
    #[error("open the quest's link first, and claim it with what that answered")]
    NotVisited,
    #[error("that was quick: the claim is taken in {wait_s} s")]
    TooQuick { wait_s: u64 },
    #[error("the claim was decided already")]
    Decided,
    #[error("another operator has to decide on a claim of one's own")]
    OwnClaim,
    #[error("the request cannot be carried out")]
    Invalid(Fault),
    #[error("this coordinator takes no calls of other services: it has no secret for them")]
    NoSecret,
    #[error("the call proves nothing: {0}")]
    NotProven(#[from] webhook::BadCall),
    #[error("the event was told of somebody else")]
    OtherEvent,
    #[error(transparent)]
    NotRunning(#[from] NotRunning),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The campaign that runs, and its quest of that id if it can be done now.
async fn doable(
    known: &RulesCache,
    tx: &mut Tx,
    id: &str,
    now_us: i64,
) -> Result<(Current, Quest), QuestError> {
    let campaign = running(current(known, tx, now_us).await?, now_us)?;
    let quest = campaign.rules.quest(id).cloned();
    let quest = quest.ok_or(QuestError::NoSuchQuest)?;
    if !quest.is_open(now_us) {
        return Err(QuestError::NotOpen);
    }
    Ok((campaign, quest))
}

/// How far somebody has come with a quest; nowhere yet, if there is nothing.
async fn row_of(
    tx: &mut Tx,
    campaign: &Current,
    quest: &str,
    user: UserId,
) -> Result<Option<ClaimRow>, QuestError> {
    let row = quests::find(tx, user, campaign.id, quest).await?;
    if row
        .as_ref()
        .is_some_and(|row| row.status == ClaimStatus::Done)
    {
        return Err(QuestError::Done);
    }
    Ok(row)
}

/// A row for somebody who begins.
fn blank(campaign: &Current, quest: &str, user: UserId, status: ClaimStatus) -> ClaimRow {
    ClaimRow {
        id: ClaimId::new(Uuid::now_v7()),
        user_id: user,
        campaign_id: campaign.id,
        quest: quest.into(),
        status,
        nonce_hash: None,
        opened_us: None,
        note: None,
        claimed_us: None,
        decided_us: None,
        decided_by: Maybe(None),
        reason: None,
    }
}

/// Claims a quest, in the way of its kind.
pub async fn claim(
    app: &App,
    user: UserId,
    id: &str,
    claim: &ClaimQuest,
) -> Result<QuestProgress, QuestError> {
    let mut tx = app.store.write().await?;
    let progress = enter(&app.rules, &mut tx, user, id, claim, app.now_us()).await?;
    tx.commit().await?;
    Ok(progress)
}

pub(super) async fn enter(
    known: &RulesCache,
    tx: &mut Tx,
    user: UserId,
    id: &str,
    claim: &ClaimQuest,
    now_us: i64,
) -> Result<QuestProgress, QuestError> {
    let (campaign, quest) = doable(known, tx, id, now_us).await?;
    let row = row_of(tx, &campaign, id, user).await?;
    match quest.kind {
        QuestKind::Link => link::attest(tx, &campaign, &quest, row, claim, now_us).await,
        QuestKind::Operator => operator::apply(tx, &campaign, id, user, row, claim, now_us).await,
        QuestKind::Webhook => Err(QuestError::OtherWay("another service tells us")),
    }
}

/// Notes that a quest is done, and gives what it is worth.
async fn complete(
    tx: &mut Tx,
    campaign: &Current,
    quest: &Quest,
    row: ClaimRow,
    how: Value,
    now_us: i64,
) -> Result<QuestProgress, QuestError> {
    let user = row.user_id;
    let done = ClaimRow {
        status: ClaimStatus::Done,
        nonce_hash: None,
        claimed_us: row.claimed_us.or(Some(now_us)),
        decided_us: Some(now_us),
        reason: None,
        ..row
    };
    quests::save(tx, &done).await?;
    let inputs = json!({ "quest": quest.id, "claim": done.id, "how": how });
    let points = Award {
        key: format!("quest/{}/{user}/{}", campaign.id, quest.id),
        kind: EntryKind::Quest,
        user,
        amount: quest.points,
        inputs: inputs.clone(),
    };
    award(tx, campaign, points, now_us).await?;
    let credits = Award {
        key: format!("quest-credits/{user}/{}", quest.id),
        kind: EntryKind::Quest,
        user,
        amount: campaign.rules.credits.quest,
        inputs,
    };
    credit(tx, campaign, credits, now_us).await?;
    Ok(progress(Some(&done)))
}

/// The quests that hold now, and how far somebody has come with each.
pub async fn list(app: &App, user: UserId) -> Result<QuestList, QuestError> {
    let now_us = app.now_us();
    let mut tx = app.store.read().await?;
    let Some(campaign) = current(&app.rules, &mut tx, now_us).await? else {
        return Ok(QuestList {
            campaign: None,
            quests: Vec::new(),
        });
    };
    let rows = quests::of_user(&mut tx, user, campaign.id).await?;
    let rows = rows.iter().map(|row| (row.quest.as_str(), row));
    let rows: HashMap<_, _> = rows.collect();
    let quests = campaign.rules.quests.iter().map(|quest| MyQuest {
        quest: view::quest(quest),
        open: campaign.mints_points() && quest.is_open(now_us),
        progress: progress(rows.get(quest.id.as_str()).copied()),
    });
    Ok(QuestList {
        campaign: Some(campaign.id),
        quests: quests.collect(),
    })
}

fn progress(row: Option<&ClaimRow>) -> QuestProgress {
    let state = row.map_or(QuestState::Todo, |row| match row.status {
        ClaimStatus::Opened => QuestState::Opened,
        ClaimStatus::Waiting => QuestState::Waiting,
        ClaimStatus::Refused => QuestState::Refused,
        ClaimStatus::Done => QuestState::Done,
    });
    let ms = |of: fn(&ClaimRow) -> Option<i64>| row.and_then(of).map(|us| us / 1_000);
    QuestProgress {
        state,
        claimed_ms: ms(|row| row.claimed_us),
        decided_ms: ms(|row| row.decided_us),
        reason: row.and_then(|row| row.reason.clone()),
    }
}

fn fault(field: &str, message: &str) -> QuestError {
    QuestError::Invalid(Fault {
        field: field.into(),
        message: message.into(),
    })
}
