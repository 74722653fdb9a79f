//! A coordinator process that is killed (`kill -9`) again and again while people earn and spend.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use pictor_coordinator::store::Store;
use pictor_coordinator::store::ledger::lines_of;
use pictor_protocol::UserId;
use pictor_protocol::people::{Role, Scope};
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::World;
use crate::harness::browser::Browser;
use crate::harness::client::Client;
use crate::harness::process::{Process, program, written};
use crate::harness::scenes;

const KILLS: usize = 8;
const PEOPLE: usize = 1_000;
const AT_ONCE: usize = 8;

#[tokio::test]
async fn the_books_hold_after_a_kill_loop_and_have_all_that_was_acknowledged() {
    let world = World::start().await;
    world.economy(&[]).await;
    let creator_id = world.person("creator", &[Role::Creator]).await;
    world.give_credits(creator_id, 1_000).await;
    let creator = world.script_of("creator", &[Scope::Jobs]).await;
    let scene = creator.scene(&scenes::sample()).await.id;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let name = format!("person {number}");
        let user = world.person(&name, &[Role::CommunityMember]).await;
        let browser = world.browser_of(user).await;
        people.push((user, browser.cookie("pictor_session").unwrap().to_owned()));
    }
    let stopped = world.stop().await;

    let bind = free_port();
    let crowd = Arc::new(Crowd {
        url: format!("http://{bind}"),
        people,
        next: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let crowd = Arc::clone(&crowd);
        tasks.spawn(async move { crowd.check_in().await });
    }
    let job = json!({ "scene": scene, "frames": "1-5" });
    let (spending, token) = (Arc::clone(&crowd), creator.token().to_owned());
    tasks.spawn(async move { spending.spend(&token, &job).await });
    for _ in 0..KILLS {
        let mut process = serve(stopped.data(), &bind).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        process.kill();
    }
    let mut last = serve(stopped.data(), &bind).await;
    crowd.is_over.store(true, Ordering::SeqCst);
    let acknowledged: BTreeSet<usize> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(last.terminate().await, Some(0));
    assert!(acknowledged.len() > 20, "only {}", acknowledged.len());

    let verified = Command::new(program("pictor-coordinator"))
        .args(["ledger", "verify", "--data"])
        .arg(stopped.data())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
    let database = stopped.data().join("pictor.sqlite3");
    let store = Store::open_sqlite(&database).await.unwrap();
    let mut tx = store.read().await.unwrap();
    for number in acknowledged {
        let of = crowd.people[number].0;
        let lines = lines_of(&mut tx, of, None, None, 10).await.unwrap();
        let kinds: Vec<_> = lines.iter().map(|line| line.kind.as_str()).collect();
        assert_eq!(kinds, ["check-in"], "person {number}");
    }
}

/// People who ask a coordinator that is there only now and then.
struct Crowd {
    url: String,
    /// With the cookies of their sessions.
    people: Vec<(UserId, String)>,
    next: AtomicUsize,
    is_over: AtomicBool,
}

impl Crowd {
    /// One after the other checks in until it is acknowledged, or was before; answers who.
    async fn check_in(&self) -> Vec<usize> {
        let mut acknowledged = Vec::new();
        while !self.is_over.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let Some((_, cookie)) = self.people.get(number) else {
                break;
            };
            let mut browser = Browser::on(&self.url);
            browser.set_cookie("pictor_session", cookie);
            while !self.is_over.load(Ordering::SeqCst) {
                let Some(answer) = browser.try_post("/api/v1/check-ins").await else {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let is_there = answer.status.is_success() || answer.status == StatusCode::CONFLICT;
                assert!(is_there, "{answer:?}");
                acknowledged.push(number);
                break;
            }
        }
        acknowledged
    }

    /// Submits jobs, each of which sets credits aside.
    async fn spend(&self, token: &str, job: &serde_json::Value) -> Vec<usize> {
        let creator = Client::new(&self.url, token);
        let body = serde_json::to_vec(job).unwrap();
        while !self.is_over.load(Ordering::SeqCst) {
            let asked = creator.try_open(Method::POST, "/api/v1/jobs", &[], body.clone());
            let _answer = asked.await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Vec::new()
    }
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn serve(data: &Path, bind: &str) -> Process {
    let ready = data.join("ready");
    let _absent = std::fs::remove_file(&ready);
    let mut command = Command::new(program("pictor-coordinator"));
    command
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(["--bind", bind]);
    command.arg("--ready-file").arg(&ready);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process::start("the coordinator", quiet);
    written(&ready).await;
    process
}
