//! Presence challenges: scripted workers that paint, and real ones that render.

mod answers;
mod real;
mod rounds;

use std::time::Duration;

use http::{Method, StatusCode};
use image::Rgb;
use pictor_coordinator::campaign::calendar::{HOUR_US, hour_of};
use pictor_coordinator::presence::draw::{LAST_US, READY_US};
use pictor_coordinator::store::challenges::{self, Status};
use pictor_coordinator::store::online::{self, ProofRow};
use pictor_protocol::agent::{Command, Device, SlotInfo};
use pictor_protocol::blender::Series;
use pictor_protocol::challenge::{
    BeginChallenge, Challenge, ChallengeReceived, Colour, HEIGHT, PATCH, Stage, WIDTH,
};
use pictor_protocol::worker_config::WorkerConfig;
use pictor_protocol::{ChallengeId, WorkerId};
use serde_json::json;

use crate::harness::client::{Answer, Client};
use crate::harness::scenes::png_of;
use crate::harness::worker::ScriptedWorker;
use crate::harness::{World, eventually};

const SECOND_US: i64 = 1_000_000;

/// A scripted worker with one slot of this score that belongs to somebody of this name.
async fn worker_of(world: &World, name: &str, score: f64) -> ScriptedWorker {
    let owner = world.stranger(name).await;
    worker_with(world, &config_of(&owner, name).await, score).await
}

async fn config_of(owner: &Client, name: &str) -> WorkerConfig {
    let made = owner
        .post("/api/v1/workers", &json!({ "name": name }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.json()
}

async fn worker_with(world: &World, config: &WorkerConfig, score: f64) -> ScriptedWorker {
    let slot = SlotInfo {
        score: Some(score),
        ..SlotInfo::new(0, Device::Cpu, "test")
    };
    ScriptedWorker::connect_of(world, config, &[Series::new(4, 5)], vec![slot]).await
}

/// A picture as somebody without much talent draws a stage: the patches, and waves of its colours with noise.
fn painted(stage: &Stage, noise: u32) -> Vec<u8> {
    png_of(WIDTH, HEIGHT, |x, y| {
        if y < 2 * PATCH {
            let at = y / PATCH * (WIDTH / PATCH) + x / PATCH;
            return Rgb(stage.patches[at as usize].0);
        }
        let things = [stage.monkey, stage.ball, stage.drop, stage.lamp];
        let Colour(colour) = things[(x * 4 / WIDTH) as usize].colour;
        let Colour(sky) = stage.sky;
        let grain = (x.wrapping_mul(31) ^ y.wrapping_mul(17)).wrapping_mul(noise) % 9;
        Rgb([0, 1, 2].map(|channel| {
            let mixed =
                (u32::from(colour[channel]) * y + u32::from(sky[channel]) * (HEIGHT - y)) / HEIGHT;
            (mixed + grain).min(255) as u8
        }))
    })
}

impl World {
    /// The last moments of this hour or the next in which slots are asked: everybody left is then. Workers answer
    /// challenges from now on.
    async fn last_moments(&self) {
        let into_us = self.clock.now_us().rem_euclid(HOUR_US);
        let target_us = LAST_US - 12 * SECOND_US;
        let by_us = (target_us - into_us).rem_euclid(HOUR_US);
        self.clock.advance(Duration::from_micros(by_us as u64));
    }

    /// From now on these answer challenges; all at once, so that one look of the coordinator finds all.
    async fn everybody_answers(&self) {
        self.sql("UPDATE workers SET answers_challenges = 1").await;
    }

    /// Brings everybody to the last moments of an hour, and there in one round.
    async fn asked(&self, workers: &[&ScriptedWorker]) -> Vec<ChallengeId> {
        self.last_moments().await;
        for worker in workers {
            worker.report(worker.empty()).await;
        }
        self.everybody_answers().await;
        let mut asked = Vec::new();
        for worker in workers {
            asked.push(worker.challenge().await);
        }
        asked
    }

    /// The hour in which challenges are asked now.
    fn hour(&self) -> i64 {
        hour_of(self.clock.now_us())
    }

    /// Everybody who is asked has had the time to get ready.
    fn opens(&self) {
        self.clock.advance(Duration::from_micros(READY_US as u64));
    }

    async fn statuses(&self, worker: WorkerId) -> Vec<Status> {
        let mut tx = self.store.read().await.unwrap();
        challenges::statuses(&mut tx, worker, self.hour())
            .await
            .unwrap()
    }

    async fn until_judged(&self, worker: WorkerId) -> Status {
        eventually("a verdict", async || {
            let statuses = self.statuses(worker).await;
            match statuses.last() {
                None | Some(Status::Open | Status::Answered) => Err(statuses),
                Some(status) => Ok(*status),
            }
        })
        .await
    }

    async fn proofs(&self, worker: WorkerId) -> Vec<ProofRow> {
        let mut tx = self.store.read().await.unwrap();
        online::proofs(&mut tx, worker, self.hour()).await.unwrap()
    }
}

impl ScriptedWorker {
    /// The challenge that it is told to answer.
    async fn challenge(&self) -> ChallengeId {
        for _ in 0..6 {
            for command in self.commands().await {
                if let Command::Challenge { challenge, slot: 0 } = command {
                    return challenge;
                }
            }
        }
        panic!("it was not asked");
    }

    async fn try_begin(&self, id: ChallengeId) -> Answer {
        let begin = BeginChallenge {
            instance: self.instance,
        };
        let path = format!("/agent/v1/challenges/{id}/begin");
        self.client.post(&path, &begin).await
    }

    async fn begin(&self, id: ChallengeId) -> Challenge {
        let begun = self.try_begin(id).await;
        assert_eq!(begun.status, StatusCode::OK, "{begun:?}");
        begun.json()
    }

    async fn try_answer(&self, id: ChallengeId, picture: Vec<u8>) -> Answer {
        let path = format!("/agent/v1/challenges/{id}/answer");
        self.client.send(Method::PUT, &path, picture).await
    }

    async fn answer(&self, id: ChallengeId, picture: Vec<u8>) -> ChallengeReceived {
        let answered = self.try_answer(id, picture).await;
        assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
        answered.json()
    }
}
