//! Choosing what one is.

use std::process::Command;

use http::{Method, StatusCode};
use pictor_protocol::people::{Me, MintedToken, Role, Scope};
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use crate::harness::World;
use crate::harness::client::Client;
use crate::harness::process::program;

/// The migration that brought roles.
const ROLES: i64 = 4;

#[tokio::test]
async fn a_newcomer_chooses_and_may_then_do_what_was_chosen() {
    let world = World::start().await;
    let newcomer = world.person("newcomer", &[]).await;
    let mut browser = world.browser_of(newcomer).await;
    let me: Me = browser.get("/api/v1/me").await.json();
    assert_eq!((me.roles, me.scopes), (vec![], vec![]));
    let refused = browser.get("/api/v1/jobs").await;
    let problem = refused.problem(ProblemKind::ChooseARole);
    assert_eq!(problem.role, Some(Role::Creator));

    browser.choose(&[Role::WorkerOwner, Role::Creator]).await;
    let me: Me = browser.get("/api/v1/me").await.json();
    assert_eq!(me.roles, [Role::Creator, Role::WorkerOwner]);
    assert_eq!(me.scopes, [Scope::Jobs, Scope::Workers]);
    assert_eq!(browser.get("/api/v1/jobs").await.status, StatusCode::OK);
    assert_eq!(browser.get("/api/v1/workers").await.status, StatusCode::OK);

    browser.choose(&[Role::CommunityMember]).await;
    let me: Me = browser.get("/api/v1/me").await.json();
    assert_eq!(me.roles, [Role::CommunityMember]);
    let refused = browser.get("/api/v1/workers").await;
    refused.problem(ProblemKind::ChooseARole);
}

#[tokio::test]
async fn nobody_chooses_to_be_an_operator_or_what_does_not_exist() {
    let world = World::start().await;
    let newcomer = world.person("newcomer", &[Role::Creator]).await;
    let mut browser = world.browser_of(newcomer).await;
    for bad in [
        json!({ "roles": ["operator"] }),
        json!({ "roles": ["creator", "king"] }),
        json!({ "roles": "creator" }),
        json!({ "roles": [1] }),
        json!({}),
    ] {
        let body = serde_json::to_vec(&bad).unwrap();
        let refused = browser.ask(Method::PUT, "/api/v1/me/roles", body).await;
        refused.problem(ProblemKind::Invalid);
    }
    let me: Me = browser.get("/api/v1/me").await.json();
    assert_eq!((me.roles, me.operator), (vec![Role::Creator], false));
}

#[tokio::test]
async fn a_token_can_do_no_more_than_its_owner_even_if_it_was_minted_before() {
    let world = World::start().await;
    let person = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(person).await;
    let new = json!({ "name": "x", "scopes": ["workers"] });
    let refused = browser.post("/api/v1/tokens", &new).await;
    let problem = refused.problem(ProblemKind::ChooseARole);
    assert_eq!(problem.role, Some(Role::WorkerOwner));
    let new = json!({ "name": "x", "scopes": ["jobs"] });
    let minted: MintedToken = browser.post("/api/v1/tokens", &new).await.json();
    let script = Client::new(&world.url, &minted.token);
    assert_eq!(script.get("/api/v1/jobs").await.status, StatusCode::OK);

    browser.choose(&[]).await;
    let refused = script.get("/api/v1/jobs").await;
    refused.problem(ProblemKind::ChooseARole);
    // The person's own token may choose for them, and still has its own scope alone.
    let chosen = json!({ "roles": ["creator", "worker-owner"] });
    let body = serde_json::to_vec(&chosen).unwrap();
    let me = script.send(Method::PUT, "/api/v1/me/roles", body).await;
    assert_eq!(me.json::<Me>().scopes, [Scope::Jobs]);
    assert_eq!(script.get("/api/v1/jobs").await.status, StatusCode::OK);
    let refused = script.get("/api/v1/workers").await;
    refused.problem(ProblemKind::Forbidden);
}

#[tokio::test]
async fn another_site_chooses_for_nobody() {
    let world = World::start().await;
    let person = world.person("ada", &[Role::Creator]).await;
    let mut browser = world.browser_of(person).await;
    let foreign = [("origin", "https://evil.example")];
    let lured = browser.lured(Method::PUT, "/api/v1/me/roles", &foreign);
    lured.await.problem(ProblemKind::ForeignOrigin);
    let lured = browser.lured(Method::POST, "/account/roles", &foreign);
    lured.await.problem(ProblemKind::ForeignOrigin);
}

