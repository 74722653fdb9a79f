//! Sessions, tokens and identities of a person who is signed in; limits; requests of other sites.

use http::{Method, StatusCode, header};
use pictor_coordinator::accounts;
use pictor_coordinator::accounts::aptos::Chain;
use pictor_coordinator::app::now_us;
use pictor_protocol::people::{
    Identity, IdentityKind, IdentityList, Me, MintedToken, Role, Scope, SessionList, TokenList,
};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::sign_in::{SignInWays, SignedIn};
use serde_json::json;

use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::client::{Answer, Client};
use crate::harness::counterparts::{OidcProvider, Wallets};

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut laptop = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    let mut phone = signed_in(&world, &mut wallets, "Phone", "ed25519").await;
    let mut stranger = signed_in(&world, &mut wallets, "Stranger", "multi_key").await;

    let list: SessionList = laptop.get("/api/v1/sessions").await.json();
    let seen: Vec<_> = list
        .sessions
        .iter()
        .map(|session| (session.user_agent.as_deref(), session.current))
        .collect();
    assert_eq!(seen, [(Some("Phone"), false), (Some("Laptop"), true)]);

    let of_phone = format!("/api/v1/sessions/{}", list.sessions[0].id);
    let refused = stranger.delete(&of_phone).await;
    refused.problem(ProblemKind::NotFound);
    let ended = laptop.delete(&of_phone).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let refused = phone.get("/api/v1/me").await;
    refused.problem(ProblemKind::Unauthorized);

    let mut tablet = signed_in(&world, &mut wallets, "Tablet", "ed25519").await;
    let ended = tablet.delete("/api/v1/sessions").await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    for browser in [&mut laptop, &mut tablet] {
        let refused = browser.get("/api/v1/me").await;
        refused.problem(ProblemKind::Unauthorized);
    }
    assert_eq!(stranger.get("/api/v1/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_after_its_time() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    world
        .sql("UPDATE sessions SET expires_us = created_us")
        .await;
    let refused = browser.get("/api/v1/me").await;
    refused.problem(ProblemKind::Unauthorized);
}

#[tokio::test]
async fn a_browser_may_do_what_its_person_may() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    let me: Me = browser.get("/api/v1/me").await.json();
    assert_eq!(me.scopes, [Scope::Jobs, Scope::Workers]);
    assert_eq!(browser.get("/api/v1/jobs").await.status, StatusCode::OK);
    let made = browser
        .post("/api/v1/workers", &json!({ "name": "attic" }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let operator = json!({ "name": "x", "scopes": ["operator"] });
    let refused = browser.post("/api/v1/tokens", &operator).await;
    refused.problem(ProblemKind::Forbidden);
}

#[tokio::test]
async fn tokens_are_listed_and_revoked_by_their_owner_in_a_browser() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    let mut stranger = signed_in(&world, &mut wallets, "Stranger", "multi_key").await;
    let new = json!({ "name": "script", "scopes": ["jobs"], "expires_in_days": 7 });
    let minted: MintedToken = browser.post("/api/v1/tokens", &new).await.json();
    let script = Client::new(&world.url, &minted.token);
    assert_eq!(script.get("/api/v1/jobs").await.status, StatusCode::OK);

    let list: TokenList = browser.get("/api/v1/tokens").await.json();
    assert_eq!(list.tokens.len(), 1);
    assert_eq!(Some(list.tokens[0].id), minted.id);
    assert_eq!(list.tokens[0].name, "script");
    let none: TokenList = stranger.get("/api/v1/tokens").await.json();
    assert_eq!(none.tokens, []);

    let path = format!("/api/v1/tokens/{}", list.tokens[0].id);
    let refused = stranger.delete(&path).await;
    refused.problem(ProblemKind::NotFound);
    // What is left in a script must not be able to take its owner's other tokens away.
    let refused = script.delete(&path).await;
    refused.problem(ProblemKind::Forbidden);
    let revoked = browser.delete(&path).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    let refused = script.get("/api/v1/jobs").await;
    refused.problem(ProblemKind::Unauthorized);
    let gone = browser.delete(&path).await;
    gone.problem(ProblemKind::NotFound);

    for days in [0, 36_501, u32::MAX] {
        let new = json!({ "name": "x", "scopes": ["jobs"], "expires_in_days": days });
        let refused = browser.post("/api/v1/tokens", &new).await;
        refused.problem(ProblemKind::Invalid);
    }
}

#[tokio::test]
async fn identities_are_added_to_one_account_and_never_merged() {
    let provider = OidcProvider::start().await;
    let settings = provider.settings();
    let world = World::start_with(|config| {
        config.sign_in.oidc = Some(settings);
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 1_000;
    })
    .await;
    let mut wallets = Wallets::start().await;
    let mut ada = Browser::on(&world.url);
    ada.sign_in_with_provider().await;
    let me: Me = ada.get("/api/v1/me").await.json();
    let linked = link_wallet(&mut ada, &mut wallets, "ed25519").await;
    assert_eq!(linked.json::<SignedIn>().user, me.id);
    let kinds: Vec<_> = identities(&mut ada)
        .await
        .iter()
        .map(|of| of.kind)
        .collect();
    assert_eq!(kinds, [IdentityKind::Oidc, IdentityKind::Wallet]);

    // By either of them it is the same person.
    let mut by_wallet = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    assert_eq!(by_wallet.get("/api/v1/me").await.json::<Me>().id, me.id);

    // Somebody else's are refused, whoever proves them.
    let mut grace = signed_in(&world, &mut wallets, "Grace", "multi_key").await;
    let taken = link_wallet(&mut grace, &mut wallets, "ed25519").await;
    taken.problem(ProblemKind::IdentityTaken);
    let taken = grace.link_with_provider().await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(taken.text().contains("belongs to another account"));
    assert_eq!(identities(&mut grace).await.len(), 1);

    provider.order(json!({ "account": "grace" })).await;
    let mut grace = signed_in(&world, &mut wallets, "Grace", "multi_key").await;
    let page = grace.link_with_provider().await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert_eq!(identities(&mut grace).await.len(), 2);
}

#[tokio::test]
async fn the_operator_adds_a_wallet_after_the_link_and_needs_no_link_again() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let operator = accounts::by_name(&world.store, accounts::OPERATOR)
        .await
        .unwrap();
    let link = accounts::make_sign_in_link(&world.store, operator.id, now_us())
        .await
        .unwrap();
    let mut browser = Browser::on(&world.url);
    let path = format!("/sign-in/{}", link.reveal());
    let signed_in_by_link = browser.post(&path, &json!({})).await;
    assert_eq!(signed_in_by_link.status, StatusCode::SEE_OTHER);
    link_wallet(&mut browser, &mut wallets, "ed25519").await;

    let mut again = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    let me: Me = again.get("/api/v1/me").await.json();
    assert_eq!((me.id, me.operator), (operator.id, true));
    assert_eq!(me.scopes, Scope::ALL);
}

