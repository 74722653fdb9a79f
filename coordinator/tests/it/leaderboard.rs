//! Who has how many points, as everybody sees it.

mod bench;

use http::{Method, StatusCode};
use pictor_protocol::leaderboard::{LeaderboardPage, MyRank, PublicName};
use pictor_protocol::people::Scope;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::{Cents, Micros, UserId};
use serde_json::json;

use crate::harness::client::{Answer, Client};
use crate::harness::{World, eventually};

const POINT: i64 = 1_000_000;

#[tokio::test]
async fn without_a_campaign_nobody_ranks() {
    let world = World::start().await;
    let page = board(&world, "").await;
    assert_eq!((page.campaign, page.people, page.ranks), (None, 0, vec![]));
    let mine: MyRank = world.creator.get("/api/v1/leaderboard/me").await.json();
    assert_eq!((mine.rank, mine.name.as_str()), (None, "somebody"));
}

#[tokio::test]
async fn everybody_sees_the_ranks_with_what_they_get() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let people = world.crowd(110).await;
    for (index, user) in people.iter().enumerate() {
        world
            .give_points(campaign, *user, (200 - index as i64) * POINT)
            .await;
    }
    let page = until_people(&world, 110).await;
    assert_eq!(page.campaign, Some(campaign));
    assert_eq!(page.currency.as_deref(), Some("USD"));
    assert!(!page.is_final);
    assert_eq!(page.ranks.len(), 50, "a page");

    let mut prizes = Vec::new();
    let mut points = Vec::new();
    for from in [1, 101] {
        let page = board(&world, &format!("?from={from}&limit=100")).await;
        prizes.extend(page.ranks.iter().map(|rank| rank.prize_cents));
        points.extend(
            page.ranks
                .iter()
                .map(|rank| (rank.rank, rank.points_micros.get())),
        );
    }
    let expected: Vec<_> = (1..=110)
        .map(|rank| (rank, (201 - rank as i64) * POINT))
        .collect();
    assert_eq!(points, expected);
    // The table of the facts, to the cent.
    let paid = Cents::checked_sum(prizes.iter().flatten().copied());
    assert_eq!(paid, Some(Cents::new(199_000)));
    assert_eq!(
        (prizes[0], prizes[99], prizes[100]),
        (Some(Cents::new(20_000)), Some(Cents::new(800)), None)
    );
    assert_eq!(board(&world, "?from=111").await.ranks, []);
}

#[tokio::test]
async fn points_that_wait_are_shown_and_do_not_count_until_they_settle() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let [ada, bob] = world.crowd(2).await[..] else {
        panic!("two people")
    };
    world.give_points(campaign, ada, 3 * POINT).await;
    world.give_points(campaign, bob, 2 * POINT).await;
    let hold = world.waiting_points(campaign, bob, POINT).await;
    let page = until_people(&world, 2).await;
    let shown: Vec<_> = page
        .ranks
        .iter()
        .map(|rank| (rank.points_micros.get(), rank.waiting_micros.get()))
        .collect();
    assert_eq!(shown, [(3 * POINT, 0), (2 * POINT, POINT)]);

    // Now bob has as many, but ada had them first.
    world.settle(&hold).await;
    let page = until(&world, "a second one with 3 points", |page| {
        page.ranks[1].points_micros.get() == 3 * POINT
    })
    .await;
    assert_eq!(page.ranks[0].waiting_micros, Micros::ZERO);
    world.give_points(campaign, bob, 1).await;
    until(&world, "bob in front", |page| {
        page.ranks[0].points_micros.get() == 3 * POINT + 1
    })
    .await;
}

#[tokio::test]
async fn a_restarted_coordinator_has_the_same_ranks_at_once() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    for (index, user) in world.crowd(20).await.into_iter().enumerate() {
        world
            .give_points(campaign, user, (1 + index as i64 % 7) * POINT)
            .await;
    }
    let before = until_people(&world, 20).await;
    let world = world.restart().await;
    assert_eq!(board(&world, "").await, before);
}

