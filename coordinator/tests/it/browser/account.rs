//! One's account, in the browser.

use pictor_protocol::people::Role;
use serde_json::json;

use super::chromium::Tab;
use super::sign_in::with_both_ways;
use crate::harness::World;
use crate::harness::counterparts::OidcProvider;

#[tokio::test]
async fn a_wallet_and_an_identity_are_added_and_one_is_removed() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let tab = Tab::that_may_ask(&world, &[&provider.issuer]).await;
    tab.sign_in_again(&world, ada).await;
    tab.install_wallet(json!({ "seed": 7 })).await;
    tab.goto("/account").await;
    tab.follow("a[href='/account/identities/wallet']").await;
    tab.follow("#wallets button").await;
    tab.see("#identities ~ ul, section", "Aptos wallet").await;
    tab.follow("form[action='/account/identities/oidc'] button")
        .await;
    tab.see("h1", "Added").await;
    tab.follow("main a.primary").await;
    tab.see("section", "ada@example.org").await;
    tab.click("li[id^=identity] summary").await;
    tab.follow("li[id^=identity] details[open] button").await;
    tab.see("[role=status]", "That way to sign in is gone")
        .await;
    assert_eq!(tab.texts("li[id^=identity]").await.len(), 1);
    tab.close().await;
}

#[tokio::test]
async fn whoever_is_banned_is_led_from_their_wallet_to_the_decision() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let tab = Tab::of_a_stranger(&world).await;
    tab.install_wallet(json!({ "seed": 9 })).await;
    tab.goto("/sign-in").await;
    tab.follow("#wallets button").await;
    let me = tab.run("fetch('/api/v1/me').then((answer) => answer.json())");
    let id = me.await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/operator/people/{id}/standing");
    let ban = json!({ "decision": "ban", "reason": "<script>alert(1)</script>" });
    assert!(world.creator.post(&path, &ban).await.status.is_success());
    tab.goto("/sign-in").await;
    tab.follow("#wallets button").await;
    tab.see("h1", "You cannot sign in").await;
    tab.see("main", "<script>alert(1)</script>").await;
    tab.type_into("#words", "It was my sister").await;
    tab.follow("form[action='/hearing/appeal'] button").await;
    tab.see("main", "It was my sister").await;
    assert!(!tab.url().await.contains("pch_"));
    tab.close().await;
}

#[tokio::test]
async fn an_access_token_is_copied_once_and_gone_when_one_comes_back() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let tab = Tab::of(&world, ada).await;
    tab.goto("/account").await;
    tab.type_into("#token-name", "laptop").await;
    tab.follow("form[action='/account/tokens'] button").await;
    let token = tab.texts("#token").await.remove(0);
    assert!(token.starts_with("pct_"));
    tab.follow("main a.primary").await;
    let page = tab.texts("main").await.remove(0);
    assert!(page.contains("laptop") && !page.contains(&token));
    tab.close().await;
}
