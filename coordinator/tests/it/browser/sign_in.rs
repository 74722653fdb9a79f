//! Ways in, as a person goes them.

use pictor_coordinator::accounts::aptos::Chain;
use serde_json::json;

use super::chromium::Tab;
use crate::harness::World;
use crate::harness::counterparts::OidcProvider;

#[tokio::test]
async fn a_person_signs_in_with_the_provider_and_chooses_a_role() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let tab = Tab::that_may_ask(&world, &[&provider.issuer]).await;
    tab.goto("/").await;
    tab.follow("main a[href^='/sign-in']").await;
    tab.follow("a[href^='/sign-in/oidc']").await;
    tab.see("h1", "Welcome").await;
    tab.see("#address", "0x").await;
    tab.follow("main a.primary").await;
    tab.click("input[name=creator]").await;
    tab.follow("main button.primary").await;
    assert_eq!(tab.path().await, "/dashboard");
    tab.see("[role=status]", "Your roles are saved").await;
    tab.close().await;
}

#[tokio::test]
async fn a_person_signs_in_with_a_wallet_of_the_browser() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    for (seed, feature) in [(1, "aptos:signIn"), (2, "aptos:signMessage")] {
        let tab = Tab::of_a_stranger(&world).await;
        let wallet = json!({ "name": "Petra of the tests", "feature": feature, "seed": seed });
        tab.install_wallet(wallet).await;
        tab.goto("/sign-in").await;
        tab.see("#wallets button", "Petra of the tests").await;
        tab.follow("#wallets button").await;
        tab.see("h1", "What do you want to do here?").await;
        tab.close().await;
    }
}

/// A coordinator with an OpenID provider and wallets.
pub async fn with_both_ways(provider: &OidcProvider) -> World {
    let settings = provider.settings();
    World::start_with(|config| {
        config.sign_in.oidc = Some(settings);
        config.sign_in.chain = Some(Chain::Testnet);
        config.sign_in.tries_per_minute = 1_000;
    })
    .await
}
