//! All that is kept about a person, and the end of an account, through the API.

use http::{Method, StatusCode, header};
use pictor_coordinator::ledger::Book;
use pictor_protocol::fair_play::PersonFile;
use pictor_protocol::people::{AccountExport, DeletedAccount, Role, Scope};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{Micros, UserId};
use serde_json::json;

use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::client::Answer;

const POINT: i64 = Micros::PER_ONE;

impl Browser {
    /// Deletes the account that is signed in, which has this name.
    pub async fn delete_account(&mut self, name: &str, forfeit: bool) -> Answer {
        let body = serde_json::to_vec(&json!({ "name": name, "forfeit": forfeit })).unwrap();
        self.ask(Method::DELETE, "/api/v1/me", body).await
    }
}

#[tokio::test]
async fn an_export_has_everything_of_oneself_and_no_secret() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let ada = world
        .person("ada", &[Role::Creator, Role::WorkerOwner])
        .await;
    let script = world.script_of("ada", &[Scope::Jobs, Scope::Workers]).await;
    world.give_credits(ada, 100).await;
    world.give_points(campaign, ada, 3 * POINT).await;
    let job = script.submit("1-3").await;
    let config = script
        .post("/api/v1/workers", &json!({ "name": "attic" }))
        .await;
    let token = config.json::<serde_json::Value>()["token"]
        .as_str()
        .unwrap()
        .to_owned();

    let mut browser = world.browser_of(ada).await;
    let answer = browser.get("/api/v1/me/export").await;
    let cache = &answer.headers[header::CACHE_CONTROL];
    assert_eq!(cache, "no-store");
    let text = answer.text();
    for secret in [token.as_str(), script.token(), "pcw_", "pct_", "pcs_"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let export: AccountExport = answer.json();
    assert_eq!((export.id, export.name.as_str()), (ada, "ada"));
    assert_eq!(export.jobs[0].id, job.id);
    assert_eq!(export.workers[0].name, "attic");
    assert_eq!((export.sessions.len(), export.tokens.len()), (1, 1));
    let points = export.ledger.iter().filter(|line| line.book != "credits");
    let sum: i64 = points.map(|line| line.amount_micros.get()).sum();
    assert_eq!(sum, 3 * POINT);

    let refused = script.get("/api/v1/me/export").await;
    refused.problem(ProblemKind::Forbidden);
}

#[tokio::test]
async fn a_deleted_account_leaves_its_id_and_right_books() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let ada = world
        .person("ada", &[Role::Creator, Role::WorkerOwner])
        .await;
    let script = world.script_of("ada", &[Scope::Jobs, Scope::Workers]).await;
    world.give_credits(ada, 100).await;
    world.give_points(campaign, ada, 3 * POINT).await;
    world.waiting_points(campaign, ada, 4 * POINT).await;
    let job = script.submit("1-3").await;
    script
        .post("/api/v1/workers", &json!({ "name": "attic" }))
        .await;
    let mut browser = world.browser_of(ada).await;

    let refused = browser.delete_account("ada", true).await;
    let problem = refused.problem(ProblemKind::Conflict);
    assert!(problem.detail.unwrap().contains("jobs"));
    let cancel = format!("/api/v1/jobs/{}/cancel", job.id);
    script.post(&cancel, &json!({})).await;
    let refused = browser.delete_account("adam", true).await;
    refused.problem(ProblemKind::Invalid);
    let refused = browser.delete_account("ada", false).await;
    let detail = refused.problem(ProblemKind::Conflict).detail.unwrap();
    assert!(
        detail.contains("7 points") && detail.contains("credits"),
        "{detail}"
    );
    let export = browser.get("/api/v1/me/export").await;
    assert_eq!(
        export.json::<AccountExport>().jobs.len(),
        1,
        "nothing is gone"
    );

    let gone = browser.delete_account("ada", true).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    let gone: DeletedAccount = gone.json();
    assert_eq!((gone.id, gone.jobs, gone.workers), (ada, 1, 1));
    assert_eq!(gone.forfeited.len(), 2);
    for answer in [
        browser.get("/api/v1/me").await,
        script.get("/api/v1/jobs").await,
    ] {
        answer.problem(ProblemKind::Unauthorized);
    }
    for book in [Book::Credits, Book::Points(campaign)] {
        let left = world.balance(book, ada).await;
        assert_eq!((left.available, left.held), (Micros::ZERO, Micros::ZERO));
    }
    assert_eq!(world.book_faults().await, [""; 0]);
    let file: PersonFile = world
        .creator
        .get(&format!("/api/v1/operator/people/{ada}"))
        .await
        .json();
    assert!(file.person.deleted_ms.is_some());
    assert_eq!(file.person.name, format!("deleted-{ada}"));
    for left in [
        "DELETE FROM scenes",
        "DELETE FROM jobs",
        "DELETE FROM blob_refs WHERE holder LIKE 'job:%' OR holder LIKE 'scene:%' OR holder LIKE 'user:%'",
        "DELETE FROM workers WHERE name <> ''",
    ] {
        assert_eq!(world.try_sql(left).await, Ok(0), "{left}");
    }
    // Their name is free, and a second deletion finds nobody.
    world.person("ada", &[]).await;
}

#[tokio::test]
async fn an_account_without_anything_goes_at_once_and_the_last_operator_stays() {
    let world = World::start().await;
    let ada = world.person("ada", &[]).await;
    let gone = world
        .browser_of(ada)
        .await
        .delete_account("ada", false)
        .await;
    let gone: DeletedAccount = gone.json();
    assert_eq!((gone.jobs, gone.forfeited), (0, vec![]));
    let operator: UserId = world.operator().await;
    let mut browser = world.browser_of(operator).await;
    let refused = browser.delete_account("operator", true).await;
    refused.problem(ProblemKind::Conflict);
}

#[tokio::test]
async fn an_account_goes_only_right_after_a_sign_in_and_by_no_script() {
    let world = World::start().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let script = world.script_of("ada", &[Scope::Jobs]).await;
    let mut browser = world.browser_of(ada).await;
    world
        .sql("UPDATE sessions SET created_us = created_us - 660000000")
        .await;
    let refused = browser.delete_account("ada", false).await;
    refused.problem(ProblemKind::SignInAgain);
    let body = serde_json::to_vec(&json!({ "name": "ada" })).unwrap();
    let refused = script.send(Method::DELETE, "/api/v1/me", body).await;
    refused.problem(ProblemKind::Forbidden);
}
