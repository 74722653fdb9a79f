//! Ways in, as a person goes them.

use pictor_coordinator::accounts::aptos::Chain;
use pictor_protocol::people::Role;
use serde_json::json;

use super::chromium::Tab;
use crate::harness::World;
use crate::harness::counterparts::OidcProvider;

#[tokio::test]
async fn a_person_signs_in_with_the_provider_chooses_a_role_and_is_where_they_wanted_to_be() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let tab = Tab::that_may_ask(&world, &[&provider.issuer]).await;
    tab.goto("/account").await;
    tab.see("h1", "Sign in to Pictor").await;
    tab.follow("#provider").await;
    tab.see("h1", "Welcome to Pictor").await;
    tab.see("#address", "0x").await;
    tab.follow("main a.primary").await;
    tab.click("input[name=creator]").await;
    tab.follow("main button.primary").await;
    assert_eq!(tab.path().await, "/account");
    tab.see("[role=status]", "Your roles are saved").await;

    // The second time nothing has to be read: it goes on by itself.
    tab.follow("form[action='/sign-out'] button").await;
    tab.goto("/account/delete").await;
    tab.follow("#provider").await;
    tab.see("h1", "Delete your account").await;
    tab.close().await;
}

#[tokio::test]
async fn a_person_signs_in_with_a_wallet_of_the_browser_by_either_of_its_features() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    for (seed, feature) in [(1, "aptos:signIn"), (2, "aptos:signMessage")] {
        let tab = Tab::of_a_stranger(&world).await;
        let wallet = json!({ "name": "Petra of the tests", "feature": feature, "seed": seed });
        tab.install_wallet(wallet).await;
        tab.goto("/sign-in?next=/account").await;
        tab.see("#wallets button", "Sign in with Petra of the tests")
            .await;
        tab.follow("#wallets button").await;
        tab.see("h1", "What do you want to do here?").await;
        tab.click("input[name=creator]").await;
        tab.follow("main button.primary").await;
        assert_eq!(tab.path().await, "/account");
        tab.close().await;
    }
}

#[tokio::test]
async fn a_wallet_that_is_not_allowed_to_sign_says_so_and_can_be_asked_again() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let tab = Tab::of_a_stranger(&world).await;
    tab.install_wallet(json!({ "rejects": true })).await;
    tab.goto("/sign-in").await;
    tab.click("#wallets button").await;
    tab.see("#trouble", "The wallet was not allowed to sign")
        .await;
    tab.see("#wallets button:not([disabled])", "").await;
    tab.close().await;
}

#[tokio::test]
async fn whoever_has_no_wallet_is_told_how_to_get_one() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let tab = Tab::of_a_stranger(&world).await;
    tab.goto("/sign-in").await;
    tab.see("#no-wallet", "Install one as an extension").await;
    tab.close().await;
}

#[tokio::test]
async fn what_a_wallet_says_of_itself_is_text() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let tab = Tab::of_a_stranger(&world).await;
    let name = "<img src=x onerror=alert(1)> “Petra”";
    let icon = "data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+";
    tab.install_wallet(json!({ "name": name, "icon": icon }))
        .await;
    tab.goto("/sign-in").await;
    tab.see("#wallets button", name).await;
    assert!(tab.texts("#wallets img").await.is_empty());
    tab.close().await;
}

#[tokio::test]
async fn roles_are_chosen_and_left_without_scripts() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    let tab = Tab::that_may_ask(&world, &[&provider.issuer]).await;
    tab.set_scripts(false).await;
    tab.goto("/sign-in").await;
    tab.see("noscript", "needs JavaScript").await;
    tab.follow("#provider").await;
    tab.follow("main a.primary").await;
    tab.click("input[name=worker-owner]").await;
    tab.follow("main button.primary").await;
    tab.see("[role=status]", "Your roles are saved").await;
    tab.follow("form[action='/sign-out'] button").await;
    assert_eq!(tab.path().await, "/");
    tab.close().await;
}

#[tokio::test]
async fn a_form_that_was_filled_in_while_signed_out_is_sent_after_signing_in_elsewhere() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::CommunityMember]).await;
    let tab = Tab::of(&world, ada).await;
    tab.goto("/account").await;
    tab.type_into("#public-name", "Ada L").await;
    world
        .browser_of(ada)
        .await
        .fill("/account/sessions/end", "")
        .await;
    tab.follow("#name-form button").await;
    tab.see("main", "Nothing that you typed is lost").await;
    // In another tab of the same window.
    tab.sign_in_again(&world, ada).await;
    tab.follow("#again button").await;
    tab.see("[role=status]", "Everybody sees you as Ada L now")
        .await;
    tab.close().await;
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
