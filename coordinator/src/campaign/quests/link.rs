//! Quests that are done by opening a link: nobody can look over there, so what counts is that the person went
//! through us, stayed away for a moment, and says so.

use pictor_protocol::UserId;
use pictor_protocol::community::{ClaimQuest, OpenedQuest, QuestProgress};
use serde_json::json;

use super::{QuestError, blank, complete, doable, fault, row_of};
use crate::accounts::{Secret, SecretKind};
use crate::app::App;
use crate::campaign::RulesCache;
use crate::campaign::calendar::SECOND_US;
use crate::campaign::current::Current;
use crate::campaign::rules::{Quest, QuestKind};
use crate::store::Tx;
use crate::store::quests::{self, ClaimRow, ClaimStatus};

/// Nobody follows, joins or subscribes faster.
pub const VISIT_US: i64 = 5 * SECOND_US;

/// Sends somebody to a quest's address. Opened again, only the latest nonce is good, and the moment begins anew.
pub async fn open(app: &App, user: UserId, id: &str) -> Result<OpenedQuest, QuestError> {
    let nonce = Secret::new(SecretKind::QuestNonce)?;
    let mut tx = app.store.write().await?;
    let opened = visit(&app.rules, &mut tx, user, id, nonce, app.now_us()).await?;
    tx.commit().await?;
    Ok(opened)
}

pub(in crate::campaign) async fn visit(
    known: &RulesCache,
    tx: &mut Tx,
    user: UserId,
    id: &str,
    nonce: Secret,
    now_us: i64,
) -> Result<OpenedQuest, QuestError> {
    let (campaign, quest) = doable(known, tx, id, now_us).await?;
    if quest.kind != QuestKind::Link {
        return Err(QuestError::OtherWay("there is no link to be opened"));
    }
    let row = row_of(tx, &campaign, id, user).await?;
    let row = row.unwrap_or_else(|| blank(&campaign, id, user, ClaimStatus::Opened));
    let opened = ClaimRow {
        status: ClaimStatus::Opened,
        nonce_hash: Some(Secret::hash(nonce.reveal())),
        opened_us: Some(now_us),
        ..row
    };
    quests::save(tx, &opened).await?;
    Ok(OpenedQuest {
        url: quest.url,
        nonce: nonce.reveal().into(),
        claim_from_ms: (now_us + VISIT_US).div_euclid(1_000) + 1,
    })
}

/// Whether the visit of a row is the one of that nonce, and long enough.
pub fn visited(row: Option<&ClaimRow>, nonce: &str, now_us: i64) -> Result<(), QuestError> {
    let opened = row.filter(|row| row.status == ClaimStatus::Opened);
    let opened = opened.filter(|row| row.nonce_hash == Some(Secret::hash(nonce)));
    let opened_us = opened
        .and_then(|row| row.opened_us)
        .ok_or(QuestError::NotVisited)?;
    match opened_us + VISIT_US - now_us {
        ..=0 => Ok(()),
        left => Err(QuestError::TooQuick {
            wait_s: (left as u64).div_ceil(SECOND_US as u64),
        }),
    }
}

/// Takes a person's word for it.
pub(super) async fn attest(
    tx: &mut Tx,
    campaign: &Current,
    quest: &Quest,
    row: Option<ClaimRow>,
    claim: &ClaimQuest,
    now_us: i64,
) -> Result<QuestProgress, QuestError> {
    if !claim.attested {
        return Err(fault("attested", "say that you have done it"));
    }
    let nonce = claim.nonce.as_deref().ok_or(QuestError::NotVisited)?;
    visited(row.as_ref(), nonce, now_us)?;
    let row = row.ok_or(QuestError::NotVisited)?;
    let how = json!({ "attested": true, "opened_us": row.opened_us });
    complete(tx, campaign, quest, row, how, now_us).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pictor_protocol::CampaignId;
    use uuid::Uuid;

    use super::*;
    use crate::campaign::life::{Life, State};
    use crate::campaign::rules::{DEFAULT, Rules};

    #[test]
    fn only_the_latest_nonce_counts_and_only_after_a_moment() {
        let row = ClaimRow {
            nonce_hash: Some(Secret::hash("good")),
            opened_us: Some(1_000),
            ..blank(&campaign(), "follow-x", user(), ClaimStatus::Opened)
        };
        let at = |nonce: &str, now_us: i64| visited(Some(&row), nonce, now_us);
        assert!(at("good", 1_000 + VISIT_US).is_ok());
        let quick = at("good", 1_000 + VISIT_US - 1);
        assert!(matches!(quick, Err(QuestError::TooQuick { wait_s: 1 })));
        let stale = at("stale", 1_000 + VISIT_US);
        assert!(matches!(stale, Err(QuestError::NotVisited)));
        let nowhere = visited(None, "good", i64::MAX);
        assert!(matches!(nowhere, Err(QuestError::NotVisited)));
    }

    #[test]
    fn a_nonce_that_was_used_up_opens_nothing() {
        let done = ClaimRow {
            nonce_hash: Some(Secret::hash("good")),
            opened_us: Some(0),
            ..blank(&campaign(), "follow-x", user(), ClaimStatus::Waiting)
        };
        let refused = visited(Some(&done), "good", i64::MAX);
        assert!(matches!(refused, Err(QuestError::NotVisited)));
    }

    fn user() -> UserId {
        UserId::new(Uuid::nil())
    }

    fn campaign() -> Current {
        Current {
            id: CampaignId::new(Uuid::nil()),
            slug: "test".into(),
            life: Life {
                opens_us: 0,
                starts_us: 0,
                closes_us: i64::MAX,
                closed_us: None,
            },
            state: State::Running,
            version: 1,
            rules: Arc::new(Rules::read(DEFAULT).unwrap()),
        }
    }
}
