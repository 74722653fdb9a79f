//! Who decided what, about whom, and why: a log that only grows.
//!
//! A row is written in the transaction of what it tells of, so there is no act without its row. Each row carries a
//! BLAKE3 hash over itself and the hash of the row before. The database refuses to change or remove a row; whoever
//! edits the file has to write every later row anew, and then the last hash is another one than the one that
//! somebody noted elsewhere: [`verify`] prints it, and takes such a note.
//!
//! It knows words and ids, never what they lead to.

use std::fmt;

use pictor_protocol::{CampaignId, PayoutId, UserId, WorkerId};
use serde_json::Value;

use crate::store::audit_log::{self, LogRow};
use crate::store::column::words;
use crate::store::{Result, Tx};

/// What keys of BLAKE3 are derived from has to be unlike anybody else's.
const CONTEXT: &str = "pictor-coordinator 2026-11 audit log row";
/// So many rows are read at a time.
const PAGE: i64 = 1_000;

words! {
    /// What was done.
    pub enum Act {
        CampaignMade = "campaign-made",
        RulesChanged = "rules-changed",
        DatesMoved = "dates-moved",
        CampaignClosed = "campaign-closed",
        /// An operator did not wait until every point was settled.
        SnapshotTaken = "snapshot-taken",
        PayoutDrafted = "payout-drafted",
        PayoutApproved = "payout-approved",
        PayoutSent = "payout-sent",
        PayoutWithdrawn = "payout-withdrawn",
        /// Outside of the coordinator; by the second one who says it, confirmed.
        PayoutSaidPaid = "payout-said-paid",
        PayoutSaidUnpaid = "payout-said-unpaid",
        TokenMade = "token-made",
        WorkerMade = "worker-made",
        SignInLinkMade = "sign-in-link-made",
        WorkerSuspended = "worker-suspended",
        WorkerReinstated = "worker-reinstated",
        ClaimConfirmed = "claim-confirmed",
        ClaimRefused = "claim-refused",
        /// A person's standing was decided on; the evidence says how.
        StandingDecided = "standing-decided",
        Appealed = "appealed",
        AppealAnswered = "appeal-answered",
        AccountDeleted = "account-deleted",
    }
}

/// Whose act it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Operator(UserId),
    /// About themselves.
    Person(UserId),
    /// Whoever can run the coordinator's own commands.
    CommandLine,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(id) => write!(f, "operator/{id}"),
            Self::Person(id) => write!(f, "person/{id}"),
            Self::CommandLine => f.write_str("command-line"),
        }
    }
}

/// What an act is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Person(UserId),
    Campaign(CampaignId),
    Worker(WorkerId),
    Payout(PayoutId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person/{id}"),
            Self::Campaign(id) => write!(f, "campaign/{id}"),
            Self::Worker(id) => write!(f, "worker/{id}"),
            Self::Payout(id) => write!(f, "payout/{id}"),
        }
    }
}

/// An act that is about to be written down.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    pub by: By,
    pub act: Act,
    pub subject: Subject,
    /// In words; empty where the act says it all.
    pub reason: &'a str,
    pub evidence: Value,
}

/// Writes an act down, in the transaction of the act.
pub async fn write(tx: &mut Tx, record: &Record<'_>, now_us: i64) -> Result<()> {
    let last = audit_log::last(tx).await?;
    let (number, previous) = last.map_or((0, String::new()), |last| (last.number, last.hash));
    let mut row = LogRow {
        number: number + 1,
        at_us: now_us,
        by_whom: record.by.to_string(),
        act: record.act.as_str().into(),
        subject: record.subject.to_string(),
        reason: record.reason.into(),
        evidence: record.evidence.to_string(),
        previous,
        hash: String::new(),
    };
    row.hash = hash(&row);
    audit_log::insert(tx, &row).await
}

