use pictor_protocol::campaign::{
    Campaign, CampaignDates, CampaignList, CampaignNow, CampaignState, CreditsTable, NewCampaign,
    NewRules, PointsTable, PrizeBand, PrizeTable, Quest, QuestKind, RulesHistory, RulesVersion,
};
use pictor_protocol::{CampaignId, Cents, Micros};

use super::{NEW_YEAR_MS, uuid};

const DAY_MS: i64 = 86_400_000;

pub fn campaign_now() -> Vec<CampaignNow> {
    let [upcoming, _, running, _] = states();
    vec![CampaignNow {
        current: Some(running),
        next: Some(upcoming),
    }]
}

pub fn campaign_list() -> Vec<CampaignList> {
    vec![CampaignList {
        campaigns: states().into(),
    }]
}

pub fn campaign() -> Vec<Campaign> {
    states().into()
}

pub fn new_campaign() -> Vec<NewCampaign> {
    vec![NewCampaign {
        slug: "winter-2026".into(),
        opens_ms: Some(NEW_YEAR_MS),
        starts_ms: Some(NEW_YEAR_MS + DAY_MS),
        closes_ms: NEW_YEAR_MS + 30 * DAY_MS,
        document: "[campaign]\nname = \"Winter\"\n".into(),
        dry_run: true,
    }]
}

pub fn campaign_dates() -> Vec<CampaignDates> {
    vec![CampaignDates {
        opens_ms: NEW_YEAR_MS,
        starts_ms: NEW_YEAR_MS + DAY_MS,
        closes_ms: NEW_YEAR_MS + 30 * DAY_MS,
    }]
}

pub fn new_rules() -> Vec<NewRules> {
    vec![NewRules {
        document: "[campaign]\nname = \"Winter\"\n".into(),
        effective_ms: Some(NEW_YEAR_MS + DAY_MS),
        dry_run: true,
    }]
}

pub fn rules_version() -> Vec<RulesVersion> {
    vec![RulesVersion {
        version: 2,
        effective_ms: NEW_YEAR_MS + DAY_MS,
        made_ms: NEW_YEAR_MS,
        hash: "5e".repeat(32),
        document: "[campaign]\nname = \"Winter\"\n".into(),
    }]
}

pub fn rules_history() -> Vec<RulesHistory> {
    vec![RulesHistory {
        campaign: CampaignId::new(uuid(30)),
        versions: rules_version(),
    }]
}

fn states() -> [Campaign; 4] {
    let states = [
        CampaignState::Upcoming,
        CampaignState::Open,
        CampaignState::Running,
        CampaignState::Closed,
    ];
    states.map(|state| Campaign {
        id: CampaignId::new(uuid(30)),
        slug: "winter-2026".into(),
        name: "Winter".into(),
        state,
        opens_ms: NEW_YEAR_MS,
        starts_ms: NEW_YEAR_MS + DAY_MS,
        closes_ms: NEW_YEAR_MS + 30 * DAY_MS,
        closed_early_ms: Some(NEW_YEAR_MS + 29 * DAY_MS),
        thank_you: Some("Thank you!".into()),
        terms: "No bots.".into(),
        rules_version: 2,
        points: points(),
        credits: credits(),
        quests: quests(),
        prizes: Some(prizes()),
    })
}

fn points() -> PointsTable {
    let points = |whole: i64| Micros::new(whole * Micros::PER_ONE);
    PointsTable {
        render_per_reference_minute_micros: points(10),
        online_per_hour_micros: points(10),
        online_score_cap_micros: Micros::new(2_500_000),
        job_per_credit_micros: points(1),
        job_least_micros: points(5),
        check_in_micros: [1, 1, 1, 1, 1, 1, 2].map(points).into(),
        referral_percent: 10,
        referral_cap_per_week_micros: points(1_000),
        hold_hours: 24,
    }
}

fn credits() -> CreditsTable {
    let credits = |whole: i64| Micros::new(whole * Micros::PER_ONE);
    CreditsTable {
        sign_up_micros: credits(100),
        quest_micros: credits(50),
        streak_week_micros: credits(20),
        per_reference_minute_micros: Micros::new(500_000),
    }
}

fn quests() -> Vec<Quest> {
    let kinds = [QuestKind::Link, QuestKind::Operator, QuestKind::Webhook];
    let quest = |kind| Quest {
        id: "follow-x".into(),
        title: "Follow us on X".into(),
        url: "https://x.com/example".into(),
        kind,
        points_micros: Micros::new(5_000_000),
        opens_ms: Some(NEW_YEAR_MS),
        closes_ms: Some(NEW_YEAR_MS + DAY_MS),
        active: true,
    };
    kinds.map(quest).into()
}

fn prizes() -> PrizeTable {
    PrizeTable {
        pool_cents: Cents::new(200_000),
        currency: "USD".into(),
        paid_in: "APT".into(),
        remainder_cents: Cents::new(180_000),
        bands: vec![PrizeBand {
            from: 1,
            to: 1,
            each_cents: Cents::new(20_000),
        }],
    }
}