#[tokio::test]
async fn the_page_lets_a_newcomer_choose_and_change() {
    let world = World::start().await;
    let person = world.person("ada", &[]).await;
    let mut browser = world.browser_of(person).await;
    let page = browser.get("/welcome").await.text();
    assert!(page.contains("name=\"worker-owner\">"), "{page}");
    for (form, expected) in [
        (
            "creator=on&worker-owner=on",
            vec![Role::Creator, Role::WorkerOwner],
        ),
        (
            "community-member=on&operator=on",
            vec![Role::CommunityMember],
        ),
        ("", vec![]),
    ] {
        let form = form.as_bytes().to_vec();
        let answer = browser.ask(Method::POST, "/account/roles", form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let me: Me = browser.get("/api/v1/me").await.json();
        assert_eq!((me.roles, me.operator), (expected, false));
    }
    browser.choose(&[Role::Creator]).await;
    let page = browser.get("/welcome").await.text();
    assert!(page.contains("name=\"creator\" checked"), "{page}");
}

#[tokio::test]
async fn a_token_from_the_command_line_gives_its_owner_the_role_that_it_needs() {
    let world = World::start().await;
    world.person("ada", &[]).await;
    let mut command = Command::new(program("pictor-coordinator"));
    command.args(["token", "create", "--user", "ada", "--scope", "jobs"]);
    let minted = command.arg("--data").arg(world.data()).output().unwrap();
    assert!(minted.status.success(), "{minted:?}");
    let token = String::from_utf8(minted.stdout).unwrap();
    let script = Client::new(&world.url, token.trim());
    assert_eq!(script.get("/api/v1/jobs").await.status, StatusCode::OK);
    let me: Me = script.get("/api/v1/me").await.json();
    assert_eq!(me.roles, [Role::Creator]);

    let mut command = Command::new(program("pictor-coordinator"));
    command.args(["worker", "create", "--user", "ada", "--name", "one"]);
    command.args(["--out", "-", "--data"]).arg(world.data());
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let me: Me = script.get("/api/v1/me").await.json();
    assert_eq!(me.roles, [Role::Creator, Role::WorkerOwner]);
}

#[tokio::test]
async fn whoever_did_something_before_there_was_a_choice_has_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pictor.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
    let pool = sqlx::SqlitePool::connect_with(options.create_if_missing(true))
        .await
        .unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    let before: Vec<_> = migrations
        .iter()
        .filter(|migration| migration.version < ROLES)
        .cloned()
        .collect();
    sqlx::migrate::Migrator {
        migrations: before.into(),
        ..sqlx::migrate::Migrator::DEFAULT
    }
    .run(&pool)
    .await
    .unwrap();
    for statement in [
        "INSERT INTO users VALUES ('u1', 'scripted', 0, 1), ('u2', 'owner', 0, 1), ('u3', 'both', 0, 1), \
             ('u4', 'neither', 0, 1)",
        "INSERT INTO access_tokens (hash, id, user_id, name, scopes, created_us) VALUES \
             ('h1', 't1', 'u1', 'x', '[\"jobs\"]', 7), ('h2', 't2', 'u1', 'x', '[\"jobs\"]', 5), \
             ('h3', 't3', 'u3', 'x', '[\"jobs\",\"workers\"]', 5)",
        "INSERT INTO workers (id, owner_id, name, token_hash, status, created_us) VALUES \
             ('w1', 'u2', 'one', 'h', 'active', 9)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    migrations.run(&pool).await.unwrap();
    let roles: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT user_id, role, since_us FROM roles ORDER BY user_id, role")
            .fetch_all(&pool)
            .await
            .unwrap();
    let roles: Vec<_> = roles
        .iter()
        .map(|(user, role, since)| (user.as_str(), role.as_str(), *since))
        .collect();
    let expected = [
        ("u1", "creator", 5),
        ("u2", "worker-owner", 9),
        ("u3", "creator", 5),
        ("u3", "worker-owner", 5),
    ];
    assert_eq!(roles, expected);
}
