//! Every address of a page, found in the sources: strangers are led to sign in, and none has a fault.

use std::path::Path;

use http::StatusCode;
use pictor_protocol::people::Role;

use crate::harness::World;
use crate::harness::browser::Browser;

/// What everybody may see, whoever they are.
const PUBLIC: &[&str] = &[
    "/",
    "/assets/{file}",
    "/hearing",
    "/help",
    "/install",
    "/landing",
    "/leaderboard",
    "/network",
    "/sign-in",
    "/sign-out",
];
/// An id of nothing.
const NOTHING: &str = "01890000-0000-7000-8000-000000000000";

#[tokio::test]
async fn a_stranger_is_led_to_the_sign_in_from_every_page_that_is_not_public() {
    let world = World::start_with(|config| config.sign_in.tries_per_minute = 10_000).await;
    let mut stranger = Browser::on(&world.url);
    let mut asked = 0;
    for route in routes() {
        let path = route.address();
        if route.is_public() {
            continue;
        }
        if route.has("get") {
            let answer = stranger.look(&path).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {answer:?}");
            let to = answer.headers["location"].to_str().unwrap();
            assert!(to.starts_with("/sign-in?next="), "{path} leads to {to}");
        }
        if route.has("post") {
            let answer = stranger.fill(&path, "typed=something").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            let page = answer.text();
            assert!(page.contains("value=\"something\""), "{path}: {page}");
        }
        asked += 1;
    }
    assert!(asked > 40, "the sources are read: {asked}");
}

#[tokio::test]
async fn no_page_has_a_fault_whoever_looks() {
    let world = World::start().await;
    world.running_campaign().await;
    let all = [Role::Creator, Role::WorkerOwner, Role::CommunityMember];
    let ada = world.person("ada", &all).await;
    let nobody_yet = world.person("grace", &[]).await;
    let browsers = [
        Browser::on(&world.url),
        world.browser_of(nobody_yet).await,
        world.browser_of(ada).await,
        world.browser_of(world.operator().await).await,
    ];
    for mut browser in browsers {
        for route in routes().filter(|route| route.has("get") && !route.is_stream()) {
            let answer = browser.look(&route.address()).await;
            let is_fine = [200, 303, 403, 404, 409, 422].contains(&answer.status.as_u16());
            assert!(is_fine, "{}: {answer:?}", route.path);
            if answer.status != StatusCode::SEE_OTHER && !route.path.starts_with("/assets") {
                let page = answer.text();
                assert!(page.contains("<h1"), "{}: {page}", route.path);
            }
        }
    }
}

struct Route {
    path: String,
    /// What answers there.
    methods: String,
}

impl Route {
    fn address(&self) -> String {
        let mut address = String::new();
        let mut rest = self.path.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap();
            address.push_str(before);
            address.push_str(if name == "frame" { "1" } else { NOTHING });
            rest = behind;
        }
        address + rest
    }

    fn has(&self, method: &str) -> bool {
        self.methods.contains(&format!("{method}("))
    }

    fn is_public(&self) -> bool {
        let below =
            |public: &&&str| **public != "/" && self.path.starts_with(&format!("{public}/"));
        PUBLIC.contains(&self.path.as_str()) || PUBLIC.iter().find(below).is_some()
    }

    /// A stream ends when its page is closed.
    fn is_stream(&self) -> bool {
        self.path.ends_with("/live")
    }
}

fn routes() -> impl Iterator<Item = Route> {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut sources = vec![pages.join("pages.rs")];
    let mut folders = vec![pages.join("pages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push(path);
            }
        }
    }
    sources.into_iter().flat_map(|source| {
        let text = std::fs::read_to_string(source).unwrap();
        let found: Vec<Route> = text.split(".route(").skip(1).filter_map(route).collect();
        found
    })
}

/// Of what stands behind `.route(`.
fn route(rest: &str) -> Option<Route> {
    let (_, rest) = rest.split_once('"')?;
    let (path, rest) = rest.split_once('"')?;
    let mut depth = 1;
    let methods = rest.chars().take_while(|c| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth > 0
    });
    Some(Route {
        path: path.into(),
        methods: methods.collect(),
    })
}
