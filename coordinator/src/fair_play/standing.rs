//! Which decision may follow which standing. Pure.

use crate::store::column::words;

words! {
    /// How a person stands, from good to bad.
    #[derive(PartialOrd, Ord)]
    pub enum Standing {
        Good = "good",
        Warned = "warned",
        Suspended = "suspended",
        Disqualified = "disqualified",
        Banned = "banned",
    }
}

words! {
    /// What an operator decides.
    pub enum Verdict {
        Warn = "warn",
        Suspend = "suspend",
        Disqualify = "disqualify",
        Ban = "ban",
        Lift = "lift",
    }
}

words! {
    /// What came of an appeal.
    pub enum AppealStatus {
        Open = "open",
        Upheld = "upheld",
        Lifted = "lifted",
        Superseded = "superseded",
    }
}

impl Verdict {
    /// How a person stands after it.
    pub const fn leads_to(self) -> Standing {
        match self {
            Self::Warn => Standing::Warned,
            Self::Suspend => Standing::Suspended,
            Self::Disqualify => Standing::Disqualified,
            Self::Ban => Standing::Banned,
            Self::Lift => Standing::Good,
        }
    }

    /// Whether the campaign's points are taken.
    pub const fn forfeits(self) -> bool {
        matches!(self, Self::Disqualify | Self::Ban)
    }
}

/// What a decision is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made before, in the same words: this is a retry.
    Unchanged,
    Changed(Standing),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the person is {} already, by a decision for another reason", .0.as_str())]
    AlreadySo(Standing),
    #[error("the person is {} already, which is more than that; lift it first", .0.as_str())]
    Milder(Standing),
    #[error("the person is in good standing: there is nothing to lift")]
    NothingToLift,
    #[error("nobody decides on themselves")]
    Oneself,
    #[error("an operator is not decided on")]
    AnOperator,
}

/// Whether a decision may be made on somebody who stands so. `repeated`: the last decision on the person was the
/// same one, in the same words. A second warning for something else is one more warning.
pub fn decide(now: Standing, verdict: Verdict, repeated: bool) -> Result<Change, Refusal> {
    let next = verdict.leads_to();
    match verdict {
        _ if repeated => Ok(Change::Unchanged),
        Verdict::Lift if now == Standing::Good => Err(Refusal::NothingToLift),
        Verdict::Lift => Ok(Change::Changed(next)),
        Verdict::Warn | Verdict::Suspend | Verdict::Disqualify | Verdict::Ban => {
            if next < now {
                Err(Refusal::Milder(now))
            } else if next == now && verdict != Verdict::Warn {
                Err(Refusal::AlreadySo(now))
            } else {
                Ok(Change::Changed(next))
            }
        }
    }
}

/// What an operator answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The decision stays.
    Uphold,
    /// The decision is taken back.
    Lift,
}

impl Answer {
    pub const fn leads_to(self) -> AppealStatus {
        match self {
            Self::Uphold => AppealStatus::Upheld,
            Self::Lift => AppealStatus::Lifted,
        }
    }
}

/// What an answer is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It was given before.
    Unchanged,
    Changed(AppealStatus),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the appeal was answered before, or another decision was made since: it is {}", .0.as_str())]
pub struct Over(pub AppealStatus);

/// Whether an appeal that is so may be answered so.
pub fn answer(now: AppealStatus, answer: Answer) -> Result<Answered, Over> {
    let next = answer.leads_to();
    match now {
        AppealStatus::Open => Ok(Answered::Changed(next)),
        _ if now == next => Ok(Answered::Unchanged),
        AppealStatus::Upheld | AppealStatus::Lifted | AppealStatus::Superseded => Err(Over(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERDICTS: [Verdict; 5] = [
        Verdict::Warn,
        Verdict::Suspend,
        Verdict::Disqualify,
        Verdict::Ban,
        Verdict::Lift,
    ];

    #[test]
    fn every_decision_on_every_standing() {
        use Refusal::{AlreadySo, Milder, NothingToLift};
        use Standing::{Banned, Disqualified, Good, Suspended, Warned};
        let to = |standing| Ok(Change::Changed(standing));
        let (warn, suspend, disqualify, ban) =
            (to(Warned), to(Suspended), to(Disqualified), to(Banned));
        let milder = |now| Err(Milder(now));
        let so = |now| Err(AlreadySo(now));
        for (now, expected) in [
            (Good, [warn, suspend, disqualify, ban, Err(NothingToLift)]),
            (Warned, [warn, suspend, disqualify, ban, to(Good)]),
            (
                Suspended,
                [milder(Suspended), so(Suspended), disqualify, ban, to(Good)],
            ),
            (
                Disqualified,
                [
                    milder(Disqualified),
                    milder(Disqualified),
                    so(Disqualified),
                    ban,
                    to(Good),
                ],
            ),
            (
                Banned,
                [
                    milder(Banned),
                    milder(Banned),
                    milder(Banned),
                    so(Banned),
                    to(Good),
                ],
            ),
        ] {
            for (verdict, expected) in VERDICTS.into_iter().zip(expected) {
                assert_eq!(decide(now, verdict, false), expected, "{now:?} {verdict:?}");
            }
        }
    }

    #[test]
    fn a_retry_changes_nothing() {
        for verdict in VERDICTS {
            let retried = decide(verdict.leads_to(), verdict, true);
            assert_eq!(retried, Ok(Change::Unchanged));
        }
    }

    #[test]
    fn an_appeal_is_answered_once() {
        use AppealStatus::{Lifted, Open, Superseded, Upheld};
        for (now, uphold, lift) in [
            (
                Open,
                Ok(Answered::Changed(Upheld)),
                Ok(Answered::Changed(Lifted)),
            ),
            (Upheld, Ok(Answered::Unchanged), Err(Over(Upheld))),
            (Lifted, Err(Over(Lifted)), Ok(Answered::Unchanged)),
            (Superseded, Err(Over(Superseded)), Err(Over(Superseded))),
        ] {
            assert_eq!(answer(now, Answer::Uphold), uphold);
            assert_eq!(answer(now, Answer::Lift), lift);
        }
    }
}
