//! What people and operators see of standings, decisions, appeals and the audit log.

use pictor_protocol::fair_play as wire;
use pictor_protocol::fair_play::{
    Appeal, AppealList, Decision, LogLine, LogPage, MyDecisions, OpenAppeal, PersonFile,
    PersonPage, PersonSummary,
};
use pictor_protocol::people::ForfeitedAmount;
use pictor_protocol::{Micros, UserId};
use serde_json::Value;

use super::forfeit;
use super::signals::Kind;
use super::standing::{AppealStatus, Standing, Verdict};
use crate::accounts::acceptance;
use crate::accounts::identities;
use crate::audit_log::Subject;
use crate::ledger::Book;
use crate::store::audit_log::LogRow;
use crate::store::people::PersonRow;
use crate::store::standing::{AppealRow, DecisionRow};
use crate::store::{
    Result, Tx, acceptances, audit_log, identities as identity_rows, people, roles,
    standing as rows,
};

/// So many rows about oneself are shown.
const OWN_ROWS: i64 = 200;
/// So many appeals wait on one page.
const APPEALS: i64 = 200;

/// Who looks at a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Is told what and why, not by whom: decisions are the network's.
    Oneself,
    Operator,
}

/// What was decided on somebody, the latest first.
pub async fn decisions(tx: &mut Tx, user: UserId, viewer: Viewer) -> Result<Vec<Decision>> {
    let mut decisions = Vec::new();
    for row in rows::decisions_of(tx, user).await? {
        decisions.push(decision(tx, row, viewer).await?);
    }
    Ok(decisions)
}

async fn decision(tx: &mut Tx, row: DecisionRow, viewer: Viewer) -> Result<Decision> {
    let appeal = rows::appeal_against(tx, row.id).await?.map(appeal);
    let forfeited = forfeit::taken_by(tx, row.id).await?;
    Ok(Decision {
        id: row.id,
        decision: verdict(row.decision),
        standing: standing(row.standing),
        reason: row.reason,
        evidence: row.evidence.0,
        at_ms: row.at_us / 1_000,
        by: (viewer == Viewer::Operator).then_some(row.made_by),
        campaign: row.campaign_id.0,
        forfeited: forfeited.into_iter().map(amount).collect(),
        appeal,
    })
}

pub fn amount((book, amount): (Book, Micros)) -> ForfeitedAmount {
    ForfeitedAmount {
        book: book.to_string(),
        amount_micros: amount,
    }
}

pub fn appeal(row: AppealRow) -> Appeal {
    Appeal {
        id: row.id,
        decision: row.decision_id,
        words: row.words,
        made_ms: row.made_us / 1_000,
        status: match row.status {
            AppealStatus::Open => wire::AppealStatus::Open,
            AppealStatus::Upheld => wire::AppealStatus::Upheld,
            AppealStatus::Lifted => wire::AppealStatus::Lifted,
            AppealStatus::Superseded => wire::AppealStatus::Superseded,
        },
        answer: row.answer,
        answered_ms: row.answered_us.map(|us| us / 1_000),
    }
}

/// What a person sees of all that.
pub async fn mine(tx: &mut Tx, user: UserId) -> Result<MyDecisions> {
    let in_force = rows::in_force(tx, user).await?;
    let may_appeal = match &in_force {
        Some(decision) => rows::appeal_against(tx, decision.id).await?.is_none(),
        None => false,
    };
    Ok(MyDecisions {
        standing: standing(in_force.map_or(Standing::Good, |decision| decision.standing)),
        may_appeal,
        decisions: decisions(tx, user, Viewer::Oneself).await?,
        log: own_log(tx, user).await?,
    })
}

/// What the audit log says of somebody, for themselves.
pub async fn own_log(tx: &mut Tx, user: UserId) -> Result<Vec<LogLine>> {
    let subject = Subject::Person(user).to_string();
    let log = audit_log::before(tx, i64::MAX, Some(&subject), OWN_ROWS).await?;
    Ok(log
        .into_iter()
        .map(|row| log_line(row, Viewer::Oneself))
        .collect())
}

/// A page of the audit log, the latest first.
pub async fn log(
    tx: &mut Tx,
    before: Option<i64>,
    subject: Option<&str>,
    limit: i64,
) -> Result<LogPage> {
    let mut found = audit_log::before(tx, before.unwrap_or(i64::MAX), subject, limit + 1).await?;
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|row| row.number);
    let rows = found.into_iter();
    Ok(LogPage {
        rows: rows.map(|row| log_line(row, Viewer::Operator)).collect(),
        next,
    })
}

