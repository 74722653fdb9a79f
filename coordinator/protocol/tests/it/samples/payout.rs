use pictor_protocol::payout::{
    PaidByHand, Payout, PayoutAccount, PayoutClaim, PayoutDetails, PayoutEvent, PayoutItem,
    PayoutPage, PayoutStatus, PayoutTransaction, PayoutTransactionStatus,
};
use pictor_protocol::{CampaignId, PayoutId, UserId};

use super::{ADDRESS, NEW_YEAR_MS, uuid};

const HASH: &str = "0x958782f559617b4e4eb7bb3466d7477aa04039e5d3c6ff0f05fc43f3bad21204";

pub fn payout() -> Vec<Payout> {
    let statuses = [
        PayoutStatus::Drafted,
        PayoutStatus::Approved,
        PayoutStatus::ByHand,
        PayoutStatus::Signed,
        PayoutStatus::Submitted,
        PayoutStatus::Confirmed,
        PayoutStatus::Failed,
        PayoutStatus::Withdrawn,
    ];
    let payout = |status| Payout {
        id: PayoutId::new(uuid(40)),
        campaign: CampaignId::new(uuid(41)),
        status,
        recipients: 100,
        rate_usd_per_apt: "4.3712".into(),
        total_cents: 199_000,
        total_octas: 45_525_256_173,
        left_over_octas: 49,
        drafted_by: UserId::new(uuid(20)),
        drafted_ms: NEW_YEAR_MS,
        changed_ms: NEW_YEAR_MS,
        approved_by: vec![UserId::new(uuid(20)), UserId::new(uuid(21))],
        trouble: Some("the Aptos node answered 503".into()),
        by_hand: Some(PayoutClaim {
            hash: HASH.into(),
            said_by: UserId::new(uuid(20)),
            confirmed_by: Some(UserId::new(uuid(21))),
        }),
        transactions: transactions(),
    };
    statuses.into_iter().map(payout).collect()
}

fn transactions() -> Vec<PayoutTransaction> {
    let statuses = [
        PayoutTransactionStatus::Signed,
        PayoutTransactionStatus::Submitted,
        PayoutTransactionStatus::Committed,
        PayoutTransactionStatus::Undone,
        PayoutTransactionStatus::Expired,
    ];
    let numbered = (1..).zip(statuses);
    let transactions = numbered.map(|(attempt, status)| PayoutTransaction {
        attempt,
        status,
        hash: HASH.into(),
        sender: ADDRESS.into(),
        chain_id: 1,
        sequence_number: 7,
        max_gas: 200_000,
        gas_price: 100,
        expires_ms: NEW_YEAR_MS,
        signed_ms: NEW_YEAR_MS,
        outcome: Some("Executed successfully".into()),
    });
    transactions.collect()
}

pub fn payout_page() -> Vec<PayoutPage> {
    vec![PayoutPage {
        payouts: payout().into_iter().take(1).collect(),
        next: Some(PayoutId::new(uuid(40))),
    }]
}

pub fn payout_details() -> Vec<PayoutDetails> {
    let item = PayoutItem {
        rank: 1,
        user: UserId::new(uuid(20)),
        name: "Ada".into(),
        address: ADDRESS.into(),
        prize_cents: 20_000,
        octas: 4_575_402_635,
    };
    let event = PayoutEvent {
        at_ms: NEW_YEAR_MS,
        by: Some(UserId::new(uuid(20))),
        what: "approved".into(),
    };
    let payouts = payout().into_iter().take(1);
    let details = payouts.map(|payout| PayoutDetails {
        payout,
        items: vec![item.clone()],
        history: vec![event.clone()],
    });
    details.collect()
}

pub fn paid_by_hand() -> Vec<PaidByHand> {
    vec![PaidByHand { hash: HASH.into() }]
}

pub fn payout_account() -> Vec<PayoutAccount> {
    vec![PayoutAccount {
        address: ADDRESS.into(),
        chain: "testnet".into(),
        balance_octas: 50_000_000_000,
    }]
}
