use pictor_protocol::leaderboard::{ChooseName, LeaderboardPage, MyRank, PublicName, Rank, Step};
use pictor_protocol::ledger::{Balance, Balances, CampaignBalance, LedgerEntry, LedgerPage, Moved};
use pictor_protocol::snapshot::{CampaignKey, SnapshotTaken};
use pictor_protocol::{CampaignId, Cents, Micros};
use serde_json::json;

use super::{NEW_YEAR_MS, uuid};

const POINT: Micros = Micros::new(1_000_000);

pub fn balances() -> Vec<Balances> {
    vec![Balances {
        credits: Balance {
            available_micros: Micros::new(87_500_000),
            held_micros: Micros::new(12_500_000),
        },
        points: Some(CampaignBalance {
            campaign: campaign(),
            available_micros: POINT,
            held_micros: Micros::ZERO,
        }),
    }]
}

pub fn ledger_page() -> Vec<LedgerPage> {
    let moved = |account: &str, micros| Moved {
        account: account.into(),
        amount_micros: Micros::new(micros),
    };
    let entry = LedgerEntry {
        id: 51_234,
        key: "reserve/019b7600-0000-7000-8000-000000000005".into(),
        book: "credits".into(),
        kind: "reserve".into(),
        at_ms: NEW_YEAR_MS,
        inputs: json!({ "frames": 100, "per_frame_micros": 125_000 }),
        moved: vec![moved("available", -12_500_000), moved("held", 12_500_000)],
    };
    vec![LedgerPage {
        entries: vec![entry],
        next: Some(51_234),
    }]
}

pub fn leaderboard_page() -> Vec<LeaderboardPage> {
    vec![LeaderboardPage {
        campaign: Some(campaign()),
        people: 1_000_000,
        currency: Some("USD".into()),
        is_final: true,
        ranks: vec![rank()],
    }]
}

pub fn my_rank() -> Vec<MyRank> {
    let step = Step {
        rank: 5,
        missing_micros: POINT,
        prize_cents: Some(Cents::new(10_000)),
    };
    vec![MyRank {
        campaign: Some(campaign()),
        name: "Ada".into(),
        participant: Some("5f2a00c1d2e3f4051627384950617283".into()),
        rank: Some(6),
        points_micros: POINT,
        waiting_micros: POINT,
        prize_cents: Some(Cents::new(5_000)),
        to_next_rank: Some(step),
        to_next_prize: Some(step),
        neighbours: vec![rank()],
        people: 1_000_000,
        currency: Some("USD".into()),
        is_final: true,
    }]
}

pub fn choose_name() -> Vec<ChooseName> {
    vec![ChooseName {
        name: Some("Ada".into()),
    }]
}

pub fn public_name() -> Vec<PublicName> {
    vec![PublicName {
        name: "Ada".into(),
        is_chosen: true,
    }]
}

pub fn campaign_key() -> Vec<CampaignKey> {
    vec![CampaignKey {
        algorithm: "ed25519".into(),
        public_key: "ab".repeat(32),
    }]
}

pub fn snapshot_taken() -> Vec<SnapshotTaken> {
    vec![SnapshotTaken {
        campaign: campaign(),
        taken_ms: NEW_YEAR_MS,
        people: 1_000_000,
        last_entry: 51_234,
        sha256: "cd".repeat(32),
        public_key: "ab".repeat(32),
        signature: "ef".repeat(64),
    }]
}

fn rank() -> Rank {
    Rank {
        rank: 6,
        name: "Ada".into(),
        points_micros: POINT,
        waiting_micros: POINT,
        prize_cents: Some(Cents::new(5_000)),
        is_me: true,
    }
}

fn campaign() -> CampaignId {
    CampaignId::new(uuid(40))
}
