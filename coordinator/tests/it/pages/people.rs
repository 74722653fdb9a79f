//! Landing, dashboard, rewards, leaderboard, ledger, network and help, as people without scripts use them.

use std::time::Duration;

use http::{StatusCode, header};
use pictor_protocol::agent::{Device, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::people::Role;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually};

const ALL: [Role; 3] = [Role::Creator, Role::WorkerOwner, Role::CommunityMember];

#[tokio::test]
async fn the_first_page_has_what_the_network_is_and_a_first_step_for_every_role() {
    let world = World::start().await;
    let gpu = SlotInfo::new(0, Device::Optix, "NVIDIA GeForce RTX 4090");
    ScriptedWorker::connect_as(&world, "attic", &[Series::new(4, 5)], vec![gpu]).await;
    world.running_campaign().await;
    let page = Browser::on(&world.url).page("/").await.text();
    assert!(page.contains("1 × RTX 4090"), "{page}");
    assert!(page.contains("$2\u{202f}000"), "what the best get: {page}");
    for first_step in ["/jobs/new", "/help/gpus", "/rewards", "/sign-in"] {
        assert!(
            page.contains(&format!("href=\"{first_step}\"")),
            "{first_step}"
        );
    }
    assert!(!page.contains("style="), "the policy forbids it");
}

#[tokio::test]
async fn a_closed_campaign_thanks_whoever_comes_and_leads_to_its_ranks() {
    let world = World::start().await;
    let id = world.running_campaign().await;
    world.close_campaign(id, 1).await;
    let page = Browser::on(&world.url).page("/").await.text();
    assert!(page.contains("Testnet is closed"), "{page}");
    assert!(page.contains("Thank you to everybody"), "{page}");
    assert!(page.contains("href=\"/leaderboard\""));
    let ada = world.person("ada", &ALL).await;
    let rewards = world.browser_of(ada).await.page("/rewards").await.text();
    assert!(rewards.contains("The campaign is closed"), "{rewards}");
    assert!(
        !rewards.contains("action=\"/rewards/check-in\""),
        "nothing is earned"
    );
}

#[tokio::test]
async fn a_check_in_is_a_form_that_counts_once_and_is_explained() {
    let world = World::start().await;
    world.running_campaign().await;
    let ada = world.person("ada", &ALL).await;
    let mut browser = world.browser_of(ada).await;
    let before = browser.page("/dashboard").await.text();
    assert!(before.contains("action=\"/rewards/check-in\""), "{before}");
    let after = browser.form_to_page("/rewards/check-in", &[]).await.text();
    assert!(
        after.contains("Checked in: 1 day in a row. +1 points"),
        "{after}"
    );
    assert!(after.contains("Checked in today"), "{after}");
    let again = browser.form_to_page("/rewards/check-in", &[]).await.text();
    assert!(
        again.contains("You have checked in today already"),
        "{again}"
    );
    let ledger = browser.page("/ledger").await.text();
    assert!(ledger.contains("day 1 of your streak"), "{ledger}");
    assert!(ledger.contains("Rules, version 1"), "{ledger}");
    let dashboard = browser.page("/dashboard").await.text();
    assert!(dashboard.contains("Done: 1 day in a row"), "{dashboard}");
}

#[tokio::test]
async fn a_quest_is_begun_visited_and_claimed_without_scripts() {
    let world = World::start().await;
    world.running_campaign().await;
    let ada = world.person("ada", &ALL).await;
    let mut browser = world.browser_of(ada).await;
    let address = "/rewards/quests/follow-x";
    let begun = browser
        .form_to_page(&format!("{address}/open"), &[])
        .await
        .text();
    assert!(begun.contains("href=\"https://x.com/example\""), "{begun}");
    let nonce = between(&begun, "name=\"visit\" value=\"", "\"");
    let claim = [("visit", nonce.as_str()), ("attested", "yes")];
    let quick = browser.form(&format!("{address}/claim"), &claim).await;
    assert!(quick.status.is_client_error(), "nobody is as quick");
    assert!(quick.text().contains("<h1"), "it is a page");
    world.clock.advance(Duration::from_secs(6));
    let claimed = browser
        .form_to_page(&format!("{address}/claim"), &claim)
        .await;
    assert!(claimed.text().contains("its points are yours"));
    let ledger = browser.page("/ledger").await.text();
    assert!(
        ledger.contains("you said that you did it, after a visit"),
        "{ledger}"
    );
    let nothing = browser.page("/rewards/quests/no-such-quest").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_lacks_the_role_is_offered_it() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let answer = world.browser_of(ada).await.page("/rewards").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text().contains("Become a community member"));
}

