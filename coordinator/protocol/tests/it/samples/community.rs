use pictor_protocol::campaign::{Quest, QuestKind};
use pictor_protocol::community::{
    CheckIn, CheckInMonth, CheckedIn, ClaimQuest, EnterReferral, MyQuest, OpenedQuest, QuestList,
    QuestProgress, QuestState, QuestWebhook, Referral, RefuseClaim, WaitingClaim, WaitingClaims,
};
use pictor_protocol::{CampaignId, ClaimId, Micros, UserId};

use super::{NEW_YEAR_MS, uuid};

const DAY_MS: i64 = 86_400_000;

fn check_in() -> CheckIn {
    CheckIn {
        day: "2026-01-01".into(),
        at_ms: NEW_YEAR_MS,
        streak_days: 7,
    }
}

pub fn checked_in() -> Vec<CheckedIn> {
    vec![CheckedIn {
        check_in: check_in(),
        points_micros: Micros::new(2_000_000),
        credits_micros: Micros::new(20_000_000),
        next_ms: NEW_YEAR_MS + DAY_MS,
    }]
}

pub fn check_in_month() -> Vec<CheckInMonth> {
    vec![CheckInMonth {
        month: "2026-01".into(),
        check_ins: vec![check_in()],
        streak_days: 7,
        next_ms: NEW_YEAR_MS + DAY_MS,
    }]
}

pub fn quest_progress() -> Vec<QuestProgress> {
    let states = [
        QuestState::Todo,
        QuestState::Opened,
        QuestState::Waiting,
        QuestState::Refused,
        QuestState::Done,
    ];
    let progress = states.into_iter().map(|state| QuestProgress {
        state,
        claimed_ms: Some(NEW_YEAR_MS),
        decided_ms: Some(NEW_YEAR_MS + DAY_MS),
        reason: Some("nobody of that name has joined".into()),
    });
    progress.collect()
}

pub fn quest_list() -> Vec<QuestList> {
    let quest = Quest {
        id: "join".into(),
        title: "Join the channel".into(),
        url: "https://example.org/join".into(),
        kind: QuestKind::Operator,
        points_micros: Micros::new(5_000_000),
        opens_ms: Some(NEW_YEAR_MS),
        closes_ms: Some(NEW_YEAR_MS + DAY_MS),
        active: true,
    };
    let quests = quest_progress().into_iter().map(|progress| MyQuest {
        quest: quest.clone(),
        open: true,
        progress,
    });
    vec![QuestList {
        campaign: Some(CampaignId::new(uuid(40))),
        quests: quests.collect(),
    }]
}

pub fn opened_quest() -> Vec<OpenedQuest> {
    vec![OpenedQuest {
        url: "https://example.org/join".into(),
        nonce: "a-nonce".into(),
        claim_from_ms: NEW_YEAR_MS + 5_001,
    }]
}

pub fn claim_quest() -> Vec<ClaimQuest> {
    vec![ClaimQuest {
        nonce: Some("a-nonce".into()),
        attested: true,
        note: Some("I am ada_l there".into()),
    }]
}

pub fn quest_webhook() -> Vec<QuestWebhook> {
    vec![QuestWebhook {
        event: "member-joined-4711".into(),
        user: UserId::new(uuid(20)),
    }]
}

pub fn waiting_claims() -> Vec<WaitingClaims> {
    let claim = WaitingClaim {
        id: ClaimId::new(uuid(50)),
        quest: "join".into(),
        user: UserId::new(uuid(20)),
        user_name: "Ada".into(),
        claimed_ms: NEW_YEAR_MS,
        note: Some("I am ada_l there".into()),
    };
    vec![WaitingClaims {
        claims: vec![claim],
    }]
}

pub fn refuse_claim() -> Vec<RefuseClaim> {
    vec![RefuseClaim {
        reason: "nobody of that name has joined".into(),
    }]
}

pub fn referral() -> Vec<Referral> {
    vec![Referral {
        code: "7k2m9x4qwe".into(),
        link: "https://render.example.org/sign-in?referral=7k2m9x4qwe".into(),
        referees: 3,
        referred: true,
        earned_micros: Micros::new(1_020_000_000),
        earned_this_week_micros: Micros::new(20_000_000),
        cap_per_week_micros: Micros::new(1_000_000_000),
        percent: 10,
        next_week_ms: NEW_YEAR_MS + 4 * DAY_MS,
    }]
}

pub fn enter_referral() -> Vec<EnterReferral> {
    vec![EnterReferral {
        code: "7k2m9x4qwe".into(),
    }]
}
