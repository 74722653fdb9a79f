//! What people say against a decision, once, and what an operator answers.

use pictor_protocol::{AppealId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::decide::{DecideError, Wanted, carry_out, valid_reason};
use super::standing::{self, Answer, Answered, AppealStatus, Over, Verdict};
use crate::app::App;
use crate::audit_log::{self, Act, By, Record, Subject};
use crate::store::standing::{self as rows, AppealRow, Ending};
use crate::store::{StoreError, Tx};

/// Longest appeal, in characters.
const WORDS_MAX: usize = 4_000;

#[derive(Debug, thiserror::Error)]
pub enum AppealError {
    #[error("there is no such appeal")]
    NotFound,
    #[error("an appeal has 1 to 4000 characters")]
    BadWords,
    #[error("an answer is `upheld` or `lifted`, with a reason of 1 to 2000 characters")]
    BadAnswer,
    #[error("there is no decision on you to appeal against")]
    NothingToAppealAgainst,
    #[error("you have appealed against this decision before; it is answered once")]
    AppealedBefore,
    #[error("nobody answers their own appeal")]
    Oneself,
    #[error(transparent)]
    Over(#[from] Over),
    #[error(transparent)]
    Decide(#[from] DecideError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Appeals against the decision that a person's standing follows from. The same once more is the same appeal.
pub async fn appeal(app: &App, user: UserId, words: &str) -> Result<AppealRow, AppealError> {
    let words = words.trim();
    if !(1..=WORDS_MAX).contains(&words.chars().count()) {
        return Err(AppealError::BadWords);
    }
    let mut tx = app.store.write().await?;
    let made = make(&mut tx, user, words, app.now_us()).await?;
    tx.commit().await?;
    Ok(made)
}

pub(super) async fn make(
    tx: &mut Tx,
    user: UserId,
    words: &str,
    now_us: i64,
) -> Result<AppealRow, AppealError> {
    let against = rows::in_force(tx, user).await?;
    let against = against.ok_or(AppealError::NothingToAppealAgainst)?;
    if let Some(before) = rows::appeal_against(tx, against.id).await? {
        return match before.words == words {
            true => Ok(before),
            false => Err(AppealError::AppealedBefore),
        };
    }
    let row = AppealRow {
        id: AppealId::new(Uuid::now_v7()),
        decision_id: against.id,
        user_id: user,
        words: words.into(),
        made_us: now_us,
        status: AppealStatus::Open,
        answer: None,
        answered_us: None,
    };
    rows::insert_appeal(tx, &row).await?;
    let record = Record {
        by: By::Person(user),
        act: Act::Appealed,
        subject: Subject::Person(user),
        reason: words,
        evidence: json!({ "appeal": row.id, "decision": against.id }),
    };
    audit_log::write(tx, &record, now_us).await?;
    Ok(row)
}

/// What an operator says to an appeal.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    pub by: UserId,
    pub answer: Answer,
    pub reason: &'a str,
}

/// Answers an appeal; if the decision is taken back, what it took comes back. The same once more changes nothing.
pub async fn answer(app: &App, id: AppealId, given: &Given<'_>) -> Result<AppealRow, AppealError> {
    let reason = valid_reason(given.reason).ok_or(AppealError::BadAnswer)?;
    let given = Given {
        reason,
        ..given.clone()
    };
    let mut tx = app.store.write().await?;
    let answered = carry_out_answer(&mut tx, id, &given, app.now_us()).await?;
    tx.commit().await?;
    app.bells.work.ring();
    Ok(answered)
}

pub(super) async fn carry_out_answer(
    tx: &mut Tx,
    id: AppealId,
    given: &Given<'_>,
    now_us: i64,
) -> Result<AppealRow, AppealError> {
    let row = rows::appeal(tx, id).await?.ok_or(AppealError::NotFound)?;
    if row.user_id == given.by {
        return Err(AppealError::Oneself);
    }
    let Answered::Changed(status) = standing::answer(row.status, given.answer)? else {
        return Ok(row);
    };
    let ending = Ending {
        status,
        answer: given.reason,
        by: given.by,
        now_us,
    };
    rows::end_appeal(tx, id, ending).await?;
    let record = Record {
        by: By::Operator(given.by),
        act: Act::AppealAnswered,
        subject: Subject::Person(row.user_id),
        reason: given.reason,
        evidence: json!({
            "appeal": id, "decision": row.decision_id, "answer": status.as_str(),
        }),
    };
    audit_log::write(tx, &record, now_us).await?;
    if given.answer == Answer::Lift {
        let lift = Wanted {
            by: given.by,
            on: row.user_id,
            verdict: Verdict::Lift,
            reason: given.reason.into(),
            evidence: Value::Null,
        };
        carry_out(tx, &lift, None, now_us).await?;
    }
    let answered = rows::appeal(tx, id).await?;
    answered.ok_or(AppealError::NotFound)
}
