//! Check-ins, quests and referrals, through the API; what waited settles by itself.

mod check_ins;
mod online;
mod quests;
mod referrals;

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use http::{Method, StatusCode, header};
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::quests::webhook::WebhookSecret;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_coordinator::ledger::hold::{self, Destination, NewHold, Source};
use pictor_coordinator::ledger::{Book, EntryKind, audit, balance};
use pictor_protocol::campaign::Campaign;
use pictor_protocol::community::{
    CheckInMonth, CheckedIn, OpenedQuest, QuestList, QuestProgress, QuestState, Referral,
    WaitingClaims,
};
use pictor_protocol::people::Role;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{Micros, UserId};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::browser::Browser;
use crate::harness::client::Answer;
use crate::harness::{World, eventually};

const DAY_US: i64 = 86_400_000_000;
const CHECK_INS: &str = "/api/v1/check-ins";
const REFERRAL: &str = "/api/v1/referral";
const QUEST: &str = "/api/v1/quests/follow-x";
const CLAIMS: &str = "/api/v1/operator/quest-claims";
const SECRET: &str = "secret-of-the-tests-of-webhooks-0001";
const NOTHING: Value = Value::Null;

fn created<T: serde::de::DeserializeOwned>(answer: Answer) -> T {
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()
}

/// The default rules, their quests of another kind.
fn of_kind(kind: &str) -> String {
    DEFAULT.replace("kind = \"link\"", &format!("kind = {kind:?}"))
}

fn sign(quest: &str, timestamp_s: i64, body: &str) -> String {
    let code = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let signed = code.chain_update(format!("{timestamp_s}.{quest}.{body}"));
    let code = signed.finalize().into_bytes();
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Browser {
    async fn claim(&mut self, claim: &Value) -> Answer {
        self.post(&format!("{QUEST}/claim"), claim).await
    }

    async fn enter(&mut self, code: &str) -> Answer {
        self.post(REFERRAL, &json!({ "code": code })).await
    }
}

impl World {
    /// A campaign that runs, by these rules.
    async fn campaign_of(&self, document: &str) -> Campaign {
        let closes_ms = now_us() / 1_000 + 30 * 86_400_000;
        let new = json!({ "slug": "winter", "closes_ms": closes_ms, "document": document });
        created(self.creator.post("/api/v1/operator/campaigns", &new).await)
    }

    /// A new member of the community, in a browser.
    async fn member(&self, name: &str) -> (UserId, Browser) {
        let id = self.person(name, &[Role::CommunityMember]).await;
        (id, self.browser_of(id).await)
    }

    async fn told(&self, quest: &str, timestamp_s: i64, signature: &str, body: &str) -> Answer {
        let timestamp = timestamp_s.to_string();
        let headers = [
            ("pictor-timestamp", timestamp.as_str()),
            ("pictor-signature", signature),
        ];
        let path = format!("/api/v1/quests/{quest}/webhook");
        let nobody = self.creator.with_token("");
        nobody
            .send_with(Method::POST, &path, &headers, body.as_bytes().to_vec())
            .await
    }

    async fn tells(&self, quest: &str, timestamp_s: i64, body: &str) -> Answer {
        let signature = sign(quest, timestamp_s, body);
        self.told(quest, timestamp_s, &signature, body).await
    }

    /// Points that are due now.
    async fn earn(&self, campaign: &Campaign, key: &str, owner: UserId, micros: i64) {
        let new = NewHold {
            key: key.into(),
            book: Book::Points(campaign.id),
            kind: EntryKind::Render,
            owner,
            source: Source::Mint,
            destination: Destination::Available,
            amount: Micros::new(micros),
            due_us: Some(now_us()),
            inputs: json!({}),
        };
        let mut tx = self.store.write().await.unwrap();
        hold::begin(&mut tx, &new, now_us()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Micros that can be used.
    async fn points(&self, campaign: &Campaign, user: UserId) -> i64 {
        let mut tx = self.store.read().await.unwrap();
        let book = Book::Points(campaign.id);
        let has = balance(&mut tx, book, user).await.unwrap();
        has.available.get()
    }

    async fn credits(&self, user: UserId) -> i64 {
        let mut tx = self.store.read().await.unwrap();
        let has = balance(&mut tx, Book::Credits, user).await.unwrap();
        has.available.get()
    }

    async fn assert_sound(&self) {
        let mut tx = self.store.read().await.unwrap();
        let found = audit::audit(&mut tx).await.unwrap();
        assert!(found.is_sound(), "{:?}", found.faults);
    }
}
