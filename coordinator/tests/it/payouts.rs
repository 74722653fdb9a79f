//! Rewards on their way to their winners, against a stand-in chain that can fail in every way.

mod approval;
mod by_hand;
mod failures;
mod kills;
mod restarts;
mod sending;

use std::path::PathBuf;

use http::StatusCode;
use pictor_coordinator::accounts::aptos::{Address, Chain as Network};
use pictor_coordinator::app::now_us;
use pictor_coordinator::campaign::payouts::{self, DraftError, Winner};
use pictor_coordinator::config::PayoutSettings;
use pictor_coordinator::store::people;
use pictor_protocol::payout::{Payout, PayoutDetails, PayoutStatus};
use pictor_protocol::{CampaignId, PayoutId, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::harness::chain::Chain;
use crate::harness::client::{Answer, Client};
use crate::harness::{World, eventually};

const PAYOUTS: &str = "/api/v1/operator/payouts";
/// Dollars for one APT.
const RATE: &str = "4.3712";
/// 1,000 APT.
const FUNDS: u64 = 100_000_000_000;
/// Longer than a transaction can happen.
const EXPIRY_S: u64 = 301;

/// A coordinator that pays on a chain, and its two operators.
struct Bank {
    world: World,
    chain: Chain,
    ada: Client,
    bob: Client,
    _key: tempfile::TempDir,
}

impl Bank {
    async fn open() -> Self {
        let chain = Chain::start().await;
        chain.fund(payer(), FUNDS);
        let (dir, key_file) = key_file();
        let node = chain.url.clone();
        let world = World::start_with(|config| {
            config.payouts = Some(PayoutSettings {
                key_file,
                chain: Network::Local,
                node,
            });
        })
        .await;
        Self::of(world, chain, dir).await
    }

    async fn of(world: World, chain: Chain, key: tempfile::TempDir) -> Self {
        let ada = world.another_operator("ada").await;
        let bob = world.another_operator("bob").await;
        Self {
            world,
            chain,
            ada,
            bob,
            _key: key,
        }
    }

    /// Stops the coordinator and starts another one on its data.
    async fn restart(self) -> Self {
        Self::of(self.world.restart().await, self.chain, self._key).await
    }

    async fn approved(&self, prizes_cents: &[u64]) -> PayoutId {
        let winners = winners(&self.world, prizes_cents).await;
        let id = draft(&self.world, campaign(1), &winners).await.unwrap();
        for operator in [&self.ada, &self.bob] {
            post(operator, id, "approve").await;
        }
        id
    }

    async fn send(&self, id: PayoutId) -> Payout {
        let answer = self.ada.post(&path(id, "send"), &json!({})).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.json()
    }

    async fn until(&self, id: PayoutId, status: PayoutStatus) -> Payout {
        self.until_it(id, &format!("a payout that is {status:?}"), |of| {
            of.status == status
        })
        .await
    }

    async fn until_it(&self, id: PayoutId, what: &str, wanted: impl Fn(&Payout) -> bool) -> Payout {
        eventually(what, async || {
            let payout = state(&self.ada, id).await;
            if wanted(&payout) {
                Ok(payout)
            } else {
                Err(payout)
            }
        })
        .await
    }

    async fn details(&self, id: PayoutId) -> PayoutDetails {
        self.ada.get(&format!("{PAYOUTS}/{id}")).await.json()
    }

    /// Everybody has exactly what they should, and nobody anything else.
    async fn assert_paid_once(&self, id: PayoutId) {
        let details = self.details(id).await;
        assert_eq!(details.payout.status, PayoutStatus::Confirmed);
        for item in &details.items {
            let address: Address = item.address.parse().unwrap();
            assert_eq!(self.chain.balance(*address.bytes()), item.octas, "{item:?}");
        }
        let paid: u64 = details.items.iter().map(|item| item.octas).sum();
        assert_eq!(paid, details.payout.total_octas);
        assert_eq!(self.chain.supply() - self.chain.balance(payer()), paid);
        let (_, successes) = self.chain.committed();
        assert_eq!(successes, 1);
    }

    /// Nobody has anything.
    fn assert_nobody_is_paid(&self) {
        assert_eq!(self.chain.supply(), self.chain.balance(payer()));
    }
}

/// The account of the key `11…11`, of the SDK's vectors.
pub fn payer() -> [u8; 32] {
    let address = "0x147e4d3a5b10eaed2a93536e284c23096dfcea9ac61f0a8420e5d01fbd8f0ea8";
    *address.parse::<Address>().unwrap().bytes()
}

pub fn key_file() -> (tempfile::TempDir, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("payout.key");
    std::fs::write(&path, format!("ed25519-priv-0x{}\n", "11".repeat(32))).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    (dir, path)
}

fn campaign(number: u128) -> CampaignId {
    CampaignId::new(Uuid::from_u128(number))
}

/// New people with accounts of their own, ranked as the prizes are.
async fn winners(world: &World, prizes_cents: &[u64]) -> Vec<Winner> {
    let mut tx = world.store.write().await.unwrap();
    let mut winners = Vec::new();
    for (rank, prize_cents) in (1..).zip(prizes_cents) {
        let uuid = Uuid::now_v7();
        let user = UserId::new(uuid);
        let name = format!("winner {rank}, {uuid}");
        people::insert_user(&mut tx, user, &name, false, now_us())
            .await
            .unwrap();
        winners.push(Winner {
            user,
            rank,
            address: Address::new(*blake3::hash(uuid.as_bytes()).as_bytes()),
            prize_cents: *prize_cents,
        });
    }
    tx.commit().await.unwrap();
    winners
}

async fn draft(
    world: &World,
    campaign: CampaignId,
    winners: &[Winner],
) -> Result<PayoutId, DraftError> {
    let mut tx = world.store.write().await.unwrap();
    let by = people::any_operator(&mut tx).await.unwrap().unwrap().id;
    let rate = RATE.parse().unwrap();
    let id = payouts::draft(&mut tx, campaign, winners, rate, by, now_us()).await?;
    tx.commit().await.unwrap();
    Ok(id)
}

async fn state(operator: &Client, id: PayoutId) -> Payout {
    operator.get(&path(id, "state")).await.json()
}

/// Does something that has to succeed.
async fn post(operator: &Client, id: PayoutId, what: &str) -> Payout {
    let answer = operator.post(&path(id, what), &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn paid_by_hand(operator: &Client, id: PayoutId, hash: &str) -> Answer {
    operator
        .post(&path(id, "paid-by-hand"), &json!({ "hash": hash }))
        .await
}

fn path(id: PayoutId, what: &str) -> String {
    format!("{PAYOUTS}/{id}/{what}")
}