#[tokio::test]
async fn everybody_sees_their_own_place_and_what_is_missing_to_better_ones() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    for (index, user) in world.crowd(20).await.into_iter().enumerate() {
        world
            .give_points(campaign, user, (100 - index as i64) * POINT)
            .await;
    }
    let (ada, client) = somebody(&world, "ada").await;
    world.give_points(campaign, ada, 90 * POINT).await;
    world.waiting_points(campaign, ada, 4 * POINT).await;
    until_people(&world, 21).await;
    let mine: MyRank = client.get("/api/v1/leaderboard/me").await.json();
    // Somebody else had 90 points before.
    assert_eq!((mine.rank, mine.people), (Some(12), 21));
    assert_eq!(
        (mine.points_micros.get(), mine.waiting_micros.get()),
        (90 * POINT, 4 * POINT)
    );
    assert_eq!(mine.prize_cents, Some(Cents::new(5_000)));
    let next = mine.to_next_rank.unwrap();
    assert_eq!((next.rank, next.missing_micros.get()), (11, 1));
    let prize = mine.to_next_prize.unwrap();
    assert_eq!(
        (prize.rank, prize.prize_cents),
        (5, Some(Cents::new(10_000)))
    );
    assert_eq!(prize.missing_micros.get(), 6 * POINT + 1);
    let around: Vec<_> = mine
        .neighbours
        .iter()
        .map(|of| (of.rank, of.is_me))
        .collect();
    assert_eq!(
        around,
        [
            (10, false),
            (11, false),
            (12, true),
            (13, false),
            (14, false)
        ]
    );

    let (_, newcomer) = somebody(&world, "new").await;
    let mine: MyRank = newcomer.get("/api/v1/leaderboard/me").await.json();
    assert_eq!(
        (mine.rank, mine.points_micros, mine.neighbours),
        (None, Micros::ZERO, vec![])
    );
    // Any points at all are a rank here, and one that gets something.
    let first = mine.to_next_rank.unwrap();
    assert_eq!((first.rank, first.missing_micros.get()), (22, 1));
    assert_eq!(first.prize_cents, Some(Cents::new(1_400)));
    assert_eq!(mine.to_next_prize, Some(first));
}

#[tokio::test]
async fn nobody_is_named_before_they_choose_a_name() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let wallet = "aptos-147e4d3a5b10";
    let (ada, client) = somebody(&world, wallet).await;
    world.give_points(campaign, ada, POINT).await;
    let page = until_people(&world, 1).await;
    assert!(page.ranks[0].name.starts_with("somebody-"), "{page:?}");
    for beginning in ["aptos", wallet, "0x147e", ""] {
        assert_eq!(
            board(&world, &format!("?name={beginning}")).await.ranks,
            [],
            "{beginning}"
        );
    }

    let chosen = choose(&client, json!({ "name": "Ada Lovelace" })).await;
    assert_eq!(chosen.status, StatusCode::OK);
    assert!(chosen.json::<PublicName>().is_chosen);
    assert_eq!(board(&world, "").await.ranks[0].name, "Ada Lovelace");
    let found = board(&world, "?name=ADA%20lo").await;
    assert_eq!((found.ranks.len(), found.ranks[0].rank), (1, 1));
    assert_eq!(board(&world, "?name=ad%25").await.ranks, []);

    let (_, other) = somebody(&world, "other").await;
    choose(&other, json!({ "name": "ada LOVELACE" }))
        .await
        .problem(ProblemKind::Conflict);
    for bad in ["a@example.org", "0x147e4d3a5b10", "operator", "x"] {
        let refused = choose(&other, json!({ "name": bad })).await;
        assert_eq!(
            refused.problem(ProblemKind::Invalid).faults[0].field,
            "name"
        );
    }
    // One's own name can be written in another way, and be given up.
    let again = choose(&client, json!({ "name": "ADA Lovelace" })).await;
    assert_eq!(again.status, StatusCode::OK);
    let hidden: PublicName = choose(&client, json!({})).await.json();
    assert!(!hidden.is_chosen);
    assert_eq!(board(&world, "").await.ranks[0].name, hidden.name);
    let taken = choose(&other, json!({ "name": "Ada Lovelace" })).await;
    assert_eq!(taken.status, StatusCode::OK);
}

async fn choose(client: &Client, body: serde_json::Value) -> Answer {
    let body = serde_json::to_vec(&body).unwrap();
    client
        .send(Method::PUT, "/api/v1/leaderboard/name", body)
        .await
}

async fn somebody(world: &World, name: &str) -> (UserId, Client) {
    let user = world.person(name, &[]).await;
    (user, world.script_of(name, &[Scope::Jobs]).await)
}

/// As nobody in particular sees it.
async fn board(world: &World, query: &str) -> LeaderboardPage {
    let nobody = world.creator.with_token("");
    let answer = nobody.get(&format!("/api/v1/leaderboard{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn until(
    world: &World,
    what: &str,
    wanted: impl Fn(&LeaderboardPage) -> bool,
) -> LeaderboardPage {
    eventually(what, async || {
        let page = board(world, "").await;
        if wanted(&page) { Ok(page) } else { Err(page) }
    })
    .await
}

async fn until_people(world: &World, people: u64) -> LeaderboardPage {
    until(world, "a rank for everybody", |page| page.people == people).await
}