#[tokio::test]
async fn a_wallet_is_added_only_by_whom_it_was_asked_for() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut ada = signed_in(&world, &mut wallets, "Ada", "ed25519").await;
    let mut mallory = signed_in(&world, &mut wallets, "Mallory", "multi_key").await;
    let for_ada = ada.challenge("/api/v1/identities/wallet/challenge").await;
    assert!(
        for_ada
            .sign_in
            .statement
            .starts_with("Add this wallet to the account aptos-")
    );
    let proof = wallets.sign_in("single_key_secp256k1", &for_ada).await;
    let refused = mallory.post("/api/v1/identities/wallet", &proof).await;
    refused.problem(ProblemKind::SignInExpired);

    let for_ada = ada.challenge("/api/v1/identities/wallet/challenge").await;
    let proof = wallets.sign_in("single_key_secp256k1", &for_ada).await;
    let refused = mallory.post("/api/v1/sign-in/wallet", &proof).await;
    refused.problem(ProblemKind::SignInExpired);
}

#[tokio::test]
async fn an_identity_that_is_taken_away_takes_its_sessions_along_and_the_last_one_stays() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut ada = signed_in(&world, &mut wallets, "Ada", "ed25519").await;
    let first = identities(&mut ada).await.remove(0);
    let path = format!("/api/v1/identities/{}", first.id);
    let refused = ada.delete(&path).await;
    refused.problem(ProblemKind::Conflict);
    link_wallet(&mut ada, &mut wallets, "multi_key").await;
    let mut by_other = signed_in(&world, &mut wallets, "Ada 2", "multi_key").await;
    let gone = by_other.delete(&path).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let refused = ada.get("/api/v1/me").await;
    refused.problem(ProblemKind::Unauthorized);
    assert_eq!(identities(&mut by_other).await.len(), 1);
}

