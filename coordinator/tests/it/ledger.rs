//! One's own books, and the audit of all of them.

use std::process::{Command, Output};
use std::time::Duration;

use http::StatusCode;
use pictor_coordinator::ledger::{Account, Book, Entry, EntryKind};
use pictor_protocol::ledger::{Balances, LedgerPage};
use pictor_protocol::people::{Role, Scope};
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{Micros, UserId};
use serde_json::json;

use crate::harness::process::program;
use crate::harness::{World, eventually};

#[tokio::test]
async fn everybody_sees_what_they_have_and_why_and_nobody_elses() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &[Role::Creator]).await;
    let client = world.script_of("ada", &[Scope::Jobs]).await;
    credits(&world, "sign-up", ada, 100_000_000).await;
    world.give_points(campaign, ada, 5_000_000).await;
    let hold = world.waiting_points(campaign, ada, 7_000_000).await;
    let balances: Balances = client.get("/api/v1/ledger").await.json();
    assert_eq!(balances.credits.available_micros, Micros::new(100_000_000));
    assert_eq!(balances.credits.held_micros, Micros::ZERO);
    let points = balances.points.unwrap();
    assert_eq!(points.campaign, campaign);
    assert_eq!(points.available_micros, Micros::new(5_000_000));
    assert_eq!(points.held_micros, Micros::new(7_000_000));

    world.settle(&hold).await;
    let page: LedgerPage = client.get("/api/v1/ledger/entries").await.json();
    let kinds: Vec<_> = page
        .entries
        .iter()
        .map(|entry| entry.kind.as_str())
        .collect();
    assert_eq!(kinds, ["settle", "render", "check-in", "sign-up"]);
    let settle = &page.entries[0];
    let moved: Vec<_> = settle
        .moved
        .iter()
        .map(|of| (of.account.as_str(), of.amount_micros.get()))
        .collect();
    assert_eq!(moved, [("held", -7_000_000), ("available", 7_000_000)]);
    assert_eq!(settle.inputs, json!({ "hold": hold }));
    assert_eq!(page.entries[1].inputs["reference_ms"], 60_000);
    assert_eq!(page.next, None);

    world.person("bob", &[]).await;
    let bob = world.script_of("bob", &[Scope::Jobs]).await;
    let page: LedgerPage = bob.get("/api/v1/ledger/entries").await.json();
    assert_eq!(page.entries, []);
}

#[tokio::test]
async fn entries_come_in_pages_whole_and_of_one_book_if_asked() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &[]).await;
    let client = world.script_of("ada", &[Scope::Jobs]).await;
    for number in 0..7 {
        credits(&world, &format!("quest/{number}"), ada, 1 + number).await;
        world.waiting_points(campaign, ada, 10).await;
    }
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let address = format!("/api/v1/ledger/entries?limit=3{before}");
        let page: LedgerPage = client.get(&address).await.json();
        seen.extend(page.entries.iter().map(|entry| entry.id));
        let Some(next) = page.next else { break };
        before = format!("&before={next}");
    }
    let mut expected = seen.clone();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    expected.dedup();
    assert_eq!((seen.len(), &seen), (14, &expected));

    let of = async |book: &str| {
        client
            .get(&format!("/api/v1/ledger/entries?book={book}"))
            .await
    };
    assert_eq!(of("credits").await.json::<LedgerPage>().entries.len(), 7);
    let points: LedgerPage = of(&format!("points/{campaign}")).await.json();
    assert!(points.entries.iter().all(|entry| entry.kind == "render"));
    assert_eq!(points.entries.len(), 7);
    of("gold").await.problem(ProblemKind::Invalid);
}

#[tokio::test]
async fn the_table_is_a_file_of_ones_own() {
    let world = World::start().await;
    let ada = world.person("ada", &[]).await;
    let client = world.script_of("ada", &[Scope::Jobs]).await;
    credits(&world, "sign-up", ada, 100_500_000).await;
    let table = client.get("/api/v1/ledger.csv").await;
    assert_eq!(table.status, StatusCode::OK);
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    let text = String::from_utf8(table.body.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(
        text.contains(",credits,sign-up,available,100.5,sign-up,"),
        "{text}"
    );
}

#[tokio::test]
async fn the_audit_says_that_the_books_are_right_or_what_is_wrong_with_them() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let ada = world.person("ada", &[]).await;
    credits(&world, "sign-up", ada, 100_000_000).await;
    world.waiting_points(campaign, ada, 2_000_000).await;
    let right = verify(&world);
    let (out, err) = said(&right);
    assert_eq!(right.status.code(), Some(0), "{err}");
    assert!(out.contains("credits: 1 entries, 100 minted"), "{out}");
    assert!(
        out.contains(&format!("points/{campaign}: 1 entries, 2 minted")),
        "{out}"
    );
    assert!(out.contains("the books are right"), "{out}");

    world
        .sql("UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'available'")
        .await;
    let wrong = verify(&world);
    let (_, err) = said(&wrong);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(err.contains("its postings sum to 100"), "{err}");
    assert!(err.contains("1 faults"), "{err}");
}

#[tokio::test]
async fn the_coordinator_audits_the_books_every_night_and_can_be_watched() {
    let world = World::start().await;
    let ada = world.person("ada", &[]).await;
    credits(&world, "sign-up", ada, 100_000_000).await;
    let metrics = async || {
        let metrics = world.creator.get("/metrics").await;
        String::from_utf8_lossy(&metrics.body).into_owned()
    };
    let before = metrics().await;
    assert!(before.contains("pictor_ledger_faults 0"), "{before}");
    assert!(
        before.contains("pictor_ledger_audit_timestamp_seconds 0"),
        "{before}"
    );

    world
        .sql("UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'available'")
        .await;
    world.clock.advance(Duration::from_secs(24 * 3_600));
    let after = eventually("an audit", async || {
        let text = metrics().await;
        let is_audited = !text.contains("pictor_ledger_audit_timestamp_seconds 0");
        if is_audited { Ok(text) } else { Err(text) }
    })
    .await;
    assert!(after.contains("pictor_ledger_faults 1"), "{after}");
}

async fn credits(world: &World, key: &str, to: UserId, micros: i64) {
    let entry = Entry::new(key, Book::Credits, EntryKind::SignUp, json!({}));
    let amount = Micros::new(micros);
    world
        .post(&entry.transfer(Account::Mint, Account::Available(to), amount))
        .await;
}

fn verify(world: &World) -> Output {
    let mut command = Command::new(program("pictor-coordinator"));
    command
        .args(["ledger", "verify", "--data"])
        .arg(world.data());
    command.output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
