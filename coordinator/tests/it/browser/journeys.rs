//! As a new user goes, in each role, with nothing but the pages.

use std::path::{Path, PathBuf};

use pictor_protocol::people::Role;
use pictor_protocol::worker_config::WorkerConfig;

use super::chromium::Tab;
use super::gallery::run_worker;
use crate::harness::process::Process;
use crate::harness::{World, eventually, scenes};

#[tokio::test]
async fn a_worker_is_made_started_by_its_config_and_renders_frames_that_appear_and_are_downloaded()
{
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let grace = world.person("grace", &[Role::WorkerOwner]).await;
    let owner = Tab::of(&world, grace).await;
    owner.download_to(folder.path()).await;
    let _worker = new_worker(&world, &owner, folder.path()).await;
    owner.see("#arrival", "is ready").await;
    owner.follow("#arrival p a").await;
    owner.follow("#worker-head a[href$='/tasks']").await;
    owner.see("#tasks", "No tasks yet").await;

    let ada = world.person("ada", &[Role::Creator]).await;
    let creator = Tab::of(&world, ada).await;
    creator.download_to(folder.path()).await;
    creator.goto("/jobs/new").await;
    creator.upload("#file", &scenes::sample()).await;
    creator.see("h1", "sample.blend").await;
    creator.type_into("#frames", "1-3").await;
    creator.follow("button[value=submit]").await;
    // Nobody reloads: the frames come into the page by themselves.
    for frame in ["#f1.done", "#f2.done", "#f3.done"] {
        creator.see(frame, "").await;
    }
    creator.see("main", "Done").await;
    creator.click("a[href$='/output.zip']").await;
    let zip = downloaded(folder.path(), "zip").await;
    let zip = std::fs::read(zip).unwrap();
    let pictures = zip.windows(4).filter(|four| *four == b"\x89PNG").count();
    assert_eq!(pictures, 3, "stored as they are");
    creator.close().await;

    owner.see("#tasks", "Accepted").await;
    owner.goto("/workers").await;
    owner.see("main", "attic").await;
    owner.close().await;
}

#[tokio::test]
async fn a_community_member_checks_in_once_and_stands_on_the_leaderboard() {
    let world = World::start().await;
    world.economy(&[]).await;
    let ada = world.person("ada", &[Role::CommunityMember]).await;
    let tab = Tab::of(&world, ada).await;
    tab.goto("/account").await;
    tab.type_into("#public-name", "Ada L").await;
    tab.follow("#name-form button").await;
    tab.goto("/rewards").await;
    tab.follow("#check-in form button").await;
    tab.see("#check-in", "Checked in today").await;
    eventually("a rank", async || {
        tab.goto("/leaderboard").await;
        let page = tab.texts("main").await.remove(0);
        if page.contains("Ada L") {
            Ok(())
        } else {
            Err(page)
        }
    })
    .await;
    tab.close().await;
}

#[tokio::test]
async fn an_operator_bans_somebody_who_is_out_at_once() {
    let world = World::start().await;
    let eve = world.person("eve", &[Role::CommunityMember]).await;
    let theirs = Tab::of(&world, eve).await;
    theirs.goto("/account").await;
    let tab = Tab::of(&world, world.operator().await).await;
    tab.goto(&format!("/operator/people/{eve}")).await;
    tab.click("input[name=decision][value=ban]").await;
    tab.type_into("#reason", "A farm of accounts").await;
    tab.click("#ask-decide summary").await;
    tab.follow("#ask-decide button").await;
    tab.see("main", "Banned").await;
    tab.see("main", "A farm of accounts").await;
    tab.close().await;
    theirs.goto("/account").await;
    theirs.see("h1", "Sign in to Pictor").await;
    theirs.close().await;
}

#[tokio::test]
async fn whoever_comes_when_the_campaign_is_over_is_thanked() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    world.close_campaign(campaign, 2).await;
    let tab = Tab::of_a_stranger(&world).await;
    tab.goto("/").await;
    tab.see("main", "Thank").await;
    tab.close().await;
}

#[tokio::test]
async fn what_one_tab_did_another_one_is_told_and_nothing_is_done_twice() {
    let world = World::start().await;
    world.economy(&[]).await;
    let ada = world.person("ada", &[Role::CommunityMember]).await;
    let tab = Tab::of(&world, ada).await;
    let watching = tab.another().await;
    let other = tab.another().await;
    // It learns nothing by itself, and sends a form that is out of date.
    other.set_scripts(false).await;
    for tab in [&watching, &other, &tab] {
        tab.goto("/rewards").await;
    }
    tab.follow("#check-in form button").await;
    tab.see("#check-in", "Checked in today").await;
    watching.see("#check-in", "Checked in today").await;
    watching.close().await;
    other.follow("#check-in form button").await;
    other.see("main", "hecked in").await;
    other.goto("/rewards").await;
    other.see("#check-in", "1 day").await;
    other.close().await;
    tab.close().await;
}

#[tokio::test]
async fn a_page_whose_coordinator_is_gone_says_that_it_stands_still() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let tab = Tab::of(&world, ada).await;
    tab.goto("/dashboard").await;
    assert!(tab.attributes("#lost", "hidden").await[0].is_some());
    let _data = world.stop().await;
    tab.see("#lost", "No connection").await;
}

/// Makes a worker with the pages and runs it by the config that they gave.
async fn new_worker(world: &World, owner: &Tab, downloads: &Path) -> Process {
    owner.goto("/workers/new").await;
    owner.type_into("#name", "attic").await;
    owner.follow("#new-worker button").await;
    owner.click("form[data-download] button").await;
    let config = std::fs::read(downloaded(downloads, "json").await).unwrap();
    let config: WorkerConfig = serde_json::from_slice(&config).unwrap();
    run_worker(world, "attic", config)
}

/// Waits for a whole file.
pub async fn downloaded(folder: &Path, ending: &str) -> PathBuf {
    eventually("a download", async || {
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let files: Vec<PathBuf> = files.map(|file| file.path()).collect();
        let found = files.iter().find(|file| {
            file.extension().is_some_and(|its| its == ending)
                && file.metadata().is_ok_and(|of| of.len() > 0)
        });
        found.cloned().ok_or(files)
    })
    .await
}
