//! Signing in with a real OpenID provider: npm's `oidc-provider`, which misbehaves when it is told to.

use http::{Method, StatusCode, header};
use openidconnect::ClientId;
use pictor_coordinator::accounts::pepper::PepperError;
use pictor_coordinator::accounts::sign_in::SignInError;
use pictor_coordinator::app::StartError;
use pictor_coordinator::config::Config;
use pictor_protocol::people::{IdentityList, Me, PepperExport};
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::counterparts::OidcProvider;

#[tokio::test]
async fn a_person_signs_in_and_has_the_same_account_and_address_ever_after() {
    let (world, provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    let page = browser.sign_in_with_provider().await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.text().contains("loses the linked Aptos account"));
    let me: Me = browser.get("/api/v1/me").await.json();
    let first = only_identity(&mut browser).await;
    assert_eq!(first.issuer.as_deref(), Some(provider.issuer.as_str()));
    assert_eq!(first.label.as_deref(), Some("ada@example.org"));
    assert_eq!(first.address.len(), 66);

    let world = world.restart().await;
    let mut elsewhere = Browser::on(&world.url);
    elsewhere.sign_in_with_provider().await;
    let again: Me = elsewhere.get("/api/v1/me").await.json();
    assert_eq!(again.id, me.id);
    assert_eq!(only_identity(&mut elsewhere).await.address, first.address);

    provider.order(json!({ "account": "grace" })).await;
    let mut other = Browser::on(&world.url);
    other.sign_in_with_provider().await;
    assert_ne!(other.get("/api/v1/me").await.json::<Me>().id, me.id);
    assert_ne!(only_identity(&mut other).await.address, first.address);
}

