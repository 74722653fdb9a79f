//! Tokens, scopes, the operator's first sign-in.

use http::{Method, StatusCode, header};
use pictor_coordinator::accounts::{self, Secret};
use pictor_coordinator::app::now_us;
use pictor_protocol::people::{Me, MintedToken, Scope};
use pictor_protocol::problem::ProblemKind;
use serde_json::json;

use crate::harness::World;
use crate::harness::worker::ScriptedWorker;

#[tokio::test]
async fn a_token_says_who_and_what_for() {
    let world = World::start().await;
    let me: Me = world.creator.get("/api/v1/me").await.json();
    assert_eq!((me.name.as_str(), me.operator), ("operator", true));
    for bad in ["", "pct_wrong"] {
        let answer = world.creator.with_token(bad).get("/api/v1/me").await;
        answer.problem(ProblemKind::Unauthorized);
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
}

#[tokio::test]
async fn a_token_works_within_its_scopes_only() {
    let world = World::start().await;
    let minted = world
        .creator
        .post(
            "/api/v1/tokens",
            &json!({ "name": "jobs", "scopes": ["jobs"] }),
        )
        .await;
    assert_eq!(minted.status, StatusCode::CREATED);
    let creator = world
        .creator
        .with_token(&minted.json::<MintedToken>().token);
    assert_eq!(creator.get("/api/v1/jobs").await.status, StatusCode::OK);
    creator
        .get("/api/v1/workers")
        .await
        .problem(ProblemKind::Forbidden);
    let stronger = json!({ "name": "x", "scopes": ["workers"] });
    creator
        .post("/api/v1/tokens", &stronger)
        .await
        .problem(ProblemKind::Forbidden);
    let operator = json!({ "name": "x", "scopes": ["operator"] });
    let stranger = world.stranger("stranger").await;
    stranger
        .post("/api/v1/tokens", &operator)
        .await
        .problem(ProblemKind::Forbidden);
}

#[tokio::test]
async fn a_revoked_token_is_worth_nothing() {
    let world = World::start().await;
    let mut tx = world.store.write().await.unwrap();
    let hash = Secret::hash(world.creator.token());
    assert!(
        pictor_coordinator::store::people::revoke_token(&mut tx, &hash, now_us())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    world
        .creator
        .get("/api/v1/me")
        .await
        .problem(ProblemKind::Unauthorized);
}

#[tokio::test]
async fn a_retired_workers_token_is_worth_nothing() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    let listed = world.creator.get("/api/v1/workers").await;
    let id = listed.json::<serde_json::Value>()["workers"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let retired = world.creator.delete(&format!("/api/v1/workers/{id}")).await;
    assert_eq!(retired.status, StatusCode::NO_CONTENT);
    worker.hello(&[]).await.problem(ProblemKind::Unauthorized);
}

#[tokio::test]
async fn workers_and_people_cannot_use_each_others_tokens() {
    let world = World::start().await;
    let worker = ScriptedWorker::connect(&world, "one").await;
    worker
        .client
        .get("/api/v1/me")
        .await
        .problem(ProblemKind::Unauthorized);
    let hello = world.creator.post("/agent/v1/hello", &json!({})).await;
    hello.problem(ProblemKind::Unauthorized);
}

#[tokio::test]
async fn a_sign_in_link_works_once_and_not_by_being_opened() {
    let world = World::start().await;
    let operator = accounts::by_name(&world.store, accounts::OPERATOR)
        .await
        .unwrap();
    let link = accounts::make_sign_in_link(&world.store, operator.id, now_us())
        .await
        .unwrap();
    let path = format!("/sign-in/{}", link.reveal());
    let browser = world.creator.with_token("");
    assert_eq!(browser.get(&path).await.status, StatusCode::OK);

    let signed_in = browser.send(Method::POST, &path, Vec::new()).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let cookie = signed_in.headers[header::SET_COOKIE]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    let home = browser
        .send_with(Method::GET, "/welcome", &[("cookie", cookie)], Vec::new())
        .await;
    assert!(String::from_utf8_lossy(&home.body).contains("Sign out"));

    let minted = browser
        .send_with(
            Method::POST,
            "/account/tokens",
            &[("cookie", cookie), ("origin", &world.url)],
            b"name=laptop&scope=jobs&days=90".to_vec(),
        )
        .await;
    let page = String::from_utf8_lossy(&minted.body).into_owned();
    let token = page
        .split("<pre id=\"token\" tabindex=\"0\">")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .unwrap();
    assert_eq!(
        world
            .creator
            .with_token(token)
            .get("/api/v1/jobs")
            .await
            .status,
        StatusCode::OK
    );

    let foreign = [("cookie", cookie), ("sec-fetch-site", "cross-site")];
    let forged = browser
        .send_with(Method::POST, "/account/tokens", &foreign, Vec::new())
        .await;
    forged.problem(ProblemKind::ForeignOrigin);

    let again = browser.send(Method::POST, &path, Vec::new()).await;
    assert_eq!(again.status, StatusCode::GONE);
}

#[tokio::test]
async fn the_api_describes_itself_and_refuses_in_its_own_words() {
    let world = World::start().await;
    let document: serde_json::Value = world.creator.get("/api/v1/openapi.json").await.json();
    assert!(document["paths"]["/api/v1/jobs/{id}/events"].is_object());
    assert!(document["components"]["schemas"]["Problem"].is_object());
    world
        .creator
        .get("/api/v1/nothing")
        .await
        .problem(ProblemKind::NotFound);
    let scopes: Vec<_> = Scope::ALL.iter().map(|scope| scope.to_string()).collect();
    assert_eq!(scopes, ["jobs", "workers", "operator"]);
}