fn log_line(row: LogRow, viewer: Viewer) -> LogLine {
    let is_operator = row.by_whom.starts_with("operator/");
    LogLine {
        number: row.number,
        at_ms: row.at_us / 1_000,
        by: match viewer {
            Viewer::Oneself if is_operator => "operator".into(),
            Viewer::Oneself | Viewer::Operator => row.by_whom,
        },
        act: row.act,
        subject: row.subject,
        reason: row.reason,
        evidence: serde_json::from_str(&row.evidence).unwrap_or(Value::Null),
        hash: row.hash,
    }
}

/// Appeals that wait, the oldest first.
pub async fn open_appeals(tx: &mut Tx) -> Result<AppealList> {
    let open = rows::open_appeals(tx, APPEALS).await?;
    let appeals = open.into_iter().map(|row| OpenAppeal {
        person: row.user_id,
        appeal: appeal(row),
    });
    Ok(AppealList {
        appeals: appeals.collect(),
    })
}

/// A page of people, the latest first.
pub async fn people(
    tx: &mut Tx,
    text: &str,
    before: Option<UserId>,
    limit: i64,
) -> Result<PersonPage> {
    let mut found = people::search(tx, text, before, limit + 1).await?;
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|row| row.id);
    let mut people = Vec::with_capacity(found.len());
    for row in found {
        people.push(summary(tx, row).await?);
    }
    Ok(PersonPage { people, next })
}

async fn summary(tx: &mut Tx, row: PersonRow) -> Result<PersonSummary> {
    Ok(PersonSummary {
        standing: standing(rows::of(tx, row.id).await?),
        id: row.id,
        name: row.name,
        operator: row.operator != 0,
        created_ms: row.created_us / 1_000,
        deleted_ms: row.deleted_us.map(|us| us / 1_000),
    })
}

/// What a decision on somebody is made by; `None` if there is nobody of that id.
pub async fn file(tx: &mut Tx, user: UserId) -> Result<Option<PersonFile>> {
    let Some(row) = people::person(tx, user).await? else {
        return Ok(None);
    };
    let identities = identity_rows::of_user(tx, user).await?;
    let accepted = acceptances::of_user(tx, user).await?;
    Ok(Some(PersonFile {
        person: summary(tx, row).await?,
        roles: roles::of_user(tx, user).await?,
        identities: identities.into_iter().map(identities::view).collect(),
        accepted_rules: accepted.into_iter().map(acceptance::view).collect(),
        decisions: decisions(tx, user, Viewer::Operator).await?,
        linked: rows::linked_to(tx, user).await?,
    }))
}

pub const fn standing(standing: Standing) -> wire::Standing {
    match standing {
        Standing::Good => wire::Standing::Good,
        Standing::Warned => wire::Standing::Warned,
        Standing::Suspended => wire::Standing::Suspended,
        Standing::Disqualified => wire::Standing::Disqualified,
        Standing::Banned => wire::Standing::Banned,
    }
}

const fn verdict(verdict: Verdict) -> wire::Verdict {
    match verdict {
        Verdict::Warn => wire::Verdict::Warn,
        Verdict::Suspend => wire::Verdict::Suspend,
        Verdict::Disqualify => wire::Verdict::Disqualify,
        Verdict::Ban => wire::Verdict::Ban,
        Verdict::Lift => wire::Verdict::Lift,
    }
}

/// What an operator asks for; `None` if this program does not know it.
pub const fn wanted(verdict: wire::Verdict) -> Option<Verdict> {
    match verdict {
        wire::Verdict::Warn => Some(Verdict::Warn),
        wire::Verdict::Suspend => Some(Verdict::Suspend),
        wire::Verdict::Disqualify => Some(Verdict::Disqualify),
        wire::Verdict::Ban => Some(Verdict::Ban),
        wire::Verdict::Lift => Some(Verdict::Lift),
        wire::Verdict::Unknown => None,
    }
}

pub const fn signal_kind(kind: Kind) -> wire::SignalKind {
    match kind {
        Kind::SharedDevice => wire::SignalKind::SharedDevice,
        Kind::ReferralRing => wire::SignalKind::ReferralRing,
        Kind::Clockwork => wire::SignalKind::Clockwork,
        Kind::IdleUptime => wire::SignalKind::IdleUptime,
        Kind::Refunds => wire::SignalKind::Refunds,
    }
}
