//! Signing in with signatures that the Aptos SDK and the SIWA package make.

use http::{Method, StatusCode, header};
use pictor_coordinator::accounts::aptos::Chain;
use pictor_protocol::people::Me;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::sign_in::{SignedIn, WalletChallenge, WalletProof};
use serde_json::json;

use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::counterparts::{FullNode, Wallets, anybody};

const CHALLENGE: &str = "/api/v1/sign-in/wallet/challenge";
const SIGN_IN: &str = "/api/v1/sign-in/wallet";

const KINDS: [&str; 5] = [
    "ed25519",
    "single_key_ed25519",
    "single_key_secp256k1",
    "multi_key",
    "multi_ed25519",
];

#[tokio::test]
async fn every_kind_of_wallet_signs_in_by_either_of_its_features() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    for kind in KINDS {
        let mut browser = Browser::on(&world.url);
        let challenge = browser.challenge(CHALLENGE).await;
        let proof = wallets.sign_in(kind, &challenge).await;
        let first: SignedIn = signed_in(&mut browser, &proof).await;
        assert!(first.is_new, "{kind}");
        assert_eq!(first.address, proof.address);
        let me: Me = browser.get("/api/v1/me").await.json();
        assert_eq!((me.id, me.operator), (first.user, false));

        let host = world.url.trim_start_matches("http://");
        for (application, nonce_first) in [(host, true), (host, false), (&world.url, true)] {
            let challenge = browser.challenge(CHALLENGE).await;
            let request = message(kind, &challenge, application, nonce_first);
            let proof = wallets.sign(&challenge, request).await;
            let again: SignedIn = signed_in(&mut browser, &proof).await;
            assert_eq!((again.user, again.is_new), (first.user, false), "{kind}");
        }
    }
}

#[tokio::test]
async fn a_wallet_that_orders_the_fields_as_the_grammar_does_signs_in_too() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    let challenge = browser.challenge(CHALLENGE).await;
    let request = json!({
        "kind": "multi_key", "sign_in": challenge.sign_in, "chain_first": true,
    });
    let by_grammar = wallets.sign(&challenge, request).await;
    let by_package = wallets.sign_in("multi_key", &challenge).await;
    assert_ne!(by_grammar.signature, by_package.signature);
    signed_in(&mut browser, &by_grammar).await;
}

#[tokio::test]
async fn a_challenge_is_answered_once_whatever_comes_of_it() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    let challenge = browser.challenge(CHALLENGE).await;
    let proof = wallets.sign_in("ed25519", &challenge).await;
    signed_in(&mut browser, &proof).await;
    let replayed = Browser::on(&world.url).post(SIGN_IN, &proof).await;
    replayed.problem(ProblemKind::SignInExpired);

    let challenge = browser.challenge(CHALLENGE).await;
    let good = wallets.sign_in("ed25519", &challenge).await;
    let bad = WalletProof {
        signature: proof.signature,
        ..good.clone()
    };
    let refused = browser.post(SIGN_IN, &bad).await;
    refused.problem(ProblemKind::NotProven);
    let second = browser.post(SIGN_IN, &good).await;
    second.problem(ProblemKind::SignInExpired);

    let invented = WalletProof {
        nonce: "0".repeat(64),
        ..good
    };
    let refused = browser.post(SIGN_IN, &invented).await;
    refused.problem(ProblemKind::SignInExpired);
}

#[tokio::test]
async fn a_challenge_is_too_old_after_ten_minutes() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    let challenge = browser.challenge(CHALLENGE).await;
    let proof = wallets.sign_in("ed25519", &challenge).await;
    world
        .sql("UPDATE wallet_challenges SET expires_us = expires_us - 600000000")
        .await;
    let refused = browser.post(SIGN_IN, &proof).await;
    refused.problem(ProblemKind::SignInExpired);
}