#[tokio::test]
async fn an_id_token_that_proves_nothing_signs_nobody_in() {
    let (world, provider) = with_provider().await;
    for fault in [
        "nonce",
        "no-nonce",
        "expired",
        "audience",
        "audiences",
        "issuer",
        "unknown-key",
        "forged-key",
        "unsigned",
        "shared-secret",
    ] {
        provider.order(json!({ "fault": fault })).await;
        let mut browser = Browser::on(&world.url);
        let page = browser.sign_in_with_provider().await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{fault}: {page:?}");
        assert!(page.text().contains("ID token"), "{fault}: {}", page.text());
        assert_eq!(browser.cookie("pictor_session"), None, "{fault}");
    }
    // It was the faults and nothing else.
    provider.order(json!({})).await;
    let mut browser = Browser::on(&world.url);
    let page = browser.sign_in_with_provider().await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn keys_that_the_provider_has_changed_are_fetched_anew() {
    let (world, provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    assert_eq!(browser.sign_in_with_provider().await.status, StatusCode::OK);
    provider.order(json!({ "rotate": true })).await;
    let mut browser = Browser::on(&world.url);
    assert_eq!(browser.sign_in_with_provider().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_callback_works_once() {
    let (world, _provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    let callback = browser.back_from_provider().await;
    let cookie = browser.cookie("pictor_oidc").unwrap().to_owned();
    assert_eq!(browser.open(&callback).await.status, StatusCode::OK);
    assert_eq!(browser.cookie("pictor_oidc"), None, "the cookie is gone");
    // With the cookie as it was, and a session that is not there yet.
    let mut again = Browser::on(&world.url);
    again.set_cookie("pictor_oidc", &cookie);
    let replayed = again.open(&callback).await;
    assert_eq!(replayed.status, StatusCode::CONFLICT);
    assert_eq!(again.cookie("pictor_session"), None);
}

#[tokio::test]
async fn a_code_is_redeemed_only_in_the_sign_in_that_it_was_given_for() {
    let (world, _provider) = with_provider().await;
    let mut theirs = Browser::on(&world.url);
    let stolen = theirs.back_from_provider().await;
    let code = parameter(&stolen, "code");
    // A sign-in of one's own, with somebody else's code put into it.
    let mut mine = Browser::on(&world.url);
    let callback = mine.back_from_provider().await;
    let own_code = parameter(&callback, "code");
    let page = mine.open(&callback.replace(&own_code, &code)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(mine.cookie("pictor_session"), None);
}

#[tokio::test]
async fn another_browser_cannot_complete_a_sign_in() {
    let (world, _provider) = with_provider().await;
    let mut began = Browser::on(&world.url);
    let callback = began.back_from_provider().await;
    let mut lured = Browser::on(&world.url);
    let page = lured.open(&callback).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(lured.cookie("pictor_session"), None);
    // With a sign-in of its own under way, too.
    let callback = began.back_from_provider().await;
    lured.back_from_provider().await;
    let page = lured.open(&callback).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(lured.cookie("pictor_session"), None);
}

#[tokio::test]
async fn a_callback_without_its_state_or_of_another_issuer_is_refused() {
    let (world, _provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    let callback = browser.back_from_provider().await;
    let state = parameter(&callback, "state");
    for (changed, status) in [
        (
            callback.replace("state=", "no="),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            callback.replace(&state, &"0".repeat(64)),
            StatusCode::CONFLICT,
        ),
        (
            callback.replace("code=", "no="),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            format!(
                "{}/sign-in/oidc/callback?state={state}&code=x&iss=http://evil",
                world.url
            ),
            StatusCode::FORBIDDEN,
        ),
    ] {
        let page = browser.open(&changed).await;
        assert_eq!(page.status, status, "{changed}: {page:?}");
        assert_eq!(browser.cookie("pictor_session"), None);
    }
}

#[tokio::test]
async fn a_sign_in_is_too_old_after_ten_minutes() {
    let (world, _provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    let callback = browser.back_from_provider().await;
    world
        .sql("UPDATE oidc_sign_ins SET expires_us = expires_us - 600000000")
        .await;
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn who_says_no_at_the_provider_is_not_signed_in() {
    let (world, provider) = with_provider().await;
    provider.order(json!({ "denies": true })).await;
    let mut browser = Browser::on(&world.url);
    let page = browser.sign_in_with_provider().await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text().contains("access_denied"), "{}", page.text());
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_be_away() {
    let (world, provider) = with_provider().await;
    drop(provider);
    let page = Browser::on(&world.url).sign_in_with_provider().await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{page:?}");
}

#[tokio::test]
async fn the_cookie_for_the_way_to_the_provider_lasts_ten_minutes() {
    let (world, _provider) = with_provider().await;
    let mut browser = Browser::on(&world.url);
    let begun = browser.post("/api/v1/sign-in/oidc", &json!({})).await;
    let cookie = begun.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let lured = [("origin", "https://evil.example")];
    let refused = browser
        .lured(Method::POST, "/api/v1/sign-in/oidc", &lured)
        .await;
    refused.problem(ProblemKind::ForeignOrigin);
}

#[tokio::test]
async fn a_pepper_is_for_its_owner_after_a_fresh_sign_in_with_that_identity() {
    let (world, provider) = with_provider().await;
    let mut ada = Browser::on(&world.url);
    ada.sign_in_with_provider().await;
    let identity = only_identity(&mut ada).await;
    let path = format!("/api/v1/identities/{}/pepper", identity.id);
    let answer = ada.post(&path, &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let export: PepperExport = answer.json();
    assert_eq!(
        (export.uid_key.as_str(), export.uid_val.as_str()),
        ("sub", "ada")
    );
    assert_eq!(
        (export.aud.as_str(), export.iss),
        ("pictor", provider.issuer.clone())
    );
    assert_eq!(export.address, identity.address);
    assert_eq!(export.pepper.len(), 2 + 62);
    assert!(!export.warnings.is_empty());

    provider.order(json!({ "account": "mallory" })).await;
    let mut mallory = Browser::on(&world.url);
    mallory.sign_in_with_provider().await;
    let refused = mallory.post(&path, &json!({})).await;
    refused.problem(ProblemKind::NotFound);
    let operator = world.creator.post(&path, &json!({})).await;
    operator.problem(ProblemKind::Forbidden);

    world
        .sql("UPDATE sessions SET created_us = created_us - 660000000")
        .await;
    let refused = ada.post(&path, &json!({})).await;
    refused.problem(ProblemKind::SignInAgain);
}

#[tokio::test]
async fn a_coordinator_refuses_to_start_when_addresses_would_change() {
    let (world, _provider) = with_provider().await;
    let secret = world.data().join("pepper.secret");
    Browser::on(&world.url).sign_in_with_provider().await;
    let kept = std::fs::read_to_string(&secret).unwrap();

    let stopped = world.stop().await;
    std::fs::write(&secret, "7".repeat(64)).unwrap();
    let refused = pepper_error(stopped.refusal(|_| {}).await);
    assert!(matches!(refused, PepperError::OtherAddress { .. }));
    std::fs::remove_file(&secret).unwrap();
    let refused = pepper_error(stopped.refusal(|_| {}).await);
    assert!(matches!(refused, PepperError::Lost { .. }));
    assert!(!secret.exists(), "no other secret is made");
    // It is not the way to sign in that matters: people have their addresses.
    let refused = pepper_error(stopped.refusal(|config| config.sign_in.oidc = None).await);
    assert!(matches!(refused, PepperError::Lost { .. }));

    std::fs::write(&secret, kept).unwrap();
    let other_client = |config: &mut Config| {
        let oidc = config.sign_in.oidc.as_mut().unwrap();
        oidc.client_id = ClientId::new("another".into());
    };
    let refused = pepper_error(stopped.refusal(other_client).await);
    assert!(matches!(refused, PepperError::OtherAddress { .. }));
    stopped.start().await;
}

/// A coordinator that people sign in to with the provider; Ada does.
async fn with_provider() -> (World, OidcProvider) {
    let provider = OidcProvider::start().await;
    let settings = provider.settings();
    let world = World::start_with(|config| {
        config.sign_in.oidc = Some(settings);
        config.sign_in.tries_per_minute = 1_000;
    })
    .await;
    (world, provider)
}

async fn only_identity(browser: &mut Browser) -> pictor_protocol::people::Identity {
    let mut list: IdentityList = browser.get("/api/v1/identities").await.json();
    assert_eq!(list.identities.len(), 1);
    list.identities.remove(0)
}

fn parameter(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let mut parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = parameters.find(|(key, _)| *key == name);
    found.unwrap().1.to_owned()
}

fn pepper_error(error: StartError) -> PepperError {
    let StartError::SignIn(SignInError::Pepper(error)) = error else {
        panic!("{error:?}");
    };
    error
}
