//! What members of the community do besides checking in: quests, and bringing others along.

use std::time::Duration;

use pictor_protocol::people::Role;

use super::chromium::Tab;
use super::sign_in::with_both_ways;
use crate::harness::World;
use crate::harness::counterparts::OidcProvider;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_quest_is_done_by_ones_word_and_another_by_that_of_an_operator() {
    let world = World::start().await;
    let visited = format!("url = \"{}/leaderboard\"", world.url);
    let link = "url = \"https://t.me/example\"\nkind = \"link\"";
    let looked_at = "url = \"https://t.me/example\"\nkind = \"operator\"";
    let changes = [
        ("url = \"https://x.com/example\"", visited.as_str()),
        (link, looked_at),
    ];
    world.economy(&changes).await;
    let ada = world.person("ada", &[Role::CommunityMember]).await;
    let tab = Tab::of(&world, ada).await;
    tab.goto("/rewards").await;
    tab.see(".purse", "0 points").await;

    tab.follow("#quest-follow-x button").await;
    let there = tab.opened("#visit").await;
    there.see("h1", "Leaderboard").await;
    there.close().await;
    world.clock.advance(Duration::from_secs(6));
    let claim = "form[action$='/claim'] button";
    tab.click("input[name=attested]").await;
    tab.follow(claim).await;
    tab.see("[role=status]", "Done: its points are yours").await;
    tab.see("#quest-follow-x .state", "Done").await;
    tab.see(".purse", "5 points").await;
    tab.see("#credits b", "50").await;

    let quest = "#quest-telegram-channel";
    let operator = Tab::of(&world, world.operator().await).await;
    for (note, decides) in [("I am ada there", "refuse"), ("I am ada_l", "confirm")] {
        tab.follow(&format!("{quest} a")).await;
        tab.type_into("#note", note).await;
        tab.follow(claim).await;
        tab.see(&format!("{quest} .state"), "Waiting").await;
        operator.goto("/operator/quests").await;
        operator.see("section[id^=claim]", note).await;
        if decides == "refuse" {
            operator.click("details.ask summary").await;
            let why = "textarea[name=reason]";
            operator.type_into(why, "Nobody of that name").await;
        }
        let button = format!("form[action$='/{decides}'] button");
        operator.follow(&button).await;
        operator.see("main", "Nothing waits").await;
        // Nobody reloads the page on which they wait for it.
        if decides == "refuse" {
            tab.see(quest, "Refused: Nobody of that name").await;
        }
    }
    tab.see(&format!("{quest} .state"), "Done").await;
    tab.see("#credits b", "100").await;
    tab.goto("/rewards").await;
    tab.see(".purse", "10 points").await;

    // Where each of them came from.
    tab.follow("main .head a[href='/ledger']").await;
    for why in ["“follow-x”: you said", "“telegram-channel”: an operator"] {
        tab.see("main", why).await;
    }
    operator.close().await;
    tab.close().await;
}

#[tokio::test]
async fn whoever_comes_by_a_copied_link_gets_credits_and_earns_for_whoever_sent_it() {
    let provider = OidcProvider::start().await;
    let world = with_both_ways(&provider).await;
    world.economy(&[]).await;
    let grace = world.person("grace", &[Role::CommunityMember]).await;
    let referrer = Tab::of(&world, grace).await;
    referrer.goto("/rewards").await;
    referrer.see("#referral", "0 people").await;
    let copy = "button[data-copy=referral-link]";
    referrer.click(copy).await;
    referrer.see(copy, "Copied").await;
    let link = referrer.copied().await;

    let newcomer = Tab::that_may_ask(&world, &[&provider.issuer]).await;
    newcomer.goto(&link).await;
    newcomer.see("main", "You were invited").await;
    newcomer.follow("#provider").await;
    newcomer.see("h1", "Welcome to Pictor").await;
    newcomer.follow("main a.primary").await;
    newcomer.see("main", "You were invited with the code").await;
    newcomer.click("input[name=community-member]").await;
    newcomer.click("input[name=accept-rules]").await;
    newcomer.follow("main button.primary").await;
    newcomer.goto("/rewards").await;
    newcomer.see("#credits b", "100").await;
    // All the time the referrer looks at the page.
    referrer.see("#referral", "1 person").await;
    referrer.see("#referral", "0 points").await;

    for (day, share) in [
        ("1 day in a row", "0.1 points"),
        ("2 days in a row", "0.2 points"),
    ] {
        newcomer.goto("/rewards").await;
        newcomer.follow("#check-in form button").await;
        newcomer.see("#check-in", day).await;
        referrer.see("#referral", share).await;
        world.clock.advance(DAY);
    }
    referrer.follow("main .head a[href='/ledger']").await;
    referrer.see("#sums", "0.2").await;
    newcomer.goto("/rewards").await;
    newcomer.follow("#check-in form button").await;
    referrer.see("#sums", "0.3").await;
    newcomer.close().await;
    referrer.close().await;
}
