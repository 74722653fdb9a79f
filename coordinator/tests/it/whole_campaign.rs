//! A campaign of ten thousand people and thirty days, through the public API, with a clock that is set ahead: from
//! the first sign-in to the last octa on the winners' accounts. What everybody should have is computed here anew,
//! from what they did.

use std::collections::BTreeMap;
use std::time::Duration;

use ed25519_dalek::{Signer, SigningKey};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use pictor_coordinator::accounts::aptos::{Address, Chain as Network};
use pictor_coordinator::config::PayoutSettings;
use pictor_coordinator::ledger::Book;
use pictor_protocol::agent::{Device, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::campaign::Campaign;
use pictor_protocol::community::{CheckedIn, OpenedQuest, Referral};
use pictor_protocol::job::JobState;
use pictor_protocol::payout::{DraftedPayout, Payout, PayoutDetails, PayoutStatus};
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::sign_in::{SignedIn, WalletProof};
use pictor_protocol::worker_config::WorkerConfig;
use pictor_protocol::{Micros, UserId};
use serde_json::json;
use sha3::{Digest, Sha3_256};

use crate::harness::browser::Browser;
use crate::harness::chain::Chain;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually, scenes};
use crate::payouts::{key_file, payer};

const PEOPLE: usize = 10_000;
const DAYS: u32 = 30;
/// So many people do something at the same time.
const AT_ONCE: usize = 48;
const POINT: i64 = 1_000_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Dollars for one APT.
const RATE: &str = "4.3712";
/// The reward table of the original: up to which rank, and cents for each.
const REWARDS: [(usize, i64); 5] = [
    (1, 20_000),
    (5, 10_000),
    (15, 5_000),
    (50, 1_400),
    (100, 800),
];

struct Person {
    browser: Browser,
    user: UserId,
    address: Address,
    /// Who brought them.
    referrer: Option<usize>,
    streak: u32,
    checked_in: Option<u32>,
    /// What they should have, their share of others' points left out.
    earned: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_people_and_thirty_days_end_with_the_reward_table_paid_to_the_cent() {
    let chain = Chain::start().await;
    chain.fund(payer(), 1_000_000_000_000);
    let (_key, key_file) = key_file();
    let node = chain.url.clone();
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Network::Local);
        config.sign_in.tries_per_minute = 1_000_000;
        config.lease_ttl = DAY;
        config.payouts = Some(PayoutSettings {
            key_file,
            chain: Network::Local,
            node,
        });
    })
    .await;
    let campaign = world.economy(&[]).await;
    let mut people = everybody_signs_in(&world).await;
    for day in 0..DAYS {
        if day == 3 {
            some_render(&world, &mut people).await;
        }
        if day == 5 {
            people = some_do_quests(&world, people).await;
        }
        people = some_check_in(people, day).await;
        world.clock.advance(DAY);
    }
    // What waits settles a day after the end; then the snapshot is taken by itself.
    world.clock.advance(2 * DAY);
    chain.passes(u64::from(DAYS + 2) * DAY.as_secs());

    let expected = totals(&people);
    everybody_has(&world, &campaign, &people, &expected).await;
    let payout = paid(&world, &campaign).await;
    winners_are_right(&payout, &people, &expected);
    for item in &payout.items {
        let address: Address = item.address.parse().unwrap();
        assert_eq!(chain.balance(*address.bytes()), item.octas);
    }
    assert_eq!(world.book_faults().await, [""; 0]);
}

/// The same number each time, spread evenly over 0 to 2^64.
fn dice(person: usize, what: u64) -> u64 {
    let seed = blake3::hash(format!("{person}/{what}").as_bytes());
    u64::from_le_bytes(seed.as_bytes()[..8].try_into().unwrap())
}

async fn everybody_signs_in(world: &World) -> Vec<Person> {
    let first = Browser::on(&world.url);
    // Those who bring others come first.
    let bringers: Vec<Person> = signed_in(&first, 0..100, &[]).await;
    let mut codes = Vec::new();
    let mut people = Vec::new();
    for mut person in bringers {
        let referral: Referral = person.browser.get("/api/v1/referral").await.json();
        codes.push(referral.code);
        people.push(person);
    }
    people.extend(signed_in(&first, 100..PEOPLE, &codes).await);
    people
}

