//! The end of a campaign: who has which rank, once and for all, for anybody to check.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use http::StatusCode;
use pictor_coordinator::campaign::rules::DEFAULT;
use pictor_coordinator::campaign::snapshot::{self, Winner};
use pictor_protocol::leaderboard::LeaderboardPage;
use pictor_protocol::problem::ProblemKind;
use pictor_protocol::snapshot::{CampaignKey, SnapshotTaken};
use pictor_protocol::{CampaignId, Cents, UserId};
use serde_json::json;

use crate::harness::client::Answer;
use crate::harness::process::program;
use crate::harness::{World, eventually};

const POINT: i64 = 1_000_000;

#[tokio::test]
async fn a_snapshot_is_taken_when_the_campaign_is_over_and_nothing_waits_any_more() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let people = participants(&world, campaign, 120).await;
    let hold = world
        .waiting_points(campaign, people[119], 500 * POINT)
        .await;
    world.close_campaign(campaign, 5).await;
    get(&world, campaign, "snapshot")
        .await
        .problem(ProblemKind::NotFound);
    get(&world, campaign, "ledger.csv")
        .await
        .problem(ProblemKind::NotFound);

    world.settle(&hold).await;
    let text = eventually("a snapshot", async || {
        let answer = get(&world, campaign, "snapshot").await;
        if answer.status == StatusCode::OK {
            Ok(answer)
        } else {
            Err(answer)
        }
    })
    .await;
    assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    // Whoever was last before the end of the waiting is first.
    let winners = winners(&world, campaign).await;
    assert_eq!(winners.len(), 100);
    assert_eq!(winners[0], winner(people[119], 1, 20_000));
    assert_eq!(winners[1], winner(people[0], 2, 10_000));
    assert_eq!(winners[99], winner(people[98], 100, 800));
    let paid = Cents::checked_sum(winners.iter().map(|winner| winner.prize));
    assert_eq!(paid, Some(Cents::new(199_000)));

    let board = get_board(&world).await;
    assert!(board.is_final);
    // What moves later changes the leaderboard and not the snapshot.
    world.give_points(campaign, people[3], 1_000 * POINT).await;
    assert_eq!(get(&world, campaign, "snapshot").await.body, text.body);
    check_as_anybody(&world, campaign).await;
}

#[tokio::test]
async fn an_operator_may_decide_not_to_wait_and_decides_once() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let people = participants(&world, campaign, 3).await;
    world.waiting_points(campaign, people[2], 500 * POINT).await;
    let address = format!("/api/v1/operator/campaigns/{campaign}/snapshot");
    let take = async || world.creator.post(&address, &json!({})).await;
    take().await.problem(ProblemKind::Conflict);
    // Whoever read the clock before the end may still write.
    world.close_campaign(campaign, 0).await;
    take().await.problem(ProblemKind::Conflict);

    world.clock.advance(Duration::from_secs(90));
    let (one, other) = tokio::join!(take(), take());
    assert_eq!(one.status, StatusCode::OK, "{one:?}");
    let taken: SnapshotTaken = one.json();
    assert_eq!(taken, other.json());
    assert_eq!(taken.people, 3);
    let first = winners(&world, campaign).await[0];
    assert_eq!(
        first,
        winner(people[0], 1, 20_000),
        "what waits does not count"
    );
    check_as_anybody(&world, campaign).await;

    let world = world.restart().await;
    let again: SnapshotTaken = world.creator.post(&address, &json!({})).await.json();
    assert_eq!(again, taken);
    let elsewhere = format!("/api/v1/operator/campaigns/{}/snapshot", uuid::Uuid::nil());
    let nowhere = world.creator.post(&elsewhere, &json!({})).await;
    nowhere.problem(ProblemKind::NotFound);
    let stranger = world.stranger("stranger").await;
    stranger
        .post(&address, &json!({}))
        .await
        .problem(ProblemKind::Forbidden);
}

#[tokio::test]
async fn what_moves_while_a_snapshot_is_taken_is_in_it_whole_or_not_at_all() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let people = participants(&world, campaign, 60).await;
    world.close_campaign(campaign, 2).await;
    let address = format!("/api/v1/operator/campaigns/{campaign}/snapshot");
    let moving = async {
        for user in people.iter().cycle().take(200) {
            world.give_points(campaign, *user, POINT).await;
        }
    };
    let taking = eventually("a snapshot", async || {
        let taken = world.creator.post(&address, &json!({})).await;
        if taken.status == StatusCode::OK {
            Ok(())
        } else {
            Err(taken)
        }
    });
    tokio::join!(moving, taking);
    check_as_anybody(&world, campaign).await;
}

#[tokio::test]
async fn a_campaign_in_which_nobody_earned_anything_has_a_snapshot_too() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    world.close_campaign(campaign, 2).await;
    take(&world, campaign).await;
    assert_eq!(winners(&world, campaign).await, []);
    check_as_anybody(&world, campaign).await;
}