#[tokio::test]
async fn what_was_signed_for_another_site_network_or_purpose_proves_nothing() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    type Change = fn(&mut serde_json::Value);
    let changes: [(&str, Change); 6] = [
        ("domain", |input| input["domain"] = "evil.example".into()),
        ("uri", |input| input["uri"] = "https://evil.example".into()),
        ("chain", |input| input["chainId"] = "aptos:mainnet".into()),
        ("nonce", |input| input["nonce"] = "0".repeat(64).into()),
        ("statement", |input| input["statement"] = "Anything".into()),
        ("more", |input| {
            input["resources"] = json!(["https://evil.example"]);
        }),
    ];
    for (what, change) in changes {
        let challenge = browser.challenge(CHALLENGE).await;
        let mut input = serde_json::to_value(&challenge.sign_in).unwrap();
        change(&mut input);
        let request = json!({ "kind": "ed25519", "sign_in": input });
        let proof = wallets.sign(&challenge, request).await;
        let refused = browser.post(SIGN_IN, &proof).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{what}: {refused:?}");
        refused.problem(ProblemKind::NotProven);
    }
    // What a wallet shows to somebody who is lured to another site has that site's name in it.
    for (application, chain_id) in [("https://evil.example", 2), (world.url.as_str(), 1)] {
        let challenge = browser.challenge(CHALLENGE).await;
        let mut request = message("ed25519", &challenge, application, false);
        request["chain_id"] = chain_id.into();
        let proof = wallets.sign(&challenge, request).await;
        let refused = browser.post(SIGN_IN, &proof).await;
        refused.problem(ProblemKind::NotProven);
    }
    assert_eq!(browser.cookie("pictor_session"), None);
}

#[tokio::test]
async fn only_the_account_that_a_challenge_was_made_for_answers_it() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    let ask = json!({ "address": format!("0x{}", "5".repeat(64)) });
    let challenge: WalletChallenge = browser.post(CHALLENGE, &ask).await.json();
    let proof = wallets.sign_in("ed25519", &challenge).await;
    let refused = browser.post(SIGN_IN, &proof).await;
    refused.problem(ProblemKind::NotProven);
    let nonsense = browser.post(CHALLENGE, &json!({ "address": "0xg" })).await;
    nonsense.problem(ProblemKind::Invalid);
}

#[tokio::test]
async fn a_wallet_opened_with_google_is_pointed_to_google_itself() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    let challenge = browser.challenge(CHALLENGE).await;
    let proof = wallets.sign_in("keyless", &challenge).await;
    let refused = browser.post(SIGN_IN, &proof).await;
    let problem = refused.problem(ProblemKind::UnsupportedKey);
    assert!(problem.detail.unwrap().contains("sign in here with Google"));
}

#[tokio::test]
async fn without_a_full_node_a_key_signs_for_its_own_address_only() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    let challenge = browser.challenge(CHALLENGE).await;
    let request = json!({
        "kind": "ed25519", "sign_in": challenge.sign_in, "address": format!("0x{}", "5".repeat(64)),
    });
    let proof = wallets.sign(&challenge, request).await;
    let refused = browser.post(SIGN_IN, &proof).await;
    refused.problem(ProblemKind::NotTheAccountsKey);
}

#[tokio::test]
async fn a_changed_key_signs_for_its_account_and_the_old_one_does_not() {
    let node = FullNode::start().await;
    let mut wallets = Wallets::start().await;
    let url = node.url.clone();
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.node = Some(url);
    })
    .await;
    let mut browser = Browser::on(&world.url);
    // The chain has not seen the account: its address is its key.
    let challenge = browser.challenge(CHALLENGE).await;
    let old = wallets.sign_in("ed25519", &challenge).await;
    let first: SignedIn = signed_in(&mut browser, &old).await;

    let challenge = browser.challenge(CHALLENGE).await;
    let new = wallets.sign_in("single_key_secp256k1", &challenge).await;
    let new_key = new.address;
    node.has(&old.address, &new_key);

    let challenge = browser.challenge(CHALLENGE).await;
    let with_old_key = wallets.sign_in("ed25519", &challenge).await;
    let refused = browser.post(SIGN_IN, &with_old_key).await;
    refused.problem(ProblemKind::NotTheAccountsKey);

    let challenge = browser.challenge(CHALLENGE).await;
    let request = json!({
        "kind": "single_key_secp256k1", "sign_in": challenge.sign_in, "address": old.address,
    });
    let with_new_key = wallets.sign(&challenge, request).await;
    let again: SignedIn = signed_in(&mut browser, &with_new_key).await;
    assert_eq!(again.user, first.user);
}