async fn signed_in(first: &Browser, who: std::ops::Range<usize>, codes: &[String]) -> Vec<Person> {
    stream::iter(who)
        .map(|number| sign_in(first.of_somebody_else(), number, codes))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn sign_in(mut browser: Browser, number: usize, codes: &[String]) -> Person {
    let mut secret = [7; 32];
    secret[..8].copy_from_slice(&(number as u64).to_le_bytes());
    let key = SigningKey::from_bytes(&secret);
    let public = key.verifying_key().to_bytes();
    let digest = Sha3_256::new()
        .chain_update(public)
        .chain_update([0])
        .finalize();
    let address = format!("0x{}", hex(&digest));
    let challenge = browser.challenge("/api/v1/sign-in/wallet/challenge").await;
    let text = format!(
        "APTOS\naddress: {address}\napplication: {}\nchainId: 4\nmessage: {}\nnonce: {}",
        challenge.sign_in.domain, challenge.sign_message.message, challenge.nonce
    );
    let proof = WalletProof {
        nonce: challenge.nonce,
        address: address.clone(),
        public_key: format!("0x20{}", hex(&public)),
        signature: format!("0x40{}", hex(&key.sign(text.as_bytes()).to_bytes())),
        full_message: Some(text),
    };
    let answer = browser.post("/api/v1/sign-in/wallet", &proof).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let signed: SignedIn = answer.json();
    // A fifth of all was brought by somebody.
    let referrer = (dice(number, 1).is_multiple_of(5) && !codes.is_empty())
        .then(|| dice(number, 2) as usize % codes.len());
    browser
        .choose(&[Role::CommunityMember, Role::Creator, Role::WorkerOwner])
        .await;
    if let Some(of) = referrer {
        let entered = browser
            .post("/api/v1/referral", &json!({ "code": codes[of] }))
            .await;
        assert!(entered.status.is_success(), "{entered:?}");
    }
    Person {
        browser,
        user: signed.user,
        address: address.parse().unwrap(),
        referrer,
        streak: 0,
        checked_in: None,
        earned: 0,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tenth of them come on any day, some nearly every day.
async fn some_check_in(people: Vec<Person>, day: u32) -> Vec<Person> {
    stream::iter(people.into_iter().enumerate())
        .map(async |(number, mut person)| {
            let eagerness = dice(number, 3) % 1_000;
            let chance = if eagerness < 30 { 95 } else { eagerness / 100 };
            if dice(number, 1_000 + u64::from(day)) % 100 < chance {
                check_in(&mut person, day).await;
            }
            person
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn check_in(person: &mut Person, day: u32) {
    let answer = person.browser.post("/api/v1/check-ins", &json!({})).await;
    assert!(answer.status.is_success(), "{answer:?}");
    let is_next = day > 0 && person.checked_in == Some(day - 1);
    person.streak = if is_next { person.streak + 1 } else { 1 };
    person.checked_in = Some(day);
    let points = if person.streak.is_multiple_of(7) {
        2
    } else {
        1
    };
    person.earned += points * POINT;
    let said: CheckedIn = answer.json();
    assert_eq!(said.points_micros, Micros::new(points * POINT));
}

async fn some_do_quests(world: &World, people: Vec<Person>) -> Vec<Person> {
    let quests = ["follow-x", "telegram-channel", "follow-linkedin"];
    let opened: Vec<(Person, Vec<(&str, OpenedQuest)>)> =
        stream::iter(people.into_iter().enumerate())
            .map(async |(number, mut person)| {
                let mut opened = Vec::new();
                let eager = dice(number, 4).is_multiple_of(20);
                for quest in quests.iter().filter(|_| eager) {
                    let path = format!("/api/v1/quests/{quest}/open");
                    let answer = person.browser.post(&path, &json!({})).await;
                    assert!(answer.status.is_success(), "{answer:?}");
                    opened.push((*quest, answer.json()));
                }
                (person, opened)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
    world.clock.advance(Duration::from_secs(120));
    stream::iter(opened)
        .map(async |(mut person, opened)| {
            for (quest, opened) in opened {
                let claim = json!({ "nonce": opened.nonce, "attested": true });
                let path = format!("/api/v1/quests/{quest}/claim");
                let answer = person.browser.post(&path, &claim).await;
                assert!(answer.status.is_success(), "{answer:?}");
                person.earned += 5 * POINT;
            }
            person
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// The second person renders six frames of the first one's, each in a reference minute.
async fn some_render(world: &World, people: &mut [Person]) {
    let (creator, owner) = people.split_at_mut(1);
    let (creator, owner) = (&mut creator[0], &mut owner[0]);
    let answer = owner
        .browser
        .post("/api/v1/workers", &json!({ "name": "mine" }))
        .await;
    let config: WorkerConfig = answer.json();
    let slot = SlotInfo {
        score: Some(1.0),
        ..SlotInfo::new(0, Device::Cpu, "test")
    };
    let worker = ScriptedWorker::connect_of(world, &config, &[Series::new(4, 5)], vec![slot]).await;
    let token = json!({ "name": "pictor", "scopes": [Scope::Jobs] });
    let token: serde_json::Value = creator.browser.post("/api/v1/tokens", &token).await.json();
    let pictor = world.creator.with_token(token["token"].as_str().unwrap());
    let scene = pictor.scene(&scenes::sample()).await.id;
    let settings = json!({ "engine": "CYCLES", "width": 64, "height": 64, "samples": 8 });
    let new = json!({ "scene": scene, "frames": "1-6", "settings": settings });
    let job = pictor.submit_with(&new).await;
    let picture = scenes::png_of(64, 64, |x, y| image::Rgb([x as u8, y as u8, 9]));
    let mut left = 6;
    while left > 0 {
        let lease = worker.must_get_work().await;
        for grant in &lease.tasks {
            world.clock.advance(Duration::from_millis(60_005));
            worker.finish_in(grant, &picture, 60_000).await;
            left -= 1;
        }
    }
    let job = pictor.job(job.id).await;
    assert_eq!(job.state, JobState::Done);
    assert_eq!(job.cost.unwrap().charged_micros, Micros::new(6 * POINT));
    owner.earned += 6 * 10 * POINT;
    creator.earned += 6 * POINT;
}

/// What everybody should have: what they earned, and a tenth of what those earned whom they brought.
fn totals(people: &[Person]) -> Vec<i64> {
    let mut totals: Vec<i64> = people.iter().map(|person| person.earned).collect();
    for person in people {
        if let Some(referrer) = person.referrer {
            totals[referrer] += person.earned / 10;
        }
    }
    totals
}

async fn everybody_has(world: &World, campaign: &Campaign, people: &[Person], expected: &[i64]) {
    let book = Book::Points(campaign.id);
    for (person, expected) in people.iter().zip(expected) {
        eventually("everything settled", async || {
            let balance = world.balance(book, person.user).await;
            let settled = (balance.available.get(), balance.held.get());
            if settled == (*expected, 0) {
                Ok(())
            } else {
                Err((settled, *expected))
            }
        })
        .await;
    }
}

/// Drafts the payout as soon as the snapshot is there, has it approved by two and sends it.
async fn paid(world: &World, campaign: &Campaign) -> PayoutDetails {
    let ada = world.another_operator("ada").await;
    let bob = world.another_operator("bob").await;
    let new = json!({ "campaign": campaign.id, "rate_usd_per_apt": RATE });
    let drafted: DraftedPayout = eventually("a payout", async || {
        let answer = ada.post("/api/v1/operator/payouts", &new).await;
        if answer.status == StatusCode::CREATED {
            Ok(answer.json())
        } else {
            Err(answer)
        }
    })
    .await;
    assert_eq!(drafted.without_account, []);
    let again = ada.post("/api/v1/operator/payouts", &new).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let path = format!("/api/v1/operator/payouts/{}", drafted.payout.payout.id);
    for operator in [&ada, &bob] {
        let approved = operator.post(&format!("{path}/approve"), &json!({})).await;
        assert_eq!(approved.status, StatusCode::OK, "{approved:?}");
    }
    let sent = ada.post(&format!("{path}/send"), &json!({})).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
    eventually("a payout that is confirmed", async || {
        let payout: Payout = ada.get(&format!("{path}/state")).await.json();
        if payout.status == PayoutStatus::Confirmed {
            Ok(())
        } else {
            Err(payout)
        }
    })
    .await;
    ada.get(&path).await.json()
}

fn winners_are_right(payout: &PayoutDetails, people: &[Person], expected: &[i64]) {
    let points: BTreeMap<UserId, i64> = people
        .iter()
        .map(|person| person.user)
        .zip(expected.iter().copied())
        .collect();
    let mut best: Vec<i64> = expected.to_vec();
    best.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(payout.items.len(), 100);
    // Cents to octas at a rate of four decimals: cents × 10^8 ÷ (rate × 100), rounded down.
    let octas = |cents: i64| (i128::from(cents) * 100_000_000 * 10_000 / (43_712 * 100)) as u64;
    let mut sum = 0;
    for (index, item) in payout.items.iter().enumerate() {
        assert_eq!(item.rank as usize, index + 1);
        assert_eq!(points[&item.user], best[index], "rank {}", item.rank);
        let (_, cents) = REWARDS.iter().find(|(to, _)| index < *to).unwrap();
        assert_eq!(item.prize_cents as i64, *cents);
        assert_eq!(item.octas, octas(*cents));
        let person = people
            .iter()
            .find(|person| person.user == item.user)
            .unwrap();
        assert_eq!(item.address.parse::<Address>().unwrap(), person.address);
        sum += cents;
    }
    assert_eq!(sum, 199_000);
}
