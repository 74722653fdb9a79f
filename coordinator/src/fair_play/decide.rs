//! What operators decide on people, and what follows from it at once.
//!
//! A decision, its row in the audit log, the points that it takes and the workers that it stops are one
//! transaction.

use pictor_protocol::{CampaignId, DecisionId, UserId, WorkerId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::forfeit;
use super::standing::{self, AppealStatus, Change, Refusal, Standing, Verdict};
use super::traces::{self, TraceError};
use crate::app::App;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::campaign::{CurrentError, current};
use crate::ledger::PostError;
use crate::store::column::{Json, Maybe};
use crate::store::people::{self, User};
use crate::store::standing::{self as rows, DecisionRow, Ending};
use crate::store::{StoreError, Tx, sessions, workers};

/// Why workers of a banned person are suspended; by it they are told from others when the ban is lifted.
pub const OWNER_BANNED: &str = "its owner is banned";
/// Longest reason, in characters.
const REASON_MAX: usize = 2_000;
/// Longest evidence, as JSON.
const EVIDENCE_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    #[error("there is no such person")]
    NotFound,
    #[error("a reason has 1 to 2000 characters")]
    BadReason,
    #[error("evidence has at most 64 KiB")]
    TooMuchEvidence,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Books(#[from] PostError),
    #[error(transparent)]
    Traces(#[from] TraceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an operator says.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub by: UserId,
    pub on: UserId,
    pub verdict: Verdict,
    pub reason: String,
    pub evidence: Value,
}

/// Decides on a person. The last decision once more, in the same words, changes nothing.
pub async fn decide(app: &App, wanted: &Wanted) -> Result<(), DecideError> {
    let reason = valid_reason(&wanted.reason).ok_or(DecideError::BadReason)?;
    if wanted.evidence.to_string().len() > EVIDENCE_BYTES_MAX {
        return Err(DecideError::TooMuchEvidence);
    }
    let wanted = Wanted {
        reason: reason.into(),
        ..wanted.clone()
    };
    let mut tx = app.store.write().await?;
    let now_us = app.now_us();
    let person = people::user(&mut tx, wanted.on).await?;
    let person = person.ok_or(DecideError::NotFound)?;
    may_decide(&wanted, &person)?;
    let campaign = current(&app.rules, &mut tx, now_us).await?;
    let campaign = campaign.map(|campaign| campaign.id);
    let stopped = carry_out(&mut tx, &wanted, campaign, now_us).await?;
    tx.commit().await?;
    stopped
        .into_iter()
        .for_each(|worker| app.bells.commands.ring(worker));
    // Workers that may render again have held requests.
    app.bells.work.ring();
    Ok(())
}

/// A reason without the spaces around it, if it is one.
pub fn valid_reason(reason: &str) -> Option<&str> {
    let reason = reason.trim();
    (1..=REASON_MAX)
        .contains(&reason.chars().count())
        .then_some(reason)
}

fn may_decide(wanted: &Wanted, person: &User) -> Result<(), Refusal> {
    if wanted.by == wanted.on {
        Err(Refusal::Oneself)
    } else if person.operator != 0 {
        Err(Refusal::AnOperator)
    } else {
        Ok(())
    }
}

/// Makes a decision and what follows from it. Answers the workers that have to be told.
pub(super) async fn carry_out(
    tx: &mut Tx,
    wanted: &Wanted,
    campaign: Option<CampaignId>,
    now_us: i64,
) -> Result<Vec<WorkerId>, DecideError> {
    let user = wanted.on;
    let before = rows::of(tx, user).await?;
    let latest = rows::decisions_of(tx, user).await?.into_iter().next();
    let repeated = latest.is_some_and(|latest| {
        latest.decision == wanted.verdict
            && latest.reason == wanted.reason
            && latest.evidence.0 == wanted.evidence
    });
    let Change::Changed(after) = standing::decide(before, wanted.verdict, repeated)? else {
        return Ok(Vec::new());
    };
    close_appeal(tx, wanted, now_us).await?;
    traces::note_all(tx, user).await?;
    let row = DecisionRow {
        id: DecisionId::new(Uuid::now_v7()),
        user_id: user,
        decision: wanted.verdict,
        standing: after,
        campaign_id: Maybe(campaign.filter(|_| wanted.verdict.forfeits())),
        made_by: wanted.by,
        reason: wanted.reason.clone(),
        evidence: Json(wanted.evidence.clone()),
        at_us: now_us,
    };
    rows::insert_decision(tx, &row).await?;
    if let Some(campaign) = row.campaign_id.0 {
        forfeit::forfeit(tx, user, row.id, campaign, now_us).await?;
    }
    if wanted.verdict == Verdict::Lift {
        forfeit::restore(tx, user, row.id, now_us).await?;
    }
    let stopped = shut_out_or_let_in(tx, before, &row, now_us).await?;
    let record = Record {
        by: By::Operator(wanted.by),
        act: Act::StandingDecided,
        subject: Subject::Person(user),
        reason: &wanted.reason,
        evidence: json!({
            "decision": row.id,
            "verdict": wanted.verdict.as_str(),
            "before": before.as_str(),
            "after": after.as_str(),
            "evidence": wanted.evidence,
        }),
    };
    audit_log::write(tx, &record, now_us).await?;
    Ok(stopped)
}

/// An open appeal has nothing to be against any more: its decision is replaced, or taken back.
async fn close_appeal(tx: &mut Tx, wanted: &Wanted, now_us: i64) -> Result<(), StoreError> {
    let Some(in_force) = rows::in_force(tx, wanted.on).await? else {
        return Ok(());
    };
    let Some(appeal) = rows::appeal_against(tx, in_force.id).await? else {
        return Ok(());
    };
    let ending = Ending {
        status: match wanted.verdict {
            Verdict::Lift => AppealStatus::Lifted,
            Verdict::Warn | Verdict::Suspend | Verdict::Disqualify | Verdict::Ban => {
                AppealStatus::Superseded
            }
        },
        answer: &wanted.reason,
        by: wanted.by,
        now_us,
    };
    rows::end_appeal(tx, appeal.id, ending).await
}

/// A ban signs out everywhere and stops the workers; the end of one lets the workers go on.
async fn shut_out_or_let_in(
    tx: &mut Tx,
    before: Standing,
    row: &DecisionRow,
    now_us: i64,
) -> Result<Vec<WorkerId>, StoreError> {
    let user = row.user_id;
    match (before, row.standing) {
        (_, Standing::Banned) => {
            sessions::delete_all(tx, user).await?;
            people::revoke_all(tx, user, now_us).await?;
            let decision = workers::Decision {
                by: row.made_by,
                why: Some(OWNER_BANNED),
                now_us,
            };
            workers::suspend_all(tx, user, decision).await
        }
        (Standing::Banned, _) => workers::unsuspend_all(tx, user, OWNER_BANNED, now_us).await,
        (
            Standing::Good | Standing::Warned | Standing::Suspended | Standing::Disqualified,
            Standing::Good | Standing::Warned | Standing::Suspended | Standing::Disqualified,
        ) => Ok(Vec::new()),
    }
}