#[tokio::test]
async fn a_full_node_that_does_not_answer_as_it_should_lets_nobody_in() {
    let node = FullNode::start().await;
    let mut wallets = Wallets::start().await;
    let url = node.url.clone();
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.node = Some(url);
    })
    .await;
    let mut browser = Browser::on(&world.url);
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "{}"),
        (StatusCode::TOO_MANY_REQUESTS, "{}"),
        (StatusCode::GONE, "{}"),
        (StatusCode::OK, "{}"),
        (StatusCode::OK, "<html>"),
        (StatusCode::OK, r#"{"authentication_key":"0x"}"#),
        (StatusCode::FOUND, ""),
    ] {
        let challenge = browser.challenge(CHALLENGE).await;
        let proof = wallets.sign_in("ed25519", &challenge).await;
        node.answers(&proof.address, status, body);
        let refused = browser.post(SIGN_IN, &proof).await;
        refused.problem(ProblemKind::CounterpartUnavailable);
    }
    assert_eq!(browser.cookie("pictor_session"), None);
    let gone = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.node = Some("http://127.0.0.1:1".into());
    })
    .await;
    let mut browser = Browser::on(&gone.url);
    let challenge = browser.challenge(CHALLENGE).await;
    let proof = wallets.sign_in("ed25519", &challenge).await;
    let refused = browser.post(SIGN_IN, &proof).await;
    refused.problem(ProblemKind::CounterpartUnavailable);
}

#[tokio::test]
async fn a_coordinator_that_is_not_set_up_for_wallets_takes_none() {
    let world = World::start().await;
    let refused = anybody(&world.url, Method::POST, CHALLENGE, &json!({})).await;
    refused.problem(ProblemKind::NotFound);
}

#[tokio::test]
async fn rubbish_is_refused_in_words() {
    let world = with_wallets().await;
    let mut browser = Browser::on(&world.url);
    for (public_key, signature) in [
        ("", ""),
        ("0x", "0x"),
        ("0xzz", "0x00"),
        ("0x2", "0x00"),
        ("0x2000", "0x00"),
        (&"ab".repeat(50_000), "0x00"),
    ] {
        let challenge = browser.challenge(CHALLENGE).await;
        let proof = json!({
            "nonce": challenge.nonce, "address": "0x1", "public_key": public_key, "signature": signature,
        });
        browser
            .post(SIGN_IN, &proof)
            .await
            .problem(ProblemKind::Invalid);
    }
}

#[tokio::test]
async fn the_session_cookie_is_for_this_site_and_not_for_scripts() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = Browser::on(&world.url);
    let challenge = browser.challenge(CHALLENGE).await;
    let proof = wallets.sign_in("ed25519", &challenge).await;
    let answer = browser.post(SIGN_IN, &proof).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let warnings = answer.json::<SignedIn>().warnings;
    assert!(warnings[0].contains("seed phrase"));
}

async fn with_wallets() -> World {
    World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 1_000;
    })
    .await
}

fn message(
    kind: &str,
    challenge: &WalletChallenge,
    application: &str,
    nonce_first: bool,
) -> serde_json::Value {
    json!({
        "kind": kind,
        "sign_message": challenge.sign_message,
        "application": application,
        "chain_id": 2,
        "nonce_first": nonce_first,
    })
}

async fn signed_in(browser: &mut Browser, proof: &WalletProof) -> SignedIn {
    let answer = browser.post(SIGN_IN, proof).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}
