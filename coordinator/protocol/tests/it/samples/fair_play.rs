use pictor_protocol::fair_play::{
    AnswerAppeal, Appeal, AppealList, AppealStatus, DecideStanding, Decision, Hearing, LogLine,
    LogPage, MyDecisions, NewAppeal, OpenAppeal, PersonFile, PersonPage, PersonSummary, Signal,
    SignalKind, SignalList, Standing, Verdict,
};
use pictor_protocol::people::Role;
use pictor_protocol::{AppealId, CampaignId, DecisionId, UserId};
use serde_json::json;

use super::people::{accepted_rules, forfeited_amount, identity};
use super::{NEW_YEAR_MS, uuid};

const VERDICTS: [Verdict; 5] = [
    Verdict::Warn,
    Verdict::Suspend,
    Verdict::Disqualify,
    Verdict::Ban,
    Verdict::Lift,
];
const STANDINGS: [Standing; 5] = [
    Standing::Warned,
    Standing::Suspended,
    Standing::Disqualified,
    Standing::Banned,
    Standing::Good,
];

pub fn decide_standing() -> Vec<DecideStanding> {
    let decided = VERDICTS.map(|decision| DecideStanding {
        decision,
        reason: "two accounts on one machine".into(),
        evidence: json!(["GPU-1"]),
    });
    decided.into()
}

pub fn hearing() -> Hearing {
    Hearing {
        secret: "pch_secret".into(),
        expires_ms: NEW_YEAR_MS + 1_800_000,
        decision: DecisionId::new(uuid(60)),
        reason: "two accounts on one machine".into(),
    }
}

pub fn decisions() -> Vec<Decision> {
    let decided = VERDICTS.into_iter().zip(STANDINGS);
    let decided = decided.map(|(decision, standing)| Decision {
        id: DecisionId::new(uuid(60)),
        decision,
        standing,
        reason: "two accounts on one machine".into(),
        evidence: json!(["GPU-1"]),
        at_ms: NEW_YEAR_MS,
        by: Some(UserId::new(uuid(20))),
        campaign: Some(CampaignId::new(uuid(50))),
        forfeited: vec![forfeited_amount()],
        appeal: Some(an_appeal(AppealStatus::Open)),
    });
    decided.collect()
}

fn an_appeal(status: AppealStatus) -> Appeal {
    Appeal {
        id: AppealId::new(uuid(61)),
        decision: DecisionId::new(uuid(60)),
        words: "I bought it from her".into(),
        made_ms: NEW_YEAR_MS,
        status,
        answer: Some("the bill shows it".into()),
        answered_ms: Some(NEW_YEAR_MS + 1_000),
    }
}

pub fn new_appeal() -> Vec<NewAppeal> {
    vec![NewAppeal {
        words: "I bought it from her".into(),
    }]
}

pub fn appeal() -> Vec<Appeal> {
    let statuses = [
        AppealStatus::Open,
        AppealStatus::Upheld,
        AppealStatus::Lifted,
        AppealStatus::Superseded,
    ];
    statuses.map(an_appeal).into()
}

pub fn answer_appeal() -> Vec<AnswerAppeal> {
    vec![AnswerAppeal {
        answer: AppealStatus::Lifted,
        reason: "the bill shows it".into(),
    }]
}

pub fn appeal_list() -> Vec<AppealList> {
    vec![AppealList {
        appeals: vec![OpenAppeal {
            person: UserId::new(uuid(20)),
            appeal: an_appeal(AppealStatus::Open),
        }],
    }]
}

pub fn log_line() -> LogLine {
    LogLine {
        number: 7,
        at_ms: NEW_YEAR_MS,
        by: "operator".into(),
        act: "standing-decided".into(),
        subject: format!("person/{}", uuid(20)),
        reason: "two accounts on one machine".into(),
        evidence: json!(["suspend"]),
        hash: "ab".repeat(32),
    }
}

pub fn my_decisions() -> Vec<MyDecisions> {
    vec![MyDecisions {
        standing: Standing::Suspended,
        may_appeal: true,
        decisions: decisions(),
        log: vec![log_line()],
    }]
}

pub fn log_page() -> Vec<LogPage> {
    vec![LogPage {
        rows: vec![log_line()],
        next: Some(7),
    }]
}

fn summary(standing: Standing) -> PersonSummary {
    PersonSummary {
        id: UserId::new(uuid(20)),
        name: "Ada".into(),
        operator: false,
        created_ms: NEW_YEAR_MS,
        deleted_ms: Some(NEW_YEAR_MS + 1_000),
        standing,
    }
}

pub fn person_page() -> Vec<PersonPage> {
    vec![PersonPage {
        people: STANDINGS.map(summary).into(),
        next: Some(UserId::new(uuid(20))),
    }]
}

pub fn person_file() -> Vec<PersonFile> {
    vec![PersonFile {
        person: summary(Standing::Good),
        roles: Role::ALL.to_vec(),
        identities: vec![identity()],
        accepted_rules: vec![accepted_rules()],
        decisions: decisions(),
        linked: vec![UserId::new(uuid(24))],
    }]
}

pub fn signal_list() -> Vec<SignalList> {
    let kinds = [
        SignalKind::SharedDevice,
        SignalKind::ReferralRing,
        SignalKind::Clockwork,
        SignalKind::IdleUptime,
        SignalKind::Refunds,
    ];
    let signals = kinds.map(|kind| Signal {
        kind,
        people: vec![UserId::new(uuid(20)), UserId::new(uuid(24))],
        summary: "2 people had the same device, at the same time".into(),
        evidence: json!(["GPU-1"]),
        first_ms: Some(NEW_YEAR_MS),
        now: true,
    });
    vec![SignalList {
        signals: signals.into(),
    }]
}
