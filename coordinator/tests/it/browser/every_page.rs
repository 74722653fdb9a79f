//! What holds for every page: nobody is shut out by how it is written, and nothing leaves the coordinator.

use http::Uri;
use pictor_protocol::people::Role;

use super::gallery::{self, Who};
use super::states;

#[tokio::test]
async fn no_page_has_an_obstacle_or_asks_elsewhere_whoever_looks_in_whatever_light() {
    let gallery = gallery::Gallery::of_fakes().await;
    let mut obstacles = Vec::new();
    for who in Who::ALL {
        let tab = gallery.tab_of(who).await;
        for path in gallery.pages_of(who) {
            for scheme in ["light", "dark"] {
                tab.set_scheme(scheme).await;
                let status = tab.goto(&path).await;
                assert!(status < 500, "{path} of {who:?}: {status}");
                let found = tab.obstacles().await;
                obstacles.extend(
                    found
                        .into_iter()
                        .map(|it| format!("{path} ({scheme}): {it}")),
                );
            }
        }
        let faults = tab.faults().await;
        obstacles.extend(faults);
    }
    obstacles.dedup();
    assert!(obstacles.is_empty(), "{}", obstacles.join("\n"));
}

#[tokio::test]
async fn no_page_is_wider_than_a_phone() {
    let gallery = gallery::Gallery::of_fakes().await;
    let mut wide = Vec::new();
    for who in Who::ALL {
        let tab = gallery.tab_of(who).await;
        tab.set_size(360, 740).await;
        for path in gallery.pages_of(who) {
            tab.goto(&path).await;
            let width = tab.run("document.documentElement.scrollWidth").await;
            if width.as_u64() > Some(360) {
                wide.push(format!("{path} of {who:?}: {width}"));
            }
        }
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

#[tokio::test]
async fn no_state_of_a_page_has_an_obstacle_or_is_wider_than_a_phone() {
    let mut faults = Vec::new();
    for scene in states::all().await {
        let tab = scene.tab().await;
        for state in &scene.states {
            for scheme in ["light", "dark"] {
                tab.set_scheme(scheme).await;
                let status = state.enter(&tab).await;
                assert!(status < 500, "{}: {status}", state.path);
                let found = tab.obstacles().await;
                let told = |it: String| format!("{} ({scheme}): {it}", state.name);
                faults.extend(found.into_iter().map(told));
                state.leave(&tab).await;
            }
        }
        faults.extend(tab.faults().await);
        tab.set_size(360, 740).await;
        for state in &scene.states {
            state.enter(&tab).await;
            let width = tab.run("document.documentElement.scrollWidth").await;
            if width.as_u64() > Some(360) {
                faults.push(format!("{}: {width} wide", state.name));
            }
            state.leave(&tab).await;
        }
    }
    faults.dedup();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The pages name each other: no link of ours leads to nothing.
#[tokio::test]
async fn no_link_of_a_page_leads_to_nothing() {
    let gallery = gallery::Gallery::of_fakes().await;
    let world = &gallery.world;
    let ada = world.person("visitor", &Role::ALL).await;
    let mut browser = world.browser_of(ada).await;
    let mut asked = std::collections::BTreeSet::new();
    let mut dead = Vec::new();
    for who in Who::ALL {
        let mut looks = gallery.browser_of(who).await;
        for path in gallery.pages_of(who) {
            let page = looks.look(&path).await.text();
            for link in page.split("href=\"").skip(1) {
                let link = link.split(['"', '#']).next().unwrap();
                let link = link.replace("&#38;", "&").replace("&amp;", "&");
                let is_ours = link.parse::<Uri>().is_ok_and(|uri| uri.host().is_none());
                if !is_ours || !link.starts_with('/') || !asked.insert(link.clone()) {
                    continue;
                }
                let mut found = looks.look(&link).await.status.as_u16();
                if found == 403 {
                    found = browser.look(&link).await.status.as_u16();
                }
                if ![200, 303, 304, 403].contains(&found) {
                    dead.push(format!("{path} leads to {link}: {found}"));
                }
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}