#[tokio::test]
async fn a_name_that_cannot_be_is_shown_again_with_its_fault_and_a_good_one_is_found() {
    let world = World::start().await;
    world.running_campaign().await;
    let ada = world.person("ada", &ALL).await;
    let mut browser = world.browser_of(ada).await;
    browser.form_to_page("/rewards/check-in", &[]).await;
    let refused = browser
        .form("/leaderboard/name", &[("name", "<b>x</b>\"")])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = refused.text();
    assert!(page.contains("Not this one"), "{page}");
    assert!(!page.contains("<b>x</b>"), "{page}");
    let named = browser
        .form_to_page("/leaderboard/name", &[("name", "Ada L")])
        .await;
    assert!(named.text().contains("Everybody sees you as Ada L now"));
    let mut stranger = Browser::on(&world.url);
    eventually("a rank", async || {
        let page = stranger.page("/leaderboard").await.text();
        if page.contains("Ada L") {
            Ok(())
        } else {
            Err(page)
        }
    })
    .await;
    let found = stranger.page("/leaderboard?name=ada").await.text();
    assert!(found.contains("Ada L"), "{found}");
    let nobody = stranger.page("/leaderboard?name=%3Cscript%3E").await.text();
    assert!(nobody.contains("Nobody of that name"), "{nobody}");
    assert!(!nobody.contains("<script>"), "{nobody}");
}

#[tokio::test]
async fn rules_show_what_a_version_changed() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let document = pictor_coordinator::campaign::rules::DEFAULT;
    let changed = document.replace("hold_hours = 24", "hold_hours = 48");
    let path = format!("/api/v1/operator/campaigns/{campaign}/rules");
    let made = world
        .creator
        .post(&path, &json!({ "document": changed }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let page = Browser::on(&world.url).page("/help/rules").await.text();
    assert!(
        page.contains("<span class=\"gone\">− hold_hours = 24</span>"),
        "{page}"
    );
    assert!(
        page.contains("<span class=\"new\">+ hold_hours = 48</span>"),
        "{page}"
    );
    let hash = blake3::hash(changed.as_bytes()).to_hex();
    assert!(
        page.contains(hash.as_str()),
        "the hash of what everybody can read"
    );
    assert!(
        page.contains("wait 48 hours"),
        "the tables are those of the version that holds"
    );
}

#[tokio::test]
async fn a_gpu_is_judged_by_its_name_and_the_name_stays_text() {
    let world = World::start().await;
    let mut browser = Browser::on(&world.url);
    let good = browser.page("/help/gpus?name=RTX+3060").await.text();
    assert!(good.contains("Well suited"), "{good}");
    let old = browser.page("/help/gpus?name=GTX+970").await.text();
    assert!(old.contains("Too old"), "{old}");
    let hostile = browser
        .page("/help/gpus?name=%3Cimg+src%3Dx%3E")
        .await
        .text();
    assert!(hostile.contains("We do not know"), "{hostile}");
    assert!(!hostile.contains("<img"), "{hostile}");
}

#[tokio::test]
async fn the_network_says_who_is_there_and_names_of_workers_stay_text() {
    let world = World::start().await;
    let empty = Browser::on(&world.url).page("/network").await.text();
    assert!(empty.contains("Nobody is online"), "{empty}");
    let gpu = SlotInfo::new(0, Device::Optix, "NVIDIA L4");
    let slots = vec![gpu.clone(), SlotInfo { slot: 1, ..gpu }];
    ScriptedWorker::connect_as(&world, "<i>attic</i>", &[Series::new(4, 5)], slots).await;
    // The coordinator looks every ten seconds.
    world.clock.advance(Duration::from_secs(11));
    let page = Browser::on(&world.url).page("/network").await.text();
    assert!(page.contains("NVIDIA L4"), "{page}");
    assert!(!page.contains("attic"), "whose it is, is nobody's business");
    let mut operator = world.browser_of(world.operator().await).await;
    let dashboard = operator.page("/dashboard").await.text();
    assert!(dashboard.contains("2 × NVIDIA L4"), "{dashboard}");
    assert!(!dashboard.contains("<i>attic"), "{dashboard}");
}

#[tokio::test]
async fn a_stranger_is_led_to_sign_in_and_back_to_the_page() {
    let world = World::start().await;
    let answer = Browser::on(&world.url).page("/ledger?book=credits").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let to = answer.headers[header::LOCATION].to_str().unwrap();
    assert_eq!(to, "/sign-in?next=%2Fledger%3Fbook%3Dcredits");
}

#[tokio::test]
async fn without_a_campaign_every_page_says_what_that_means() {
    let world = World::start().await;
    let ada = world.person("ada", &ALL).await;
    let mut browser = world.browser_of(ada).await;
    for (path, says) in [
        ("/dashboard", "nothing costs or earns anything"),
        ("/rewards", "Nothing to earn here yet"),
        ("/leaderboard", "There is no campaign"),
        ("/ledger", "Nothing has moved yet"),
        ("/help/rules", "No campaign, no rules"),
    ] {
        let page = browser.page(path).await.text();
        assert!(page.contains(says), "{path}: {page}");
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("{before} in {text}"));
    rest.split_once(after).unwrap().0.to_owned()
}