#[tokio::test]
async fn a_browser_left_open_cannot_change_how_its_person_signs_in() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    let identity = identities(&mut browser).await.remove(0);
    world
        .sql("UPDATE sessions SET created_us = created_us - 660000000")
        .await;
    for path in [
        "/api/v1/identities/wallet/challenge",
        "/api/v1/identities/wallet",
        "/api/v1/identities/oidc",
        &format!("/api/v1/identities/{}/pepper", identity.id),
    ] {
        let refused = browser.post(path, &json!({})).await;
        refused.problem(ProblemKind::SignInAgain);
    }
    assert_eq!(browser.get("/api/v1/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_site_changes_nothing_with_the_cookies_of_a_browser() {
    let (world, mut wallets) = (with_wallets().await, Wallets::start().await);
    let mut browser = signed_in(&world, &mut wallets, "Laptop", "ed25519").await;
    let lures: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "http://127.0.0.1"),
        ],
        &[],
    ];
    for said in lures {
        for (method, path) in [
            (Method::POST, "/api/v1/tokens"),
            (Method::POST, "/api/v1/workers"),
            (Method::POST, "/api/v1/jobs"),
            (Method::DELETE, "/api/v1/sessions"),
            (Method::POST, "/account/tokens"),
            (Method::POST, "/sign-out"),
        ] {
            let refused = browser.lured(method, path, said).await;
            refused.problem(ProblemKind::ForeignOrigin);
        }
    }
    let said = [("origin", "https://evil.example")];
    let refused = browser
        .lured(Method::POST, "/api/v1/sign-in/wallet", &said)
        .await;
    refused.problem(ProblemKind::ForeignOrigin);
    assert_eq!(browser.get("/api/v1/me").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_tries_too_often_waits_and_others_do_not() {
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 3;
        config.sign_in.client_address_header = Some("x-forwarded-for".parse().unwrap());
    })
    .await;
    let path = "/api/v1/sign-in/wallet/challenge";
    let ask = async |from: &str| -> Answer {
        let nobody = world.creator.with_token("");
        let said = [("x-forwarded-for", from)];
        nobody
            .send_with(Method::POST, path, &said, b"{}".to_vec())
            .await
    };
    for _ in 0..3 {
        assert_eq!(ask("192.0.2.1").await.status, StatusCode::OK);
    }
    let refused = ask("192.0.2.1").await;
    refused.problem(ProblemKind::TooManyTries);
    let wait: u64 = refused.headers[header::RETRY_AFTER]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    // What the client itself wrote before the proxy's entry is of no use to it.
    let refused = ask("198.51.100.9, 192.0.2.1").await;
    refused.problem(ProblemKind::TooManyTries);
    assert_eq!(ask("192.0.2.2").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_proxy_the_header_is_not_believed() {
    let world = World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 2;
    })
    .await;
    let nobody = world.creator.with_token("");
    let mut statuses = Vec::new();
    for last in 1..=3 {
        let from = format!("192.0.2.{last}");
        let said = [("x-forwarded-for", from.as_str())];
        let path = "/api/v1/sign-in/wallet/challenge";
        let body = b"{}".to_vec();
        let answer = nobody.send_with(Method::POST, path, &said, body).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn every_way_to_hand_over_a_credential_is_limited() {
    let world = World::start_with(|config| config.sign_in.tries_per_minute = 1).await;
    let nobody = world.creator.with_token("");
    let tried = nobody.get("/sign-in/oidc").await;
    assert_ne!(tried.status, StatusCode::TOO_MANY_REQUESTS);
    for (method, path) in [
        (Method::POST, "/api/v1/sign-in/wallet/challenge"),
        (Method::POST, "/api/v1/sign-in/wallet"),
        (Method::POST, "/api/v1/sign-in/oidc"),
        (Method::GET, "/sign-in/oidc"),
        (Method::GET, "/sign-in/oidc/callback?state=x&code=y"),
        (Method::POST, "/sign-in/pcl_guess"),
    ] {
        let refused = nobody.send(method, path, b"{}".to_vec()).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert!(refused.headers.contains_key(header::RETRY_AFTER), "{path}");
    }
    let mint = json!({ "name": "x", "scopes": ["jobs"] });
    let minted = world.creator.post("/api/v1/tokens", &mint).await;
    assert_eq!(minted.status, StatusCode::CREATED);
    let refused = world.creator.post("/api/v1/tokens", &mint).await;
    refused.problem(ProblemKind::TooManyTries);
}

#[tokio::test]
async fn a_coordinator_says_how_one_can_sign_in() {
    let world = with_wallets().await;
    let ways: SignInWays = Browser::on(&world.url).get("/api/v1/sign-in").await.json();
    assert_eq!(ways.oidc, None);
    assert_eq!(ways.wallet.unwrap().chain, "testnet");
    let page = Browser::on(&world.url).get("/sign-in").await.text();
    assert!(page.contains("/assets/wallet-") && page.contains("seed phrase"));
}

#[tokio::test]
async fn what_was_there_before_sign_in_was_still_works() {
    let dir = tempfile::tempdir().unwrap();
    let file = format!(
        "sqlite://{}?mode=rwc",
        dir.path().join("pictor.sqlite3").display()
    );
    let pool = sqlx::SqlitePool::connect(&file).await.unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    let first: Vec<_> = migrations.iter().take(1).cloned().collect();
    sqlx::migrate::Migrator {
        migrations: first.into(),
        ..sqlx::migrate::Migrator::DEFAULT
    }
    .run(&pool)
    .await
    .unwrap();
    let hash = |secret: &str| blake3::hash(secret.as_bytes()).to_hex().to_string();
    sqlx::query(
        "INSERT INTO users VALUES ('019b7600-0000-7000-8000-000000000001', 'operator', 1, 1)",
    )
    .execute(&pool)
    .await
    .unwrap();
    for (table, secret) in [("access_tokens", "pct_old"), ("sessions", "pcs_old")] {
        let text = match table {
            "sessions" => {
                "INSERT INTO sessions VALUES ($1, '019b7600-0000-7000-8000-000000000001', 1, 9000000000000000)"
            }
            _ => {
                "INSERT INTO access_tokens VALUES ($1, '019b7600-0000-7000-8000-000000000001', 'old', '[\"jobs\"]', 1, NULL, NULL)"
            }
        };
        sqlx::query(text)
            .bind(hash(secret))
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;

    let world = World::start_on(dir).await;
    let old = Client::new(&world.url, "pct_old");
    assert_eq!(old.get("/api/v1/jobs").await.status, StatusCode::OK);
    let mut browser = Browser::on(&world.url);
    browser.set_cookie("pictor_session", "pcs_old");
    let sessions: SessionList = browser.get("/api/v1/sessions").await.json();
    assert!(sessions.sessions[0].current);
    let tokens: TokenList = browser.get("/api/v1/tokens").await.json();
    let path = format!("/api/v1/tokens/{}", tokens.tokens.last().unwrap().id);
    assert_eq!(browser.delete(&path).await.status, StatusCode::NO_CONTENT);
    let refused = old.get("/api/v1/jobs").await;
    refused.problem(ProblemKind::Unauthorized);
}

async fn with_wallets() -> World {
    World::start_with(|config| {
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 1_000;
    })
    .await
}

/// A browser in which the owner of a wallet is signed in.
async fn signed_in(world: &World, wallets: &mut Wallets, agent: &str, kind: &str) -> Browser {
    let mut browser = Browser::named(&world.url, agent);
    let challenge = browser.challenge("/api/v1/sign-in/wallet/challenge").await;
    let proof = wallets.sign_in(kind, &challenge).await;
    let answer = browser.post("/api/v1/sign-in/wallet", &proof).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    browser.choose(&[Role::Creator, Role::WorkerOwner]).await;
    browser
}

async fn link_wallet(browser: &mut Browser, wallets: &mut Wallets, kind: &str) -> Answer {
    let challenge = browser
        .challenge("/api/v1/identities/wallet/challenge")
        .await;
    let proof = wallets.sign_in(kind, &challenge).await;
    browser.post("/api/v1/identities/wallet", &proof).await
}

async fn identities(browser: &mut Browser) -> Vec<Identity> {
    let list: IdentityList = browser.get("/api/v1/identities").await.json();
    list.identities
}