#[tokio::test]
async fn whoever_changes_a_rank_a_posting_or_the_database_is_found_out() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    participants(&world, campaign, 9).await;
    world.close_campaign(campaign, 2).await;
    take(&world, campaign).await;
    let published = Published::of(&world, campaign).await;
    let key = published.key.clone();

    let text = std::fs::read_to_string(published.path("snapshot")).unwrap();
    std::fs::write(published.path("snapshot"), text.replace("\n3,", "\n4,")).unwrap();
    let forged = published.verify(&key);
    assert_eq!(forged.status.code(), Some(1));
    assert!(
        said(&forged).contains("another key, or for another text"),
        "{}",
        said(&forged)
    );
    assert!(!published.recompute(true).status.success());
    let unsigned = published.recompute(false);
    assert!(
        said(&unsigned).contains("does not follow"),
        "{}",
        said(&unsigned)
    );
    std::fs::write(published.path("snapshot"), &text).unwrap();
    let by_other = published.verify(&format!("58{}", "66".repeat(31)));
    assert_eq!(by_other.status.code(), Some(1), "{}", said(&by_other));
    assert_eq!(published.verify(&key).status.code(), Some(0));

    let ledger = std::fs::read_to_string(published.path("ledger.csv")).unwrap();
    let row = ledger.lines().last().unwrap();
    let (start, amount) = row.rsplit_once(',').unwrap();
    let more = format!("{start},{}", amount.parse::<i64>().unwrap() + 1);
    std::fs::write(published.path("ledger.csv"), ledger.replace(row, &more)).unwrap();
    let unbalanced = published.recompute(true);
    assert!(
        said(&unbalanced).contains("do not sum to zero"),
        "{}",
        said(&unbalanced)
    );

    for edit in [
        "UPDATE campaign_snapshots SET text = 'x'",
        "DELETE FROM campaign_snapshots",
        "INSERT OR REPLACE INTO campaign_snapshots SELECT * FROM campaign_snapshots",
        "UPDATE campaign_winners SET prize_cents = 1",
        "DELETE FROM campaign_winners",
        "INSERT OR REPLACE INTO campaign_winners SELECT * FROM campaign_winners",
    ] {
        let refused = world.try_sql(edit).await.unwrap_err();
        assert!(
            refused.contains("a snapshot is taken once"),
            "{edit}: {refused}"
        );
    }
}

#[tokio::test]
async fn what_is_published_names_nobody() {
    let world = World::start().await;
    let campaign = world.running_campaign().await;
    let people = participants(&world, campaign, 5).await;
    world.close_campaign(campaign, 2).await;
    take(&world, campaign).await;
    for part in ["snapshot", "ledger.csv"] {
        let text = get(&world, campaign, part).await;
        let text = String::from_utf8(text.body.to_vec()).unwrap();
        assert!(!text.contains("aptos-"), "{text}");
        for user in &people {
            assert!(!text.contains(&user.to_string()), "{text}");
        }
    }
    let key = world.data().join("campaign.key");
    let secret = std::fs::read_to_string(&key).unwrap();
    let database = std::fs::read(world.database()).unwrap();
    let found = database
        .windows(64)
        .any(|window| window == secret.trim().as_bytes());
    assert!(!found, "the key is in the database");
}

/// People with points, the first one with the most.
async fn participants(world: &World, campaign: CampaignId, count: usize) -> Vec<UserId> {
    let people = world.crowd(count).await;
    for (index, user) in people.iter().enumerate() {
        // Pairs have the same, and whoever has the smaller index had it first.
        world
            .give_points(campaign, *user, (200 - index as i64 / 2) * POINT)
            .await;
    }
    people
}

async fn take(world: &World, campaign: CampaignId) -> SnapshotTaken {
    let address = format!("/api/v1/operator/campaigns/{campaign}/snapshot");
    let taken = world.creator.post(&address, &json!({})).await;
    assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
    taken.json()
}

/// What a campaign published, as files.
struct Published {
    folder: tempfile::TempDir,
    key: String,
}

impl Published {
    async fn of(world: &World, campaign: CampaignId) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["snapshot", "snapshot.sig", "ledger.csv"] {
            let answer = get(world, campaign, part).await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            std::fs::write(folder.path().join(part), &answer.body).unwrap();
        }
        std::fs::write(folder.path().join("rules.toml"), DEFAULT).unwrap();
        let nobody = world.creator.with_token("");
        let key: CampaignKey = nobody.get("/api/v1/campaign-key").await.json();
        assert_eq!(key.algorithm, "ed25519");
        Self {
            folder,
            key: key.public_key,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command that comes with the coordinator.
    fn verify(&self, key: &str) -> Output {
        let mut command = Command::new(program("pictor-coordinator"));
        command
            .args(["snapshot", "verify", "--key", key])
            .arg(self.path("snapshot"));
        command.output().unwrap()
    }

    /// Somebody else's script.
    fn recompute(&self, with_signature: bool) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/recompute_snapshot.py");
        let mut command = Command::new("python3");
        command
            .arg(script)
            .args(["ledger.csv", "rules.toml", "snapshot"].map(|name| self.path(name)));
        if with_signature {
            command.arg(self.path("snapshot.sig")).arg(&self.key);
        }
        command.output().unwrap()
    }
}

async fn check_as_anybody(world: &World, campaign: CampaignId) {
    let published = Published::of(world, campaign).await;
    let recomputed = published.recompute(true);
    assert!(recomputed.status.success(), "{}", said(&recomputed));
    let verified = published.verify(&published.key);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
}

async fn get(world: &World, campaign: CampaignId, part: &str) -> Answer {
    let nobody = world.creator.with_token("");
    nobody
        .get(&format!("/api/v1/campaigns/{campaign}/{part}"))
        .await
}

async fn get_board(world: &World) -> LeaderboardPage {
    world.creator.get("/api/v1/leaderboard").await.json()
}

async fn winners(world: &World, campaign: CampaignId) -> Vec<Winner> {
    let mut tx = world.store.read().await.unwrap();
    snapshot::winners(&mut tx, campaign).await.unwrap().unwrap()
}

fn winner(user: UserId, rank: u32, cents: i64) -> Winner {
    Winner {
        user,
        rank,
        prize: Cents::new(cents),
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