/// Over everything in a row but the hash itself. Lengths keep one text from running into the next.
fn hash(row: &LogRow) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&row.number.to_le_bytes());
    hasher.update(&row.at_us.to_le_bytes());
    for text in [
        &row.previous,
        &row.by_whom,
        &row.act,
        &row.subject,
        &row.reason,
        &row.evidence,
    ] {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// A log that is as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sound {
    pub rows: i64,
    /// To be noted elsewhere; empty if there are no rows.
    pub last_hash: String,
}

/// Where a log was tampered with.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("row {0} is missing")]
    Missing(i64),
    #[error("row {0} does not follow the row before it")]
    Detached(i64),
    #[error("row {0} is not what was written")]
    Changed(i64),
    #[error("no row has the hash {0}: rows were removed or written anew since it was noted")]
    Unknown(String),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Reads the whole log. `noted` is a hash that was printed before, and has to be there still: without one, a log
/// that lost its latest rows looks like one that never had them.
pub async fn verify(tx: &mut Tx, noted: Option<&str>) -> std::result::Result<Sound, VerifyError> {
    let mut sound = Sound::default();
    loop {
        let rows = audit_log::after(tx, sound.rows, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            sound = follow(sound, row)?;
        }
    }
    if let Some(noted) = noted
        && !audit_log::has(tx, noted).await?
    {
        return Err(VerifyError::Unknown(noted.into()));
    }
    Ok(sound)
}

fn follow(before: Sound, row: LogRow) -> std::result::Result<Sound, VerifyError> {
    let number = before.rows + 1;
    if row.number != number {
        Err(VerifyError::Missing(number))
    } else if row.previous != before.last_hash {
        Err(VerifyError::Detached(number))
    } else if hash(&row) != row.hash {
        Err(VerifyError::Changed(number))
    } else {
        Ok(Sound {
            rows: number,
            last_hash: row.hash,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn log(rows: usize) -> Vec<LogRow> {
        let mut log: Vec<LogRow> = Vec::new();
        for number in 1..=rows as i64 {
            let previous = log.last().map(|row| row.hash.clone());
            let mut row = LogRow {
                number,
                at_us: number,
                by_whom: By::CommandLine.to_string(),
                act: Act::TokenMade.as_str().into(),
                subject: Subject::Person(UserId::new(Uuid::from_u128(7))).to_string(),
                reason: "for the launcher".into(),
                evidence: json!({ "scopes": ["workers"] }).to_string(),
                previous: previous.unwrap_or_default(),
                hash: String::new(),
            };
            row.hash = hash(&row);
            log.push(row);
        }
        log
    }

    fn read(log: Vec<LogRow>) -> std::result::Result<Sound, VerifyError> {
        log.into_iter().try_fold(Sound::default(), follow)
    }

    #[test]
    fn a_log_as_it_was_written_is_sound() {
        let written = log(5);
        let last = written[4].hash.clone();
        assert_eq!(read(written).unwrap().last_hash, last);
    }

    #[test]
    fn every_field_that_is_changed_is_noticed() {
        let changes: [fn(&mut LogRow); 7] = [
            |row| row.at_us += 1,
            |row| row.by_whom.push('x'),
            |row| row.act.push('x'),
            |row| row.subject.push('x'),
            |row| row.reason.push('x'),
            |row| row.evidence.push(' '),
            // What one text loses, the next one gains.
            |row| {
                let letter = row.act.pop().unwrap();
                row.subject.insert(0, letter);
            },
        ];
        for change in changes {
            let mut written = log(3);
            change(&mut written[1]);
            assert!(matches!(read(written), Err(VerifyError::Changed(2))));
        }
    }

    #[test]
    fn a_row_that_is_gone_or_written_anew_is_noticed() {
        let mut gone = log(4);
        gone.remove(1);
        assert!(matches!(read(gone), Err(VerifyError::Missing(2))));
        let mut anew = log(4);
        anew[1].reason = "another".into();
        anew[1].hash = hash(&anew[1]);
        assert!(matches!(read(anew), Err(VerifyError::Detached(3))));
    }
}
